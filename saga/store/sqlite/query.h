/* One use of a prepared statement of a connection: bind the parameters in order, then step.
 * Internal to saga/store/sqlite. Thread: the one that has the connection. */
#ifndef ALMONER_SAGA_STORE_SQLITE_QUERY_H
#define ALMONER_SAGA_STORE_SQLITE_QUERY_H

#include "saga/store/sqlite/db.h"

/* The first bind that fails is remembered in `rc`; query_next then reports it. Bytes given to query_blob and
 * query_text are borrowed: they must live until query_end. */
struct db_query {
	struct db *db;
	sqlite3_stmt *st;
	const char *what; /* what the statement does, for error texts */
	int at;           /* number of the parameter that was bound last, from 1 */
	int rc;
};

/* `which` is a row number of db->table. A statement is in use by one query at a time. */
struct db_query query_begin(struct db *db, size_t which);
void query_end(struct db_query *q); /* the statement can be used again */
#define AUTO_QUERY __attribute__((cleanup(query_end)))

void query_int(struct db_query *q, int64_t value);
void query_blob(struct db_query *q, const void *bytes, size_t len); /* `bytes` may be NULL when len is 0 */
void query_text(struct db_query *q, struct str text);
void query_null(struct db_query *q);
void query_optional_blob(struct db_query *q, struct str bytes); /* NULL when there are no bytes */
/* 1: a row, 0: no more rows, else ERR_*. */
int query_next(struct db_query *q, struct err *err) MUST_CHECK;
/* Runs to the end and ignores the rows. 0 or ERR_*. */
int query_run(struct db_query *q, struct err *err) MUST_CHECK;

#endif
