/* The journal's thread and its turns: take operations, run them in one transaction, commit, answer, hand
 * out. */
#include <stdlib.h>
#include <time.h>

#include "saga/journal/engine_port.h"
#include "saga/journal/journal_internal.h"
#include "saga/journal/ops/prepare.h"

#define BATCH_OPS           512     /* operations in a batch, which bounds how long an answer takes; chosen */
#define GATHER_OPS          8       /* operations of a batch after which the thread waits GATHER_NS */
#define GATHER_NS           1000000 /* chosen; no measurement */
#define ACCEPT_DELAY_MAX_MS 50      /* see accept_budget; figures: tests/bench/README.md */
/* milliseconds between two questions to hooks.start_capacity while accepts wait; chosen */
#define ACCEPT_DELAY_POLL_MS 5

/* ---- one turn ---- */

static int run_ops(struct journal *j, const struct op_list *ops)
{
	int rc = batch_begin(j);
	if (rc == 0)
		idle_check_disk(j);
	if (rc == 0)
		rc = prepare_ops(j, ops);
	struct op *op;
	STAILQ_FOREACH(op, ops, link)
	{
		if (rc == 0)
			rc = op_run(j, op);
	}
	return rc != 0 ? rc : batch_commit(j);
}

/* Frees the queue's capacity before the answers, so that a sender which continues at once is not refused. The
 * digest of a request in flight is forgotten here, since its outcome is durable now. */
static void finish_ops(struct journal *j, struct op_list *ops, int code)
{
	size_t records = 0, bytes = 0, rejected = 0;
	struct op *op;
	STAILQ_FOREACH(op, ops, link)
	{
		records += op->kind == OP_ACCEPT ? 1 : 0;
		bytes += op->kind == OP_ACCEPT ? op->u.accept.bytes : 0;
		rejected += op->kind == OP_KEEP_REJECTED ? op->u.rejected.bytes : 0;
	}
	queue_committed(&j->queue, records, bytes);
	atomic_fetch_sub(&j->rejected_bytes, rejected);
	j->idle.taken_bytes += (int64_t)(bytes + rejected);
	while ((op = STAILQ_FIRST(ops)) != NULL) {
		STAILQ_REMOVE_HEAD(ops, link);
		if (code == 0 && op->kind == OP_OUTCOME)
			journal_clear_inflight(j, op->u.step.w);
		op_finish(op, code);
	}
}

static int handle_batch(struct journal *j, struct op_list *ops)
{
	int rc = run_ops(j, ops);
	finish_ops(j, ops, journal_waiting_code(rc));
	if (rc == 0)
		batch_hand_out(j);
	return rc;
}

/* How many accepts the next batch may take. An event that is accepted while its targets have free capacity
 * needs one commit; otherwise it needs several, and in the end also rows on disk. Senders that wait only for
 * their 202 are faster than deliveries, so without a limit they would force every event onto that slower
 * path. Therefore accepts wait for capacity at fast targets, at most ACCEPT_DELAY_MAX_MS; slow targets get
 * their backlog on disk. */
static size_t accept_budget(struct journal *j)
{
	size_t start_capacity =
		j->hooks.start_capacity != NULL ? j->hooks.start_capacity(j->hooks.ctx) : SIZE_MAX;
	if (start_capacity > 0) {
		j->delay.since_ms = 0;
		return start_capacity;
	}
	int64_t now_ms = j->clock.now_ms(j->clock.ctx);
	if (j->delay.since_ms == 0)
		j->delay.since_ms = now_ms;
	return now_ms - j->delay.since_ms < ACCEPT_DELAY_MAX_MS ? 0 : SIZE_MAX;
}

static size_t take_ops(struct journal *j, struct op_list *to)
{
	size_t accepts = accept_budget(j);
	j->delay.left_behind = false;
	if (accepts == SIZE_MAX)
		return queue_take(&j->queue, to, BATCH_OPS);
	return queue_take_limited(&j->queue, to, BATCH_OPS, accepts, &j->delay.left_behind);
}

/* One batch and, when no operation is left, the idle tasks. Returns the number of operations, or ERR_*. */
static int run_turn(struct journal *j)
{
	if (j->failed)
		return ERR_CLOSED;
	struct op_list ops = STAILQ_HEAD_INITIALIZER(ops);
	size_t count = take_ops(j, &ops);
	int rc = count > 0 ? handle_batch(j, &ops) : 0;
	bool busy = !queue_empty(&j->queue);
	if (rc == 0)
		rc = idle_checkpoint(j, busy);
	if (rc == 0 && !busy)
		rc = idle_run(j);
	return rc != 0 ? journal_fail(j, rc) : (int)count;
}

int journal_pump(struct journal *j)
{
	assert(!j->has_thread);
	return run_turn(j);
}

int64_t journal_idle_due_ms(const struct journal *j)
{
	assert(!j->has_thread); /* the journal's thread would change what this function reads */
	return idle_next_ms(j);
}

/* ---- the thread ---- */

static int64_t wait_ms(const struct journal *j)
{
	int64_t next_ms = idle_next_ms(j);
	if (next_ms == INT64_MAX)
		return -1;
	int64_t now_ms = j->clock.now_ms(j->clock.ctx);
	return next_ms > now_ms ? next_ms - now_ms : 0;
}

/* On fast disks batches stay tiny and the fixed cost of a commit dominates, so after a batch of GATHER_OPS or
 * more the thread waits a millisecond for the next batch to fill. Small batches are not delayed. */
static void gather_ops(void)
{
	const struct timespec span = { .tv_nsec = GATHER_NS };
	nanosleep(&span, NULL);
}

static void *thread_main(void *arg)
{
	struct journal *j = arg;
	pthread_setname_np(pthread_self(), "log"); /* only for top and profilers */
	while (!j->failed && (!queue_closed(&j->queue) || !queue_empty(&j->queue))) {
		int count = run_turn(j);
		if (count >= GATHER_OPS)
			gather_ops();
		if (count >= 0)
			queue_wait(&j->queue, j->delay.left_behind ? ACCEPT_DELAY_POLL_MS : wait_ms(j),
					   j->delay.left_behind);
	}
	return NULL;
}

int journal_start_thread(struct journal *j, struct err *err)
{
	assert(!j->has_thread && !j->stopped);
	int rc = pthread_create(&j->thread, NULL, thread_main, j);
	if (rc != 0)
		return err_set(err, ERR_SYSTEM, "the journal's thread does not start: error %d", rc);
	j->has_thread = true;
	return 0;
}

static int record_stop(struct journal *j, const char *why)
{
	int rc = batch_begin(j);
	if (rc != 0)
		return rc;
	log_add(j, SUBJECT_DAEMON, 0, RECORD_DAEMON, "stopped", NULL, why);
	return batch_commit(j);
}

/* Without a thread the queued operations are handled here, on the caller's thread. */
void journal_stop(struct journal *j, const char *why)
{
	if (j->stopped)
		return;
	j->stopped = true;
	queue_close(&j->queue);
	if (j->has_thread)
		pthread_join(j->thread, NULL);
	j->has_thread = false;
	while (!j->failed && !queue_empty(&j->queue))
		run_turn(j);
	int rc = j->failed ? 0 : record_stop(j, why);
	if (rc != 0)
		journal_fail(j, rc);
}
