/* What follows from a change: dependants released or skipped, the policy applied, the saga's state derived,
 * all of it logged. Every decision is wrapped in settle_begin … settle_end. */
#ifndef ALMONER_MODEL_SETTLE_H
#define ALMONER_MODEL_SETTLE_H

#include "saga/model/decide.h"

struct settle_snapshot {
	uint8_t state, direction, reason, skip;
	uint32_t generation;
	int64_t due_ms;
};

struct settle {
	struct decide *d;
	uint8_t saga_state, saga_reason;
	struct settle_snapshot before[PLAN_STEPS_MAX];
};

/* Notes where every step stands. */
void settle_begin(struct settle *t, struct decide *d);
/* Settles the saga, logs each step that moved and the saga's new state, and asserts saga_check(). `said`: the
 * step whose move a record already says (intent, not_started, outcome ok), -1 for none. */
void settle_end(struct settle *t, int recorded_step);

/* A record of this saga now, about `step` (its direction, generation and attempt) or RECORD_NO_STEP. */
struct record settle_record(const struct decide *d, enum record_kind kind, int step);
/* Today's rules for a step's target. */
const struct step_rules *settle_rules(const struct decide *d, unsigned step);
/* Steps that come, directly or through others, after `step`. */
uint32_t settle_dependants(const struct plan *p, unsigned step);

#endif
