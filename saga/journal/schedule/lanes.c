#include "saga/journal/schedule/lanes.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "saga/base/mem.h"

struct lane {
	struct hash_link link;
	SLIST_ENTRY(lane) spare_link;
	/* the nodes of the lane, by saga; never empty while the lane is in the table */
	TAILQ_HEAD(lane_node_head_of, lane_node) nodes;
	unsigned running;     /* how many of the lane's nodes run */
	int64_t running_saga; /* the saga to which the running nodes belong */
	uint32_t target;
	uint8_t key[LANE_BYTES];
};

void lanes_free(struct lanes *l)
{
	struct hash_cursor cursor = { 0 };
	struct hash_link *link;
	while ((link = hash_walk(&l->table, &cursor)) != NULL)
		free(HASH_ENTRY(link, struct lane, link));
	hash_free(&l->table);
	struct lane *lane;
	while ((lane = SLIST_FIRST(&l->spare)) != NULL) {
		SLIST_REMOVE_HEAD(&l->spare, spare_link);
		free(lane);
	}
}

/* Keys are digests, so their first bytes are random enough; the target is mixed in, since the steps of a saga
 * usually have the same key at each target. */
static uint64_t hash_of(uint32_t target, const uint8_t key[LANE_BYTES])
{
	uint64_t hash;
	memcpy(&hash, key, sizeof hash);
	return hash ^ target;
}

static struct lane *find(const struct lanes *l, uint32_t target, const uint8_t key[LANE_BYTES])
{
	struct hash_link *link = hash_first(&l->table, hash_of(target, key));
	for (; link != NULL; link = hash_next(link)) {
		struct lane *lane = HASH_ENTRY(link, struct lane, link);
		if (lane->target == target && memcmp(lane->key, key, LANE_BYTES) == 0)
			return lane;
	}
	return NULL;
}

static struct lane *create(struct lanes *l, uint32_t target, const uint8_t key[LANE_BYTES])
{
	struct lane *lane = SLIST_FIRST(&l->spare);
	if (lane != NULL)
		SLIST_REMOVE_HEAD(&l->spare, spare_link);
	else
		lane = mem_alloc(sizeof *lane);
	*lane = (struct lane){ .target = target };
	memcpy(lane->key, key, LANE_BYTES);
	TAILQ_INIT(&lane->nodes);
	hash_insert(&l->table, &lane->link, hash_of(target, key));
	return lane;
}

/* Searches for the node's place from the end, since a new event has the highest number. */
void lanes_enter(struct lanes *l, uint32_t target, const uint8_t key[LANE_BYTES], struct lane_node *node)
{
	assert(node->lane == NULL && node->saga > 0);
	assert(target > 0);
	struct lane *lane = find(l, target, key);
	if (lane == NULL)
		lane = create(l, target, key);
	struct lane_node *before = TAILQ_LAST(&lane->nodes, lane_node_head_of);
	while (before != NULL && before->saga > node->saga)
		before = TAILQ_PREV(before, lane_node_head_of, link);
	if (before != NULL)
		TAILQ_INSERT_AFTER(&lane->nodes, before, node, link);
	else
		TAILQ_INSERT_HEAD(&lane->nodes, node, link);
	node->lane = lane;
	node->running = false;
}

void lanes_set_running(struct lane_node *node, bool running)
{
	struct lane *lane = node->lane;
	assert(lane != NULL);
	if (node->running == running)
		return;
	node->running = running;
	if (!running) {
		assert(lane->running > 0);
		lane->running--;
		return;
	}
	assert(lane->running == 0 || lane->running_saga == node->saga); /* sagas of one lane run one at a time */
	lane->running_saga = node->saga;
	lane->running++;
}

void lanes_leave(struct lanes *l, struct lane_node *node)
{
	struct lane *lane = node->lane;
	if (lane == NULL)
		return;
	lanes_set_running(node, false);
	TAILQ_REMOVE(&lane->nodes, node, link);
	node->lane = NULL;
	if (!TAILQ_EMPTY(&lane->nodes))
		return;
	hash_remove(&l->table, &lane->link);
	SLIST_INSERT_HEAD(&l->spare, lane, spare_link);
}

bool lanes_blocked(const struct lanes *l, uint32_t target, const uint8_t key[LANE_BYTES], int64_t saga)
{
	assert(saga > 0);
	const struct lane *lane = find(l, target, key);
	if (lane == NULL)
		return false;
	if (lane->running > 0 && lane->running_saga != saga)
		return true;
	return TAILQ_FIRST(&lane->nodes)->saga < saga;
}
