/* Time. One steady clock for everything the gateway decides: wall-clock
 * milliseconds since 1970 taken once at start, moved on by the monotonic clock,
 * so a step of the system's clock neither fires nor delays a wait. Only
 * signature tolerances read the real wall clock.
 *
 * Names end in _ms for points and spans alike. */
#ifndef ALMONER_BASE_CLOCK_H
#define ALMONER_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

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

/* The random port: uniform in [0, bound), 0 when bound is 0. Thread: any. */
struct entropy {
	void *ctx;
	uint64_t (*below)(void *ctx, uint64_t bound);
};

struct entropy entropy_system(void);

#endif
