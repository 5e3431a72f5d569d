/* Order, conditions, expiry, the policy hold, cancel and pause. */
#include <string.h>

#include "saga/model/settle.h"
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

static void ready_when_all_before_are_done(void **state)
{
	(void)state;
	struct model_fixture k;
	fixture_init(&k, POLICY_CONTINUE, "a b>a c>a d>bc");
	expect_state(&k, 0, STEP_READY);
	expect_state(&k, 1, STEP_WAITING);
	fixture_try(&k, 0, OUTCOME_OK, true);
	expect_state(&k, 1, STEP_READY);
	expect_state(&k, 2, STEP_READY);
	fixture_try(&k, 1, OUTCOME_OK, true);
	expect_state(&k, 3, STEP_WAITING);
	fixture_try(&k, 2, OUTCOME_OK, true);
	fixture_try(&k, 3, OUTCOME_OK, true);
	fixture_expect_saga(&k, SAGA_COMPLETED);
	assert_int_equal(k.saga->finished_ms, k.d.now_ms);
	assert_false(saga_is_live(k.saga));
	fixture_finish(&k);
}

static void the_log_records_each_move_once(void **state)
{
	(void)state;
	struct model_fixture k;
	fixture_init(&k, POLICY_CONTINUE, "a b>a");
	assert_int_equal(k.log.count, 1); /* the record `accepted` implies that the first steps are ready */
	fixture_try(&k, 0, OUTCOME_OK, true);
	assert_int_equal(k.log.count, 4); /* intent, outcome, b ready */
	fixture_try(&k, 1, OUTCOME_OK, true);
	assert_int_equal(k.log.count, 7); /* intent, outcome, saga completed */
	fixture_finish(&k);
}

static void dependants_wait_for_an_operator(void **state)
{
	(void)state;
	struct model_fixture k;
	fixture_init(&k, POLICY_CONTINUE, "a b>a c");
	fixture_try(&k, 0, OUTCOME_REJECTED, true);
	expect_state(&k, 1, STEP_WAITING);
	fixture_try(&k, 2, OUTCOME_OK, true); /* step c does not come after a or b */
	fixture_expect_saga(&k, SAGA_ATTENTION);
	assert_int_equal(k.saga->reason, REASON_REJECTED);
	assert_int_equal(fixture_verb(&k, VERB_SKIP, 0, NULL), 0);
	expect_skip(&k, 1, SKIP_DEPENDENCY);
	fixture_expect_saga(&k, SAGA_COMPLETED_PARTIAL);
	assert_int_equal(fixture_verb(&k, VERB_RESOLVE_DONE, 0, NULL), 0); /* the operator corrects a mistake */
	expect_state(&k, 1, STEP_READY);
	fixture_expect_saga(&k, SAGA_RUNNING);
	fixture_finish(&k);
}

static void skipping_runs_down_the_whole_chain(void **state)
{
	(void)state;
	struct model_fixture k;
	fixture_init(&k, POLICY_CONTINUE, "a>c b>a c d>b"); /* the order is c, a, b, d */
	assert_int_equal(fixture_verb(&k, VERB_SKIP, 2, NULL), 0);
	expect_skip(&k, 0, SKIP_DEPENDENCY);
	expect_skip(&k, 1, SKIP_DEPENDENCY);
	expect_skip(&k, 3, SKIP_DEPENDENCY);
	fixture_expect_saga(&k, SAGA_COMPLETED_PARTIAL);
	assert_int_equal(fixture_verb(&k, VERB_REDO, 2, NULL), 0);
	expect_state(&k, 3, STEP_WAITING);
	fixture_finish(&k);
}

static void a_false_condition_counts_as_completed(void **state)
{
	(void)state;
	struct model_fixture k;
	fixture_init_plan(&k, fixture_plan_with("a b>a", 0, 0, true), 1, 0);
	expect_skip(&k, 0, SKIP_WHEN);
	expect_state(&k, 1, STEP_READY);
	fixture_try(&k, 1, OUTCOME_OK, true);
	fixture_expect_saga(&k, SAGA_COMPLETED);
	fixture_finish(&k);
	fixture_init_plan(&k, fixture_plan_with("a", 0, 0, true), 1, 0);
	fixture_expect_saga(&k, SAGA_COMPLETED); /* every step was skipped by its `when` */
	assert_int_equal(fixture_count(&k, RECORD_SAGA, NULL), 1);
	fixture_finish(&k);
	fixture_init_plan(&k, fixture_plan_with("a", 0, 0, true), 1, 1);
	assert_false(decide_needs_condition(k.saga, 0));
	fixture_try(&k, 0, OUTCOME_OK, true);
	fixture_finish(&k);
}

static void a_later_condition_is_asked_before_the_intent(void **state)
{
	(void)state;
	struct model_fixture k;
	bool started = false;
	for (int verdict = 0; verdict < 2; verdict++) {
		fixture_init_plan(&k, fixture_plan_with("a b>a", 1, 0, true), 0, 0);
		assert_int_equal(decide_condition_result(&k.d, 1, true), ERR_STALE); /* step b is not ready yet */
		fixture_try(&k, 0, OUTCOME_OK, true);
		assert_true(decide_needs_condition(k.saga, 1));
		assert_int_equal(decide_intent(&k.d, 1, &started), ERR_REFUSED);
		assert_int_equal(decide_condition_result(&k.d, 1, verdict != 0), 0);
		assert_int_equal(decide_condition_result(&k.d, 1, verdict != 0), ERR_STALE);
		if (verdict)
			fixture_try(&k, 1, OUTCOME_OK, true);
		else
			expect_skip(&k, 1, SKIP_WHEN);
		fixture_expect_saga(&k, SAGA_COMPLETED);
		fixture_finish(&k);
	}
}

static void a_condition_that_fails_is_a_fault(void **state)
{
	(void)state;
	struct model_fixture k;
	fixture_init_plan(&k, fixture_plan_with("a b>a", 1, 0, true), 0, 0);
	fixture_try(&k, 0, OUTCOME_OK, true);
	const struct outcome fault = { .result = OUTCOME_FAULT, .detail = "jq: cannot index" };
	const struct attempt_ref ref = { .step = 1, .generation = 1 };
	assert_int_equal(decide_outcome(&k.d, ref, &fault), 0);
	fixture_expect(&k, 1, STEP_ATTENTION, REASON_FAULT);
	assert_int_equal(fixture_verb(&k, VERB_RESUME, -1, NULL), 0);
	assert_true(decide_needs_condition(k.saga, 1));
	fixture_finish(&k);
}

static void what_is_late_is_not_sent(void **state)
{
	(void)state;
	struct model_fixture k;
	bool started = true;
	fixture_init_plan(&k, fixture_plan_with("a b>a", 0, 60000, false), 0, 0);
	k.d.now_ms += 59999;
	assert_false(decide_intent_would_end(&k.d, 0));
	k.d.now_ms += 1;
	assert_int_equal(decide_intent(&k.d, 0, &started), 0);
	assert_false(started);
	expect_skip(&k, 0, SKIP_EXPIRED);
	fixture_expect_saga(&k, SAGA_COMPLETED_PARTIAL);
	assert_int_equal(fixture_verb(&k, VERB_REDO, 0, NULL),
					 0); /* an operator wants the step in spite of the expiry */
	fixture_try(&k, 0, OUTCOME_UNREACHABLE, false);
	fixture_try(&k, 0, OUTCOME_OK, true);
	fixture_finish(&k);
	fixture_init_plan(&k, fixture_plan_with("a", 0, 60000, false), 0, 0);
	fixture_try(&k, 0, OUTCOME_UNKNOWN, true); /* the target is idempotent, so the step would be sent again */
	k.d.now_ms += 60000;
	assert_int_equal(decide_intent(&k.d, 0, &started), 0);
	fixture_expect(&k, 0, STEP_ATTENTION, REASON_IN_DOUBT);
	fixture_finish(&k);
}

static void a_missing_target_is_reported(void **state)
{
	(void)state;
	struct model_fixture k;
	bool started = true;
	fixture_init(&k, POLICY_CONTINUE, "a");
	k.rules[0].missing = true;
	assert_int_equal(decide_intent(&k.d, 0, &started), 0);
	assert_false(started);
	fixture_expect(&k, 0, STEP_ATTENTION, REASON_TARGET_MISSING);
	assert_int_equal(fixture_verb(&k, VERB_RETRY, 0, NULL), ERR_REFUSED);
	unsigned changed = 9;
	assert_int_equal(fixture_verb(&k, VERB_RESUME, -1, &changed), 0);
	assert_int_equal(changed, 0);
	k.rules[0].missing = false;
	assert_int_equal(fixture_verb(&k, VERB_RESUME, -1, &changed), 0);
	assert_int_equal(changed, 1);
	fixture_try(&k, 0, OUTCOME_OK, true);
	fixture_finish(&k);
}

/* ---- hold ---- */

static void hold_starts_no_further_step(void **state)
{
	(void)state;
	struct model_fixture k;
	bool started = false;
	fixture_init(&k, POLICY_HOLD, "a b c");
	fixture_try(&k, 1, OUTCOME_UNREACHABLE, false);
	fixture_try(&k, 0, OUTCOME_REJECTED, true);
	assert_int_equal(fixture_count(&k, RECORD_DECISION, "hold"), 1);
	fixture_expect_saga(&k, SAGA_ATTENTION);
	assert_false(decide_may_start(k.saga, 2));
	assert_int_equal(decide_intent(&k.d, 2, &started), ERR_REFUSED);
	fixture_try(&k, 1, OUTCOME_OK, true); /* the step had begun, so the policy hold lets it continue */
	assert_int_equal(fixture_verb(&k, VERB_RETRY, 0, NULL), 0);
	fixture_expect_saga(&k, SAGA_RUNNING);
	assert_true(decide_may_start(k.saga, 2));
	fixture_finish(&k);
}

static void an_operator_starts_one_of_two_held(void **state)
{
	(void)state;
	struct model_fixture k;
	fixture_init(&k, POLICY_HOLD, "a b c");
	struct attempt_ref a = fixture_begin(&k, 0);
	struct attempt_ref b = fixture_begin(&k, 1);
	fixture_outcome(&k, a, OUTCOME_REJECTED, true);
	fixture_outcome(&k, b, OUTCOME_REJECTED, true);
	assert_int_equal(fixture_verb(&k, VERB_RETRY, 1, NULL), 0);
	assert_true(decide_may_start(k.saga, 1));
	assert_false(decide_may_start(k.saga, 2));
	fixture_finish(&k);
}

/* ---- cancel, pause ---- */

static void cancel_lets_what_runs_finish_and_hides_no_doubt(void **state)
{
	(void)state;
	struct model_fixture k;
	fixture_init(&k, POLICY_CONTINUE, "a b c d e>a f");
	struct attempt_ref a = fixture_begin(&k, 0);
	struct attempt_ref b = fixture_begin(&k, 1);
	fixture_try(&k, 2, OUTCOME_UNKNOWN, true);
	fixture_try(&k, 3, OUTCOME_UNREACHABLE, false);
	fixture_try(&k, 5, OUTCOME_REJECTED, true);
	assert_int_equal(fixture_verb(&k, VERB_CANCEL, -1, NULL), 0);
	fixture_expect_saga(&k, SAGA_CANCELLED);
	fixture_expect(&k, 2, STEP_ATTENTION, REASON_IN_DOUBT);
	expect_skip(&k, 3, SKIP_CANCELLED);
	expect_skip(&k, 4, SKIP_CANCELLED);
	expect_skip(&k, 5, SKIP_CANCELLED);
	assert_true(saga_is_live(k.saga));
	fixture_outcome(&k, a, OUTCOME_OK, true);
	fixture_outcome(&k, b, OUTCOME_BUSY, true);
	expect_state(&k, 0, STEP_SUCCEEDED);
	expect_skip(&k, 1, SKIP_CANCELLED);
	assert_int_equal(fixture_verb(&k, VERB_RESUME, -1, NULL), ERR_REFUSED);
	assert_int_equal(fixture_verb(&k, VERB_RESOLVE_NOT_DONE, 2, NULL), 0);
	assert_int_equal(fixture_verb(&k, VERB_COMPENSATE, -1, NULL),
					 0); /* a cancelled saga can still be compensated */
	fixture_expect_saga(&k, SAGA_COMPENSATING);
	fixture_try(&k, 0, OUTCOME_OK, true);
	fixture_expect_saga(&k, SAGA_COMPENSATED);
	fixture_finish(&k);
}

static void pause_starts_nothing_and_ends_with_the_saga(void **state)
{
	(void)state;
	struct model_fixture k;
	fixture_init(&k, POLICY_CONTINUE, "a b");
	struct attempt_ref a = fixture_begin(&k, 0);
	assert_int_equal(fixture_verb(&k, VERB_PAUSE, -1, NULL), 0);
	fixture_expect_saga(&k, SAGA_PAUSED);
	bool started = false;
	assert_int_equal(decide_intent(&k.d, 1, &started), ERR_REFUSED);
	fixture_outcome(&k, a, OUTCOME_OK, true);
	fixture_expect_saga(&k, SAGA_PAUSED);
	assert_int_equal(fixture_verb(&k, VERB_SKIP, 1, NULL), 0);
	fixture_expect_saga(&k, SAGA_COMPLETED_PARTIAL);
	assert_false(k.saga->paused);
	fixture_finish(&k);
}

/* ---- sagas without steps ---- */

static void sagas_without_steps_have_a_state(void **state)
{
	(void)state;
	static const struct {
		bool unrouted;
		enum reason own;
		enum record_kind record;
		enum saga_state state;
	} rows[] = { { true, REASON_NONE, RECORD_UNROUTED, SAGA_UNROUTED },
				 { false, REASON_QUARANTINED, RECORD_QUARANTINED, SAGA_ATTENTION },
				 { false, REASON_GIFT_MISSING, RECORD_GIFT_MISSING, SAGA_ATTENTION } };
	for (size_t i = 0; i < 3; i++) {
		struct model_fixture k = { .plan = plan_empty() };
		struct saga_start start = { .plan = k.plan, .unrouted = rows[i].unrouted, .own_reason = rows[i].own };
		static const uint8_t digest[32] = { 0 };
		k.saga = saga_create(&start);
		k.d = (struct decide){ .saga = k.saga, .now_ms = 1, .log = &k.log };
		decide_accepted(&k.d, &start, digest);
		fixture_expect_saga(&k, rows[i].state);
		assert_int_equal(k.saga->reason, rows[i].own);
		assert_int_equal(fixture_count(&k, rows[i].record, NULL), 1);
		assert_int_equal(k.log.count, 1);
		int rc = fixture_verb(&k, VERB_REPROCESS, -1, NULL);
		assert_int_equal(rc, rows[i].own != REASON_NONE ? 0 : ERR_REFUSED);
		fixture_finish(&k);
	}
}

static void what_is_unsound_is_found(void **state)
{
	(void)state;
	struct model_fixture k;
	fixture_init(&k, POLICY_CONTINUE, "a b>a");
	struct step *a = fixture_step(&k, 0);
	struct step *b = fixture_step(&k, 1);
	const struct step was = *a;
	assert_null(saga_check(k.saga));
	a->why = WHY_NONE; /* a ready step without a cause to go on breaks a rule */
	assert_non_null(saga_check(k.saga));
	*a = was;
	a->why = WHY_LANE;
	assert_null(saga_check(k.saga));
	a->state = STEP_RUNNING;
	assert_non_null(saga_check(k.saga));
	*a = was;
	a->state = STEP_SUCCEEDED; /* b would wait for a step that has ended */
	a->why = WHY_NONE;
	a->took_effect = true;
	assert_non_null(saga_check(k.saga));
	*a = was;
	b->direction = DIRECTION_UNDO;
	assert_non_null(saga_check(k.saga));
	b->direction = DIRECTION_DO;
	k.saga->state = SAGA_COMPLETED;
	assert_non_null(saga_check(k.saga));
	k.saga->state = SAGA_RUNNING;
	a->effect_possible = true;
	assert_non_null(saga_check(k.saga));
	*a = was;
	assert_null(saga_check(k.saga));
	fixture_finish(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ready_when_all_before_are_done),
		cmocka_unit_test(the_log_records_each_move_once),
		cmocka_unit_test(dependants_wait_for_an_operator),
		cmocka_unit_test(skipping_runs_down_the_whole_chain),
		cmocka_unit_test(a_false_condition_counts_as_completed),
		cmocka_unit_test(a_later_condition_is_asked_before_the_intent),
		cmocka_unit_test(a_condition_that_fails_is_a_fault),
		cmocka_unit_test(what_is_late_is_not_sent),
		cmocka_unit_test(a_missing_target_is_reported),
		cmocka_unit_test(hold_starts_no_further_step),
		cmocka_unit_test(an_operator_starts_one_of_two_held),
		cmocka_unit_test(cancel_lets_what_runs_finish_and_hides_no_doubt),
		cmocka_unit_test(pause_starts_nothing_and_ends_with_the_saga),
		cmocka_unit_test(sagas_without_steps_have_a_state),
		cmocka_unit_test(what_is_unsound_is_found),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
