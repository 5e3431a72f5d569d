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

/* ---- the limit of the settings ---- */

static uint32_t policy_available(const struct rate *r, const struct rate_policy *policy, int64_t now_ms)
{
	if (policy->count == 0)
		return UINT32_MAX;
	int64_t now_us = now_ms * 1000;
	int64_t left_us = burst(policy) * interval_us(policy) - (max_i64(r->empty_at_us, now_us) - now_us);
	return left_us <= 0 ? 0 : (uint32_t)(left_us / interval_us(policy));
}

static void policy_take(struct rate *r, const struct rate_policy *policy, int64_t now_ms, uint32_t count)
{
	if (policy->count == 0)
		return;
	r->empty_at_us = max_i64(r->empty_at_us, now_ms * 1000) + (int64_t)count * interval_us(policy);
}

static int64_t policy_next_ms(const struct rate *r, const struct rate_policy *policy, int64_t now_ms)
{
	if (policy->count == 0)
		return now_ms;
	int64_t at_us = r->empty_at_us - (burst(policy) - 1) * interval_us(policy);
	return max_i64(now_ms, (at_us + 999) / 1000);
}

/* ---- the limit that the target reports ---- */

/* The requests that one start may need. */
static int64_t requests_each(const struct rate *r)
{
	return r->exchanges > 1 ? r->exchanges : 1;
}

/* After the end of a window the next one is assumed to be as long and to allow as much, so that its first
 * starts do not exceed it before the first reply tells. If nothing is reported in it either, the target has
 * stopped to report. */
static void advance_window(struct rate_window *w, int64_t now_ms)
{
	if (w->until_ms == 0 || now_ms < w->until_ms)
		return;
	if (w->assumed || w->limit == 0 || now_ms - w->until_ms >= w->span_ms) {
		w->until_ms = 0;
		return;
	}
	w->until_ms += w->span_ms;
	w->left = w->limit;
	w->lowest = w->limit;
	w->assumed = true;
}

/* An attempt that needs more requests than a whole window allows must start all the same. */
static int64_t requests_needed(const struct rate *r)
{
	int64_t each = requests_each(r);
	return r->window.limit > 0 && r->window.limit < each ? r->window.limit : each;
}

static uint32_t window_available(struct rate *r, int64_t now_ms)
{
	advance_window(&r->window, now_ms);
	if (r->window.until_ms == 0)
		return UINT32_MAX;
	if (r->window.left < requests_needed(r))
		return 0;
	int64_t starts = r->window.left / requests_each(r);
	return starts > 1 ? (uint32_t)starts : 1;
}

/* Replies may arrive in another order than the target sent them. So a report of more requests than an earlier
 * report is older than that one, unless the difference is larger than what the attempts under way can
 * explain: then a new window has begun. */
static bool is_outdated(const struct rate *r, const struct almoner_rate *report, uint32_t under_way_max,
						int64_t now_ms)
{
	const struct rate_window *w = &r->window;
	return w->until_ms > now_ms && report->remaining > w->lowest &&
		   report->remaining - w->lowest <= requests_each(r) * under_way_max;
}

void rate_report(struct rate *r, const struct almoner_rate *report, uint32_t under_way,
				 uint32_t under_way_max, int64_t now_ms)
{
	struct rate_window *w = &r->window;
	if (report->reset_ms <= 0)
		return;
	advance_window(w, now_ms);
	if (is_outdated(r, report, under_way_max, now_ms))
		return;
	int64_t reset_ms = report->reset_ms < RATE_WINDOW_CAP_MS ? report->reset_ms : RATE_WINDOW_CAP_MS;
	*w = (struct rate_window){ .until_ms = now_ms + reset_ms,
							   .left = report->remaining - requests_each(r) * under_way,
							   .lowest = report->remaining,
							   .limit = report->limit != 0 ? report->limit : w->limit,
							   .span_ms = max_i64(w->span_ms, reset_ms) };
}

/* ---- both together ---- */

uint32_t rate_available(struct rate *r, const struct rate_policy *policy, int64_t now_ms)
{
	uint32_t by_policy = policy_available(r, policy, now_ms);
	uint32_t by_target = window_available(r, now_ms);
	return by_policy < by_target ? by_policy : by_target;
}

void rate_take(struct rate *r, const struct rate_policy *policy, int64_t now_ms, uint32_t count)
{
	policy_take(r, policy, now_ms, count);
	r->window.left -= requests_each(r) * count;
}

void rate_give_back(struct rate *r, const struct rate_policy *policy, uint32_t count)
{
	if (policy->count != 0)
		r->empty_at_us -= (int64_t)count * interval_us(policy);
	r->window.left += requests_each(r) * count;
}

int64_t rate_next_ms(struct rate *r, const struct rate_policy *policy, int64_t now_ms)
{
	int64_t at_ms = policy_next_ms(r, policy, now_ms);
	return window_available(r, now_ms) == 0 ? max_i64(at_ms, r->window.until_ms) : at_ms;
}

bool rate_is_limited(const struct rate *r, const struct rate_policy *policy)
{
	return policy->count != 0 || r->window.until_ms != 0;
}

void rate_attempt_ended(struct rate *r, const struct rate_policy *policy, int64_t now_ms, uint32_t exchanges)
{
	if (exchanges > 1)
		policy_take(r, policy, now_ms, exchanges - 1);
	if (exchanges > r->exchanges)
		r->exchanges = exchanges;
}
