/* The values that templates can name: the members of the event, and these eight names, which win over members
 * of the event with the same name:
 *   event     the whole canonical event      saga   number of the saga
 *   steps     results of earlier steps       step   name of this step
 *   own       the result of DO               key    the idempotency key of the main exchange
 *   do_key    the key that DO carried; in an undo it differs from `key`
 *   original  the gift that the event is about (almoner_step.original); for all other events the name is free
 * The context parses the texts of the step when kit_context_load is called, not before: an attempt that needs
 * no value costs no parsing. */
#ifndef ALMONER_KIT_CONTEXT_H
#define ALMONER_KIT_CONTEXT_H

#include <jansson.h>

#include "connectors/almoner_connector.h"
#include "connectors/kit/problem.h"

struct kit_context {
	const struct almoner_step *step; /* borrowed; lives until the attempt ends */
	json_t *event;                   /* NULL until it is loaded */
	/* the result of DO; NULL: unknown. A look-up that finds the result of DO replaces this value */
	json_t *own;
	json_t *builtins; /* the other names; NULL until they are loaded */
	bool use_do_key;  /* `key` is the key of DO, also in an undo */
};

void kit_context_init(struct kit_context *context, const struct almoner_step *step);
void kit_context_finish(struct kit_context *context);

/* Parses the texts of the step; returns true at once if they are parsed already. False with `problem` filled
 * (FAULT) if the event is not a JSON object. */
bool kit_context_load(struct kit_context *context, struct kit_problem *problem);

/* The next two functions need a loaded context. They give the value at a dotted path, or the text there;
 * borrowed, NULL if absent (a text also if it is empty). */
json_t *kit_context_at(struct kit_context *context, const char *path);
const char *kit_context_text(struct kit_context *context, const char *path);

/* Makes `own` the result of DO that templates see. Takes the reference; NULL means unknown. */
void kit_context_set_own(struct kit_context *context, json_t *own);
/* Chooses which key the name `key` stands for. A look-up inside an undo asks about DO and so needs the key of
 * DO (true); the undo itself needs its own (false). The context must be loaded again afterwards. */
void kit_context_use_do_key(struct kit_context *context, bool use_do_key);

/* The key of this step for one exchange, or the key of its DO: 32 hex digits in `out`, which is returned.
 * `label` tells several effects of one step apart; "" for the main one. A host older than interface 1.1 has
 * no do_key; the second function then returns the key of the step. */
const char *kit_context_key(const struct almoner_step *step, const char *label, char out[33]);
const char *kit_context_do_key(const struct almoner_step *step, const char *label, char out[33]);

#endif
