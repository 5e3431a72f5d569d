/* Lanes: the events of one ordering key start one at a time, in the order of acceptance. */
#include <stdio.h>
#include <string.h>

#include "tests/unit/journal/journal_fixture.h"

static int64_t ada(struct journal_fixture *r, const char *id)
{
	return fixture_accept(r, &(struct fixture_event){ .id = id, .lane = "ada" });
}

static void use(struct journal_fixture *r, const char *plan)
{
	fixture_use_plan(r, plan, POLICY_CONTINUE);
}

static void events_of_one_key_go_one_by_one_in_order(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	use(r, "crm");
	int64_t a = ada(r, "a"), b = ada(r, "b"), c = ada(r, "c");
	int64_t other = fixture_accept(r, &(struct fixture_event){ .id = "o", .lane = "bob" });
	assert_true(fixture_has(r, WORK_START, a, CRM));
	assert_true(fixture_has(r, WORK_START, other, CRM));
	assert_int_equal(fixture_work_count(r), 2);
	fixture_finish(r, a, CRM, OUTCOME_OK);
	assert_true(fixture_has(r, WORK_START, b, CRM)); /* handed out by the commit of the outcome */
	assert_false(fixture_has(r, WORK_START, c, CRM));
	fixture_finish(r, b, CRM, OUTCOME_OK);
	fixture_finish(r, c, CRM, OUTCOME_OK);
	fixture_verify(r);
}

static void the_head_blocks_while_it_retries(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	use(r, "crm");
	int64_t a = ada(r, "a"), b = ada(r, "b");
	fixture_finish(r, a, CRM, OUTCOME_UNREACHABLE);
	assert_int_equal(fixture_work_count(r), 0);
	fixture_wait(r, 5000);
	fixture_claim(r, CRM, 5);
	assert_int_equal(r->news[CRM].claim_granted, 1);
	fixture_finish(r, a, CRM, OUTCOME_OK);
	fixture_finish(r, b, CRM, OUTCOME_OK);
}

static void attention_is_passed(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	use(r, "crm");
	int64_t a = ada(r, "a"), b = ada(r, "b"), c = ada(r, "c");
	fixture_finish(r, a, CRM, OUTCOME_REJECTED);
	assert_true(fixture_has(r, WORK_START, b, CRM));
	/* After its resume, the first saga starts before the third, but not while the second runs. */
	assert_int_equal(fixture_verb(r, a, VERB_RESUME, -1), 0);
	assert_false(fixture_has(r, WORK_START, a, CRM));
	fixture_finish(r, b, CRM, OUTCOME_OK);
	assert_true(fixture_has(r, WORK_START, a, CRM));
	assert_false(fixture_has(r, WORK_START, c, CRM));
	fixture_finish(r, a, CRM, OUTCOME_OK);
	fixture_finish(r, c, CRM, OUTCOME_OK);
}

static void a_running_one_that_backs_off_lets_an_earlier_one_by(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	use(r, "crm");
	int64_t a = ada(r, "a"), b = ada(r, "b");
	fixture_finish(r, a, CRM, OUTCOME_REJECTED);
	assert_int_equal(fixture_verb(r, a, VERB_RESUME, -1), 0);
	fixture_finish(r, b, CRM, OUTCOME_UNREACHABLE);
	assert_true(fixture_has(r, WORK_START, a, CRM));
	/* The later saga, whose retry is due, waits for the earlier one. */
	fixture_wait(r, 60000);
	fixture_claim(r, CRM, 5);
	assert_int_equal(r->news[CRM].claim_granted, 0);
	fixture_finish(r, a, CRM, OUTCOME_OK);
	fixture_claim(r, CRM, 5);
	fixture_finish(r, b, CRM, OUTCOME_OK);
}

static void a_head_in_doubt_after_a_crash_is_passed(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	use(r, "thanks");
	int64_t a = ada(r, "a"), b = ada(r, "b");
	journal_start(r->j, fixture_take(r, WORK_READY, a, THANKS));
	fixture_pump(r);
	fixture_crash(r);
	fixture_pump(r);
	fixture_assert_step(r, a, "thanks", STEP_ATTENTION, REASON_IN_DOUBT);
	fixture_claim(r, THANKS, 3);
	assert_true(fixture_has(r, WORK_START, b, THANKS));
}

static void what_waits_for_an_operator_is_passed(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	use(r, "books crm<books");
	int64_t a = ada(r, "a");
	use(r, "crm");
	int64_t b = ada(r, "b"), c = ada(r, "c");
	fixture_finish(r, a, BOOKS, OUTCOME_REJECTED);
	assert_true(fixture_has(r, WORK_START, b, CRM));
	/* The resumed saga has its turn before later sagas that still wait. */
	assert_int_equal(fixture_verb(r, a, VERB_RESUME, -1), 0);
	fixture_finish(r, b, CRM, OUTCOME_OK);
	assert_false(fixture_has(r, WORK_START, c, CRM));
	fixture_finish(r, a, BOOKS, OUTCOME_OK);
	fixture_finish(r, a, CRM, OUTCOME_OK);
	fixture_finish(r, c, CRM, OUTCOME_OK);
}

static void a_saga_held_by_its_policy_goes_on_by_an_outcome(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	fixture_use_plan(r, "books crm", POLICY_HOLD);
	r->targets[0].rules.attention_holds = true;
	r->admission[CRM] = ADMISSION_DISK;
	fixture_crash(r);
	int64_t a = ada(r, "a");
	fixture_finish(r, a, BOOKS, OUTCOME_REJECTED);
	r->admission[CRM] = ADMISSION_SLOT;
	assert_int_equal(r->news[CRM].backlog,
					 0); /* the step may not start: its row only keeps the place in the lane */
	assert_int_equal(fixture_verb(r, a, VERB_RESUME, -1), 0);
	fixture_finish(r, a, BOOKS, OUTCOME_OK);
	fixture_finish(r, a, CRM, OUTCOME_OK);
	fixture_assert_saga(r, a, SAGA_COMPLETED);
}

/* The journal stores the rules by which the rows in lanes were decided: only other rules examine all rows again. */
static void lanes_are_examined_again_only_for_other_rules(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	fixture_use_plan(r, "crm", POLICY_CONTINUE);
	r->admission[CRM] = ADMISSION_DISK;
	fixture_accept(r, &(struct fixture_event){ .id = "a", .lane = "ada" });
	r->watched_call = "row_with_lane";
	for (int starts = 0; starts < 2; starts++) {
		fixture_crash(r);
		fixture_wait(r, 1000);
		assert_int_equal(r->watched_calls, 0);
	}
	r->targets[CRM - 1].rules.attention_holds = true;
	fixture_crash(r);
	fixture_wait(r, 1000);
	assert_true(r->watched_calls > 0);
}

static void attention_holds_if_configured(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	use(r, "crm");
	r->targets[0].rules.attention_holds = true;
	fixture_crash(r);
	int64_t a = ada(r, "a"), b = ada(r, "b");
	fixture_finish(r, a, CRM, OUTCOME_REJECTED);
	assert_int_equal(fixture_work_count(r), 0);
	fixture_crash(r);
	assert_int_equal(fixture_verb(r, a, VERB_SKIP, 0), 0);
	fixture_finish(r, b, CRM, OUTCOME_OK);
}

static void ignore_targets(void *ctx, const struct journal_target *targets, size_t count)
{
	(void)ctx;
	(void)targets;
	assert_true(count > 0);
}

static void targets_adopted(struct journal_fixture *r, bool by_restart)
{
	r->targets[CRM - 1].rules.attention_holds = false;
	if (by_restart)
		fixture_crash(r);
	else
		assert_int_equal(journal_set_targets(r->j, r->targets, FIXTURE_TARGETS_END - 1, NULL, ignore_targets),
						 0);
	for (int i = 0; i < 4; i++)
		fixture_pump(r);
	fixture_audit(r);
}

/* More lanes than one slice of idle.c handles, each with a step in attention and one behind it. */
static void release_by_new_rules(struct journal_fixture *r, const char *plan, bool by_restart)
{
	use(r, plan);
	r->targets[CRM - 1].rules.attention_holds = true;
	fixture_crash(r);
	bool after = strstr(plan, "books") != NULL;
	int64_t behind[70];
	for (unsigned i = 0; i < 70; i++) {
		char lane[8], id[8];
		snprintf(lane, sizeof lane, "d%u", i);
		snprintf(id, sizeof id, "a%u", i);
		int64_t head = fixture_accept(r, &(struct fixture_event){ .id = id, .lane = lane });
		fixture_finish(r, head, after ? BOOKS : CRM, OUTCOME_REJECTED);
		id[0] = 'b';
		behind[i] = fixture_accept(r, &(struct fixture_event){ .id = id, .lane = lane });
		if (after)
			fixture_finish(r, behind[i], BOOKS, OUTCOME_OK);
	}
	assert_int_equal(fixture_work_count(r), 0);
	assert_int_equal(r->news[CRM].backlog, 0);
	targets_adopted(r, by_restart);
	assert_int_equal(r->news[CRM].backlog, 70);
	fixture_claim(r, CRM, 70);
	for (unsigned i = 0; i < 70; i++)
		fixture_finish(r, behind[i], CRM, OUTCOME_OK);
	fixture_verify(r);
}

static void new_rules_release_who_was_held_by_attention(void **state)
{
	release_by_new_rules(fixture_of(state), "crm", false);
}

static void rules_changed_while_stopped_release_too(void **state)
{
	release_by_new_rules(fixture_of(state), "crm", true);
}

static void new_rules_release_who_was_held_by_a_waiting_step(void **state)
{
	release_by_new_rules(fixture_of(state), "books crm<books", false);
}

static void without_capacity_lanes_hold_on_disk(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	use(r, "crm");
	r->admission[CRM] = ADMISSION_DISK;
	int64_t a = ada(r, "a"), b = ada(r, "b"), c = ada(r, "c");
	assert_int_equal(r->news[CRM].backlog, 1); /* only the first row of each lane can be claimed */
	fixture_claim(r, CRM, 5);
	assert_int_equal(r->news[CRM].claim_granted, 1);
	fixture_finish(r, a, CRM, OUTCOME_OK);
	assert_int_equal(r->news[CRM].backlog, 1);
	fixture_crash(r);
	fixture_claim(r, CRM, 5);
	fixture_finish(r, b, CRM, OUTCOME_OK);
	fixture_claim(r, CRM, 5);
	fixture_finish(r, c, CRM, OUTCOME_OK);
	fixture_verify(r);
}

static void a_waiting_step_keeps_its_turn(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	use(r, "books crm<books");
	int64_t a = ada(r, "a");
	use(r, "crm");
	int64_t b = ada(r, "b");
	assert_false(fixture_has(r, WORK_START, b, CRM));
	fixture_finish(r, a, BOOKS,
				   OUTCOME_UNREACHABLE); /* the saga leaves memory, so a row keeps its place in the lane */
	fixture_crash(r);
	fixture_wait(r, 5000);
	fixture_claim(r, CRM, 5);
	assert_int_equal(r->news[CRM].claim_granted, 0);
	fixture_claim(r, BOOKS, 5);
	fixture_finish(r, a, BOOKS, OUTCOME_OK);
	fixture_finish(r, a, CRM, OUTCOME_OK);
	fixture_finish(r, b, CRM, OUTCOME_OK);
}

static void a_skipped_waiting_step_lets_the_next_by(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	use(r, "books crm<books");
	int64_t a = ada(r, "a");
	use(r, "crm");
	int64_t b = ada(r, "b");
	assert_int_equal(fixture_verb(r, a, VERB_SKIP, 1), 0);
	assert_true(fixture_has(r, WORK_START, b, CRM));
}

static void a_paused_saga_keeps_its_lane(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	use(r, "crm");
	r->admission[CRM] = ADMISSION_DISK;
	int64_t a = ada(r, "a"), b = ada(r, "b");
	assert_int_equal(fixture_verb(r, a, VERB_PAUSE, -1), 0);
	assert_int_equal(r->news[CRM].backlog, 0);
	fixture_claim(r, CRM, 5);
	assert_int_equal(r->news[CRM].claim_granted, 0);
	fixture_crash(r);
	r->admission[CRM] = ADMISSION_SLOT;
	assert_int_equal(fixture_verb(r, a, VERB_RESUME, -1), 0);
	fixture_finish(r, a, CRM, OUTCOME_OK);
	fixture_finish(r, b, CRM, OUTCOME_OK);
}

static void a_cancelled_head_lets_the_next_by(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	use(r, "crm");
	r->admission[CRM] = ADMISSION_WINDOW;
	int64_t a = ada(r, "a"), b = ada(r, "b"), c = ada(r, "c");
	struct work *w = fixture_take(r, WORK_READY, a, CRM);
	assert_int_equal(fixture_verb(r, a, VERB_CANCEL, -1), 0);
	journal_start(r->j, w);
	fixture_pump(r);
	work_destroy(fixture_take(r, WORK_GONE, a, CRM));
	assert_true(fixture_has(r, WORK_READY, b, CRM));
	assert_false(fixture_has(r, WORK_READY, c, CRM));
}

static void undo_goes_before_later_events(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	fixture_use_plan(r, "crm books", POLICY_COMPENSATE);
	int64_t a = ada(r, "a"), b = ada(r, "b"), c = ada(r, "c");
	fixture_finish(r, a, CRM, OUTCOME_OK);
	assert_true(fixture_has(r, WORK_START, b, CRM));
	fixture_finish(r, a, BOOKS, OUTCOME_REJECTED); /* the rejection makes the first saga undo its steps */
	fixture_assert_saga(r, a, SAGA_COMPENSATING);
	assert_false(fixture_has(r, WORK_START, a, CRM)); /* the step of the second saga runs in the lane */
	fixture_finish(r, b, CRM, OUTCOME_OK);
	assert_false(fixture_has(r, WORK_START, c, CRM));
	struct work *undo = fixture_take(r, WORK_START, a, CRM);
	assert_int_equal(undo->ref.direction, DIRECTION_UNDO);
	assert_string_equal(undo->own_result, "{\"id\":\"R-1\"}");
	fixture_outcome(r, undo, OUTCOME_OK);
	fixture_assert_saga(r, a, SAGA_COMPENSATED);
	assert_true(fixture_has(r, WORK_START, c, CRM));
}

static void undo_overtakes_a_ready_work_in_the_window(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	fixture_use_plan(r, "crm books", POLICY_COMPENSATE);
	int64_t a = ada(r, "a");
	r->admission[CRM] = ADMISSION_WINDOW;
	int64_t b = ada(r, "b");
	fixture_finish(r, a, CRM, OUTCOME_OK);
	struct work *later = fixture_take(r, WORK_READY, b, CRM);
	r->admission[CRM] = ADMISSION_SLOT;
	fixture_finish(r, a, BOOKS, OUTCOME_REJECTED);
	assert_true(fixture_has(r, WORK_START, a, CRM));
	journal_start(r->j, later);
	fixture_pump(r);
	work_destroy(fixture_take(r, WORK_GONE, b, CRM));
	fixture_finish(r, a, CRM, OUTCOME_OK);
	assert_true(fixture_has(r, WORK_START, b, CRM));
}

static void two_steps_of_one_saga_do_not_wait_for_each_other(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	use(r, "crm crm2 crm3<crm");
	int64_t a = ada(r, "a"), b = ada(r, "b");
	assert_int_equal(fixture_work_count(r), 2);
	fixture_finish(r, a, CRM, OUTCOME_OK);
	fixture_finish(r, a, CRM, OUTCOME_OK);
	assert_false(fixture_has(r, WORK_START, b, CRM));
	fixture_finish(r, a, CRM, OUTCOME_OK);
	fixture_finish(r, b, CRM, OUTCOME_OK);
	fixture_finish(r, b, CRM, OUTCOME_OK);
	fixture_finish(r, b, CRM, OUTCOME_OK);
	fixture_assert_saga(r, b, SAGA_COMPLETED);
}

static void the_next_saga_is_looked_at_with_all_its_steps(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	use(r, "crm");
	int64_t a = ada(r, "a");
	use(r, "books crm<books crm2");
	r->admission[BOOKS] = ADMISSION_DISK;
	int64_t b = ada(r, "b");
	assert_false(fixture_has(r, WORK_START, b, CRM));
	fixture_finish(r, a, CRM, OUTCOME_OK);
	assert_true(fixture_has(
		r, WORK_START, b,
		CRM)); /* a second step of the same saga at crm does not wait for its first, which waits for books */
}

static void expired_steps_in_a_lane_are_passed(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	use(r, "crm~");
	int64_t a = ada(r, "a"), b = ada(r, "b"), c = ada(r, "c");
	r->now_ms += 60000;
	use(r, "crm");
	int64_t d = ada(r, "d");
	fixture_finish(r, a, CRM, OUTCOME_OK);
	fixture_assert_saga(r, b, SAGA_COMPLETED_PARTIAL);
	fixture_assert_saga(r, c, SAGA_COMPLETED_PARTIAL);
	assert_true(fixture_has(r, WORK_START, d, CRM));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		CASE(events_of_one_key_go_one_by_one_in_order),
		CASE(the_head_blocks_while_it_retries),
		CASE(attention_is_passed),
		CASE(a_running_one_that_backs_off_lets_an_earlier_one_by),
		CASE(a_head_in_doubt_after_a_crash_is_passed),
		CASE(what_waits_for_an_operator_is_passed),
		CASE(a_saga_held_by_its_policy_goes_on_by_an_outcome),
		CASE(lanes_are_examined_again_only_for_other_rules),
		CASE(attention_holds_if_configured),
		CASE(new_rules_release_who_was_held_by_attention),
		CASE(rules_changed_while_stopped_release_too),
		CASE(new_rules_release_who_was_held_by_a_waiting_step),
		CASE(without_capacity_lanes_hold_on_disk),
		CASE(a_waiting_step_keeps_its_turn),
		CASE(a_skipped_waiting_step_lets_the_next_by),
		CASE(a_paused_saga_keeps_its_lane),
		CASE(a_cancelled_head_lets_the_next_by),
		CASE(undo_goes_before_later_events),
		CASE(undo_overtakes_a_ready_work_in_the_window),
		CASE(two_steps_of_one_saga_do_not_wait_for_each_other),
		CASE(the_next_saga_is_looked_at_with_all_its_steps),
		CASE(expired_steps_in_a_lane_are_passed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
