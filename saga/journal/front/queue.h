/* The queue in front of the journal's thread. Only accepts are bounded, by their number and memory; the other
 * operations are bounded by what is in flight, and must never be refused. Thread: any, except where noted. */
#ifndef ALMONER_SAGA_JOURNAL_FRONT_QUEUE_H
#define ALMONER_SAGA_JOURNAL_FRONT_QUEUE_H

#include <pthread.h>

#include "saga/journal/front/op.h"

struct op_queue {
	pthread_mutex_t lock; /* of all members below */
	pthread_cond_t wake;
	struct op_list ops;
	struct op_list job_slices; /* job slices, taken one at a time after the other operations */
	/* records and bytes of accepts that have no commit yet, in the queue or in the running batch */
	size_t records, bytes;
	size_t records_capacity, bytes_capacity;
	bool closed;   /* refuses further operations */
	bool pushed;   /* an operation other than an accept came since the last take */
	bool sleeping; /* the journal's thread is in queue_wait */
};

/* A capacity of 0 is the default of journal_options. ERR_SYSTEM. */
int queue_init(struct op_queue *q, size_t bytes_capacity, size_t records_capacity,
			   struct err *err) MUST_CHECK;
/* The queue must be empty. */
void queue_finish(struct op_queue *q);

/* ERR_CLOSED, or ERR_FULL for an accept; then `op` stays the caller's. */
int queue_push(struct op_queue *q, struct op *op) MUST_CHECK;
/* How much waits, for figures. */
void queue_figures(struct op_queue *q, int64_t *ret_records, int64_t *ret_bytes);

/* The functions below are for the journal's thread (queue_close: also for others). */

/* Moves up to `max` operations into `to`, and one job slice behind them (all of them with SIZE_MAX). Returns
 * how many. */
size_t queue_take(struct op_queue *q, struct op_list *to, size_t max);
/* Like queue_take, but takes at most `accepts` accepts; engine reports overtake the accepts left behind. If
 * any other operation is queued, order is kept and nothing is held back. *ret_delayed: accepts were left
 * behind. */
size_t queue_take_limited(struct op_queue *q, struct op_list *to, size_t max, size_t accepts,
						  bool *ret_delayed);
bool queue_empty(struct op_queue *q);
/* Waits until an operation is queued or the queue is closed, at most `wait_ms` (-1: no limit). `new_only`:
 * the queue holds delayed accepts; wake only on a new operation that is no accept. */
void queue_wait(struct op_queue *q, int64_t wait_ms, bool new_only);
void queue_close(struct op_queue *q);
bool queue_closed(struct op_queue *q);
/* Frees the capacity of accepts that have been answered. */
void queue_committed(struct op_queue *q, size_t records, size_t bytes);

#endif
