#include "saga/store/sqlite/plan_cache.h"

#include <string.h>

#include "saga/base/check.h"

struct plan_cache_slot *plan_cache_by_digest(struct plan_cache *cache, const uint8_t digest[32])
{
	for (unsigned i = 0; i < PLAN_CACHE_SLOTS; i++)
		if (cache->slots[i].number != 0 && memcmp(cache->slots[i].digest, digest, 32) == 0)
			return &cache->slots[i];
	return NULL;
}

struct plan_cache_slot *plan_cache_by_number(struct plan_cache *cache, int64_t number)
{
	for (unsigned i = 0; i < PLAN_CACHE_SLOTS; i++)
		if (cache->slots[i].number == number)
			return &cache->slots[i];
	return NULL;
}

struct plan_cache_slot *plan_cache_remember(struct plan_cache *cache, int64_t number,
											const uint8_t digest[32])
{
	assert(number > 0);
	struct plan_cache_slot *slot = plan_cache_by_number(cache, number);
	if (slot != NULL)
		return slot;
	slot = &cache->slots[cache->next++ % PLAN_CACHE_SLOTS];
	if (slot->plan != NULL)
		plan_unref(slot->plan);
	*slot = (struct plan_cache_slot){ .number = number };
	memcpy(slot->digest, digest, sizeof slot->digest);
	return slot;
}

void plan_cache_forget(struct plan_cache *cache)
{
	for (unsigned i = 0; i < PLAN_CACHE_SLOTS; i++) {
		if (cache->slots[i].plan != NULL)
			plan_unref(cache->slots[i].plan);
		cache->slots[i] = (struct plan_cache_slot){ 0 };
	}
}
