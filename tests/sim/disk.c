#include "tests/sim/disk.h"

#include <errno.h>

#include "tests/sim/sim.h"

#define PLENTY_BYTES        (DISK_RESERVE_BYTES * 10)
#define LEAVE_LOW_BYTES     (DISK_RESERVE_BYTES + DISK_RESERVE_BYTES / 16) /* see saga/journal/idle.c */
#define NOTICE_MS           1300  /* the journal reads every second, and a turn may come 60 ms late */
#define BLOCKED_PAGES       20000 /* more than a busy journal leaves without a checkpoint */
#define CHECKPOINT_PAGES    2000  /* enough for an idle journal to run a checkpoint */
#define FAULT_COUNTDOWN_MAX 40    /* a commit writes about ten pages */

static const char *const trouble_names[TROUBLE_COUNT] = { "no free space", "little free space",
														  "the store's files are gone", "a blocked log",
														  "checkpoints without space" };

/* ---- the schedule ---- */

static uint64_t draw(struct simulation *w, uint64_t bound)
{
	return rng_below(&w->disk_rng, bound);
}

static void plan_trouble(struct simulation *w)
{
	enum disk_trouble trouble = (enum disk_trouble)draw(w, TROUBLE_COUNT);
	int64_t at_ms = w->now_ms + (int64_t)draw(w, 6000);
	int64_t for_ms = 100 + (int64_t)draw(w, 3000);
	if (trouble == TROUBLE_WAL_BLOCKED)
		for_ms += 2000; /* a shorter one is not reported */
	heap_push(&w->heap, at_ms, SIM_EVENT_DISK, 2 * (uint64_t)trouble + 1);
	heap_push(&w->heap, at_ms + for_ms, SIM_EVENT_DISK, 2 * (uint64_t)trouble);
	if (trouble != TROUBLE_NO_SPACE || draw(w, 2) == 0)
		return; /* now and then, space comes back in two steps */
	heap_push(&w->heap, at_ms + for_ms, SIM_EVENT_DISK, 2 * (uint64_t)TROUBLE_EDGE + 1);
	heap_push(&w->heap, at_ms + for_ms + (int64_t)draw(w, 2500), SIM_EVENT_DISK, 2 * (uint64_t)TROUBLE_EDGE);
}

void disk_plan(struct simulation *w)
{
	w->disk_rng.state = w->seed * 0xD1B54A32D192ED03u + 11;
	w->disk.reserve_bytes = draw(w, 100) < 50 ? DISK_RESERVE_BYTES : 0;
	for (uint64_t i = w->disk.reserve_bytes > 0 ? draw(w, 4) : 0; i > 0; i--)
		plan_trouble(w);
	if (draw(w, 100) < 40)
		heap_push(&w->heap, w->now_ms + (int64_t)draw(w, 6000), SIM_EVENT_FAULT, 0);
	for (uint64_t i = draw(w, 100) < 30 ? 1 + draw(w, 3) : 0; i > 0; i--)
		heap_push(&w->heap, w->now_ms + (int64_t)draw(w, 6000), SIM_EVENT_FAULT, 1);
}

void disk_event(struct simulation *w, uint64_t arg)
{
	enum disk_trouble trouble = (enum disk_trouble)(arg / 2);
	if (w->recovering && arg % 2 == 1)
		return;
	w->disk.has[trouble] = arg % 2 == 1;
	w->disk.wal_long = w->disk.wal_long || w->disk.has[TROUBLE_WAL_BLOCKED];
	w->disk.changed_ms = w->now_ms;
	sim_trace(w, "  disk: %s %s", trouble_names[trouble], arg % 2 == 1 ? "begins" : "is over");
}

static void set_fault(struct simulation *w, const char *suffix)
{
	static const struct {
		enum vfs_op op;
		int system_error;
	} faults[] = { { VFS_WRITE, ENOSPC }, { VFS_WRITE, EIO }, { VFS_SYNC, EIO } };
	uint64_t which = draw(w, sizeof faults / sizeof *faults);
	struct vfs_fault *f = w->disk.fault;
	f->fail = faults[which].op;
	f->system_error = faults[which].system_error;
	f->suffix = suffix;
	f->countdown = faults[which].op == VFS_SYNC ? 0 : (long)draw(w, FAULT_COUNTDOWN_MAX);
	f->once = false;
	sim_trace(w, "  disk: %s fails with error %d after %ld more", f->fail == VFS_SYNC ? "a sync" : "a write",
			  f->system_error, f->countdown);
}

void disk_arm_fault(struct simulation *w, uint64_t arg)
{
	if (w->recovering)
		return;
	if (arg == 0)
		set_fault(w, "-wal");
	else
		w->disk.loses = true;
}

void disk_heal(struct simulation *w)
{
	w->disk.loses = false;
	for (unsigned i = 0; i < TROUBLE_COUNT; i++)
		w->disk.has[i] = false;
	w->disk.changed_ms = w->now_ms;
	w->disk.fault->fail = 0;
}

/* ---- the store's functions that are replaced ---- */

static struct simulation *current;
static struct store_writer real;

static int64_t free_bytes(void *ctx)
{
	(void)ctx;
	const struct disk *d = &current->disk;
	if (d->has[TROUBLE_NO_SPACE])
		return DISK_RESERVE_BYTES - 1;
	return d->has[TROUBLE_EDGE] ? LEAVE_LOW_BYTES - 1 : PLENTY_BYTES;
}

static bool files_unchanged(void *ctx)
{
	(void)ctx;
	return !current->disk.has[TROUBLE_FILES_GONE];
}

static int64_t wal_pages(void *ctx)
{
	if (current->disk.wal_long)
		return BLOCKED_PAGES;
	return current->disk.has[TROUBLE_CHECKPOINT_FULL] ? CHECKPOINT_PAGES : real.wal_pages(ctx);
}

/* Another process has taken the store over: this commit did not take place. */
static int commit(void *ctx, struct err *err)
{
	if (!current->disk.loses)
		return real.commit(ctx, err);
	current->disk.loses = false;
	current->disk.lost = true;
	return err_set(err, ERR_LOST, "the store has another owner");
}

static int checkpoint(void *ctx, struct err *err)
{
	struct disk *d = &current->disk;
	if (d->has[TROUBLE_CHECKPOINT_FULL]) {
		coverage_point_hit(current->coverage, COVER_CHECKPOINT_FULL);
		return err_set(err, ERR_FULL, "the disk is full");
	}
	if (d->has[TROUBLE_WAL_BLOCKED])
		return 0; /* and no page was copied */
	d->wal_long = false;
	return real.checkpoint(ctx, err);
}

static int wal_truncate(void *ctx, struct err *err)
{
	if (!current->disk.has[TROUBLE_CHECKPOINT_FULL])
		return real.wal_truncate(ctx, err);
	return err_set(err, ERR_FULL, "the disk is full");
}

void disk_attach(struct simulation *w, struct store_writer *store)
{
	current = w;
	real = *store;
	store->commit = commit;
	store->free_bytes = free_bytes;
	store->files_unchanged = files_unchanged;
	store->wal_pages = wal_pages;
	store->checkpoint = checkpoint;
	store->wal_truncate = wal_truncate;
}

/* ---- what the journal reports ---- */

static bool should_be_low(const struct disk *d)
{
	bool trouble = d->has[TROUBLE_NO_SPACE] || d->has[TROUBLE_FILES_GONE] || d->has[TROUBLE_CHECKPOINT_FULL];
	return d->reserve_bytes > 0 && trouble;
}

void disk_on_news(void *ctx, enum disk_news news, int64_t bytes)
{
	static const enum coverage_point points[] = { [DISK_LOW] = COVER_DISK_LOW,
												  [DISK_ENOUGH] = COVER_DISK_ENOUGH,
												  [STORE_FILES_GONE] = COVER_STORE_GONE,
												  [WAL_BLOCKED] = COVER_WAL_BLOCKED,
												  [WAL_UNBLOCKED] = COVER_WAL_UNBLOCKED };
	struct simulation *w = ctx;
	struct disk *d = &w->disk;
	coverage_point_hit(w->coverage, points[news]);
	sim_trace(w, "  disk news %d, %lld bytes", (int)news, (long long)bytes);
	if (news == DISK_ENOUGH && (bytes < LEAVE_LOW_BYTES || !d->low))
		sim_fail(w, "the disk is reported as no longer low with %lld bytes free", (long long)bytes);
	if (news == STORE_FILES_GONE && !d->has[TROUBLE_FILES_GONE])
		sim_fail(w, "the store's files are reported as gone, and they are there");
	if (news == WAL_BLOCKED || news == WAL_UNBLOCKED) {
		if (d->wal_blocked == (news == WAL_BLOCKED))
			sim_fail(w, "the state of the write-ahead log is reported twice");
		d->wal_blocked = news == WAL_BLOCKED;
		return;
	}
	d->low = news != DISK_ENOUGH;
	d->low_all_turn = d->low_all_turn && d->low;
}

void disk_turn_begins(struct simulation *w)
{
	w->disk.low_all_turn = w->disk.low;
}

/* The reserve and its sixteenth are a band in which both answers are right, so nothing is demanded there. */
void disk_check(struct simulation *w)
{
	const struct disk *d = &w->disk;
	if (d->reserve_bytes == 0 || w->now_ms - d->changed_ms < NOTICE_MS)
		return;
	if (should_be_low(d) && !d->low)
		sim_fail(w, "the journal has not noticed that its disk is low");
	if (!should_be_low(d) && !d->has[TROUBLE_EDGE] && d->low)
		sim_fail(w, "the journal has not noticed that its disk has free space again");
}

/* ---- operations that fail ---- */

bool disk_has_failed(const struct simulation *w)
{
	return w->disk.fault->failed > 0;
}

bool disk_store_failed(const struct simulation *w)
{
	return w->disk.lost || disk_has_failed(w);
}

void disk_replace(struct simulation *w)
{
	w->disk.fault->fail = 0;
	w->disk.fault->failed = 0;
}

void disk_process_begins(struct simulation *w)
{
	struct disk *d = &w->disk;
	d->low = d->wal_blocked = d->low_all_turn = d->lost = false;
	d->changed_ms = w->now_ms;
	if (!disk_has_failed(w))
		return;
	disk_replace(w);
	if (!w->recovering && draw(w, 100) < 50)
		set_fault(w, NULL); /* it is not better yet */
}
