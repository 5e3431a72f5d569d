/* The start: what a crash left in the engine's hands goes back to rows on disk, in bounded transactions. A
 * saga that was handled is no longer live, so a crash in the middle of this just means that the rest follows
 * next time. */
#include "saga/journal/journal_internal.h"

#define SLICE 64

static int recover_saga(struct journal *j, int64_t id)
{
	struct entry *e;
	int rc = entry_load(j, id, &e);
	if (entry_damaged(j, rc))
		return err_wrap(
			&j->err, ERR_CORRUPT,
			"saga %lld was under way and cannot be read; restore a backup (`almoner verify` tells more)",
			(long long)id);
	if (rc != 0)
		return rc == ERR_NOT_FOUND ? err_wrap(&j->err, ERR_CORRUPT, "recovery") : rc;
	seat_again(j, e);
	for (unsigned i = 0; i < e->saga->step_count; i++) {
		const struct step *st = &e->saga->steps[i];
		if (st->place != PLACE_HOT)
			continue;
		seat_returned(e, i);
		if (st->state != STEP_RUNNING)
			continue;
		struct decide d = decide_of(j, e);
		rc = decide_recover(&d, (uint16_t)i);
		assert(rc == 0);
		e->changed = true;
	}
	/* Lowest number first: nobody before it in a lane is still to come, so the line can be judged. */
	rc = place_saga(j, e, (struct how){ .recheck = true, .to_disk = true });
	return rc != 0 ? rc : place_promote(j);
}

static int recover_slice(struct journal *j, int64_t *after, size_t *ret_count)
{
	int64_t ids[SLICE];
	int rc = batch_begin(j);
	if (rc == 0)
		rc = j->store.saga_live(j->store.ctx, *after, ids, SLICE, ret_count, &j->err);
	for (size_t i = 0; rc == 0 && i < *ret_count; i++) {
		rc = recover_saga(j, ids[i]);
		*after = ids[i];
	}
	return rc != 0 ? rc : batch_commit(j);
}

int recover_sagas(struct journal *j)
{
	int64_t after = 0;
	size_t count = SLICE;
	while (count == SLICE) {
		int rc = recover_slice(j, &after, &count);
		if (rc != 0)
			return rc;
	}
	return 0;
}
