/* Damaged stored data: the start refuses it and names it, a running journal leaves it out, and neither
 * aborts. */
#include <sqlite3.h>
#include <string.h>

#include "tests/unit/journal/journal_fixture.h"

static void use_crm_only(struct journal_fixture *r)
{
	fixture_use_plan(r, "crm", POLICY_CONTINUE);
}

/* ---- counters ---- */

static void one_more_accepted(struct buf *counters)
{
	counters->data[1] =
		(char)(counters->data[1] + 2); /* the figure is a signed varint, stored as twice its value */
}

/* Flips each bit of every figure, one at a time: the start either refuses, or the journal runs. */
static size_t flip_at;
static bool flipped;

static void flip_one(struct buf *counters)
{
	flipped = flip_at / 8 < counters->len;
	if (flipped)
		counters->data[flip_at / 8] = (char)(counters->data[flip_at / 8] ^ 1 << flip_at % 8);
}

static void counters_that_do_not_add_up_refuse_the_start(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	struct err err = { 0 };
	fixture_accept_id(r, "a");
	fixture_close(r);
	r->damage = one_more_accepted;
	assert_int_equal(fixture_try_open(r, &err), ERR_CORRUPT);
	assert_non_null(strstr(err.text, "counters are not consistent"));
	assert_null(r->j);
	r->damage = NULL;
	fixture_open(r);
	fixture_audit(r);
}

/* Each start that succeeds writes sound counters, so the next flip begins from them; which flips are refused
 * does not matter here. */
static void no_flipped_bit_of_the_counters_ends_in_an_abort(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	use_crm_only(r);
	fixture_accept_id(r, "a");
	unsigned refused = 0;
	r->damage = flip_one;
	for (flip_at = 0, flipped = true; flipped && flip_at < 8 * 64; flip_at++) {
		struct err err = { 0 };
		fixture_close(r);
		if (fixture_try_open(r, &err) == 0)
			continue;
		assert_int_equal(err.code, ERR_CORRUPT);
		refused++;
	}
	assert_true(refused > 20);
	fixture_close(r);
}

/* The figures begin at byte 1, the counts of sagas at byte 8; each of them is one byte here. */
#define FIGURE_RELATED 2
#define FIGURE_WAITING 3
#define FIGURE_SAGAS   8

static void move_one(struct buf *counters, size_t from, size_t to)
{
	counters->data[from] = (char)(counters->data[from] - 2);
	counters->data[to] = (char)(counters->data[to] + 2);
}

/* The sum stays right, so the start cannot see it. */
static void one_running_saga_as_completed(struct buf *counters)
{
	move_one(counters, FIGURE_SAGAS + SAGA_RUNNING, FIGURE_SAGAS + SAGA_COMPLETED);
}

static void a_saga_that_was_not_counted_is_an_error(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	use_crm_only(r);
	r->admission[CRM] = ADMISSION_DISK;
	fixture_accept_id(r, "a");
	fixture_close(r);
	r->damage = one_running_saga_as_completed;
	fixture_open(r);
	r->damage = NULL;
	journal_claim(r->j, CRM, 1);
	assert_int_equal(journal_pump(r->j), ERR_CORRUPT);
	assert_int_equal(r->failures, 1);
	assert_non_null(strstr(r->failed.text, "counters are not consistent"));
}

static void one_waiting_less(struct buf *counters)
{
	counters->data[FIGURE_WAITING] = (char)(counters->data[FIGURE_WAITING] - 2);
}

static void a_related_event_that_was_not_counted_is_an_error(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	fixture_accept(r, &(struct fixture_event){ .id = "a", .gift = "g", .related = true });
	fixture_accept(r, &(struct fixture_event){ .id = "b", .gift = "g", .related = true });
	fixture_close(r);
	r->damage = one_waiting_less;
	fixture_open(r);
	r->damage = NULL;
	fixture_submit(r, &(struct fixture_event){ .id = "c", .gift = "g" });
	assert_true(journal_pump(r->j) < 0);
	assert_int_equal(r->failed.code, ERR_CORRUPT);
	assert_non_null(strstr(r->failed.text, "counters are not consistent"));
}

static void one_related_as_completed(struct buf *counters)
{
	move_one(counters, FIGURE_RELATED, FIGURE_SAGAS + SAGA_COMPLETED);
}

static void a_missing_gift_that_was_not_counted_is_an_error(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	fixture_accept(r, &(struct fixture_event){ .id = "a", .gift = "g", .related = true });
	fixture_close(r);
	r->damage = one_related_as_completed;
	fixture_open(r);
	r->damage = NULL;
	r->now_ms += INT64_C(30) * 24 * 3600 * 1000;
	int rc = 0;
	for (unsigned turn = 0; rc == 0 && turn < 10; turn++)
		rc = journal_pump(r->j);
	assert_int_equal(rc, ERR_CORRUPT);
	assert_non_null(strstr(r->failed.text, "counters are not consistent"));
}

static void with_one_row_less(struct buf *counters)
{
	static const char crm[] = { 3, 'c', 'r', 'm' };
	char *at = memmem(counters->data, counters->len, crm, sizeof crm);
	assert_non_null(at);
	assert_int_equal(at[sizeof crm + 1], 2); /* one row can be claimed … */
	at[sizeof crm + 1] = 0;
	assert_int_equal(at[sizeof crm + 2], 0); /* … no row is blocked … */
	at[sizeof crm + 2] = 6;
	assert_int_equal(at[sizeof crm + 3], 2); /* … and it has a lane */
	at[sizeof crm + 3] = 4;
}

/* Rewrites the counters to version 1, which has no counts of blocked rows. */
static void as_of_version_1(struct buf *counters)
{
	assert_int_equal(counters->data[0], 3);
	counters->data[0] = 1;
	static const char *const names[] = { "\3crm", "\5books", "\6thanks", "\4mail" };
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		char *at = memmem(counters->data, counters->len, names[i], strlen(names[i]));
		if (at == NULL)
			continue;
		char *blocked = at + strlen(names[i]) + 2; /* each of these small figures is one byte */
		memmove(blocked, blocked + 1, (size_t)(counters->data + counters->len - (blocked + 1)));
		char *with_lane_rules = blocked + 3;
		memmove(with_lane_rules, with_lane_rules + 1,
				(size_t)(counters->data + counters->len - (with_lane_rules + 1)));
		counters->len -= 2;
	}
}

static void rows_counted_wrong_are_counted_again(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	use_crm_only(r);
	r->admission[CRM] = ADMISSION_DISK;
	int64_t id = fixture_accept(r, &(struct fixture_event){ .id = "a", .lane = "ada" });
	unsigned before = fixture_records(r, 0, RECORD_TARGET);
	r->damage = with_one_row_less;
	fixture_crash(r); /* the audit after it finds correct counts */
	r->damage = NULL;
	assert_int_equal(fixture_records(r, 0, RECORD_TARGET), before + 1);
	fixture_pump(r);
	assert_int_equal(r->news[CRM].backlog, 1);
	fixture_claim(r, CRM, 1);
	fixture_finish(r, id, CRM, OUTCOME_OK);
	fixture_crash(r);
	assert_int_equal(fixture_records(r, 0, RECORD_TARGET),
					 before + 1); /* nothing was corrected, so nothing was recorded */
	fixture_verify(r);
}

/* The duration of the start must not depend on the backlog. */
static void a_long_backlog_is_not_counted_at_start(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	use_crm_only(r);
	r->admission[CRM] = ADMISSION_DISK;
	fixture_accept(r, &(struct fixture_event){ .id = "a", .lane = "ada" });
	unsigned before = fixture_records(r, 0, RECORD_TARGET);
	r->damage = with_one_row_less; /* the damaged figures say four rows */
	r->recount_rows = 4;
	fixture_close(r);
	fixture_open(r);
	assert_int_equal(fixture_records(r, 0, RECORD_TARGET), before);
	r->damage = NULL;
	r->recount_rows = 5;
	fixture_crash(r); /* the audit after it finds corrected counts */
	assert_int_equal(fixture_records(r, 0, RECORD_TARGET), before + 1);
	fixture_pump(r);
	fixture_claim(r, CRM, 1);
	fixture_verify(r);
}

static int64_t backlog_of(const struct journal_fixture *r, const char *name)
{
	struct journal_counts counts;
	journal_counts(r->j, &counts);
	int64_t backlog = -1;
	for (size_t i = 0; i < counts.target_count; i++) {
		if (strcmp(counts.targets[i].name, name) == 0)
			backlog = counts.targets[i].backlog;
	}
	journal_counts_finish(&counts);
	return backlog;
}

static void counters_of_an_older_store_are_completed(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	use_crm_only(r);
	r->admission[CRM] = ADMISSION_DISK;
	for (unsigned i = 0; i < 3; i++)
		fixture_accept(r,
					   &(struct fixture_event){ .id = (const char *[]){ "a", "b", "c" }[i], .lane = "ada" });
	assert_int_equal(backlog_of(r, "crm"), 3); /* one row can be claimed, two are blocked by it */
	unsigned before = fixture_records(r, 0, RECORD_TARGET);
	r->damage = as_of_version_1;
	fixture_crash(r);
	r->damage = NULL;
	fixture_pump(r);
	assert_int_equal(backlog_of(r, "crm"), 3);
	assert_int_equal(fixture_records(r, 0, RECORD_TARGET),
					 before); /* the counts were correct, so nothing was recorded */
	fixture_crash(r);
	fixture_pump(r);
	assert_int_equal(backlog_of(r, "crm"), 3);
	fixture_verify(r);
}

/* ---- sagas ---- */

static void a_verb_on_a_damaged_saga_is_an_error_and_no_more(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	use_crm_only(r);
	int64_t bad = fixture_accept_id(r, "a");
	int64_t good = fixture_accept_id(r, "b");
	fixture_finish(r, bad, CRM, OUTCOME_REJECTED);
	fixture_finish(r, good, CRM, OUTCOME_REJECTED);
	r->damaged_saga = bad;
	assert_int_equal(fixture_verb(r, bad, VERB_SKIP, 0), ERR_CORRUPT);
	assert_non_null(strstr(r->verb.err.text, "saga 1"));
	assert_int_equal(fixture_verb(r, good, VERB_SKIP, 0), 0);
	assert_int_equal(r->failures, 0);
	r->damaged_saga = 0;
	fixture_audit(r); /* the refused start changed nothing in the store */
}

static void a_damaged_saga_is_claimed_no_more_and_lets_others_pass(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	use_crm_only(r);
	r->admission[CRM] = ADMISSION_DISK;
	int64_t bad = fixture_accept(r, &(struct fixture_event){ .id = "a", .lane = "ada" });
	int64_t same = fixture_accept(r, &(struct fixture_event){ .id = "b", .lane = "ada" });
	int64_t other = fixture_accept_id(r, "c");
	r->damaged_saga = bad;
	fixture_claim(r, CRM, 3);
	fixture_claim(r, CRM, 3);
	assert_true(fixture_has(r, WORK_START, same, CRM));
	assert_true(fixture_has(r, WORK_START, other, CRM));
	assert_int_equal(r->news[CRM].backlog, 0);
	assert_int_equal(r->news[CRM].next_due_ms, INT64_MAX);
	assert_int_equal(r->failures, 0);
	assert_int_equal(fixture_records(r, 0, RECORD_TARGET), 1);
	fixture_finish(r, same, CRM, OUTCOME_OK);
	fixture_finish(r, other, CRM, OUTCOME_OK);
	fixture_close(r);
	fixture_open(r); /* the stored counts are complete, so the start counts no rows */
	assert_int_equal(fixture_records(r, 0, RECORD_TARGET), 1);
}

static void a_damaged_saga_holds_its_lane_if_attention_holds(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	use_crm_only(r);
	r->targets[CRM - 1].rules.attention_holds = true;
	fixture_crash(r);
	r->admission[CRM] = ADMISSION_DISK;
	int64_t bad = fixture_accept(r, &(struct fixture_event){ .id = "a", .lane = "ada" });
	int64_t same = fixture_accept(r, &(struct fixture_event){ .id = "b", .lane = "ada" });
	r->damaged_saga = bad;
	fixture_claim(r, CRM, 3);
	fixture_claim(r, CRM, 3);
	assert_false(fixture_has(r, WORK_START, same, CRM));
	assert_int_equal(r->failures, 0);
}

/* Writes the saga's step as if it waited nowhere; its row stays. */
static void lose_location(struct journal_fixture *r, int64_t id, unsigned step)
{
	struct saga *saga = fixture_saga(r, id);
	struct buf value = { 0 };
	saga->steps[step].location = LOCATION_NONE;
	saga_encode(saga, &value);
	saga_destroy(saga);
	sqlite3 *db;
	sqlite3_stmt *update;
	assert_int_equal(sqlite3_open(r->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "UPDATE saga SET value = ? WHERE id = ?", -1, &update, NULL),
					 SQLITE_OK);
	sqlite3_bind_blob(update, 1, value.data, (int)value.len, SQLITE_STATIC);
	sqlite3_bind_int64(update, 2, id);
	assert_int_equal(sqlite3_step(update), SQLITE_DONE);
	sqlite3_finalize(update);
	sqlite3_close(db);
	buf_free(&value);
}

/* The other steps of such a saga work as before: the checks of invariants.c are for what this program
 * placed. */
static void a_step_that_waits_nowhere_does_not_abort(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	fixture_use_plan(r, "crm books", POLICY_CONTINUE);
	r->admission[CRM] = r->admission[BOOKS] = ADMISSION_DISK;
	int64_t id = fixture_accept_id(r, "a");
	fixture_close(r);
	lose_location(r, id, 1);
	fixture_open(r);
	journal_claim(r->j, CRM, 1);
	assert_true(journal_pump(r->j) > 0);
	assert_true(fixture_has(r, WORK_START, id, CRM));
	assert_int_equal(r->failures, 0);
}

/* After the clock was set back the rows that are due too late are examined. One of them belongs to a step that
 * does not wait on disk: the journal must not give that step a time. */
static void a_late_row_of_a_step_that_waits_nowhere_is_an_error(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	use_crm_only(r);
	int64_t id = fixture_accept_id(r, "a");
	fixture_finish(r, id, CRM, OUTCOME_UNREACHABLE);
	fixture_close(r);
	lose_location(r, id, 0);
	r->now_ms -= INT64_C(400) * 86400000;
	struct err err = { 0 };
	assert_int_equal(fixture_try_open(r, &err), ERR_CORRUPT);
	assert_non_null(strstr(err.text, "step 0 of saga 1, which does not wait on disk"));
}

static void a_damaged_saga_that_was_under_way_refuses_the_start(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	struct err err = { 0 };
	use_crm_only(r);
	int64_t bad = fixture_accept_id(r, "a");
	assert_true(fixture_has(r, WORK_START, bad, CRM));
	fixture_close(r);
	r->damaged_saga = bad;
	assert_int_equal(fixture_try_open(r, &err), ERR_CORRUPT);
	assert_non_null(strstr(err.text, "saga 1"));
	assert_non_null(strstr(err.text, "cannot be read"));
	r->damaged_saga = 0;
	fixture_open(r);
	fixture_audit(r);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		CASE(counters_that_do_not_add_up_refuse_the_start),
		CASE(no_flipped_bit_of_the_counters_ends_in_an_abort),
		CASE(a_saga_that_was_not_counted_is_an_error),
		CASE(a_related_event_that_was_not_counted_is_an_error),
		CASE(a_missing_gift_that_was_not_counted_is_an_error),
		CASE(rows_counted_wrong_are_counted_again),
		CASE(a_long_backlog_is_not_counted_at_start),
		CASE(counters_of_an_older_store_are_completed),
		CASE(a_verb_on_a_damaged_saga_is_an_error_and_no_more),
		CASE(a_damaged_saga_is_claimed_no_more_and_lets_others_pass),
		CASE(a_damaged_saga_holds_its_lane_if_attention_holds),
		CASE(a_step_that_waits_nowhere_does_not_abort),
		CASE(a_late_row_of_a_step_that_waits_nowhere_is_an_error),
		CASE(a_damaged_saga_that_was_under_way_refuses_the_start),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
