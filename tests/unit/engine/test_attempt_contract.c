/* Connectors that break the interface, Retry-After, and requests whose bytes must not change. */
#include <stdlib.h>
#include <string.h>

#include "saga/base/mem.h"
#include "tests/unit/engine/engine_fixture.h"

/* ---- connectors that break the interface ---- */

static void expect_fault(struct engine_fixture *b, const char *text)
{
	fixture_start(b);
	assert_int_equal(b->outcome.result, OUTCOME_FAULT);
	assert_non_null(strstr(b->detail, text));
	assert_int_equal(b->submits, 0);
	fixture_destroy(b);
}

static void test_faults_before_anything_is_sent(void **state)
{
	(void)state;
	struct engine_fixture *b = fixture_create();
	b->fail_begin = true;
	expect_fault(b, "no template");
	b = fixture_create();
	expect_fault(b, "script is over");
	b = fixture_create();
	fixture_send(b, ALMONER_EFFECTS, "x")->kind = 77;
	expect_fault(b, "does not know");
	b = fixture_create();
	fixture_send(b, 0, "x");
	expect_fault(b, "reads or has effects");
	b = fixture_create();
	fixture_send(b, ALMONER_EFFECTS, "x")->checkpoint = (struct almoner_text){ "long", 4097 };
	expect_fault(b, "4 KiB");
	b = fixture_create();
	fixture_finish(b, 99);
	expect_fault(b, "class");
	b = fixture_create();
	fixture_finish(b, 0);
	expect_fault(b, "class");
	b = fixture_create();
	fixture_finish(b, ALMONER_ABSENT);
	expect_fault(b, "ABSENT");
}

static void test_a_look_up_must_not_change_anything(void **state)
{
	(void)state;
	struct engine_fixture *b = fixture_create();
	fixture_send(b, ALMONER_EFFECTS, "gift");
	struct work *w = fixture_work();
	w->lookup = true;
	fixture_start_with(b, w, REPEAT_QUERYABLE);
	assert_int_equal(b->outcome.result, OUTCOME_FAULT);
	assert_int_equal(b->submits, 0);
	fixture_destroy(b);
}

/* The target has accepted the step: an unusable result is dropped and leaves no doubt. */
static void expect_dropped(const char *result, size_t len, const char *text)
{
	struct engine_fixture *b = fixture_create();
	fixture_send(b, ALMONER_EFFECTS, "gift");
	struct almoner_done *done = &fixture_finish(b, ALMONER_OK)->done;
	done->result = (struct almoner_text){ result, len };
	done->detail = (struct almoner_text)TEXT("201 Created");
	fixture_start(b);
	fixture_reply(b, 201);
	assert_int_equal(b->outcome.result, OUTCOME_OK);
	assert_true(b->outcome.effect_sent);
	assert_string_equal(b->result, "");
	assert_non_null(strstr(b->detail, text));
	assert_non_null(strstr(b->detail, "dropped; 201 Created"));
	fixture_destroy(b);
}

static void test_results_are_checked(void **state)
{
	(void)state;
	static const char *const bad[] = { "[1]", "\"text\"", "{\"id\":" };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		expect_dropped(bad[i], strlen(bad[i]), "JSON object");
	char *big = mem_alloc(ATTEMPT_RESULT_BYTES + 2);
	memset(big, ' ', ATTEMPT_RESULT_BYTES + 1);
	memcpy(big, "{}", 2);
	expect_dropped(big, ATTEMPT_RESULT_BYTES + 1, "64 KiB");
	free(big);
}

static void test_too_many_exchanges(void **state)
{
	(void)state;
	struct engine_fixture *b = fixture_create();
	for (int i = 0; i < 20; i++)
		fixture_send(b, ALMONER_READS, "page");
	b->action_count = 20;
	fixture_start(b);
	for (int i = 0; i < 40 && b->ended_calls == 0; i++)
		fixture_reply(b, 200);
	assert_int_equal(b->asked, ATTEMPT_EXCHANGES);
	assert_int_equal(b->outcome.result, OUTCOME_FAULT);
	fixture_destroy(b);
}

static void test_details_are_one_short_line(void **state)
{
	(void)state;
	char longer[2 * ATTEMPT_DETAIL_BYTES];
	memset(longer, 'a', sizeof longer);
	memcpy(longer, "two\r\nlines\x1b", 11);
	memcpy(longer + ATTEMPT_DETAIL_BYTES - 1, "\xc3\xa9",
		   2); /* a character of two bytes that the limit would split */
	struct engine_fixture *b = fixture_create();
	fixture_finish(b, ALMONER_REJECTED)->done.detail = (struct almoner_text){ longer, sizeof longer };
	fixture_start(b);
	assert_int_equal(strlen(b->detail), ATTEMPT_DETAIL_BYTES - 1);
	assert_memory_equal(b->detail, "two  lines ", 11);
	fixture_destroy(b);
}

/* ---- patience and frozen bodies ---- */

static void test_retry_after(void **state)
{
	(void)state;
	struct engine_fixture *b = fixture_create();
	fixture_send(b, ALMONER_EFFECTS, "gift");
	fixture_finish(b, ALMONER_BUSY)->done.retry_after_ms = 500;
	fixture_start(b);
	struct transport_result r = { .verdict = TRANSPORT_REPLY };
	r.reply = (struct almoner_reply){ .size = sizeof r.reply, .status = 429, .retry_after_ms = 7000 };
	b->request.done(b->request.ctx, &r);
	assert_int_equal(b->outcome.result, OUTCOME_BUSY);
	assert_int_equal(b->outcome.status, 429);
	assert_int_equal(b->outcome.retry_after_ms, 7000);
	fixture_destroy(b);
}

static void test_a_changed_body_is_not_sent(void **state)
{
	(void)state;
	struct engine_fixture *first = fixture_create();
	fixture_send(first, ALMONER_EFFECTS, "gift");
	fixture_start(first);
	fixture_lose(first, TRANSPORT_UNKNOWN);
	static const char *const bodies[] = { "gift", "other" };
	for (size_t i = 0; i < 2; i++) {
		struct engine_fixture *b = fixture_create();
		fixture_send(b, ALMONER_EFFECTS, bodies[i]);
		struct work *w = fixture_work();
		w->has_body = true;
		memcpy(w->body, first->outcome.body, sizeof w->body);
		fixture_start_with(b, w, REPEAT_KEYED);
		assert_int_equal(b->submits, i == 0);
		if (i == 1)
			assert_int_equal(b->outcome.result, OUTCOME_BODY_CHANGED);
		fixture_destroy(b);
	}
	fixture_destroy(first);
}

/* The log keeps a code for ever, so the host drops a text that does not have the form of a code. */
static void test_codes_are_kept_to_what_a_code_is(void **state)
{
	(void)state;
	static const struct {
		const char *code, *seen;
	} cases[] = {
		{ "INVALID_EMAIL", "INVALID_EMAIL" },
		{ "Ada L\xC3\xB6we\n", "Ada_L__we_" },
		{ "0123456789012345678901234567890123456789012345678901234567890123x",
		  "0123456789012345678901234567890123456789012345678901234567890123" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct engine_fixture *b = fixture_create();
		struct almoner_action *done = fixture_finish(b, ALMONER_REJECTED);
		done->done.code = (struct almoner_text){ cases[i].code, strlen(cases[i].code) };
		fixture_start(b);
		assert_string_equal(b->outcome.code, cases[i].seen);
		fixture_destroy(b);
	}
	struct engine_fixture *b = fixture_create();
	fixture_finish(b, ALMONER_OK);
	fixture_start(b);
	assert_null(b->outcome.code);
	fixture_destroy(b);
}

static void test_a_403_is_marked(void **state)
{
	(void)state;
	struct engine_fixture *b = fixture_create();
	fixture_finish(b, ALMONER_FORBIDDEN);
	fixture_start(b);
	assert_true(b->a->forbidden);
	assert_int_equal(b->outcome.result, OUTCOME_REJECTED);
	fixture_destroy(b);
}

static void test_destroyed_in_mid_air(void **state)
{
	(void)state;
	struct engine_fixture *b = fixture_create();
	fixture_send(b, ALMONER_EFFECTS, "gift");
	fixture_start(b);
	attempt_destroy(b->a);
	b->a = NULL;
	assert_int_equal(b->cancels, 1);
	assert_true(b->conn_ended);
	assert_int_equal(b->ended_calls, 0);
	fixture_destroy(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_faults_before_anything_is_sent),
		cmocka_unit_test(test_a_look_up_must_not_change_anything),
		cmocka_unit_test(test_results_are_checked),
		cmocka_unit_test(test_too_many_exchanges),
		cmocka_unit_test(test_details_are_one_short_line),
		cmocka_unit_test(test_retry_after),
		cmocka_unit_test(test_a_changed_body_is_not_sent),
		cmocka_unit_test(test_codes_are_kept_to_what_a_code_is),
		cmocka_unit_test(test_a_403_is_marked),
		cmocka_unit_test(test_destroyed_in_mid_air),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
