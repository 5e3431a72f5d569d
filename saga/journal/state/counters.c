#include "saga/journal/state/counters.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "saga/base/mem.h"
#include "saga/base/reader.h"
#include "saga/journal/journal_internal.h"

/* Versions of the stored form. Version 1 has no `blocked`, which is then counted at start; versions 1 and 2
 * have no `lane_rules`, so the rows in lanes are then examined again. */
#define COUNTERS_VERSION 3
#define COUNTERS_FIRST   1

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
	if (t->accepted < 0 || t->related < 0 || t->duplicates < 0 || t->commits < 0 || t->log_rows < 0)
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
		int rc = j->store.row_counts(j->store.ctx, t->id, &rows, &j->err);
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

/* ---- stored form ---- */

/* The names of the targets are stored with their figures, so that journal_counts_decode needs no target
 * table. */
void counters_encode(struct journal *j, struct buf *out)
{
	const struct totals *t = &j->totals;
	buf_clear(out);
	buf_byte(out, COUNTERS_VERSION);
	const int64_t values[] = { t->accepted, t->related, t->waiting, t->duplicates, t->commits, t->log_rows };
	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
		buf_int(out, values[i]);
	buf_uint(out, SAGA_STATE_COUNT);
	for (unsigned i = 0; i < SAGA_STATE_COUNT; i++)
		buf_int(out, t->sagas[i]);
	buf_uint(out, j->targets.count);
	for (size_t i = 0; i < j->targets.count; i++) {
		const struct target_entry *target = j->targets.entries[i];
		buf_string(out, target->name);
		buf_int(out, target->open);
		buf_int(out, target->claimable);
		buf_int(out, target->blocked);
		buf_int(out, target->with_lane);
		buf_int(out, target->attention);
		buf_int(out, target->succeeded);
		buf_byte(out, target_lane_rules(target));
	}
}

struct stored_target {
	struct journal_target_counts c; /* without its backlog */
	struct row_counts rows;
	uint8_t lane_rules;
};

/* States that this version does not know are accepted when no saga is in them. */
static void read_totals(struct reader *r, struct totals *ret)
{
	ret->accepted = reader_int(r);
	ret->related = reader_int(r);
	ret->waiting = reader_int(r);
	ret->duplicates = reader_int(r);
	ret->commits = reader_int(r);
	ret->log_rows = reader_int(r);
	uint64_t states = reader_uint(r);
	for (uint64_t i = 0; i < states && !r->bad; i++) {
		int64_t n = reader_int(r);
		if (i < SAGA_STATE_COUNT)
			ret->sagas[i] = n;
		else if (n != 0)
			r->bad = true;
	}
}

static void read_target(struct reader *r, uint8_t version, uint32_t id, struct stored_target *ret)
{
	struct str name = reader_bytes(r);
	*ret = (struct stored_target){ .c = { .id = id } };
	if (name.len >= sizeof ret->c.name) {
		r->bad = true;
		return;
	}
	if (name.len > 0)
		memcpy(ret->c.name, name.p, name.len);
	ret->c.open = reader_int(r);
	ret->rows.claimable = reader_int(r);
	ret->rows.blocked = version == COUNTERS_FIRST ? COUNT_UNKNOWN : reader_int(r);
	ret->rows.with_lane = reader_int(r);
	ret->c.attention = reader_int(r);
	ret->c.succeeded = reader_int(r);
	ret->lane_rules = version < 3 ? 0 : reader_byte(r);
}

/* The caller frees *ret_targets. */
static int decode_counters(struct str bytes, struct totals *ret, struct stored_target **ret_targets,
						   size_t *ret_count, struct err *err)
{
	struct reader r = reader_of(bytes.p, bytes.len);
	uint8_t version = reader_byte(&r);
	if (version < COUNTERS_FIRST || version > COUNTERS_VERSION)
		return err_set(err, ERR_CORRUPT, "counters: unknown version");
	struct totals totals = { 0 };
	read_totals(&r, &totals);
	uint64_t count = reader_uint(&r);
	/* Each stored target takes more than one byte, so a count above the number of bytes is damage. */
	if (r.bad || count > bytes.len)
		return err_set(err, ERR_CORRUPT, "counters: damaged");
	struct stored_target *targets = mem_zalloc((count + 1) * sizeof *targets);
	for (uint64_t i = 0; i < count; i++)
		read_target(&r, version, (uint32_t)i + 1, &targets[i]);
	if (!reader_done(&r)) {
		free(targets);
		return err_set(err, ERR_CORRUPT, "counters: damaged");
	}
	*ret = totals;
	*ret_targets = targets;
	*ret_count = (size_t)count;
	return 0;
}

/* A new store has no counters: all figures stay 0. */
int counters_load(struct journal *j, struct str bytes)
{
	if (bytes.len == 0)
		return 0;
	struct stored_target *targets = NULL;
	size_t count = 0;
	int rc = decode_counters(bytes, &j->totals, &targets, &count, &j->err);
	if (rc == 0 && count != j->targets.count)
		rc = err_set(&j->err, ERR_CORRUPT, "counters: %zu targets, the store has %zu", count,
					 j->targets.count);
	for (size_t i = 0; rc == 0 && i < count; i++) {
		struct target_entry *t = j->targets.entries[i];
		t->open = targets[i].c.open;
		t->claimable = targets[i].rows.claimable;
		t->blocked = targets[i].rows.blocked;
		t->with_lane = targets[i].rows.with_lane;
		t->attention = targets[i].c.attention;
		t->succeeded = targets[i].c.succeeded;
		target_set_lane_rules(t, targets[i].lane_rules);
	}
	free(targets);
	return rc;
}

/* The backlog that figures show. */
static int64_t waiting_rows(int64_t claimable, int64_t blocked)
{
	return claimable + (blocked == COUNT_UNKNOWN ? 0 : blocked);
}

static void copy_totals(const struct totals *t, struct journal_counts *ret)
{
	ret->accepted = t->accepted;
	ret->related = t->related;
	ret->duplicates = t->duplicates;
	memcpy(ret->sagas, t->sagas, sizeof ret->sagas);
	ret->commits = t->commits;
	ret->log_rows = t->log_rows;
}

/* The same form as journal_counts gives; what only a running journal knows stays 0. */
int journal_counts_decode(struct str bytes, struct journal_counts *ret, struct err *err)
{
	struct totals totals = { 0 };
	struct stored_target *targets = NULL;
	size_t count = 0;
	int rc = bytes.len == 0 ? 0 : decode_counters(bytes, &totals, &targets, &count, err);
	if (rc != 0)
		return rc;
	*ret = (struct journal_counts){ .target_count = count };
	copy_totals(&totals, ret);
	ret->targets = mem_zalloc((count + 1) * sizeof *ret->targets);
	for (size_t i = 0; i < count; i++) {
		ret->targets[i] = targets[i].c;
		ret->targets[i].backlog = waiting_rows(targets[i].rows.claimable, targets[i].rows.blocked);
	}
	free(targets);
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
		c->targets[i].backlog = waiting_rows(t->claimable, t->blocked);
		c->targets[i].attention = t->attention;
		c->targets[i].succeeded = t->succeeded;
	}
}

void counters_publish(struct journal *j)
{
	pthread_mutex_lock(&j->published.lock);
	copy_totals(&j->totals, &j->published.counts);
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
