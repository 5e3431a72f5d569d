/* The start after a crash: steps that were with the engine go back to rows on disk, in bounded transactions. Live
 * sagas are in the store's index of open sagas, or between the low-water mark and its reach.
 * A saga that was handled is not live any more, so a crash during the recovery only leaves the rest for the
 * next start. */
#include "saga/journal/journal_internal.h"
#include "saga/journal/schedule/location.h"
#include "saga/journal/schedule/schedule.h"
#include "saga/journal/state/inflight.h"
#include "saga/store/index.h"

#define SLICE 64 /* sagas in a transaction; chosen */

/* Decides about a step that was running at the crash. How its attempt ended is unknown; the inflight file may
 * know what it sent. */
static void recover_step(struct journal *j, struct cache_entry *e, unsigned i)
{
	const struct step *st = &e->saga->steps[i];
	struct attempt_ref ref = { (uint16_t)i, (enum direction)st->direction, st->generation, st->attempts };
	uint8_t body[INFLIGHT_BODY_BYTES];
	bool known = j->inflight != NULL && inflight_find(j->inflight, e->id, ref, body);
	struct decide d = cache_decide_context(j, e);
	int rc = decide_recover(&d, ref.step, known ? body : NULL);
	assert(rc == 0); /* the step is running */
	e->changed = true;
}

/* The sagas of one transaction. */
struct recovery_slice {
	struct cache_entry *sagas[SLICE];
	size_t count;
};

/* `row` as it was just read; NULL: the saga was not read yet. */
static int load_saga(struct journal *j, int64_t id, const struct saga_row *row, struct recovery_slice *to)
{
	struct cache_entry **ret = &to->sagas[to->count++];
	int rc = row != NULL ? cache_load_row(j, row, ret) : cache_load(j, id, ret);
	if (cache_is_damaged(j, rc))
		return err_wrap(
			&j->err, ERR_CORRUPT,
			"saga %lld was under way and cannot be read; restore a backup (`almoner verify` shows "
			"what else is damaged)",
			(long long)id);
	return rc == ERR_NOT_FOUND ? err_wrap(&j->err, ERR_CORRUPT, "recovery") : rc;
}

/* Sagas come with the lowest number first: nothing that stands before this one in a lane is still to be
 * recovered, so its place in the lane can be decided now. */
static int recover_saga(struct journal *j, struct cache_entry *e)
{
	location_restore_lanes(j, e);
	for (unsigned i = 0; i < e->saga->step_count; i++) {
		const struct step *st = &e->saga->steps[i];
		if (st->location != LOCATION_ENGINE)
			continue;
		location_leave_engine(e, i);
		if (st->state == STEP_RUNNING)
			recover_step(j, e, i);
	}
	int rc = schedule_saga(j, e, (struct schedule_options){ .recheck = true, .to_disk = true });
	return rc != 0 ? rc : schedule_next_in_lane(j);
}

/* The lanes at which the recovery of the sagas looks are known before the first of them. */
static int recover_loaded(struct journal *j, const struct recovery_slice *slice)
{
	int rc = 0;
	for (size_t i = 0; i < slice->count; i++)
		prefetch_lanes_of(j, slice->sagas[i]->id);
	prefetch_send(j);
	for (size_t i = 0; rc == 0 && i < slice->count; i++)
		rc = recover_saga(j, slice->sagas[i]);
	return rc;
}

/* ---- in the index ---- */

static int load_slice(struct journal *j, const int64_t *ids, size_t count, struct recovery_slice *to)
{
	int rc = 0;
	for (size_t i = 0; i < count; i++)
		prefetch_saga(j, ids[i], false);
	prefetch_send(j);
	for (size_t i = 0; rc == 0 && i < count; i++)
		rc = load_saga(j, ids[i], NULL, to);
	return rc;
}

/* Live sagas above *after and below `below`. */
static int recover_indexed_slice(struct journal *j, int64_t *after, int64_t below, bool *ret_more)
{
	int64_t ids[SLICE];
	size_t found = 0, count = 0;
	struct recovery_slice slice = { 0 };
	int rc = batch_begin(j);
	if (rc == 0)
		rc = j->store.saga_live(j->store.ctx, *after, ids, SLICE, &found, &j->err);
	while (count < found && ids[count] < below)
		*after = ids[count++];
	*ret_more = count == SLICE;
	if (rc == 0)
		rc = load_slice(j, ids, count, &slice);
	if (rc == 0)
		rc = recover_loaded(j, &slice);
	return rc != 0 ? rc : batch_commit(j);
}

static int recover_indexed(struct journal *j, int64_t after, int64_t below)
{
	bool more = true;
	int rc = 0;
	while (rc == 0 && more)
		rc = recover_indexed_slice(j, &after, below, &more);
	return rc;
}

/* ---- between the mark and its reach ---- */

/* The sagas above *after: those are live that the index does not have, and some that it has. The commit of the
 * slice moves the low-water mark behind it. */
static int recover_marked_slice(struct journal *j, int64_t *after, bool *ret_more)
{
	struct saga_row rows[SLICE];
	struct buf AUTO_BUF values = { 0 };
	struct recovery_slice slice = { 0 };
	int64_t reach = j->low_mark.reach;
	size_t count = 0;
	int rc = batch_begin(j);
	if (rc == 0)
		rc = j->store.saga_range(j->store.ctx, *after, rows, SLICE, &values, &count, &j->err);
	for (size_t i = 0; rc == 0 && i < count && rows[i].id <= reach; i++) {
		rc = store_index_live(&rows[i]) ? load_saga(j, rows[i].id, &rows[i], &slice) : 0;
		*after = rows[i].id;
	}
	*ret_more = count == SLICE && *after < reach;
	if (rc == 0)
		rc = recover_loaded(j, &slice);
	if (rc != 0)
		return rc;
	low_mark_recovered(&j->low_mark, *ret_more ? *after : reach);
	return batch_commit(j);
}

static int recover_marked(struct journal *j)
{
	int64_t after = j->low_mark.low - 1;
	bool more = j->low_mark.low <= j->low_mark.reach;
	int rc = 0;
	while (rc == 0 && more)
		rc = recover_marked_slice(j, &after, &more);
	return rc;
}

int recover_sagas(struct journal *j)
{
	int64_t low = j->low_mark.low, reach = j->low_mark.reach;
	assert(j->recovering);
	int rc = recover_indexed(j, 0, low);
	if (rc == 0)
		rc = recover_marked(j);
	if (rc == 0)
		rc = recover_indexed(j, reach >= low ? reach : low - 1, INT64_MAX);
	return rc;
}
