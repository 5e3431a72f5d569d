/* Sagas under way that are left out of the store's index: what a start needs to find them, and that it does. */
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "saga/base/mem.h"
#include "saga/journal/state/low_mark.h"
#include "saga/model/figure_ids.h"
#include "tests/unit/journal/journal_fixture.h"

/* ---- the mark itself, beside a plain list of what is left out ---- */

#define NUMBERS 600

struct model {
	uint64_t seed;
	struct low_mark mark;
	struct tally stored; /* what the encoded marks add up to */
	int64_t stride, span, first, last;
	bool left_out[NUMBERS]; /* by (id - first) / stride */
	int64_t low_before;
};

static uint64_t below(struct model *m, uint64_t bound)
{
	m->seed = m->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (m->seed >> 33) % bound;
}

static int64_t id_of(const struct model *m, size_t i)
{
	return m->first + (int64_t)i * m->stride;
}

static size_t number_of(const struct model *m, int64_t id)
{
	return (size_t)((id - m->first) / m->stride);
}

static void model_begin(struct model *m, uint64_t seed)
{
	static const int64_t strides[] = { 1, 1, 7 };
	*m = (struct model){ .seed = seed };
	m->stride = strides[below(m, 3)];
	m->span = 1 + (int64_t)below(m, 90);
	m->last = (int64_t)below(m, 1000) * m->stride;
	m->first = m->last + m->stride;
	struct store_head head = { .last_saga = m->last, .stride = m->stride };
	assert_int_equal(low_mark_load(&m->mark, &head, m->span, NULL), 0);
}

/* Whatever is left out lies between the stored mark and the stored reach, which are not far from each other. */
static void check_stored(struct model *m)
{
	int64_t low = tally_value(&m->stored, figure_of_mark(0, MARK_LOW));
	int64_t reach = tally_value(&m->stored, figure_of_mark(0, MARK_REACH));
	assert_true(low >= m->low_before);
	assert_true(reach <= m->last && (reach - low) / m->stride < m->span);
	m->low_before = low;
	for (size_t i = 0; i < NUMBERS; i++) {
		assert_int_equal(low_mark_left_out(&m->mark, id_of(m, i)), m->left_out[i]);
		assert_true(!m->left_out[i] || (id_of(m, i) >= low && id_of(m, i) <= reach));
	}
}

/* A batch as the journal writes it: some new sagas, then what lags, then the sagas of the batch. */
static void model_batch(struct model *m, bool full)
{
	int64_t before = m->last;
	m->last += (int64_t)below(m, 4) * m->stride;
	int64_t lagging;
	while ((lagging = low_mark_lagging(&m->mark, m->last)) != 0) {
		assert_true(m->left_out[number_of(m, lagging)]);
		assert_true((m->last - lagging) / m->stride >= m->span);
		m->left_out[number_of(m, lagging)] = false;
	}
	for (int64_t id = before + m->stride; id <= m->last; id += m->stride) {
		bool out = below(m, 3) > 0 && low_mark_permits(&m->mark, id);
		low_mark_set(&m->mark, id, out);
		m->left_out[number_of(m, id)] = out;
	}
	for (uint64_t k = below(m, 6); k > 0 && m->last >= m->first; k--) {
		size_t i = below(m, number_of(m, m->last) + 1);
		bool out = below(m, 4) == 0 && low_mark_permits(&m->mark, id_of(m, i));
		low_mark_set(&m->mark, id_of(m, i), out);
		m->left_out[i] = out;
	}
	assert_int_equal(tally_apply(&m->stored, low_mark_encode(&m->mark, full), NULL), 0);
	check_stored(m);
}

static void what_is_left_out_is_between_mark_and_reach(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 300; seed++) {
		struct model m;
		model_begin(&m, seed);
		for (bool full = true; number_of(&m, m.last) < NUMBERS - 8 || m.last < m.first;
			 full = below(&m, 50) == 0)
			model_batch(&m, full);
		low_mark_free(&m.mark);
		tally_free(&m.stored);
	}
}

static void a_commit_that_changes_nothing_stores_nothing(void **state)
{
	(void)state;
	struct low_mark m = { 0 };
	struct store_head head = { .last_saga = 0, .stride = 1 };
	assert_int_equal(low_mark_load(&m, &head, 64, NULL), 0);
	assert_true(low_mark_encode(&m, true).len > 0);
	assert_int_equal(low_mark_encode(&m, false).len, 0);
	for (int64_t last = 1; last < 1000; last++) { /* sagas that wait in rows */
		assert_int_equal(low_mark_lagging(&m, last), 0);
		low_mark_set(&m, last, false);
		assert_int_equal(low_mark_encode(&m, false).len, 0);
	}
	assert_int_equal(low_mark_lagging(&m, 1000), 0);
	low_mark_set(&m, 1000, true);
	assert_int_not_equal(low_mark_encode(&m, false).len, 0);
	low_mark_free(&m);
}

static void marks_that_contradict_each_other_are_refused(void **state)
{
	(void)state;
	static const struct {
		int64_t low, reach;
		int code;
	} cases[] = { { 8, 9, 0 },           { 11, 10, 0 },
				  { 1, 0, 0 },           { 12, 10, ERR_CORRUPT },
				  { 0, 5, ERR_CORRUPT }, { -3, 5, ERR_CORRUPT },
				  { 9, 11, ERR_CORRUPT } };
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct low_mark m = { 0 };
		struct err err = { 0 };
		struct store_head head = { .last_saga = 10, .stride = 1, .figures = { .commit = 3 } };
		tally_add(&head.figures.marks, figure_of_mark(0, MARK_LOW), cases[i].low);
		tally_add(&head.figures.marks, figure_of_mark(0, MARK_REACH), cases[i].reach);
		assert_int_equal(low_mark_load(&m, &head, 64, &err), cases[i].code);
		assert_int_equal(strstr(err.text, "low-water mark") != NULL, cases[i].code != 0);
		low_mark_free(&m);
		store_figures_free(&head.figures);
	}
}

/* ---- in the journal ---- */

static int64_t query(const struct journal_fixture *r, const char *sql)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *st = NULL;
	assert_int_equal(sqlite3_open_v2(r->path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	int64_t value = sqlite3_column_int64(st, 0);
	assert_int_equal(sqlite3_finalize(st), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	return value;
}

static int64_t indexed(struct journal_fixture *r, enum saga_index index)
{
	return fixture_count_sagas(r, index, -1);
}

static int64_t accept_nth(struct journal_fixture *r, unsigned i)
{
	char *id AUTO_FREE = mem_printf("event %u", i);
	return fixture_accept_id(r, id);
}

static void use_crm(struct journal_fixture *r)
{
	fixture_use_plan(r, "crm", POLICY_CONTINUE);
}

static void a_saga_that_succeeds_at_once_is_never_in_the_index(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	use_crm(r);
	for (unsigned i = 0; i < 20; i++) {
		int64_t id = accept_nth(r, i);
		assert_int_equal(indexed(r, SAGA_INDEX_NONE), id);
		fixture_finish(r, id, CRM, OUTCOME_OK);
		assert_int_equal(indexed(r, SAGA_INDEX_NONE), id);
	}
}

static void a_saga_that_leaves_the_usual_path_is_in_the_index(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	use_crm(r);
	int64_t retried = accept_nth(r, 1), rejected = accept_nth(r, 2);
	accept_nth(r, 3);
	fixture_finish(r, rejected, CRM, OUTCOME_REJECTED);
	fixture_finish(r, retried, CRM, OUTCOME_UNREACHABLE);
	assert_int_equal(indexed(r, SAGA_INDEX_OPEN), 2);
	fixture_wait(r, 10000);
	fixture_claim(r, CRM, 1); /* by now the mark stands behind it */
	assert_int_equal(indexed(r, SAGA_INDEX_LIVE), 1);
	fixture_finish(r, retried, CRM, OUTCOME_OK);
	assert_int_equal(indexed(r, SAGA_INDEX_LIVE), 0);
	assert_int_equal(indexed(r, SAGA_INDEX_OPEN), 1);
}

/* One attempt hangs while a whole span of later sagas ends: its saga is written into the index once. */
static void a_hung_attempt_does_not_hold_the_mark(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	fixture_close(r);
	r->low_mark_span = 64;
	fixture_open(r);
	use_crm(r);
	int64_t hung = accept_nth(r, 0);
	for (unsigned i = 1; i < 200; i++) {
		int64_t id = accept_nth(r, i);
		assert_int_equal(indexed(r, SAGA_INDEX_LIVE), i < 64 ? 0 : 1);
		fixture_finish(r, id, CRM, OUTCOME_OK);
	}
	fixture_audit(r);
	fixture_crash(r);
	fixture_assert_step(r, hung, "crm", STEP_RETRY_WAIT, REASON_NONE);
	fixture_verify(r);
}

/* Live sagas in the index and outside of it, below the mark and above it. */
static void fill(struct journal_fixture *r, unsigned count)
{
	r->admission[BOOKS] = ADMISSION_DISK;
	for (unsigned i = 0; i < count; i++) {
		fixture_use_plan(r, i % 3 == 2 ? "books" : "crm", POLICY_CONTINUE);
		int64_t id = accept_nth(r, i);
		if (i % 3 == 1)
			fixture_finish(r, id, CRM, i % 2 == 0 ? OUTCOME_OK : OUTCOME_UNREACHABLE);
		if (i % 9 == 6)
			fixture_verb(r, id, VERB_PAUSE, -1);
	}
}

static void assert_nothing_is_live(struct journal_fixture *r)
{
	assert_int_equal(indexed(r, SAGA_INDEX_LIVE), 0);
	assert_int_equal(fixture_count_sagas(r, SAGA_INDEX_NONE, SAGA_RUNNING), 0);
}

/* The start after the crash fails at each of its commits in turn: the next one finds what is left. */
static void a_crash_during_the_recovery_loses_no_saga(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	fixture_close(r);
	bool done = false;
	long failing = 1;
	for (; !done; failing++) {
		fixture_remove_store(r);
		fixture_open(r);
		fill(r, 200);
		fixture_close(r);
		struct err err = { 0 };
		r->commits_until_failure = failing;
		done = fixture_try_open(r, &err) == 0;
		r->commits_until_failure = 0;
		if (done)
			break;
		fixture_open(r);
		fixture_audit(r);
		assert_nothing_is_live(r);
		fixture_verify(r);
		fixture_close(r);
		assert_true(failing < 20);
	}
	fixture_audit(r);
	assert_nothing_is_live(r);
	assert_true(failing > 4); /* the recovery had several commits */
}

static void one_too_high(struct tally *marks)
{
	for (size_t i = 0; i < marks->count; i++) {
		if (marks->figures[i].id == figure_of_mark(0, MARK_LOW))
			marks->figures[i].value++;
	}
}

static void keep_line(void *ctx, const char *line)
{
	buf_printf(ctx, "%s\n", line);
}

/* A mark that a fault moved too far: the saga below it is not recovered, which audit and verify report. */
static void a_mark_that_is_too_high_is_reported(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	struct err err = { 0 };
	struct store_reader reader;
	int64_t findings = 0;
	use_crm(r);
	int64_t lost = accept_nth(r, 1);
	accept_nth(r, 2);
	fixture_close(r);
	r->damage_marks = one_too_high;
	assert_int_equal(fixture_try_open(r, &err), 0);
	r->damage_marks = NULL;
	assert_int_equal(journal_audit(r->j, &err), ERR_CORRUPT);
	char *words AUTO_FREE =
		mem_printf("audit: saga %lld: it is live, and neither in the index nor", (long long)lost);
	assert_non_null(strstr(err.text, words));
	reader = fixture_reader(r);
	struct buf AUTO_BUF lines = { 0 };
	assert_int_equal(reader.verify(reader.ctx, &lines, keep_line, &findings, &err), 0);
	reader.close(reader.ctx);
	assert_int_equal(findings, 1);
	assert_non_null(strstr(lines.data, "is under way, but a start would not find it"));
}

/* ---- the chain rows ---- */

/* Each commit has its chain row, also one without a log row; all but few are differences. */
static void every_commit_has_a_chain_row(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	if (r->memory != NULL)
		skip(); /* the test reads the rows of SQLite */
	use_crm(r);
	long before = r->commits;
	int64_t rows = query(r, "SELECT count(*) FROM chain");
	for (unsigned i = 0; i < 300; i++) {
		accept_nth(r, i);
		accept_nth(r, i); /* a duplicate: counted, not logged */
	}
	assert_int_equal(r->commits - before, 600);
	assert_int_equal(query(r, "SELECT count(*) FROM chain"), rows + 600);
	assert_int_equal(query(r, "SELECT max(commit_no) FROM chain"), rows + 600);
	assert_int_equal(query(r, "SELECT count(*) FROM chain WHERE last < first"), 300);
	assert_int_equal(query(r, "SELECT count(*) FROM chain WHERE hex(substr(counters, 1, 1)) = '01'"), 3);
	assert_int_equal(query(r, "SELECT count(*) FROM chain WHERE hex(substr(counters, 1, 1)) = '02'"),
					 rows + 600 - 3);
	assert_true(
		query(r, "SELECT max(length(counters)) FROM chain WHERE last < first AND commit_no % 256 <> 0") <= 3);
	assert_int_equal(fixture_counts(r).commits, rows + 600);
	fixture_verify(r);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_left_out_is_between_mark_and_reach),
		cmocka_unit_test(a_commit_that_changes_nothing_stores_nothing),
		cmocka_unit_test(marks_that_contradict_each_other_are_refused),
		CASE(a_saga_that_succeeds_at_once_is_never_in_the_index),
		CASE(a_saga_that_leaves_the_usual_path_is_in_the_index),
		CASE(a_hung_attempt_does_not_hold_the_mark),
		CASE(a_crash_during_the_recovery_loses_no_saga),
		CASE(a_mark_that_is_too_high_is_reported),
		CASE(every_commit_has_a_chain_row),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
