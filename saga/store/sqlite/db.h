/* One SQLite connection with its prepared statements, and what its error codes mean to us.
 * Internal to the store_sqlite files. */
#ifndef ALMONER_SAGA_STORE_SQLITE_DB_H
#define ALMONER_SAGA_STORE_SQLITE_DB_H

#include <sqlite3.h>

#include "saga/store/sqlite/plan_cache.h"
#include "saga/store/store.h"

/* A statement of a connection's table: `what` says in words what it does, for error texts. */
struct db_statement {
	const char *what;
	const char *sql;
};

#define DB_BUSY_MS 5000 /* how long SQLite waits for a lock: readers hold theirs for slices of 250 ms */

struct db {
	sqlite3 *handle;
	char *path;
	const struct db_statement *table;
	size_t count;
	sqlite3_stmt **prepared;
	struct plan_cache plans;
	int64_t deadline_ms; /* monotonic; INT64_MAX: none. Enforced by db_enforce_deadline's progress handler */
};

/* Opens, sets the busy timeout. `name` is what SQLite gets: a path or a URI. On error nothing stays open. */
int db_open(struct db *db, const char *path, const char *name, int flags, const char *vfs,
			struct err *err) MUST_CHECK;
/* Prepares the whole table, once. */
int db_prepare(struct db *db, const struct db_statement *table, size_t count, struct err *err) MUST_CHECK;
/* Finalizes and closes; a zeroed db is accepted. */
void db_close(struct db *db);

/* Turns a result code into ours with a text: what, where, SQLite's message and code, how to mend. */
int db_error(struct db *db, int rc, const char *what, struct err *err);
/* Runs SQL without results. */
int db_exec(struct db *db, const char *what, const char *sql, struct err *err) MUST_CHECK;
/* Runs SQL that gives one integer. */
int db_int(struct db *db, const char *sql, int64_t *ret, struct err *err) MUST_CHECK;
/* Every query ends with ERR_BUSY at db->deadline_ms. */
void db_enforce_deadline(struct db *db);

/* Rows changed by the last statement. */
int64_t db_changes(struct db *db);

#endif
