/* The state machine of one attempt: exchanges, lost replies, checkpoints, deadlines. */
#include <string.h>

#include "saga/base/mem.h"
#include "tests/unit/engine/engine_fixture.h"

/* ---- one exchange ---- */

static void test_the_happy_path(void **state)
{
	(void)state;
	struct engine_fixture *b = fixture_create();
	fixture_send(b, ALMONER_EFFECTS, "gift");
	struct almoner_action *done = fixture_finish(b, ALMONER_OK);
	done->done.result = (struct almoner_text)TEXT("{\"id\":\"9\"}");
	fixture_start(b);
	assert_int_equal(b->submits, 1);
	assert_int_equal(b->request.target, 3);
	assert_false(b->request.limits.fresh_connection);
	assert_int_equal(b->request.limits.timeout_ms, 30000);
	b->now_ms = 1250;
	fixture_reply(b, 201);
	assert_int_equal(b->ended_calls, 1);
	assert_int_equal(b->outcome.result, OUTCOME_OK);
	assert_int_equal(b->outcome.status, 201);
	assert_int_equal(b->outcome.duration_ms, 250);
	assert_true(b->outcome.effect_sent);
	assert_true(b->outcome.has_body);
	assert_string_equal(b->result, "{\"id\":\"9\"}");
	assert_int_equal(b->checkpoints, 0);
	fixture_destroy(b);
}

static void test_what_the_connector_receives(void **state)
{
	(void)state;
	struct engine_fixture *b = fixture_create();
	fixture_finish(b, ALMONER_OK);
	struct work *w = fixture_work();
	w->checkpoint = mem_strdup("at 2");
	w->checkpoint_len = 4;
	fixture_start_with(b, w, REPEAT_KEYED);
	assert_int_equal(b->step.purpose, ALMONER_DO);
	assert_int_equal(b->step.saga, 42);
	assert_int_equal(b->step.attempt, 2);
	assert_string_equal(b->step.name.p, "crm");
	assert_string_equal(b->step.event.p, "{\"id\":\"e1\"}");
	assert_int_equal(b->step.checkpoint.len, 4);
	assert_null(b->step.own_result.p);
	assert_int_equal(b->step.accepted_ms, 1000);
	assert_int_equal(b->step.event_version, 1);
	assert_null(b->step.original.p);
	assert_null(b->step.local_day.p);
	char expected[KEY_TEXT_BYTES];
	key_derive("forms", "e1", "crm", DIRECTION_DO, 1, "", expected);
	assert_string_equal(b->key, expected);
	fixture_destroy(b);
}

static void test_undo_and_look_up_and_their_keys(void **state)
{
	(void)state;
	char undo[KEY_TEXT_BYTES], make[KEY_TEXT_BYTES];
	key_derive("forms", "e1", "crm", DIRECTION_UNDO, 1, "", undo);
	key_derive("forms", "e1", "crm", DIRECTION_DO, 1, "", make);
	struct engine_fixture *b = fixture_create();
	fixture_finish(b, ALMONER_OK);
	struct work *w = fixture_work();
	w->ref.direction = DIRECTION_UNDO;
	fixture_start_with(b, w, REPEAT_KEYED);
	assert_int_equal(b->step.purpose, ALMONER_UNDO);
	assert_string_equal(b->key, undo);
	fixture_destroy(b);
	b = fixture_create();
	fixture_finish(b, ALMONER_ABSENT);
	w = fixture_work();
	w->lookup = true;
	fixture_start_with(b, w, REPEAT_QUERYABLE);
	assert_int_equal(b->step.purpose, ALMONER_LOOKUP);
	assert_string_equal(b->key, make);
	assert_int_equal(b->outcome.result, OUTCOME_ABSENT);
	fixture_destroy(b);
	b = fixture_create();
	fixture_finish(b, ALMONER_PARTIAL);
	w = fixture_work();
	w->lookup = true;
	fixture_start_with(b, w, REPEAT_QUERYABLE);
	assert_int_equal(b->outcome.result, OUTCOME_PARTIAL);
	fixture_destroy(b);
	b = fixture_create();
	fixture_finish(b, ALMONER_PARTIAL);
	fixture_start(b);
	assert_int_equal(b->outcome.result, OUTCOME_FAULT);
	fixture_destroy(b);
}

static void test_unsafe_effects_use_a_fresh_connection(void **state)
{
	(void)state;
	struct engine_fixture *b = fixture_create();
	fixture_send(b, ALMONER_READS, "");
	fixture_send(b, ALMONER_EFFECTS, "gift");
	fixture_start_with(b, fixture_work(), REPEAT_UNSAFE);
	assert_false(b->request.limits.fresh_connection);
	fixture_reply(b, 200);
	assert_true(b->request.limits.fresh_connection);
	fixture_destroy(b);
	assert_true(true);
}

/* ---- failed exchanges ---- */

struct lost_exchange {
	uint32_t effect;
	enum transport_verdict verdict;
	enum outcome_class expected;
	bool effect_sent;
};

static void test_what_a_lost_exchange_means(void **state)
{
	(void)state;
	static const struct lost_exchange table[] = {
		{ ALMONER_EFFECTS, TRANSPORT_UNKNOWN, OUTCOME_UNKNOWN, true },
		{ ALMONER_EFFECTS, TRANSPORT_UNREACHABLE, OUTCOME_UNREACHABLE, false },
		{ ALMONER_EFFECTS, TRANSPORT_NOT_SENDABLE, OUTCOME_REJECTED, false },
		{ ALMONER_READS, TRANSPORT_UNKNOWN, OUTCOME_UNREACHABLE, false },
		{ ALMONER_READS, TRANSPORT_UNREACHABLE, OUTCOME_UNREACHABLE, false },
		{ ALMONER_READS, TRANSPORT_NOT_SENDABLE, OUTCOME_REJECTED, false },
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct engine_fixture *b = fixture_create();
		fixture_send(b, table[i].effect, "gift");
		fixture_start(b);
		fixture_lose(b, table[i].verdict);
		assert_int_equal(b->outcome.result, table[i].expected);
		assert_int_equal(b->outcome.effect_sent, table[i].effect_sent);
		assert_string_equal(b->detail, "it broke");
		fixture_destroy(b);
	}
}

/* An effect was answered, but no durable checkpoint records it: a failure afterwards leaves doubt. */
static void test_an_answered_effect_without_checkpoint_leaves_doubt(void **state)
{
	(void)state;
	static const enum transport_verdict verdicts[] = { TRANSPORT_UNREACHABLE, TRANSPORT_UNKNOWN };
	for (size_t i = 0; i < 2; i++) {
		struct engine_fixture *b = fixture_create();
		fixture_send(b, ALMONER_EFFECTS, "gift");
		fixture_send(b, ALMONER_READS, "");
		fixture_start(b);
		fixture_reply(b, 200);
		fixture_lose(b, verdicts[i]);
		assert_int_equal(b->outcome.result, OUTCOME_UNKNOWN);
		assert_true(b->outcome.effect_sent);
		fixture_destroy(b);
	}
	struct engine_fixture *b = fixture_create();
	fixture_send(b, ALMONER_EFFECTS, "gift");
	fixture_send(b, ALMONER_READS, "");
	fixture_start(b);
	fixture_reply(b, 200);
	fixture_lose(b, TRANSPORT_NOT_SENDABLE);
	assert_int_equal(b->outcome.result,
					 OUTCOME_FAULT); /* effect_sent makes the journal treat this fault as doubt */
	assert_true(b->outcome.effect_sent);
	fixture_destroy(b);
}

/* ---- checkpoints ---- */

static struct engine_fixture *at_second_effect(const char *text)
{
	struct engine_fixture *b = fixture_create();
	fixture_send(b, ALMONER_EFFECTS, "contact");
	fixture_checkpoint(fixture_send(b, ALMONER_EFFECTS, "gift"), text);
	fixture_finish(b, ALMONER_OK);
	fixture_start(b);
	fixture_reply(b, 200);
	return b;
}

static void test_a_second_effect_waits_for_its_checkpoint(void **state)
{
	(void)state;
	struct engine_fixture *b = at_second_effect("contact 5");
	assert_int_equal(b->submits, 1);
	assert_int_equal(b->checkpoints, 1);
	assert_string_equal(b->checkpoint, "contact 5");
	struct work *w = b->held_work;
	b->held_work = NULL;
	attempt_answer(b->a, ATTEMPT_CHECKPOINTED, w);
	assert_int_equal(b->submits, 2);
	fixture_reply(b, 200);
	assert_int_equal(b->outcome.result, OUTCOME_OK);
	fixture_destroy(b);
}

/* A request with an effect that cannot be recorded as in flight is not sent. */
static void test_each_effect_is_noted_before_it_is_sent(void **state)
{
	(void)state;
	struct engine_fixture *b = fixture_create();
	fixture_send(b, ALMONER_READS, "");
	fixture_send(b, ALMONER_EFFECTS, "contact");
	fixture_checkpoint(fixture_send(b, ALMONER_EFFECTS, "gift"), "contact 5");
	fixture_start(b);
	assert_int_equal(b->effects_recorded, 0);
	fixture_reply(b, 404);
	assert_int_equal(b->effects_recorded, 1);
	fixture_reply(b, 200);
	assert_int_equal(b->effects_recorded, 1);
	b->inflight_full = true;
	struct work *w = b->held_work;
	b->held_work = NULL;
	attempt_answer(b->a, ATTEMPT_CHECKPOINTED, w);
	assert_int_equal(b->effects_recorded, 2);
	assert_int_equal(b->submits, 2);
	assert_int_equal(b->outcome.result, OUTCOME_BUSY);
	assert_non_null(strstr(b->detail, "was not sent"));
	fixture_destroy(b);
}

static void test_after_a_checkpoint_unreachable_is_unreachable(void **state)
{
	(void)state;
	struct engine_fixture *b = at_second_effect("contact 5");
	struct work *w = b->held_work;
	b->held_work = NULL;
	attempt_answer(b->a, ATTEMPT_CHECKPOINTED, w);
	fixture_lose(b, TRANSPORT_UNREACHABLE);
	assert_int_equal(b->outcome.result, OUTCOME_UNREACHABLE);
	assert_true(b->outcome.effect_sent);
	fixture_destroy(b);
}

static void test_the_step_moved_on_while_checkpointing(void **state)
{
	(void)state;
	struct engine_fixture *b = at_second_effect("contact 5");
	struct work *w = b->held_work;
	b->held_work = NULL;
	attempt_answer(b->a, ATTEMPT_GONE, w);
	assert_int_equal(b->submits, 1);
	assert_int_equal(b->ended_calls, 1);
	assert_true(b->gone);
	fixture_destroy(b);
}

static void test_the_daemon_dies_while_checkpointing(void **state)
{
	(void)state;
	struct engine_fixture *b = at_second_effect("contact 5");
	work_destroy(b->held_work); /* the journal frees the work; the connector's `end` still sees valid texts */
	b->held_work = NULL;
	fixture_destroy(b);
}

static void test_a_checkpoint_that_is_durable_already_is_not_written_again(void **state)
{
	(void)state;
	struct engine_fixture *b = fixture_create();
	fixture_send(b, ALMONER_EFFECTS, "one");
	fixture_checkpoint(fixture_send(b, ALMONER_EFFECTS, "two"), "same");
	struct work *w = fixture_work();
	w->checkpoint = mem_strdup("same");
	w->checkpoint_len = 4;
	fixture_start_with(b, w, REPEAT_KEYED);
	fixture_reply(b, 200);
	assert_int_equal(b->checkpoints, 0);
	assert_int_equal(b->submits, 2);
	fixture_destroy(b);
}

static void test_reads_before_the_first_effect_need_no_checkpoint(void **state)
{
	(void)state;
	struct engine_fixture *b = fixture_create();
	fixture_send(b, ALMONER_READS, "find");
	fixture_checkpoint(fixture_send(b, ALMONER_EFFECTS, "gift"), "found");
	fixture_start(b);
	fixture_reply(b, 200);
	assert_int_equal(b->checkpoints, 0);
	assert_int_equal(b->submits, 2);
	fixture_destroy(b);
}

/* ---- deadlines, and the stop of the daemon ---- */

static void test_an_attempt_that_takes_too_long(void **state)
{
	(void)state;
	struct engine_fixture *b = fixture_create();
	fixture_send(b, ALMONER_EFFECTS, "gift");
	fixture_start(b);
	attempt_stop(b->a, ATTEMPT_EXPIRED);
	assert_int_equal(b->cancels, 1);
	assert_int_equal(b->outcome.result, OUTCOME_UNKNOWN);
	assert_true(b->outcome.effect_sent);
	attempt_stop(b->a, ATTEMPT_ABORTED); /* it has ended: no effect */
	assert_int_equal(b->ended_calls, 1);
	fixture_destroy(b);
}

static void test_cut_off_by_the_end_of_the_daemon(void **state)
{
	(void)state;
	struct engine_fixture *b = fixture_create();
	fixture_send(b, ALMONER_READS, "find");
	fixture_start(b);
	attempt_stop(b->a, ATTEMPT_ABORTED);
	assert_int_equal(b->outcome.result, OUTCOME_BUSY); /* nothing was sent, so no attempt is counted */
	assert_false(b->outcome.effect_sent);
	fixture_destroy(b);
	b = fixture_create();
	fixture_send(b, ALMONER_EFFECTS, "gift");
	fixture_start(b);
	attempt_stop(b->a, ATTEMPT_ABORTED);
	assert_int_equal(b->outcome.result, OUTCOME_UNKNOWN);
	assert_true(b->outcome.effect_sent);
	fixture_destroy(b);
}

static void test_stopped_while_checkpointing_ends_with_the_answer(void **state)
{
	(void)state;
	static const enum attempt_input why[] = { ATTEMPT_EXPIRED, ATTEMPT_ABORTED };
	static const enum outcome_class expected[] = { OUTCOME_UNREACHABLE, OUTCOME_BUSY };
	for (size_t i = 0; i < 2; i++) {
		struct engine_fixture *b = at_second_effect("contact 5");
		attempt_stop(b->a, why[i]);
		assert_int_equal(b->ended_calls, 0);
		struct work *w = b->held_work;
		b->held_work = NULL;
		attempt_answer(b->a, ATTEMPT_CHECKPOINTED, w);
		assert_int_equal(b->submits, 1);
		assert_int_equal(b->outcome.result, expected[i]);
		fixture_destroy(b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_happy_path),
		cmocka_unit_test(test_what_the_connector_receives),
		cmocka_unit_test(test_undo_and_look_up_and_their_keys),
		cmocka_unit_test(test_unsafe_effects_use_a_fresh_connection),
		cmocka_unit_test(test_what_a_lost_exchange_means),
		cmocka_unit_test(test_an_answered_effect_without_checkpoint_leaves_doubt),
		cmocka_unit_test(test_a_second_effect_waits_for_its_checkpoint),
		cmocka_unit_test(test_each_effect_is_noted_before_it_is_sent),
		cmocka_unit_test(test_after_a_checkpoint_unreachable_is_unreachable),
		cmocka_unit_test(test_the_step_moved_on_while_checkpointing),
		cmocka_unit_test(test_the_daemon_dies_while_checkpointing),
		cmocka_unit_test(test_a_checkpoint_that_is_durable_already_is_not_written_again),
		cmocka_unit_test(test_reads_before_the_first_effect_need_no_checkpoint),
		cmocka_unit_test(test_an_attempt_that_takes_too_long),
		cmocka_unit_test(test_cut_off_by_the_end_of_the_daemon),
		cmocka_unit_test(test_stopped_while_checkpointing_ends_with_the_answer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
