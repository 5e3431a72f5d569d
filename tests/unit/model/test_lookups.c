/* What follows when a look-up finds nothing or only a part, and the target's code in an outcome. */
#include <string.h>

#include "tests/unit/model/model_fixture.h"

/* The step waits, and its next attempt is a look-up. */
static void expect_lookup(struct model_fixture *k, const char *after)
{
	const struct step *st = fixture_step(k, 0);
	if (st->state != STEP_RETRY_WAIT || !st->lookup_first)
		fail_msg("after %s: %s, no look-up", after, name_of_step_state((enum step_state)st->state));
}

static void open_queryable(struct model_fixture *k)
{
	fixture_init(k, POLICY_CONTINUE, "a");
	k->rules[0].repeat = REPEAT_QUERYABLE;
	k->rules[0].can_lookup = true;
}

/* The look-up answers for the last generation only; the generation before it was in doubt too. */
static void absent_says_nothing_of_an_earlier_generation(void **state)
{
	(void)state;
	struct model_fixture k;
	open_queryable(&k);
	fixture_try(&k, 0, OUTCOME_UNKNOWN, true);
	fixture_try(&k, 0, OUTCOME_REJECTED, false);
	assert_int_equal(fixture_verb(&k, VERB_REDO, 0, NULL), 0);
	fixture_try(&k, 0, OUTCOME_UNKNOWN, true);
	fixture_try(&k, 0, OUTCOME_ABSENT, false);
	fixture_expect(&k, 0, STEP_READY, REASON_NONE);
	assert_int_equal(fixture_verb(&k, VERB_SKIP, 0, NULL), ERR_REFUSED);
	fixture_try(&k, 0, OUTCOME_OK, true);
	assert_false(fixture_step(&k, 0)->doubt_before);
	fixture_finish(&k);
}

static void absent_clears_the_doubt_and_keeps_the_generation(void **state)
{
	(void)state;
	struct model_fixture k;
	open_queryable(&k);
	fixture_try(&k, 0, OUTCOME_UNKNOWN, true);
	fixture_try(&k, 0, OUTCOME_ABSENT, false);
	const struct step *st = fixture_step(&k, 0);
	assert_false(st->effect_possible || st->lookup_first);
	assert_int_equal(st->generation, 1);
	struct attempt_ref ref = fixture_begin(&k, 0);
	assert_int_equal(ref.attempt, 3);
	assert_int_equal(fixture_count(&k, RECORD_INTENT, "lookup"), 1);
	fixture_outcome(&k, ref, OUTCOME_OK, true);
	fixture_expect_saga(&k, SAGA_COMPLETED);
	fixture_finish(&k);
}

/* A queryable step whose attempt had an unknown end and whose look-up found a part. */
static void open_partial(struct model_fixture *k)
{
	open_queryable(k);
	struct attempt_ref ref = fixture_begin(k, 0);
	assert_int_equal(decide_checkpoint(&k->d, ref, STR("contact 9")), 0);
	fixture_outcome(k, ref, OUTCOME_UNKNOWN, true);
	fixture_try(k, 0, OUTCOME_PARTIAL, false);
	fixture_expect(k, 0, STEP_READY, REASON_NONE);
}

/* The do goes on without a second look-up: same generation, same checkpoint. */
static void partial_goes_on_from_the_checkpoint(void **state)
{
	(void)state;
	struct model_fixture k;
	open_partial(&k);
	const struct step *st = fixture_step(&k, 0);
	assert_int_equal(st->generation, 1);
	assert_int_equal(st->spent, 1); /* the look-up spends nothing */
	assert_string_equal(st->checkpoint, "contact 9");
	assert_true(st->effect_possible);
	struct attempt_ref ref = fixture_begin(&k, 0);
	assert_int_equal(ref.attempt, 3);
	assert_int_equal(fixture_count(&k, RECORD_INTENT, "lookup"), 1);
	fixture_outcome(&k, ref, OUTCOME_OK, true);
	fixture_expect_saga(&k, SAGA_COMPLETED);
	assert_false(st->effect_possible);
	fixture_finish(&k);
}

/* The promise that nothing is made twice holds for one attempt. After any other end the class decides again. */
static void after_partial_the_next_failure_looks_again(void **state)
{
	(void)state;
	static const enum outcome_class failures[] = { OUTCOME_UNKNOWN, OUTCOME_UNREACHABLE, OUTCOME_BUSY };
	for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
		struct model_fixture k;
		open_partial(&k);
		fixture_try(&k, 0, failures[i], failures[i] == OUTCOME_UNKNOWN);
		expect_lookup(&k, name_of_outcome(failures[i]));
		fixture_try(&k, 0, OUTCOME_PARTIAL, false);
		fixture_try(&k, 0, OUTCOME_OK, true);
		fixture_expect_saga(&k, SAGA_COMPLETED);
		fixture_finish(&k);
	}
	struct model_fixture k;
	open_partial(&k);
	(void)fixture_begin(&k, 0);
	assert_int_equal(decide_recover(&k.d, 0, NULL), 0);
	expect_lookup(&k, "a crash");
	fixture_finish(&k);
}

/* Something is at the target, so the step cannot end as if nothing were. */
static void a_part_is_not_forgotten(void **state)
{
	(void)state;
	struct model_fixture k;
	open_partial(&k);
	fixture_try(&k, 0, OUTCOME_REJECTED, false);
	fixture_expect(&k, 0, STEP_ATTENTION, REASON_REJECTED);
	assert_int_equal(fixture_verb(&k, VERB_SKIP, 0, NULL), ERR_REFUSED);
	fixture_finish(&k);
	open_partial(&k);
	assert_int_equal(fixture_verb(&k, VERB_CANCEL, -1, NULL), 0);
	fixture_expect(&k, 0, STEP_ATTENTION, REASON_IN_DOUBT);
	fixture_finish(&k);
}

/* A saga that is undone while a look-up runs: a part is undone like the whole. */
static void a_part_is_undone(void **state)
{
	(void)state;
	for (int can_undo = 0; can_undo < 2; can_undo++) {
		struct model_fixture k;
		open_partial(&k);
		k.rules[0].can_undo = can_undo != 0;
		assert_int_equal(fixture_verb(&k, VERB_COMPENSATE, -1, NULL), 0);
		expect_lookup(&k, "compensate");
		fixture_try(&k, 0, OUTCOME_PARTIAL, false);
		fixture_expect(&k, 0, can_undo ? STEP_READY : STEP_ATTENTION,
					   can_undo ? REASON_NONE : REASON_IN_DOUBT);
		if (can_undo) {
			assert_int_equal(fixture_step(&k, 0)->direction, DIRECTION_UNDO);
			fixture_try(&k, 0, OUTCOME_OK, true);
			fixture_expect_saga(&k, SAGA_COMPENSATED);
		}
		fixture_finish(&k);
	}
}

/* The code of the target is in the head of the log, so it stays when personal texts are forgotten. */
static void the_code_is_recorded(void **state)
{
	(void)state;
	struct model_fixture k;
	fixture_init(&k, POLICY_CONTINUE, "a");
	const struct outcome o = { .result = OUTCOME_REJECTED, .status = 400, .code = "6140", .detail = "Ada" };
	assert_int_equal(decide_outcome(&k.d, fixture_begin(&k, 0), &o), 0);
	assert_int_equal(fixture_count(&k, RECORD_OUTCOME, "6140"), 1);
	fixture_finish(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(absent_says_nothing_of_an_earlier_generation),
		cmocka_unit_test(absent_clears_the_doubt_and_keeps_the_generation),
		cmocka_unit_test(partial_goes_on_from_the_checkpoint),
		cmocka_unit_test(after_partial_the_next_failure_looks_again),
		cmocka_unit_test(a_part_is_not_forgotten),
		cmocka_unit_test(a_part_is_undone),
		cmocka_unit_test(the_code_is_recorded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
