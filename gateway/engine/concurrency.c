#include "gateway/engine/concurrency.h"

#include "saga/base/check.h"

/* The shortest time between two halvings of the limit: attempts that are in flight together report one
 * overload together. */
#define SHRINK_EVERY_MS  1000
#define BACKOFF_FIRST_MS 100
#define BACKOFF_CAP_MS   5000

void concurrency_init(struct concurrency *w)
{
	*w = (struct concurrency){ .limit = CONCURRENCY_START };
}

void concurrency_restart(struct concurrency *w, int64_t at_ms)
{
	int64_t backoff_ms = w->backoff_until_ms;
	concurrency_init(w);
	w->backoff_until_ms = backoff_ms > at_ms ? backoff_ms : at_ms;
}

uint32_t concurrency_limit(const struct concurrency *w, uint32_t max)
{
	uint32_t limit = w->limit < (double)max ? (uint32_t)w->limit : max;
	return limit > 0 ? limit : 1;
}

void concurrency_grow(struct concurrency *w, uint32_t max)
{
	w->backoff_ms = 0;
	w->limit += 1.0 / w->limit;
	if (w->limit > (double)max)
		w->limit = max > 0 ? (double)max : 1.0;
}

/* A limit of one cannot be halved: if one attempt at a time is too much, the engine waits between
 * attempts, and each time longer. */
static int64_t next_backoff_ms(struct concurrency *w)
{
	if (w->limit >= 2)
		return 0;
	w->backoff_ms = w->backoff_ms == 0 ? BACKOFF_FIRST_MS : w->backoff_ms * 2;
	if (w->backoff_ms > BACKOFF_CAP_MS)
		w->backoff_ms = BACKOFF_CAP_MS;
	return w->backoff_ms;
}

void concurrency_shrink(struct concurrency *w, int64_t now_ms, int64_t retry_after_ms)
{
	assert(retry_after_ms >= 0);
	int64_t span = retry_after_ms > 0 ? retry_after_ms : next_backoff_ms(w);
	if (span > CONCURRENCY_BACKOFF_CAP_MS)
		span = CONCURRENCY_BACKOFF_CAP_MS;
	if (now_ms + span > w->backoff_until_ms)
		w->backoff_until_ms = now_ms + span;
	if (w->shrunk_ms != 0 && now_ms - w->shrunk_ms < SHRINK_EVERY_MS)
		return;
	w->shrunk_ms = now_ms;
	w->limit = w->limit / 2 > 1 ? w->limit / 2 : 1;
}
