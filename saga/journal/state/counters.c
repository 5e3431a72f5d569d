#include "saga/journal/state/counters.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "saga/base/mem.h"
#include "saga/journal/journal_internal.h"
#include "saga/store/index.h"

/* Adds the difference between the step now and the step as it was counted last. */
static void account_step(struct cache_entry *e, unsigned i)
{
	const struct step *st = &e->saga->steps[i];
	struct step_location *p = &e->locations[i];
	struct target_entry *t = e->plan->target[i];
	bool open = saga_step_is_open(e->saga, st), attention = saga_step_needs_operator(e->saga, st);
	bool done = st->state == STEP_SUCCEEDED && st->direction == DIRECTION_DO;
	t->open += (int)open - (int)p->open;
	t->attention += (int)attention - (int)p->attention;
	t->succeeded += done && !p->done ? 1 : 0;
	p->open = open;
	p->attention = attention;
	p->done = done;
}

int counters_damaged(struct journal *j, const char *fault)
{
	return err_set(&j->err, ERR_CORRUPT,
				   "the stored counters are not consistent: %s; run `almoner verify`, restore a backup",
				   fault);
}

/* A saga that was read from the store may be missing in the counters of the same store: counters_fault sees
 * only sums. */
int counters_account(struct journal *j, struct cache_entry *e)
{
	assert(e->saga != NULL && e->saga->state < SAGA_STATE_COUNT);
	if (e->counted != NOT_COUNTED && j->totals.sagas[e->counted] == 0)
		return counters_damaged(j, "a stored saga was not counted");
	for (unsigned i = 0; i < e->saga->step_count; i++)
		account_step(e, i);
	if (e->counted != NOT_COUNTED)
		j->totals.sagas[e->counted]--;
	e->counted = e->saga->state;
	j->totals.sagas[e->counted]++;
	return 0;
}

static bool add_up(const struct journal *j)
{
	uint64_t sum = (uint64_t)j->totals.related; /* the sum is unsigned, since damaged figures may overflow */
	for (unsigned i = 0; i < SAGA_STATE_COUNT; i++)
		sum += (uint64_t)j->totals.sagas[i];
	return sum == (uint64_t)j->totals.accepted;
}

const char *counters_fault(const struct journal *j)
{
	const struct totals *t = &j->totals;
	if (t->accepted < 0 || t->related < 0 || t->duplicates < 0)
		return "a figure is negative";
	for (unsigned i = 0; i < SAGA_STATE_COUNT; i++) {
		if (t->sagas[i] < 0)
			return "the number of sagas in a state is negative";
	}
	if (!add_up(j))
		return "sagas and related events together differ from the accepted events";
	return NULL;
}

static void record_recount(struct journal *j, const struct target_entry *t, const struct row_counts *rows)
{
	char text[256];
	snprintf(
		text, sizeof text,
		"rows that can be claimed: %lld, the counters had %lld; rows behind others: %lld, the counters had "
		"%lld; rows in lanes: %lld, the counters had %lld",
		(long long)rows->claimable, (long long)t->claimable, (long long)rows->blocked, (long long)t->blocked,
		(long long)rows->with_lane, (long long)t->with_lane);
	log_add(j, SUBJECT_TARGET, t->id, RECORD_TARGET, "recounted", "almoner", text);
}

static bool rows_agree(const struct target_entry *t, const struct row_counts *rows)
{
	return rows->claimable == t->claimable && rows->with_lane == t->with_lane &&
		   (rows->blocked == t->blocked || t->blocked == COUNT_UNKNOWN);
}

/* A long backlog must not delay the start. Wrong counts of a longer one are found by a later start, once the
 * backlog has shrunk. */
static bool worth_counting(const struct journal *j, const struct target_entry *t)
{
	return t->blocked == COUNT_UNKNOWN || t->claimable + t->blocked + t->with_lane <= j->recount_rows;
}

/* A wrong count of rows is corrected and does not refuse the start: these counts only decide when the store
 * is asked, and an operator could not repair them. */
int counters_recount(struct journal *j)
{
	assert(j->recovering && j->batch.open);
	for (size_t i = 0; i < j->targets.count; i++) {
		struct target_entry *t = j->targets.entries[i];
		struct row_counts rows;
		if (!worth_counting(j, t))
			continue;
		int rc = store_count_rows(&j->store, t->id, &rows, &j->err);
		if (rc != 0)
			return rc;
		bool agree = rows_agree(t, &rows);
		if (!agree)
			record_recount(j, t, &rows);
		t->due_unknown = t->due_unknown || !agree;
		t->claimable = rows.claimable;
		t->blocked = rows.blocked;
		t->with_lane = rows.with_lane;
	}
	return 0;
}

/* ---- the copy that other threads read ---- */

/* The array of published targets only grows, since targets are never removed; each name is copied once. */
static void publish_targets(struct journal *j)
{
	struct journal_counts *c = &j->published.counts;
	if (c->target_count != j->targets.count) {
		c->targets = mem_grow(c->targets, j->targets.count * sizeof *c->targets);
		for (size_t i = c->target_count; i < j->targets.count; i++) {
			c->targets[i] = (struct journal_target_counts){ .id = j->targets.entries[i]->id };
			snprintf(c->targets[i].name, sizeof c->targets[i].name, "%s", j->targets.entries[i]->name);
		}
		c->target_count = j->targets.count;
	}
	for (size_t i = 0; i < j->targets.count; i++) {
		const struct target_entry *t = j->targets.entries[i];
		c->targets[i].open = t->open;
		c->targets[i].backlog = counters_backlog(t->claimable, t->blocked);
		c->targets[i].attention = t->attention;
		c->targets[i].succeeded = t->succeeded;
	}
}

void counters_publish(struct journal *j)
{
	pthread_mutex_lock(&j->published.lock);
	counters_copy_totals(&j->totals, &j->published.counts);
	j->published.counts.commits = j->log.chain.commit;
	j->published.counts.log_rows = j->log.last_row;
	publish_targets(j);
	pthread_mutex_unlock(&j->published.lock);
}

/* The lock on the published figures is held only while they are copied, so that a reader does not delay a
 * commit. */
void journal_counts(struct journal *j, struct journal_counts *ret)
{
	pthread_mutex_lock(&j->published.lock);
	*ret = j->published.counts;
	ret->targets = mem_alloc((ret->target_count + 1) * sizeof *ret->targets);
	if (ret->target_count > 0)
		memcpy(ret->targets, j->published.counts.targets, ret->target_count * sizeof *ret->targets);
	pthread_mutex_unlock(&j->published.lock);
	queue_figures(&j->queue, &ret->queue_records, &ret->queue_bytes);
	ret->disk_low = atomic_load(&j->disk.low);
	ret->store_gone = atomic_load(&j->disk.store_gone);
	ret->wal_blocked_bytes = atomic_load(&j->disk.wal_blocked_bytes);
}

void journal_counts_finish(struct journal_counts *c)
{
	free(c->targets);
	*c = (struct journal_counts){ 0 };
}

void counters_finish(struct journal *j)
{
	free(j->published.counts.targets);
	tally_free(&j->stored.last);
	tally_free(&j->stored.now);
	buf_free(&j->stored.bytes);
}
