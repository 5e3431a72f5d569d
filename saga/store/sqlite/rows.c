/* Step rows (steps that wait on disk), and targets. */
#include "saga/store/sqlite/write.h"

static int rows_put(void *ctx, const struct step_row *row, struct err *err)
{
	struct sqlite_writer *w = ctx;
	struct db_query AUTO_QUERY q = query_begin(&w->db, W_ROW_PUT);
	query_int(&q, row->saga);
	query_int(&q, row->step);
	query_int(&q, row->target);
	query_int(&q, row->why);
	if (row->has_lane)
		query_blob(&q, row->lane, sizeof row->lane);
	else
		query_null(&q);
	query_int(&q, row->due_ms);
	query_int(&q, row->since_ms);
	return query_run(&q, err);
}

static int rows_delete(void *ctx, int64_t saga, uint16_t step, struct err *err)
{
	struct sqlite_writer *w = ctx;
	struct db_query AUTO_QUERY q = query_begin(&w->db, W_ROW_DELETE);
	query_int(&q, saga);
	query_int(&q, step);
	return query_run(&q, err);
}

/* Reads all rows of the query, whose LIMIT is the capacity of `rows`. */
static int take_rows(struct db_query *q, struct step_row *rows, size_t *ret, struct err *err)
{
	size_t used = 0;
	int rc = query_next(q, err);
	for (; rc == 1; rc = query_next(q, err))
		column_step_row(q, &rows[used++]);
	if (rc == 0)
		*ret = used;
	return rc;
}

static int rows_claimable(void *ctx, uint32_t target, int64_t now_ms, struct step_row *rows, size_t capacity,
						  size_t *ret, struct err *err)
{
	struct sqlite_writer *w = ctx;
	struct db_query AUTO_QUERY q = query_begin(&w->db, W_ROW_CLAIM);
	query_int(&q, target);
	query_int(&q, now_ms);
	query_int(&q, (int64_t)capacity);
	return take_rows(&q, rows, ret, err);
}

static int rows_due_beyond(void *ctx, uint32_t target, int64_t beyond_ms, struct step_row *rows,
						   size_t capacity, size_t *ret, struct err *err)
{
	struct sqlite_writer *w = ctx;
	struct db_query AUTO_QUERY q = query_begin(&w->db, W_ROW_DUE_BEYOND);
	query_int(&q, target);
	query_int(&q, beyond_ms);
	query_int(&q, (int64_t)capacity);
	return take_rows(&q, rows, ret, err);
}

static int rows_with_lane(void *ctx, uint32_t target, const struct step_row *after, struct step_row *rows,
						  size_t capacity, size_t *ret, struct err *err)
{
	struct sqlite_writer *w = ctx;
	struct db_query AUTO_QUERY q = query_begin(&w->db, W_ROW_WITH_LANE);
	query_int(&q, target);
	query_blob(&q, after != NULL ? after->lane : NULL, after != NULL ? LANE_BYTES : 0);
	query_int(&q, after != NULL ? after->saga : 0);
	query_int(&q, after != NULL ? after->step : 0);
	query_int(&q, (int64_t)capacity);
	return take_rows(&q, rows, ret, err);
}

static int rows_next_due(void *ctx, uint32_t target, int64_t *ret_ms, struct err *err)
{
	struct sqlite_writer *w = ctx;
	struct db_query AUTO_QUERY q = query_begin(&w->db, W_ROW_NEXT);
	query_int(&q, target);
	int rc = query_next(&q, err);
	if (rc < 0)
		return rc;
	*ret_ms = rc == 1 ? column_int(&q, 0) : INT64_MAX;
	return 0;
}

/* The successor in a lane, when the step before it is done. */
static int rows_lane_first(void *ctx, uint32_t target, const uint8_t lane[LANE_BYTES], int64_t after,
						   struct step_row *ret, struct err *err)
{
	struct sqlite_writer *w = ctx;
	struct db_query AUTO_QUERY q = query_begin(&w->db, W_ROW_LANE);
	query_int(&q, target);
	query_blob(&q, lane, LANE_BYTES);
	query_int(&q, after);
	int rc = query_next(&q, err);
	if (rc < 0)
		return rc;
	*ret = (struct step_row){ 0 };
	if (rc == 1)
		column_step_row(&q, ret);
	return 0;
}

/* The rows of one index above count->after; *ret_read is their number. */
static int count_index(struct sqlite_writer *w, enum writer_statement which, uint32_t target, size_t limit,
					   struct row_counting *count, size_t *ret_read, struct err *err)
{
	const struct step_row from = count->after; /* bound until the query ends */
	struct step_row *after = &count->after;
	struct db_query AUTO_QUERY q = query_begin(&w->db, which);
	query_int(&q, target);
	query_int(&q, from.saga);
	query_int(&q, from.step);
	query_int(&q, from.due_ms);
	query_blob(&q, from.lane, from.has_lane ? LANE_BYTES : 0);
	query_int(&q, (int64_t)limit);
	size_t read = 0;
	int rc = query_next(&q, err);
	for (; rc == 1; rc = query_next(&q, err)) {
		read++;
		after->saga = column_int(&q, 0);
		after->step = (uint16_t)column_int(&q, 1);
		after->due_ms = column_int(&q, 2);
		after->has_lane = column_bytes(&q, 3).len == LANE_BYTES;
		column_fixed(&q, 3, after->lane, LANE_BYTES);
	}
	*ret_read = read;
	return rc;
}

/* One index after the other. */
static int rows_count_page(void *ctx, uint32_t target, size_t limit, struct row_counting *count,
						   struct err *err)
{
	static const enum writer_statement by_index[] = { W_ROW_COUNT_CLAIMABLE, W_ROW_COUNT_BLOCKED,
													  W_ROW_COUNT_LANES };
	int64_t *const counts[] = { &count->counts.claimable, &count->counts.blocked, &count->counts.with_lane };
	assert(limit > 0 && count->index < 3 && !count->done);
	if (count->after.saga == 0)
		count->after.due_ms = INT64_MIN;
	size_t read;
	int rc = count_index(ctx, by_index[count->index], target, limit, count, &read, err);
	if (rc != 0)
		return rc;
	*counts[count->index] += (int64_t)read;
	if (read < limit) {
		count->index++;
		count->after = (struct step_row){ 0 };
		count->done = count->index == 3;
	}
	return 0;
}

/* ---- targets ---- */

static int rows_target_put(void *ctx, const struct target_row *row, struct err *err)
{
	struct sqlite_writer *w = ctx;
	struct db_query AUTO_QUERY q = query_begin(&w->db, W_TARGET_PUT);
	query_int(&q, row->id);
	query_text(&q, str_of(row->name));
	query_int(&q, row->paused);
	query_int(&q, row->held);
	query_text(&q, str_of(row->held_reason));
	query_int(&q, row->changed_ms);
	query_int(&q, row->breaker_not_closed);
	return query_run(&q, err);
}

static int rows_target_all(void *ctx, struct target_row **ret, size_t *ret_count, struct err *err)
{
	struct sqlite_writer *w = ctx;
	struct db_query AUTO_QUERY q = query_begin(&w->db, W_TARGETS);
	return column_target_rows(&q, ret, ret_count, err);
}

void rows_ops(struct store_writer *ops)
{
	ops->row_put = rows_put;
	ops->row_delete = rows_delete;
	ops->row_claimable = rows_claimable;
	ops->row_due_beyond = rows_due_beyond;
	ops->row_next_due = rows_next_due;
	ops->row_lane_first = rows_lane_first;
	ops->row_with_lane = rows_with_lane;
	ops->row_count_page = rows_count_page;
	ops->target_put = rows_target_put;
	ops->target_all = rows_target_all;
}
