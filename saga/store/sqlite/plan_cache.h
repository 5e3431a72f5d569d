/* The plans that one connection used last. Sagas share few plans, and parsing a plan costs more than reading
 * the saga's row. No SQL here: db.c empties the cache when it closes the connection. */
#ifndef ALMONER_SAGA_STORE_SQLITE_PLAN_CACHE_H
#define ALMONER_SAGA_STORE_SQLITE_PLAN_CACHE_H

#include <stdint.h>

#include "saga/model/plan.h"

#define PLAN_CACHE_SLOTS                                                                                     \
	16 /* slots of the cache; chosen; no measurement. A charity has a few routes, one plan for each version */

struct plan_cache_slot {
	int64_t number; /* 0: empty */
	uint8_t digest[32];
	struct plan *plan; /* a reference to the plan; NULL: only number and digest are known */
};

/* A zeroed struct is an empty cache. */
struct plan_cache {
	struct plan_cache_slot slots[PLAN_CACHE_SLOTS];
	unsigned next; /* the slot to replace next, modulo PLAN_CACHE_SLOTS */
};

/* The slots returned are borrowed until the next call that changes the cache. NULL: not in the cache. */
struct plan_cache_slot *plan_cache_by_digest(struct plan_cache *cache, const uint8_t digest[32]);
struct plan_cache_slot *plan_cache_by_number(struct plan_cache *cache, int64_t number);
/* The slot of this plan, existing or new; a new one replaces the oldest. Never NULL. */
struct plan_cache_slot *plan_cache_remember(struct plan_cache *cache, int64_t number,
											const uint8_t digest[32]);
void plan_cache_forget(struct plan_cache *cache); /* drops all references */

#endif
