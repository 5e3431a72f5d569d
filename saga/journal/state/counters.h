/* The figures: kept in memory, stored with each commit, published for other threads. Thread: the
 * journal's. */
#ifndef ALMONER_SAGA_JOURNAL_STATE_COUNTERS_H
#define ALMONER_SAGA_JOURNAL_STATE_COUNTERS_H

#include <pthread.h>

#include "saga/journal/figures.h"
#include "saga/journal/state/cache.h"
#include "saga/store/store.h"

struct totals {
	int64_t accepted, related, duplicates; /* as in struct journal_counts */
	int64_t waiting;                       /* related events whose gift has not come */
	int64_t sagas[SAGA_STATE_COUNT];
};

/* What counters_form.c stores. */
struct stored_counters {
	struct tally last, now; /* as of the last commit; scratch */
	struct buf bytes;       /* the stored form */
};

/* The copy that other threads read. */
struct published_counts {
	pthread_mutex_t lock;
	struct journal_counts counts; /* as of the last commit */
};

/* Counts what changed in this saga since it was counted last. ERR_CORRUPT. */
int counters_account(struct journal *j, struct cache_entry *e) MUST_CHECK;
/* The stored form for this commit: a full copy, or the difference to the last call. Valid until the next
 * call. */
struct str counters_encode(struct journal *j, bool full);
/* At start: takes the counters of the store's head over; a new store has none. ERR_CORRUPT; ERR_REFUSED: a newer
 * almoner has written a figure that this one does not keep. */
int counters_load(struct journal *j, const struct store_figures *stored) MUST_CHECK;
/* The backlog that figures show. */
int64_t counters_backlog(int64_t claimable, int64_t blocked);
void counters_copy_totals(const struct totals *t, struct journal_counts *ret);
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
void counters_finish(struct journal *j);

#endif
