/* Time. One steady clock for everything the gateway decides: wall-clock
 * milliseconds since 1970 taken once at start, moved on by the monotonic clock,
 * so a step of the system's clock neither fires nor delays a wait. Only
 * signature tolerances read the real wall clock.
 *
 * Names end in _ms for points and spans alike. */
#ifndef ALMONER_BASE_CLOCK_H
#define ALMONER_BASE_CLOCK_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* The clock port: tests and the simulation bring their own. Thread: any. */
struct clock {
	void *ctx;
	int64_t (*now_ms)(void *ctx);  /* steady, see above */
	int64_t (*wall_ms)(void *ctx); /* the system's idea of now, may jump */
};

struct clock clock_system(void);

/* "2026-11-23T22:09:00.123Z"; `out` has room for 25 bytes. */
#define CLOCK_TEXT_BYTES 25
void clock_rfc3339(int64_t at_ms, char out[CLOCK_TEXT_BYTES]);

/* "3 s", "12 min", "4 h", "9 d": for people. */
#define CLOCK_SPAN_BYTES 28
void clock_span(int64_t span_ms, char out[CLOCK_SPAN_BYTES]);

/* ---- the monotonic clock: for deadlines and durations inside one process ---- */

/* Counts from an unspecified start (CLOCK_MONOTONIC) and never steps. */
int64_t clock_monotonic_ms(void);
int64_t clock_monotonic_us(void);
int64_t clock_monotonic_ns(void);

/* A point of the monotonic clock in the form that pthread_cond_timedwait takes; at_ms is not negative. */
struct timespec clock_timespec(int64_t at_ms);
/* The same for the point `after_ms` from now; not negative. */
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
