/* The lines of ordering keys, as far as somebody in them is in memory: the rest stands on disk as step rows
 * with a lane. In a lane each saga counts as one: its own steps never wait for each other here. */
#include <stdlib.h>
#include <string.h>

#include "saga/base/mem.h"
#include "saga/journal/journal_internal.h"

struct lane {
	struct lane *next;                              /* in its hash slot, or among the spare ones */
	TAILQ_HEAD(lane_node_head_of, lane_node) nodes; /* by saga */
	unsigned running;
	int64_t running_saga;
	uint32_t target;
	uint8_t key[LANE_BYTES];
};

#define LANES_FIRST_CAP 256

void lanes_init(struct lanes *l)
{
	*l = (struct lanes){ .capacity = LANES_FIRST_CAP };
	l->slots = mem_zalloc(l->capacity * sizeof *l->slots);
}

static void free_chain(struct lane *lane)
{
	while (lane != NULL) {
		struct lane *next = lane->next;
		free(lane);
		lane = next;
	}
}

void lanes_free(struct lanes *l)
{
	for (size_t i = 0; i < l->capacity; i++)
		free_chain(l->slots[i]);
	free_chain(l->spare);
	free(l->slots);
	*l = (struct lanes){ 0 };
}

/* Keys are digests: their bytes are random enough. */
static size_t slot_of(const struct lanes *l, uint32_t target, const uint8_t key[LANE_BYTES])
{
	uint64_t hash;
	memcpy(&hash, key, sizeof hash);
	return (size_t)(hash ^ (target * 0x9e3779b97f4a7c15ULL)) & (l->capacity - 1);
}

static bool lane_is(const struct lane *lane, uint32_t target, const uint8_t key[LANE_BYTES])
{
	return lane->target == target && memcmp(lane->key, key, LANE_BYTES) == 0;
}

static struct lane *find(const struct lanes *l, uint32_t target, const uint8_t key[LANE_BYTES])
{
	struct lane *lane = l->slots[slot_of(l, target, key)];
	while (lane != NULL && !lane_is(lane, target, key))
		lane = lane->next;
	return lane;
}

static void grow(struct lanes *l)
{
	struct lane **old = l->slots;
	size_t old_cap = l->capacity;
	l->capacity *= 2;
	l->slots = mem_zalloc(l->capacity * sizeof *l->slots);
	for (size_t i = 0; i < old_cap; i++) {
		while (old[i] != NULL) {
			struct lane *lane = old[i];
			old[i] = lane->next;
			size_t slot = slot_of(l, lane->target, lane->key);
			lane->next = l->slots[slot];
			l->slots[slot] = lane;
		}
	}
	free(old);
}

static struct lane *create(struct lanes *l, uint32_t target, const uint8_t key[LANE_BYTES])
{
	if (l->count >= l->capacity)
		grow(l);
	struct lane *lane = l->spare;
	if (lane != NULL)
		l->spare = lane->next;
	else
		lane = mem_alloc(sizeof *lane);
	size_t slot = slot_of(l, target, key);
	*lane = (struct lane){ .next = l->slots[slot], .target = target };
	memcpy(lane->key, key, LANE_BYTES);
	TAILQ_INIT(&lane->nodes);
	l->slots[slot] = lane;
	l->count++;
	return lane;
}

void lanes_enter(struct lanes *l, uint32_t target, const uint8_t key[LANE_BYTES], struct lane_node *node)
{
	assert(node->lane == NULL);
	struct lane *lane = find(l, target, key);
	if (lane == NULL)
		lane = create(l, target, key);
	/* From the back: a new event has the highest number. */
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
		lane->running--;
		return;
	}
	assert(lane->running == 0 || lane->running_saga == node->saga);
	lane->running_saga = node->saga;
	lane->running++;
}

static void remove_lane(struct lanes *l, struct lane *lane)
{
	struct lane **at = &l->slots[slot_of(l, lane->target, lane->key)];
	while (*at != lane)
		at = &(*at)->next;
	*at = lane->next;
	lane->next = l->spare;
	l->spare = lane;
	l->count--;
}

void lanes_leave(struct lanes *l, struct lane_node *node)
{
	struct lane *lane = node->lane;
	if (lane == NULL)
		return;
	lanes_set_running(node, false);
	TAILQ_REMOVE(&lane->nodes, node, link);
	node->lane = NULL;
	if (TAILQ_EMPTY(&lane->nodes))
		remove_lane(l, lane);
}

bool lanes_blocked(const struct lanes *l, uint32_t target, const uint8_t key[LANE_BYTES], int64_t saga)
{
	const struct lane *lane = find(l, target, key);
	if (lane == NULL)
		return false;
	if (lane->running > 0 && lane->running_saga != saga)
		return true;
	return TAILQ_FIRST(&lane->nodes)->saga < saga;
}
