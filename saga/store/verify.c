/* The checks of `almoner verify`. They run in slices, so verify may run beside a daemon. */
#include "saga/store/verify_internal.h"

#include <string.h>

#include "saga/store/cursor.h"

#include "saga/base/digest.h"
#include "saga/store/index.h"

/* ---- the log ---- */

/* Every record decodes. A related event that waited for its gift is looked up: no saga leads to it. */
static int check_records(struct store_verification *v, const struct log_row *row, struct err *err)
{
	struct records_reader records = records_read(row->head, row->personal, row->at_ms);
	struct record record;
	struct err why = { 0 };
	int bad = 0;
	int rc = records_next(&records, &record, &why);
	for (; rc == 1 && bad == 0; rc = records_next(&records, &record, &why))
		if (row->subject == SUBJECT_RELATED && record.digest.len == DIGEST_BYTES)
			bad = verify_related(v, row->subject_id, record.digest, err);
	if (rc < 0)
		store_verify_finding(v, "log row %lld does not decode: %s", (long long)row->number, why.text);
	return bad;
}

/* `number` and `commit`: what the row should carry. */
static int check_row(struct store_verification *v, const struct log_row *row, int64_t number, int64_t commit,
					 struct err *err)
{
	static const uint8_t zeros[32];
	if (row->number != number)
		store_verify_finding(v, "log: rows %lld to %lld are missing", (long long)number,
							 (long long)row->number - 1);
	if (row->commit != commit)
		store_verify_finding(v, "log row %lld names commit %lld, but belongs to commit %lld",
							 (long long)row->number, (long long)row->commit, (long long)commit);
	if (row->personal.len > 0) {
		uint8_t digest[32];
		store_personal_digest(row->salt, row->personal, digest);
		if (memcmp(digest, row->personal_digest, sizeof digest) != 0)
			store_verify_finding(v, "log row %lld: its personal part was changed after it was recorded",
								 (long long)row->number);
	} else if (memcmp(row->salt, zeros, sizeof row->salt) != 0) {
		store_verify_finding(v,
							 "log row %lld: its personal part is missing, but its salt is there: it was not "
							 "forgotten by almoner",
							 (long long)row->number);
	}
	return check_records(v, row, err);
}

/* The log rows of one commit. */
struct commit_check {
	struct store_verification *v;
	struct store_chain *chain;
	int64_t commit;
	int64_t next; /* the number that the next row should have */
	struct err *err;
};

static int add_row(void *ctx, const struct log_row *row)
{
	struct commit_check *c = ctx;
	int rc = check_row(c->v, row, c->next, c->commit, c->err);
	store_chain_row(c->chain, row);
	verify_rows_add(c->v, row);
	c->next = row->number + 1;
	return rc;
}

/* Reads and checks the log rows of one commit; ret_digest is their chain digest. */
static int check_rows(struct store_verification *v, const struct chain_row *c, uint8_t ret_digest[32],
					  struct err *err)
{
	struct commit_check check = { .v = v, .commit = c->commit, .next = c->first, .err = err };
	store_chain_begin(&check.chain, v->last.digest);
	int rc = v->source->log(v->source->ctx, c->first, c->last, &check, add_row, err);
	store_chain_figures(check.chain, c);
	store_chain_end(check.chain, ret_digest);
	if (rc == 0 && check.next <= c->last)
		store_verify_finding(v, "log: rows %lld to %lld are missing", (long long)check.next,
							 (long long)c->last);
	return rc;
}

/* A start needs every commit from the last full copy on, so one finding is enough until the next full copy. */
static void check_figures(struct store_verification *v, const struct chain_row *c)
{
	struct err why = { 0 };
	if (store_commit_is_full(c->commit)) {
		store_figures_free(&v->figures);
		v->figures_lost = false;
	}
	if (v->figures_lost || store_figures_add(&v->figures, c, &why) == 0)
		return;
	v->figures_lost = true;
	store_verify_finding(v, "chain: %s", why.text);
}

/* Each partition has a chain of its own. */
static void begin_partition(struct store_verification *v, const struct chain_row *first)
{
	int64_t numbers = first->commit & ~STORE_NUMBER_MAX;
	if ((v->last.commit & ~STORE_NUMBER_MAX) != numbers)
		v->last = (struct chain_row){ .commit = numbers, .last = numbers };
}

/* v->last is the commit before, and this commit afterwards. */
static int check_commit(void *ctx, const struct chain_row *c, struct err *err)
{
	struct store_verification *v = ctx;
	begin_partition(v, c);
	v->rows_lost = v->rows_lost || c->first != v->last.last + 1;
	if (c->commit != v->last.commit + 1)
		store_verify_finding(v, "chain: commits %lld to %lld are missing", (long long)v->last.commit + 1,
							 (long long)c->commit - 1);
	else if (c->first != v->last.last + 1 || c->last < c->first - 1)
		store_verify_finding(
			v,
			"chain: commit %lld begins at log row %lld and ends at %lld, but the commit before it "
			"ended at %lld",
			(long long)c->commit, (long long)c->first, (long long)c->last, (long long)v->last.last);
	uint8_t digest[32];
	int rc = check_rows(v, c, digest, err);
	if (rc == 0 && memcmp(digest, c->digest, sizeof digest) != 0)
		store_verify_finding(v, "chain: commit %lld (log rows %lld to %lld) was changed after it was written",
							 (long long)c->commit, (long long)c->first, (long long)c->last);
	check_figures(v, c);
	v->last = *c; /* continue from the stored digest, so that one damaged commit is one finding */
	return rc != 0 ? rc : v->source->slice_over(v->source->ctx);
}

static int check_log_end(struct store_verification *v, struct err *err)
{
	int64_t number = 0;
	int rc = v->source->last_log(v->source->ctx, &number, err);
	if (rc == 0 && number > v->last.last)
		store_verify_finding(v,
							 "chain: the last commit ends at log row %lld, but the log continues to row %lld",
							 (long long)v->last.last, (long long)number);
	return rc;
}

/* Returns 1 when rows are left for another slice, like saga_slice and step_slice below. */
static int log_slice(struct store_verification *v, struct err *err)
{
	int rc = v->source->commits(v->source->ctx, v->last.commit, v, check_commit, err);
	return rc == 0 ? check_log_end(v, err) : rc;
}

/* ---- sagas ---- */

static int check_step_rows(struct store_verification *v, const struct saga *s, struct err *err)
{
	for (unsigned i = 0; i < s->step_count; i++) {
		if (s->steps[i].location != LOCATION_DISK)
			continue;
		bool found = false;
		int rc = v->source->has_step(v->source->ctx, s->id, (uint16_t)i, &found, err);
		if (rc != 0)
			return rc;
		if (!found)
			store_verify_finding(v, "saga %lld: step %s waits on disk, but has no step row", (long long)s->id,
								 s->plan->steps[i].name);
	}
	return 0;
}

/* A saga that does not decode is a finding; an error only when reading fails. */
static int check_saga(void *ctx, const struct saga_row *row, struct err *err)
{
	struct store_verification *v = ctx;
	struct saga *s = NULL;
	struct err why = { 0 };
	v->saga = row->id;
	int rc = v->source->decode(v->source->ctx, row, &s, &why);
	if (rc != 0) {
		store_verify_finding(v, "%s", why.text);
		verify_rows_unknown(v, row->id);
		return v->source->slice_over(v->source->ctx);
	}
	if (row->state != s->state || !store_index_fits(row, s) || row->created_ms != s->created_ms)
		store_verify_finding(v, "saga %lld: its columns contradict its value", (long long)s->id);
	else if (store_index_left_out(row) && v->marks_known && !store_index_marked(&v->now.marks, s->id))
		store_verify_finding(
			v,
			"saga %lld is under way, but a start would not find it: it is neither in the index "
			"nor between the low-water mark and its reach",
			(long long)s->id);
	const char *broken = saga_check(s);
	if (broken != NULL)
		store_verify_finding(v, "saga %lld is inconsistent: %s", (long long)s->id, broken);
	rc = check_step_rows(v, s, err);
	if (rc == 0)
		rc = verify_events_of(v, row, s, err);
	saga_destroy(s);
	return rc != 0 ? rc : v->source->slice_over(v->source->ctx);
}

/* Figures that do not decode were reported with the log. */
static int saga_slice(struct store_verification *v, struct err *err)
{
	int rc = v->source->figures(v->source->ctx, &v->now, err);
	v->marks_known = rc == 0;
	if (rc != 0 && rc != ERR_CORRUPT)
		return rc;
	rc = v->source->sagas(v->source->ctx, v->saga, v, check_saga, err);
	store_figures_free(&v->now);
	return rc;
}

/* ---- waiting steps ---- */

/* The reverse of check_step_rows: each step row must belong to a step that waits on disk. */
static int check_step(void *ctx, const struct step_row *row, struct err *err)
{
	struct store_verification *v = ctx;
	struct saga *s = NULL;
	v->step_saga = row->saga;
	v->step = row->step;
	int rc = v->source->saga(v->source->ctx, row->saga, &s, err);
	if (rc == ERR_NOT_FOUND)
		store_verify_finding(v, "step row %lld/%u: there is no such saga", (long long)row->saga, row->step);
	else if (s != NULL && row->step >= s->step_count)
		store_verify_finding(v, "step row %lld/%u: its saga has no such step", (long long)row->saga,
							 row->step);
	else if (s != NULL && s->steps[row->step].location != LOCATION_DISK)
		store_verify_finding(v, "step row %lld/%u: according to its saga the step does not wait on disk",
							 (long long)row->saga, row->step);
	saga_destroy(s);
	return rc == 0 || rc == ERR_NOT_FOUND ? v->source->slice_over(v->source->ctx) : rc;
}

static int step_slice(struct store_verification *v, struct err *err)
{
	return v->source->steps(v->source->ctx, v->step_saga, v->step, v, check_step, err);
}

/* ---- all of it ---- */

/* Each slice is one transaction, so everything that it compares is of one moment. */
static int run_in_slices(struct store_verification *v,
						 int (*slice)(struct store_verification *v, struct err *err), struct err *err)
{
	int rc = 1;
	while (rc == 1) {
		rc = v->source->begin(v->source->ctx, err);
		if (rc == 0)
			rc = slice(v, err);
		int ended = v->source->end(v->source->ctx, rc < 0 ? NULL : err);
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
	store_verify_finding(v, "%s cannot be read further: %s", what, err->text);
	v->rows_lost = true;
	return 0;
}

static int run_parts(struct store_verification *v, struct err *err)
{
	int rc = v->source->database != NULL ? v->source->database(v->source->ctx, v, err) : 0;
	rc = part_end(v, "the database", rc, err);
	v->rows_lost = false;
	if (rc == 0)
		rc = part_end(v, "the log", run_in_slices(v, log_slice, err), err);
	if (rc == 0)
		rc = part_end(v, "the sagas", run_in_slices(v, saga_slice, err), err);
	if (rc == 0 && !v->rows_lost)
		verify_rows_end(v);
	return rc == 0 ? part_end(v, "the step rows", run_in_slices(v, step_slice, err), err) : rc;
}

/* Four parts, one after the other: the database, the log, the sagas, the step rows. */
int store_verify_run(const struct verify_source *source, void *report_ctx,
					 void (*report)(void *report_ctx, const char *line), int64_t *ret_findings,
					 struct err *err)
{
	struct store_verification v = {
		.source = source, .report_ctx = report_ctx, .report = report, .step = -1
	};
	struct err local = { 0 };
	struct err *e = err != NULL ? err : &local;
	verify_rows_begin(&v);
	int rc = run_parts(&v, e);
	verify_rows_free(&v);
	store_figures_free(&v.figures);
	if (rc == 0)
		*ret_findings = v.findings;
	return rc;
}
