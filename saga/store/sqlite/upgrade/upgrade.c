#include "saga/store/sqlite/upgrade/upgrade.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "saga/base/clock.h"
#include "saga/base/mem.h"
#include "saga/store/lock.h"
#include "saga/store/sqlite/files.h"
#include "saga/store/sqlite/migrate.h"
#include "saga/store/sqlite/schema.h"

/* How often a long copy reports its progress, and after how many instructions of SQLite's virtual machine it
 * looks at the clock: about every 2 ms. */
#define REPORT_EVERY_MS 5000
#define PROGRESS_STEPS  100000

/* The files of one upgrade, beside the file that a symbolic link leads to. */
struct upgrade {
	char *path;  /* the store */
	char *fresh; /* the new store until it takes the name */
	char *kept;  /* the old store afterwards */
	const struct store_sqlite_options *options;
	/* Progress. */
	const char *table;   /* the table that is being filled */
	int64_t reported_ms; /* monotonic clock: time of the last line */
};

static void upgrade_begin(struct upgrade *u, const char *path, const struct store_sqlite_options *options)
{
	*u = (struct upgrade){ .options = options, .reported_ms = clock_monotonic_ms() };
	char *real = realpath(path, NULL);
	u->path = real != NULL ? real : mem_strdup(path);
	u->fresh = mem_printf("%s.migrating", u->path);
	u->kept = mem_printf("%s" STORE_KEPT_SUFFIX, u->path);
}

static void upgrade_end(struct upgrade *u)
{
	free(u->path);
	free(u->fresh);
	free(u->kept);
}
#define AUTO_UPGRADE __attribute__((cleanup(upgrade_end)))

static void PRINTF_LIKE(2, 3) report(const struct upgrade *u, const char *fmt, ...)
{
	if (u->options == NULL || u->options->progress == NULL)
		return;
	char line[PATH_MAX + 256];
	va_list args;
	va_start(args, fmt);
	vsnprintf(line, sizeof line, fmt,
			  args); /* NOLINT(clang-analyzer-valist.Uninitialized): va_start initialized it */
	va_end(args);
	u->options->progress(u->options->progress_ctx, line);
}

static int64_t file_bytes(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 ? st.st_size : 0;
}

static int remove_file(const char *path, const char *suffix, struct err *err)
{
	char *name AUTO_FREE = mem_printf("%s%s", path, suffix);
	if (unlink(name) == 0 || errno == ENOENT)
		return 0;
	return err_set(err, ERR_SYSTEM, "removing %s: %s", name, strerror(errno));
}

/* ---- before ---- */

static bool is_same_file(const char *a, const char *b)
{
	struct stat x, y;
	return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_ino == y.st_ino && x.st_dev == y.st_dev;
}

int upgrade_clean(const char *path, struct err *err)
{
	static const char *const suffixes[] = { "", "-wal", "-journal" };
	struct upgrade AUTO_UPGRADE u;
	upgrade_begin(&u, path, NULL);
	int rc = is_same_file(u.path, u.kept) ? remove_file(u.kept, "", err) : 0;
	for (size_t i = 0; rc == 0 && i < sizeof suffixes / sizeof *suffixes; i++)
		rc = remove_file(u.fresh, suffixes[i], err);
	return rc;
}

/* The new store takes no more room than the old one. */
static int check_space(const struct upgrade *u, struct err *err)
{
	struct statvfs fs;
	if (statvfs(u->path, &fs) != 0)
		return err_set(err, ERR_SYSTEM, "store %s: asking for the free space: %s", u->path, strerror(errno));
	char *wal AUTO_FREE = mem_printf("%s-wal", u->path);
	int64_t needed = file_bytes(u->path) + file_bytes(wal);
	int64_t available = (int64_t)(fs.f_bavail * fs.f_frsize);
	if (available >= needed)
		return 0;
	return err_set(err, ERR_FULL,
				   "store %s is upgraded by copying it, which needs %lld bytes of free space beside it, and "
				   "there are %lld: free space on that disk and start again; nothing was changed",
				   u->path, (long long)needed, (long long)available);
}

int upgrade_check(const char *path, struct err *err)
{
	struct upgrade AUTO_UPGRADE u;
	upgrade_begin(&u, path, NULL);
	struct stat st;
	if (lstat(u.kept, &st) == 0)
		return err_set(err, ERR_REFUSED,
					   "store %s needs an upgrade, which would keep the present file as %s, but that file "
					   "exists already, from an earlier upgrade: move or delete it and start again; nothing "
					   "was changed",
					   u.path, u.kept);
	return check_space(&u, err);
}

/* ---- the copy ---- */

/* An existing file is an error: only this process may have it. */
static int create_fresh(const struct upgrade *u, struct err *err)
{
	struct stat st;
	if (stat(u->path, &st) != 0)
		return err_set(err, ERR_SYSTEM, "store %s: %s", u->path, strerror(errno));
	int fd = open(u->fresh, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_set(err, ERR_SYSTEM, "creating %s: %s", u->fresh, strerror(errno));
	bool same_owner = st.st_uid == geteuid() && st.st_gid == getegid();
	int rc = same_owner ? 0 : fchown(fd, st.st_uid, st.st_gid);
	if (rc == 0)
		rc = fchmod(fd, st.st_mode & 07777);
	if (rc != 0)
		rc = err_set(err, ERR_SYSTEM, "giving %s the owner and mode of %s: %s; start almoner as the owner",
					 u->fresh, u->path, strerror(errno));
	(void)close(fd); /* nothing was written */
	return rc;
}

/* Nothing needs to be undone in a file that nobody reads: no journal, and one sync at the end. */
static const char settings[] =
	"PRAGMA page_size = 4096; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA temp_store = "
	"MEMORY; "
	"PRAGMA locking_mode = EXCLUSIVE; PRAGMA cache_size = -65536; PRAGMA trusted_schema = OFF";

/* Returns 0: SQLite goes on. */
static int report_progress(void *ctx)
{
	struct upgrade *u = ctx;
	int64_t now_ms = clock_monotonic_ms();
	if (now_ms - u->reported_ms < REPORT_EVERY_MS)
		return 0;
	u->reported_ms = now_ms;
	report(u, "table %s; %lld bytes are written, the old store has %lld",
		   u->table != NULL ? u->table : "none", (long long)file_bytes(u->fresh),
		   (long long)file_bytes(u->path));
	return 0;
}

static int attach_old(struct copy *c, const struct upgrade *u, struct err *err)
{
	char *uri AUTO_FREE = files_immutable_uri(u->path);
	struct db_query q = { .db = &c->db, .what = "opening the store to copy it" };
	int rc = sqlite3_prepare_v2(c->db.handle, "ATTACH ?1 AS old", -1, &q.st, NULL);
	if (rc != SQLITE_OK)
		return db_error(&c->db, rc, q.what, err);
	query_text(&q, str_of(uri));
	rc = query_run(&q, err);
	(void)sqlite3_finalize(q.st); /* repeats the code of the step, which was reported */
	return rc;
}

static int fill_tables(struct copy *c, struct upgrade *u, struct err *err)
{
	int rc = db_exec(&c->db, "beginning to copy", "BEGIN EXCLUSIVE", err);
	if (rc == 0)
		rc = schema_create(&c->db, err);
	for (size_t i = 0; rc == 0 && i < SCHEMA_TABLE_COUNT; i++) {
		u->table = schema_tables[i].name;
		rc = schema_tables[i].copy(c, err);
	}
	if (rc == 0)
		rc = schema_stamp(&c->db, SCHEMA_VERSION, err);
	if (rc == 0)
		rc = db_exec(&c->db, "ending to copy", "COMMIT", err);
	return rc;
}

/* Sets the journal mode in the header of the file, so that the first program that opens the file changes nothing.
 * To set the mode is a commit of its own. With synchronous = FULL this commit syncs the whole file. */
static int settle(struct copy *c, struct err *err)
{
	return db_exec(&c->db, "ending to copy",
				   "DETACH old; PRAGMA synchronous = FULL; PRAGMA journal_mode = WAL", err);
}

/* Errors name the store, because what fails is the reading of it or the disk under both. */
static int copy_store(struct upgrade *u, struct err *err)
{
	struct copy c = { 0 };
	int rc = db_open(&c.db, u->path, u->fresh, SQLITE_OPEN_READWRITE | SQLITE_OPEN_URI,
					 u->options != NULL ? u->options->vfs : NULL, err);
	if (rc != 0)
		return rc;
	sqlite3_progress_handler(c.db.handle, PROGRESS_STEPS, report_progress, u);
	rc = db_exec(&c.db, "beginning to copy", settings, err);
	if (rc == 0)
		rc = attach_old(&c, u, err);
	if (rc == 0)
		rc = fill_tables(&c, u, err);
	if (rc == 0)
		rc = settle(&c, err);
	db_close(&c.db);
	return rc;
}

/* ---- the swap ---- */

/* The write-ahead log is empty, but a reader may have the old store open: without these files the new store
 * shares no memory with it. */
static int remove_wal_files(const struct upgrade *u, struct err *err)
{
	int rc = remove_file(u->path, "-wal", err);
	return rc == 0 ? remove_file(u->path, "-shm", err) : rc;
}

static int swap(const struct upgrade *u, struct err *err)
{
	int rc = remove_wal_files(u, err);
	if (rc != 0)
		return rc;
	if (link(u->path, u->kept) != 0)
		return err_set(err, ERR_SYSTEM, "keeping the old store as %s: %s", u->kept, strerror(errno));
	rc = files_sync_folder(u->path, err);
	if (rc == 0 && rename(u->fresh, u->path) != 0)
		rc = err_set(err, ERR_SYSTEM, "renaming %s to %s: %s", u->fresh, u->path, strerror(errno));
	return rc == 0 ? files_sync_folder(u->path, err) : rc;
}

int upgrade_run(const char *path, const struct store_sqlite_options *options, struct err *err)
{
	struct upgrade AUTO_UPGRADE u;
	upgrade_begin(&u, path, options);
	int64_t began_ms = clock_monotonic_ms();
	report(&u, "store %s (%lld bytes) is copied from schema %d to schema %d", u.path,
		   (long long)file_bytes(u.path), MIGRATE_COPIED_VERSION, SCHEMA_VERSION);
	int rc = create_fresh(&u, err);
	if (rc == 0)
		rc = copy_store(&u, err);
	if (rc != 0)
		err_wrap(err, rc, "the upgrade failed and has changed nothing");
	else
		rc = swap(&u, err);
	if (rc != 0 && upgrade_clean(path, NULL) != 0) /* err names the first failure */
		report(&u, "a file of the upgrade stays, which the next start removes");
	if (rc == 0)
		report(&u,
			   "done in %lld ms, the store has %lld bytes; the old store is kept as %s: delete it when "
			   "all is well",
			   (long long)(clock_monotonic_ms() - began_ms), (long long)file_bytes(u.path), u.kept);
	return rc;
}
