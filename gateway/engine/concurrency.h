/* How many attempts may be in flight at a target at present: additive increase from the foot of the ramp
 * after start, after the breaker closed and after a hold or pause, halved when the target asks for patience. Pure. Thread: one. */
#ifndef ALMONER_GATEWAY_ENGINE_CONCURRENCY_H
#define ALMONER_GATEWAY_ENGINE_CONCURRENCY_H

#include <stdint.h>

#define CONCURRENCY_START 2
#define CONCURRENCY_BACKOFF_CAP_MS                                                                           \
	60000 /* a target's Retry-After keeps *other* steps waiting no longer than this                          \
		   */

struct concurrency {
	double limit;
	int64_t shrunk_ms;        /* last time: halved once a second, not once for each of those in flight */
	int64_t backoff_until_ms; /* start nothing before */
	int64_t backoff_ms;       /* grows while the target is busy even with one in flight */
};

/* At the foot of the ramp. */
void concurrency_init(struct concurrency *w);
/* At the foot again; nothing starts before `at_ms`, nor earlier than the target has asked for. */
void concurrency_restart(struct concurrency *w, int64_t at_ms);
/* At least 1, at most `max`. */
uint32_t concurrency_limit(const struct concurrency *w, uint32_t max);
/* An attempt ended well: about one more in flight for every round of them. */
void concurrency_grow(struct concurrency *w, uint32_t max);
/* The target asks for patience; `retry_after_ms`: how long, 0 when it did not say. */
void concurrency_shrink(struct concurrency *w, int64_t now_ms, int64_t retry_after_ms);

#endif
