/* How many attempts may be in flight at one target at present. The limit starts at the foot of a ramp,
 * grows by about one for each round of successes, and is halved when the target reports overload (additive
 * increase, multiplicative decrease, as in Postfix's queue manager). The ramp starts again when the daemon
 * starts, when the breaker closes, and when a hold or a pause ends. Pure: the time is an argument. Thread:
 * one at a time. */
#ifndef ALMONER_GATEWAY_ENGINE_CONCURRENCY_H
#define ALMONER_GATEWAY_ENGINE_CONCURRENCY_H

#include <stdint.h>

#define CONCURRENCY_START 2 /* attempts at the foot of the ramp; chosen, no measurement */
/* A target's Retry-After delays the other steps of the target at most this long; chosen, no measurement. */
#define CONCURRENCY_BACKOFF_CAP_MS 60000

struct concurrency {
	double limit;
	int64_t shrunk_ms;        /* when the limit was last halved; 0: never */
	int64_t backoff_until_ms; /* nothing starts before */
	int64_t backoff_ms;       /* grows while the target is overloaded even with one attempt in flight */
};

/* Sets the limit to the foot of the ramp (CONCURRENCY_START). */
void concurrency_init(struct concurrency *w);
/* Starts the ramp again. Nothing starts before `at_ms`, nor before the end of a back-off that is under
 * way. */
void concurrency_restart(struct concurrency *w, int64_t at_ms);
/* The limit at present: at least 1, at most `max`. */
uint32_t concurrency_limit(const struct concurrency *w, uint32_t max);
/* An attempt showed that the target works. */
void concurrency_grow(struct concurrency *w, uint32_t max);
/* The target reported overload. `retry_after_ms`: its Retry-After, 0 for none. */
void concurrency_shrink(struct concurrency *w, int64_t now_ms, int64_t retry_after_ms);

#endif
