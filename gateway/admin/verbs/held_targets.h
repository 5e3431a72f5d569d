/* Counts the steps that wait only because their target is paused or held. */
#ifndef ALMONER_GATEWAY_ADMIN_VERBS_HELD_TARGETS_H
#define ALMONER_GATEWAY_ADMIN_VERBS_HELD_TARGETS_H

#include <jansson.h>

#include "config/config.h"
#include "saga/model/saga.h"
#include "saga/store/store.h"

/* Targets that are paused or held at this moment. */
struct held_targets {
	struct held_target {
		char name[128];
		int64_t steps; /* how many steps wait for this target, of the sagas counted so far */
	} *items;
	size_t count;
};

/* Reads the targets that are paused by an operator or the configuration, or held by the engine. The counts
 * are 0. The caller calls held_targets_finish. */
int held_targets_read(struct store_reader *reader, const struct config *config, struct held_targets *ret,
					  struct err *err) MUST_CHECK;
void held_targets_finish(struct held_targets *held);
/* Adds the steps of one saga that could start if their target were not held. */
void held_targets_count(struct held_targets *held, const struct saga *s);
int64_t held_targets_total(const struct held_targets *held);
/* Adds the counts that held_targets_json gave before. `counted`: their JSON text, "" for none. Targets that
 * are no longer held are added, too. */
void held_targets_add_json(struct held_targets *held, const char *counted);
/* {"crm": 12}: the targets with waiting steps. A new reference. */
json_t *held_targets_json(const struct held_targets *held);
/* The name of the target for which the most steps wait, or "". Borrowed. */
const char *held_targets_most(const struct held_targets *held);

#endif
