/* The lanes in memory. A lane is one ordering key at one target; its sagas take turns, in the order of their
 * numbers. In memory are those lanes of which at least one saga is in memory; sagas that wait on disk are
 * found by their rows (store row_lane_first). Within a lane each saga counts once: steps of the same saga
 * never block each other here. Thread: the journal's. */
#ifndef ALMONER_SAGA_JOURNAL_SCHEDULE_LANES_H
#define ALMONER_SAGA_JOURNAL_SCHEDULE_LANES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "saga/base/hash.h"
#include "saga/model/saga.h"

struct lane;

/* One step's place in a lane; the step's owner holds the memory. */
struct lane_node {
	TAILQ_ENTRY(lane_node) link;
	struct lane *lane; /* NULL: not in a lane */
	int64_t saga;      /* set by the owner before lanes_enter */
	bool running;
};

/* Zeroed, it is empty. */
struct lanes {
	struct hash_table table;  /* of struct lane */
	SLIST_HEAD(, lane) spare; /* lanes without nodes, to be used again: lanes come and go with every event */
};

/* Nodes that are still in a lane must not be used afterwards. */
void lanes_free(struct lanes *l);
/* Adds a node, not running, behind the nodes of lower sagas; makes the lane when there is none. The node must
 * not be in a lane. */
void lanes_enter(struct lanes *l, uint32_t target, const uint8_t key[LANE_BYTES], struct lane_node *node);
/* Removes a node, and the lane with its last node. A node that is in no lane is left alone. */
void lanes_leave(struct lanes *l, struct lane_node *node);
/* Marks the step of a node in a lane as running, or not. Only one saga of a lane runs at a time. */
void lanes_set_running(struct lane_node *node, bool running);
/* Among the sagas in memory: does a lower one stand in this lane, or does a step of another saga run? */
bool lanes_blocked(const struct lanes *l, uint32_t target, const uint8_t key[LANE_BYTES], int64_t saga);

#endif
