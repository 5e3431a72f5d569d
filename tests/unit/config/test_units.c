/* Durations, sizes and rates; the nearest name; the line of a JSON pointer. */
#include "config/locate.h"
#include "config/nearest.h"
#include "config/units.h"
#include "tests/unit/config/config_fixture.h"

#include <string.h>

static void durations_are_read(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} good[] = {
		{ "250ms", 250 },
		{ "30s", 30000 },
		{ "5m", 300000 },
		{ "72h", 259200000 },
		{ "400d", 34560000000 },
		{ "0", 0 },
		{ "0s", 0 },
		{ "00", 0 },
		{ "104249991d", 9007199222400000 },
	};
	static const char *const bad[] = { "",
									   "5",
									   "s",
									   "5 s",
									   "-5s",
									   "5S",
									   "1h30m",
									   "1.5s",
									   " 5s",
									   "5seconds",
									   "+5s",
									   "0x5s",
									   "5s\n",
									   "99999999999999999999s",
									   "9007199254740992d" };
	int64_t ms = -1;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(units_duration(good[i].text, &ms), 0);
		assert_int_equal(ms, good[i].ms);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ms = 77;
		assert_int_equal(units_duration(bad[i], &ms), ERR_INVALID);
		assert_int_equal(ms, 77);
	}
}

static void sizes_are_read(void **state)
{
	static const struct {
		const char *text;
		int64_t bytes;
	} good[] = { { "0", 0 },         { "512", 512 },      { "7B", 7 },
				 { "64KiB", 65536 }, { "1MiB", 1048576 }, { "2GiB", 2147483648 } };
	static const char *const bad[] = { "", "KiB", "1KB", "1kib", "1 MiB", "-1", "8388609GiB" };
	int64_t bytes;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(units_size(good[i].text, &bytes), 0);
		assert_int_equal(bytes, good[i].bytes);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(units_size(bad[i], &bytes), ERR_INVALID);
}

static void rates_are_read(void **state)
{
	static const char *const bad[] = { "", "5", "5/", "5/d", "/s", "5 /s", "5/s ", "4294967296/s" };
	struct config_rate rate;

	(void)state;
	assert_int_equal(units_rate("50/s", &rate), 0);
	assert_int_equal(rate.count, 50);
	assert_int_equal(rate.per_ms, 1000);
	assert_int_equal(units_rate("10/m", &rate), 0);
	assert_int_equal(rate.per_ms, 60000);
	assert_int_equal(units_rate("0/h", &rate), 0);
	assert_int_equal(rate.count, 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(units_rate(bad[i], &rate), ERR_INVALID);
}

static void measures_come_back_as_written(void **state)
{
	static const char *const durations[] = { "0",  "1ms", "999ms", "1s",  "90s",
											 "5m", "61m", "73h",   "25h", "400d" };
	static const char *const sizes[] = { "0B", "1B", "1023B", "1KiB", "1025B", "64KiB", "1MiB", "3GiB" };
	static const char *const rates[] = { "0/s", "50/s", "10/m", "7/h" };
	char text[UNITS_TEXT_BYTES];
	int64_t value;
	struct config_rate rate;

	(void)state;
	for (size_t i = 0; i < sizeof(durations) / sizeof(durations[0]); i++) {
		assert_int_equal(units_duration(durations[i], &value), 0);
		units_duration_text(value, text);
		assert_string_equal(text, durations[i]);
	}
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		assert_int_equal(units_size(sizes[i], &value), 0);
		units_size_text(value, text);
		assert_string_equal(text, sizes[i]);
	}
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		assert_int_equal(units_rate(rates[i], &rate), 0);
		units_rate_text(rate, text);
		assert_string_equal(text, rates[i]);
	}
}

static void the_largest_even_unit_is_chosen(void **state)
{
	char text[UNITS_TEXT_BYTES];

	(void)state;
	units_duration_text(172800000, text);
	assert_string_equal(text, "2d");
	units_duration_text(60000, text);
	assert_string_equal(text, "1m");
	units_size_text(1048576, text);
	assert_string_equal(text, "1MiB");
}

static void distances_count_single_slips(void **state)
{
	(void)state;
	assert_int_equal(nearest_distance("", ""), 0);
	assert_int_equal(nearest_distance("retry", ""), 5);
	assert_int_equal(nearest_distance("retry", "Retry"), 0);
	assert_int_equal(nearest_distance("retry", "rety"), 1);
	assert_int_equal(nearest_distance("retry", "rettry"), 1);
	assert_int_equal(nearest_distance("retry", "retri"), 1);
	assert_int_equal(nearest_distance("retry", "rtery"), 1); /* a swap counts as one error */
	assert_int_equal(nearest_distance("kitten", "sitting"), 3);
}

static void long_names_have_no_neighbours(void **state)
{
	char name[200];
	struct nearest near = { .wanted = name };

	(void)state;
	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	nearest_offer(&near, "a");
	assert_null(near.best);
	assert_int_equal(nearest_distance(name, "a"), 199);
}

static void the_nearest_of_several_wins(void **state)
{
	struct nearest near = { .wanted = "atempts" };

	(void)state;
	nearest_offer(&near, "factor");
	nearest_offer(&near, "attempts");
	nearest_offer(&near, "first");
	assert_string_equal(near.best, "attempts");
	near = (struct nearest){ .wanted = "colour" };
	nearest_offer(&near, "retry");
	assert_null(near.best);
}

static int line_of(const char *json, const char *pointer)
{
	return locate_line(str_of(json), pointer);
}

static void lines_are_found(void **state)
{
	static const char json[] = "{ \"a\": 1,\n"
							   "  \"b\": { \"c\\\"x\": [\n"
							   "    { \"d\": \"}]\\\"\" },\n"
							   "    [[], {}],\n"
							   "    true ] },\n"
							   "  \"e/f~\": null,\n"
							   "  \"g\": -1.5e3 }\n";

	(void)state;
	assert_int_equal(line_of(json, ""), 1);
	assert_int_equal(line_of(json, "/a"), 1);
	assert_int_equal(line_of(json, "/b"), 2);
	assert_int_equal(line_of(json, "/b/c\"x/0/d"), 3);
	assert_int_equal(line_of(json, "/b/c\"x/1"), 4);
	assert_int_equal(line_of(json, "/b/c\"x/2"), 5);
	assert_int_equal(line_of(json, "/e~1f~0"), 6);
	assert_int_equal(line_of(json, "/g"), 7);
	/* For a missing member, the line of the deepest part that exists. */
	assert_int_equal(line_of(json, "/b/zzz/1"), 2);
	assert_int_equal(line_of(json, "/b/c\"x/9"), 2);
	assert_int_equal(line_of("", "/a"), 0);
}

static void broken_text_does_not_lead_astray(void **state)
{
	(void)state;
	assert_int_equal(line_of("{\"a\": \"", "/a/b"), 1);
	assert_int_equal(line_of("{\"a", "/a"), 1);
	assert_int_equal(line_of("[1,", "/5"), 1);
	assert_int_equal(line_of("{\"a\\", "/b"), 1);
	assert_int_equal(line_of("]]]", "/0"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations_are_read),
		cmocka_unit_test(sizes_are_read),
		cmocka_unit_test(rates_are_read),
		cmocka_unit_test(measures_come_back_as_written),
		cmocka_unit_test(the_largest_even_unit_is_chosen),
		cmocka_unit_test(distances_count_single_slips),
		cmocka_unit_test(long_names_have_no_neighbours),
		cmocka_unit_test(the_nearest_of_several_wins),
		cmocka_unit_test(lines_are_found),
		cmocka_unit_test(broken_text_does_not_lead_astray),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
