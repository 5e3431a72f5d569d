/* How many steps wait only because their target is paused or held. */
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
		int64_t steps; /* counted by held_targets_count */
	} *items;
	size_t count;
};

/* By a person, by the engine, or by the configuration. */
int held_targets_read(struct store_reader *reader, const struct config *config, struct held_targets *ret,
					  struct err *err) MUST_CHECK;
void held_targets_finish(struct held_targets *held);
/* Adds the steps of one saga that could go on but for their target. */
void held_targets_count(struct held_targets *held, const struct saga *s);
int64_t held_targets_total(const struct held_targets *held);
/* Adds what held_targets_json gave before (as text, "" for nothing), also for targets that are held no more. */
void held_targets_add_json(struct held_targets *held, const char *counted);
/* {"crm": 12}: those with steps. A new reference. */
json_t *held_targets_json(const struct held_targets *held);
/* The one most steps wait for, "" for none. Borrowed. */
const char *held_targets_most(const struct held_targets *held);

#endif
