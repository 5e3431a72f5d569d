#include "tests/unit/expr/cmocka_all.h"

#include <string.h>

#include "gateway/expr/number.h"

static void shortest(void **state)
{
	static const struct {
		double value;
		const char *text;
	} cases[] = { { 10.1, "10.1" },
				  { 0.1, "0.1" },
				  { 0.30000000000000004, "0.30000000000000004" },
				  { 0, "0" },
				  { -0.0, "0" },
				  { 1e15, "1000000000000000" },
				  { 9007199254740992.0, "9007199254740992" },
				  { -12.5, "-12.5" },
				  { 1e300, "1e+300" },
				  { 5e-324, "4.94065645841247e-324" },
				  { 123456789.125, "123456789.125" } };
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char out[NUMBER_TEXT_BYTES];
		number_shortest(cases[i].value, out);
		assert_string_equal(out, cases[i].text);
	}
}

static void survives(void **state)
{
	static const char *const good[] = { "0",
										"-0",
										"1",
										"10.10",
										"0.1",
										"1e5",
										"1E+5",
										"100.00",
										"123456789012345.6",
										"9007199254740992",
										"1e-7",
										"9007199254740993e0",
										"0.30000000000000004",
										"1000000000000000000000",
										"1.7976931348623157e308" };
	static const char *const bad[] = { "9007199254740993",
									   "-9007199254740993",
									   "12345678901234567.89",
									   "0.12345678901234567890",
									   "1e999",
									   "1e-999",
									   "1e99999999999999999999",
									   "0.3000000000000000499" };
	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		bool odd = strcmp(good[i], "9007199254740993e0") == 0;
		assert_int_equal(number_is_exact(str_of(good[i])), !odd);
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		if (number_is_exact(str_of(bad[i])))
			fail_msg("%s should not survive", bad[i]);
	}
}

/* A token is a part of a longer text and is not followed by a NUL. */
static void stays_inside_the_token(void **state)
{
	(void)state;
	assert_true(number_is_exact((struct str){ "1e5999", 3 }));
	assert_true(number_is_exact((struct str){ "12.5000000000000000000001", 4 }));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(shortest), cmocka_unit_test(survives),
										cmocka_unit_test(stays_inside_the_token) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
