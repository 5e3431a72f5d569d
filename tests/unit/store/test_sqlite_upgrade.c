/* From schema 4 to the present one, on the golden store: what the new store holds, who is refused, and that every
 * end of the process leaves a whole store. */
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "saga/base/mem.h"
#include "saga/model/figure_ids.h"
#include "saga/store/lock.h"
#include "tests/support/file_calls.h"
#include "tests/support/vfs_fault.h"
#include "tests/unit/store/cmocka_all.h"
#include "tests/unit/store/store_fixture.h"
#include "tests/unit/store/upgrade_fixture.h"

static void was_not_touched(struct upgrade_fixture *t)
{
	upgrade_is_old(t, t->sqlite.path);
	upgrade_has_only(t, (const char *const[]){ "almoner.db", "almoner.db.lock", NULL });
}

/* ---- the new store ---- */

static void a_store_of_schema_4_is_upgraded(void **state)
{
	struct upgrade_fixture *t = *state;
	char *kept AUTO_FREE = upgrade_fixture_name(t, STORE_KEPT_SUFFIX);
	must(upgrade_fixture_open(t), &t->err);
	upgrade_has_only(
		t, (const char *const[]){ "almoner.db", "almoner.db.lock", "almoner.db" STORE_KEPT_SUFFIX, NULL });
	upgrade_is_new(t);
	static const char *const same[] = {
		"SELECT hex(digest) FROM chain WHERE commit_no = 100",
		"SELECT sum(at) FROM log",
		"SELECT seq FROM sqlite_sequence WHERE name = 'refused'",
		"SELECT group_concat(name) FROM (SELECT name FROM target ORDER BY id)",
		"SELECT sum(saga * 100 + step) || group_concat(quote(lane)) FROM (SELECT * FROM step ORDER BY saga, "
		"step)",
	};
	for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
		char *before AUTO_FREE = upgrade_fixture_value(kept, same[i]);
		upgrade_value_is(t->sqlite.path, same[i], before);
	}
	upgrade_value_is(t->sqlite.path, "SELECT count(*) FROM saga WHERE part <> 0", "0");
	assert_non_null(strstr(t->reported.data, kept));
	buf_clear(&t->reported);
	must(upgrade_fixture_open(t), &t->err);
	assert_int_equal(t->reported.len, 0); /* once */
}

/* Stores of schema 1 to 3 go through the migrations in place first. */
static void an_older_schema_is_upgraded_too(void **state)
{
	struct upgrade_fixture *t = *state;
	sqlite_factory_sql(&t->sqlite, "DROP TABLE refused; DROP TABLE refused_total; DROP TABLE job; "
								   "ALTER TABLE target DROP COLUMN breaker_away; PRAGMA user_version = 1");
	must(upgrade_fixture_open(t), &t->err);
	upgrade_is_sound(t);
	upgrade_value_is(t->sqlite.path,
					 "SELECT (SELECT count(*) FROM saga) > 100 AND (SELECT count(*) FROM job) = 0", "1");
}

/* A fresh store and an upgraded one have the same tables and indexes. */
static void both_ways_lead_to_the_same_schema(void **state)
{
	static const char sql[] = "SELECT group_concat(type || name || coalesce(sql, '')) FROM "
							  "(SELECT * FROM sqlite_schema ORDER BY type, name)";
	struct upgrade_fixture *t = *state;
	must(upgrade_fixture_open(t), &t->err);
	char *upgraded AUTO_FREE = upgrade_fixture_value(t->sqlite.path, sql);
	assert_int_equal(unlink(t->sqlite.path), 0);
	must(upgrade_fixture_open(t), &t->err);
	upgrade_value_is(t->sqlite.path, sql, upgraded);
}

static void mode_and_owner_stay(void **state)
{
	struct upgrade_fixture *t = *state;
	struct stat st;
	bool may_give = geteuid() == 0;
	assert_int_equal(chmod(t->sqlite.path, 0664), 0);
	if (may_give)
		assert_int_equal(chown(t->sqlite.path, 65534, 65533), 0);
	must(upgrade_fixture_open(t), &t->err);
	assert_int_equal(stat(t->sqlite.path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0664);
	assert_int_equal(st.st_uid, may_give ? 65534 : geteuid());
	assert_int_equal(st.st_gid, may_give ? 65533 : getegid());
}

/* The new files lie beside the file, not beside the link. */
static void a_symbolic_link_stays_one(void **state)
{
	struct upgrade_fixture *t = *state;
	char *file AUTO_FREE = mem_printf("%s/there.db", t->sqlite.folder);
	struct stat st;
	assert_int_equal(rename(t->sqlite.path, file), 0);
	assert_int_equal(symlink("there.db", t->sqlite.path), 0);
	must(upgrade_fixture_open(t), &t->err);
	assert_int_equal(lstat(t->sqlite.path, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	upgrade_value_is(file, "PRAGMA user_version", "5");
	upgrade_has_only(t, (const char *const[]){ "almoner.db", "there.db", "there.db.lock",
											   "there.db" STORE_KEPT_SUFFIX, NULL });
}

static void write_and_die(struct upgrade_fixture *t)
{
	sqlite3 *db = NULL;
	int rc = sqlite3_open_v2(t->sqlite.path, &db, SQLITE_OPEN_READWRITE, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db,
						  "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; "
						  "UPDATE target SET held_reason = 'in the write-ahead log'",
						  NULL, NULL, NULL);
	_exit(rc == SQLITE_OK ? FILE_CALLS_DIED : 1);
}

static void commits_in_the_write_ahead_log_are_kept(void **state)
{
	struct upgrade_fixture *t = *state;
	assert_int_equal(upgrade_fixture_child(t, write_and_die), FILE_CALLS_DIED);
	assert_true(sqlite_factory_size(&t->sqlite, "-wal") > 0);
	must(upgrade_fixture_open(t), &t->err);
	upgrade_value_is(t->sqlite.path, "SELECT DISTINCT held_reason FROM target", "in the write-ahead log");
}

/* ---- readers ---- */

static void a_reader_says_what_to_do(void **state)
{
	struct upgrade_fixture *t = *state;
	struct store_reader r;
	assert_int_equal(store_sqlite_open_reader(t->sqlite.path, NULL, &r, &t->err), ERR_REFUSED);
	assert_non_null(strstr(t->err.text, "start the daemon once"));
	upgrade_is_old(t, t->sqlite.path);
}

/* A program of the older version has the old store open, in the middle of a read. */
static void a_reader_of_the_old_store_goes_on(void **state)
{
	struct upgrade_fixture *t = *state;
	sqlite3 *db = NULL;
	static const char check[] = "CREATE TEMP TABLE IF NOT EXISTS t (n CHECK (n = 'x')); "
								"INSERT INTO t SELECT DISTINCT held_reason FROM target WHERE name = 'crm'";
	sqlite_factory_sql(&t->sqlite, "UPDATE target SET held_reason = 'x'");
	assert_int_equal(sqlite3_open_v2(t->sqlite.path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA temp_store = MEMORY; BEGIN", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, check, NULL, NULL, NULL), SQLITE_OK);
	struct store_writer w;
	must(store_sqlite_open(t->sqlite.path, &t->sqlite.options, &w, &t->err), &t->err);
	must(w.begin(w.ctx, &t->err), &t->err);
	struct target_row row = { .id = 1, .name = "crm", .held_reason = "y" };
	must(w.target_put(w.ctx, &row, &t->err), &t->err);
	must(w.commit(w.ctx, &t->err), &t->err);
	assert_int_equal(sqlite3_exec(db, check, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, check, NULL, NULL, NULL), SQLITE_OK); /* a new read, of the old file */
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	must(w.checkpoint(w.ctx, &t->err), &t->err);
	assert_true(w.files_unchanged(w.ctx));
	w.close(w.ctx);
	upgrade_is_sound(t);
}

/* ---- refused, with nothing changed ---- */

static void without_space_nothing_is_changed(void **state)
{
	struct upgrade_fixture *t = *state;
	int64_t needed = (int64_t)t->old.len;
	file_calls()->free_bytes = needed - 1;
	assert_int_equal(upgrade_fixture_open(t), ERR_FULL);
	char *numbers AUTO_FREE = mem_printf("needs %lld bytes of free space beside it, and there are %lld",
										 (long long)needed, (long long)(needed - 1));
	assert_non_null(strstr(t->err.text, numbers));
	assert_int_equal(t->reported.len, 0);
	was_not_touched(t);
	file_calls()->free_bytes = needed;
	must(upgrade_fixture_open(t), &t->err);
}

/* What is in the write-ahead log may come on top of the file. */
static void the_write_ahead_log_counts_as_needed_space(void **state)
{
	struct upgrade_fixture *t = *state;
	assert_int_equal(upgrade_fixture_child(t, write_and_die), FILE_CALLS_DIED);
	file_calls()->free_bytes =
		sqlite_factory_size(&t->sqlite, "") + sqlite_factory_size(&t->sqlite, "-wal") - 1;
	assert_int_equal(upgrade_fixture_open(t), ERR_FULL);
	file_calls()->free_bytes++;
	must(upgrade_fixture_open(t), &t->err);
}

static void a_kept_store_is_not_overwritten(void **state)
{
	struct upgrade_fixture *t = *state;
	char *kept AUTO_FREE = upgrade_fixture_name(t, STORE_KEPT_SUFFIX);
	upgrade_fixture_write(kept, STR("kept by hand"));
	assert_int_equal(upgrade_fixture_open(t), ERR_REFUSED);
	assert_non_null(strstr(t->err.text, kept));
	upgrade_value_is(t->sqlite.path, "PRAGMA user_version", "4");
	upgrade_is_old(t, t->sqlite.path);
	struct buf AUTO_BUF now = { 0 };
	upgrade_fixture_read(kept, &now);
	assert_true(str_is(buf_str(&now), "kept by hand"));
}

/* A disk that fails during the copy. */
static void a_failed_copy_changes_nothing(void **state)
{
	static const struct {
		unsigned fail;
		int system_error, code;
	} cases[] = { { VFS_WRITE, ENOSPC, ERR_FULL }, { VFS_WRITE, EIO, ERR_IO }, { VFS_SYNC, EIO, ERR_IO } };
	struct upgrade_fixture *t = *state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		upgrade_fixture_reset(t);
		struct vfs_fault *disk = vfs_fault_install("upgrading");
		*disk = (struct vfs_fault){ .fail = cases[i].fail,
									.system_error = cases[i].system_error,
									.suffix = ".migrating",
									.countdown = cases[i].fail == VFS_WRITE ? 20 : 0 };
		t->sqlite.options.vfs = "upgrading";
		assert_int_equal(upgrade_fixture_open(t), cases[i].code);
		assert_true(disk->failed > 0);
		t->sqlite.options.vfs = NULL;
		vfs_fault_remove("upgrading");
		was_not_touched(t);
		must(upgrade_fixture_open(t), &t->err);
		upgrade_is_new(t);
	}
}

/* Pages in the middle of the file are overwritten: the old store stays, for a repair or a backup. */
static void a_damaged_store_is_not_upgraded(void **state)
{
	struct upgrade_fixture *t = *state;
	for (size_t at = 40 * 4096; at < t->old.len - 4096; at += 3 * 4096)
		memset(t->old.data + at, 0x5a, 100);
	upgrade_fixture_reset(t);
	assert_int_equal(upgrade_fixture_open(t), ERR_CORRUPT);
	assert_non_null(strstr(t->err.text, "the upgrade failed and has changed nothing"));
	char *named AUTO_FREE = mem_printf("store %s: ", t->sqlite.path);
	assert_non_null(strstr(t->err.text, named));
	was_not_touched(t);
}

/* Without its counters the new store could not begin: the old one stays, for a backup. */
static void damaged_counters_are_not_upgraded(void **state)
{
	struct upgrade_fixture *t = *state;
	sqlite_factory_sql(&t->sqlite, "UPDATE counters SET value = substr(value, 1, length(value) - 1)");
	struct buf AUTO_BUF before = { 0 }, after = { 0 };
	upgrade_fixture_read(t->sqlite.path, &before);
	assert_int_equal(upgrade_fixture_open(t), ERR_CORRUPT);
	assert_non_null(strstr(t->err.text, "counters: damaged"));
	upgrade_fixture_read(t->sqlite.path, &after);
	assert_true(str_eq(buf_str(&before), buf_str(&after)));
}

/* The figures come with one more commit, which has no log row. Every open saga is in the index, so the mark is
 * behind the last one. */
static void counters_become_the_first_full_copy(void **state)
{
	struct upgrade_fixture *t = *state;
	struct store_writer w;
	struct store_head head;
	char *commit AUTO_FREE = upgrade_fixture_value(t->sqlite.path, "SELECT max(commit_no) FROM chain");
	char *live AUTO_FREE = upgrade_fixture_value(t->sqlite.path, "SELECT count(*) FROM saga WHERE live = 1");
	char *open AUTO_FREE =
		upgrade_fixture_value(t->sqlite.path, "SELECT count(*) FROM saga WHERE live = 0 AND state < 4");
	must(store_sqlite_open(t->sqlite.path, NULL, &w, &t->err), &t->err);
	must(w.head(w.ctx, &head, &t->err), &t->err);
	w.close(w.ctx);
	assert_int_equal(head.chain.commit, atoll(commit) + 1);
	assert_int_equal(head.chain.last, head.chain.first - 1);
	int64_t sagas = 0;
	for (uint64_t i = 0; i < SAGA_STATE_COUNT; i++)
		sagas += tally_value(&head.figures.counters, FIGURE_SAGAS + i);
	assert_int_equal(sagas, head.last_saga);
	assert_int_equal(tally_value(&head.figures.counters, FIGURE_ACCEPTED),
					 sagas + tally_value(&head.figures.counters, FIGURE_RELATED));
	assert_int_equal(tally_value(&head.figures.marks, figure_of_mark(0, MARK_LOW)), head.last_saga + 1);
	store_figures_free(&head.figures);
	assert_int_not_equal(atoll(live), 0);
	upgrade_value_is(t->sqlite.path, "SELECT count(*) FROM saga WHERE indexed = 2", live);
	upgrade_value_is(t->sqlite.path, "SELECT count(*) FROM saga WHERE indexed = 1", open);
	upgrade_is_sound(t);
}

/* ---- crashes ---- */

static void upgrade_in_child(struct upgrade_fixture *t)
{
	if (upgrade_fixture_open(t) != 0)
		_exit(1);
}

/* Ends the process before each call that writes, syncs or names a file, one after the other. PATH is then the old store,
 * byte by byte, or the new one; the next start has the new one, and what the crash left is gone. */
static void every_crash_leaves_a_whole_store(void **state)
{
	static const char *const names[] = { "almoner.db", "almoner.db.lock", "almoner.db" STORE_KEPT_SUFFIX,
										 NULL };
	struct upgrade_fixture *t = *state;
	long old = 0;
	long new = 0;
	int code = FILE_CALLS_DIED;
	for (long at = 1; code == FILE_CALLS_DIED; at++) {
		upgrade_fixture_reset(t);
		file_calls()->dies_at = at;
		code = upgrade_fixture_child(t, upgrade_in_child);
		file_calls_forget();
		assert_true(code == FILE_CALLS_DIED || code == 0);
		char *version AUTO_FREE = upgrade_fixture_value(t->sqlite.path, "PRAGMA user_version");
		if (strcmp(version, "4") == 0) {
			upgrade_is_old(t, t->sqlite.path);
			old++;
		} else {
			upgrade_is_new(t);
			new ++;
		}
		must(upgrade_fixture_open(t), &t->err);
		upgrade_has_only(t, names);
		upgrade_is_new(t);
	}
	assert_true(old > 10); /* one process more than these died, or ended well, with the new store */
	assert_true(new > 2);
}

/* Returns where the line is; the test fails when it is not after `after`. */
static const char *noted_after(const char *after, const char *line)
{
	const char *found = strstr(after, line);
	if (found == NULL)
		print_error("no `%s` after:\n%s", line, after);
	assert_non_null(found);
	return found;
}

/* A power cut may lose what was not synced, so the order counts: the copy, then its second name and the folder, then
 * the new name and the folder. */
static void the_copy_is_synced_before_it_takes_the_name(void **state)
{
	struct upgrade_fixture *t = *state;
	must(upgrade_fixture_open(t), &t->err);
	const char *folder AUTO_FREE = mem_printf("sync %s\n", strrchr(t->sqlite.folder, '/') + 1);
	const char *last_write = file_calls()->notes;
	for (const char *p; (p = strstr(last_write + 1, "write almoner.db.migrating\n")) != NULL;)
		last_write = p;
	const char *at = noted_after(last_write, "sync almoner.db.migrating\n");
	at = noted_after(at, "link almoner.db" STORE_KEPT_SUFFIX "\n");
	at = noted_after(at, folder);
	at = noted_after(at, "rename almoner.db\n");
	(void)noted_after(at, folder);
}

/* While the kept file is a second name of the store, the lock allows that name, and no other one. */
static void a_third_name_is_refused(void **state)
{
	struct upgrade_fixture *t = *state;
	char *kept AUTO_FREE = upgrade_fixture_name(t, STORE_KEPT_SUFFIX);
	char *other AUTO_FREE = upgrade_fixture_name(t, ".other");
	assert_int_equal(link(t->sqlite.path, kept), 0);
	assert_int_equal(link(t->sqlite.path, other), 0);
	assert_int_equal(upgrade_fixture_open(t), ERR_SYSTEM);
	assert_non_null(strstr(t->err.text, "hard links"));
	assert_int_equal(unlink(kept), 0);
	assert_int_equal(upgrade_fixture_open(t), ERR_SYSTEM);
	assert_int_equal(unlink(other), 0);
	must(upgrade_fixture_open(t), &t->err);
	upgrade_is_new(t);
}

#define TEST(function)                                                                                       \
	{ .name = #function,                                                                                     \
	  .test_func = (function),                                                                               \
	  .setup_func = upgrade_fixture_setup,                                                                   \
	  .teardown_func = upgrade_fixture_teardown }

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_store_of_schema_4_is_upgraded),
		TEST(an_older_schema_is_upgraded_too),
		TEST(both_ways_lead_to_the_same_schema),
		TEST(mode_and_owner_stay),
		TEST(a_symbolic_link_stays_one),
		TEST(commits_in_the_write_ahead_log_are_kept),
		TEST(a_reader_says_what_to_do),
		TEST(a_reader_of_the_old_store_goes_on),
		TEST(without_space_nothing_is_changed),
		TEST(the_write_ahead_log_counts_as_needed_space),
		TEST(a_kept_store_is_not_overwritten),
		TEST(a_failed_copy_changes_nothing),
		TEST(a_damaged_store_is_not_upgraded),
		TEST(damaged_counters_are_not_upgraded),
		TEST(counters_become_the_first_full_copy),
		TEST(every_crash_leaves_a_whole_store),
		TEST(the_copy_is_synced_before_it_takes_the_name),
		TEST(a_third_name_is_refused),
	};
	return cmocka_run_group_tests_name("upgrade", tests, NULL, NULL);
}
