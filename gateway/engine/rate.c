#include "gateway/engine/rate.h"

#include "saga/base/clock.h"

/* Time for each token. `per_ms` is bounded to a year, so that a million tokens do not overflow 64 bits. */
static int64_t interval_us(const struct rate_policy *policy)
{
	const int64_t longest_ms = 366 * DAY_MS;
	int64_t per_ms = policy->per_ms < 1 ? 1 : policy->per_ms > longest_ms ? longest_ms : policy->per_ms;
	int64_t us = per_ms * 1000 / policy->count;
	return us > 0 ? us : 1;
}

static int64_t burst(const struct rate_policy *policy)
{
	return policy->count / 10 > 1 ? policy->count / 10 : 1;
}

static int64_t max_i64(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

uint32_t rate_available(const struct rate *r, const struct rate_policy *policy, int64_t now_ms)
{
	if (policy->count == 0)
		return UINT32_MAX;
	int64_t now_us = now_ms * 1000;
	int64_t left_us = burst(policy) * interval_us(policy) - (max_i64(r->empty_at_us, now_us) - now_us);
	return left_us <= 0 ? 0 : (uint32_t)(left_us / interval_us(policy));
}

void rate_take(struct rate *r, const struct rate_policy *policy, int64_t now_ms, uint32_t count)
{
	if (policy->count == 0)
		return;
	r->empty_at_us = max_i64(r->empty_at_us, now_ms * 1000) + (int64_t)count * interval_us(policy);
}

void rate_give_back(struct rate *r, const struct rate_policy *policy, uint32_t count)
{
	if (policy->count != 0)
		r->empty_at_us -= (int64_t)count * interval_us(policy);
}

int64_t rate_next_ms(const struct rate *r, const struct rate_policy *policy, int64_t now_ms)
{
	if (policy->count == 0)
		return now_ms;
	int64_t at_us = r->empty_at_us - (burst(policy) - 1) * interval_us(policy);
	return max_i64(now_ms, (at_us + 999) / 1000);
}
