/* Inside of the engine: what an attempt's end says about its target (DESIGN §7): health, credentials,
 * patience. May turn the outcome's class: a 403 becomes busy, denied or rejected. */
#ifndef ALMONER_GATEWAY_ENGINE_TARGET_HEALTH_H
#define ALMONER_GATEWAY_ENGINE_TARGET_HEALTH_H

#include "gateway/engine/target.h"

struct health_verdict {
	enum breaker_signal signal;
	char hold[200]; /* why the target is to be held; "": it is not */
	bool credentials;
	bool release; /* a held target's probe was taken */
};

/* `cut`: it ended because the daemon stops, which says nothing about the target. */
struct health_verdict target_health_update(struct engine_target *t, struct attempt *a, bool aborted,
										   int64_t now_ms);

#endif
