#include "tests/unit/store/upgrade_fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "saga/base/mem.h"
#include "saga/store/lock.h"
#include "tests/support/file_calls.h"
#include "tests/unit/store/cmocka_all.h"
#include "tests/unit/store/store_fixture.h"

void upgrade_fixture_read(const char *path, struct buf *ret)
{
	buf_clear(ret);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	char bytes[65536];
	for (ssize_t n; (n = read(fd, bytes, sizeof bytes)) != 0;) {
		assert_true(n > 0);
		buf_add(ret, bytes, (size_t)n);
	}
	assert_int_equal(close(fd), 0);
}

void upgrade_fixture_write(const char *path, struct str bytes)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes.p, bytes.len), bytes.len);
	assert_int_equal(close(fd), 0);
}

char *upgrade_fixture_name(const struct upgrade_fixture *t, const char *suffix)
{
	return mem_printf("%s%s", t->sqlite.path, suffix);
}

static void add_line(void *ctx, const char *line)
{
	buf_printf(ctx, "%s\n", line);
}

static void remove_all(const struct upgrade_fixture *t)
{
	DIR *folder = opendir(t->sqlite.folder);
	assert_non_null(folder);
	for (const struct dirent *entry; (entry = readdir(folder)) != NULL;)
		if (entry->d_name[0] != '.')
			assert_int_equal(unlinkat(dirfd(folder), entry->d_name, 0), 0);
	closedir(folder);
}

void upgrade_fixture_reset(struct upgrade_fixture *t)
{
	remove_all(t);
	upgrade_fixture_write(t->sqlite.path, buf_str(&t->old));
	file_calls_forget();
	buf_clear(&t->reported);
}

int upgrade_fixture_setup(void **state)
{
	struct upgrade_fixture *t = mem_zalloc(sizeof *t);
	sqlite_factory_init(&t->sqlite);
	upgrade_fixture_read(GOLDEN_STORE_4, &t->old);
	t->sqlite.options = (struct store_sqlite_options){ .progress = add_line, .progress_ctx = &t->reported };
	upgrade_fixture_reset(t);
	*state = t;
	return 0;
}

int upgrade_fixture_teardown(void **state)
{
	struct upgrade_fixture *t = *state;
	file_calls_forget();
	remove_all(t);
	sqlite_factory_finish(&t->sqlite);
	buf_free(&t->old);
	buf_free(&t->reported);
	free(t);
	return 0;
}

int upgrade_fixture_open(struct upgrade_fixture *t)
{
	struct store_writer w;
	int rc = store_sqlite_open(t->sqlite.path, &t->sqlite.options, &w, &t->err);
	if (rc == 0)
		w.close(w.ctx);
	return rc;
}

/* ---- what is in a store ---- */

char *upgrade_fixture_value(const char *path, const char *sql)
{
	char *uri AUTO_FREE = mem_printf("file:%s?immutable=1", path);
	sqlite3 *db = NULL;
	sqlite3_stmt *st = NULL;
	assert_int_equal(sqlite3_open_v2(uri, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	const char *text = (const char *)sqlite3_column_text(st, 0);
	char *value = mem_strdup(text != NULL ? text : "NULL");
	assert_int_equal(sqlite3_finalize(st), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	return value;
}

void upgrade_value_is(const char *path, const char *sql, const char *wanted)
{
	char *value AUTO_FREE = upgrade_fixture_value(path, sql);
	if (strcmp(value, wanted) != 0)
		print_error("%s\n", sql);
	assert_string_equal(value, wanted);
}

void upgrade_is_old(struct upgrade_fixture *t, const char *path)
{
	struct buf AUTO_BUF now = { 0 };
	upgrade_fixture_read(path, &now);
	assert_int_equal(now.len, t->old.len);
	assert_memory_equal(now.data, t->old.data, now.len);
}

static void print_finding(void *ctx, const char *line)
{
	(void)ctx;
	print_error("%s\n", line);
}

void upgrade_is_sound(struct upgrade_fixture *t)
{
	struct store_reader r;
	int64_t findings = 0;
	must(store_sqlite_open_reader(t->sqlite.path, NULL, &r, &t->err), &t->err);
	must(r.verify(r.ctx, NULL, print_finding, &findings, &t->err), &t->err);
	r.close(r.ctx);
	assert_int_equal(findings, 0);
}

/* The tables whose rows an upgrade neither adds nor removes. */
static const char *const same_counts[] = { "plan",   "saga", "event", "related", "step",
										   "target", "log",  "job",   "refused", "refused_total" };

void upgrade_is_new(struct upgrade_fixture *t)
{
	char *kept AUTO_FREE = upgrade_fixture_name(t, STORE_KEPT_SUFFIX);
	upgrade_is_old(t, kept);
	upgrade_value_is(t->sqlite.path, "PRAGMA user_version", "5");
	for (size_t i = 0; i < sizeof same_counts / sizeof *same_counts; i++) {
		char *sql AUTO_FREE = mem_printf("SELECT count(*) FROM %s", same_counts[i]);
		char *before AUTO_FREE = upgrade_fixture_value(kept, sql);
		upgrade_value_is(t->sqlite.path, sql, before);
	}
	upgrade_is_sound(t);
}

void upgrade_has_only(struct upgrade_fixture *t, const char *const *names)
{
	DIR *folder = opendir(t->sqlite.folder);
	assert_non_null(folder);
	for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
		bool wanted = entry->d_name[0] == '.';
		for (size_t i = 0; names[i] != NULL; i++)
			wanted = wanted || strcmp(entry->d_name, names[i]) == 0;
		if (!wanted)
			print_error("there is also %s\n", entry->d_name);
		assert_true(wanted);
	}
	closedir(folder);
}

int upgrade_fixture_child(struct upgrade_fixture *t, void (*run)(struct upgrade_fixture *t))
{
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		run(t);
		_exit(0);
	}
	int status = 0;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}
