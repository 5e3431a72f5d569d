/* Opening and closing the writing connection, and checkpoints. */
#include "saga/store/store_sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "saga/base/mem.h"
#include "saga/store/sqlite/migrate.h"
#include "saga/store/sqlite/write.h"

/* A write-ahead log as long as this (256 MiB), though copied, has not begun again because there always was a
 * reader: wait for them a moment, whose slices take up to 250 ms, and not again for another 64 MiB. */
#define WAL_RESTART_PAGES       65536
#define WAL_RESTART_EVERY_PAGES 16384
#define WAL_RESTART_WAIT_MS     300
/* A log that is not longer than this is not worth giving back. */
#define WAL_KEPT_BYTES 1048576

/* SQLite creates the other files with the mode of this one: donors' data is not for everybody's eyes. Only
 * when it does not exist yet can nobody hold a lock on it that closing would drop. */
static int create_private(const char *path, struct err *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	if (fd < 0 && errno == EEXIST)
		return 0;
	if (fd < 0)
		return err_set(err, ERR_SYSTEM, "creating store %s: %s", path, strerror(errno));
	if (close(fd) != 0)
		return err_set(err, ERR_IO, "creating store %s: %s", path, strerror(errno));
	return 0;
}

/* ---- settings ---- */

/* secure_delete FAST: a forgotten payload is overwritten wherever that costs no extra page. */
static const char settings[] =
	"PRAGMA synchronous = FULL; PRAGMA foreign_keys = OFF; PRAGMA cache_size = -8192; "
	"PRAGMA temp_store = MEMORY; PRAGMA mmap_size = 0; PRAGMA secure_delete = FAST; "
	"PRAGMA locking_mode = NORMAL; PRAGMA journal_size_limit = -1; "
	"PRAGMA trusted_schema = OFF; PRAGMA wal_autocheckpoint = 0";

/* What durability stands on is read back: a build of SQLite may ignore a pragma without a word. */
static const struct expected_setting {
	const char *sql;
	int64_t value;
} expectations[] = {
	{ "PRAGMA synchronous", 2 }, /* FULL */
	{ "PRAGMA wal_autocheckpoint", 0 },
	{ "PRAGMA foreign_keys", 0 },
	{ "SELECT count(*) FROM pragma_journal_mode WHERE journal_mode = 'wal'", 1 },
};

static int assert_settings(struct db *db, struct err *err)
{
	for (size_t i = 0; i < sizeof expectations / sizeof *expectations; i++) {
		int64_t value = 0;
		int rc = db_int(db, expectations[i].sql, &value, err);
		if (rc != 0)
			return rc;
		if (value != expectations[i].value)
			return err_set(err, ERR_SYSTEM, "store %s: %s is %lld, not %lld: not durable on this file system",
						   db->path, expectations[i].sql, (long long)value, (long long)expectations[i].value);
	}
	return 0;
}

static int configure(struct db *db, struct err *err)
{
	int rc = db_exec(db, "opening", "PRAGMA page_size = 4096; PRAGMA journal_mode = WAL", err);
	if (rc == 0)
		rc = db_exec(db, "opening", settings, err);
	return rc == 0 ? assert_settings(db, err) : rc;
}

/* ---- checkpoints and syncing ---- */

static int count_frames(void *ctx, sqlite3 *handle, const char *schema, int frames)
{
	(void)handle;
	(void)schema;
	struct sqlite_writer *w = ctx;
	if (frames < w->frames)
		w->checkpointed = 0; /* the log has begun again from its start */
	w->frames = frames;
	return SQLITE_OK;
}

static int run_checkpoint(struct sqlite_writer *w, int mode, struct err *err)
{
	int frames = 0;
	int copied = 0;
	int rc = sqlite3_wal_checkpoint_v2(w->db.handle, "main", mode, &frames, &copied);
	if (rc != SQLITE_OK &&
		(rc & 0xff) != SQLITE_BUSY) /* busy: a reader held it up; copied as far as could be */
		return db_error(&w->db, rc, "checkpointing", err);
	if (frames >= 0 && copied >= 0) {
		w->frames = frames;
		w->checkpointed = copied;
	}
	return 0;
}

/* Overlapping readers can keep the log from beginning again for as long as they overlap. */
static int restart_wal(struct sqlite_writer *w, struct err *err)
{
	w->restart_at = w->frames + WAL_RESTART_EVERY_PAGES;
	(void)sqlite3_busy_timeout(w->db.handle, WAL_RESTART_WAIT_MS);
	int rc = run_checkpoint(w, SQLITE_CHECKPOINT_RESTART, err);
	(void)sqlite3_busy_timeout(w->db.handle, DB_BUSY_MS);
	return rc;
}

/* A passive checkpoint copies every page that no reader needs and waits for no reader. Only a very long log
 * makes this function wait for readers, see WAL_RESTART_PAGES. */
static int writer_checkpoint(void *ctx, struct err *err)
{
	struct sqlite_writer *w = ctx;
	int rc = run_checkpoint(w, SQLITE_CHECKPOINT_PASSIVE, err);
	if (w->frames < WAL_RESTART_PAGES)
		w->restart_at = WAL_RESTART_PAGES;
	return rc == 0 && w->frames >= w->restart_at ? restart_wal(w, err) : rc;
}

static int writer_wal_truncate(void *ctx, struct err *err)
{
	struct sqlite_writer *w = ctx;
	char *log AUTO_FREE = mem_printf("%s-wal", w->db.path);
	struct stat st;
	if (stat(log, &st) != 0 || st.st_size <= WAL_KEPT_BYTES)
		return 0;
	(void)sqlite3_busy_timeout(w->db.handle, 0);
	int rc = run_checkpoint(w, SQLITE_CHECKPOINT_TRUNCATE, err);
	(void)sqlite3_busy_timeout(w->db.handle, DB_BUSY_MS);
	return rc;
}

static int64_t writer_wal_pages(void *ctx)
{
	const struct sqlite_writer *w = ctx;
	return w->frames - w->checkpointed;
}

static int sync_directory(const char *path, struct err *err)
{
	const char *slash = strrchr(path, '/');
	char *folder AUTO_FREE = slash == NULL ? mem_strdup(".") : mem_strndup(path, (size_t)(slash - path) + 1);
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = fd < 0 ? -1 : fsync(fd);
	int saved_errno = errno;
	if (fd >= 0)
		(void)close(fd); /* nothing was written through it */
	return rc == 0 ? 0 : err_set(err, ERR_IO, "syncing folder %s: %s", folder, strerror(saved_errno));
}

/* What a crash or a failed sync left may be in the page cache only: it is copied to the main file and synced
 * before anything is built on it. Through SQLite's own descriptor: closing another would drop its locks. */
static int recover_wal(struct sqlite_writer *w, struct err *err)
{
	int rc = run_checkpoint(w, SQLITE_CHECKPOINT_TRUNCATE, err);
	if (rc != 0)
		return rc;
	if (w->frames != w->checkpointed)
		return err_set(err, ERR_BUSY,
					   "store %s: a reader keeps the last log from being settled; end it and start "
					   "again",
					   w->db.path);
	sqlite3_file *file = NULL;
	int sqlite_rc = sqlite3_file_control(w->db.handle, "main", SQLITE_FCNTL_FILE_POINTER, &file);
	if (sqlite_rc == SQLITE_OK)
		sqlite_rc = file->pMethods->xSync(file, SQLITE_SYNC_FULL);
	if (sqlite_rc != SQLITE_OK)
		return db_error(&w->db, sqlite_rc, "syncing the file", err);
	return sync_directory(w->db.path, err);
}

/* Pages in the log only may still each ask for a place of their own in the main file. */
static int64_t writer_free_bytes(void *ctx)
{
	const struct sqlite_writer *w = ctx;
	struct statvfs fs;
	if (statvfs(w->db.path, &fs) != 0)
		return -1;
	int64_t left = (int64_t)(fs.f_bavail * fs.f_frsize) - writer_wal_pages(ctx) * STORE_PAGE_BYTES;
	return left > 0 ? left : 0;
}

/* By name, for no descriptor of the files may be opened here: closing it would drop SQLite's locks. */
static bool is_same_file(const char *path, struct file_identity *identity)
{
	struct stat st;
	if (stat(path, &st) != 0)
		return identity->inode == 0;
	if (identity->inode == 0)
		*identity = (struct file_identity){ st.st_dev, st.st_ino };
	return identity->device == st.st_dev && identity->inode == st.st_ino;
}

static bool writer_files_unchanged(void *ctx)
{
	struct sqlite_writer *w = ctx;
	char *wal AUTO_FREE = mem_printf("%s-wal", w->db.path);
	return is_same_file(w->db.path, &w->main_file) && is_same_file(wal, &w->wal_file);
}

/* ---- life ---- */

static void writer_close(void *ctx)
{
	struct sqlite_writer *w = ctx;
	db_close(&w->db); /* an open transaction is rolled back; the last one out checkpoints, best effort */
	store_lock_release(&w->lock);
	buf_free(&w->value);
	keys_finish(w);
	free(w);
}

static int open_locked(struct sqlite_writer *w, const char *path, const char *vfs, struct err *err)
{
	int rc = create_private(path, err);
	if (rc == 0)
		rc = db_open(&w->db, path, path, SQLITE_OPEN_READWRITE, vfs, err);
	if (rc == 0)
		rc = migrate_recognise(&w->db, err); /* before anything of somebody else's file is changed */
	if (rc == 0)
		rc = configure(&w->db, err);
	if (rc == 0)
		rc = migrate(&w->db, err);
	if (rc == 0)
		rc = recover_wal(w, err);
	if (rc == 0)
		rc = db_prepare(&w->db, write_statements, W_COUNT, err);
	if (rc == 0)
		rc = keys_load(w, err);
	if (rc == 0)
		(void)sqlite3_wal_hook(w->db.handle, count_frames, w); /* returns the hook before, none */
	if (rc == 0)
		(void)writer_files_unchanged(w); /* sees them for the first time */
	return rc;
}

int store_sqlite_open(const char *path, const struct store_sqlite_options *options, struct store_writer *ret,
					  struct err *err)
{
	struct sqlite_writer *w = mem_zalloc(sizeof *w);
	store_recent_init(&w->keys.recent);
	int rc = store_lock_take(path, &w->lock, err);
	if (rc != 0) {
		keys_finish(w);
		free(w);
		return rc;
	}
	rc = open_locked(w, path, options != NULL ? options->vfs : NULL, err);
	if (rc != 0) {
		writer_close(w);
		return rc;
	}
	*ret = (struct store_writer){
		.ctx = w,
		.checkpoint = writer_checkpoint,
		.wal_truncate = writer_wal_truncate,
		.wal_pages = writer_wal_pages,
		.free_bytes = writer_free_bytes,
		.files_unchanged = writer_files_unchanged,
		.close = writer_close,
	};
	write_ops(ret);
	keys_ops(ret);
	head_ops(ret);
	rows_ops(ret);
	related_ops(ret);
	jobs_ops(ret);
	rejected_ops(ret);
	return 0;
}
