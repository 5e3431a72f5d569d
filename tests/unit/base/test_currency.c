/* The table of currencies, and amounts as texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "saga/base/currency.h"

static void codes_are_found_in_any_case(void **state)
{
	static const struct {
		const char *text, *code;
		int decimals; /* -1: no currency */
	} cases[] = { { "eur", "EUR", 2 }, { "JPY", "JPY", 0 }, { "kWd", "KWD", 3 }, { "clf", "CLF", 4 },
				  { "TND", "TND", 3 }, { "ISK", "ISK", 0 }, { "AED", "AED", 2 }, { "ZWL", "ZWL", 2 },
				  { "XXX", "", -1 },   { "BTC", "", -1 },   { "EU", "", -1 },    { "EURO", "", -1 },
				  { "", "", -1 },      { "E R", "", -1 },   { "UR ", "", -1 },   { "XAU", "", -1 } };
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char code[4] = "";
		unsigned decimals = 99;
		assert_int_equal(currency_find(str_of(cases[i].text), code, &decimals), cases[i].decimals >= 0);
		assert_string_equal(code, cases[i].code);
		assert_int_equal(decimals, cases[i].decimals >= 0 ? cases[i].decimals : 99);
	}
}

static void amounts_are_written_exactly(void **state)
{
	static const struct {
		int64_t minor;
		unsigned decimals;
		const char *text;
	} cases[] = { { 1250, 2, "12.50" },
				  { 7, 2, "0.07" },
				  { -5, 2, "-0.05" },
				  { 0, 2, "0.00" },
				  { 2550, 0, "2550" },
				  { -1, 0, "-1" },
				  { 12345, 4, "1.2345" },
				  { INT64_MAX, 3, "9223372036854775.807" },
				  { INT64_MIN, 2, "-92233720368547758.08" } };
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char text[CURRENCY_TEXT_BYTES];
		currency_text(cases[i].minor, cases[i].decimals, text);
		assert_string_equal(text, cases[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(codes_are_found_in_any_case),
										cmocka_unit_test(amounts_are_written_exactly) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
