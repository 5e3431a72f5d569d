/* The small parts of the kit: escapes, JSON, money, dates, reply classes, and the assertions of wrong
 * calls. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "connectors/kit/answer.h"
#include "connectors/kit/date.h"
#include "connectors/kit/escape.h"
#include "connectors/kit/json.h"
#include "connectors/kit/money.h"
#include "connectors/kit/reference.h"
#include "connectors/kit/reply_class.h"
#include "connectors/kit/settings.h"
#include "tests/support/wrong_call.h"

static void escapes_to(enum kit_escape place, const char *in, const char *out)
{
	struct kit_text t AUTO_TEXT = { 0 };
	kit_escape_put(&t, place, in, strlen(in));
	assert_string_equal(kit_text_view(&t).p, out);
}

static void escapes_keep_values_in_their_place(void **state)
{
	(void)state;
	escapes_to(KIT_ESCAPE_NONE, "<a&\"'\r\n>", "<a&\"'\r\n>");
	escapes_to(KIT_ESCAPE_HTML, "<a href='x'>&\"", "&lt;a href=&#39;x&#39;&gt;&amp;&quot;");
	escapes_to(KIT_ESCAPE_JSON, "\"\\\n\t\x01\x7F\xC3\xA9", "\\\"\\\\\\n\\t\\u0001\\u007f\xC3\xA9");
	escapes_to(KIT_ESCAPE_JSON, "\xC3(\xED\xA0\x80", "\xEF\xBF\xBD(\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
	escapes_to(KIT_ESCAPE_HEADER, "a\r\nBcc: b\x7F c", "a Bcc: b  c");
	escapes_to(KIT_ESCAPE_HEADER, "\r\n", "");
	escapes_to(KIT_ESCAPE_URL, "a/b?c=d&e f+\xC3\xA9~-._", "a%2Fb%3Fc%3Dd%26e%20f%2B%C3%A9~-._");
}

static void text_is_capped(void **state)
{
	(void)state;
	struct kit_text t AUTO_TEXT = { 0 };
	static char block[1 << 16];
	memset(block, 'x', sizeof block);
	for (size_t i = 0; i < KIT_TEXT_BYTES_MAX / sizeof block; i++)
		kit_text_add(&t, block, sizeof block);
	assert_false(t.failed);
	kit_text_putc(&t, 'y');
	assert_true(t.failed);
	assert_int_equal(t.len, KIT_TEXT_BYTES_MAX);
	kit_text_clear(&t);
	assert_false(t.failed);
}

static void utf8_knows_what_is_well_formed(void **state)
{
	(void)state;
	assert_int_equal(kit_text_utf8_len("a", 1), 1);
	assert_int_equal(kit_text_utf8_len("\xC3\xA9", 2), 2);
	assert_int_equal(kit_text_utf8_len("\xE2\x82\xAC", 3), 3);
	assert_int_equal(kit_text_utf8_len("\xF0\x9F\x8E\x81", 4), 4);
	assert_int_equal(kit_text_utf8_len("\xE2\x82", 2), 0);
	assert_int_equal(kit_text_utf8_len("\xC0\x80", 2), 0);
	assert_int_equal(kit_text_utf8_len("\xE0\x80\x80", 3), 0);
	assert_int_equal(kit_text_utf8_len("\xED\xA0\x80", 3), 0);
	assert_int_equal(kit_text_utf8_len("\xF4\x90\x80\x80", 4), 0);
	assert_int_equal(kit_text_utf8_len("\xFF", 1), 0);
	assert_int_equal(kit_text_utf8_len("", 0), 0);
}

static void json_keeps_order_and_digits(void **state)
{
	(void)state;
	static const char source[] =
		"{\"z\":1,\"a\":[0.1,10.1,1e300,-5,9007199254740993,true,null,2.0],\"q\":\"\\\"\"}";
	struct kit_text t AUTO_TEXT = { 0 };
	json_t *value AUTO_JSON = kit_json_parse(kit_text_lit(source));
	kit_json_write(&t, value);
	assert_string_equal(t.p,
						"{\"z\":1,\"a\":[0.1,10.1,1e+300,-5,9007199254740993,true,null,2.0],\"q\":\"\\\"\"}");
}

static void json_paths_walk_objects_and_lists(void **state)
{
	(void)state;
	json_t *value AUTO_JSON = kit_json_parse(kit_text_lit("{\"a\":{\"b\":[{\"c\":\"x\"}]},\"n\":null}"));
	assert_string_equal(kit_json_text_at(value, ".a.b.0.c"), "x");
	assert_string_equal(kit_json_text_at(value, "a.b.0.c"), "x");
	assert_ptr_equal(kit_json_at(value, "."), value);
	assert_null(kit_json_at(value, "a.b.1.c"));
	assert_null(kit_json_at(value, "a.b.x"));
	assert_null(kit_json_at(value, "a.b.99999999999999999999"));
	assert_null(kit_json_at(value, "a..b"));
	assert_true(json_is_null(kit_json_at(value, "n")));
	assert_null(kit_json_text_at(value, "n"));
	assert_null(kit_json_parse(kit_text_lit("{")));
	assert_null(kit_json_parse((struct almoner_text){ NULL, 0 }));
}

struct amount {
	int64_t minor;
	const char *currency;
	const char *text;
};

static void money_is_exact(void **state)
{
	(void)state;
	static const struct amount amounts[] = { { 2550, "EUR", "25.50" },
											 { 5, "usd", "0.05" },
											 { 2550, "JPY", "2550" },
											 { 1, "KWD", "0.001" },
											 { -199, "EUR", "-1.99" },
											 { 0, "EUR", "0.00" },
											 { 12345, "CLF", "1.2345" },
											 { INT64_MAX, "EUR", "92233720368547758.07" },
											 { INT64_MIN, "EUR", "-92233720368547758.08" } };
	for (size_t i = 0; i < sizeof amounts / sizeof *amounts; i++) {
		char out[KIT_MONEY_BYTES];
		kit_money_text(amounts[i].minor, amounts[i].currency, out);
		assert_string_equal(out, amounts[i].text);
	}
}

static void money_reads_what_comes_out_exactly(void **state)
{
	(void)state;
	static const struct amount good[] = { { 2550, "EUR", "25.5" }, { 2550, "EUR", "25.50" },
										  { 2500, "EUR", "25" },   { 2550, "EUR", "25.500" },
										  { 0, "EUR", "0.0" },     { 25, "JPY", "25.0" },
										  { -1, "EUR", "-0.01" },  { 1000, "KWD", "1" } };
	static const char *const bad[] = { "",    ".5",  "25.505",
									   "1e3", "12x", "x",
									   "25.", "--1", "92233720368547758.08" };
	int64_t minor = 0;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		assert_true(kit_money_parse(good[i].text, good[i].currency, &minor));
		assert_int_equal(minor, good[i].minor);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (kit_money_parse(bad[i], "EUR", &minor))
			fail_msg("\"%s\" was read as money", bad[i]);
}

static void dates_are_read_and_written(void **state)
{
	(void)state;
	int64_t ms = 0;
	int offset = 0;
	char out[KIT_DATE_BYTES];
	assert_true(kit_date_parse("2026-11-23T23:30:05.25+01:30", &ms, &offset));
	assert_int_equal(offset, 90);
	kit_date_seconds(ms, 0, out);
	assert_string_equal(out, "2026-11-23 22:00:05");
	kit_date_seconds(ms, offset, out);
	assert_string_equal(out, "2026-11-23 23:30:05");
	kit_date_mail(ms, offset, out);
	assert_string_equal(out, "Mon, 23 Nov 2026 23:30:05 +0130");
	kit_date_mail(ms, -330, out);
	assert_string_equal(out, "Mon, 23 Nov 2026 16:30:05 -0530");
	assert_true(kit_date_parse("2024-02-29", &ms, &offset));
	kit_date_day(ms, offset, out);
	assert_string_equal(out, "2024-02-29");
}

static void dates_that_are_none_are_refused(void **state)
{
	(void)state;
	static const char *const bad[] = { "",
									   "2023-02-29",
									   "2026-13-01",
									   "2026-00-01",
									   "2026-01-32",
									   "2026-11-23T22:09",
									   "2026-11-23T24:00:00Z",
									   "2026-11-23T22:09:00",
									   "2026-11-23T22:09:00+1:00",
									   "2026-11-23T22:09:00Zx",
									   "1969-12-31",
									   "23.11.2026" };
	int64_t ms = 0;
	int offset = 0;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (kit_date_parse(bad[i], &ms, &offset))
			fail_msg("\"%s\" was read as a date", bad[i]);
}

static uint32_t class_of(uint32_t status, int64_t retry_after_ms, enum almoner_effect effect)
{
	struct almoner_reply reply = { .status = status, .retry_after_ms = retry_after_ms };
	return kit_reply_class_http(&reply, effect);
}

static void statuses_have_their_class(void **state)
{
	(void)state;
	static const uint32_t expected[][3] = {
		/* status, class after a request with effects, class after one that only reads */
		{ 200, ALMONER_OK, ALMONER_OK },
		{ 204, ALMONER_OK, ALMONER_OK },
		{ 301, ALMONER_REJECTED, ALMONER_REJECTED },
		{ 303, ALMONER_UNKNOWN, ALMONER_UNREACHABLE },
		{ 400, ALMONER_REJECTED, ALMONER_REJECTED },
		{ 401, ALMONER_DENIED, ALMONER_DENIED },
		{ 403, ALMONER_FORBIDDEN, ALMONER_FORBIDDEN },
		{ 404, ALMONER_REJECTED, ALMONER_REJECTED },
		{ 408, ALMONER_BUSY, ALMONER_BUSY },
		{ 409, ALMONER_EXISTS, ALMONER_REJECTED },
		{ 412, ALMONER_EXISTS, ALMONER_REJECTED },
		{ 425, ALMONER_BUSY, ALMONER_BUSY },
		{ 429, ALMONER_BUSY, ALMONER_BUSY },
		{ 500, ALMONER_UNKNOWN, ALMONER_UNREACHABLE },
		{ 503, ALMONER_UNKNOWN, ALMONER_UNREACHABLE },
		{ 504, ALMONER_UNKNOWN, ALMONER_UNREACHABLE },
		{ 0, ALMONER_UNKNOWN, ALMONER_UNREACHABLE },
		{ 999, ALMONER_UNKNOWN, ALMONER_UNREACHABLE },
	};
	for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
		assert_int_equal(class_of(expected[i][0], 0, ALMONER_EFFECTS), expected[i][1]);
		assert_int_equal(class_of(expected[i][0], 0, ALMONER_READS), expected[i][2]);
	}
	assert_int_equal(class_of(503, 1000, ALMONER_EFFECTS), ALMONER_BUSY);
	assert_int_equal(kit_reply_class_smtp(250), ALMONER_OK);
	assert_int_equal(kit_reply_class_smtp(354), ALMONER_UNKNOWN);
	assert_int_equal(kit_reply_class_smtp(451), ALMONER_BUSY);
	assert_int_equal(kit_reply_class_smtp(535), ALMONER_DENIED);
	assert_int_equal(kit_reply_class_smtp(550), ALMONER_REJECTED);
	assert_int_equal(kit_reply_class_smtp(0), ALMONER_UNKNOWN);
}

static void details_are_one_clean_line_without_secrets(void **state)
{
	(void)state;
	struct kit_secrets secrets = { 0 };
	struct kit_answer answer;
	struct almoner_action action = { 0 };
	struct almoner_error error = { 0 };
	kit_secrets_add(&secrets, "sesame-open");
	kit_secrets_add(&secrets, "abc");
	kit_answer_init(&answer, &secrets);
	struct almoner_reply reply = { .status = 418,
								   .body =
									   kit_text_lit("  tea\r\n\tpot\xFF sesame-open sesame-ope abc\x01") };
	kit_answer_start(&answer, &reply, &action, &error);
	assert_int_equal(kit_answer_finish(&answer, ALMONER_REJECTED, "brewing", NULL), 0);
	assert_string_equal(action.done.detail.p, "brewing: 418: tea pot? *** sesame-ope abc");
	static char big[5000];
	memset(big, 'x', sizeof big - 1);
	reply.body = kit_text_lit(big);
	kit_answer_start(&answer, &reply, &action, &error);
	assert_int_equal(kit_answer_finish(&answer, ALMONER_REJECTED, NULL, NULL), 0);
	assert_true(action.done.detail.len < 320);
	kit_answer_free(&answer);
	kit_secrets_free(&secrets);
}

/* The code and the rate of an outcome belong to the call that sets them. */
static void codes_and_rates_go_with_one_outcome(void **state)
{
	(void)state;
	static const struct {
		const char *code, *seen; /* NULL: none */
	} cases[] = {
		{ "6140", "6140" },
		{ "INVALID EMAIL\n\xC3\xA9", "INVALID_EMAIL___" },
		{ "", NULL },
		{ "no-tok-4711", NULL },
		{ NULL, NULL },
		{ "0123456789012345678901234567890123456789012345678901234567890123456789",
		  "0123456789012345678901234567890123456789012345678901234567890123" },
	};
	struct almoner_action action = { 0 };
	struct almoner_error error = { 0 };
	struct kit_answer answer;
	struct kit_secrets secrets = { 0 };
	kit_secrets_add(&secrets, "tok-4711");
	kit_answer_init(&answer, &secrets);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		kit_answer_start(&answer, NULL, &action, &error);
		kit_answer_code(&answer, cases[i].code);
		answer.rate = (struct almoner_rate){ .limit = 100, .remaining = 7, .reset_ms = 10000 };
		assert_int_equal(kit_answer_finish(&answer, ALMONER_REJECTED, NULL, "no"), 0);
		assert_int_equal(action.done.code.p != NULL, cases[i].seen != NULL);
		if (cases[i].seen != NULL)
			assert_string_equal(action.done.code.p, cases[i].seen);
		assert_int_equal(action.done.rate.remaining, 7);
	}
	kit_answer_start(&answer, NULL, &action, &error);
	assert_int_equal(kit_answer_finish(&answer, ALMONER_OK, NULL, NULL), 0);
	assert_null(action.done.code.p);
	assert_int_equal(action.done.rate.reset_ms, 0);
	kit_answer_free(&answer);
	kit_secrets_free(&secrets);
}

static void references_differ_by_step(void **state)
{
	(void)state;
	char a[KIT_REFERENCE_BYTES];
	char b[KIT_REFERENCE_BYTES];
	struct almoner_step step = { .source = kit_text_lit("ab"),
								 .event_id = kit_text_lit("c"),
								 .name = kit_text_lit("books") };
	kit_reference_of(&step, a);
	assert_int_equal(strlen(a), 19);
	kit_reference_of(&step, b);
	assert_string_equal(a, b);
	step.source = kit_text_lit("a");
	step.event_id = kit_text_lit("bc");
	kit_reference_of(&step, b);
	assert_string_not_equal(a, b);
}

static void tokens_are_tokens(void **state)
{
	(void)state;
	assert_true(kit_settings_is_token("X-Api_Key.1"));
	assert_false(kit_settings_is_token(""));
	assert_false(kit_settings_is_token("a b"));
	assert_false(kit_settings_is_token("a:b"));
	assert_false(kit_settings_is_token("a\r\n"));
	assert_false(kit_settings_is_token("\xC3\xA9"));
}

/* ---- wrong calls end the process ---- */

static void wrong_class(void)
{
	struct kit_problem problem;
	kit_problem_set(&problem, 0, "no class");
}

static void wrong_escape(void)
{
	struct kit_text t = { 0 };
	kit_escape_put(&t, (enum kit_escape)99, "x", 1);
}

static void wrong_offset(void)
{
	char out[KIT_DATE_BYTES];
	kit_date_day(0, 24 * 60, out);
}

static void answer_without_start(void)
{
	struct kit_answer answer;
	kit_answer_init(&answer, NULL);
	kit_answer_send(&answer, "POST", false, ALMONER_EFFECTS);
}

static void context_not_loaded(void)
{
	struct kit_context context = { 0 };
	kit_context_at(&context, "donor");
}

static void too_many_headers(void)
{
	struct kit_answer answer;
	kit_answer_init(&answer, NULL);
	for (size_t i = 0; i <= KIT_ANSWER_HEADERS_MAX; i++)
		kit_answer_header(&answer, "X", kit_text_lit("x"));
}

static void wrong_calls_end_the_process(void **state)
{
	(void)state;
	static void (*const calls[])(void) = { wrong_class,          wrong_escape,       wrong_offset,
										   answer_without_start, context_not_loaded, too_many_headers };
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
		if (!wrong_call_ends_process(calls[i]))
			fail_msg("call %zu did not end the process", i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(escapes_keep_values_in_their_place),
		cmocka_unit_test(text_is_capped),
		cmocka_unit_test(utf8_knows_what_is_well_formed),
		cmocka_unit_test(json_keeps_order_and_digits),
		cmocka_unit_test(json_paths_walk_objects_and_lists),
		cmocka_unit_test(money_is_exact),
		cmocka_unit_test(money_reads_what_comes_out_exactly),
		cmocka_unit_test(dates_are_read_and_written),
		cmocka_unit_test(dates_that_are_none_are_refused),
		cmocka_unit_test(statuses_have_their_class),
		cmocka_unit_test(details_are_one_clean_line_without_secrets),
		cmocka_unit_test(codes_and_rates_go_with_one_outcome),
		cmocka_unit_test(references_differ_by_step),
		cmocka_unit_test(tokens_are_tokens),
		cmocka_unit_test(wrong_calls_end_the_process),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
