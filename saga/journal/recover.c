/* The start after a crash: steps that were with the engine go back to rows on disk, in bounded transactions.
 * A saga that was handled is not live any more, so a crash during the recovery only leaves the rest for the
 * next start. */
#include "saga/journal/journal_internal.h"
#include "saga/journal/schedule/location.h"
#include "saga/journal/schedule/schedule.h"
#include "saga/journal/state/inflight.h"

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

static int load_saga(struct journal *j, int64_t id, struct cache_entry **ret)
{
	int rc = cache_load(j, id, ret);
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

/* Loads the sagas, so that the lanes which their recovery looks at are known before the first of them. */
static int load_slice(struct journal *j, const int64_t *ids, size_t count, struct cache_entry **ret)
{
	for (size_t i = 0; i < count; i++)
		prefetch_saga(j, ids[i], false);
	prefetch_send(j);
	for (size_t i = 0; i < count; i++) {
		int rc = load_saga(j, ids[i], &ret[i]);
		if (rc != 0)
			return rc;
		prefetch_lanes_of(j, ids[i]);
	}
	prefetch_send(j);
	return 0;
}

static int recover_slice(struct journal *j, int64_t *after, size_t *ret_count)
{
	int64_t ids[SLICE];
	struct cache_entry *sagas[SLICE];
	int rc = batch_begin(j);
	if (rc == 0)
		rc = j->store.saga_live(j->store.ctx, *after, ids, SLICE, ret_count, &j->err);
	if (rc == 0)
		rc = load_slice(j, ids, *ret_count, sagas);
	for (size_t i = 0; rc == 0 && i < *ret_count; i++) {
		rc = recover_saga(j, sagas[i]);
		*after = ids[i];
	}
	return rc != 0 ? rc : batch_commit(j);
}

int recover_sagas(struct journal *j)
{
	int64_t after = 0;
	size_t count = SLICE;
	assert(j->recovering);
	while (count == SLICE) {
		int rc = recover_slice(j, &after, &count);
		if (rc != 0)
			return rc;
	}
	return 0;
}
