/* The reader's look-ups of one saga, one event, related events, targets and figures. */
#include "saga/store/sqlite/read.h"
#include "saga/base/clock.h"
#include "saga/store/sqlite/plans.h"

#include <string.h>

#define READER_STATEMENT(name, what, sql) { what, sql },
const struct db_statement read_statements[R_COUNT] = { READER_TABLE(READER_STATEMENT) };
#undef READER_STATEMENT

void read_slice(struct sqlite_reader *r)
{
	r->db.deadline_ms = clock_monotonic_ms() + READ_SLICE_MS;
}

bool read_slice_over(const struct sqlite_reader *r)
{
	/* A margin, so that the loop ends before the progress handler interrupts the next step. */
	return clock_monotonic_ms() >= r->db.deadline_ms - READ_SLICE_MS / 5;
}

static int run_statement(struct sqlite_reader *r, enum reader_statement which, struct err *err)
{
	struct db_query AUTO_QUERY q = query_begin(&r->db, which);
	return query_run(&q, err);
}

int read_begin(struct sqlite_reader *r, struct err *err)
{
	return run_statement(r, R_BEGIN, err);
}

/* After some errors SQLite ends the transaction without being asked. */
int read_end(struct sqlite_reader *r, struct err *err)
{
	return sqlite3_get_autocommit(r->db.handle) ? 0 : run_statement(r, R_END, err);
}

int read_figures(struct sqlite_reader *r, struct store_figures *ret, struct err *err)
{
	struct db_query AUTO_QUERY q = query_begin(&r->db, R_FIGURES);
	return column_figures(&q, ret, NULL, err);
}

int read_saga(struct sqlite_reader *r, const struct saga_row *row, struct saga **ret, struct err *err)
{
	struct plan *plan = NULL;
	int rc = plans_get(&r->db, R_PLAN_GET, row->plan, &plan, err);
	if (rc != 0)
		return rc;
	rc = saga_decode(row->id, plan, row->value, ret, err);
	plan_unref(plan);
	if (rc != 0)
		err_wrap(err, rc, "store %s: saga %lld", r->db.path, (long long)row->id);
	return rc;
}

static int not_found(struct sqlite_reader *r, const char *what, int64_t id, struct err *err)
{
	return err_set(err, ERR_NOT_FOUND, "store %s: no %s %lld", r->db.path, what, (long long)id);
}

static int reader_saga_get(void *ctx, int64_t id, struct saga **ret, struct err *err)
{
	struct sqlite_reader *r = ctx;
	read_slice(r);
	struct db_query AUTO_QUERY q = query_begin(&r->db, R_SAGA_GET);
	query_int(&q, id);
	int rc = query_next(&q, err);
	if (rc != 1)
		return rc == 0 ? not_found(r, "saga", id, err) : rc;
	struct saga_row row;
	column_saga_row(&q, &row);
	return read_saga(r, &row, ret, err);
}

static int reader_event_get(void *ctx, int64_t saga, struct event **ret, struct err *err)
{
	struct sqlite_reader *r = ctx;
	read_slice(r);
	struct db_query AUTO_QUERY q = query_begin(&r->db, R_EVENT_GET);
	query_int(&q, saga);
	int rc = query_next(&q, err);
	if (rc != 1)
		return rc == 0 ? not_found(r, "event of saga", saga, err) : rc;
	*ret = column_event(&q, 0, err);
	return *ret != NULL ? 0 : err_wrap(err, ERR_CORRUPT, "store %s: saga %lld", r->db.path, (long long)saga);
}

int read_related_of(struct sqlite_reader *r, int64_t saga, void *each_ctx,
					int (*each)(void *each_ctx, const struct related_row *row), struct err *err)
{
	struct db_query AUTO_QUERY q = query_begin(&r->db, R_RELATED_OF);
	query_int(&q, saga);
	int rc = query_next(&q, err);
	for (; rc == 1; rc = query_next(&q, err)) {
		struct related_row row;
		column_related(&q, &row, NULL);
		int stop = each(each_ctx, &row);
		event_unref(row.event);
		if (stop != 0)
			return 0;
	}
	return rc;
}

static int reader_related_of(void *ctx, int64_t saga, void *each_ctx,
							 int (*each)(void *each_ctx, const struct related_row *row), struct err *err)
{
	read_slice(ctx);
	return read_related_of(ctx, saga, each_ctx, each, err);
}

static int reader_targets(void *ctx, struct target_row **ret, size_t *ret_count, struct err *err)
{
	struct sqlite_reader *r = ctx;
	read_slice(r);
	struct db_query AUTO_QUERY q = query_begin(&r->db, R_TARGETS);
	return column_target_rows(&q, ret, ret_count, err);
}

/* Counts one slice of an index, from behind *at. Returns 1 when rows are left. */
static int backlog_slice(struct sqlite_reader *r, enum reader_statement which, uint32_t target,
						 struct step_row *at, int64_t now_ms, const int64_t *edges_ms, int64_t *counts,
						 size_t edge_count, struct err *err)
{
	read_slice(r);
	struct db_query AUTO_QUERY q = query_begin(&r->db, which);
	query_int(&q, target);
	query_int(&q, at->due_ms);
	query_int(&q, at->saga);
	query_int(&q, at->step);
	int rc = query_next(&q, err);
	unsigned n = 0;
	for (; rc == 1; rc = query_next(&q, err)) {
		*at = (struct step_row){ .due_ms = column_int(&q, 0),
								 .saga = column_int(&q, 1),
								 .step = (uint16_t)column_int(&q, 2) };
		int64_t age_ms = now_ms - column_int(&q, 3);
		for (size_t i = 0; i < edge_count; i++)
			counts[i] += age_ms >= edges_ms[i];
		if (++n % 64 == 0 && read_slice_over(r))
			return 1;
	}
	/* On a slow disk the deadline can interrupt the slice; the next slice continues behind *at. */
	return rc == ERR_BUSY && n > 0 ? 1 : rc;
}

/* Reads two indexes, claimable steps and blocked ones, in as many slices as they need. */
static int reader_backlog(void *ctx, uint32_t target, int64_t now_ms, const int64_t *edges_ms,
						  int64_t *counts, size_t edge_count, struct err *err)
{
	static const enum reader_statement statements[] = { R_BACKLOG_CLAIM, R_BACKLOG_BLOCKED };
	memset(counts, 0, edge_count * sizeof *counts);
	for (size_t i = 0; i < 2; i++) {
		struct step_row at = { .due_ms = INT64_MIN };
		int rc = 1;
		while (rc == 1)
			rc = backlog_slice(ctx, statements[i], target, &at, now_ms, edges_ms, counts, edge_count, err);
		if (rc != 0)
			return rc;
	}
	return 0;
}

static int reader_figures(void *ctx, struct store_figures *ret, struct err *err)
{
	struct sqlite_reader *r = ctx;
	read_slice(r);
	return read_figures(r, ret, err);
}

void read_ops(struct store_reader *ops)
{
	ops->saga_get = reader_saga_get;
	ops->event_get = reader_event_get;
	ops->related_of = reader_related_of;
	ops->targets = reader_targets;
	ops->backlog = reader_backlog;
	ops->figures = reader_figures;
}
