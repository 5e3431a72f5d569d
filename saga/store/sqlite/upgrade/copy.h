/* Filling the tables of a new file from a store of schema 4, which is attached to the same connection as
 * "old". One function a table: schema.c names them. Nobody else has either file open for writing.
 * Thread: the one that opens the store. */
#ifndef ALMONER_SAGA_STORE_SQLITE_UPGRADE_COPY_H
#define ALMONER_SAGA_STORE_SQLITE_UPGRADE_COPY_H

#include "saga/store/sqlite/columns.h"

struct copy {
	struct db db; /* main: the new file; "old": the store of schema 4, never changed */
};

/* Copies with one INSERT … SELECT. */
int copy_sql(struct copy *c, const char *what, const char *sql, struct err *err) MUST_CHECK;

/* Turns one row of the old table into the parameters of the INSERT. Bytes that it binds must live until the
 * next call. Returns 0 or ERR_*. */
typedef int copy_row(void *ctx, struct db_query *from, struct db_query *to, struct err *err);
/* For each row that `select` gives: `row` binds the parameters of `insert`, which then runs. `select` reads
 * in the order of the new table's key, so that pages are filled one after the other. */
int copy_rows(struct copy *c, const char *what, const char *select, const char *insert, copy_row *row,
			  void *ctx, struct err *err) MUST_CHECK;

/* One function a table. Each fills its table, and expects the tables before it in schema.c to be filled. */
int copy_plan(struct copy *c, struct err *err) MUST_CHECK;          /* copy_plain.c */
int copy_target(struct copy *c, struct err *err) MUST_CHECK;        /* copy_plain.c */
int copy_step(struct copy *c, struct err *err) MUST_CHECK;          /* copy_plain.c */
int copy_job(struct copy *c, struct err *err) MUST_CHECK;           /* copy_plain.c */
int copy_refused(struct copy *c, struct err *err) MUST_CHECK;       /* copy_plain.c */
int copy_refused_total(struct copy *c, struct err *err) MUST_CHECK; /* copy_plain.c */
int copy_saga(struct copy *c, struct err *err) MUST_CHECK;          /* copy_saga.c */
int copy_event(struct copy *c, struct err *err) MUST_CHECK;         /* copy_event.c */
int copy_related(struct copy *c, struct err *err) MUST_CHECK;       /* copy_event.c */
int copy_related_name(struct copy *c, struct err *err) MUST_CHECK;  /* copy_event.c */
int copy_key_new(struct copy *c, struct err *err) MUST_CHECK;       /* copy_keys.c */
int copy_key(struct copy *c, struct err *err) MUST_CHECK;           /* copy_keys.c */
int copy_log(struct copy *c, struct err *err) MUST_CHECK;           /* copy_log.c */
int copy_chain(struct copy *c, struct err *err) MUST_CHECK;         /* copy_chain.c */

#endif
