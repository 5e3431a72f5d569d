/* `almoner verify`: the database's own integrity check, the chain over the log, and the decoding of every
 * value. It reads in slices, so it may run beside a daemon. */
#include "saga/store/sqlite/read.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "saga/base/mem.h"

struct store_verification {
	struct sqlite_reader *r;
	void *report_ctx;
	void (*report)(void *report_ctx, const char *line);
	int64_t findings;
	/* The position of the check between two slices. */
	struct chain_row last; /* the commit checked last */
	int64_t saga;          /* the saga checked last */
	int64_t step_saga;     /* saga and number of the step row checked last */
	int64_t step;
};

static void PRINTF_LIKE(2, 3) report_finding(struct store_verification *v, const char *fmt, ...)
{
	char line[512];
	va_list args;
	va_start(args, fmt);
	vsnprintf(line, sizeof line, fmt,
			  args); /* NOLINT(clang-analyzer-valist.Uninitialized): va_start initialized it */
	va_end(args);
	v->findings++;
	v->report(v->report_ctx, line);
}

/* ---- the database itself ---- */

static int check_table(struct store_verification *v, const char *table, struct err *err)
{
	char sql[64];
	snprintf(sql, sizeof sql, "PRAGMA integrity_check(%s)", table);
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(v->r->db.handle, sql, -1, &st, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	for (; rc == SQLITE_ROW; rc = sqlite3_step(st)) {
		const char *line = (const char *)sqlite3_column_text(st, 0);
		if (line != NULL && strcmp(line, "ok") != 0)
			report_finding(v, "table %s: %s", table, line);
	}
	int code = rc == SQLITE_DONE ? 0 : db_error(&v->r->db, rc, "cannot check the database", err);
	(void)sqlite3_finalize(st); /* repeats the step's code */
	return code;
}

/* Checks table by table, to keep each read transaction short. One table is one transaction of any length,
 * because SQLite's check cannot be split further. */
static int check_database(struct store_verification *v, struct err *err)
{
	static const char *const tables[] = { "plan",    "saga",     "event",   "claim",        "claim_new",
										  "related", "step",     "job",     "target",       "log",
										  "chain",   "counters", "refused", "refused_total" };
	v->r->db.deadline_ms = INT64_MAX;
	for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
		int rc = check_table(v, tables[i], err);
		if (rc != 0)
			return rc;
	}
	return 0;
}

/* ---- the log ---- */

/* `number` and `commit`: what the row should carry. */
static void check_row(struct store_verification *v, const struct log_row *row, int64_t number, int64_t commit)
{
	static const uint8_t zeros[32];
	if (row->number != number)
		report_finding(v, "log: rows %lld to %lld are missing", (long long)number,
					   (long long)row->number - 1);
	if (row->commit != commit)
		report_finding(v, "log row %lld names commit %lld, but belongs to commit %lld",
					   (long long)row->number, (long long)row->commit, (long long)commit);
	if (row->personal.len > 0) {
		uint8_t digest[32];
		store_personal_digest(row->salt, row->personal, digest);
		if (memcmp(digest, row->personal_digest, sizeof digest) != 0)
			report_finding(v, "log row %lld: its personal part was changed after it was recorded",
						   (long long)row->number);
	} else if (memcmp(row->salt, zeros, sizeof row->salt) != 0) {
		report_finding(v,
					   "log row %lld: its personal part is missing, but its salt is there: it was not "
					   "forgotten by almoner",
					   (long long)row->number);
	}
	struct records_reader records = records_read(row->head, row->personal);
	struct record record;
	struct err why = { 0 };
	int rc = records_next(&records, &record, &why);
	while (rc == 1)
		rc = records_next(&records, &record, &why);
	if (rc < 0)
		report_finding(v, "log row %lld does not decode: %s", (long long)row->number, why.text);
}

/* Reads and checks the log rows of one commit; ret_digest is their chain digest. */
static int check_rows(struct store_verification *v, const struct chain_row *c, uint8_t ret_digest[32],
					  struct err *err)
{
	struct store_chain *chain = NULL;
	store_chain_begin(&chain, v->last.digest);
	struct db_query AUTO_QUERY q = query_begin(&v->r->db, R_CHAIN_ROWS);
	query_int(&q, c->first);
	query_int(&q, c->last);
	int64_t number = c->first;
	int rc = query_next(&q, err);
	for (; rc == 1; rc = query_next(&q, err)) {
		struct log_row row;
		column_log_row(&q, &row);
		check_row(v, &row, number, c->commit);
		store_chain_row(chain, &row);
		number = row.number + 1;
	}
	store_chain_end(chain, ret_digest);
	if (rc == 0 && number <= c->last)
		report_finding(v, "log: rows %lld to %lld are missing", (long long)number, (long long)c->last);
	return rc;
}

/* v->last is the commit before, and this commit afterwards. */
static int check_commit(struct store_verification *v, const struct chain_row *c, struct err *err)
{
	if (c->commit != v->last.commit + 1)
		report_finding(v, "chain: commits %lld to %lld are missing", (long long)v->last.commit + 1,
					   (long long)c->commit - 1);
	else if (c->first != v->last.last + 1 || c->last < c->first - 1)
		report_finding(v,
					   "chain: commit %lld begins at log row %lld and ends at %lld, but the commit before it "
					   "ended at %lld",
					   (long long)c->commit, (long long)c->first, (long long)c->last,
					   (long long)v->last.last);
	uint8_t digest[32];
	int rc = check_rows(v, c, digest, err);
	if (rc == 0 && memcmp(digest, c->digest, sizeof digest) != 0)
		report_finding(v, "chain: commit %lld (log rows %lld to %lld) was changed after it was written",
					   (long long)c->commit, (long long)c->first, (long long)c->last);
	v->last = *c; /* continue from the stored digest, so that one damaged commit is one finding */
	return rc;
}

static int check_log_end(struct store_verification *v, struct err *err)
{
	struct db_query AUTO_QUERY q = query_begin(&v->r->db, R_LAST_LOG);
	int rc = query_next(&q, err);
	if (rc == 1 && column_int(&q, 0) > v->last.last)
		report_finding(v, "chain: the last commit ends at log row %lld, but the log continues to row %lld",
					   (long long)v->last.last, (long long)column_int(&q, 0));
	return rc < 0 ? rc : 0;
}

/* Returns 1 when rows are left for another slice, like saga_slice and step_slice below. */
static int log_slice(struct store_verification *v, struct err *err)
{
	struct db_query AUTO_QUERY q = query_begin(&v->r->db, R_CHAIN);
	query_int(&q, v->last.commit);
	int rc = query_next(&q, err);
	for (; rc == 1; rc = query_next(&q, err)) {
		struct chain_row c = { .commit = column_int(&q, 0),
							   .first = column_int(&q, 1),
							   .last = column_int(&q, 2),
							   .at_ms = column_int(&q, 3) };
		column_fixed(&q, 4, c.digest, sizeof c.digest);
		int bad = check_commit(v, &c, err);
		if (bad != 0)
			return bad;
		if (read_slice_over(v->r))
			return 1;
	}
	return rc == 0 ? check_log_end(v, err) : rc;
}

/* ---- sagas ---- */

struct event_search {
	const uint8_t *digest;
	unsigned rows;
	bool recorded; /* some record holds the digest of an event */
	bool found;    /* … the digest that is searched for */
};

/* Compares the digests of 32 bytes, which are of events; a digest of 16 bytes is of a request body. */
static int search_log_row(struct db_query *q, struct event_search *search)
{
	struct log_row row;
	column_log_row(q, &row);
	search->rows++;
	struct records_reader records = records_read(row.head, row.personal);
	struct record record;
	int rc = records_next(&records, &record, NULL); /* log_slice reports damage */
	for (; rc == 1; rc = records_next(&records, &record, NULL)) {
		if (record.digest.len != 32)
			continue;
		search->recorded = true;
		search->found = search->found || memcmp(record.digest.p, search->digest, 32) == 0;
	}
	return 0;
}

static int search_log(struct store_verification *v, int64_t saga, struct event_search *search,
					  struct err *err)
{
	struct db_query AUTO_QUERY q = query_begin(&v->r->db, R_LOG_SAGA);
	query_int(&q, 0);
	query_int(&q, INT64_MAX);
	query_int(&q, saga);
	int rc = query_next(&q, err);
	for (; rc == 1; rc = query_next(&q, err))
		(void)search_log_row(&q, search);
	return rc;
}

/* The log holds the salted digest of every accepted event: a missing or changed event shows. A forgotten
 * event has no salt any more, so only its presence is checked. */
static int check_event(struct store_verification *v, int64_t saga, struct err *err)
{
	static const uint8_t zeros[EVENT_SALT_BYTES];
	struct event *event = NULL;
	{
		struct db_query AUTO_QUERY q = query_begin(&v->r->db, R_EVENT_GET);
		query_int(&q, saga);
		int rc = query_next(&q, err);
		if (rc < 0)
			return rc;
		if (rc == 1)
			event = column_event(&q, 0);
	}
	static const uint8_t no_digest[32];
	struct event_search search = { .digest = event != NULL ? event->digest : no_digest };
	int rc = search_log(v, saga, &search, err);
	bool forgotten = event != NULL && memcmp(event->salt, zeros, sizeof zeros) == 0;
	event_unref(event);
	if (rc != 0)
		return rc;
	if (search.rows == 0)
		report_finding(v, "saga %lld: the log has no row about it", (long long)saga);
	else if (event == NULL && search.recorded)
		report_finding(v, "saga %lld: its event is missing", (long long)saga);
	else if (!forgotten && search.recorded && !search.found)
		report_finding(v, "saga %lld: its event was changed after it was recorded", (long long)saga);
	return 0;
}

static int check_step_rows(struct store_verification *v, const struct saga *s, struct err *err)
{
	for (unsigned i = 0; i < s->step_count; i++) {
		if (s->steps[i].location != LOCATION_DISK)
			continue;
		struct db_query AUTO_QUERY q = query_begin(&v->r->db, R_STEP_WHY);
		query_int(&q, s->id);
		query_int(&q, i);
		int rc = query_next(&q, err);
		if (rc < 0)
			return rc;
		if (rc == 0)
			report_finding(v, "saga %lld: step %s waits on disk, but has no step row", (long long)s->id,
						   s->plan->steps[i].name);
	}
	return 0;
}

/* A saga that does not decode is a finding; an error only when reading fails. */
static int check_saga(struct store_verification *v, struct db_query *q, struct err *err)
{
	struct saga *s = NULL;
	struct err why = { 0 };
	int rc = read_saga(v->r, q, &s, &why);
	if (rc != 0) {
		report_finding(v, "%s", why.text);
		return 0;
	}
	if (column_int(q, 2) != s->state || column_int(q, 3) != saga_is_live(s) ||
		column_int(q, 4) != s->created_ms)
		report_finding(v, "saga %lld: its columns contradict its value", (long long)s->id);
	const char *broken = saga_check(s);
	if (broken != NULL)
		report_finding(v, "saga %lld is inconsistent: %s", (long long)s->id, broken);
	rc = check_step_rows(v, s, err);
	if (rc == 0)
		rc = check_event(v, s->id, err);
	saga_destroy(s);
	return rc;
}

static int saga_slice(struct store_verification *v, struct err *err)
{
	struct db_query AUTO_QUERY q = query_begin(&v->r->db, R_SAGAS);
	query_int(&q, v->saga);
	int rc = query_next(&q, err);
	for (; rc == 1; rc = query_next(&q, err)) {
		v->saga = column_int(&q, 0);
		int bad = check_saga(v, &q, err);
		if (bad != 0)
			return bad;
		if (read_slice_over(v->r))
			return 1;
	}
	return rc;
}

/* ---- waiting steps ---- */

/* The reverse of check_step_rows: each step row must belong to a step that waits on disk. */
static int check_step(struct store_verification *v, const struct step_row *row, struct err *err)
{
	struct db_query AUTO_QUERY q = query_begin(&v->r->db, R_SAGA_GET);
	query_int(&q, row->saga);
	int rc = query_next(&q, err);
	if (rc < 0)
		return rc;
	struct saga *s = NULL;
	if (rc == 0)
		report_finding(v, "step row %lld/%u: there is no such saga", (long long)row->saga, row->step);
	else if (read_saga(v->r, &q, &s, NULL) == 0 && row->step >= s->step_count)
		report_finding(v, "step row %lld/%u: its saga has no such step", (long long)row->saga, row->step);
	else if (s != NULL && s->steps[row->step].location != LOCATION_DISK)
		report_finding(v, "step row %lld/%u: according to its saga the step does not wait on disk",
					   (long long)row->saga, row->step);
	saga_destroy(s);
	return 0;
}

static int step_slice(struct store_verification *v, struct err *err)
{
	struct db_query AUTO_QUERY q = query_begin(&v->r->db, R_STEPS);
	query_int(&q, v->step_saga);
	query_int(&q, v->step);
	int rc = query_next(&q, err);
	for (; rc == 1; rc = query_next(&q, err)) {
		struct step_row row;
		column_step_row(&q, &row);
		v->step_saga = row.saga;
		v->step = row.step;
		int bad = check_step(v, &row, err);
		if (bad != 0)
			return bad;
		if (read_slice_over(v->r))
			return 1;
	}
	return rc;
}

/* ---- all of it ---- */

static int run_statement(struct store_verification *v, enum reader_statement which, struct err *err)
{
	struct db_query AUTO_QUERY q = query_begin(&v->r->db, which);
	return query_run(&q, err);
}

/* Each slice is one transaction, so everything that it compares is of one moment. */
static int run_in_slices(struct store_verification *v,
						 int (*slice)(struct store_verification *v, struct err *err), struct err *err)
{
	int rc = 1;
	while (rc == 1) {
		read_slice(v->r);
		rc = run_statement(v, R_BEGIN, err);
		if (rc == 0)
			rc = slice(v, err);
		int ended =
			sqlite3_get_autocommit(v->r->db.handle) ? 0 : run_statement(v, R_END, rc < 0 ? NULL : err);
		rc = rc < 0 || ended == 0 ? rc : ended;
	}
	return rc;
}

/* Damage that makes a part unreadable is a finding, and verify continues with the next part. Other errors
 * end it. */
static int part_end(struct store_verification *v, const char *what, int rc, struct err *err)
{
	if (rc != ERR_CORRUPT)
		return rc;
	report_finding(v, "%s cannot be read further: %s", what, err->text);
	return 0;
}

/* Four parts, one after the other: the database, the log, the sagas, the step rows. */
static int verify_run(void *ctx, void *report_ctx, void (*report)(void *report_ctx, const char *line),
					  int64_t *ret_findings, struct err *err)
{
	struct store_verification v = { .r = ctx, .report_ctx = report_ctx, .report = report, .step = -1 };
	struct err local = { 0 };
	struct err *e = err != NULL ? err : &local;
	int rc = part_end(&v, "the database", check_database(&v, e), e);
	if (rc == 0)
		rc = part_end(&v, "the log", run_in_slices(&v, log_slice, e), e);
	if (rc == 0)
		rc = part_end(&v, "the sagas", run_in_slices(&v, saga_slice, e), e);
	if (rc == 0)
		rc = part_end(&v, "the step rows", run_in_slices(&v, step_slice, e), e);
	if (rc == 0)
		*ret_findings = v.findings;
	return rc;
}

void verify_ops(struct store_reader *ops)
{
	ops->verify = verify_run;
}
