#include "tests/unit/intake/intake_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/intake/pipeline/canonical.h"
#include "gateway/intake/pipeline/text.h"

static char *make(const char *in, const struct canonical_hints *hints, bool *changed)
{
	json_t *event = json_loads(in, JSON_DECODE_ANY, NULL);
	struct err err = { 0 };
	AUTO_BUF struct buf text = { 0 };
	assert_non_null(event);
	if (canonical_normalize(event, hints, changed, &err) != 0)
		buf_printf(&text, "!%s", err.text);
	else
		text_json(event, &text);
	json_decref(event);
	return buf_take(&text);
}

static void expect(const char *in, const char *wanted)
{
	static const struct canonical_hints none = { 0 };
	bool changed = false;
	char *got = make(in, &none, &changed);
	if (strcmp(got, wanted) != 0)
		fail_msg("%s\n gave   %s\n wanted %s", in, got, wanted);
	assert_int_equal(changed, got[0] != '!' && strcmp(in, got) != 0);
	free(got);
}

#define EVENT(amount) "{\"id\":\"e\",\"type\":\"donation.created\",\"amount\":{" amount "}}"

static void money_comes_out_exactly(void **state)
{
	(void)state;
	expect(EVENT("\"minor\":1250,\"value\":\"12.50\",\"currency\":\"EUR\""),
		   EVENT("\"minor\":1250,\"value\":\"12.50\",\"currency\":\"EUR\""));
	expect(EVENT("\"minor\":1250,\"currency\":\"eur\""),
		   EVENT("\"minor\":1250,\"currency\":\"EUR\",\"value\":\"12.50\""));
	expect(EVENT("\"value\":\"12.5\",\"currency\":\"EUR\""),
		   EVENT("\"value\":\"12.50\",\"currency\":\"EUR\",\"minor\":1250"));
	expect(EVENT("\"value\":10.1,\"currency\":\"EUR\""),
		   EVENT("\"value\":\"10.10\",\"currency\":\"EUR\",\"minor\":1010"));
	expect(EVENT("\"value\":500,\"currency\":\"JPY\""),
		   EVENT("\"value\":\"500\",\"currency\":\"JPY\",\"minor\":500"));
	expect(EVENT("\"value\":\"1.234\",\"currency\":\"KWD\""),
		   EVENT("\"value\":\"1.234\",\"currency\":\"KWD\",\"minor\":1234"));
	expect(EVENT("\"minor\":\"1250\",\"currency\":\"USD\""),
		   EVENT("\"minor\":1250,\"currency\":\"USD\",\"value\":\"12.50\""));
	expect(EVENT("\"minor\":1250.0,\"currency\":\"USD\""),
		   EVENT("\"minor\":1250,\"currency\":\"USD\",\"value\":\"12.50\""));
}

static void money_that_does_not_is_refused(void **state)
{
	(void)state;
	expect(EVENT("\"value\":0.30000000000000004,\"currency\":\"EUR\""),
		   "!amount.value: the number has more decimals than its currency, which has 2");
	expect(EVENT("\"value\":\"10.5\",\"currency\":\"JPY\""),
		   "!amount.value: the number has more decimals than its currency, which has 0");
	expect(EVENT("\"minor\":12.5,\"currency\":\"EUR\""),
		   "!amount.minor: the number has more decimals than its currency, which has 0");
	expect(EVENT("\"value\":\"1,000.00\",\"currency\":\"EUR\""),
		   "!amount.value: the number is not a plain decimal number (expected digits with a point, such as "
		   "12.50)");
	expect(EVENT("\"value\":\"90071992547409.92\",\"currency\":\"EUR\""),
		   "!amount.value: the number is too large");
	expect(EVENT("\"value\":true,\"currency\":\"EUR\""),
		   "!amount.value is true, expected a number or a decimal text");
	expect(EVENT("\"minor\":100,\"value\":\"2.00\",\"currency\":\"EUR\""),
		   "!amount.minor and amount.value are different amounts; let the map set only one of them");
	expect(EVENT("\"minor\":100"),
		   "!amount.currency is missing; let the map set it, such as currency: \"EUR\"");
	expect(EVENT("\"minor\":100,\"currency\":\"BTC\""),
		   "!amount.currency \"BTC\" is no currency code of ISO 4217, such as EUR or USD");
	expect(EVENT("\"currency\":\"EUR\""),
		   "!amount.minor is missing; let the map set it (in the smallest unit), or "
		   "amount.value in whole units");
	expect(
		"{\"type\":\"donation.created\"}",
		"!amount is missing; let the map set it, such as amount: {minor: 1250, currency: \"EUR\"} or {value: "
		"\"12.50\", currency: \"EUR\"}");
	expect("{\"type\":\"donation.refunded\",\"amount\":12.5}",
		   "!amount is a number; let the map set it, such as amount: {minor: 1250, currency: \"EUR\"} or "
		   "{value: "
		   "\"12.50\", currency: \"EUR\"}");
}

static void other_members(void **state)
{
	(void)state;
	expect("{\"id\":17,\"type\":\"donor.updated\",\"gift\":9,\"donor\":{\"id\":5,\"email\":\"A@b.c\",\"x\":["
		   "1]}}",
		   "{\"id\":\"17\",\"type\":\"donor.updated\",\"gift\":\"9\",\"donor\":{\"id\":\"5\",\"email\":\"A@b."
		   "c\",\"x\":[1]}}");
	expect("{\"type\":\"t\",\"occurred_at\":1700000000}",
		   "{\"type\":\"t\",\"occurred_at\":\"2023-11-14T22:13:20.000Z\"}");
	expect("{\"type\":\"t\",\"donor\":null,\"amount\":\"what it likes\",\"unknown\":{\"kept\":true}}",
		   "{\"type\":\"t\",\"donor\":null,\"amount\":\"what it likes\",\"unknown\":{\"kept\":true}}");
	expect("{\"id\":\"e\"}", "!type is missing; let the map set it, such as type: \"donation.created\"");
	expect("{\"type\":\"\"}", "!type is missing; let the map set it, such as type: \"donation.created\"");
	expect("{\"type\":[]}", "!type is an array, expected a text; let the map make it one with tostring");
	expect("{\"type\":\"a\\nb\"}", "!type contains a control character");
	expect("{\"type\":\"t\",\"donor\":\"Anna\"}",
		   "!donor is a text, expected an object such as {\"email\": …, \"name\": …}, or nothing");
	expect("{\"type\":\"t\",\"donor\":{\"email\":{}}}",
		   "!donor.email is an object, expected a text; let the map make it one with tostring");
	expect("{\"type\":\"t\",\"occurred_at\":1.5}",
		   "!occurred_at is neither a text such as 2026-11-23T22:09:00Z nor whole seconds since 1970");
	expect("[1]", "!the map gave an array, expected an object with id, type and amount");
}

static void hints_fill_gaps_only(void **state)
{
	const struct canonical_hints hints = { .id = "from-header", .type = "ping", .gift = "g1" };
	bool changed = false;
	(void)state;
	char *got = make("{\"x\":1}", &hints, &changed);
	assert_string_equal(got, "{\"x\":1,\"type\":\"ping\",\"id\":\"from-header\",\"gift\":\"g1\"}");
	assert_true(changed);
	free(got);
	got = make("{\"type\":\"a\",\"id\":\"b\",\"gift\":\"c\"}", &hints, &changed);
	assert_string_equal(got, "{\"type\":\"a\",\"id\":\"b\",\"gift\":\"c\"}");
	assert_false(changed);
	free(got);
}

static void a_made_gift_is_a_donation(void **state)
{
	const struct canonical_hints hints = { .is_gift = true };
	bool changed = false;
	(void)state;
	char *got =
		make("{\"type\":\"order.paid\",\"amount\":{\"minor\":1,\"currency\":\"EUR\",\"value\":\"0.01\"}}",
			 &hints, &changed);
	assert_non_null(strstr(got, "\"type\":\"donation.created\""));
	free(got);
	got = make("{\"type\":\"order.paid\"}", &hints, &changed);
	assert_int_equal(got[0], '!');
	free(got);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(money_comes_out_exactly),
		cmocka_unit_test(money_that_does_not_is_refused),
		cmocka_unit_test(other_members),
		cmocka_unit_test(hints_fill_gaps_only),
		cmocka_unit_test(a_made_gift_is_a_donation),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
