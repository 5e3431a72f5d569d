/* The journal's state, which its files share. Each member belongs to the file named beside it: other files
 * change it only through that file's functions. Everything here is for the journal's thread, except the
 * queue, the published figures and the atomics, which any thread may use.
 *
 * Functions of this module that return int return 0 or the code of a store error, unless they say otherwise.
 * A store error is not handled where it occurs: each caller passes it on up to journal_fail, which ends the
 * journal. */
#ifndef ALMONER_SAGA_JOURNAL_JOURNAL_INTERNAL_H
#define ALMONER_SAGA_JOURNAL_JOURNAL_INTERNAL_H

#include "saga/journal/batch.h"
#include "saga/journal/front/op.h"
#include "saga/journal/front/queue.h"
#include "saga/journal/idle.h"
#include "saga/journal/journal.h"
#include "saga/journal/log.h"
#include "saga/journal/schedule/lanes.h"
#include "saga/journal/state/cache.h"
#include "saga/journal/state/counters.h"
#include "saga/journal/state/low_mark.h"
#include "saga/journal/state/plans.h"
#include "saga/journal/state/prefetch.h"
#include "saga/journal/state/targets.h"

/* The keys that the operations of a batch look up (prepare.c). */
struct reserved_keys {
	struct key_reservation *keys;
	size_t count, capacity;
};

/* Accepts that wait because fast targets have no free capacity (thread.c). */
struct accept_delay {
	int64_t since_ms; /* since when the thread took no accept from the queue; 0: it takes accepts */
	bool left_behind; /* the last turn left accepts in the queue */
};

struct journal {
	/* From the options; constant. */
	struct store_writer store;
	struct clock clock;
	struct entropy entropy;
	struct journal_hooks hooks;
	struct inflight_file *inflight; /* NULL: none */
	int64_t reserve_bytes;
	int64_t recount_rows;
	unsigned check_every;
	int64_t low_mark_span;
	int key_days;

	/* thread.c */
	pthread_t thread;
	bool has_thread;
	bool recovering; /* journal_create or journal_blame: nothing is handed out */
	bool stopped;    /* journal_stop was called */
	bool failed;     /* shutdown.c */
	struct accept_delay delay;

	struct op_queue queue;         /* queue.c */
	atomic_size_t rejected_bytes;  /* submit.c: bytes of rejected requests in the queue */
	struct target_table targets;   /* targets.c */
	struct plan_table plans;       /* plans.c */
	struct saga_cache cache;       /* cache.c */
	struct lanes lanes;            /* location.c enters and leaves */
	struct log_state log;          /* log.c */
	struct prefetch prefetch;      /* prefetch.c */
	struct reserved_keys reserved; /* prepare.c */
	struct batch batch;            /* batch.c; location.c notes freed lanes, handout.c works */
	struct totals totals;          /* counters.c; ops/ count what they accept */
	struct stored_counters stored; /* counters_form.c */
	struct low_mark low_mark;      /* low_mark.c; batch.c says which sagas are left out of the index */
	struct published_counts published;
	struct idle_state idle; /* idle.c */
	struct disk_state disk; /* idle.c */

	int64_t now_ms; /* the clock, read once for each batch */
	/* From the store; constant. Numbers of sagas, and of related events, grow by `stride`. */
	int64_t stride;
	bool numbers_skip; /* numbers are given by prepare.c and may leave gaps */
	int64_t last_saga; /* numbers given so far */
	int64_t last_related;
	struct err err; /* the last error, in the words for an operator */
};

/* recover.c: moves what a crash left with the engine to rows on disk. */
int recover_sagas(struct journal *j) MUST_CHECK;

/* shutdown.c: ends the journal after the store error `code`, which it returns; ERR_CLOSED when it had ended
 * before. Answers every queued operation and calls hooks.failed. */
int journal_fail(struct journal *j, int code);
/* What a caller that waits for its commit is told when the batch ends with `code`: 0 and ERR_LOST as they are,
 * ERR_IO for every other store error. */
int journal_waiting_code(int code);

#endif
