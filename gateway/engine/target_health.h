/* Internal to the engine: what the end of an attempt says about its target: whether it works, accepts our credentials, or
 * is overloaded (saga/DESIGN.md "Outcome classes"). */
#ifndef ALMONER_GATEWAY_ENGINE_TARGET_HEALTH_H
#define ALMONER_GATEWAY_ENGINE_TARGET_HEALTH_H

#include "gateway/engine/target.h"

struct health_verdict {
	enum breaker_signal signal;
	char hold[200];   /* why the target is to be held, for the log; "": it is not to be held */
	bool credentials; /* the hold is for credentials */
	bool release;     /* the target accepted the probe: its hold ends */
};

/* Updates the target's ramp, suspects and streak, and t->held at once. Decides the class of an outcome that was 403:
 * a->outcome.result becomes OUTCOME_BUSY, OUTCOME_DENIED or OUTCOME_REJECTED. `aborted`: the attempt was cut off because
 * the daemon stops, which says nothing about the target. */
struct health_verdict target_health_update(struct engine_target *t, struct attempt *a, bool aborted,
										   int64_t now_ms);

#endif
