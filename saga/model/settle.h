/* What follows from a change of one step: steps that come after it are released or skipped, the failure
 * policy acts, the state of the saga is derived, and all of it is logged. Every decision lies between
 * settle_begin and settle_end, so none of these consequences can be forgotten. Used by the files behind
 * decide.h only. */
#ifndef ALMONER_MODEL_SETTLE_H
#define ALMONER_MODEL_SETTLE_H

#include "saga/model/decide.h"

/* The members of a step whose change is logged. */
struct settle_snapshot {
	uint8_t state, direction, reason, skip;
	uint32_t generation;
	int64_t due_ms;
};

/* One decision in progress; lives on the caller's stack. */
struct settle {
	struct decide *d;
	uint8_t saga_state, saga_reason;
	struct settle_snapshot before[PLAN_STEPS_MAX];
};

/* Remembers the state of every step, so that settle_end can log what changed. */
void settle_begin(struct settle *t, struct decide *d);
/* Settles the saga, logs each step that changed and the new state of the saga. Aborts if saga_check() fails.
 * `recorded_step`: the step whose change is already in the log as an intent, not_started or outcome ok; -1:
 * none. */
void settle_end(struct settle *t, int recorded_step);

/* A log record of this saga at now_ms. `step`: its direction, generation and attempt are filled in;
 * RECORD_NO_STEP for a record about the whole saga. */
struct record settle_record(const struct decide *d, enum record_kind kind, int step);
/* The rules of the step's target in the current configuration; never NULL. */
const struct step_rules *settle_rules(const struct decide *d, unsigned step);
/* The set of steps that come after `step`, directly or through other steps, as a bit mask. */
uint32_t settle_dependants(const struct plan *p, unsigned step);

#endif
