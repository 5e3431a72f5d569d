#include "saga/journal/clamp.h"

#include "saga/journal/journal_internal.h"
#include "saga/journal/schedule/location.h"

/* rows examined in one batch, which keeps the batch short; chosen; no measurement */
#define CLAMPS_A_BATCH 64

static int clamp_row(struct journal *j, const struct step_row *row)
{
	struct cache_entry *e;
	int rc = cache_load(j, row->saga, &e);
	if (cache_is_damaged(j, rc))
		return location_set_quarantine(j, row);
	if (rc != 0)
		return rc;
	if (row->step >= e->saga->step_count || e->locations[row->step].location != LOCATION_DISK)
		return err_set(
			&j->err, ERR_CORRUPT,
			"the store has a row for step %u of saga %lld, which does not wait on disk; run `almoner verify`",
			row->step, (long long)row->saga);
	struct step *st = &e->saga->steps[row->step];
	st->due_ms = row->due_ms;
	e->changed = target_limit_due(j, target_of_id(j, row->target), st) || e->changed;
	return location_set_disk(j, e, row->step, (enum why)row->why, st->due_ms);
}

/* When a slice of rows is full, more rows may follow: clamp_pending then stays set for the next batch. */
int clamp_due_rows(struct journal *j, struct target_entry *t)
{
	struct step_row rows[CLAMPS_A_BATCH];
	size_t count = 0;
	assert(j->batch.open);
	if (!t->clamp_pending)
		return 0;
	int64_t latest_ms = j->now_ms + target_longest_wait_ms(t);
	int rc = t->claimable == 0 ? 0
							   : j->store.row_due_beyond(j->store.ctx, t->id, latest_ms, rows, CLAMPS_A_BATCH,
														 &count, &j->err);
	prefetch_rows(j, rows, count, false);
	for (size_t i = 0; rc == 0 && i < count; i++)
		rc = clamp_row(j, &rows[i]);
	t->clamp_pending = count == CLAMPS_A_BATCH;
	return rc;
}
