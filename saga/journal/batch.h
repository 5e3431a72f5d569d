/* One batch, which is one transaction: begin, operations, commit, handing out. */
#ifndef ALMONER_SAGA_JOURNAL_BATCH_H
#define ALMONER_SAGA_JOURNAL_BATCH_H

#include "saga/journal/state/cache.h"
#include "saga/journal/state/targets.h"

/* A lane that a step left, or in which a step ended running: the next saga may be able to start. */
struct freed_lane {
	struct target_entry *target;
	uint8_t lane[LANE_BYTES];
};

struct batch {
	STAILQ_HEAD(, cache_entry) touched; /* sagas of this batch */
	struct work_list works;             /* the works to hand out after the commit */
	struct freed_lane *freed;           /* since the last schedule_next_in_lane */
	size_t freed_count, freed_capacity;
	struct target_news *news;
	size_t news_count, news_capacity;
	struct buf value;   /* scratch: an encoded saga */
	unsigned unchecked; /* commits since invariants were checked */
	bool open;          /* a transaction is open */
	bool wrote;         /* the batch contains a change, so it must be committed */
};

/* Opens the transaction and reads the clock into j->now_ms. No batch is open. */
int batch_begin(struct journal *j) MUST_CHECK;
/* Writes every touched saga, the log rows and the chain row once, and syncs; a batch without a change is
 * rolled back. The caller has called schedule_next_in_lane, so each freed lane has gone to its
 * next saga. */
int batch_commit(struct journal *j) MUST_CHECK;
/* Gives works and news to hooks.hand_out, after the commit. */
void batch_hand_out(struct journal *j);
void batch_free(struct journal *j);

#endif
