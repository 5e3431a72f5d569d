#include "saga/journal/schedule/claims.h"

#include "saga/journal/schedule/location.h"
#include "saga/journal/schedule/schedule.h"

#define CLAIM_SLICE 64 /* rows read at once; chosen: they are on the stack */

/* A step whose event does not decode: an attempt that ends before anything is sent, so that a person is called. */
static int fault_step(struct journal *j, struct cache_entry *e, unsigned i)
{
	const struct step *st = &e->saga->steps[i];
	struct decide d = cache_decide_context(j, e);
	const struct outcome fault = {
		.result = OUTCOME_FAULT,
		.detail = "the stored event is damaged and cannot be read; run `almoner verify`, restore a backup"
	};
	bool started = false;
	j->err = (struct err){ 0 };
	int rc = decide_intent(&d, (uint16_t)i, &started);
	assert(rc == 0 && started); /* schedule_check_start said that it may start */
	rc = decide_outcome(
		&d, (struct attempt_ref){ (uint16_t)i, (enum direction)st->direction, st->generation, st->attempts },
		&fault);
	assert(rc == 0); /* this attempt is the step's last one */
	e->changed = true;
	return schedule_saga(j, e, (struct schedule_options){ .recheck = true, .to_disk = true });
}

/* A step that must not start now (it expired, its target is missing, or another saga came before it in its
 * lane) is not granted. Scheduling it again moves its row out of the claimable ones, or ends the step. */
static int grant_step(struct journal *j, struct cache_entry *e, unsigned i, bool *ret_granted)
{
	bool open;
	int rc = schedule_check_start(j, e, i, true, &open);
	if (rc != 0)
		return rc;
	*ret_granted = open;
	if (!open)
		return schedule_saga(j, e, (struct schedule_options){ .recheck = true, .to_disk = true });
	rc = cache_load_event(j, e);
	if (cache_is_damaged(j, rc))
		return fault_step(j, e, i);
	if (rc != 0)
		return rc;
	if (decide_needs_condition(e->saga, (uint16_t)i))
		return handout_ready(j, e, i, true);
	return handout_start(j, e, i, NULL);
}

/* Grants one row of a slice, if its step may start. *ret_moved: the row is no longer as it was read, so the
 * next read makes progress. */
static int grant_row(struct journal *j, const struct step_row *row, bool *ret_granted, bool *ret_moved)
{
	struct cache_entry *e;
	int rc = cache_load(j, row->saga, &e);
	if (cache_is_damaged(j, rc)) {
		*ret_moved = true;
		return location_set_quarantine(j, row);
	}
	if (rc != 0)
		return rc;
	if (row->step >= e->saga->step_count)
		return err_set(
			&j->err, ERR_CORRUPT,
			"the store has a row for step %u of saga %lld, which has no such step; run `almoner verify`",
			row->step, (long long)row->saga);
	const struct step_location *p = &e->locations[row->step];
	if (p->location != LOCATION_DISK || (p->row_why != WHY_SLOT && p->row_why != WHY_DUE))
		return 0; /* an earlier row of this slice has moved this step as well */
	*ret_moved = true;
	rc = grant_step(j, e, row->step, ret_granted);
	return rc != 0 ? rc : schedule_next_in_lane(j);
}

/* One slice of rows; adds to *granted. *ret_more: the slice was full, so there may be more rows. When no row
 * of a slice moves, the rows belong to no step, and reading on would never end. */
static int claim_slice(struct journal *j, struct target_entry *t, size_t limit, uint32_t *granted,
					   bool *ret_more)
{
	struct step_row rows[CLAIM_SLICE];
	size_t got = 0;
	bool moved = false;
	assert(limit > 0 && limit <= CLAIM_SLICE);
	int rc = j->store.row_claimable(j->store.ctx, t->id, j->now_ms, rows, limit, &got, &j->err);
	if (rc == 0)
		prefetch_rows(j, rows, got, true);
	for (size_t k = 0; rc == 0 && k < got; k++) {
		bool row_granted = false;
		rc = grant_row(j, &rows[k], &row_granted, &moved);
		*granted += row_granted ? 1 : 0;
	}
	if (rc == 0 && got > 0 && !moved)
		rc = err_set(&j->err, ERR_CORRUPT,
					 "target %s: %zu rows in the store match no waiting step; run `almoner verify`", t->name,
					 got);
	*ret_more = got == limit;
	return rc;
}

/* Rows that were not granted are no longer claimable or have a later due time, so the loop ends. */
int claims_grant(struct journal *j, struct target_entry *t, uint32_t max)
{
	uint32_t granted = 0;
	bool more = true;
	assert(j->batch.open && !j->recovering);
	if (t->row.held && max > 1)
		max = 1; /* a held target gets probes, one at a time */
	while (more && granted < max && target_is_open(j, t, true)) {
		size_t limit = max - granted < CLAIM_SLICE ? max - granted : CLAIM_SLICE;
		int rc = claim_slice(j, t, limit, &granted, &more);
		if (rc != 0)
			return rc;
	}
	t->news = t->claim_done = true;
	t->granted += granted;
	return 0;
}
