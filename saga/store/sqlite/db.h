/* One SQLite connection with its prepared statements: binding, stepping, and what its error codes mean to us.
 * Internal to the store_sqlite files. */
#ifndef ALMONER_SAGA_STORE_SQLITE_DB_H
#define ALMONER_SAGA_STORE_SQLITE_DB_H

#include <sqlite3.h>

#include "saga/store/store.h"

/* A statement of a connection's table: `what` says in words what it does, for error texts. */
struct db_statement {
	const char *what;
	const char *sql;
};

#define PLAN_CACHE_SLOTS 16
#define DB_BUSY_MS       5000 /* how long SQLite waits for a lock: readers hold theirs for slices of 250 ms */

/* Plans come in ever the same few; parsing one costs more than reading its saga. */
struct plan_cache_slot {
	int64_t number; /* 0: empty */
	uint8_t digest[32];
	struct plan *plan; /* NULL: only the number is known */
};

struct db {
	sqlite3 *handle;
	char *path;
	const struct db_statement *table;
	size_t count;
	sqlite3_stmt **prepared;
	struct plan_cache_slot plans[PLAN_CACHE_SLOTS];
	unsigned next_plan_slot;
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
int64_t clock_monotonic_ms(void);

/* One use of a prepared statement: bind in order, then step. The first failing bind sticks. Bound bytes must
 * live until the query ends. */
struct db_query {
	struct db *db;
	sqlite3_stmt *st;
	const char *what;
	int at;
	int rc;
};
struct db_query query_begin(struct db *db, size_t which);
void query_end(struct db_query *q);
#define AUTO_QUERY __attribute__((cleanup(query_end)))

void query_int(struct db_query *q, int64_t value);
void query_blob(struct db_query *q, const void *bytes, size_t len);
void query_text(struct db_query *q, struct str text);
void query_null(struct db_query *q);
/* 1: a row, 0: no more, else ERR_*. */
int query_next(struct db_query *q, struct err *err) MUST_CHECK;
/* Runs to the end; rows are ignored. */
int query_run(struct db_query *q, struct err *err) MUST_CHECK;
/* Rows changed by the last statement. */
int64_t db_changes(struct db *db);

/* Columns of the current row; borrowed until the next step. */
int64_t column_int(struct db_query *q, int column);
struct str column_bytes(struct db_query *q, int column);
/* Copies a blob of exactly `len` bytes; another length (also NULL) leaves zeros. */
void column_fixed(struct db_query *q, int column, void *to, size_t len);

/* The columns of an event, in the tables event and related. */
#define EVENT_COLUMNS "received, salt, source, event_id, type, gift, donor, content_type, raw, canonical"
void column_bind_event(struct db_query *q, const struct event *event);
struct event *column_event(struct db_query *q, int first);

/* A new reference. `which` selects json by number. */
int plans_get(struct db *db, size_t which, int64_t number, struct plan **ret, struct err *err) MUST_CHECK;
struct plan_cache_slot *plan_cache_by_digest(struct db *db, const uint8_t digest[32]);
struct plan_cache_slot *plan_cache_remember(struct db *db, int64_t number, const uint8_t digest[32]);
void plan_cache_forget(struct db *db);

/* Columns: saga, step, target, why, lane, due, since. */
void column_step_row(struct db_query *q, struct step_row *ret);
/* Columns: no, commit_no, subject, subject_id, at, head, personal, salt, personal_digest. Borrowed. */
void column_log_row(struct db_query *q, struct log_row *ret);
/* Columns: id, name, paused, held, held_reason, changed, breaker_not_closed. Reads them all; free() the array. */
int column_target_rows(struct db_query *q, struct target_row **ret, size_t *ret_count,
					   struct err *err) MUST_CHECK;
/* Columns: id, saga, gift_key, due, then the event. The event is a new reference. */
void column_related(struct db_query *q, struct related_row *ret);

#endif
