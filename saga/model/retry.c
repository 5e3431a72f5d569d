#include "saga/model/retry.h"

#include <math.h>

static int64_t clamp_to_zero(int64_t value)
{
	return value > 0 ? value : 0;
}

/* min(cap, first * factor^(nth-1)). pow() may give infinity; the comparison turns that into cap. */
static int64_t base_delay_ms(const struct retry_policy *policy, uint32_t nth)
{
	double cap = (double)clamp_to_zero(policy->cap_ms);
	double factor = policy->factor >= 1 ? policy->factor : 1; /* a NaN fails the comparison and counts as 1 */
	double delay = (double)clamp_to_zero(policy->first_ms) * pow(factor, nth > 1 ? (double)(nth - 1) : 0);
	/* 2^62: exact as a double, and longer than any useful wait. */
	const double max_value = 4611686018427387904.0;
	if (!(delay < cap))
		delay = cap;
	return delay < max_value ? (int64_t)delay : INT64_MAX / 4;
}

/* Bounds each part to INT64_MAX / 4, so that the caller can add the result to a time of today. */
int64_t retry_delay_ms(const struct retry_policy *policy, uint32_t nth, int64_t retry_after_ms,
					   struct entropy rnd)
{
	int64_t base = base_delay_ms(policy, nth);
	int64_t jitter = (int64_t)rnd.below(rnd.ctx, (uint64_t)(base / 2) + 1);
	int64_t requested_ms = clamp_to_zero(retry_after_ms);
	int64_t max_value = clamp_to_zero(policy->cap_ms);
	if (requested_ms > max_value)
		requested_ms = max_value;
	if (requested_ms > INT64_MAX / 4)
		requested_ms = INT64_MAX / 4;
	/* Jitter is added to a Retry-After too, because the target gave the same one to all its clients. */
	return (requested_ms > base ? requested_ms : base) + jitter;
}

bool retry_exhausted(const struct retry_policy *policy, uint32_t spent, int64_t waited_ms)
{
	if (spent == 0)
		return false;
	if (policy->attempts != 0 && spent >= policy->attempts)
		return true;
	return policy->give_up_after_ms > 0 && waited_ms >= policy->give_up_after_ms;
}
