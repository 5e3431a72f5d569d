/* Damaged stored data: the start refuses it and names it, a running journal leaves it out, and neither
 * aborts. */
#include <string.h>

#include "saga/model/figure_ids.h"
#include "tests/unit/journal/journal_fixture.h"

static void use_crm_only(struct journal_fixture *r)
{
	fixture_use_plan(r, "crm", POLICY_CONTINUE);
}

/* ---- counters ---- */

static void add_to(struct tally *counters, uint64_t id, int64_t by)
{
	struct tally none = { 0 }, change = { 0 };
	struct buf AUTO_BUF bytes = { 0 };
	tally_add(&change, id, by);
	tally_difference(&none, &change, &bytes);
	assert_int_equal(tally_apply(counters, buf_str(&bytes), NULL), 0);
	tally_free(&change);
}

static void set_to(struct tally *counters, uint64_t id, int64_t value)
{
	add_to(counters, id, value - tally_value(counters, id));
}

static void one_more_accepted(struct tally *counters)
{
	add_to(counters, FIGURE_ACCEPTED, 1);
}

/* Flips a bit of every figure, one at a time: the start either refuses, or the journal runs. */
static size_t flip_at;
static bool flipped;

static void flip_one(struct tally *counters)
{
	static const unsigned bits[] = { 0, 1, 2, 8, 31, 54, 62, 63 };
	flipped = flip_at / 8 < counters->count;
	if (flipped) {
		int64_t *value = &counters->figures[flip_at / 8].value;
		*value = (int64_t)((uint64_t)*value ^ UINT64_C(1) << bits[flip_at % 8]);
	}
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

static void a_figure_of_a_newer_version(struct tally *counters)
{
	add_to(counters, UINT64_C(1) << FIGURE_GROUP_BITS, 3);
}

static void a_total_of_a_newer_version(struct tally *counters)
{
	add_to(counters, FIGURE_TOTAL_COUNT, 1);
}

static void a_target_figure_of_a_newer_version(struct tally *counters)
{
	add_to(counters, FIGURE_TARGET_SPAN * CRM + FIGURE_TARGET_COUNT, 1);
}

static void a_target_that_is_not_there(struct tally *counters)
{
	add_to(counters, figure_of_target(FIXTURE_TARGETS_END, FIGURE_OPEN), 1);
}

static void a_figure_that_was_left_at_zero(struct tally *counters)
{
	add_to(counters, UINT64_C(9) << FIGURE_GROUP_BITS, 1);
	add_to(counters, UINT64_C(9) << FIGURE_GROUP_BITS, -1);
}

/* This version would not keep such a figure up to date, so it must not touch the store. */
static void figures_of_a_newer_version_refuse_the_start(void **state)
{
	static const struct {
		void (*damage)(struct tally *counters);
		int code;
		const char *text;
	} cases[] = {
		{ a_figure_of_a_newer_version, ERR_REFUSED, "figure 16777216 of group 1" },
		{ a_total_of_a_newer_version, ERR_REFUSED, "a newer almoner has written figure 4 of group 0" },
		{ a_target_figure_of_a_newer_version, ERR_REFUSED, "figure 39 of group 0" },
		{ a_target_that_is_not_there, ERR_CORRUPT, "they name target 5, the store has 4" },
		{ a_figure_that_was_left_at_zero, 0, "" },
	};
	struct journal_fixture *r = fixture_of(state);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct err err = { 0 };
		fixture_close(r);
		r->damage = cases[i].damage;
		assert_int_equal(fixture_try_open(r, &err), cases[i].code);
		assert_non_null(strstr(err.text, cases[i].text));
	}
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

/* The sum stays right, so the start cannot see it. */
static void one_running_saga_as_completed(struct tally *counters)
{
	add_to(counters, FIGURE_SAGAS + SAGA_RUNNING, -1);
	add_to(counters, FIGURE_SAGAS + SAGA_COMPLETED, 1);
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

static void one_waiting_less(struct tally *counters)
{
	add_to(counters, FIGURE_WAITING, -1);
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

static void one_related_as_completed(struct tally *counters)
{
	add_to(counters, FIGURE_RELATED, -1);
	add_to(counters, FIGURE_SAGAS + SAGA_COMPLETED, 1);
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

static void with_one_row_less(struct tally *counters)
{
	assert_int_equal(tally_value(counters, figure_of_target(CRM, FIGURE_CLAIMABLE)), 1);
	assert_int_equal(tally_value(counters, figure_of_target(CRM, FIGURE_BLOCKED)), 0);
	assert_int_equal(tally_value(counters, figure_of_target(CRM, FIGURE_WITH_LANE)), 1);
	set_to(counters, figure_of_target(CRM, FIGURE_CLAIMABLE), 0);
	set_to(counters, figure_of_target(CRM, FIGURE_BLOCKED), 3);
	set_to(counters, figure_of_target(CRM, FIGURE_WITH_LANE), 2);
}

/* The oldest stores had no counts of blocked rows and no rules of lanes. */
static void as_of_version_1(struct tally *counters)
{
	for (uint32_t target = CRM; target < FIXTURE_TARGETS_END; target++) {
		set_to(counters, figure_of_target(target, FIGURE_BLOCKED), -1);
		set_to(counters, figure_of_target(target, FIGURE_LANE_RULES), 0);
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
	struct store_writer store;
	struct saga_row row;
	struct err err = { 0 };
	fixture_open_store(r, &store);
	assert_int_equal(store.begin(store.ctx, &err), 0);
	assert_int_equal(store.saga_get(store.ctx, id, &row, &err), 0);
	row.value = buf_str(&value);
	assert_int_equal(store.saga_update(store.ctx, &row, &err), 0);
	assert_int_equal(store.commit(store.ctx, &err), 0);
	store.close(store.ctx);
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
		CASE(figures_of_a_newer_version_refuse_the_start),
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
