/* How the journal begins and ends: opening a store, and what must happen before the thread starts. */
#include <stdlib.h>

#include "saga/base/mem.h"
#include "saga/journal/journal_internal.h"
#include "saga/journal/ops/prepare.h"
#include "saga/journal/schedule/schedule.h"
#include "saga/journal/state/inflight.h"

/* Damaged counters are an error: here as far as their sums show it, else when a saga or an event comes up
 * that they lack. Sums that become wrong later are a fault of this program, and an assertion
 * (invariants.c). */
static int load_head(struct journal *j)
{
	struct store_head head = { 0 };
	int rc = j->store.head(j->store.ctx, &head, &j->err);
	if (rc != 0)
		return rc;
	j->last_saga = head.last_saga;
	j->last_related = head.last_related;
	assert(head.stride > 0);
	j->stride = head.stride;
	j->numbers_skip = head.numbers_skip;
	j->log.chain = head.chain;
	j->log.last_row = head.chain.last;
	rc = low_mark_load(&j->low_mark, &head, j->low_mark_span, &j->err);
	if (rc == 0)
		rc = targets_load(j);
	if (rc == 0)
		rc = counters_load(j, &head.figures);
	store_figures_free(&head.figures);
	const char *fault = rc == 0 ? counters_fault(j) : NULL;
	return fault != NULL ? counters_damaged(j, fault) : rc;
}

/* A store whose write-ahead log is missing or was cut off looks sound, but ends before commits that were
 * acknowledged to senders. The inflight file has the number of the last acknowledged commit. */
static int check_last_commit(struct journal *j)
{
	int64_t acknowledged = j->inflight != NULL ? inflight_last_commit(j->inflight) : 0;
	if (acknowledged <= j->log.chain.commit)
		return 0;
	return err_set(
		&j->err, ERR_CORRUPT,
		"the store ends with commit %lld, but commit %lld was acknowledged: the file -wal beside the "
		"store is missing or was cut off. Put this file back. After restoring a backup, or to continue "
		"without the lost commits, remove the file .sending beside the store",
		(long long)j->log.chain.commit, (long long)acknowledged);
}

static int record_start(struct journal *j, const struct journal_options *o)
{
	int rc = batch_begin(j);
	if (rc == 0)
		rc = counters_recount(j);
	if (rc == 0)
		rc = targets_set_rules(j, o->targets, o->target_count);
	if (rc != 0)
		return rc;
	log_add(j, SUBJECT_DAEMON, 0, RECORD_DAEMON, "started", o->actor, NULL);
	return batch_commit(j);
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
	j->low_mark_span = o->low_mark_span > 0 ? o->low_mark_span : LOW_MARK_SPAN;
	j->key_days = o->key_days > 0 ? o->key_days : JOURNAL_KEY_DAYS;
	j->recovering = true;
	STAILQ_INIT(&j->batch.touched);
	STAILQ_INIT(&j->batch.works);
}

static int open_and_recover(struct journal *j, const struct journal_options *options)
{
	int rc = load_head(j);
	if (rc == 0)
		rc = check_last_commit(j);
	if (rc == 0)
		rc = record_start(j, options);
	return rc == 0 ? recover_sagas(j) : rc;
}

/* The inflight file is emptied last: until recovery is complete, a further crash needs what it holds. */
int journal_create(const struct journal_options *options, struct journal **ret, struct err *err)
{
	assert(options->store.head != NULL && options->clock.now_ms != NULL && options->hooks.admission != NULL &&
		   options->hooks.hand_out != NULL);
	assert(options->targets != NULL || options->target_count == 0);
	assert(options->reserve_bytes >= 0 && options->recount_rows >= 0 && options->key_days >= 0);
	struct journal *j = mem_zalloc(sizeof *j);
	init(j, options);
	int rc = queue_init(&j->queue, options->queue_bytes, options->queue_records, &j->err);
	if (rc == 0 && pthread_mutex_init(&j->published.lock, NULL) != 0)
		rc = err_set(&j->err, ERR_SYSTEM, "pthread_mutex_init failed");
	if (rc == 0)
		rc = open_and_recover(j, options);
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

/* Cached sagas are freed before the lanes and plans to which they point. */
void journal_destroy(struct journal *j)
{
	if (j == NULL)
		return;
	assert(!j->has_thread); /* journal_stop comes first */
	drop_queued(j);
	queue_finish(&j->queue);
	batch_free(j);
	prepare_free(&j->reserved);
	prefetch_free(&j->prefetch);
	log_free(&j->log);
	cache_free(j);
	plans_free(j);
	lanes_free(&j->lanes);
	targets_free(j);
	counters_finish(j);
	low_mark_free(&j->low_mark);
	pthread_mutex_destroy(&j->published.lock);
	j->store.close(j->store.ctx);
	free(j);
}

/* ---- a step to blame ---- */

/* The blamed saga is scheduled as in recovery: hooks.admission must not be called, since the engine does not
 * run yet. */
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

/* ERR_NOT_FOUND and ERR_STALE are answers to the caller and no store errors, so the batch is committed all
 * the same. */
int journal_blame(struct journal *j, int64_t saga, const char *step, const char *detail, struct err *err)
{
	struct cache_entry *e;
	assert(!j->has_thread && !j->stopped && step != NULL);
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
