/* What templates can name: the event's members at top level, and
 *   event   the whole canonical event        saga   number of the saga
 *   steps   results of earlier steps         step   name of this step
 *   own     what DO gave back                key    the idempotency key of the main exchange
 *   do_key  in an undo: the key that the do carried
 * These seven names win over members of the event. Parsed only when something is asked for. */
#ifndef ALMONER_KIT_CONTEXT_H
#define ALMONER_KIT_CONTEXT_H

#include <jansson.h>

#include "connectors/almoner_connector.h"
#include "connectors/kit/problem.h"

struct kit_context {
	const struct almoner_step *step;
	json_t *event;
	json_t *own; /* replaced by a look-up that found what DO had given back */
	json_t *builtins;
	bool use_do_key; /* `key` is that of the do, also in an undo */
};

void kit_context_init(struct kit_context *context, const struct almoner_step *step);
void kit_context_finish(struct kit_context *context);

/* Parses; true at once when done already. A text that is no JSON is a FAULT. */
bool kit_context_load(struct kit_context *context, struct kit_problem *problem);
/* After kit_context_load: the value at a dotted path, borrowed; NULL when absent. */
json_t *kit_context_at(struct kit_context *context, const char *path);
/* Puts a result in the place of `own`; takes the reference. */
void kit_context_set_own(struct kit_context *context, json_t *own);
/* A look-up within an undo asks about the do: until it is ended, `key` means the do's. */
void kit_context_use_do_key(struct kit_context *context, bool use_do_key);

/* Shorthands for what connectors need most; after kit_context_load. */
const char *kit_context_text(struct kit_context *context, const char *path); /* NULL: absent or empty */
const char *kit_context_key(const struct almoner_step *step, const char *label, char out[33]);
const char *kit_context_do_key(const struct almoner_step *step, const char *label, char out[33]);

#endif
