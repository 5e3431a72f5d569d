/* How long to wait before the next attempt, and when to give up: saga/DESIGN.md "Retry". Pure; thread:
 * any. */
#ifndef ALMONER_MODEL_RETRY_H
#define ALMONER_MODEL_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "saga/base/entropy.h"

/* The retry policy from the configuration of a target; config/tables.c has the defaults. */
struct retry_policy {
	int64_t first_ms;         /* wait before the second attempt */
	double factor;            /* each wait is the wait before times this factor; values below 1 count as 1 */
	int64_t cap_ms;           /* upper bound of a wait, without jitter */
	int64_t give_up_after_ms; /* bound of step.waited_ms; 0: no bound */
	uint32_t attempts;        /* bound of step.spent; 0: no bound */
};

/* The wait before the next attempt: d + uniform(0, d/2), where d = min(cap, first * factor^(nth-1)). `nth`
 * counts from 1. `retry_after_ms` is what the target asked for, 0 if nothing: it replaces d if it is longer,
 * but at most cap_ms of it count. The result never overflows. */
int64_t retry_delay_ms(const struct retry_policy *policy, uint32_t nth, int64_t retry_after_ms,
					   struct entropy rnd);

/* True if a bound of the policy is reached. Never true while `spent` is 0: a step gives up only after an
 * attempt of its own, however long its target was unavailable. */
bool retry_exhausted(const struct retry_policy *policy, uint32_t spent, int64_t waited_ms);

#endif
