/* The machine of one attempt: exchanges, losses, checkpoints, time. */
#include <string.h>

#include "saga/base/mem.h"
#include "tests/unit/engine/bench.h"

/* ---- one exchange ---- */

static void test_the_happy_path(void **state)
{
	(void)state;
	struct bench *b = bench_create();
	bench_send(b, ALMONER_EFFECTS, "gift");
	struct almoner_action *done = bench_finish(b, ALMONER_OK);
	done->done.result = (struct almoner_text)TEXT("{\"id\":\"9\"}");
	bench_start(b);
	assert_int_equal(b->submits, 1);
	assert_int_equal(b->request.target, 3);
	assert_false(b->request.limits.fresh_connection);
	assert_int_equal(b->request.limits.timeout_ms, 30000);
	b->now_ms = 1250;
	bench_reply(b, 201);
	assert_int_equal(b->ended_calls, 1);
	assert_int_equal(b->outcome.result, OUTCOME_OK);
	assert_int_equal(b->outcome.status, 201);
	assert_int_equal(b->outcome.duration_ms, 250);
	assert_true(b->outcome.effect_sent);
	assert_true(b->outcome.has_body);
	assert_string_equal(b->result, "{\"id\":\"9\"}");
	assert_int_equal(b->checkpoints, 0);
	bench_destroy(b);
}

static void test_what_the_connector_is_told(void **state)
{
	(void)state;
	struct bench *b = bench_create();
	bench_finish(b, ALMONER_OK);
	struct work *w = bench_work();
	w->checkpoint = mem_strdup("at 2");
	w->checkpoint_len = 4;
	bench_start_with(b, w, REPEAT_KEYED);
	assert_int_equal(b->step.purpose, ALMONER_DO);
	assert_int_equal(b->step.saga, 42);
	assert_int_equal(b->step.attempt, 2);
	assert_string_equal(b->step.name.p, "crm");
	assert_string_equal(b->step.event.p, "{\"id\":\"e1\"}");
	assert_int_equal(b->step.checkpoint.len, 4);
	assert_null(b->step.own_result.p);
	assert_int_equal(b->step.accepted_ms, 1000);
	char expected[KEY_TEXT_BYTES];
	key_derive("forms", "e1", "crm", DIRECTION_DO, 1, "", expected);
	assert_string_equal(b->key, expected);
	bench_destroy(b);
}

static void test_undo_and_look_up_and_their_keys(void **state)
{
	(void)state;
	char undo[KEY_TEXT_BYTES], make[KEY_TEXT_BYTES];
	key_derive("forms", "e1", "crm", DIRECTION_UNDO, 1, "", undo);
	key_derive("forms", "e1", "crm", DIRECTION_DO, 1, "", make);
	struct bench *b = bench_create();
	bench_finish(b, ALMONER_OK);
	struct work *w = bench_work();
	w->ref.direction = DIRECTION_UNDO;
	bench_start_with(b, w, REPEAT_KEYED);
	assert_int_equal(b->step.purpose, ALMONER_UNDO);
	assert_string_equal(b->key, undo);
	bench_destroy(b);
	b = bench_create();
	bench_finish(b, ALMONER_ABSENT);
	w = bench_work();
	w->lookup = true;
	bench_start_with(b, w, REPEAT_QUERYABLE);
	assert_int_equal(b->step.purpose, ALMONER_LOOKUP);
	assert_string_equal(b->key, make);
	assert_int_equal(b->outcome.result, OUTCOME_ABSENT);
	bench_destroy(b);
}

static void test_unsafe_effects_use_a_fresh_connection(void **state)
{
	(void)state;
	struct bench *b = bench_create();
	bench_send(b, ALMONER_READS, "");
	bench_send(b, ALMONER_EFFECTS, "gift");
	bench_start_with(b, bench_work(), REPEAT_UNSAFE);
	assert_false(b->request.limits.fresh_connection);
	bench_reply(b, 200);
	assert_true(b->request.limits.fresh_connection);
	bench_destroy(b);
	assert_true(true);
}

/* ---- trouble on the wire ---- */

struct loss {
	uint32_t effect;
	enum transport_verdict verdict;
	enum outcome_class expected;
	bool effect_sent;
};

static void test_what_a_lost_exchange_means(void **state)
{
	(void)state;
	static const struct loss table[] = {
		{ ALMONER_EFFECTS, TRANSPORT_UNKNOWN, OUTCOME_UNKNOWN, true },
		{ ALMONER_EFFECTS, TRANSPORT_UNREACHABLE, OUTCOME_UNREACHABLE, false },
		{ ALMONER_EFFECTS, TRANSPORT_REFUSED, OUTCOME_REJECTED, false },
		{ ALMONER_READS, TRANSPORT_UNKNOWN, OUTCOME_UNREACHABLE, false },
		{ ALMONER_READS, TRANSPORT_UNREACHABLE, OUTCOME_UNREACHABLE, false },
		{ ALMONER_READS, TRANSPORT_REFUSED, OUTCOME_REJECTED, false },
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct bench *b = bench_create();
		bench_send(b, table[i].effect, "gift");
		bench_start(b);
		bench_lose(b, table[i].verdict);
		assert_int_equal(b->outcome.result, table[i].expected);
		assert_int_equal(b->outcome.effect_sent, table[i].effect_sent);
		assert_string_equal(b->detail, "it broke");
		bench_destroy(b);
	}
}

/* An effect was answered, but nothing durable says so: what breaks afterwards leaves doubt. */
static void test_an_answered_effect_without_checkpoint_leaves_doubt(void **state)
{
	(void)state;
	static const enum transport_verdict verdicts[] = { TRANSPORT_UNREACHABLE, TRANSPORT_UNKNOWN };
	for (size_t i = 0; i < 2; i++) {
		struct bench *b = bench_create();
		bench_send(b, ALMONER_EFFECTS, "gift");
		bench_send(b, ALMONER_READS, "");
		bench_start(b);
		bench_reply(b, 200);
		bench_lose(b, verdicts[i]);
		assert_int_equal(b->outcome.result, OUTCOME_UNKNOWN);
		assert_true(b->outcome.effect_sent);
		bench_destroy(b);
	}
	struct bench *b = bench_create();
	bench_send(b, ALMONER_EFFECTS, "gift");
	bench_send(b, ALMONER_READS, "");
	bench_start(b);
	bench_reply(b, 200);
	bench_lose(b, TRANSPORT_REFUSED);
	assert_int_equal(b->outcome.result, OUTCOME_FAULT); /* a fault with an effect behind it is doubt */
	assert_true(b->outcome.effect_sent);
	bench_destroy(b);
}

/* ---- checkpoints ---- */

static struct bench *at_second_effect(const char *text)
{
	struct bench *b = bench_create();
	bench_send(b, ALMONER_EFFECTS, "contact");
	bench_checkpoint(bench_send(b, ALMONER_EFFECTS, "gift"), text);
	bench_finish(b, ALMONER_OK);
	bench_start(b);
	bench_reply(b, 200);
	return b;
}

static void test_a_second_effect_waits_for_its_checkpoint(void **state)
{
	(void)state;
	struct bench *b = at_second_effect("contact 5");
	assert_int_equal(b->submits, 1);
	assert_int_equal(b->checkpoints, 1);
	assert_string_equal(b->checkpoint, "contact 5");
	struct work *w = b->at_journal;
	b->at_journal = NULL;
	attempt_answer(b->a, ATTEMPT_CHECKPOINTED, w);
	assert_int_equal(b->submits, 2);
	bench_reply(b, 200);
	assert_int_equal(b->outcome.result, OUTCOME_OK);
	bench_destroy(b);
}

/* What is not noted is not sent. */
static void test_each_effect_is_noted_before_it_is_sent(void **state)
{
	(void)state;
	struct bench *b = bench_create();
	bench_send(b, ALMONER_READS, "");
	bench_send(b, ALMONER_EFFECTS, "contact");
	bench_checkpoint(bench_send(b, ALMONER_EFFECTS, "gift"), "contact 5");
	bench_start(b);
	assert_int_equal(b->noted, 0);
	bench_reply(b, 404);
	assert_int_equal(b->noted, 1);
	bench_reply(b, 200);
	assert_int_equal(b->noted, 1);
	b->no_room = true;
	struct work *w = b->at_journal;
	b->at_journal = NULL;
	attempt_answer(b->a, ATTEMPT_CHECKPOINTED, w);
	assert_int_equal(b->noted, 2);
	assert_int_equal(b->submits, 2);
	assert_int_equal(b->outcome.result, OUTCOME_BUSY);
	assert_non_null(strstr(b->detail, "it was not sent"));
	bench_destroy(b);
}

static void test_after_a_checkpoint_unreachable_is_unreachable(void **state)
{
	(void)state;
	struct bench *b = at_second_effect("contact 5");
	struct work *w = b->at_journal;
	b->at_journal = NULL;
	attempt_answer(b->a, ATTEMPT_CHECKPOINTED, w);
	bench_lose(b, TRANSPORT_UNREACHABLE);
	assert_int_equal(b->outcome.result, OUTCOME_UNREACHABLE);
	assert_true(b->outcome.effect_sent);
	bench_destroy(b);
}

static void test_the_step_moved_on_while_checkpointing(void **state)
{
	(void)state;
	struct bench *b = at_second_effect("contact 5");
	struct work *w = b->at_journal;
	b->at_journal = NULL;
	attempt_answer(b->a, ATTEMPT_GONE, w);
	assert_int_equal(b->submits, 1);
	assert_int_equal(b->ended_calls, 1);
	assert_true(b->gone);
	bench_destroy(b);
}

static void test_the_daemon_dies_while_checkpointing(void **state)
{
	(void)state;
	struct bench *b = at_second_effect("contact 5");
	work_destroy(b->at_journal); /* the journal goes first; `end` still sees its texts */
	b->at_journal = NULL;
	bench_destroy(b);
}

static void test_a_checkpoint_that_is_durable_already_is_not_written_again(void **state)
{
	(void)state;
	struct bench *b = bench_create();
	bench_send(b, ALMONER_EFFECTS, "one");
	bench_checkpoint(bench_send(b, ALMONER_EFFECTS, "two"), "same");
	struct work *w = bench_work();
	w->checkpoint = mem_strdup("same");
	w->checkpoint_len = 4;
	bench_start_with(b, w, REPEAT_KEYED);
	bench_reply(b, 200);
	assert_int_equal(b->checkpoints, 0);
	assert_int_equal(b->submits, 2);
	bench_destroy(b);
}

static void test_reads_before_the_first_effect_need_no_checkpoint(void **state)
{
	(void)state;
	struct bench *b = bench_create();
	bench_send(b, ALMONER_READS, "find");
	bench_checkpoint(bench_send(b, ALMONER_EFFECTS, "gift"), "found");
	bench_start(b);
	bench_reply(b, 200);
	assert_int_equal(b->checkpoints, 0);
	assert_int_equal(b->submits, 2);
	bench_destroy(b);
}

/* ---- time and the end of the daemon ---- */

static void test_an_attempt_that_takes_too_long(void **state)
{
	(void)state;
	struct bench *b = bench_create();
	bench_send(b, ALMONER_EFFECTS, "gift");
	bench_start(b);
	attempt_stop(b->a, ATTEMPT_EXPIRED);
	assert_int_equal(b->cancels, 1);
	assert_int_equal(b->outcome.result, OUTCOME_UNKNOWN);
	assert_true(b->outcome.effect_sent);
	attempt_stop(b->a, ATTEMPT_CUT); /* ended: nothing more */
	assert_int_equal(b->ended_calls, 1);
	bench_destroy(b);
}

static void test_cut_off_by_the_end_of_the_daemon(void **state)
{
	(void)state;
	struct bench *b = bench_create();
	bench_send(b, ALMONER_READS, "find");
	bench_start(b);
	attempt_stop(b->a, ATTEMPT_CUT);
	assert_int_equal(b->outcome.result, OUTCOME_BUSY); /* nothing happened, no attempt is spent */
	assert_false(b->outcome.effect_sent);
	bench_destroy(b);
	b = bench_create();
	bench_send(b, ALMONER_EFFECTS, "gift");
	bench_start(b);
	attempt_stop(b->a, ATTEMPT_CUT);
	assert_int_equal(b->outcome.result, OUTCOME_UNKNOWN);
	assert_true(b->outcome.effect_sent);
	bench_destroy(b);
}

static void test_stopped_while_checkpointing_ends_with_the_answer(void **state)
{
	(void)state;
	static const enum attempt_input why[] = { ATTEMPT_EXPIRED, ATTEMPT_CUT };
	static const enum outcome_class expected[] = { OUTCOME_UNREACHABLE, OUTCOME_BUSY };
	for (size_t i = 0; i < 2; i++) {
		struct bench *b = at_second_effect("contact 5");
		attempt_stop(b->a, why[i]);
		assert_int_equal(b->ended_calls, 0);
		struct work *w = b->at_journal;
		b->at_journal = NULL;
		attempt_answer(b->a, ATTEMPT_CHECKPOINTED, w);
		assert_int_equal(b->submits, 1);
		assert_int_equal(b->outcome.result, expected[i]);
		bench_destroy(b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_happy_path),
		cmocka_unit_test(test_what_the_connector_is_told),
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
