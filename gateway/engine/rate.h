/* Rate limit of one target, kept as a single time: when all starts so far will have been paid for (the
 * generic cell rate algorithm, ITU-T I.371). A tenth of `count` may start at once, so each span of
 * `per_ms` sees at most 1.1 times `count` plus one starts. A token stands for one start. Pure: the time is
 * an argument. Thread: one at a time. */
#ifndef ALMONER_ENGINE_RATE_H
#define ALMONER_ENGINE_RATE_H

#include <stdbool.h>
#include <stdint.h>

struct rate_policy {
	uint32_t count; /* starts in `per_ms`; 0: no limit */
	int64_t per_ms;
};

struct rate {
	/* when the bucket is empty, by the clock of `now_ms`; a time in the past means that a whole tenth may
	 * start at once */
	int64_t empty_at_us;
};

/* The tokens that can be taken now; UINT32_MAX without a limit. */
uint32_t rate_available(const struct rate *r, const struct rate_policy *policy, int64_t now_ms);
/* Takes tokens. It may take more than there are; no token is available until the debt is paid. */
void rate_take(struct rate *r, const struct rate_policy *policy, int64_t now_ms, uint32_t count);
/* Gives back tokens that were taken and not used. */
void rate_give_back(struct rate *r, const struct rate_policy *policy, uint32_t count);
/* When the next token is available; `now_ms` when one is available now. */
int64_t rate_next_ms(const struct rate *r, const struct rate_policy *policy, int64_t now_ms);

#endif
