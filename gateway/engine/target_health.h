/* Internal to the engine: what the end of an attempt says about its target: whether it works, accepts our
 * credentials, or is overloaded (saga/DESIGN.md "Outcome classes"). */
#ifndef ALMONER_GATEWAY_ENGINE_TARGET_HEALTH_H
#define ALMONER_GATEWAY_ENGINE_TARGET_HEALTH_H

#include "gateway/engine/target.h"

struct health_verdict {
	enum breaker_signal signal;
	enum hold_kind hold; /* HOLD_NONE: the target is not to be held by this attempt */
	char reason[200];    /* the reason of the hold, for the log: the kind's word, a colon and the details */
	bool release;        /* the target accepted the probe: its hold ends */
};

/* Updates the target's ramp, suspects and streak, and t->held at once. Decides the class of an outcome
 * that was 403: a->outcome.result becomes OUTCOME_BUSY, OUTCOME_DENIED or OUTCOME_REJECTED. `aborted`: the
 * attempt was cut off because the daemon stops, which says nothing about the target. */
struct health_verdict target_health_update(struct engine_target *t, struct attempt *a, bool aborted,
										   int64_t now_ms);

#endif
