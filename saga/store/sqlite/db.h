/* One SQLite connection with its prepared statements, and what its error codes mean to us.
 * Internal to saga/store/sqlite. */
#ifndef ALMONER_SAGA_STORE_SQLITE_DB_H
#define ALMONER_SAGA_STORE_SQLITE_DB_H

#include <sqlite3.h>

#include "saga/store/sqlite/plan_cache.h"
#include "saga/store/store.h"

/* One row of a connection's table of statements. `what` begins the text of an error ("cannot add a saga"). */
struct db_statement {
	const char *what;
	const char *sql;
};

/* How long SQLite waits for a lock. Readers hold theirs for at most READ_SLICE_MS (250 ms), so a wait of
 * this length means that something is wrong. Chosen; no measurement. */
#define DB_BUSY_MS 5000

struct db {
	sqlite3 *handle;
	char *path;
	const struct db_statement *table;
	size_t count;
	sqlite3_stmt **prepared;
	struct plan_cache plans;
	int64_t deadline_ms; /* monotonic clock; INT64_MAX: none. Effective after db_enforce_deadline */
};

/* Opens the file and sets the busy timeout. `path` is for messages; `name` is what SQLite gets, a path or
 * a URI. `vfs` may be NULL. On error nothing stays open. */
int db_open(struct db *db, const char *path, const char *name, int flags, const char *vfs,
			struct err *err) MUST_CHECK;
/* Prepares every statement of the table; call it once. `table` must outlive the connection. */
int db_prepare(struct db *db, const struct db_statement *table, size_t count, struct err *err) MUST_CHECK;
/* Finalizes the statements and closes. Accepts a zeroed db. No query may be in use. */
void db_close(struct db *db);

/* Translates an SQLite result code into ERR_*, with a text: what was done, the file, SQLite's message and
 * code, and what an operator can do. */
int db_error(struct db *db, int rc, const char *what, struct err *err);
/* Runs SQL that returns no rows. */
int db_exec(struct db *db, const char *what, const char *sql, struct err *err) MUST_CHECK;
/* Runs SQL that returns one integer. */
int db_int(struct db *db, const char *sql, int64_t *ret, struct err *err) MUST_CHECK;
/* From now on every query ends with ERR_BUSY once db->deadline_ms has passed. */
void db_enforce_deadline(struct db *db);

/* Rows that the last statement inserted, updated or deleted. */
int64_t db_changes(struct db *db);

#endif
