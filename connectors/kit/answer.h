/* The answer to one call of `next`: a request to send, or the outcome of the attempt. Each attempt owns one
 * struct kit_answer. The interface wants the texts of an action to live until the next call of the same
 * attempt, and so they do: only kit_answer_start and kit_answer_clear empty them.
 *
 * A connector fills the texts it needs (url, body, …) and ends its call with one of kit_answer_send,
 * kit_answer_finish and kit_answer_problem, or with kit_error_set(answer->error, …). */
#ifndef ALMONER_KIT_ANSWER_H
#define ALMONER_KIT_ANSWER_H

#include "connectors/almoner_connector.h"
#include "connectors/kit/error.h"
#include "connectors/kit/problem.h"
#include "connectors/kit/secrets.h"
#include "connectors/kit/text.h"

/* 38 headers of the settings and three that a connector adds. Chosen; no measurement. */
#define KIT_ANSWER_HEADERS_MAX 41
/* A detail is one line of a list, in bytes. A longer one is cut off after this. Chosen; no measurement. */
#define KIT_ANSWER_DETAIL_MAX 300

/* The longest code, 64 characters as the interface allows, and its NUL. */
#define KIT_ANSWER_CODE_BYTES 65

struct kit_answer {
	const struct kit_secrets *secrets; /* of the instance; NULL: none */
	struct kit_text url;
	struct kit_text body;
	struct kit_text values; /* memory for header values that are rendered in each attempt */
	struct kit_text detail;
	struct kit_text result;     /* JSON object with the result of the step; empty: no result */
	struct kit_text checkpoint; /* JSON that the next attempt gets back; empty: nothing to remember */
	/* The target's own code for the outcome, and what it said about its rate limit: see struct almoner_done.
	 * Set them before kit_answer_finish. */
	char code[KIT_ANSWER_CODE_BYTES];
	struct almoner_rate rate;
	struct almoner_header headers[KIT_ANSWER_HEADERS_MAX];
	size_t header_count;

	/* The arguments of the present call of `next`, borrowed from the host until `next` returns. `reply` is
	 * the reply to the last exchange; NULL in the first call of the attempt. */
	const struct almoner_reply *reply;
	struct almoner_action *action;
	struct almoner_error *error;
};

void kit_answer_init(struct kit_answer *answer, const struct kit_secrets *secrets);
void kit_answer_free(struct kit_answer *answer);
/* Begins the answer to a new call of `next`. struct kit_shell does this for its connectors. */
void kit_answer_start(struct kit_answer *answer, const struct almoner_reply *reply,
					  struct almoner_action *action, struct almoner_error *error);
/* Empties the texts and the headers. The call that is being answered stays the same. */
void kit_answer_clear(struct kit_answer *answer);

/* Adds a header to the request. `name` and the value are not copied: they must live as long as the answer's
 * own texts. */
void kit_answer_header(struct kit_answer *answer, const char *name, struct almoner_text value);

/* The next three functions fill the action and return what `next` has to return. */

/* Sends answer->url and the headers, with answer->body if `body` is true. */
int kit_answer_send(struct kit_answer *answer, const char *method, bool body, enum almoner_effect effect);
/* Ends the attempt with a class of enum almoner_class and with answer->result. The detail for the operator is
 * "WHAT: STATUS: MESSAGE". `what` names the exchange ("the request to create the customer"); NULL leaves it
 * out. `message` is the text that the target gave; NULL takes the start of the reply's body if the class is
 * not OK, "" leaves it out. The detail becomes one line of clean UTF-8 without secrets. */
int kit_answer_finish(struct kit_answer *answer, uint32_t result_class, const char *what,
					  const char *message);
/* Ends the attempt with the class and the text of a problem. The status of the reply is left out, because the
 * reply is not what failed. */
int kit_answer_problem(struct kit_answer *answer, const struct kit_problem *problem);

/* Sets answer->code. A character that a code must not have (a blank, or one beyond ASCII) becomes '_', and a
 * longer code is cut off; NULL or "" means no code, and so does a text with a secret in it. */
void kit_answer_code(struct kit_answer *answer, const char *code);

/* Writes {"id":…} into answer->result. */
void kit_answer_result_id(struct kit_answer *answer, const char *id);

#endif
