#include "saga/journal/batch.h"

#include <stdlib.h>
#include <string.h>

#include "saga/base/mem.h"
#include "saga/journal/clamp.h"
#include "saga/journal/invariants.h"
#include "saga/journal/journal_internal.h"
#include "saga/journal/schedule/location.h"
#include "saga/journal/state/inflight.h"
#include "saga/journal/state/prefetch.h"

int batch_begin(struct journal *j)
{
	struct batch *b = &j->batch;
	assert(!j->failed && !b->open);
	assert(STAILQ_EMPTY(&b->touched) && b->freed_count == 0 && j->log.subject_count == 0);
	j->now_ms = j->clock.now_ms(j->clock.ctx);
	b->wrote = false;
	int rc = j->store.begin(j->store.ctx, &j->err);
	b->open = rc == 0;
	return rc;
}

/* ---- commit ---- */

/* A saga that runs is left out of the index while it is live, because most end within two commits. */
static enum saga_index index_of(struct journal *j, const struct saga *s, bool live)
{
	bool left_out = live && s->state == SAGA_RUNNING && low_mark_permits(&j->low_mark, s->id);
	low_mark_set(&j->low_mark, s->id, left_out);
	if (left_out || (!live && saga_state_at_rest((enum saga_state)s->state)))
		return SAGA_INDEX_NONE;
	return live ? SAGA_INDEX_LIVE : SAGA_INDEX_OPEN;
}

/* A saga that has been under way for so long that the low-water mark lags too far behind is written once more,
 * into the index, so that the mark can move on. */
static int index_lagging(struct journal *j)
{
	int64_t id;
	while ((id = low_mark_lagging(&j->low_mark, j->last_saga)) != 0) {
		struct cache_entry *e;
		int rc = cache_load(j, id, &e); /* it is live, so it is in memory */
		if (rc != 0)
			return rc;
		e->changed = true;
	}
	return 0;
}

/* True in each commit whose invariants are checked. */
static bool is_checked(const struct journal *j)
{
	return j->batch.unchecked + 1 >= j->check_every;
}

static int write_value(struct journal *j, struct cache_entry *e, bool live)
{
	struct saga_row row = { .id = e->id,
							.plan = e->plan->number,
							.state = e->saga->state,
							.index = (uint8_t)index_of(j, e->saga, live),
							.created_ms = e->saga->created_ms,
							.value = buf_str(&j->batch.value) };
	memcpy(row.salt, e->salt, sizeof row.salt);
	j->batch.wrote = true;
	return e->is_new ? j->store.saga_insert(j->store.ctx, &row, &j->err)
					 : j->store.saga_update(j->store.ctx, &row, &j->err);
}

/* The value names its log row, and the log row ends with the digest of the value: a saga whose value was
 * changed later, or put back to an older one, contradicts the log. */
static int write_recorded(struct journal *j, struct cache_entry *e, bool live)
{
	if (e->is_new)
		entropy_pool_take(&j->log.salts, e->salt, sizeof e->salt);
	saga_rows_add(&e->saga->rows, j->log.last_row + 1, e->log, j->now_ms);
	size_t core = saga_encode(e->saga, &j->batch.value);
	log_add_value(j, e, (struct str){ j->batch.value.data + core, j->batch.value.len - core });
	int rc = write_value(j, e, live);
	return rc == 0 ? log_write_row(j, SUBJECT_SAGA, e->id, e->log) : rc;
}

static int write_unrecorded(struct journal *j, struct cache_entry *e, bool live)
{
	assert(!e->is_new);
	size_t core = saga_encode(e->saga, &j->batch.value);
	struct str now = { j->batch.value.data + core, j->batch.value.len - core };
	int rc = is_checked(j) ? invariants_assert_core(j, e, now) : 0;
	return rc == 0 ? write_value(j, e, live) : rc;
}

/* A saga that is about to leave memory may have steps whose place in a lane is only in memory: those steps
 * get rows first, even when nothing else of the saga changed. Records about a saga that cannot be decoded get a
 * row that no value names. */
static int write_saga(struct journal *j, struct cache_entry *e)
{
	bool recorded = e->log != NULL && e->log->count > 0;
	if (e->saga == NULL)
		return recorded ? log_write_row(j, SUBJECT_SAGA, e->id, e->log) : 0;
	bool live = saga_is_live(e->saga);
	int rc = live ? 0 : location_lanes_to_disk(j, e);
	if (rc != 0 || (!e->changed && !recorded))
		return rc;
	rc = counters_account(j, e);
	if (rc != 0)
		return rc;
	buf_clear(&j->batch.value);
	return recorded ? write_recorded(j, e, live) : write_unrecorded(j, e, live);
}

/* Moves due times that are too far ahead, and asks the store for the due times that news will report. */
static int refresh_targets(struct journal *j)
{
	for (size_t i = 0; i < j->targets.count; i++) {
		struct target_entry *t = j->targets.entries[i];
		int rc = clamp_due_rows(j, t);
		if (rc != 0)
			return rc;
		if (t->news)
			prefetch_due(j, t->id);
	}
	prefetch_send(j);
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < j->targets.count; i++) {
		int64_t due_ms;
		if (j->targets.entries[i]->news)
			rc = target_next_due(j, j->targets.entries[i], &due_ms);
	}
	return rc;
}

static int write_batch(struct journal *j)
{
	int rc = refresh_targets(j);
	if (rc == 0 && !j->recovering)
		rc = index_lagging(j);
	struct cache_entry *e;
	log_begin(j);
	STAILQ_FOREACH(e, &j->batch.touched, touched_link)
	{
		if (rc == 0)
			rc = write_saga(j, e);
	}
	return rc != 0 ? rc : log_write_subjects(j);
}

static void check_invariants(struct journal *j)
{
	bool checked = is_checked(j);
	j->batch.unchecked = checked ? 0 : j->batch.unchecked + 1;
	if (checked)
		invariants_assert_batch(j);
}

static int write_chain(struct journal *j)
{
	bool full = log_needs_full(&j->log);
	return log_write_chain(j, counters_encode(j, full), low_mark_encode(&j->low_mark, full));
}

static void release(struct journal *j)
{
	struct batch *b = &j->batch;
	struct cache_entry *e;
	while ((e = STAILQ_FIRST(&b->touched)) != NULL) {
		STAILQ_REMOVE_HEAD(&b->touched, touched_link);
		cache_release(j, e);
	}
	log_clear(&j->log);
	b->open = false;
}

/* The number of the commit goes to the inflight file before any caller gets its answer: a later start that
 * finds a lower number in the store knows that acknowledged data was lost. */
int batch_commit(struct journal *j)
{
	assert(j->batch.open && j->batch.freed_count == 0);
	int rc = write_batch(j);
	if (rc != 0)
		return rc;
	if (j->batch.wrote) {
		check_invariants(j);
		rc = write_chain(j);
		if (rc == 0)
			rc = j->store.commit(j->store.ctx, &j->err);
	} else {
		rc = j->store.rollback(j->store.ctx, &j->err);
	}
	if (rc != 0)
		return rc;
	if (j->batch.wrote && j->inflight != NULL && !j->recovering)
		inflight_committed(j->inflight, j->log.chain.commit);
	release(j);
	counters_publish(j);
	return 0;
}

/* ---- handing out ---- */

/* Takes the news out of the entry: the next batch begins without any. */
static struct target_news news_of(struct target_entry *t)
{
	struct target_news n = { .target = t->id,
							 .claim_done = t->claim_done,
							 .claim_granted = t->granted,
							 .backlog = t->claimable,
							 .next_due_ms = t->next_due_ms,
							 .state_changed = t->state_changed };
	n.state = (struct target_state){ .id = t->id,
									 .paused = t->row.paused,
									 .held = t->row.held,
									 .hold = t->row.held ? name_to_hold(t->row.held_reason) : HOLD_NONE,
									 .breaker_not_closed = t->row.breaker_not_closed };
	t->news = t->claim_done = t->state_changed = false;
	t->granted = 0;
	return n;
}

void batch_hand_out(struct journal *j)
{
	struct batch *b = &j->batch;
	assert(!b->open); /* an intent must be durable before its work is handed out */
	b->news_count = 0;
	if (b->news_capacity < j->targets.count) {
		b->news_capacity = j->targets.count;
		b->news = mem_grow(b->news, b->news_capacity * sizeof *b->news);
	}
	for (size_t i = 0; i < j->targets.count; i++) {
		if (j->targets.entries[i]->news)
			b->news[b->news_count++] = news_of(j->targets.entries[i]);
	}
	struct handout d = { .news = b->news, .news_count = b->news_count };
	STAILQ_INIT(&d.works);
	STAILQ_CONCAT(&d.works, &b->works);
	if (d.news_count > 0 || !STAILQ_EMPTY(&d.works))
		j->hooks.hand_out(j->hooks.ctx, &d);
}

void batch_free(struct journal *j)
{
	struct batch *b = &j->batch;
	struct work *w;
	while ((w = STAILQ_FIRST(&b->works)) != NULL) {
		STAILQ_REMOVE_HEAD(&b->works, link);
		work_destroy(w);
	}
	free(b->freed);
	free(b->news);
	buf_free(&b->value);
}
