/* The low-water mark: which sagas that are under way are left out of the store's index of open sagas, so that
 * the usual path of an event writes no index (saga/DESIGN.md "The low-water mark"). A start finds them between
 * the mark and the reach, which each commit stores. Thread: the journal's. */
#ifndef ALMONER_SAGA_JOURNAL_STATE_LOW_MARK_H
#define ALMONER_SAGA_JOURNAL_STATE_LOW_MARK_H

#include "saga/store/store.h"

/* How far the mark may lag behind the last saga, in numbers; this bounds what a start reads. Chosen: reading
 * this many sagas takes about 0.1 s. */
#define LOW_MARK_SPAN 32768

struct low_mark {
	int64_t low;    /* no saga below it may be left out of the index */
	int64_t reach;  /* the highest saga that was ever left out */
	int64_t stride; /* of the numbers of sagas */
	int64_t span;
	bool recovered; /* no saga is left out from before the start */
	size_t count;   /* sagas that are left out now */
	uint64_t *bits; /* of each of them, by its number modulo `span` */
	/* What the last commit has stored. */
	struct tally last, now; /* `now`: scratch */
	struct buf bytes;
};

/* At start, from the store's head. `span` as LOW_MARK_SPAN. The recovery then moves the mark by
 * low_mark_recovered. ERR_CORRUPT: the stored marks contradict each other or the last saga. */
int low_mark_load(struct low_mark *m, const struct store_head *head, int64_t span,
				  struct err *err) MUST_CHECK;
void low_mark_free(struct low_mark *m);

/* During the recovery: no saga at or below `id` is left out of the index any more. */
void low_mark_recovered(struct low_mark *m, int64_t id);
/* May the saga be left out of the index? */
bool low_mark_permits(const struct low_mark *m, int64_t id);
/* Is the saga left out of the index now? */
bool low_mark_left_out(const struct low_mark *m, int64_t id);
/* The saga is written now, left out of the index or not. */
void low_mark_set(struct low_mark *m, int64_t id, bool left_out);
/* Moves the mark so that it lags behind `last` by less than the span. Returns a saga that is left out and too
 * far behind: it must be written into the index in this commit, and is not left out any more; 0: there is none,
 * and the mark lags by less. */
int64_t low_mark_lagging(struct low_mark *m, int64_t last);
/* The marks of this commit in their stored form, a full copy or the difference to the commit before; empty: they
 * have not changed. Valid until the next call. */
struct str low_mark_encode(struct low_mark *m, bool full);

#endif
