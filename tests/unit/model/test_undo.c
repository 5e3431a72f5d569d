/* Compensation: what starts it, its order, what delays it, and what it leaves. */
#include <string.h>

#include "tests/unit/model/model_fixture.h"

static void expect_state(struct model_fixture *k, unsigned i, enum step_state state)
{
	fixture_expect(k, i, state, REASON_NONE);
}

static void expect_skip(struct model_fixture *k, unsigned i, enum skip skip)
{
	fixture_expect(k, i, STEP_SKIPPED, REASON_NONE);
	assert_int_equal(fixture_step(k, i)->skip, skip);
}

/* No refusal advises a verb that is refused as well. */
static void undone_is_for_good(struct model_fixture *k, int step)
{
	static const enum verb verbs[] = { VERB_RETRY, VERB_REDO, VERB_SKIP, VERB_RESOLVE_NOT_DONE };
	for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
		const struct verb_call call = { .verb = verbs[i], .step = step, .actor = "uid 1000 (anna)" };
		unsigned changed, doubt;
		struct err err = { 0 };
		assert_int_equal(decide_verb(&k->d, &call, &changed, &doubt, &err), ERR_REFUSED);
		assert_non_null(strstr(err.text, "the step was undone"));
		assert_null(strstr(err.text, "redo sends it again"));
	}
}

static void undo_runs_in_reverse_order(void **state)
{
	(void)state;
	struct model_fixture k;
	fixture_init(&k, POLICY_COMPENSATE, "a b>a c>a d>bc e");
	for (unsigned i = 0; i < 3; i++)
		fixture_try(&k, i, OUTCOME_OK, true);
	struct attempt_ref e = fixture_begin(&k, 4); /* step e runs while the saga is compensated */
	fixture_try(&k, 3, OUTCOME_REJECTED, true);
	assert_int_equal(fixture_count(&k, RECORD_DECISION, "compensate"), 1);
	fixture_expect_saga(&k, SAGA_COMPENSATING);
	fixture_expect(&k, 3, STEP_ATTENTION, REASON_REJECTED);
	expect_state(&k, 1, STEP_READY);
	expect_state(&k, 2, STEP_READY);
	expect_state(&k, 0, STEP_WAITING);
	expect_state(&k, 4, STEP_RUNNING);
	fixture_outcome(&k, e, OUTCOME_OK, true);
	expect_state(&k, 4, STEP_READY); /* to be undone */
	assert_int_equal(fixture_step(&k, 4)->direction, DIRECTION_UNDO);
	fixture_try(&k, 1, OUTCOME_OK, true);
	expect_state(&k, 0, STEP_WAITING);
	fixture_try(&k, 2, OUTCOME_OK, true);
	expect_state(&k, 0, STEP_READY);
	fixture_try(&k, 0, OUTCOME_OK, true);
	fixture_try(&k, 4, OUTCOME_OK, true);
	fixture_expect_saga(&k, SAGA_COMPENSATED);
	assert_int_equal(fixture_verb(&k, VERB_RETRY, 3, NULL), ERR_REFUSED);
	undone_is_for_good(&k, 0);
	fixture_finish(&k);
}

/* b was skipped by its `when`, so c comes after a through b: the undo of a still waits for c. */
static void order_holds_through_a_skipped_step(void **state)
{
	(void)state;
	struct model_fixture k;
	fixture_init_plan(&k, fixture_plan_with("a b>a c>b", 1, 0, true), 0, 0);
	fixture_try(&k, 0, OUTCOME_OK, true);
	assert_int_equal(decide_condition_result(&k.d, 1, false), 0);
	fixture_try(&k, 2, OUTCOME_OK, true);
	assert_int_equal(fixture_verb(&k, VERB_COMPENSATE, -1, NULL), 0);
	expect_state(&k, 0, STEP_WAITING);
	expect_state(&k, 2, STEP_READY);
	fixture_try(&k, 2, OUTCOME_OK, true);
	expect_state(&k, 0, STEP_READY);
	fixture_finish(&k);
}

static void only_definite_failure_triggers(void **state)
{
	(void)state;
	static const struct {
		enum outcome_class result;
		bool sent;
		bool triggers;
	} rows[] = { { OUTCOME_REJECTED, true, true },      { OUTCOME_FAULT, false, true },
				 { OUTCOME_UNREACHABLE, false, true }, /* exhausted */
				 { OUTCOME_UNKNOWN, true, false },      { OUTCOME_FAULT, true, false },
				 { OUTCOME_BODY_CHANGED, false, false } };
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct model_fixture k;
		fixture_init(&k, POLICY_COMPENSATE, "a b");
		k.rules[1].repeat = REPEAT_UNSAFE;
		k.rules[1].retry.attempts = 1;
		fixture_try(&k, 0, OUTCOME_OK, true);
		fixture_try(&k, 1, rows[i].result, rows[i].sent);
		assert_int_equal(k.saga->compensating, rows[i].triggers);
		fixture_expect_saga(&k, rows[i].triggers ? SAGA_COMPENSATING : SAGA_ATTENTION);
		fixture_finish(&k);
	}
}

static void doubt_holds_the_undo_until_it_is_settled(void **state)
{
	(void)state;
	for (int done = 0; done < 2; done++) {
		struct model_fixture k;
		fixture_init(&k, POLICY_COMPENSATE, "a b>a c");
		k.rules[1].repeat = REPEAT_UNSAFE;
		fixture_try(&k, 0, OUTCOME_OK, true);
		fixture_try(&k, 1, OUTCOME_UNKNOWN, true);
		fixture_try(&k, 2, OUTCOME_REJECTED, true);
		fixture_expect_saga(&k, SAGA_ATTENTION);
		fixture_expect(&k, 1, STEP_ATTENTION, REASON_IN_DOUBT);
		expect_state(&k, 0, STEP_WAITING);
		assert_int_equal(fixture_verb(&k, VERB_REDO, 1, NULL), ERR_REFUSED);
		assert_int_equal(fixture_verb(&k, done ? VERB_RESOLVE_DONE : VERB_RESOLVE_NOT_DONE, 1, NULL), 0);
		fixture_expect_saga(&k, SAGA_COMPENSATING);
		expect_state(&k, 0, done ? STEP_WAITING : STEP_READY);
		if (done)
			fixture_try(&k, 1, OUTCOME_OK, true);
		fixture_try(&k, 0, OUTCOME_OK, true);
		fixture_expect_saga(&k, SAGA_COMPENSATED);
		fixture_finish(&k);
	}
}

static void what_may_have_happened_is_undone_where_that_is_safe(void **state)
{
	(void)state;
	struct model_fixture k;
	fixture_init(&k, POLICY_COMPENSATE, "a b");
	k.rules[0].repeat = REPEAT_UNSAFE;
	k.rules[0].can_undo_nothing = true;
	fixture_try(&k, 0, OUTCOME_UNKNOWN, true);
	fixture_expect(&k, 0, STEP_ATTENTION, REASON_IN_DOUBT);
	fixture_try(&k, 1, OUTCOME_REJECTED, true);
	expect_state(&k, 0, STEP_READY);
	assert_int_equal(fixture_step(&k, 0)->direction, DIRECTION_UNDO);
	fixture_try(&k, 0, OUTCOME_OK, true);
	fixture_expect_saga(&k, SAGA_COMPENSATED);
	fixture_finish(&k);
}

/* An undo that sets a state can be repeated, so no operator is needed. */
static void an_idempotent_undo_is_sent_again(void **state)
{
	(void)state;
	static const enum repeat repeats[] = { REPEAT_KEYED, REPEAT_QUERYABLE, REPEAT_UNSAFE };
	for (size_t i = 0; i < 3; i++) {
		struct model_fixture k;
		fixture_init(&k, POLICY_COMPENSATE, "a b>a");
		k.rules[0].repeat = repeats[i];
		k.rules[0].undo_idempotent = true;
		fixture_try(&k, 0, OUTCOME_OK, true);
		fixture_try(&k, 1, OUTCOME_REJECTED, true);
		fixture_try(&k, 0, OUTCOME_UNKNOWN, true);
		expect_state(&k, 0, STEP_RETRY_WAIT);
		fixture_try(&k, 0, OUTCOME_OK, true);
		fixture_expect_saga(&k, SAGA_COMPENSATED);
		fixture_finish(&k);
	}
}

static void a_look_up_may_settle_what_is_being_undone(void **state)
{
	(void)state;
	static const enum outcome_class finds[] = { OUTCOME_OK, OUTCOME_ABSENT, OUTCOME_UNREACHABLE };
	for (size_t i = 0; i < 3; i++) {
		struct model_fixture k;
		fixture_init(&k, POLICY_COMPENSATE, "a b");
		k.rules[0].repeat = REPEAT_QUERYABLE;
		k.rules[0].can_lookup = true;
		k.rules[0].retry.attempts = 2;
		fixture_try(&k, 0, OUTCOME_UNKNOWN, true);
		fixture_try(&k, 1, OUTCOME_REJECTED, true);
		expect_state(&k, 0, STEP_RETRY_WAIT);
		fixture_try(&k, 0, finds[i], false);
		if (finds[i] == OUTCOME_OK)
			assert_int_equal(fixture_step(&k, 0)->direction, DIRECTION_UNDO);
		else if (finds[i] == OUTCOME_ABSENT)
			expect_skip(&k, 0, SKIP_CANCELLED);
		else
			fixture_expect(&k, 0, STEP_ATTENTION, REASON_IN_DOUBT); /* the second attempt is used up */
		fixture_finish(&k);
	}
}

static void an_idempotent_step_is_not_sent_again_to_be_undone(void **state)
{
	(void)state;
	struct model_fixture k;
	fixture_init(&k, POLICY_COMPENSATE, "a b c");
	fixture_try(&k, 0, OUTCOME_UNKNOWN, true);
	fixture_try(&k, 1, OUTCOME_UNREACHABLE, false);
	fixture_try(&k, 2, OUTCOME_REJECTED, true);
	fixture_expect(&k, 0, STEP_ATTENTION, REASON_IN_DOUBT);
	expect_skip(&k, 1, SKIP_CANCELLED);
	fixture_finish(&k);
}

static void what_cannot_be_undone_is_kept(void **state)
{
	(void)state;
	struct model_fixture k;
	fixture_init(&k, POLICY_COMPENSATE, "a b>a c");
	k.rules[1].can_undo = false;
	fixture_try(&k, 0, OUTCOME_OK, true);
	fixture_try(&k, 1, OUTCOME_OK, true);
	fixture_try(&k, 2, OUTCOME_REJECTED, true);
	expect_state(&k, 1, STEP_KEPT);
	fixture_try(&k, 0, OUTCOME_OK, true);
	fixture_expect_saga(&k, SAGA_COMPENSATED);
	fixture_finish(&k);
}

static void a_failed_undo_stops_those_after_it(void **state)
{
	(void)state;
	struct model_fixture k;
	fixture_init(&k, POLICY_COMPENSATE, "a b>a c>b");
	fixture_try(&k, 0, OUTCOME_OK, true);
	fixture_try(&k, 1, OUTCOME_OK, true);
	fixture_try(&k, 2, OUTCOME_REJECTED, true);
	fixture_try(&k, 1, OUTCOME_UNREACHABLE, false); /* the undo has a retry budget of its own */
	assert_int_equal(fixture_step(&k, 1)->spent, 1);
	fixture_try(&k, 1, OUTCOME_REJECTED, true);
	fixture_expect(&k, 1, STEP_ATTENTION, REASON_UNDO_FAILED);
	fixture_expect_saga(&k, SAGA_ATTENTION);
	expect_state(&k, 0, STEP_WAITING);
	assert_int_equal(fixture_verb(&k, VERB_RESUME, -1, NULL), 0);
	fixture_try(&k, 1, OUTCOME_REJECTED, true);
	assert_int_equal(fixture_verb(&k, VERB_SKIP, 1, NULL), 0);
	expect_state(&k, 1, STEP_KEPT);
	assert_true(fixture_step(&k, 1)->by_operator);
	expect_state(&k, 0, STEP_READY);
	fixture_try(&k, 0, OUTCOME_OK, true);
	fixture_expect_saga(&k, SAGA_COMPENSATED);
	fixture_finish(&k);
}

static void a_redo_that_fails_does_not_hide_the_first_success(void **state)
{
	(void)state;
	struct model_fixture k;
	fixture_init(&k, POLICY_COMPENSATE, "a");
	fixture_try(&k, 0, OUTCOME_OK, true);
	assert_int_equal(fixture_verb(&k, VERB_REDO, 0, NULL), 0);
	fixture_expect_saga(&k, SAGA_RUNNING);
	fixture_try(&k, 0, OUTCOME_REJECTED,
				true); /* starts the compensation; the first generation took effect and is undone */
	expect_state(&k, 0, STEP_READY);
	assert_int_equal(fixture_step(&k, 0)->direction, DIRECTION_UNDO);
	fixture_finish(&k);
}

static void a_redo_from_doubt_leaves_doubt_to_an_undo(void **state)
{
	(void)state;
	struct model_fixture k;
	fixture_init(&k, POLICY_CONTINUE, "a b");
	k.rules[0].repeat = REPEAT_UNSAFE;
	fixture_try(&k, 0, OUTCOME_UNKNOWN, true);
	assert_int_equal(fixture_verb(&k, VERB_REDO, 0, NULL), 0);
	assert_int_equal(fixture_step(&k, 0)->generation, 2);
	fixture_try(&k, 0, OUTCOME_REJECTED, true);
	assert_int_equal(fixture_verb(&k, VERB_SKIP, 0, NULL),
					 ERR_REFUSED); /* the first generation may have taken effect */
	assert_int_equal(fixture_verb(&k, VERB_COMPENSATE, -1, NULL), 0);
	fixture_expect(&k, 0, STEP_ATTENTION, REASON_IN_DOUBT);
	fixture_finish(&k);
}

/* An operator resolves the step that started the compensation as done: then it is undone first. */
static void expect_later_undo_first(bool tried)
{
	struct model_fixture k;
	fixture_init(&k, POLICY_COMPENSATE, "a b>a");
	fixture_try(&k, 0, OUTCOME_OK, true);
	fixture_try(&k, 1, OUTCOME_REJECTED, true);
	expect_state(&k, 0, STEP_READY);
	if (tried)
		fixture_try(&k, 0, OUTCOME_UNREACHABLE, false);
	assert_int_equal(fixture_verb(&k, VERB_RESOLVE_DONE, 1, NULL), 0);
	expect_state(&k, 1, STEP_READY);
	expect_state(&k, 0, STEP_WAITING);
	fixture_try(&k, 1, OUTCOME_OK, true);
	fixture_try(&k, 0, OUTCOME_OK, true);
	fixture_expect_saga(&k, SAGA_COMPENSATED);
	fixture_finish(&k);
}

static void an_undo_not_yet_done_waits_for_one_that_came_later(void **state)
{
	(void)state;
	expect_later_undo_first(false);
	expect_later_undo_first(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(undo_runs_in_reverse_order),
		cmocka_unit_test(order_holds_through_a_skipped_step),
		cmocka_unit_test(only_definite_failure_triggers),
		cmocka_unit_test(doubt_holds_the_undo_until_it_is_settled),
		cmocka_unit_test(what_may_have_happened_is_undone_where_that_is_safe),
		cmocka_unit_test(an_idempotent_undo_is_sent_again),
		cmocka_unit_test(a_look_up_may_settle_what_is_being_undone),
		cmocka_unit_test(an_idempotent_step_is_not_sent_again_to_be_undone),
		cmocka_unit_test(what_cannot_be_undone_is_kept),
		cmocka_unit_test(a_failed_undo_stops_those_after_it),
		cmocka_unit_test(a_redo_that_fails_does_not_hide_the_first_success),
		cmocka_unit_test(a_redo_from_doubt_leaves_doubt_to_an_undo),
		cmocka_unit_test(an_undo_not_yet_done_waits_for_one_that_came_later),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
