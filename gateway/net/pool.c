#include "gateway/net/pool.h"

#include <stdlib.h>

#include "saga/base/array.h"

/* Idle handles kept for each target; a target rarely has more exchanges in flight at once. Chosen; no
 * measurement. */
#define IDLE_HANDLES_MAX 64

struct target_pool *pool_find(const struct pools *pools, uint32_t target)
{
	for (size_t i = 0; i < pools->count; i++)
		if (pools->items[i]->target == target)
			return pools->items[i];
	return NULL;
}

struct target_pool *pool_of(struct pools *pools, uint32_t target)
{
	struct target_pool *pool = pool_find(pools, target);
	if (pool != NULL)
		return pool;
	pool = mem_zalloc(sizeof(*pool));
	pool->target = target;
	TAILQ_INIT(&pool->idle);
	ARRAY_GROW_BY_COUNT(pools->items, pools->count);
	pools->items[pools->count++] = pool;
	return pool;
}

void pool_destroy_all(struct pools *pools)
{
	for (size_t i = 0; i < pools->count; i++) {
		pool_drain(pools->items[i]);
		free(pools->items[i]);
	}
	free(pools->items);
	*pools = (struct pools){ 0 };
}

struct exchange *pool_take(struct target_pool *pool)
{
	struct exchange *x = TAILQ_FIRST(&pool->idle);
	if (x == NULL)
		return NULL;
	TAILQ_REMOVE(&pool->idle, x, link);
	pool->idle_count--;
	return x;
}

void pool_put(struct target_pool *pool, struct exchange *x)
{
	assert(x->request.kind == ALMONER_SEND_HTTP && x->state == EXCHANGE_IDLE);
	if (pool->idle_count >= IDLE_HANDLES_MAX) {
		exchange_destroy(x);
		return;
	}
	TAILQ_INSERT_HEAD(&pool->idle, x, link);
	pool->idle_count++;
}

void pool_drain(struct target_pool *pool)
{
	struct exchange *x;
	while ((x = pool_take(pool)) != NULL)
		exchange_destroy(x);
}
