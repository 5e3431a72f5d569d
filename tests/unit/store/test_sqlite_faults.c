/* The disk fails at every operation, one after the other: no transaction is half stored afterwards, and
 * every failure is reported. */
#include <errno.h>
#include <string.h>

#include "tests/support/vfs_fault.h"
#include "tests/unit/store/cmocka_all.h"
#include "tests/unit/store/sqlite_factory.h"
#include "tests/unit/store/store_fixture.h"

static const char vfs_name[] = "failing";

struct failing {
	struct sqlite_factory sqlite;
	struct store_factory factory;
	struct vfs_fault *disk;
};

static struct failing *failing_of(struct store_fixture *f)
{
	return (struct failing *)f->factory->ctx; /* the context is its first member */
}

static struct vfs_fault *disk_of(struct store_fixture *f)
{
	return failing_of(f)->disk;
}

static void clear_fault(struct store_fixture *f)
{
	*disk_of(f) = (struct vfs_fault){ 0 };
}

static void ignore_line(void *ctx, const char *line)
{
	(void)ctx;
	print_error("%s\n", line);
}

static void assert_sound(struct store_fixture *f)
{
	struct store_reader r = fixture_reader(f);
	int64_t findings = 0;
	must(r.verify(r.ctx, NULL, ignore_line, &findings, &f->err), &f->err);
	assert_int_equal(findings, 0);
	r.close(r.ctx);
}

/* One transaction as the journal writes it; the code of the first error. */
static int write_some(struct store_fixture *f)
{
	struct store_writer *w = &f->l.w;
	struct sample_saga s = { .unrouted = true };
	struct event *event = sample_event(&s);
	int rc = w->begin(w->ctx, &f->err);
	for (int64_t i = 0; rc == 0 && i < 40; i++)
		rc = w->event_insert(w->ctx, 1000 + i, event, &f->err);
	event_unref(event);
	return rc == 0 ? w->commit(w->ctx, &f->err) : rc;
}

static bool is_there(struct store_fixture *f, int64_t saga)
{
	struct event *event = NULL;
	int rc = f->l.w.event_get(f->l.w.ctx, saga, &event, &f->err);
	event_unref(event);
	assert_true(rc == 0 || rc == ERR_NOT_FOUND);
	return rc == 0;
}

static void commit_fails_at_every_write(struct store_fixture *f, enum vfs_op op, int system_error, int wanted)
{
	struct sample_saga s = { .unrouted = true };
	fixture_put(&f->l, &s);
	long place = 0;
	for (bool struck = true; struck; place++) {
		*disk_of(f) = (struct vfs_fault){ .fail = op, .system_error = system_error, .countdown = place };
		int rc = write_some(f);
		struck = disk_of(f)->failed > 0;
		assert_int_equal(rc, struck ? wanted : 0);
		if (struck)
			assert_non_null(strstr(f->err.text, failing_of(f)->sqlite.path));
		fixture_close(f); /* still on the failing disk */
		clear_fault(f);
		fixture_reopen(f);
		assert_int_equal(f->l.saga, 1); /* the acknowledged commit is still there */
		bool first = is_there(f, 1000);
		assert_int_equal(first, is_there(f, 1039)); /* the whole transaction or nothing */
		assert_true(struck || first);
		assert_sound(f);
		if (first)
			sqlite_factory_sql(&failing_of(f)->sqlite, "DELETE FROM event WHERE saga >= 1000");
		assert_true(place < 1000);
	}
	assert_true(place > 1);
}

static void disk_full_while_committing(void **state)
{
	commit_fails_at_every_write(*state, VFS_WRITE, ENOSPC, ERR_FULL);
}

static void input_output_error_while_committing(void **state)
{
	commit_fails_at_every_write(*state, VFS_WRITE, EIO, ERR_IO);
}

static void sync_fails_while_committing(void **state)
{
	commit_fails_at_every_write(*state, VFS_SYNC, EIO, ERR_IO);
}

/* On a full disk no acknowledged commit is lost, and the same transaction succeeds when disk space is free
 * again. */
static void a_full_disk_before_the_commit_can_be_rolled_back(void **state)
{
	struct store_fixture *f = *state;
	struct store_writer *w = &f->l.w;
	struct sample_saga s = { .unrouted = true };
	*disk_of(f) = (struct vfs_fault){ .fail = VFS_WRITE, .system_error = ENOSPC };
	assert_int_equal(write_some(f), ERR_FULL);
	assert_non_null(strstr(f->err.text, "free space"));
	clear_fault(f);
	must(w->rollback(w->ctx, &f->err), &f->err);
	must(write_some(f) == 0 ? 0 : ERR_FULL, &f->err);
	assert_true(is_there(f, 1039));
	fixture_put(&f->l, &s);
}

static void nothing_is_written_after_a_failed_commit(void **state)
{
	struct store_fixture *f = *state;
	struct sample_saga s = { .unrouted = true };
	fixture_put(&f->l, &s); /* a page for the checkpoint to copy */
	*disk_of(f) = (struct vfs_fault){ .fail = VFS_SYNC, .system_error = EIO, .once = true };
	assert_int_equal(write_some(f), ERR_IO);
	long writes = disk_of(f)->writes;
	fixture_close(f); /* closing must not run a checkpoint */
	assert_int_equal(disk_of(f)->writes, writes);
}

static void nothing_is_written_after_a_failed_checkpoint(void **state)
{
	struct store_fixture *f = *state;
	static const enum vfs_op ops[] = { VFS_WRITE, VFS_SYNC };
	for (size_t i = 0; i < 2; i++) {
		must(write_some(f), &f->err);
		*disk_of(f) =
			(struct vfs_fault){ .fail = ops[i], .suffix = ".db", .system_error = EIO, .once = true };
		assert_int_equal(f->l.w.checkpoint(f->l.w.ctx, &f->err), ERR_IO);
		long writes = disk_of(f)->writes;
		fixture_close(f); /* a second sync may report success falsely, so the log stays */
		assert_int_equal(disk_of(f)->writes, writes);
		clear_fault(f);
		fixture_reopen(f);
		assert_true(is_there(f, 1000) && is_there(f, 1039));
		sqlite_factory_sql(&failing_of(f)->sqlite, "DELETE FROM event WHERE saga >= 1000");
	}
}

static void checkpoint_errors_are_reported(void **state)
{
	struct store_fixture *f = *state;
	static const enum vfs_op ops[] = { VFS_WRITE, VFS_SYNC };
	for (size_t i = 0; i < 2; i++) {
		must(write_some(f), &f->err);
		*disk_of(f) = (struct vfs_fault){ .fail = ops[i], .system_error = EIO };
		assert_int_equal(f->l.w.checkpoint(f->l.w.ctx, &f->err), ERR_IO);
		assert_true(disk_of(f)->failed > 0);
		clear_fault(f);
		fixture_reopen(f);
		assert_true(is_there(f, 1000) && is_there(f, 1039));
		sqlite_factory_sql(&failing_of(f)->sqlite, "DELETE FROM event WHERE saga >= 1000");
	}
}

/* Opens a store with a write-ahead log to recover, or creates a new store. */
static void opening_fails_at_every_write(struct store_fixture *f, bool fresh, unsigned ops)
{
	long place = 0;
	for (bool struck = true; struck; place++) {
		fixture_close(f);
		if (fresh)
			f->factory->fresh(f->factory->ctx);
		*disk_of(f) = (struct vfs_fault){ .fail = ops, .system_error = EIO, .countdown = place };
		int rc = f->factory->open(f->factory->ctx, &f->l.w, &f->err);
		struck = disk_of(f)->failed > 0;
		if (!struck)
			assert_int_equal(rc, 0);
		if (rc == 0)
			f->l.w.close(f->l.w.ctx);
		f->l.w.ctx = NULL;
		clear_fault(f);
		fixture_reopen(f); /* the lock is free and the file readable */
		assert_int_equal(f->l.saga, fresh ? 0 : 1);
		assert_true(place < 2000);
	}
	assert_true(place > 3);
}

static void opening_survives_errors(void **state)
{
	struct store_fixture *f = *state;
	struct sample_saga s = { .unrouted = true };
	fixture_put(&f->l, &s);
	opening_fails_at_every_write(f, false, VFS_WRITE | VFS_SYNC | VFS_READ | VFS_OPEN | VFS_TRUNCATE);
	assert_sound(f);
}

static void making_a_store_survives_errors(void **state)
{
	struct store_fixture *f = *state;
	opening_fails_at_every_write(f, true, VFS_WRITE | VFS_SYNC | VFS_READ | VFS_OPEN | VFS_TRUNCATE);
	assert_sound(f);
}

static void reading_errors_are_reported(void **state)
{
	struct store_fixture *f = *state;
	must(write_some(f), &f->err);
	fixture_reopen(f); /* with empty caches */
	struct event *event = NULL;
	*disk_of(f) = (struct vfs_fault){ .fail = VFS_READ, .system_error = EIO };
	assert_int_equal(f->l.w.event_get(f->l.w.ctx, 1000, &event, &f->err), ERR_IO);
	assert_non_null(strstr(f->err.text, "cannot read an event"));
	clear_fault(f);
	assert_true(is_there(f, 1000));
}

#define TEST(function)                                                                                       \
	{ .name = #function,                                                                                     \
	  .test_func = (function),                                                                               \
	  .setup_func = fixture_setup,                                                                           \
	  .teardown_func = fixture_teardown,                                                                     \
	  .initial_state = &all.factory }

int main(void)
{
	struct failing all = { 0 };
	sqlite_factory_init(&all.sqlite);
	all.sqlite.options.vfs = vfs_name;
	all.disk = vfs_fault_install(vfs_name);
	all.factory = sqlite_factory_of(&all.sqlite);
	const struct CMUnitTest tests[] = {
		TEST(disk_full_while_committing),
		TEST(input_output_error_while_committing),
		TEST(sync_fails_while_committing),
		TEST(a_full_disk_before_the_commit_can_be_rolled_back),
		TEST(nothing_is_written_after_a_failed_commit),
		TEST(nothing_is_written_after_a_failed_checkpoint),
		TEST(checkpoint_errors_are_reported),
		TEST(opening_survives_errors),
		TEST(making_a_store_survives_errors),
		TEST(reading_errors_are_reported),
	};
	int failed = cmocka_run_group_tests_name("sqlite store on a failing disk", tests, NULL, NULL);
	sqlite_factory_finish(&all.sqlite);
	vfs_fault_remove(vfs_name);
	return failed;
}
