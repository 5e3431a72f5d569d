/* Rate limit of one target: a leaky bucket kept as the time at which it would be empty (the "generic cell
 * rate algorithm", ITU-T I.371). A tenth of `count` may come at once, so any span of `per_ms` sees at
 * most 1.1 times `count`, plus one. Pure. Thread: one. */
#ifndef ALMONER_ENGINE_RATE_H
#define ALMONER_ENGINE_RATE_H

#include <stdbool.h>
#include <stdint.h>

struct rate_policy {
	uint32_t count; /* 0: no limit */
	int64_t per_ms;
};

struct rate {
	int64_t empty_at_us;
};

/* Tokens there are now; UINT32_MAX without a limit. */
uint32_t rate_available(const struct rate *r, const struct rate_policy *policy, int64_t now_ms);
/* Takes tokens, also more than there are: the debt is paid before the next ones are given. */
void rate_take(struct rate *r, const struct rate_policy *policy, int64_t now_ms, uint32_t count);
void rate_give_back(struct rate *r, const struct rate_policy *policy, uint32_t count);
/* When there will be one; `now_ms` when there is. */
int64_t rate_next_ms(const struct rate *r, const struct rate_policy *policy, int64_t now_ms);

#endif
