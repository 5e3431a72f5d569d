/* What an attempt hands to the host: one request or one outcome, with the memory behind it. Every attempt
 * owns one; each call starts it afresh, so what was handed out lives until the next call, as the interface
 * wants. */
#ifndef ALMONER_KIT_ANSWER_H
#define ALMONER_KIT_ANSWER_H

#include <jansson.h>

#include "connectors/almoner_connector.h"
#include "connectors/kit/context.h"
#include "connectors/kit/secrets.h"
#include "connectors/kit/text.h"

#define KIT_ANSWER_HEADERS_MAX 41
#define KIT_ANSWER_DETAIL_MAX  300

struct kit_answer {
	const struct kit_secrets *secrets;
	struct kit_text url;
	struct kit_text body;
	struct kit_text values; /* of headers that are rendered per attempt */
	struct kit_text detail;
	struct kit_text result;
	struct kit_text checkpoint;
	struct almoner_header headers[KIT_ANSWER_HEADERS_MAX];
	size_t header_count;
};

void kit_answer_init(struct kit_answer *answer, const struct kit_secrets *secrets);
void kit_answer_free(struct kit_answer *answer);
/* Before each `next`: empties the parts. */
void kit_answer_start(struct kit_answer *answer);

/* Adds a header whose texts outlive the call. */
void kit_answer_header(struct kit_answer *answer, const char *name, struct almoner_text value);

/* Hands out url, headers and body as a request; `body` false: none. Returns what `next` returns. */
int kit_answer_send(struct kit_answer *answer, const char *method, bool body, enum almoner_effect effect,
					struct almoner_action *action, struct almoner_error *error);

/* Finishes. `what` begins the detail ("creating the customer"; NULL: nothing), `said` is the target's own
 * word (NULL: the beginning of the reply's body when the class is not OK). `reply` may be NULL. The detail
 * becomes one line of clean UTF-8 without secrets. `result` is what answer.result holds, when it holds
 * something. */
int kit_answer_finish(struct kit_answer *answer, uint32_t result_class, const struct almoner_reply *reply,
					  const char *what, const char *message, struct almoner_action *action,
					  struct almoner_error *error);
int kit_answer_problem(struct kit_answer *answer, const struct kit_problem *problem,
					   struct almoner_action *action, struct almoner_error *error);

/* Writes {"id":…} into answer.result. */
void kit_answer_result_id(struct kit_answer *answer, const char *id);

#endif
