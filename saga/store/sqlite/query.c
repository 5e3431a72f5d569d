#include "saga/store/sqlite/query.h"

#include "saga/base/check.h"

struct db_query query_begin(struct db *db, size_t which)
{
	assert(which < db->count);
	return (struct db_query){ .db = db, .st = db->prepared[which], .what = db->table[which].what };
}

void query_end(struct db_query *q)
{
	/* sqlite3_reset returns the code of the last step again, which was reported */
	(void)sqlite3_reset(q->st);
}

/* Keeps the first error; query_next reports it. */
static void note_bind_result(struct db_query *q, int rc)
{
	if (q->rc == SQLITE_OK)
		q->rc = rc;
}

void query_int(struct db_query *q, int64_t value)
{
	note_bind_result(q, sqlite3_bind_int64(q->st, ++q->at, value));
}

void query_blob(struct db_query *q, const void *bytes, size_t len)
{
	assert(bytes != NULL || len == 0);
	note_bind_result(q, sqlite3_bind_blob64(q->st, ++q->at, len > 0 ? bytes : "", len, SQLITE_STATIC));
}

void query_text(struct db_query *q, struct str text)
{
	note_bind_result(q, sqlite3_bind_text64(q->st, ++q->at, text.len > 0 ? text.p : "", text.len,
											SQLITE_STATIC, SQLITE_UTF8));
}

void query_null(struct db_query *q)
{
	note_bind_result(q, sqlite3_bind_null(q->st, ++q->at));
}

void query_optional_blob(struct db_query *q, struct str bytes)
{
	if (bytes.len == 0)
		query_null(q);
	else
		query_blob(q, bytes.p, bytes.len);
}

int query_next(struct db_query *q, struct err *err)
{
	int rc = q->rc == SQLITE_OK ? sqlite3_step(q->st) : q->rc;
	if (rc == SQLITE_ROW)
		return 1;
	return rc == SQLITE_DONE ? 0 : db_error(q->db, rc, q->what, err);
}

int query_run(struct db_query *q, struct err *err)
{
	int rc = query_next(q, err);
	while (rc == 1)
		rc = query_next(q, err);
	return rc;
}
