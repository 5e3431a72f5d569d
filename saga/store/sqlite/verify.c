/* `almoner verify` on SQLite: the database's own integrity check, and the rows that saga/store/verify.c checks.
 * It reads in slices, so it may run beside a daemon. */
#include "saga/store/verify.h"
#include "saga/store/sqlite/read.h"
#include "saga/store/sqlite/schema.h"

#include <stdio.h>
#include <string.h>

/* ---- the database itself ---- */

static int check_table(struct sqlite_reader *r, struct store_verification *v, const char *table,
					   struct err *err)
{
	char sql[64];
	snprintf(sql, sizeof sql, "PRAGMA integrity_check(%s)", table);
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(r->db.handle, sql, -1, &st, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	for (; rc == SQLITE_ROW; rc = sqlite3_step(st)) {
		const char *line = (const char *)sqlite3_column_text(st, 0);
		if (line != NULL && strcmp(line, "ok") != 0)
			store_verify_finding(v, "table %s: %s", table, line);
	}
	int code = rc == SQLITE_DONE ? 0 : db_error(&r->db, rc, "cannot check the database", err);
	(void)sqlite3_finalize(st); /* repeats the step's code */
	return code;
}

/* Checks table by table, to keep each read transaction short. One table is one transaction of any length,
 * because SQLite's check cannot be split further. */
static int check_database(void *ctx, struct store_verification *v, struct err *err)
{
	struct sqlite_reader *r = ctx;
	r->db.deadline_ms = INT64_MAX;
	for (size_t i = 0; i < SCHEMA_TABLE_COUNT; i++) {
		int rc = check_table(r, v, schema_tables[i].name, err);
		if (rc != 0)
			return rc;
	}
	return 0;
}

/* ---- slices: each is one transaction ---- */

static int slice_begin(void *ctx, struct err *err)
{
	read_slice(ctx);
	return read_begin(ctx, err);
}

static int slice_end(void *ctx, struct err *err)
{
	return read_end(ctx, err);
}

static bool slice_over(void *ctx)
{
	return read_slice_over(ctx);
}

/* ---- rows ---- */

static int read_commits(void *ctx, int64_t after, void *each_ctx,
						int (*each)(void *each_ctx, const struct chain_row *row, struct err *err),
						struct err *err)
{
	struct sqlite_reader *r = ctx;
	struct db_query AUTO_QUERY q = query_begin(&r->db, R_CHAIN);
	query_int(&q, after);
	int rc = query_next(&q, err);
	for (; rc == 1; rc = query_next(&q, err)) {
		struct chain_row row;
		column_chain_row(&q, &row);
		int stop = each(each_ctx, &row, err);
		if (stop != 0)
			return stop;
	}
	return rc;
}

static int each_log_row(struct db_query *q, void *each_ctx,
						int (*each)(void *each_ctx, const struct log_row *row), struct err *err)
{
	int rc = query_next(q, err);
	for (; rc == 1; rc = query_next(q, err)) {
		struct log_row row;
		column_log_row(q, &row);
		int stop = each(each_ctx, &row);
		if (stop != 0)
			return stop;
	}
	return rc;
}

static int read_log(void *ctx, int64_t first, int64_t last, void *each_ctx,
					int (*each)(void *each_ctx, const struct log_row *row), struct err *err)
{
	struct sqlite_reader *r = ctx;
	struct db_query AUTO_QUERY q = query_begin(&r->db, R_CHAIN_ROWS);
	query_int(&q, first);
	query_int(&q, last);
	return each_log_row(&q, each_ctx, each, err);
}

static int read_last_log(void *ctx, int64_t *ret_number, struct err *err)
{
	struct sqlite_reader *r = ctx;
	struct db_query AUTO_QUERY q = query_begin(&r->db, R_LAST_LOG);
	int rc = query_next(&q, err);
	if (rc < 0)
		return rc;
	*ret_number = rc == 1 ? column_int(&q, 0) : 0;
	return 0;
}

static int read_sagas(void *ctx, int64_t after, void *each_ctx,
					  int (*each)(void *each_ctx, const struct saga_row *row, struct err *err),
					  struct err *err)
{
	struct sqlite_reader *r = ctx;
	struct db_query AUTO_QUERY q = query_begin(&r->db, R_SAGAS);
	query_int(&q, after);
	int rc = query_next(&q, err);
	for (; rc == 1; rc = query_next(&q, err)) {
		struct saga_row row;
		column_saga_row(&q, &row);
		int stop = each(each_ctx, &row, err);
		if (stop != 0)
			return stop;
	}
	return rc;
}

static int slice_figures(void *ctx, struct store_figures *ret, struct err *err)
{
	return read_figures(ctx, ret, err);
}

static int decode_saga(void *ctx, const struct saga_row *row, struct saga **ret, struct err *err)
{
	return read_saga(ctx, row, ret, err);
}

static int read_one_saga(void *ctx, int64_t id, struct saga **ret, struct err *err)
{
	struct sqlite_reader *r = ctx;
	struct db_query AUTO_QUERY q = query_begin(&r->db, R_SAGA_GET);
	query_int(&q, id);
	int rc = query_next(&q, err);
	if (rc != 1)
		return rc == 0 ? ERR_NOT_FOUND : rc;
	struct saga_row row;
	column_saga_row(&q, &row);
	if (read_saga(r, &row, ret, NULL) != 0)
		*ret = NULL;
	return 0;
}

static int read_event(void *ctx, int64_t saga, struct event **ret, struct err *err)
{
	struct sqlite_reader *r = ctx;
	struct db_query AUTO_QUERY q = query_begin(&r->db, R_EVENT_GET);
	query_int(&q, saga);
	int rc = query_next(&q, err);
	if (rc != 1)
		return rc == 0 ? ERR_NOT_FOUND : rc;
	*ret = column_event(&q, 0, err);
	return *ret != NULL ? 0 : ERR_CORRUPT;
}

static int read_related(void *ctx, int64_t id, struct related_row *ret, struct err *err)
{
	struct sqlite_reader *r = ctx;
	struct db_query AUTO_QUERY q = query_begin(&r->db, R_RELATED_GET);
	query_int(&q, id);
	int rc = query_next(&q, err);
	if (rc != 1)
		return rc == 0 ? ERR_NOT_FOUND : rc;
	column_related(&q, ret, NULL);
	ret->names = NULL; /* they end with the query */
	return 0;
}

static int read_related_of_saga(void *ctx, int64_t saga, void *each_ctx,
								int (*each)(void *each_ctx, const struct related_row *row), struct err *err)
{
	return read_related_of(ctx, saga, each_ctx, each, err);
}

static int read_steps(void *ctx, int64_t saga, int64_t step, void *each_ctx,
					  int (*each)(void *each_ctx, const struct step_row *row, struct err *err),
					  struct err *err)
{
	struct sqlite_reader *r = ctx;
	struct db_query AUTO_QUERY q = query_begin(&r->db, R_STEPS);
	query_int(&q, saga);
	query_int(&q, step);
	int rc = query_next(&q, err);
	for (; rc == 1; rc = query_next(&q, err)) {
		struct step_row row;
		column_step_row(&q, &row);
		int stop = each(each_ctx, &row, err);
		if (stop != 0)
			return stop;
	}
	return rc;
}

static int has_step(void *ctx, int64_t saga, uint16_t step, bool *ret, struct err *err)
{
	struct sqlite_reader *r = ctx;
	struct db_query AUTO_QUERY q = query_begin(&r->db, R_STEP_WHY);
	query_int(&q, saga);
	query_int(&q, step);
	int rc = query_next(&q, err);
	*ret = rc == 1;
	return rc < 0 ? rc : 0;
}

static int verify_run(void *ctx, void *report_ctx, void (*report)(void *report_ctx, const char *line),
					  int64_t *ret_findings, struct err *err)
{
	const struct verify_source source = {
		.ctx = ctx,
		.database = check_database,
		.begin = slice_begin,
		.end = slice_end,
		.slice_over = slice_over,
		.commits = read_commits,
		.log = read_log,
		.log_rows = read_log_rows,
		.last_log = read_last_log,
		.figures = slice_figures,
		.sagas = read_sagas,
		.saga = read_one_saga,
		.decode = decode_saga,
		.event = read_event,
		.related = read_related,
		.related_of = read_related_of_saga,
		.steps = read_steps,
		.has_step = has_step,
	};
	return store_verify_run(&source, report_ctx, report, ret_findings, err);
}

void verify_ops(struct store_reader *ops)
{
	ops->verify = verify_run;
}
