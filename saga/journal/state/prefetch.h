/* What the next reads of the open batch will ask, told to the store at once (store_writer.expect), so that a
 * store behind a network answers them together. A hint: every read works without it, and may ask for
 * something else. For a store without `expect` nothing is collected. Thread: the journal's. */
#ifndef ALMONER_SAGA_JOURNAL_STATE_PREFETCH_H
#define ALMONER_SAGA_JOURNAL_STATE_PREFETCH_H

#include "saga/store/store.h"

struct journal;

struct prefetch_ids {
	int64_t *ids;
	size_t count, capacity;
};

/* What was collected since the last prefetch_send; zeroed, it is empty. */
struct prefetch {
	struct prefetch_ids sagas, events, related;
	struct expected_lane *lanes;
	size_t lane_count, lane_capacity;
	uint32_t *due_targets;
	size_t due_count, due_capacity;
};

/* The saga with its plan, unless it is in memory. `event`: its event too. */
void prefetch_saga(struct journal *j, int64_t saga, bool event);
void prefetch_related(struct journal *j, int64_t related);
/* The first row of the lane, if the target (by name) has rows in lanes. */
void prefetch_lane(struct journal *j, const char *target, const uint8_t lane[LANE_BYTES]);
/* The first rows of the lanes of the steps that are not at their end, of the saga if it is in memory. */
void prefetch_lanes_of(struct journal *j, int64_t saga);
/* The sagas of the rows, and the first rows of their lanes. `event`: the events too. Tells the store. */
void prefetch_rows(struct journal *j, const struct step_row *rows, size_t count, bool event);
/* The due time of the target's first claimable row, if it must be asked for. */
void prefetch_due(struct journal *j, uint32_t target);
/* Tells the store what was collected, if anything was. */
void prefetch_send(struct journal *j);
void prefetch_free(struct prefetch *p);

#endif
