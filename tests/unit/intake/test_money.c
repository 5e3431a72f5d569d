#include "tests/unit/intake/intake_fixture.h"

#include <stdlib.h>

#include "gateway/intake/pipeline/money.h"
#include "saga/base/currency.h"

static void parses_exactly(void **state)
{
	static const struct {
		const char *text;
		unsigned decimals;
		int64_t minor;
	} cases[] = { { "12.50", 2, 1250 },
				  { "12.5", 2, 1250 },
				  { "12", 2, 1200 },
				  { "0.07", 2, 7 },
				  { "100.0", 2, 10000 },
				  { "500", 0, 500 },
				  { "500.00", 0, 500 },
				  { "1.234", 3, 1234 },
				  { "1.2", 3, 1200 },
				  { "-3.10", 2, -310 },
				  { "0", 2, 0 },
				  { "-0", 2, 0 },
				  { "10.0000000", 2, 1000 },
				  { "0012.5", 2, 1250 },
				  { "1.2345", 4, 12345 },
				  { "90071992547409.91", 2, MONEY_MINOR_MAX } };
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		int64_t minor = -1;
		assert_int_equal(money_parse(str_of(cases[i].text), cases[i].decimals, &minor, NULL), 0);
		assert_int_equal(minor, cases[i].minor);
	}
}

static void refuses(void **state)
{
	static const struct {
		const char *text;
		unsigned decimals;
	} cases[] = { { "", 2 },
				  { "-", 2 },
				  { ".5", 2 },
				  { "5.", 2 },
				  { "1e2", 2 },
				  { "1,5", 2 },
				  { "1.005", 2 },
				  { "0.5", 0 },
				  { " 1", 2 },
				  { "1 ", 2 },
				  { "+1", 2 },
				  { "1.2.3", 2 },
				  { "0x10", 2 },
				  { "--1", 2 },
				  { "1.2345", 3 },
				  { "EUR 5", 2 },
				  { "abc", 2 },
				  { "90071992547409.92", 2 },
				  { "99999999999999999999999999", 0 } };
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		int64_t minor;
		if (money_parse(str_of(cases[i].text), cases[i].decimals, &minor, NULL) != ERR_INVALID)
			fail_msg("\"%s\" should be refused", cases[i].text);
	}
}

static void writes_what_it_reads(void **state)
{
	(void)state;
	for (unsigned decimals = 0; decimals <= 4; decimals++) {
		for (int64_t minor = -12345; minor <= 12345; minor += 7) {
			char text[CURRENCY_TEXT_BYTES];
			int64_t back;
			currency_text(minor, decimals, text);
			assert_int_equal(money_parse(str_of(text), decimals, &back, NULL), 0);
			assert_int_equal(back, minor);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(parses_exactly), cmocka_unit_test(refuses),
										cmocka_unit_test(writes_what_it_reads) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
