/* Circuit breaker of one target (DESIGN §7), a table of state × signal. Pure: `now` comes in. Thread: one.
 *
 *     closed ── failures in a row, or their ratio ──► open ── time ──► half-open ── probes succeed ──► closed
 *                                                       ◄── a probe fails: twice as long ──┘
 */
#ifndef ALMONER_ENGINE_BREAKER_H
#define ALMONER_ENGINE_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

#include "saga/model/state.h"

#define BREAKER_WINDOW_MAX 1024

struct breaker_policy {
	uint32_t consecutive; /* failures in a row that open it; 0: not by this */
	double ratio;         /* of failures among the last `window` results; 0: not by this */
	uint32_t window;      /* at most BREAKER_WINDOW_MAX count */
	uint32_t minimum;     /* results before the ratio counts */
	int64_t open_ms;      /* first time; doubles with each failed probe … */
	int64_t open_cap_ms;  /* … up to this */
	uint32_t probes;      /* in flight while half-open, and successes needed to close; at least 1 */
};

enum breaker_state { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_HALF_OPEN, BREAKER_STATES };

enum breaker_signal {
	BREAKER_HEALTH,    /* the target answers */
	BREAKER_FAILURE,   /* it does not, or its answer leaves doubt */
	BREAKER_BUSY,      /* it answers, and asks for patience */
	BREAKER_NEUTRAL,   /* says nothing about the target: our own fault */
	BREAKER_TIME,      /* a look at the clock */
	BREAKER_RETRY_NOW, /* a person wants it tried now */
	BREAKER_LEFT_OPEN, /* the last process left it away from closed */
	BREAKER_SIGNALS
};

struct breaker {
	enum breaker_state state;
	uint32_t epoch; /* grows with every transition: results of older attempts do not count */
	uint32_t consecutive_failures;
	uint32_t results;                           /* in the ring */
	uint32_t failures;                          /* in the ring */
	uint32_t next;                              /* place in the ring */
	uint64_t ring[BREAKER_WINDOW_MAX / 64];     /* 1: failure */
	int64_t open_ms;                            /* of the present or next opening */
	int64_t until_ms;                           /* OPEN */
	uint32_t probes_reserved, probes_in_flight; /* HALF_OPEN */
	uint32_t probes_ok;
};

void breaker_init(struct breaker *b);
/* Returns whether the state changed. */
bool breaker_apply(struct breaker *b, const struct breaker_policy *policy, enum breaker_signal signal,
				   int64_t now_ms);
/* How many attempts it would let start now: without bound (UINT32_MAX) when closed, none when open. */
uint32_t breaker_capacity(const struct breaker *b, const struct breaker_policy *policy);
/* Half-open: probes whose intents are on their way to the log; undone by breaker_unreserve or consumed by
 * breaker_begin. Otherwise without effect. */
void breaker_reserve(struct breaker *b, uint32_t count);
void breaker_unreserve(struct breaker *b, uint32_t count);
/* May this attempt begin now? Half-open: it takes a reserved probe's place. */
bool breaker_begin(struct breaker *b);
/* An attempt that began in `epoch` has ended. */
void breaker_end(struct breaker *b, uint32_t epoch);
/* What an outcome says about the target's health. */
enum breaker_signal breaker_signal_of(enum outcome_class result);
/* "closed", "open", "half_open": as users see them. */
const char *breaker_state_name(enum breaker_state s);

#endif
