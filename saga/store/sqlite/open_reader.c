/* Opening and closing a read-only connection. */
#include "saga/store/store_sqlite.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "saga/base/mem.h"
#include "saga/store/sqlite/files.h"
#include "saga/store/sqlite/migrate.h"
#include "saga/store/sqlite/read.h"

static void reader_close(void *ctx)
{
	struct sqlite_reader *r = ctx;
	db_close(&r->db);
	saga_rows_free(&r->listed);
	store_lock_release(&r->lock);
	free(r);
}

/* On error nothing stays open. */
static int reader_begin(struct sqlite_reader *r, const char *path, const char *name, int flags,
						const char *vfs, struct err *err)
{
	int rc = db_open(&r->db, path, name, SQLITE_OPEN_READONLY | flags, vfs, err);
	if (rc != 0)
		return rc;
	/* Only the writer may run checkpoints: before SQLite 3.51.3 two at once can corrupt the file
	 * (saga/store/README.md "Hazards of SQLite"). */
	int sqlite_rc = sqlite3_db_config(r->db.handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	rc = sqlite_rc == SQLITE_OK ? 0 : db_error(&r->db, sqlite_rc, "cannot open the store to read it", err);
	if (rc == 0)
		rc = db_exec(&r->db, "cannot open the store to read it",
					 "PRAGMA query_only = ON; PRAGMA cache_size = -2048; PRAGMA temp_store = MEMORY; "
					 "PRAGMA mmap_size = 0; PRAGMA trusted_schema = OFF; PRAGMA wal_autocheckpoint = 0",
					 err);
	if (rc == 0)
		rc = migrate_check(&r->db, err);
	if (rc == 0)
		rc = db_prepare(&r->db, read_statements, R_COUNT, err);
	if (rc == 0)
		db_enforce_deadline(&r->db);
	else
		db_close(&r->db);
	return rc;
}

/* For a folder without write permission, where SQLite cannot create its shared memory file. The store can
 * be read as an immutable file if nothing changes it: no daemon runs (the shared lock keeps daemons out
 * while this reader is open), and the last daemon left no write-ahead log. */
static int open_immutable(struct sqlite_reader *r, const char *path, const char *vfs, struct err *err)
{
	struct err first = err != NULL ? *err : (struct err){ 0 };
	int rc = store_lock_share(path, &r->lock, err);
	if (rc != 0)
		return rc;
	char *log AUTO_FREE = mem_printf("%s-wal", path);
	struct stat st;
	if (stat(log, &st) == 0 && st.st_size > 0)
		return err_set(err, ERR_SYSTEM,
					   "%s; a stopped daemon left commits in the write-ahead log: read the store as a user "
					   "who may write to "
					   "its folder, or start the daemon once",
					   first.text);
	char *uri AUTO_FREE = files_immutable_uri(path);
	return reader_begin(r, path, uri, SQLITE_OPEN_URI, vfs, err);
}

static int reader_open(struct sqlite_reader *r, const char *path, const char *vfs, struct err *err)
{
	struct stat st;
	if (stat(path, &st) != 0)
		return err_set(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_SYSTEM, "store %s: %s", path,
					   strerror(errno));
	int rc = reader_begin(r, path, path, 0, vfs, err);
	return rc == ERR_SYSTEM ? open_immutable(r, path, vfs, err) : rc;
}

int store_sqlite_open_reader(const char *path, const struct store_sqlite_options *options,
							 struct store_reader *ret, struct err *err)
{
	struct sqlite_reader *r = mem_zalloc(sizeof *r);
	r->lock.fd = -1;
	int rc = reader_open(r, path, options != NULL ? options->vfs : NULL, err);
	if (rc != 0) {
		reader_close(r);
		return rc;
	}
	*ret = (struct store_reader){ .ctx = r, .close = reader_close };
	read_ops(ret);
	read_log_ops(ret);
	list_ops(ret);
	key_search_read_ops(ret);
	verify_ops(ret);
	jobs_read_ops(ret);
	rejected_read_ops(ret);
	return 0;
}
