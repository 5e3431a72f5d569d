#include "saga/store/sqlite/upgrade/upgrade.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "saga/base/clock.h"
#include "saga/base/mem.h"
#include "saga/store/lock.h"
#include "saga/store/sqlite/files.h"
#include "saga/store/sqlite/schema.h"

/* The files of one upgrade, beside the file that a symbolic link leads to. */
struct upgrade {
	char *path;  /* the store */
	char *fresh; /* the new store until it takes the name */
	char *kept;  /* the old store afterwards */
	const struct store_sqlite_options *options;
};

static void upgrade_begin(struct upgrade *u, const char *path, const struct store_sqlite_options *options)
{
	char *real = realpath(path, NULL);
	u->path = real != NULL ? real : mem_strdup(path);
	u->fresh = mem_printf("%s.migrating", u->path);
	u->kept = mem_printf("%s" STORE_KEPT_SUFFIX, u->path);
	u->options = options;
}

static void upgrade_end(struct upgrade *u)
{
	free(u->path);
	free(u->fresh);
	free(u->kept);
}
#define AUTO_UPGRADE __attribute__((cleanup(upgrade_end)))

static void say(const struct upgrade *u, const char *line)
{
	if (u->options != NULL && u->options->progress != NULL)
		u->options->progress(u->options->progress_ctx, line);
}

static int remove_file(const char *path, struct err *err)
{
	if (unlink(path) == 0 || errno == ENOENT)
		return 0;
	return err_set(err, ERR_SYSTEM, "removing %s: %s", path, strerror(errno));
}

/* ---- before ---- */

int upgrade_clean(const char *path, struct err *err)
{
	struct upgrade AUTO_UPGRADE u;
	upgrade_begin(&u, path, NULL);
	struct stat store, kept;
	bool twice = stat(u.path, &store) == 0 && stat(u.kept, &kept) == 0 && store.st_ino == kept.st_ino &&
				 store.st_dev == kept.st_dev;
	int rc = twice ? remove_file(u.kept, err) : 0;
	return rc == 0 ? remove_file(u.fresh, err) : rc;
}

int upgrade_check(const char *path, struct err *err)
{
	struct upgrade AUTO_UPGRADE u;
	upgrade_begin(&u, path, NULL);
	struct stat st;
	if (stat(u.kept, &st) == 0)
		return err_set(err, ERR_REFUSED,
					   "store %s needs an upgrade, but %s exists already, from an earlier upgrade: move or "
					   "delete that file, then start again",
					   path, u.kept);
	return 0;
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

static int fill_tables(struct copy *c, struct err *err)
{
	int rc = db_exec(&c->db, "beginning to copy", "BEGIN EXCLUSIVE", err);
	if (rc == 0)
		rc = schema_create(&c->db, err);
	for (size_t i = 0; rc == 0 && i < SCHEMA_TABLE_COUNT; i++)
		rc = schema_tables[i].copy(c, err);
	if (rc == 0)
		rc = schema_stamp(&c->db, SCHEMA_VERSION, err);
	if (rc == 0)
		rc = db_exec(&c->db, "ending to copy", "COMMIT", err);
	return rc;
}

/* The header says write-ahead log, so that whoever opens the file first has nothing to change. */
static int settle(struct copy *c, struct err *err)
{
	int rc = db_exec(&c->db, "ending to copy",
					 "DETACH old; PRAGMA synchronous = FULL; PRAGMA journal_mode = WAL", err);
	return rc == 0 ? files_sync(&c->db, err) : rc;
}

static int copy_store(const struct upgrade *u, struct err *err)
{
	struct copy c = { .options = u->options, .said_ms = clock_monotonic_ms() };
	int rc = db_open(&c.db, u->fresh, u->fresh, SQLITE_OPEN_READWRITE | SQLITE_OPEN_URI,
					 u->options != NULL ? u->options->vfs : NULL, err);
	if (rc != 0)
		return rc;
	rc = db_exec(&c.db, "beginning to copy", settings, err);
	if (rc == 0)
		rc = attach_old(&c, u, err);
	if (rc == 0)
		rc = fill_tables(&c, err);
	if (rc == 0)
		rc = settle(&c, err);
	db_close(&c.db);
	return rc;
}

/* ---- the swap ---- */

/* A reader may have the old store open: without these files the new store shares no memory with it. */
static int remove_wal_files(const struct upgrade *u, struct err *err)
{
	char *wal AUTO_FREE = mem_printf("%s-wal", u->path);
	char *shm AUTO_FREE = mem_printf("%s-shm", u->path);
	int rc = remove_file(wal, err);
	return rc == 0 ? remove_file(shm, err) : rc;
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
	char *line AUTO_FREE = mem_printf("store %s is upgraded from schema 4 to %d", u.path, SCHEMA_VERSION);
	say(&u, line);
	int rc = create_fresh(&u, err);
	if (rc == 0)
		rc = copy_store(&u, err);
	if (rc == 0)
		rc = swap(&u, err);
	if (rc != 0) {
		if (upgrade_clean(path, NULL) != 0) /* err says what failed first */
			say(&u, "a file of the upgrade stays, which the next start removes");
		return rc;
	}
	char *done AUTO_FREE =
		mem_printf("the upgrade took %lld ms; the store of before is kept in %s: delete it when all is well",
				   (long long)(clock_monotonic_ms() - began_ms), u.kept);
	say(&u, done);
	return 0;
}
