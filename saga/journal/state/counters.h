/* The figures: kept in memory, stored with each commit, published for other threads. Thread: the
 * journal's. */
#ifndef ALMONER_SAGA_JOURNAL_STATE_COUNTERS_H
#define ALMONER_SAGA_JOURNAL_STATE_COUNTERS_H

#include <pthread.h>

#include "saga/journal/figures.h"
#include "saga/journal/state/cache.h"

struct totals {
	int64_t accepted, related, duplicates, commits, log_rows; /* as in struct journal_counts */
	int64_t waiting;                                          /* related events whose gift has not come */
	int64_t sagas[SAGA_STATE_COUNT];
};

/* The copy that other threads read. */
struct published_counts {
	pthread_mutex_t lock;
	struct journal_counts counts; /* as of the last commit */
};

/* Counts what changed in this saga since it was counted last. ERR_CORRUPT. */
int counters_account(struct journal *j, struct cache_entry *e) MUST_CHECK;
/* Replaces what `out` holds by the stored form. */
void counters_encode(struct journal *j, struct buf *out);
/* Loads the counters at start from the store's head, where they are empty in a new store. ERR_CORRUPT. */
int counters_load(struct journal *j, struct str bytes) MUST_CHECK;
/* The rule that the figures break: a negative one, or accepted events that are nowhere; NULL: they are
 * sound. */
const char *counters_fault(const struct journal *j);
/* Sets j->err, for a fault of what the store holds. Returns ERR_CORRUPT. */
int counters_damaged(struct journal *j, const char *fault);
/* At start, in a transaction: compares the counts of rows with the rows. Where they differ, the rows are
 * right and a record says what was corrected. */
int counters_recount(struct journal *j) MUST_CHECK;
/* After a commit. */
void counters_publish(struct journal *j);

#endif
