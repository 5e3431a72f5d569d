/* What outlives an exchange, for each target: idle HTTP exchanges, whose handles are used again, and the
 * state of the target's name look-ups. Thread: the loop's. */
#ifndef ALMONER_GATEWAY_NET_POOL_H
#define ALMONER_GATEWAY_NET_POOL_H

#include <stdint.h>

#include "gateway/net/exchange.h"
#include "gateway/net/lookup.h"

struct target_pool {
	uint32_t target;
	struct exchange_list idle; /* idle exchanges, for HTTP only; owned; the most recently used first */
	size_t idle_count;
	struct lookups lookups;
};

/* A zeroed struct is valid. A pool keeps its address until pool_destroy_all. */
struct pools {
	struct target_pool **items;
	size_t count;
};

struct target_pool *pool_find(const struct pools *pools, uint32_t target); /* NULL: none yet */
/* Creates the pool of a target that has none. */
struct target_pool *pool_of(struct pools *pools, uint32_t target);
void pool_destroy_all(struct pools *pools);

/* Takes an idle exchange out; NULL: there is none. */
struct exchange *pool_take(struct target_pool *pool);
/* Keeps an exchange that was unloaded, or destroys it when enough are idle. */
void pool_put(struct target_pool *pool, struct exchange *x);
/* Destroys the idle exchanges, and the credentials in their handles with them. */
void pool_drain(struct target_pool *pool);

#endif
