/* Related events: events about a gift whose saga another event starts. */
#include "saga/store/sqlite/write.h"

/* Runs a statement with a name and the id of a row as parameters. */
static int name_write(struct sqlite_writer *w, enum writer_statement which,
					  const uint8_t name[STORE_KEY_BYTES], int64_t id, struct err *err)
{
	struct db_query AUTO_QUERY q = query_begin(&w->db, which);
	query_blob(&q, name, STORE_KEY_BYTES);
	query_int(&q, id);
	return query_run(&q, err);
}

static int names_write(struct sqlite_writer *w, enum writer_statement which, const struct related_row *row,
					   struct err *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < row->name_count; i++)
		rc = name_write(w, which, row->names + i * STORE_KEY_BYTES, row->id, err);
	return rc;
}

static int row_add(struct sqlite_writer *w, const struct related_row *row, struct err *err)
{
	struct db_query AUTO_QUERY q = query_begin(&w->db, W_RELATED_ADD);
	query_int(&q, row->id);
	query_int(&q, row->saga);
	query_int(&q, row->own);
	query_int(&q, row->due_ms);
	query_blob(&q, row->names, row->name_count * STORE_KEY_BYTES);
	query_blob(&q, row->event->payload.p, row->event->payload.len);
	return query_run(&q, err);
}

/* Only a row that waits is found by its names. */
static int related_insert(void *ctx, const struct related_row *row, struct err *err)
{
	struct sqlite_writer *w = ctx;
	assert(row->name_count > 0);
	int rc = row_add(w, row, err);
	return rc == 0 && row->saga == 0 ? names_write(w, W_RELATED_NAME, row, err) : rc;
}

/* The names are copied into w->value, because the query that owns the column ends with the caller. */
static void take_row(struct sqlite_writer *w, struct db_query *q, struct related_row *ret)
{
	column_related(q, ret, NULL);
	buf_clear(&w->value);
	buf_add(&w->value, ret->names, ret->name_count * STORE_KEY_BYTES);
	ret->names = (const uint8_t *)w->value.data;
}

static int related_get(void *ctx, int64_t id, struct related_row *ret, struct err *err)
{
	struct sqlite_writer *w = ctx;
	struct db_query AUTO_QUERY q = query_begin(&w->db, W_RELATED_GET);
	query_int(&q, id);
	int rc = query_next(&q, err);
	if (rc < 0)
		return rc;
	if (rc == 0)
		return err_set(err, ERR_NOT_FOUND, "store %s: no related event %lld", w->db.path, (long long)id);
	take_row(w, &q, ret);
	return 0;
}

/* Returns 1 with the waiting row of this name that has the lowest id, 0 without one. */
static int find_named(struct sqlite_writer *w, const uint8_t gift[STORE_KEY_BYTES], struct related_row *ret,
					  struct err *err)
{
	struct db_query AUTO_QUERY q = query_begin(&w->db, W_RELATED_NAMED);
	query_blob(&q, gift, STORE_KEY_BYTES);
	int rc = query_next(&q, err);
	if (rc == 1)
		take_row(w, &q, ret);
	return rc;
}

static int attach_row(struct sqlite_writer *w, const struct related_row *row, struct err *err)
{
	{
		struct db_query AUTO_QUERY q = query_begin(&w->db, W_RELATED_ATTACH);
		query_int(&q, row->id);
		query_int(&q, row->saga);
		int rc = query_run(&q, err);
		if (rc != 0)
			return rc;
	}
	return names_write(w, W_RELATED_UNNAME, row, err);
}

/* Each row loses its names, so the next look-up finds the next row. The name that led to it is deleted by itself
 * too: damaged names in the row must not make this loop endless. */
static int related_attach(void *ctx, const uint8_t gift[STORE_KEY_BYTES], int64_t saga, void *each_ctx,
						  void (*each)(void *each_ctx, const struct related_row *row), struct err *err)
{
	struct sqlite_writer *w = ctx;
	struct related_row row;
	int rc = find_named(w, gift, &row, err);
	while (rc == 1) {
		row.saga = saga;
		rc = attach_row(w, &row, err);
		if (rc == 0)
			rc = name_write(w, W_RELATED_UNNAME, gift, row.id, err);
		if (rc == 0)
			each(each_ctx, &row);
		event_unref(row.event);
		if (rc == 0)
			rc = find_named(w, gift, &row, err);
	}
	return rc;
}

/* Reads the earliest due times first and stops at the first one in the future. */
static int related_due(void *ctx, int64_t now_ms, int64_t *ids, size_t capacity, size_t *ret,
					   int64_t *ret_next_ms, struct err *err)
{
	struct sqlite_writer *w = ctx;
	struct db_query AUTO_QUERY q = query_begin(&w->db, W_RELATED_DUE);
	query_int(&q, (int64_t)capacity + 1); /* one row more than wanted: its due time is *ret_next_ms */
	size_t used = 0;
	int rc = query_next(&q, err);
	while (rc == 1 && used < capacity && column_int(&q, 1) <= now_ms) {
		ids[used++] = column_int(&q, 0);
		rc = query_next(&q, err);
	}
	if (rc < 0)
		return rc;
	*ret = used;
	*ret_next_ms = rc == 1 ? column_int(&q, 1) : INT64_MAX;
	return 0;
}

void related_ops(struct store_writer *ops)
{
	ops->related_insert = related_insert;
	ops->related_get = related_get;
	ops->related_attach = related_attach;
	ops->related_due = related_due;
}
