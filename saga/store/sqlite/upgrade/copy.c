#include "saga/store/sqlite/upgrade/copy.h"

int copy_sql(struct copy *c, const char *what, const char *sql, struct err *err)
{
	return db_exec(&c->db, what, sql, err);
}

static int copy_one(struct db_query *from, struct db_query *to, copy_row *row, void *ctx, struct err *err)
{
	to->at = 0;
	int rc = row(ctx, from, to, err);
	if (rc == 0)
		rc = query_run(to, err);
	query_end(to);
	return rc;
}

static int copy_all(struct db_query *from, struct db_query *to, copy_row *row, void *ctx, struct err *err)
{
	int rc = query_next(from, err);
	while (rc == 1) {
		rc = copy_one(from, to, row, ctx, err);
		if (rc == 0)
			rc = query_next(from, err);
	}
	return rc;
}

int copy_rows(struct copy *c, const char *what, const char *select, const char *insert, copy_row *row,
			  void *ctx, struct err *err)
{
	struct db_query from = { .db = &c->db, .what = what };
	struct db_query to = from;
	int rc = sqlite3_prepare_v2(c->db.handle, select, -1, &from.st, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_prepare_v2(c->db.handle, insert, -1, &to.st, NULL);
	int code = rc == SQLITE_OK ? copy_all(&from, &to, row, ctx, err) : db_error(&c->db, rc, what, err);
	(void)sqlite3_finalize(from.st); /* repeats the code of the last step, which was reported */
	(void)sqlite3_finalize(to.st);
	return code;
}
