/* Time. The gateway decides everything by one steady clock: milliseconds since 1970, taken from the wall
 * clock once at start and moved on by the monotonic clock. When the wall clock is set, no wait ends early or
 * late. Only the tolerance of signatures reads the real wall clock. gateway/DESIGN.md "Hazards of the clock".
 *
 * Names of times and spans end in _ms, _us or _ns. Thread: any. */
#ifndef ALMONER_BASE_CLOCK_H
#define ALMONER_BASE_CLOCK_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* Where a module gets the time from. Tests and the simulation have clocks of their own. */
struct clock {
	void *ctx;
	int64_t (*now_ms)(void *ctx);  /* the steady clock */
	int64_t (*wall_ms)(void *ctx); /* the wall clock of the system; it may jump */
};

struct clock clock_system(void);

/* Writes "2026-11-23T22:09:00.123Z" (RFC 3339) and a NUL; "invalid-time" for years outside 0 to 9999. */
#define CLOCK_TEXT_BYTES 25
void clock_rfc3339(int64_t at_ms, char out[CLOCK_TEXT_BYTES]);

/* Writes "3 s", "12 min", "4 h" or "9 d", rounded down, for people. */
#define CLOCK_SPAN_BYTES 28
void clock_span(int64_t span_ms, char out[CLOCK_SPAN_BYTES]);

/* ---- the monotonic clock: for deadlines and durations inside one process ---- */

/* Counts from an unspecified start (CLOCK_MONOTONIC) and never steps. */
int64_t clock_monotonic_ms(void);
int64_t clock_monotonic_us(void);
int64_t clock_monotonic_ns(void);

/* A point of the monotonic clock in the form that pthread_cond_timedwait takes; at_ms is not negative. */
struct timespec clock_timespec(int64_t at_ms);
/* The point `after_ms` from now in the same form; after_ms is not negative. */
struct timespec clock_deadline(int64_t after_ms);
/* Initialises a condition variable whose timed waits end by the monotonic clock. Gives 0 or an errno
 * value. */
int clock_condition_init(pthread_cond_t *condition);

/* ---- spans in milliseconds ---- */

#define SECOND_MS INT64_C(1000)
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS   (60 * MINUTE_MS)
#define DAY_MS    (24 * HOUR_MS)

#endif
