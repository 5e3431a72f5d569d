/* The writer's operations on transactions, sagas, events and the log: every event uses them. */
#include "saga/store/sqlite/write.h"

#include <string.h>

#define WRITER_STATEMENT(name, what, sql) { what, sql },
const struct db_statement write_statements[W_COUNT] = { WRITER_TABLE(WRITER_STATEMENT) };
#undef WRITER_STATEMENT

static int run_statement(struct sqlite_writer *w, enum writer_statement which, struct err *err)
{
	struct db_query AUTO_QUERY q = query_begin(&w->db, which);
	return query_run(&q, err);
}

static int write_begin(void *ctx, struct err *err)
{
	return run_statement(ctx, W_BEGIN, err);
}

/* After a failed commit nothing more may go to the main file, and closing must not run a checkpoint either
 * (saga/store/README.md "Hazards of SQLite"). */
static int write_commit(void *ctx, struct err *err)
{
	struct sqlite_writer *w = ctx;
	int rc = run_statement(w, W_COMMIT, err);
	if (rc != 0)
		(void)sqlite3_db_config(w->db.handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	else
		keys_committed(w);
	return rc;
}

static int write_rollback(void *ctx, struct err *err)
{
	struct sqlite_writer *w = ctx;
	plan_cache_forget(&w->db.plans); /* a plan in the cache may have a row that this rollback removes */
	/* After some errors SQLite rolls back without being asked. */
	int rc = sqlite3_get_autocommit(w->db.handle) ? 0 : run_statement(w, W_ROLLBACK, err);
	return rc == 0 ? keys_rolled_back(w, err) : rc;
}

/* ---- sagas ---- */

static int saga_write(struct sqlite_writer *w, enum writer_statement which, const struct saga_row *row,
					  struct err *err)
{
	struct db_query AUTO_QUERY q = query_begin(&w->db, which);
	query_int(&q, row->id);
	query_int(&q, row->plan);
	query_int(&q, row->state);
	query_int(&q, row->index);
	query_int(&q, row->created_ms);
	query_blob(&q, row->salt, sizeof row->salt);
	query_blob(&q, row->value.p, row->value.len);
	return query_run(&q, err);
}

static int write_saga_insert(void *ctx, const struct saga_row *row, struct err *err)
{
	return saga_write(ctx, W_SAGA_ADD, row, err);
}

static int not_found(struct sqlite_writer *w, const char *what, int64_t id, struct err *err)
{
	return err_set(err, ERR_NOT_FOUND, "store %s: no %s %lld", w->db.path, what, (long long)id);
}

static int write_saga_update(void *ctx, const struct saga_row *row, struct err *err)
{
	struct sqlite_writer *w = ctx;
	int rc = saga_write(w, W_SAGA_SET, row, err);
	if (rc == 0 && db_changes(&w->db) == 0)
		return not_found(w, "saga", row->id, err);
	return rc;
}

/* The value is copied into w->value, because the query that owns the column ends here. */
static int write_saga_get(void *ctx, int64_t id, struct saga_row *ret, struct err *err)
{
	struct sqlite_writer *w = ctx;
	struct db_query AUTO_QUERY q = query_begin(&w->db, W_SAGA_GET);
	query_int(&q, id);
	int rc = query_next(&q, err);
	if (rc != 1)
		return rc == 0 ? not_found(w, "saga", id, err) : rc;
	column_saga_row(&q, ret);
	buf_clear(&w->value);
	buf_add(&w->value, ret->value.p, ret->value.len);
	ret->value = buf_str(&w->value);
	return 0;
}

/* Inserts `id` into the ascending ids[0..*used); when the array is full, the highest id is dropped. */
static void merge_id(int64_t *ids, size_t capacity, size_t *used, int64_t id)
{
	size_t at = *used;
	while (at > 0 && ids[at - 1] > id)
		at--;
	if (at == capacity)
		return;
	size_t last = *used < capacity ? (*used)++ : capacity - 1;
	memmove(&ids[at + 1], &ids[at], (last - at) * sizeof *ids);
	ids[at] = id;
}

/* The index is by (indexed, state, id), so there is one ascending range for each state; the ranges are
 * merged. */
static int write_saga_live(void *ctx, int64_t after, int64_t *ids, size_t capacity, size_t *ret,
						   struct err *err)
{
	struct sqlite_writer *w = ctx;
	size_t used = 0;
	for (int state = 0; state < SAGA_STATE_COUNT; state++) {
		struct db_query AUTO_QUERY q = query_begin(&w->db, W_SAGA_LIVE);
		query_int(&q, state);
		query_int(&q, after);
		query_int(&q, (int64_t)capacity);
		int rc = query_next(&q, err);
		for (; rc == 1; rc = query_next(&q, err))
			merge_id(ids, capacity, &used, column_int(&q, 0));
		if (rc != 0)
			return rc;
	}
	*ret = used;
	return 0;
}

/* Values are appended first and located afterwards, since the buffer moves while it grows. */
static int write_saga_range(void *ctx, int64_t after, struct saga_row *rows, size_t capacity,
							struct buf *values, size_t *ret, struct err *err)
{
	struct sqlite_writer *w = ctx;
	size_t used = 0, at = values->len;
	struct db_query AUTO_QUERY q = query_begin(&w->db, W_SAGA_RANGE);
	query_int(&q, after);
	query_int(&q, (int64_t)capacity);
	int rc = query_next(&q, err);
	for (; rc == 1; rc = query_next(&q, err)) {
		column_saga_row(&q, &rows[used]);
		buf_add(values, rows[used].value.p, rows[used].value.len);
		used++;
	}
	if (rc != 0)
		return rc;
	for (size_t i = 0; i < used; at += rows[i++].value.len)
		rows[i].value.p = buf_str(values).p + at;
	*ret = used;
	return 0;
}

/* ---- events ---- */

static int event_write(struct sqlite_writer *w, enum writer_statement which, int64_t saga,
					   const struct event *event, struct err *err)
{
	struct db_query AUTO_QUERY q = query_begin(&w->db, which);
	query_int(&q, saga);
	query_int(&q, event->version);
	query_blob(&q, event->payload.p, event->payload.len);
	return query_run(&q, err);
}

static int write_event_insert(void *ctx, int64_t saga, const struct event *event, struct err *err)
{
	return event_write(ctx, W_EVENT_ADD, saga, event, err);
}

static int write_event_replace(void *ctx, int64_t saga, const struct event *event, struct err *err)
{
	struct sqlite_writer *w = ctx;
	int rc = event_write(w, W_EVENT_SET, saga, event, err);
	if (rc == 0 && db_changes(&w->db) == 0)
		return not_found(w, "event of saga", saga, err);
	return rc;
}

static int write_event_get(void *ctx, int64_t saga, struct event **ret, struct err *err)
{
	struct sqlite_writer *w = ctx;
	struct db_query AUTO_QUERY q = query_begin(&w->db, W_EVENT_GET);
	query_int(&q, saga);
	int rc = query_next(&q, err);
	if (rc != 1)
		return rc == 0 ? not_found(w, "event of saga", saga, err) : rc;
	*ret = column_event(&q, 0, NULL);
	return 0;
}

static int write_event_many(void *ctx, const int64_t *sagas, size_t count, struct event **events,
							struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		events[i] = NULL;
		int rc = write_event_get(ctx, sagas[i], &events[i], err);
		if (rc == 0 || rc == ERR_NOT_FOUND)
			continue;
		while (i > 0)
			event_unref(events[--i]);
		return rc;
	}
	return 0;
}

/* ---- the log ---- */

/* A zero personal_digest means that the row has no personal part: NULL in the three columns. */
static int write_log_append(void *ctx, const struct log_row *row, struct err *err)
{
	static const uint8_t zeros[32];
	struct sqlite_writer *w = ctx;
	struct db_query AUTO_QUERY q = query_begin(&w->db, W_LOG_ADD);
	query_int(&q, row->number);
	query_int(&q, row->commit);
	query_int(&q, row->subject);
	query_int(&q, row->subject_id);
	query_int(&q, row->at_ms);
	query_blob(&q, row->head.p, row->head.len);
	if (memcmp(row->personal_digest, zeros, sizeof zeros) == 0) {
		assert(row->personal.len == 0);
		query_null(&q);
		query_null(&q);
		query_null(&q);
	} else {
		query_blob(&q, row->personal.p, row->personal.len);
		query_blob(&q, row->salt, sizeof row->salt);
		query_blob(&q, row->personal_digest, sizeof row->personal_digest);
	}
	return query_run(&q, err);
}

static int write_chain_append(void *ctx, const struct chain_row *row, struct err *err)
{
	struct sqlite_writer *w = ctx;
	struct db_query AUTO_QUERY q = query_begin(&w->db, W_CHAIN_ADD);
	column_bind_chain_row(&q, row);
	return query_run(&q, err);
}

void write_ops(struct store_writer *ops)
{
	ops->begin = write_begin;
	ops->commit = write_commit;
	ops->rollback = write_rollback;
	ops->saga_insert = write_saga_insert;
	ops->saga_update = write_saga_update;
	ops->saga_get = write_saga_get;
	ops->saga_live = write_saga_live;
	ops->saga_range = write_saga_range;
	ops->event_insert = write_event_insert;
	ops->event_replace = write_event_replace;
	ops->event_get = write_event_get;
	ops->event_many = write_event_many;
	ops->log_append = write_log_append;
	ops->chain_append = write_chain_append;
}
