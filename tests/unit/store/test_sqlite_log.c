/* The write-ahead log: when it is copied, what prevents that, and when it is truncated. */
#include <sqlite3.h>
#include <stdio.h>
#include <sys/statvfs.h>

#include "tests/unit/store/cmocka_all.h"
#include "tests/unit/store/sqlite_factory.h"
#include "tests/unit/store/store_fixture.h"

static struct sqlite_factory *sqlite_of(struct store_fixture *f)
{
	return f->factory->ctx;
}

static void the_wal_file_is_truncated(void **state)
{
	struct store_fixture *f = *state;
	for (int i = 0; i < 20; i++)
		fixture_put_many(&f->l, 400);
	int64_t size = sqlite_factory_size(sqlite_of(f), "-wal");
	assert_true(size > 1048576);
	sqlite3 *reader = NULL;
	assert_int_equal(sqlite3_open_v2(sqlite_of(f)->path, &reader, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_exec(reader, "BEGIN; SELECT count(*) FROM saga", NULL, NULL, NULL), SQLITE_OK);
	fixture_put_many(&f->l, 400);
	must(f->l.w.wal_truncate(f->l.w.ctx, &f->err), &f->err); /* a reader needs the log */
	assert_true(sqlite_factory_size(sqlite_of(f), "-wal") >= size);
	assert_int_equal(sqlite3_exec(reader, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
	must(f->l.w.wal_truncate(f->l.w.ctx, &f->err), &f->err);
	assert_int_equal(sqlite_factory_size(sqlite_of(f), "-wal"), 0);
	assert_int_equal(f->l.w.wal_pages(f->l.w.ctx), 0);
	assert_int_equal(sqlite3_close(reader), SQLITE_OK);
	fixture_put_many(&f->l, 1);
}

static void moved_and_restored(struct store_fixture *f, const char *suffix)
{
	char from[300], to[300];
	snprintf(from, sizeof from, "%s%s", sqlite_of(f)->path, suffix);
	snprintf(to, sizeof to, "%s%s.away", sqlite_of(f)->path, suffix);
	assert_true(f->l.w.files_unchanged(f->l.w.ctx));
	assert_int_equal(rename(from, to), 0);
	assert_false(f->l.w.files_unchanged(f->l.w.ctx));
	FILE *other = fopen(from, "w");
	assert_non_null(other);
	assert_int_equal(fclose(other), 0);
	assert_false(f->l.w.files_unchanged(f->l.w.ctx));
	assert_int_equal(rename(to, from), 0);
	assert_true(f->l.w.files_unchanged(f->l.w.ctx));
}

static void moved_files_are_noticed(void **state)
{
	struct store_fixture *f = *state;
	moved_and_restored(f, "");
	moved_and_restored(f, "-wal");
	fixture_put_many(&f->l, 1);
	must(f->l.w.checkpoint(f->l.w.ctx, &f->err), &f->err);
	must(f->l.w.wal_truncate(f->l.w.ctx, &f->err), &f->err);
	assert_true(f->l.w.files_unchanged(f->l.w.ctx)); /* a changed size is no changed file */
}

static void only_the_caller_checkpoints(void **state)
{
	struct store_fixture *f = *state;
	int64_t size = sqlite_factory_size(sqlite_of(f), "");
	for (int i = 0; i < 80; i++)
		fixture_put_many(&f->l, 400);
	int64_t pages = f->l.w.wal_pages(f->l.w.ctx);
	assert_true(pages > 1500); /* SQLite's own automatic checkpoint would have run at 1000 pages */
	struct statvfs fs;
	assert_int_equal(statvfs(sqlite_of(f)->path, &fs), 0);
	/* Pages that must still be copied do not count as free. The factor of one half allows for other
	 * writers. */
	int64_t free_bytes = (int64_t)(fs.f_bavail * fs.f_frsize);
	assert_true(f->l.w.free_bytes(f->l.w.ctx) <= free_bytes - pages * 4096 / 2);
	assert_int_equal(sqlite_factory_size(sqlite_of(f), ""), size);
	assert_int_equal(sqlite_factory_size(sqlite_of(f), "-wal"), 32 + pages * (4096 + 24));
	must(f->l.w.checkpoint(f->l.w.ctx, &f->err), &f->err);
	assert_int_equal(f->l.w.wal_pages(f->l.w.ctx), 0);
	assert_true(sqlite_factory_size(sqlite_of(f), "") > size);
	int64_t log = sqlite_factory_size(sqlite_of(f), "-wal");
	fixture_put_many(&f->l, 1);
	assert_int_equal(sqlite_factory_size(sqlite_of(f), "-wal"), log); /* written from its start again */
	pages = f->l.w.wal_pages(f->l.w.ctx);
	assert_true(pages > 0 && pages < 50);
}

struct reader_midway {
	struct store_fixture *f;
	int64_t left;
};

static int write_and_checkpoint(void *ctx, const struct log_row *row)
{
	struct reader_midway *m = ctx;
	(void)row;
	fixture_put_many(&m->f->l, 50);
	must(m->f->l.w.checkpoint(m->f->l.w.ctx, &m->f->err), &m->f->err);
	m->left = m->f->l.w.wal_pages(m->f->l.w.ctx);
	return 1;
}

static void a_reader_blocks_only_the_checkpoint(void **state)
{
	struct store_fixture *f = *state;
	fixture_put_many(&f->l, 1);
	must(f->l.w.checkpoint(f->l.w.ctx, &f->err), &f->err);
	fixture_put_many(&f->l, 1);
	struct store_reader r = fixture_reader(f);
	struct reader_midway m = { .f = f };
	int64_t next = 0;
	must(r.log_read(r.ctx, 0, 0, 10, &m, write_and_checkpoint, &next, &f->err), &f->err);
	assert_true(m.left > 0);
	must(f->l.w.checkpoint(f->l.w.ctx, &f->err), &f->err);
	assert_int_equal(f->l.w.wal_pages(f->l.w.ctx), 0);
	r.close(r.ctx);
}

#define TEST(function)                                                                                       \
	{ .name = #function,                                                                                     \
	  .test_func = (function),                                                                               \
	  .setup_func = fixture_setup,                                                                           \
	  .teardown_func = fixture_teardown,                                                                     \
	  .initial_state = &factory }

int main(void)
{
	struct sqlite_factory sqlite;
	sqlite_factory_init(&sqlite);
	struct store_factory factory = sqlite_factory_of(&sqlite);
	const struct CMUnitTest tests[] = {
		TEST(the_wal_file_is_truncated),
		TEST(moved_files_are_noticed),
		TEST(only_the_caller_checkpoints),
		TEST(a_reader_blocks_only_the_checkpoint),
	};
	int failed = cmocka_run_group_tests_name("the write-ahead log of a sqlite store", tests, NULL, NULL);
	sqlite_factory_finish(&sqlite);
	return failed;
}
