/* What an attempt hands to the host: one request or one outcome, with the memory behind it. Every attempt
 * owns one; each call starts it afresh, so what was handed out lives until the next call, as the interface
 * wants. */
#ifndef ALMONER_KIT_ANSWER_H
#define ALMONER_KIT_ANSWER_H

#include <jansson.h>

#include "connectors/almoner_connector.h"
#include "connectors/kit/context.h"
#include "connectors/kit/text.h"

#define ANSWER_HEADERS_MAX 41
#define ANSWER_DETAIL_MAX  300

/* Texts that must never come out in a detail, for example because a target echoes our request. */
struct secrets {
	char **items;
	size_t count;
};

/* Remembers a copy; short ones (under 6 bytes) would blot out ordinary words and are left alone. */
void secrets_add(struct secrets *secrets, const char *text);
void secrets_free(struct secrets *secrets); /* wipes them */

struct answer {
	const struct secrets *secrets;
	struct text url;
	struct text body;
	struct text values; /* of headers that are rendered per attempt */
	struct text detail;
	struct text result;
	struct text checkpoint;
	struct almoner_header headers[ANSWER_HEADERS_MAX];
	size_t header_count;
};

void answer_init(struct answer *answer, const struct secrets *secrets);
void answer_free(struct answer *answer);
/* Before each `next`: empties the parts. */
void answer_start(struct answer *answer);

/* Adds a header whose texts outlive the call. */
void answer_header(struct answer *answer, const char *name, struct almoner_text value);

/* Hands out url, headers and body as a request; `body` false: none. Returns what `next` returns. */
int answer_send(struct answer *answer, const char *method, bool body, enum almoner_effect effect,
				struct almoner_action *action, struct almoner_error *error);

/* Finishes. `what` begins the detail ("creating the customer"; NULL: nothing), `said` is the target's own
 * word (NULL: the beginning of the reply's body when the class is not OK). `reply` may be NULL. The detail
 * becomes one line of clean UTF-8 without secrets. `result` is what answer.result holds, when it holds
 * something. */
int answer_finish(struct answer *answer, uint32_t result_class, const struct almoner_reply *reply,
				  const char *what, const char *said, struct almoner_action *action,
				  struct almoner_error *error);
int answer_problem(struct answer *answer, const struct problem *problem, struct almoner_action *action,
				   struct almoner_error *error);

/* Writes {"id":…} into answer.result. */
void answer_result_id(struct answer *answer, const char *id);

/* "a", "an id" of a reply: a string or a number as text; NULL when there is none. Writes into `out`. */
const char *reply_id(const json_t *reply, const char *path, char out[200]);

#endif
