#include "gateway/engine/breaker.h"

#include <string.h>

#include "saga/base/check.h"

void breaker_init(struct breaker *b)
{
	*b = (struct breaker){ .state = BREAKER_CLOSED };
}

static void clear_results(struct breaker *b)
{
	b->consecutive_failures = b->results = b->failures = b->next = 0;
	memset(b->ring, 0, sizeof b->ring);
}

static bool move_to(struct breaker *b, enum breaker_state state)
{
	b->state = state;
	b->epoch++;
	b->probes_reserved = b->probes_in_flight = b->probes_ok = 0;
	clear_results(b);
	return true;
}

static uint32_t ring_size(const struct breaker_policy *policy)
{
	if (policy->window < 1)
		return 1;
	return policy->window < BREAKER_WINDOW_MAX ? policy->window : BREAKER_WINDOW_MAX;
}

/* Puts one result into the ring of the last `window` results; the oldest one leaves. */
static void count_result(struct breaker *b, const struct breaker_policy *policy, bool failure)
{
	uint32_t size = ring_size(policy);
	if (b->next >= size || b->results > size) /* a reload of the configuration made the window smaller */
		clear_results(b);
	uint64_t *word = &b->ring[b->next / 64];
	uint64_t bit = (uint64_t)1 << (b->next % 64);
	if (b->results == size)
		b->failures -= (*word & bit) != 0;
	else
		b->results++;
	*word = failure ? *word | bit : *word & ~bit;
	b->failures += failure;
	b->next = (b->next + 1) % size;
	b->consecutive_failures = failure ? b->consecutive_failures + 1 : 0;
}

static bool too_many_failures(const struct breaker *b, const struct breaker_policy *policy)
{
	if (policy->consecutive > 0 && b->consecutive_failures >= policy->consecutive)
		return true;
	return policy->ratio > 0 && b->results >= policy->minimum && b->results > 0 &&
		   (double)b->failures >= policy->ratio * (double)b->results;
}

static bool open_for(struct breaker *b, int64_t span_ms, int64_t now_ms)
{
	b->open_ms = span_ms;
	b->until_ms = now_ms + span_ms;
	return move_to(b, BREAKER_OPEN);
}

static int64_t next_open_ms(const struct breaker *b, const struct breaker_policy *policy)
{
	int64_t cap = policy->open_cap_ms > policy->open_ms ? policy->open_cap_ms : policy->open_ms;
	return b->open_ms >= cap / 2 ? cap : b->open_ms * 2;
}

/* ---- the table of states and signals ---- */

/* Applies one signal in one state and returns whether the state changed. */
typedef bool handler(struct breaker *b, const struct breaker_policy *policy, int64_t now_ms);

static bool ignore(struct breaker *b, const struct breaker_policy *policy, int64_t now_ms)
{
	(void)b;
	(void)policy;
	(void)now_ms;
	return false;
}

static bool closed_health(struct breaker *b, const struct breaker_policy *policy, int64_t now_ms)
{
	(void)now_ms;
	count_result(b, policy, false);
	return false;
}

static bool closed_failure(struct breaker *b, const struct breaker_policy *policy, int64_t now_ms)
{
	count_result(b, policy, true);
	return too_many_failures(b, policy) && open_for(b, policy->open_ms, now_ms);
}

static bool closed_left_open(struct breaker *b, const struct breaker_policy *policy, int64_t now_ms)
{
	(void)now_ms;
	b->open_ms = policy->open_ms; /* half_failure doubles it */
	return move_to(b, BREAKER_HALF_OPEN);
}

static bool open_time(struct breaker *b, const struct breaker_policy *policy, int64_t now_ms)
{
	(void)policy;
	return now_ms >= b->until_ms && move_to(b, BREAKER_HALF_OPEN);
}

static bool open_retry_now(struct breaker *b, const struct breaker_policy *policy, int64_t now_ms)
{
	(void)policy;
	(void)now_ms;
	return move_to(b, BREAKER_HALF_OPEN);
}

static bool half_health(struct breaker *b, const struct breaker_policy *policy, int64_t now_ms)
{
	(void)now_ms;
	if (++b->probes_ok < policy->probes)
		return false;
	return move_to(b, BREAKER_CLOSED);
}

static bool half_failure(struct breaker *b, const struct breaker_policy *policy, int64_t now_ms)
{
	return open_for(b, next_open_ms(b, policy), now_ms);
}

/* The target works but is overloaded: the breaker opens for the same time again, not for twice as long. */
static bool half_busy(struct breaker *b, const struct breaker_policy *policy, int64_t now_ms)
{
	return open_for(b, b->open_ms > 0 ? b->open_ms : policy->open_ms, now_ms);
}

static handler *const handlers[BREAKER_STATES][BREAKER_SIGNALS] = {
	[BREAKER_CLOSED] = {
		[BREAKER_HEALTH] = closed_health,
		[BREAKER_FAILURE] = closed_failure,
		[BREAKER_BUSY] = ignore,
		[BREAKER_NEUTRAL] = ignore,
		[BREAKER_TIME] = ignore,
		[BREAKER_RETRY_NOW] = ignore,
		[BREAKER_LEFT_OPEN] = closed_left_open,
	},
	[BREAKER_OPEN] = {
		[BREAKER_HEALTH] = ignore,
		[BREAKER_FAILURE] = ignore,
		[BREAKER_BUSY] = ignore,
		[BREAKER_NEUTRAL] = ignore,
		[BREAKER_TIME] = open_time,
		[BREAKER_RETRY_NOW] = open_retry_now,
		[BREAKER_LEFT_OPEN] = ignore,
	},
	[BREAKER_HALF_OPEN] = {
		[BREAKER_HEALTH] = half_health,
		[BREAKER_FAILURE] = half_failure,
		[BREAKER_BUSY] = half_busy,
		[BREAKER_NEUTRAL] = ignore,
		[BREAKER_TIME] = ignore,
		[BREAKER_RETRY_NOW] = ignore,
		[BREAKER_LEFT_OPEN] = ignore,
	},
};

bool breaker_apply(struct breaker *b, const struct breaker_policy *policy, enum breaker_signal signal,
				   int64_t now_ms)
{
	assert(b->state < BREAKER_STATES && signal < BREAKER_SIGNALS);
	return handlers[b->state][signal](b, policy, now_ms);
}

/* ---- starts and probes ---- */

static uint32_t probes_free(const struct breaker *b, const struct breaker_policy *policy)
{
	uint32_t probes = policy->probes > 0 ? policy->probes : 1;
	uint32_t taken = b->probes_reserved + b->probes_in_flight;
	return taken < probes ? probes - taken : 0;
}

uint32_t breaker_capacity(const struct breaker *b, const struct breaker_policy *policy)
{
	switch (b->state) {
	case BREAKER_CLOSED:
		return UINT32_MAX;
	case BREAKER_HALF_OPEN:
		return probes_free(b, policy);
	case BREAKER_OPEN:
	case BREAKER_STATES:
		break;
	}
	return 0;
}

void breaker_reserve(struct breaker *b, uint32_t count)
{
	if (b->state == BREAKER_HALF_OPEN)
		b->probes_reserved += count;
}

void breaker_unreserve(struct breaker *b, uint32_t count)
{
	/* A transition has forgotten the probes reserved before it, so there may be fewer than `count`. */
	b->probes_reserved -= count < b->probes_reserved ? count : b->probes_reserved;
}

bool breaker_begin(struct breaker *b)
{
	if (b->state != BREAKER_HALF_OPEN)
		return b->state == BREAKER_CLOSED;
	if (b->probes_reserved == 0)
		return false;
	b->probes_reserved--;
	b->probes_in_flight++;
	return true;
}

void breaker_end(struct breaker *b, uint32_t epoch)
{
	if (b->state == BREAKER_HALF_OPEN && b->epoch == epoch) {
		assert(b->probes_in_flight > 0);
		b->probes_in_flight--;
	}
}

/* A rejected message still shows that the target works. OUTCOME_DENIED holds the target (target_health.c),
 * so the breaker ignores it. */
enum breaker_signal breaker_signal_of(enum outcome_class result)
{
	switch (result) {
	case OUTCOME_OK:
	case OUTCOME_EXISTS:
	case OUTCOME_REJECTED:
	case OUTCOME_ABSENT:
	case OUTCOME_PARTIAL:
		return BREAKER_HEALTH;
	case OUTCOME_UNREACHABLE:
	case OUTCOME_UNKNOWN:
		return BREAKER_FAILURE;
	case OUTCOME_BUSY:
		return BREAKER_BUSY;
	case OUTCOME_DENIED:
	case OUTCOME_FAULT:
	case OUTCOME_BODY_CHANGED:
	case OUTCOME_NONE:
	case OUTCOME_COUNT:
		break;
	}
	return BREAKER_NEUTRAL;
}
