/* What is specific to SQLite: settings, the lock file, readers, files of other programs. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "saga/base/clock.h"
#include "saga/base/mem.h"
#include "saga/store/lock.h"
#include "saga/store/sqlite/read.h"
#include "saga/store/sqlite/write.h"
#include "tests/support/vfs_fault.h"
#include "tests/unit/store/cmocka_all.h"
#include "tests/unit/store/sqlite_factory.h"
#include "tests/unit/store/store_fixture.h"

static struct sqlite_factory *sqlite_of(struct store_fixture *f)
{
	return f->factory->ctx;
}

/* ---- durability ---- */

static void every_commit_is_synced(void **state)
{
	struct store_fixture *f = *state;
	struct vfs_fault *disk = vfs_fault_install("counted");
	fixture_close(f);
	sqlite_of(f)->options.vfs = "counted";
	fixture_reopen(f);
	fixture_put_many(&f->l, 1);
	long before = disk->syncs;
	for (int i = 0; i < 5; i++)
		fixture_put_many(&f->l, 1);
	assert_int_equal(disk->syncs - before, 5);
	fixture_close(f);
	sqlite_of(f)->options.vfs = NULL;
	vfs_fault_remove("counted");
}

static void file_is_made_as_we_want_it(void **state)
{
	struct store_fixture *f = *state;
	struct stat st;
	assert_int_equal(stat(sqlite_of(f)->path, &st), 0);
	assert_int_equal(st.st_mode & 07, 0); /* other users must not read donors' data */
	fixture_close(f);
	sqlite3 *db = NULL;
	assert_int_equal(sqlite3_open_v2(sqlite_of(f)->path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	static const struct {
		const char *sql;
		const char *value;
	} expected[] = { { "PRAGMA page_size", "4096" },
					 { "PRAGMA journal_mode", "wal" },
					 { "PRAGMA user_version", "5" } };
	for (size_t i = 0; i < 3; i++) {
		sqlite3_stmt *st_value = NULL;
		assert_int_equal(sqlite3_prepare_v2(db, expected[i].sql, -1, &st_value, NULL), SQLITE_OK);
		assert_int_equal(sqlite3_step(st_value), SQLITE_ROW);
		assert_string_equal((const char *)sqlite3_column_text(st_value, 0), expected[i].value);
		assert_int_equal(sqlite3_finalize(st_value), SQLITE_OK);
	}
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void no_write_ahead_log_is_an_error(void **state)
{
	struct store_fixture *f = *state;
	fixture_close(f);
	f->factory->fresh(f->factory->ctx);
	struct vfs_fault *disk = vfs_fault_install("noshm");
	*disk = (struct vfs_fault){ .fail = VFS_SHARED_MEMORY, .system_error = EIO };
	struct store_sqlite_options options = { .vfs = "noshm" };
	struct store_writer w;
	assert_int_not_equal(store_sqlite_open(sqlite_of(f)->path, &options, &w, &f->err), 0);
	vfs_fault_remove("noshm");
}

/* ---- crashes and the lock ---- */

/* Runs `run` in a process of its own, which ends without closing the store. */
static void in_child(struct store_fixture *f, void (*run)(struct store_fixture *f), int wanted_signal)
{
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		run(f);
		_exit(0);
	}
	int status = 0;
	assert_int_equal(waitpid(child, &status, 0), child);
	if (wanted_signal != 0)
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == wanted_signal);
	else
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void write_and_die(struct store_fixture *f)
{
	fixture_reopen(f);
	fixture_put_many(&f->l, 10);
	fixture_begin(&f->l);
	struct sample_saga s = { .unrouted = true };
	(void)fixture_add(&f->l, &s);
	(void)raise(SIGKILL);
}

static void a_killed_process_loses_only_what_was_not_committed(void **state)
{
	struct store_fixture *f = *state;
	fixture_close(f);
	in_child(f, write_and_die, SIGKILL);
	assert_true(sqlite_factory_size(sqlite_of(f), "-wal") > 0);
	fixture_reopen(f); /* the kernel released the lock when its holder ended */
	assert_int_equal(f->l.saga, 10);
	assert_int_equal(f->l.chain.commit, 1);
	assert_int_equal(sqlite_factory_size(sqlite_of(f), "-wal"), 0); /* opening truncates it */
}

static void lock_file_names_holder_and_empties(void **state)
{
	struct store_fixture *f = *state;
	char *name AUTO_FREE = mem_printf("%s.lock", sqlite_of(f)->path);
	char text[200] = "";
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_true(read(fd, text, sizeof text - 1) > 0);
	char *mine AUTO_FREE = mem_printf("pid %ld on ", (long)getpid());
	assert_memory_equal(text, mine, strlen(mine));
	assert_non_null(strstr(text, " since 20"));
	struct store_writer w;
	assert_int_equal(store_sqlite_open(sqlite_of(f)->path, NULL, &w, &f->err), ERR_BUSY);
	assert_non_null(strstr(f->err.text, mine));
	fixture_close(f);
	assert_int_equal(sqlite_factory_size(sqlite_of(f), ".lock"), 0);
	assert_int_equal(close(fd), 0);
}

static void a_reader_of_a_standing_file_keeps_the_daemon_out(void **state)
{
	struct store_fixture *f = *state;
	fixture_close(f);
	struct store_lock shared = { -1 };
	struct store_lock second = { -1 };
	must(store_lock_share(sqlite_of(f)->path, &shared, &f->err), &f->err);
	must(store_lock_share(sqlite_of(f)->path, &second, &f->err), &f->err);
	struct store_writer w;
	assert_int_equal(store_sqlite_open(sqlite_of(f)->path, NULL, &w, &f->err), ERR_BUSY);
	assert_non_null(strstr(f->err.text, "is being read"));
	store_lock_release(&shared);
	store_lock_release(&second);
	fixture_reopen(f);
	assert_int_equal(store_lock_share(sqlite_of(f)->path, &shared, &f->err), ERR_BUSY);
}

/* A store of which no daemon ever ran has no lock file: nothing is locked, and nothing may be released. */
static void without_a_lock_file_nothing_is_locked(void **state)
{
	struct store_fixture *f = *state;
	fixture_close(f);
	char *name AUTO_FREE = mem_printf("%s.lock", sqlite_of(f)->path);
	assert_int_equal(unlink(name), 0);
	struct store_lock shared = { .fd = 1000 };
	must(store_lock_share(sqlite_of(f)->path, &shared, &f->err), &f->err);
	assert_int_equal(shared.fd, -1);
	fixture_reopen(f);
}

static void refused_as(struct store_fixture *f, const char *name, int code, const char *why)
{
	struct store_writer w;
	assert_int_equal(store_sqlite_open(name, NULL, &w, &f->err), code);
	assert_non_null(strstr(f->err.text, why));
	assert_int_equal(unlink(name), 0);
}

/* One store has one writer, whatever name it is opened under. */
static void other_names_have_the_same_lock(void **state)
{
	struct store_fixture *f = *state;
	const char *path = sqlite_of(f)->path;
	char *name AUTO_FREE = mem_printf("%s.name", path);
	assert_int_equal(symlink(path, name), 0);
	refused_as(f, name, ERR_BUSY, "is in use by pid");
	assert_int_equal(symlink("nowhere", name), 0);
	refused_as(f, name, ERR_SYSTEM, "symbolic link to a file that does not exist");
	assert_int_equal(link(path, name), 0);
	refused_as(f, name, ERR_SYSTEM, "hard links");
	fixture_close(f);
	assert_int_equal(symlink(path, name), 0);
	struct store_writer w, w2;
	must(store_sqlite_open(name, NULL, &w, &f->err), &f->err);
	assert_int_equal(store_sqlite_open(path, NULL, &w2, &f->err), ERR_BUSY);
	w.close(w.ctx);
	assert_int_equal(unlink(name), 0);
}

/* ---- readers without the right to write ---- */

static void drop_privileges(struct store_fixture *f)
{
	if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
		_exit(3);
	(void)f;
}

static void read_standing(struct store_fixture *f)
{
	drop_privileges(f);
	struct store_reader r;
	struct saga *saga = NULL;
	if (store_sqlite_open_reader(sqlite_of(f)->path, NULL, &r, &f->err) != 0 ||
		r.saga_get(r.ctx, 3, &saga, &f->err) != 0) {
		print_error("%s\n", f->err.text);
		_exit(1);
	}
	saga_destroy(saga);
	r.close(r.ctx);
}

static void read_unsettled(struct store_fixture *f)
{
	drop_privileges(f);
	struct store_reader r;
	int rc = store_sqlite_open_reader(sqlite_of(f)->path, NULL, &r, &f->err);
	if (rc != ERR_SYSTEM || strstr(f->err.text, "write-ahead log") == NULL) {
		print_error("%d %s\n", rc, f->err.text);
		_exit(1);
	}
}

static void set_modes(struct store_fixture *f, mode_t folder, mode_t file)
{
	assert_int_equal(chmod(sqlite_of(f)->folder, folder), 0);
	assert_int_equal(chmod(sqlite_of(f)->path, file), 0);
	char *lock AUTO_FREE = mem_printf("%s.lock", sqlite_of(f)->path);
	assert_int_equal(chmod(lock, file), 0);
}

static void a_folder_that_cannot_be_written_can_be_read(void **state)
{
	struct store_fixture *f = *state;
	fixture_put_many(&f->l, 5);
	fixture_close(f);
	set_modes(f, 0555, 0444);
	in_child(f, read_standing, 0);
	set_modes(f, 0755, 0644);
	assert_int_equal(sqlite_factory_size(sqlite_of(f), "-wal"), -1);
}

/* A store with a write-ahead log must not be read as immutable: the commits in the log would be missing. */
static void an_unsettled_file_is_not_read_as_if_it_were_whole(void **state)
{
	struct store_fixture *f = *state;
	fixture_close(f);
	in_child(f, write_and_die, SIGKILL);
	char *shm AUTO_FREE = mem_printf("%s-shm", sqlite_of(f)->path);
	assert_int_equal(unlink(shm), 0);
	set_modes(f, 0555, 0444);
	in_child(f, read_unsettled, 0);
	set_modes(f, 0755, 0644);
}

/* ---- files of other programs ---- */

static void another_programs_database_is_left_alone(void **state)
{
	struct store_fixture *f = *state;
	fixture_close(f);
	f->factory->fresh(f->factory->ctx);
	char *path = sqlite_of(f)->path;
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	assert_true(fd >= 0 && close(fd) == 0);
	sqlite_factory_sql(sqlite_of(f), "CREATE TABLE recipes (name TEXT); PRAGMA user_version = 1");
	struct store_writer w;
	struct store_reader r;
	assert_int_equal(store_sqlite_open(path, NULL, &w, &f->err), ERR_CORRUPT);
	assert_non_null(strstr(f->err.text, "not an almoner store"));
	assert_int_equal(store_sqlite_open_reader(path, NULL, &r, &f->err), ERR_CORRUPT);
	sqlite_factory_sql(sqlite_of(f), "CREATE TEMP TABLE still (mode CHECK (mode = 'delete')); "
									 "INSERT INTO still SELECT journal_mode FROM pragma_journal_mode");
}

static void what_is_no_database_is_refused(void **state)
{
	struct store_fixture *f = *state;
	fixture_close(f);
	f->factory->fresh(f->factory->ctx);
	int fd = open(sqlite_of(f)->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	char text[4096];
	memset(text, 'a', sizeof text);
	assert_int_equal(write(fd, text, sizeof text), sizeof text);
	assert_int_equal(close(fd), 0);
	struct store_writer w;
	assert_int_equal(store_sqlite_open(sqlite_of(f)->path, NULL, &w, &f->err), ERR_CORRUPT);
	assert_non_null(strstr(f->err.text, sqlite_of(f)->path));
}

static void a_folder_that_is_not_there_is_named(void **state)
{
	struct store_fixture *f = *state;
	struct store_writer w;
	assert_int_equal(store_sqlite_open("/nonexistent/deep/almoner.db", NULL, &w, &f->err), ERR_SYSTEM);
	assert_non_null(strstr(f->err.text, "/nonexistent/deep/almoner.db.lock"));
}

/* ---- speed and bounds ---- */

static void check_plan(sqlite3 *db, const struct db_statement *statement)
{
	static const char
		*const whole[] = { "cannot read the targets",
						   "cannot look for old keys",
						   "cannot read the log",
						   "cannot read the chain",
						   "cannot read sagas",
						   "cannot list sagas",
						   "cannot read waiting steps",
						   "cannot read the last saga",
						   "cannot read the last related event",
						   "cannot read the end of the log",
						   "cannot look for related events without a gift",
						   "cannot read the newest keys",
						   "cannot look a key up among all keys",
						   "cannot search the newest rows" /* at most KEY_NEW_ROWS_MAX rows */ };
	char *sql AUTO_FREE = mem_printf("EXPLAIN QUERY PLAN %s", statement->sql);
	bool may_scan = false;
	for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
		may_scan = may_scan || strcmp(statement->what, whole[i]) == 0;
	sqlite3_stmt *st = NULL;
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
	while (sqlite3_step(st) == SQLITE_ROW) {
		const char *line = (const char *)sqlite3_column_text(st, 3);
		bool sorts = strstr(line, "TEMP B-TREE") != NULL;
		bool scans = strncmp(line, "SCAN", 4) == 0 && !may_scan;
		if (sorts || scans)
			print_error("%s: %s\n", statement->sql, line);
		assert_false(sorts || scans);
	}
	assert_int_equal(sqlite3_finalize(st), SQLITE_OK);
}

/* The time of a query that scans a table or sorts grows with the backlog. */
static void no_statement_sorts_or_scans(void **state)
{
	struct store_fixture *f = *state;
	fixture_close(f);
	sqlite3 *db = NULL;
	assert_int_equal(sqlite3_open_v2(sqlite_of(f)->path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	for (size_t i = 0; i < W_COUNT; i++)
		check_plan(db, &write_statements[i]);
	for (size_t i = 0; i < R_COUNT; i++)
		check_plan(db, &read_statements[i]);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void memory_does_not_grow_with_the_backlog(void **state)
{
	struct store_fixture *f = *state;
	must(f->l.w.begin(f->l.w.ctx, &f->err), &f->err);
	for (int64_t i = 1; i <= 100000; i++) {
		struct step_row row = {
			.saga = i, .target = 1, .why = WHY_SLOT, .due_ms = T0 + i, .lane = { (uint8_t)i, 1 }
		};
		row.has_lane = true;
		must(f->l.w.row_put(f->l.w.ctx, &row, &f->err), &f->err);
	}
	must(f->l.w.commit(f->l.w.ctx, &f->err), &f->err);
	must(f->l.w.checkpoint(f->l.w.ctx, &f->err), &f->err);
	struct store_reader r = fixture_reader(f);
	const int64_t edges[] = { 0 };
	int64_t counts[1];
	must(r.backlog(r.ctx, 1, T0 * 2, edges, counts, 1, &f->err), &f->err);
	assert_int_equal(counts[0], 100000);
	assert_true(sqlite3_memory_highwater(0) < 16 << 20); /* 8 MiB of pages, 2 for the reader, and change */
	r.close(r.ctx);
}

static const char *number_text(int64_t i)
{
	static char text[24];
	snprintf(text, sizeof text, "%lld", (long long)i);
	return text;
}

/* New keys are in memory until they are moved to the sorted table; without the move memory would grow for
 * ever. */
static void new_keys_do_not_stay_in_memory(void **state)
{
	struct store_fixture *f = *state;
	must(f->l.w.begin(f->l.w.ctx, &f->err), &f->err);
	for (int64_t i = 1; i <= 150000; i++) {
		uint8_t key[STORE_KEY_BYTES];
		int64_t owner = 0;
		store_event_key("keys", number_text(i), key);
		must(f->l.w.key_claim(f->l.w.ctx, key, i, 1, &owner, &f->err), &f->err);
	}
	must(f->l.w.commit(f->l.w.ctx, &f->err), &f->err);
	sqlite_factory_sql(
		sqlite_of(f),
		"CREATE TEMP TABLE few (n CHECK (n <= 66000)); "
		"INSERT INTO few SELECT count(*) FROM key_new; CREATE TEMP TABLE all_ (n CHECK (n = 150000)); "
		"INSERT INTO all_ SELECT count(*) FROM (SELECT digest FROM key UNION SELECT digest FROM "
		"key_new)");
}

/* A crash between two slices of a move leaves keys in both tables; a key that gets another owner then gets it
 * in both, and the second move keeps it. */
static void a_key_in_both_tables_is_transferred_in_both(void **state)
{
	enum { CLAIMED = 45000, BATCH = 1000 };
	struct store_fixture *f = *state;
	uint8_t key[STORE_KEY_BYTES];
	for (int64_t i = 1; i <= CLAIMED; i++) {
		int64_t owner = 0;
		if (i % BATCH == 1)
			must(f->l.w.begin(f->l.w.ctx, &f->err), &f->err);
		store_event_key("keys", number_text(i), key);
		must(f->l.w.key_claim(f->l.w.ctx, key, i, 1, &owner, &f->err), &f->err);
		if (i % BATCH == 0)
			must(f->l.w.commit(f->l.w.ctx, &f->err), &f->err);
	}
	fixture_reopen(f); /* in the middle of the move */
	must(f->l.w.begin(f->l.w.ctx, &f->err), &f->err);
	for (int64_t i = 1; i <= CLAIMED; i += 7) {
		store_event_key("keys", number_text(i), key);
		must(f->l.w.key_transfer(f->l.w.ctx, key, i, -i, &f->err), &f->err);
	}
	must(f->l.w.commit(f->l.w.ctx, &f->err), &f->err);
	sqlite_factory_sql(
		sqlite_of(f),
		"CREATE TEMP TABLE both (n CHECK (n > 1000)); CREATE TEMP TABLE differ (n CHECK (n = 0)); "
		"INSERT INTO both SELECT count(*) FROM key JOIN key_new USING (digest) WHERE key.owner < 0; "
		"INSERT INTO differ SELECT count(*) FROM key JOIN key_new USING (digest) "
		"WHERE key.owner <> key_new.owner");
}

static void a_query_ends_at_its_deadline(void **state)
{
	struct store_fixture *f = *state;
	struct db db;
	must(db_open(&db, sqlite_of(f)->path, sqlite_of(f)->path, SQLITE_OPEN_READONLY, NULL, &f->err), &f->err);
	db_enforce_deadline(&db);
	db.deadline_ms = clock_monotonic_ms() + 20;
	int64_t count = 0;
	int rc =
		db_int(&db, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
			   &count, &f->err);
	assert_int_equal(rc, ERR_BUSY);
	assert_non_null(strstr(f->err.text, "took too long"));
	db.deadline_ms = INT64_MAX;
	must(db_int(&db, "SELECT count(*) FROM saga", &count, &f->err), &f->err);
	db_close(&db);
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
		TEST(every_commit_is_synced),
		TEST(file_is_made_as_we_want_it),
		TEST(no_write_ahead_log_is_an_error),
		TEST(a_killed_process_loses_only_what_was_not_committed),
		TEST(lock_file_names_holder_and_empties),
		TEST(a_reader_of_a_standing_file_keeps_the_daemon_out),
		TEST(without_a_lock_file_nothing_is_locked),
		TEST(other_names_have_the_same_lock),
		TEST(a_folder_that_cannot_be_written_can_be_read),
		TEST(an_unsettled_file_is_not_read_as_if_it_were_whole),
		TEST(another_programs_database_is_left_alone),
		TEST(what_is_no_database_is_refused),
		TEST(a_folder_that_is_not_there_is_named),
		TEST(no_statement_sorts_or_scans),
		TEST(memory_does_not_grow_with_the_backlog),
		TEST(new_keys_do_not_stay_in_memory),
		TEST(a_key_in_both_tables_is_transferred_in_both),
		TEST(a_query_ends_at_its_deadline),
	};
	int failed = cmocka_run_group_tests_name("sqlite store", tests, NULL, NULL);
	sqlite_factory_finish(&sqlite);
	return failed;
}
