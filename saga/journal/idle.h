/* What the journal does between batches: checkpoints of the write-ahead log, free disk space, gifts that
 * never came, pruning, and rows that new rules concern. Each piece is a short transaction of its own. */
#ifndef ALMONER_SAGA_JOURNAL_IDLE_H
#define ALMONER_SAGA_JOURNAL_IDLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "saga/base/check.h"

struct journal;

/* Times of the next tasks; 0: as soon as possible. */
struct idle_state {
	int64_t related_next_ms; /* when the first waiting related event is given up */
	int64_t prune_next_ms;
	int64_t disk_next_ms; /* when free disk space is read again */
	int64_t taken_bytes;  /* bytes of the events that were committed since free disk space was read */
	int64_t checkpoint_next_ms;
	/* the last checkpoint failed, because the disk is full: the journal tries again */
	bool checkpoint_full;
	int64_t wal_blocked_since_ms; /* since when checkpoints cannot copy enough; 0: the last one could */
};

/* The state of the store's disk, which intake and status pages read from their own threads. */
struct disk_state {
	atomic_bool low;                   /* the disk is low: no event is accepted and no attempt starts */
	atomic_bool store_gone;            /* the store's files are not where they were opened; implies `low` */
	_Atomic int64_t wal_blocked_bytes; /* once WAL_BLOCKED was reported; else 0 */
};

/* The tasks that are due, when no operation is queued. */
int idle_run(struct journal *j) MUST_CHECK;
/* The time at which idle_run has something to do; INT64_MAX: never. */
int64_t idle_next_ms(const struct journal *j);
/* After each batch: a checkpoint when the write-ahead log is long. `busy`: operations wait, so only a very
 * long one counts. A full disk is no error here: everything is still in the write-ahead log. */
int idle_checkpoint(struct journal *j, bool busy) MUST_CHECK;
/* Before each batch: reads free disk space when it is time, and reports changes. */
void idle_check_disk(struct journal *j);

#endif
