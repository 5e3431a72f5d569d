/* Related events: events about a gift whose saga another event starts. */
#include "saga/store/sqlite/write.h"

static int related_insert(void *ctx, const struct related_row *row, struct err *err)
{
	struct sqlite_writer *w = ctx;
	struct db_query AUTO_QUERY q = query_begin(&w->db, W_RELATED_ADD);
	query_int(&q, row->id);
	query_int(&q, row->saga);
	query_blob(&q, row->gift, sizeof row->gift);
	query_int(&q, row->due_ms);
	column_bind_event(&q, row->event);
	return query_run(&q, err);
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
	column_related(&q, ret);
	return 0;
}

static int related_attach(void *ctx, const uint8_t gift[STORE_KEY_BYTES], int64_t saga, size_t *ret,
						  struct err *err)
{
	struct sqlite_writer *w = ctx;
	struct db_query AUTO_QUERY q = query_begin(&w->db, W_RELATED_ATTACH);
	query_blob(&q, gift, STORE_KEY_BYTES);
	query_int(&q, saga);
	int rc = query_run(&q, err);
	if (rc == 0)
		*ret = (size_t)db_changes(&w->db);
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
