/* The journal's life: opening, the thread and its turns, stopping. */
#include "saga/journal/journal.h"

#include <stdlib.h>

#include "saga/base/mem.h"
#include "saga/journal/engine_port.h"
#include "saga/journal/journal_internal.h"
#include "saga/journal/schedule/schedule.h"
#include "saga/journal/state/inflight.h"

/* A batch holds so many operations at most: nobody's answer waits for more than that. */
#define BATCH_OPS            512
#define GATHER_OPS           8
#define GATHER_NS            1000000
#define ACCEPT_DELAY_MAX_MS  50
#define ACCEPT_DELAY_POLL_MS 5

static int load_head(struct journal *j)
{
	struct store_head head = { 0 };
	int rc = j->store.head(j->store.ctx, &head, &j->err);
	if (rc != 0)
		return rc;
	j->last_saga = head.last_saga;
	j->last_related = head.last_related;
	j->log.chain = head.chain;
	j->log.last_row = head.chain.last;
	rc = targets_load(j);
	if (rc == 0)
		rc = counters_load(j, buf_str(&head.counters));
	buf_free(&head.counters);
	const char *fault = rc == 0 ? counters_fault(j) : NULL;
	if (fault != NULL)
		rc = err_set(&j->err, ERR_CORRUPT,
					 "the stored counters do not add up: %s; run `almoner verify`, restore a backup", fault);
	return rc;
}

/* A missing or cut write-ahead log leaves a store that is whole, and older than what senders were told. */
static int check_last_commit(struct journal *j)
{
	int64_t acknowledged = j->inflight != NULL ? inflight_last_commit(j->inflight) : 0;
	if (acknowledged <= j->log.chain.commit)
		return 0;
	return err_set(
		&j->err, ERR_CORRUPT,
		"the store ends with commit %lld, and %lld were acknowledged: the file -wal beside it is missing or "
		"was cut off; put it back. Only after restoring a backup, or to go on without what was in it, "
		"remove the file .sending beside the store",
		(long long)j->log.chain.commit, (long long)acknowledged);
}

static int record_daemon(struct journal *j, const char *text, const char *actor, const char *note)
{
	records_add(log_records(j, SUBJECT_DAEMON, 0), &(struct record){ .kind = RECORD_DAEMON,
																	 .at_ms = j->now_ms,
																	 .step = RECORD_NO_STEP,
																	 .text = str_of(text),
																	 .actor = str_of(actor),
																	 .note = str_of(note) });
	return 0;
}

static int record_start(struct journal *j, const struct journal_options *o)
{
	int rc = batch_begin(j);
	if (rc == 0)
		rc = counters_recount(j);
	if (rc == 0)
		rc = targets_set_rules(j, o->targets, o->target_count);
	if (rc == 0)
		rc = record_daemon(j, "started", o->actor, NULL);
	return rc != 0 ? rc : batch_commit(j);
}

static void init(struct journal *j, const struct journal_options *o)
{
	j->store = o->store;
	j->clock = o->clock;
	j->entropy = o->entropy;
	j->hooks = o->hooks;
	j->inflight = o->inflight;
	j->reserve_bytes = o->reserve_bytes;
	j->recount_rows = o->recount_rows > 0 ? o->recount_rows : JOURNAL_RECOUNT_ROWS;
	j->check_every = o->check_every > 0 ? o->check_every : JOURNAL_CHECK_EVERY;
	j->recovering = true;
	j->key_days = o->key_days > 0 ? o->key_days : JOURNAL_KEY_DAYS;
	STAILQ_INIT(&j->batch.touched);
	STAILQ_INIT(&j->batch.works);
}

int journal_create(const struct journal_options *options, struct journal **ret, struct err *err)
{
	struct journal *j = mem_zalloc(sizeof *j);
	init(j, options);
	int rc = queue_init(&j->queue, options->queue_bytes, options->queue_records, &j->err);
	if (rc == 0)
		rc = pthread_mutex_init(&j->published.lock, NULL) == 0 ? 0 : err_set(&j->err, ERR_SYSTEM, "no mutex");
	if (rc == 0)
		rc = load_head(j);
	if (rc == 0)
		rc = check_last_commit(j);
	if (rc == 0)
		rc = record_start(j, options);
	if (rc == 0)
		rc = recover_sagas(j);
	if (rc != 0) {
		err_set(err, j->err.code != 0 ? j->err.code : rc, "%s", j->err.text);
		journal_destroy(j);
		return rc;
	}
	if (j->inflight != NULL) {
		inflight_reset(j->inflight);
		inflight_committed(j->inflight, j->log.chain.commit);
	}
	j->recovering = false;
	*ret = j;
	return 0;
}

static void drop_queued(struct journal *j)
{
	struct op_list left = STAILQ_HEAD_INITIALIZER(left);
	queue_take(&j->queue, &left, SIZE_MAX);
	struct op *op;
	while ((op = STAILQ_FIRST(&left)) != NULL) {
		STAILQ_REMOVE_HEAD(&left, link);
		op_drop(op);
	}
}

void journal_destroy(struct journal *j)
{
	if (j == NULL)
		return;
	assert(!j->has_thread); /* journal_stop comes first */
	drop_queued(j);
	queue_finish(&j->queue);
	batch_free(j);
	log_free(&j->log);
	cache_free(j);
	plans_free(j);
	lanes_free(&j->lanes);
	targets_free(j);
	free(j->published.counts.targets);
	pthread_mutex_destroy(&j->published.lock);
	j->store.close(j->store.ctx);
	free(j);
}

/* ---- turns ---- */

static int run_ops(struct journal *j, const struct op_list *ops)
{
	int rc = batch_begin(j);
	if (rc == 0)
		idle_check_disk(j);
	struct op *op;
	STAILQ_FOREACH(op, ops, link)
	{
		if (rc == 0)
			rc = op_run(j, op);
	}
	return rc != 0 ? rc : batch_commit(j);
}

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
	finish_ops(j, ops, rc == 0 ? 0 : ERR_IO);
	if (rc == 0)
		batch_hand_out(j);
	return rc;
}

/* Senders that only wait for their 202 outrun deliveries. An event that does not find room at its targets costs
 * several times one that does: its intents need commits of their own, in the end also rows on disk; that puts
 * deliveries further behind, until the senders pause. So accepts wait for room, as long as that takes a moment: a
 * target that is slow gets its backlog on disk. */
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

/* One batch and, when nothing more waits, the work for quiet times. Gives the number of operations. */
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
	return idle_next_ms(j);
}

/* ---- thread ---- */

static int64_t wait_ms(const struct journal *j)
{
	int64_t next_ms = idle_next_ms(j);
	if (next_ms == INT64_MAX)
		return -1;
	int64_t now_ms = j->clock.now_ms(j->clock.ctx);
	return next_ms > now_ms ? next_ms - now_ms : 0;
}

/* Where a sync is quick, each commit would find little to do, and the commits themselves cost more than what they
 * hold. With few in the batch there is nobody to wait for, and nobody waits. */
static void gather_ops(void)
{
	const struct timespec span = { .tv_nsec = GATHER_NS };
	nanosleep(&span, NULL);
}

static void *thread_main(void *arg)
{
	struct journal *j = arg;
	pthread_setname_np(pthread_self(), "log"); /* for top and profilers: nothing hangs on it */
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
	if (rc == 0)
		rc = record_daemon(j, "stopped", NULL, why);
	return rc != 0 ? rc : batch_commit(j);
}

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

static int blame(struct journal *j, struct cache_entry *e, const char *step, const char *detail)
{
	int i = plan_find_step(e->saga->plan, step);
	struct decide d = cache_decide_context(j, e);
	if (i < 0)
		return err_set(&j->err, ERR_NOT_FOUND, "saga %lld has no step %s", (long long)e->id, step);
	if (decide_blame(&d, (uint16_t)i, detail) != 0)
		return err_set(&j->err, ERR_STALE, "saga %lld step %s is not under way", (long long)e->id, step);
	e->changed = true;
	j->recovering = true;
	int rc = schedule_saga(j, e, (struct schedule_options){ .recheck = true, .to_disk = true });
	if (rc == 0)
		rc = schedule_next_in_lane(j);
	j->recovering = false;
	return rc;
}

int journal_blame(struct journal *j, int64_t saga, const char *step, const char *detail, struct err *err)
{
	struct cache_entry *e;
	assert(!j->has_thread);
	int rc = batch_begin(j);
	int verdict = rc == 0 ? cache_load(j, saga, &e) : rc;
	if (verdict == 0)
		verdict = blame(j, e, step, detail);
	if (rc == 0 && (verdict == 0 || verdict == ERR_NOT_FOUND || verdict == ERR_STALE))
		rc = batch_commit(j);
	else
		rc = verdict;
	if (rc != 0)
		verdict = journal_fail(j, rc);
	return verdict == 0 ? 0 : err_set(err, verdict, "%s", j->err.text);
}
