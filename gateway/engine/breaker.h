/* Circuit breaker of one target, a table of state × signal (saga/DESIGN.md "Breaker"). Pure: the time is an
 * argument. Thread: one at a time.
 *
 *     closed ── too many failures in a row, or too high a share ──► open ── time passes ──► half-open
 *     half-open ── enough probes succeed ──► closed
 *     half-open ── a probe fails ──► open, for twice as long */
#ifndef ALMONER_ENGINE_BREAKER_H
#define ALMONER_ENGINE_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

#include "saga/model/state.h"

#define BREAKER_WINDOW_MAX 1024 /* results in the ring, one bit each; chosen, no measurement */

struct breaker_policy {
	uint32_t consecutive; /* the number of failures in a row that opens the breaker; 0: no such rule */
	/* this share of failures among the last `window` results opens the breaker; 0: no such rule */
	double ratio;
	uint32_t window;     /* number of results to which `ratio` looks; at most BREAKER_WINDOW_MAX */
	uint32_t minimum;    /* the smallest number of results with which `ratio` counts */
	int64_t open_ms;     /* how long the breaker stays open at first; doubles after each failed probe */
	int64_t open_cap_ms; /* the longest time the breaker stays open */
	uint32_t probes; /* attempts in flight while half-open, and successes needed to close; 0 counts as 1 */
};

enum breaker_signal {
	BREAKER_HEALTH,    /* an attempt shows that the target works */
	BREAKER_FAILURE,   /* an attempt shows that the target does not work, or leaves doubt */
	BREAKER_BUSY,      /* the target answered that it is overloaded */
	BREAKER_NEUTRAL,   /* an attempt says nothing about the target, for example a fault of ours */
	BREAKER_TIME,      /* time has passed */
	BREAKER_RETRY_NOW, /* an operator resumed the target or changed its settings */
	BREAKER_LEFT_OPEN, /* at start: the last process ended while the breaker was not closed */
	BREAKER_SIGNALS
};

struct breaker {
	enum breaker_state state;
	/* grows with every transition; results of attempts that began in an older epoch do not count */
	uint32_t epoch;
	uint32_t consecutive_failures;
	uint32_t results;                           /* in the ring */
	uint32_t failures;                          /* in the ring */
	uint32_t next;                              /* index of the ring's next bit */
	uint64_t ring[BREAKER_WINDOW_MAX / 64];     /* one bit a result; 1: failure */
	int64_t open_ms;                            /* length of the present opening, or of the next one */
	int64_t until_ms;                           /* end of the opening, in BREAKER_OPEN */
	uint32_t probes_reserved, probes_in_flight; /* in BREAKER_HALF_OPEN */
	uint32_t probes_ok;                         /* that succeeded, in BREAKER_HALF_OPEN */
};

/* Closed, without results. */
void breaker_init(struct breaker *b);
/* Returns whether the state changed. */
bool breaker_apply(struct breaker *b, const struct breaker_policy *policy, enum breaker_signal signal,
				   int64_t now_ms);
/* How many more attempts may start now: UINT32_MAX when closed, 0 when open, free probes when half-open. */
uint32_t breaker_capacity(const struct breaker *b, const struct breaker_policy *policy);
/* In BREAKER_HALF_OPEN: reserves probes while their intents go to the log. breaker_unreserve gives them back,
 * breaker_begin uses one. In other states neither function does anything. */
void breaker_reserve(struct breaker *b, uint32_t count);
void breaker_unreserve(struct breaker *b, uint32_t count);
/* Whether an attempt may begin now. In BREAKER_HALF_OPEN it uses a reserved probe, and may not begin
 * without one. */
bool breaker_begin(struct breaker *b);
/* To be called once for each breaker_begin that returned true, when the attempt ends. `epoch`: b->epoch
 * when it began. */
void breaker_end(struct breaker *b, uint32_t epoch);
/* What an outcome says about the target. */
enum breaker_signal breaker_signal_of(enum outcome_class result);

#endif
