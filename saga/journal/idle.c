#include "saga/journal/idle.h"

#include <stdlib.h>

#include "saga/base/clock.h"
#include "saga/journal/journal_internal.h"
#include "saga/journal/ops/accept.h"
#include "saga/journal/schedule/location.h"
#include "saga/journal/schedule/schedule.h"

/* Pages in the write-ahead log from which a checkpoint runs: about 6 MB when the queue is empty, 65 MB
 * whatever the queue (saga/store/README.md "Hazards of SQLite": a checkpoint of 52,000 pages takes 94 ms,
 * measured). */
#define PAGES_WHEN_IDLE 1500
#define PAGES_WHEN_BUSY 16000

#define SLICE          64    /* rows in one transaction of an idle task, chosen: operations wait meanwhile */
#define PRUNE_SLICE    256   /* keys, or rejected requests, deleted in one transaction; chosen */
#define PRUNE_EVERY_MS 10000 /* chosen */
#define PRUNE_SOON_MS  100   /* after a full slice; chosen */

#define DISK_EVERY_MS 1000 /* how often free disk space is read; chosen */
/* How many bytes on disk one byte of an event takes: its raw and its canonical text are both stored, each in
 * the write-ahead log and in the database file. */
#define DISK_SHARE  4
#define DISK_MARGIN 16 /* DISK_ENOUGH needs this fraction of the reserve more than the reserve; chosen */
#define WAL_BLOCKED_MS                                                                                       \
	2000 /* our own readers hold a transaction for 250 ms at most, so this is another process */

static void notify_disk(const struct journal *j, enum disk_news news, int64_t bytes)
{
	if (j->hooks.disk != NULL)
		j->hooks.disk(j->hooks.ctx, news, bytes);
}

/* After a checkpoint that succeeded: pages that it could not copy are still read by a transaction of another
 * process. The log cannot be reused and grows until the reserve is met, so hooks.disk reports it after
 * WAL_BLOCKED_MS. */
static void update_wal_blocked(struct journal *j, int64_t now_ms)
{
	int64_t pages = j->store.wal_pages(j->store.ctx);
	int64_t since_ms = j->idle.wal_blocked_since_ms;
	bool notified = atomic_load(&j->disk.wal_blocked_bytes) > 0;
	if (pages < PAGES_WHEN_BUSY) {
		j->idle.wal_blocked_since_ms = 0;
		atomic_store(&j->disk.wal_blocked_bytes, 0);
		if (notified)
			notify_disk(j, WAL_UNBLOCKED, pages * STORE_PAGE_BYTES);
		return;
	}
	j->idle.wal_blocked_since_ms = since_ms == 0 ? now_ms : since_ms;
	if (since_ms == 0 || now_ms - since_ms < WAL_BLOCKED_MS)
		return;
	atomic_store(&j->disk.wal_blocked_bytes, pages * STORE_PAGE_BYTES);
	if (!notified)
		notify_disk(j, WAL_BLOCKED, pages * STORE_PAGE_BYTES);
}

/* A checkpoint that finds no free space changes nothing, since everything is still in the write-ahead log: it
 * is tried again each second, and until then the disk counts as low. */
int idle_checkpoint(struct journal *j, bool busy)
{
	assert(!j->batch.open); /* a checkpoint inside a transaction would fail */
	int64_t pages = j->store.wal_pages(j->store.ctx);
	bool must = pages >= PAGES_WHEN_BUSY;
	bool retry = j->idle.checkpoint_full;
	if (!retry && !must && (busy || pages < PAGES_WHEN_IDLE))
		return 0;
	int64_t now_ms = j->clock.now_ms(j->clock.ctx);
	if (retry && now_ms < j->idle.checkpoint_next_ms)
		return 0;
	int rc = j->store.checkpoint(j->store.ctx, &j->err);
	bool full = rc == ERR_FULL;
	if (full != j->idle.checkpoint_full)
		j->idle.disk_next_ms = 0; /* idle_check_disk reports the change at once */
	j->idle.checkpoint_full = full;
	j->idle.checkpoint_next_ms = now_ms + DISK_EVERY_MS;
	if (rc == 0)
		update_wal_blocked(j, now_ms);
	if (!full)
		return rc;
	j->err = (struct err){ 0 };
	return 0;
}

static bool disk_watched(const struct journal *j)
{
	return j->reserve_bytes > 0 || j->idle.checkpoint_full || atomic_load(&j->disk.low);
}

/* A burst of events can use up the reserve before the next reading is due: after an eighth of the reserve,
 * counted with DISK_SHARE, free space is read earlier. */
static bool disk_due(const struct journal *j)
{
	return j->now_ms >= j->idle.disk_next_ms || j->idle.taken_bytes > j->reserve_bytes / (8 * DISK_SHARE);
}

/* Once the disk is low, a little more than the reserve must be free: at the exact edge each event would
 * change the state. */
static int64_t free_bytes_wanted(const struct journal *j)
{
	return j->reserve_bytes + (atomic_load(&j->disk.low) ? j->reserve_bytes / DISK_MARGIN : 0);
}

/* When the state changes every target gets news, since claims can be granted again, or can no longer be
 * granted. */
void idle_check_disk(struct journal *j)
{
	if (!disk_watched(j) || !disk_due(j))
		return;
	j->idle.disk_next_ms = j->now_ms + DISK_EVERY_MS;
	j->idle.taken_bytes = 0;
	int64_t free_bytes = j->store.free_bytes(j->store.ctx);
	bool gone = !j->store.files_unchanged(j->store.ctx);
	bool low = gone || j->idle.checkpoint_full || (free_bytes >= 0 && free_bytes < free_bytes_wanted(j));
	bool was_gone = atomic_exchange(&j->disk.store_gone, gone);
	if (atomic_exchange(&j->disk.low, low) == low && was_gone == gone)
		return;
	notify_disk(j, gone ? STORE_FILES_GONE : low ? DISK_LOW : DISK_ENOUGH, free_bytes);
	for (size_t i = 0; i < j->targets.count; i++)
		j->targets.entries[i]->news = true;
}

/* Ends the transaction of a task like a batch of operations: freed lanes, commit, handing out. */
static int commit_slice(struct journal *j, int rc)
{
	if (rc == 0)
		rc = schedule_next_in_lane(j);
	if (rc == 0)
		rc = batch_commit(j);
	if (rc == 0)
		batch_hand_out(j);
	return rc;
}

/* Related events whose gift has not come in time become sagas in attention. */
static int gifts_missing(struct journal *j)
{
	int64_t ids[SLICE];
	size_t count = 0;
	int rc = batch_begin(j);
	if (rc == 0)
		rc = j->store.related_due(j->store.ctx, j->now_ms, ids, SLICE, &count, &j->idle.related_next_ms,
								  &j->err);
	for (size_t i = 0; rc == 0 && i < count; i++)
		prefetch_related(j, ids[i]);
	if (rc == 0)
		prefetch_send(j);
	for (size_t i = 0; rc == 0 && i < count; i++)
		rc = accept_gift_missing(j, ids[i]);
	return commit_slice(j, rc);
}

/* Deletes keys older than key_days, and rejected requests whose time is over. */
static int prune(struct journal *j)
{
	size_t keys = 0, rejected = 0;
	int rc = batch_begin(j);
	if (rc == 0)
		rc = j->store.key_prune(j->store.ctx, j->now_ms / DAY_MS - j->key_days, PRUNE_SLICE, &keys, &j->err);
	if (rc == 0)
		rc = j->store.rejected_prune(j->store.ctx, j->now_ms, PRUNE_SLICE, &rejected, &j->err);
	j->batch.wrote = j->batch.wrote || keys > 0 || rejected > 0;
	bool more = keys == PRUNE_SLICE || rejected == PRUNE_SLICE;
	j->idle.prune_next_ms = j->now_ms + (more ? PRUNE_SOON_MS : PRUNE_EVERY_MS);
	return commit_slice(j, rc);
}

/* The engine makes no claims for a target that the configuration no longer has. Its due rows are scheduled
 * here, which moves their steps to attention(target_missing). */
static int sweep_missing(struct journal *j, struct target_entry *t)
{
	struct step_row rows[SLICE];
	size_t count = 0;
	int rc = batch_begin(j);
	if (rc == 0)
		rc = j->store.row_claimable(j->store.ctx, t->id, j->now_ms, rows, SLICE, &count, &j->err);
	if (rc == 0)
		prefetch_rows(j, rows, count, false);
	for (size_t i = 0; rc == 0 && i < count; i++) {
		struct cache_entry *e;
		rc = cache_load(j, rows[i].saga, &e);
		if (rc == 0)
			rc = schedule_saga(j, e, (struct schedule_options){ .recheck = true, .to_disk = true });
		else if (cache_is_damaged(j, rc))
			rc = location_set_quarantine(j, &rows[i]);
	}
	return commit_slice(j, rc);
}

static int sweep_all_missing(struct journal *j)
{
	for (size_t i = 0; i < j->targets.count; i++) {
		struct target_entry *t = j->targets.entries[i];
		bool due = false;
		/* target_has_backlog reads the due time when no news has needed it yet. */
		int rc = t->rules.missing && t->claimable > 0 ? target_has_backlog(j, t, &due) : 0;
		if (rc == 0 && due)
			rc = sweep_missing(j, t);
		if (rc != 0)
			return rc;
	}
	return 0;
}

/* Schedules a slice of a target's rows in lanes by the present rules. Claimable rows are left out: the claim
 * that takes them looks at the lane. */
static int recheck_lanes_slice(struct journal *j, struct target_entry *t)
{
	struct step_row rows[SLICE];
	size_t count = 0;
	const struct step_row *after = t->recheck_lanes_after.saga != 0 ? &t->recheck_lanes_after : NULL;
	int rc = batch_begin(j);
	if (rc == 0)
		rc = j->store.row_with_lane(j->store.ctx, t->id, after, rows, SLICE, &count, &j->err);
	if (rc == 0)
		prefetch_rows(j, rows, count, false);
	for (size_t i = 0; rc == 0 && i < count; i++) {
		struct cache_entry *e;
		if (rows[i].why == WHY_SLOT || rows[i].why == WHY_DUE)
			continue;
		rc = cache_load(j, rows[i].saga, &e);
		if (rc == 0)
			rc = schedule_saga(j, e, (struct schedule_options){ .recheck = true, .to_disk = true });
		else if (cache_is_damaged(j, rc))
			rc = location_set_quarantine(j, &rows[i]);
	}
	t->recheck_lanes = count == SLICE;
	if (count > 0)
		t->recheck_lanes_after = rows[count - 1];
	return commit_slice(j, rc);
}

static bool recheck_lanes_due(const struct target_entry *t)
{
	return t->recheck_lanes && t->with_lane > 0;
}

/* Examines one slice of rows in lanes in each turn, so that operations that are queued meanwhile run in
 * between. */
static int recheck_lanes_some(struct journal *j)
{
	for (size_t i = 0; i < j->targets.count; i++) {
		if (recheck_lanes_due(j->targets.entries[i]))
			return recheck_lanes_slice(j, j->targets.entries[i]);
		j->targets.entries[i]->recheck_lanes = false;
	}
	return 0;
}

/* News that no batch has handed out: after the start, or after a change of the disk's state. */
static int deliver_news(struct journal *j)
{
	bool any = false;
	for (size_t i = 0; i < j->targets.count; i++)
		any = any || j->targets.entries[i]->news || j->targets.entries[i]->clamp_pending;
	if (!any)
		return 0;
	return commit_slice(j, batch_begin(j));
}

/* While the disk is low, gives the file system the space of the write-ahead log that is not needed any more,
 * before free space is read again. */
static int wal_truncate(struct journal *j)
{
	if (!atomic_load(&j->disk.low) || j->now_ms < j->idle.disk_next_ms)
		return 0;
	int rc = j->store.wal_truncate(j->store.ctx, &j->err);
	if (rc != ERR_FULL)
		return rc;
	j->err = (struct err){ 0 };
	return 0;
}

/* The disk comes first: its state decides what the later tasks may hand out. */
int idle_run(struct journal *j)
{
	assert(!j->failed && !j->batch.open);
	j->now_ms = j->clock.now_ms(j->clock.ctx);
	int rc = wal_truncate(j);
	if (rc != 0)
		return rc;
	idle_check_disk(j);
	rc = deliver_news(j);
	if (rc == 0 && j->idle.related_next_ms <= j->now_ms)
		rc = gifts_missing(j);
	if (rc == 0 && j->idle.prune_next_ms <= j->now_ms)
		rc = prune(j);
	if (rc == 0)
		rc = recheck_lanes_some(j);
	return rc == 0 ? sweep_all_missing(j) : rc;
}

int64_t idle_next_ms(const struct journal *j)
{
	int64_t next =
		j->idle.related_next_ms < j->idle.prune_next_ms ? j->idle.related_next_ms : j->idle.prune_next_ms;
	if (disk_watched(j) && j->idle.disk_next_ms < next)
		next = j->idle.disk_next_ms;
	for (size_t i = 0; i < j->targets.count; i++) {
		const struct target_entry *t = j->targets.entries[i];
		if (t->rules.missing && t->claimable > 0 && t->next_due_ms < next)
			next = t->next_due_ms;
		if (recheck_lanes_due(t) || t->clamp_pending)
			next = 0;
	}
	return next;
}
