/* Opening and closing the writing connection, checkpoints, and the state of the files on disk. */
#include "saga/store/store_sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "saga/base/mem.h"
#include "saga/store/sqlite/files.h"
#include "saga/store/sqlite/migrate.h"
#include "saga/store/sqlite/schema.h"
#include "saga/store/sqlite/upgrade/upgrade.h"
#include "saga/store/sqlite/write.h"

/* SQLite reuses the write-ahead log from its start only at a moment without readers. If the log has grown
 * to this length (256 MiB) although its pages are copied, overlapping readers prevented that: a checkpoint
 * then waits once for the readers, whose transactions last up to 250 ms, and again only after another 64
 * MiB. Chosen; no measurement. */
#define WAL_RESTART_PAGES       65536
#define WAL_RESTART_EVERY_PAGES 16384
#define WAL_RESTART_WAIT_MS     300
/* wal_truncate leaves a log of up to this size alone: it would return too little disk space. */
#define WAL_KEPT_BYTES 1048576

/* Creates the file readable by owner and group only, because it will hold donors' data; SQLite creates its
 * other files with the same mode. An existing file is not opened here: closing this descriptor would drop
 * SQLite locks. */
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

/* secure_delete FAST overwrites a deleted payload with zeros when that writes no additional page. */
static const char settings[] =
	"PRAGMA synchronous = FULL; PRAGMA foreign_keys = OFF; PRAGMA cache_size = -8192; "
	"PRAGMA temp_store = MEMORY; PRAGMA mmap_size = 0; PRAGMA secure_delete = FAST; "
	"PRAGMA locking_mode = NORMAL; PRAGMA journal_size_limit = -1; "
	"PRAGMA trusted_schema = OFF; PRAGMA wal_autocheckpoint = 0";

/* The settings that durability depends on are read back, because a build of SQLite may silently ignore a
 * pragma. */
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
			return err_set(
				err, ERR_SYSTEM,
				"store %s: %s is %lld, expected %lld: the store would not be durable on this file system",
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

/* SQLite calls this hook after each commit with the length of the write-ahead log. */
static int count_frames(void *ctx, sqlite3 *handle, const char *schema, int frames)
{
	(void)handle;
	(void)schema;
	struct sqlite_writer *w = ctx;
	if (frames < w->frames)
		w->checkpointed = 0; /* SQLite writes the write-ahead log from its start again */
	w->frames = frames;
	return SQLITE_OK;
}

static int run_checkpoint(struct sqlite_writer *w, int mode, struct err *err)
{
	int frames = 0;
	int copied = 0;
	int rc = sqlite3_wal_checkpoint_v2(w->db.handle, "main", mode, &frames, &copied);
	if (rc != SQLITE_OK &&
		(rc & 0xff) != SQLITE_BUSY) /* a busy checkpoint is no error: readers need the rest of the pages */
		return db_error(&w->db, rc, "cannot checkpoint the write-ahead log", err);
	if (frames >= 0 && copied >= 0) {
		w->frames = frames;
		w->checkpointed = copied;
	}
	return 0;
}

/* Waits for readers, so that the next commit can write the log from its start: see WAL_RESTART_PAGES. */
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

/* After a crash or a failed sync, pages of the write-ahead log may exist in the page cache only. They are
 * copied to the main file and synced before anything new is written. */
static int recover_wal(struct sqlite_writer *w, struct err *err)
{
	int rc = run_checkpoint(w, SQLITE_CHECKPOINT_TRUNCATE, err);
	if (rc != 0)
		return rc;
	if (w->frames != w->checkpointed)
		return err_set(err, ERR_BUSY,
					   "store %s: a reader prevents the recovery of the write-ahead log; end the reader "
					   "(almoner verify, "
					   "backup or export) and start again",
					   w->db.path);
	rc = files_sync(&w->db, err);
	return rc == 0 ? files_sync_folder(w->db.path, err) : rc;
}

/* Each page that is only in the log may extend the main file by one page at the next checkpoint. */
static int64_t writer_free_bytes(void *ctx)
{
	const struct sqlite_writer *w = ctx;
	struct statvfs fs;
	if (statvfs(w->db.path, &fs) != 0)
		return -1;
	int64_t left = (int64_t)(fs.f_bavail * fs.f_frsize) - writer_wal_pages(ctx) * STORE_PAGE_BYTES;
	return left > 0 ? left : 0;
}

/* Compares by name with stat, because opening and closing the file would drop SQLite's locks. The first call
 * records the identity. A file that never existed counts as unchanged. */
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
	db_close(
		/* closing rolls an open transaction back; SQLite then tries a checkpoint if no reader is left */
		&w->db);
	store_lock_release(&w->lock);
	buf_free(&w->value);
	keys_finish(w);
	free(w);
}

/* The order matters: the file must be known as a store before settings change it, and recovered before the
 * first statement builds on its pages. *ret_version is the schema number, which the caller looks at. */
static int open_file(struct sqlite_writer *w, const char *path, const char *vfs, int64_t *ret_version,
					 struct err *err)
{
	int rc = db_open(&w->db, path, path, SQLITE_OPEN_READWRITE, vfs, err);
	if (rc == 0)
		rc = migrate_recognise(&w->db, ret_version, err);
	if (rc == 0 && *ret_version > 0 && *ret_version < SCHEMA_VERSION)
		rc = upgrade_check(path, err);
	if (rc == 0)
		rc = configure(&w->db, err);
	if (rc == 0)
		rc = migrate_in_place(&w->db, ret_version, err);
	return rc == 0 ? recover_wal(w, err) : rc;
}

/* A store of an older schema is closed again, upgraded and opened a second time. */
static int open_upgraded(struct sqlite_writer *w, const char *path,
						 const struct store_sqlite_options *options, struct err *err)
{
	const char *vfs = options != NULL ? options->vfs : NULL;
	int64_t version = 0;
	int rc = open_file(w, path, vfs, &version, err);
	if (rc != 0 || version == SCHEMA_VERSION)
		return rc;
	db_close(&w->db);
	rc = upgrade_run(path, options, err);
	return rc == 0 ? open_file(w, path, vfs, &version, err) : rc;
}

static int open_locked(struct sqlite_writer *w, const char *path, const struct store_sqlite_options *options,
					   struct err *err)
{
	int rc = upgrade_clean(path, err);
	if (rc == 0)
		rc = create_private(path, err);
	if (rc == 0)
		rc = open_upgraded(w, path, options, err);
	if (rc == 0)
		rc = db_prepare(&w->db, write_statements, W_COUNT, err);
	if (rc == 0)
		rc = key_new_load(w, err);
	if (rc == 0)
		/* sqlite3_wal_hook returns the previous hook; there was none */
		(void)sqlite3_wal_hook(w->db.handle, count_frames, w);
	if (rc == 0)
		(void)writer_files_unchanged(w); /* the call records device and inode of the files */
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
	rc = open_locked(w, path, options, err);
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
