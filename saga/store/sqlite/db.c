#include "saga/store/sqlite/db.h"

#include <stdlib.h>
#include <string.h>

#include "saga/base/clock.h"
#include "saga/base/mem.h"

/* The number of virtual machine instructions after which SQLite calls the progress handler: about every
 * 0.2 ms. */
#define PROGRESS_STEPS 10000

/* ---- errors ---- */

static const struct error_code {
	int primary; /* SQLite's primary result code */
	int code;
	const char *remedy;
} error_codes[] = {
	{ SQLITE_FULL, ERR_FULL, "; free space on that disk" },
	{ SQLITE_IOERR, ERR_IO, "; look for disk errors in the system log" },
	{ SQLITE_CORRUPT, ERR_CORRUPT,
	  "; keep the file unchanged, run `almoner verify`, restore a backup beside it" },
	{ SQLITE_NOTADB, ERR_CORRUPT, "; check store.url" },
	{ SQLITE_BUSY, ERR_BUSY, "" },
	{ SQLITE_LOCKED, ERR_BUSY, "" },
	{ SQLITE_INTERRUPT, ERR_BUSY, ": the query took too long; use a narrower filter" },
	{ SQLITE_CONSTRAINT, ERR_INVALID, "" },
	{ SQLITE_TOOBIG, ERR_TOO_BIG, "" },
	{ SQLITE_CANTOPEN, ERR_SYSTEM, "; the file and its folder must exist and be accessible" },
	{ SQLITE_READONLY, ERR_SYSTEM, "; the file and its folder must be writable" },
	{ SQLITE_PERM, ERR_SYSTEM, "; check the permissions of the file" },
};

/* After a failed write or sync nothing more may go to the main file, and closing must not run a checkpoint
 * either: a second sync can report success although the first one lost data. The next start recovers from
 * the write-ahead log that stays (saga/store/README.md "Hazards of SQLite"). */
static void keep_wal(struct db *db)
{
	if (db->handle != NULL)
		(void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
}

/* rc may come from a call that did not store its error in the connection (a bind, a file control): then the
 * connection's extended code and message belong to another call and are not used. */
int db_error(struct db *db, int rc, const char *what, struct err *err)
{
	int extended = db->handle != NULL ? sqlite3_extended_errcode(db->handle) : rc;
	if ((extended & 0xff) != (rc & 0xff))
		extended = rc;
	int code = ERR_SYSTEM;
	const char *remedy = "";
	for (size_t i = 0; i < sizeof error_codes / sizeof *error_codes; i++)
		if (error_codes[i].primary == (rc & 0xff)) {
			code = error_codes[i].code;
			remedy = error_codes[i].remedy;
		}
	const char *text = db->handle != NULL && extended == sqlite3_extended_errcode(db->handle)
						   ? sqlite3_errmsg(db->handle)
						   : sqlite3_errstr(rc);
	int system = db->handle != NULL ? sqlite3_system_errno(db->handle) : 0;
	if (code == ERR_IO)
		keep_wal(db);
	bool named = system != 0 && (code == ERR_IO || code == ERR_SYSTEM || code == ERR_FULL);
	return err_set(err, code, "%s: store %s: %s (SQLite %d%s%s)%s", what, db->path, text, extended,
				   named ? ", " : "", named ? strerror(system) : "", remedy);
}

/* ---- the connection ---- */

int db_open(struct db *db, const char *path, const char *name, int flags, const char *vfs, struct err *err)
{
	*db = (struct db){ .path = mem_strdup(path), .deadline_ms = INT64_MAX };
	int rc = sqlite3_open_v2(name, &db->handle, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, vfs);
	if (rc == SQLITE_OK)
		rc = sqlite3_busy_timeout(db->handle, DB_BUSY_MS);
	if (rc == SQLITE_OK)
		return 0;
	rc = db_error(db, rc, "cannot open the store", err);
	db_close(db);
	return rc;
}

int db_prepare(struct db *db, const struct db_statement *table, size_t count, struct err *err)
{
	db->table = table;
	db->count = count;
	db->prepared = mem_zalloc(count * sizeof(sqlite3_stmt *));
	for (size_t i = 0; i < count; i++) {
		int rc = sqlite3_prepare_v3(db->handle, table[i].sql, -1, SQLITE_PREPARE_PERSISTENT, &db->prepared[i],
									NULL);
		if (rc != SQLITE_OK)
			return db_error(db, rc, table[i].what, err);
	}
	return 0;
}

void db_close(struct db *db)
{
	plan_cache_forget(&db->plans);
	for (size_t i = 0; i < db->count && db->prepared != NULL; i++)
		(void)sqlite3_finalize(
			db->prepared
				[i]); /* sqlite3_finalize returns the code of the last step again, which was reported */
	free(db->prepared);
	int rc = sqlite3_close(db->handle);
	assert(rc == SQLITE_OK); /* closing fails only while a statement is not finalized */
	free(db->path);
	*db = (struct db){ 0 };
}

int db_exec(struct db *db, const char *what, const char *sql, struct err *err)
{
	int rc = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
	return rc == SQLITE_OK ? 0 : db_error(db, rc, what, err);
}

int db_int(struct db *db, const char *sql, int64_t *ret, struct err *err)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db->handle, sql, -1, &st, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	int64_t value = rc == SQLITE_ROW ? sqlite3_column_int64(st, 0) : 0;
	int code = rc == SQLITE_ROW ? 0 : db_error(db, rc, sql, err);
	(void)sqlite3_finalize(st); /* sqlite3_finalize returns the code of the step again */
	if (code == 0)
		*ret = value;
	return code;
}

static int past_deadline(void *ctx)
{
	const struct db *db = ctx;
	return db->deadline_ms != INT64_MAX && clock_monotonic_ms() > db->deadline_ms;
}

void db_enforce_deadline(struct db *db)
{
	sqlite3_progress_handler(db->handle, PROGRESS_STEPS, past_deadline, db);
}

int64_t db_changes(struct db *db)
{
	return sqlite3_changes64(db->handle);
}
