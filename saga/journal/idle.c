/* What the journal's thread does between batches: checkpoints, gifts that never came, old keys, disk space,
 * rows of targets that are gone. In slices, each a short transaction. */
#include <stdlib.h>

#include "saga/journal/journal_internal.h"

#define PAGES_WHEN_IDLE   1500
#define PAGES_AT_ANY_RATE 16000
#define SLICE             64
#define PRUNE_SLICE       256
#define PRUNE_EVERY_MS    10000
#define PRUNE_SOON_MS     100
#define DISK_SHARE        4 /* bytes on disk per byte of an event */
#define DISK_EVERY_MS     1000
#define DISK_MARGIN       16
#define HELD_UP_MS        2000 /* our own readers take 250 ms */
#define DAY_MS            86400000

static void tell_disk(const struct journal *j, enum disk_news news, int64_t bytes)
{
	if (j->hooks.disk != NULL)
		j->hooks.disk(j->hooks.ctx, news, bytes);
}

/* After a checkpoint: what it could not copy, somebody outside still reads. */
static void note_held_up(struct journal *j, int64_t now_ms)
{
	int64_t pages = j->store.backlog_pages(j->store.ctx);
	int64_t since_ms = j->idle.held_up_since_ms;
	bool told = atomic_load(&j->held_up_bytes) > 0;
	if (pages < PAGES_AT_ANY_RATE) {
		j->idle.held_up_since_ms = 0;
		atomic_store(&j->held_up_bytes, 0);
		if (told)
			tell_disk(j, DISK_LET_GO, pages * STORE_PAGE_BYTES);
		return;
	}
	j->idle.held_up_since_ms = since_ms == 0 ? now_ms : since_ms;
	if (since_ms == 0 || now_ms - since_ms < HELD_UP_MS)
		return;
	atomic_store(&j->held_up_bytes, pages * STORE_PAGE_BYTES);
	if (!told)
		tell_disk(j, DISK_HELD_UP, pages * STORE_PAGE_BYTES);
}

int idle_checkpoint(struct journal *j, bool busy)
{
	int64_t pages = j->store.backlog_pages(j->store.ctx);
	bool must = pages >= PAGES_AT_ANY_RATE;
	bool again = j->idle.checkpoint_full;
	if (!again && !must && (busy || pages < PAGES_WHEN_IDLE))
		return 0;
	int64_t now_ms = j->clock.now_ms(j->clock.ctx);
	if (again && now_ms < j->idle.checkpoint_next_ms)
		return 0;
	int rc = j->store.checkpoint(j->store.ctx, must, &j->err);
	bool full = rc == ERR_FULL;
	if (full != j->idle.checkpoint_full)
		j->idle.disk_next_ms = 0; /* news about the disk */
	j->idle.checkpoint_full = full;
	j->idle.checkpoint_next_ms = now_ms + DISK_EVERY_MS;
	if (rc == 0)
		note_held_up(j, now_ms);
	if (!full)
		return rc;
	j->err = (struct err){ 0 }; /* all is in the log still: nothing new begins until there is room */
	return 0;
}

static bool disk_watched(const struct journal *j)
{
	return j->reserve_bytes > 0 || j->idle.checkpoint_full || atomic_load(&j->disk_low);
}

/* A burst can eat the reserve within a second: so much may come before the next look. An event takes a few
 * times its size: raw and canonical text, in the write-ahead log and in the database. */
static bool disk_due(const struct journal *j)
{
	return j->now_ms >= j->idle.disk_next_ms || j->idle.taken_bytes > j->reserve_bytes / (8 * DISK_SHARE);
}

/* At the edge each event would turn the answer; a little more than the reserve ends it. */
static int64_t room_wanted(const struct journal *j)
{
	return j->reserve_bytes + (atomic_load(&j->disk_low) ? j->reserve_bytes / DISK_MARGIN : 0);
}

void idle_check_disk(struct journal *j)
{
	if (!disk_watched(j) || !disk_due(j))
		return;
	j->idle.disk_next_ms = j->now_ms + DISK_EVERY_MS;
	j->idle.taken_bytes = 0;
	int64_t free_bytes = j->store.free_bytes(j->store.ctx);
	bool gone = !j->store.in_place(j->store.ctx);
	bool low = gone || j->idle.checkpoint_full || (free_bytes >= 0 && free_bytes < room_wanted(j));
	bool was_gone = atomic_exchange(&j->store_gone, gone);
	if (atomic_exchange(&j->disk_low, low) == low && was_gone == gone)
		return;
	tell_disk(j, gone ? DISK_GONE : low ? DISK_LOW : DISK_ENOUGH, free_bytes);
	for (size_t i = 0; i < j->target_count; i++)
		j->targets[i]->news = true; /* claims may be granted again, or not */
}

static int commit_slice(struct journal *j, int rc)
{
	if (rc == 0)
		rc = place_promote(j);
	if (rc == 0)
		rc = batch_commit(j);
	if (rc == 0)
		batch_deliver(j);
	return rc;
}

static int gifts_missing(struct journal *j)
{
	int64_t ids[SLICE];
	size_t count = 0;
	int rc = batch_begin(j);
	if (rc == 0)
		rc = j->store.related_due(j->store.ctx, j->now_ms, ids, SLICE, &count, &j->idle.related_next_ms,
								  &j->err);
	for (size_t i = 0; rc == 0 && i < count; i++)
		rc = accept_gift_missing(j, ids[i]);
	return commit_slice(j, rc);
}

/* Old keys, and refused requests whose time is over. */
static int prune(struct journal *j)
{
	size_t keys = 0, refused = 0;
	int rc = batch_begin(j);
	if (rc == 0)
		rc = j->store.key_prune(j->store.ctx, j->now_ms / DAY_MS - j->key_days, PRUNE_SLICE, &keys, &j->err);
	if (rc == 0)
		rc = j->store.refused_prune(j->store.ctx, j->now_ms, PRUNE_SLICE, &refused, &j->err);
	j->batch.wrote = j->batch.wrote || keys > 0 || refused > 0;
	bool more = keys == PRUNE_SLICE || refused == PRUNE_SLICE;
	j->idle.prune_next_ms = j->now_ms + (more ? PRUNE_SOON_MS : PRUNE_EVERY_MS);
	return commit_slice(j, rc);
}

/* Nobody claims for a target that is gone: its steps go to attention as they become due. */
static int sweep_missing(struct journal *j, struct jtarget *t)
{
	struct step_row rows[SLICE];
	size_t count = 0;
	int rc = batch_begin(j);
	if (rc == 0)
		rc = j->store.row_claimable(j->store.ctx, t->id, j->now_ms, rows, SLICE, &count, &j->err);
	for (size_t i = 0; rc == 0 && i < count; i++) {
		struct entry *e;
		rc = entry_load(j, rows[i].saga, &e);
		if (rc == 0)
			rc = place_saga(j, e, (struct how){ .recheck = true, .to_disk = true });
		else if (entry_damaged(j, rc))
			rc = seat_aside(j, &rows[i]);
	}
	return commit_slice(j, rc);
}

static int sweep_all_missing(struct journal *j)
{
	for (size_t i = 0; i < j->target_count; i++) {
		struct jtarget *t = j->targets[i];
		bool due = false;
		/* At the start nobody has looked yet when its first row is due: there is no news of it. */
		int rc = t->rules.missing && t->claimable > 0 ? target_has_backlog(j, t, &due) : 0;
		if (rc == 0 && due)
			rc = sweep_missing(j, t);
		if (rc != 0)
			return rc;
	}
	return 0;
}

/* A slice of the rows in lanes; those that can be claimed are looked at by the claim. */
static int reseat_slice(struct journal *j, struct jtarget *t)
{
	struct step_row rows[SLICE];
	size_t count = 0;
	const struct step_row *after = t->reseat_after.saga != 0 ? &t->reseat_after : NULL;
	int rc = batch_begin(j);
	if (rc == 0)
		rc = j->store.row_lined(j->store.ctx, t->id, after, rows, SLICE, &count, &j->err);
	for (size_t i = 0; rc == 0 && i < count; i++) {
		struct entry *e;
		if (rows[i].why == WHY_SLOT || rows[i].why == WHY_DUE)
			continue;
		rc = entry_load(j, rows[i].saga, &e);
		if (rc == 0)
			rc = place_saga(j, e, (struct how){ .recheck = true, .to_disk = true });
		else if (entry_damaged(j, rc))
			rc = seat_aside(j, &rows[i]);
	}
	t->reseat = count == SLICE;
	if (count > 0)
		t->reseat_after = rows[count - 1];
	return commit_slice(j, rc);
}

static bool reseat_wanted(const struct jtarget *t)
{
	return t->reseat && t->with_lane > 0;
}

/* One slice a turn: who asks for something meanwhile is served in between. */
static int reseat_some(struct journal *j)
{
	for (size_t i = 0; i < j->target_count; i++) {
		if (reseat_wanted(j->targets[i]))
			return reseat_slice(j, j->targets[i]);
		j->targets[i]->reseat = false;
	}
	return 0;
}

/* News without a batch: the disk's state changed, or nobody has heard anything yet. */
static int announce(struct journal *j)
{
	bool any = false;
	for (size_t i = 0; i < j->target_count; i++)
		any = any || j->targets[i]->news || j->targets[i]->far_unknown;
	if (!any)
		return 0;
	return commit_slice(j, batch_begin(j));
}

/* Below the reserve, before the next look: the write-ahead log may have grown to what is missing. */
static int give_room(struct journal *j)
{
	if (!atomic_load(&j->disk_low) || j->now_ms < j->idle.disk_next_ms)
		return 0;
	int rc = j->store.give_room(j->store.ctx, &j->err);
	if (rc != ERR_FULL)
		return rc;
	j->err = (struct err){ 0 };
	return 0;
}

int idle_run(struct journal *j)
{
	j->now_ms = j->clock.now_ms(j->clock.ctx);
	int rc = give_room(j);
	if (rc != 0)
		return rc;
	idle_check_disk(j);
	rc = announce(j);
	if (rc == 0 && j->idle.related_next_ms <= j->now_ms)
		rc = gifts_missing(j);
	if (rc == 0 && j->idle.prune_next_ms <= j->now_ms)
		rc = prune(j);
	if (rc == 0)
		rc = reseat_some(j);
	return rc == 0 ? sweep_all_missing(j) : rc;
}

int64_t idle_next_ms(const struct journal *j)
{
	int64_t next =
		j->idle.related_next_ms < j->idle.prune_next_ms ? j->idle.related_next_ms : j->idle.prune_next_ms;
	if (disk_watched(j) && j->idle.disk_next_ms < next)
		next = j->idle.disk_next_ms;
	for (size_t i = 0; i < j->target_count; i++) {
		const struct jtarget *t = j->targets[i];
		if (t->rules.missing && t->claimable > 0 && t->next_due_ms < next)
			next = t->next_due_ms;
		if (reseat_wanted(t) || t->far_unknown)
			next = 0;
	}
	return next;
}
