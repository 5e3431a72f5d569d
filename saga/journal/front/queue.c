#include "saga/journal/front/queue.h"

#include <errno.h>
#include <time.h>

#include "saga/base/clock.h"

#define WAIT_MAX_MS                                                                                          \
	HOUR_MS /* a longer wait is cut; the thread then looks at its idle tasks and waits again */

int queue_init(struct op_queue *q, size_t bytes_capacity, size_t records_capacity, struct err *err)
{
	*q = (struct op_queue){ .bytes_capacity = bytes_capacity != 0 ? bytes_capacity : JOURNAL_QUEUE_BYTES,
							.records_capacity =
								records_capacity != 0 ? records_capacity : JOURNAL_QUEUE_RECORDS };
	STAILQ_INIT(&q->ops);
	STAILQ_INIT(&q->job_slices);
	int rc = clock_condition_init(&q->wake);
	if (rc == 0)
		rc = pthread_mutex_init(&q->lock, NULL);
	return rc == 0 ? 0 : err_set(err, ERR_SYSTEM, "the journal's queue cannot be made: error %d", rc);
}

void queue_finish(struct op_queue *q)
{
	assert(STAILQ_EMPTY(&q->ops) && STAILQ_EMPTY(&q->job_slices));
	pthread_mutex_destroy(&q->lock);
	pthread_cond_destroy(&q->wake);
}

static void lock(struct op_queue *q)
{
	pthread_mutex_lock(&q->lock);
}

static void unlock(struct op_queue *q)
{
	pthread_mutex_unlock(&q->lock);
}

/* With the lock held. The thread is woken once for all operations that gather until it takes them. */
static void wake(struct op_queue *q)
{
	if (!q->sleeping)
		return;
	q->sleeping = false;
	pthread_cond_signal(&q->wake);
}

/* ---- pushing: any thread ---- */

/* An accept does not set `pushed`: while accepts are delayed, a further one is no reason to wake. */
int queue_push(struct op_queue *q, struct op *op)
{
	bool accept = op->kind == OP_ACCEPT;
	lock(q);
	int rc = q->closed ? ERR_CLOSED : 0;
	if (rc == 0 && accept &&
		(q->records >= q->records_capacity || q->bytes + op->u.accept.bytes > q->bytes_capacity))
		rc = ERR_FULL;
	if (rc == 0) {
		STAILQ_INSERT_TAIL(op->kind == OP_JOB_SLICE ? &q->job_slices : &q->ops, op, link);
		q->pushed = q->pushed || !accept;
		if (accept) {
			q->records++;
			q->bytes += op->u.accept.bytes;
		}
		wake(q);
	}
	unlock(q);
	return rc;
}

void queue_figures(struct op_queue *q, int64_t *ret_records, int64_t *ret_bytes)
{
	lock(q);
	*ret_records = (int64_t)q->records;
	*ret_bytes = (int64_t)q->bytes;
	unlock(q);
}

/* ---- taking: the journal's thread ---- */

static size_t move(struct op_list *from, struct op_list *to, size_t max)
{
	size_t moved = 0;
	struct op *op;
	while (moved < max && (op = STAILQ_FIRST(from)) != NULL) {
		STAILQ_REMOVE_HEAD(from, link);
		STAILQ_INSERT_TAIL(to, op, link);
		moved++;
	}
	return moved;
}

size_t queue_take(struct op_queue *q, struct op_list *to, size_t max)
{
	assert(max > 0);
	lock(q);
	size_t taken = move(&q->ops, to, max);
	taken += move(&q->job_slices, to, max == SIZE_MAX ? max : 1);
	q->pushed = false;
	unlock(q);
	return taken;
}

static bool is_report(enum op_kind kind)
{
	return kind >= OP_START && kind <= OP_BREAKER;
}

static bool has_other_op(const struct op_queue *q)
{
	const struct op *op;
	STAILQ_FOREACH(op, &q->ops, link)
	{
		if (op->kind != OP_ACCEPT && !is_report(op->kind))
			return true;
	}
	return false;
}

/* Takes every report and the first `accepts` accepts; the other operations stay in the queue in their
 * order. */
static size_t move_limited(struct op_queue *q, struct op_list *to, size_t max, size_t accepts)
{
	struct op_list rest = STAILQ_HEAD_INITIALIZER(rest);
	size_t moved = 0;
	struct op *op;
	while ((op = STAILQ_FIRST(&q->ops)) != NULL) {
		bool report = is_report(op->kind);
		bool take = moved < max && (report || accepts > 0);
		accepts -= take && !report;
		STAILQ_REMOVE_HEAD(&q->ops, link);
		if (take)
			STAILQ_INSERT_TAIL(to, op, link);
		else
			STAILQ_INSERT_TAIL(&rest, op, link);
		moved += take;
	}
	STAILQ_CONCAT(&q->ops, &rest);
	return moved;
}

size_t queue_take_limited(struct op_queue *q, struct op_list *to, size_t max, size_t accepts,
						  bool *ret_delayed)
{
	assert(max > 0);
	lock(q);
	bool limited = !q->closed && STAILQ_EMPTY(&q->job_slices) && !has_other_op(q);
	size_t taken = limited ? move_limited(q, to, max, accepts) : move(&q->ops, to, max);
	*ret_delayed = limited && !STAILQ_EMPTY(&q->ops);
	q->pushed = false;
	unlock(q);
	return taken;
}

static bool is_empty(const struct op_queue *q)
{
	return STAILQ_EMPTY(&q->ops) && STAILQ_EMPTY(&q->job_slices);
}

bool queue_empty(struct op_queue *q)
{
	lock(q);
	bool empty = is_empty(q);
	unlock(q);
	return empty;
}

/* The wait ends by the monotonic clock, so that a step of the system's time neither cuts nor prolongs it. */
void queue_wait(struct op_queue *q, int64_t wait_ms, bool new_only)
{
	assert(wait_ms >= -1);
	struct timespec until = clock_deadline(wait_ms < 0 || wait_ms > WAIT_MAX_MS ? WAIT_MAX_MS : wait_ms);
	lock(q);
	int rc = 0;
	while ((new_only ? !q->pushed : is_empty(q)) && !q->closed && rc != ETIMEDOUT) {
		q->sleeping = true;
		rc = wait_ms < 0 ? pthread_cond_wait(&q->wake, &q->lock)
						 : pthread_cond_timedwait(&q->wake, &q->lock, &until);
	}
	q->sleeping = false;
	unlock(q);
}

void queue_close(struct op_queue *q)
{
	lock(q);
	q->closed = true;
	wake(q);
	unlock(q);
}

bool queue_closed(struct op_queue *q)
{
	lock(q);
	bool closed = q->closed;
	unlock(q);
	return closed;
}

void queue_committed(struct op_queue *q, size_t records, size_t bytes)
{
	if (records == 0)
		return;
	lock(q);
	assert(records <= q->records && bytes <= q->bytes);
	q->records -= records;
	q->bytes -= bytes;
	unlock(q);
}
