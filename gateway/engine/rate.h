/* Rate limit of one target. Two limits count, and the stricter one decides:
 *
 * The limit of the settings is kept as a single time: when all starts so far will have been paid for (the
 * generic cell rate algorithm, ITU-T I.371). A tenth of `count` may start at once, so each span of `per_ms`
 * sees at most 1.1 times `count` plus one starts. A token stands for one start.
 *
 * The limit that the target itself reports with its replies (struct almoner_rate): how many requests are left
 * until its window ends. From these, what the attempts under way may still send is taken off before another
 * one starts, so the target need not refuse a request before the gateway slows down.
 *
 * Pure: the time is an argument. Thread: one at a time. */
#ifndef ALMONER_ENGINE_RATE_H
#define ALMONER_ENGINE_RATE_H

#include <stdbool.h>
#include <stdint.h>

#include "connectors/almoner_connector.h"

/* The longest time that one report of the target counts. A wrong header (a date in place of a number of
 * seconds) must not stop a target for days. A limit of a day is then tried again this often. Chosen, no
 * measurement. */
#define RATE_WINDOW_CAP_MS (15 * 60 * 1000)

struct rate_policy {
	uint32_t count; /* starts in `per_ms`; 0: no limit */
	int64_t per_ms;
};

/* What the target reported. */
struct rate_window {
	int64_t until_ms; /* the end of the window; 0: nothing that counts was reported */
	int64_t left;     /* requests that may still start in it; below 0: more are under way than are left */
	uint32_t lowest;  /* the lowest number of remaining requests that was reported for it */
	uint32_t limit;   /* requests in a whole window; 0: not reported */
	int64_t span_ms;  /* the length of a window: the longest time to its end that was reported */
	bool assumed;     /* nothing was reported for this window yet: it follows the last one */
};

/* A zeroed struct is valid. */
struct rate {
	/* when the bucket is empty, by the clock of `now_ms`; a time in the past means that a whole tenth may
	 * start at once */
	int64_t empty_at_us;
	uint32_t exchanges; /* the most exchanges of one attempt so far: each start may need as many requests */
	struct rate_window window;
};

/* The tokens that can be taken now; UINT32_MAX without a limit. */
uint32_t rate_available(struct rate *r, const struct rate_policy *policy, int64_t now_ms);
/* Takes tokens. It may take more than there are; no token is available until the debt is paid. */
void rate_take(struct rate *r, const struct rate_policy *policy, int64_t now_ms, uint32_t count);
/* Gives back tokens that were taken and not used. */
void rate_give_back(struct rate *r, const struct rate_policy *policy, uint32_t count);
/* When the next token is available; `now_ms` when one is available now. */
int64_t rate_next_ms(struct rate *r, const struct rate_policy *policy, int64_t now_ms);
/* True if there is a limit at present, so that each start must take a token. */
bool rate_is_limited(const struct rate *r, const struct rate_policy *policy);

/* An attempt has ended. Its exchanges after the first one count only now, because their number was not known
 * before. */
void rate_attempt_ended(struct rate *r, const struct rate_policy *policy, int64_t now_ms, uint32_t exchanges);
/* The target reported this with a reply that has just arrived. `under_way`: attempts that have started and
 * not ended; `under_way_max`: the most there can be. Ignored if reset_ms is 0 or less. */
void rate_report(struct rate *r, const struct almoner_rate *report, uint32_t under_way,
				 uint32_t under_way_max, int64_t now_ms);

#endif
