/* When to try again: DESIGN §7. Pure. */
#ifndef ALMONER_MODEL_RETRY_H
#define ALMONER_MODEL_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "saga/base/clock.h"
#include "saga/base/entropy.h"

struct retry_policy {
	int64_t first_ms;
	double factor; /* >= 1 */
	int64_t cap_ms;
	int64_t give_up_after_ms; /* of time that counts (step.waited_ms); 0: never by age */
	uint32_t attempts;        /* of attempts that count (step.spent); 0: no limit */
};

/* d = min(cap, first * factor^(nth-1)), plus uniform(0, d/2); not before retry_after_ms, which only extends
 * and is itself capped at cap_ms. `nth` counts from 1. Never overflows. */
int64_t retry_delay_ms(const struct retry_policy *policy, uint32_t nth, int64_t retry_after_ms,
					   struct entropy rnd);

/* Given up? Only ever true when spent >= 1: no step is exhausted without an attempt of its own. */
bool retry_exhausted(const struct retry_policy *policy, uint32_t spent, int64_t waited_ms);

#endif
