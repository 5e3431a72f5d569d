/* The list of a saga's log rows: in its value, and in the rows that took earlier lists along. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "saga/model/saga_rows.h"

static void expect_decoded(struct buf *bytes, const struct saga_rows *wanted)
{
	struct saga_rows rows = { 0 };
	struct reader from = reader_of(bytes->data, bytes->len);
	saga_rows_append(&rows, 3); /* decoding replaces what was there */
	saga_rows_decode(&from, &rows);
	assert_true(reader_done(&from));
	assert_int_equal(rows.count, wanted->count);
	for (size_t i = 0; i < rows.count; i++)
		assert_int_equal(rows.numbers[i], wanted->numbers[i]);
	saga_rows_free(&rows);
}

static void a_list_comes_back_as_it_was(void **state)
{
	(void)state;
	static const int64_t numbers[] = { 1, 2, 300, 70000, INT64_C(1) << 48, INT64_MAX };
	struct saga_rows rows = { 0 };
	struct buf AUTO_BUF bytes = { 0 };
	for (size_t i = 0; i <= sizeof numbers / sizeof numbers[0]; i++) {
		buf_clear(&bytes);
		saga_rows_encode(&rows, &bytes);
		expect_decoded(&bytes, &rows);
		if (i < sizeof numbers / sizeof numbers[0])
			saga_rows_append(&rows, numbers[i]);
	}
	saga_rows_free(&rows);
}

static void damaged_lists_are_refused(void **state)
{
	(void)state;
	static const struct {
		const char *bytes;
		size_t len;
	} damaged[] = {
		{ "", 0 },
		{ "\x02\x05", 2 },                                      /* cut short */
		{ "\x02\x05\x00", 3 },                                  /* the same number twice */
		{ "\x01\x00", 2 },                                      /* number 0 */
		{ "\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11 }, /* above INT64_MAX */
		{ "\x02\xff\xff\xff\xff\xff\xff\xff\xff\x7f\x01", 11 }, /* the second is above it */
		{ "\xff\xff\xff\xff\x0f\x01\x01\x01", 8 },              /* more numbers than bytes */
	};
	for (size_t i = 0; i < sizeof damaged / sizeof damaged[0]; i++) {
		struct saga_rows rows = { 0 };
		struct reader from = reader_of(damaged[i].bytes, damaged[i].len);
		saga_rows_decode(&from, &rows);
		assert_true(from.bad);
		assert_int_equal(rows.count, 0);
		saga_rows_free(&rows);
	}
}

/* Row 2i + 1 of a log with one saga among others. Returns the head of the newest row that took a list along. */
static void a_full_list_moves_into_the_log(void **state)
{
	(void)state;
	enum { LISTS = 3 };
	struct saga_rows rows = { 0 };
	struct saga_rows earlier = { 0 };
	struct records log = { 0 };
	for (int64_t i = 0; i < LISTS * SAGA_ROWS_LISTED; i++) {
		records_clear(&log);
		records_add(&log, &(struct record){ .kind = RECORD_DUPLICATE, .at_ms = 7, .step = RECORD_NO_STEP });
		saga_rows_add(&rows, 2 * i + 1, &log, 7);
		bool first = i % SAGA_ROWS_LISTED == 0;
		assert_int_equal(rows.count, i % SAGA_ROWS_LISTED + 1);
		assert_int_equal(log.count, first && i > 0 ? 2 : 1);
		assert_int_equal(saga_rows_earlier(buf_str(&log.head), &earlier, NULL), 0);
		assert_int_equal(earlier.count, first && i > 0 ? SAGA_ROWS_LISTED : 0);
		for (size_t k = 0; k < earlier.count; k++)
			assert_int_equal(earlier.numbers[k], 2 * (i - SAGA_ROWS_LISTED + (int64_t)k) + 1);
	}
	saga_rows_free(&rows);
	saga_rows_free(&earlier);
	records_free(&log);
}

/* A saga of schema 4 comes with all its rows, however many. */
static void a_longer_list_moves_as_a_whole(void **state)
{
	(void)state;
	struct saga_rows rows = { 0 };
	struct saga_rows earlier = { 0 };
	struct records log = { 0 };
	struct buf AUTO_BUF bytes = { 0 };
	for (int64_t i = 1; i <= 5000; i++)
		saga_rows_append(&rows, i);
	saga_rows_encode(&rows, &bytes);
	expect_decoded(&bytes, &rows);
	saga_rows_add(&rows, 6000, &log, 7);
	assert_int_equal(rows.count, 1);
	assert_int_equal(rows.numbers[0], 6000);
	assert_int_equal(saga_rows_earlier(buf_str(&log.head), &earlier, NULL), 0);
	assert_int_equal(earlier.count, 5000);
	assert_int_equal(earlier.numbers[4999], 5000);
	saga_rows_free(&rows);
	saga_rows_free(&earlier);
	records_free(&log);
}

static void a_damaged_list_in_the_log_is_reported(void **state)
{
	(void)state;
	struct saga_rows earlier = { 0 };
	struct records log = { 0 };
	struct err err = { 0 };
	records_add(&log, &(struct record){
						  .kind = RECORD_EARLIER_ROWS, .step = RECORD_NO_STEP, .text = STR("\x02\x05") });
	assert_int_equal(saga_rows_earlier(buf_str(&log.head), &earlier, &err), ERR_CORRUPT);
	assert_non_null(strstr(err.text, "earlier rows"));
	assert_int_equal(saga_rows_earlier(STR("\x02\x7f"), &earlier, &err), ERR_CORRUPT);
	assert_int_equal(saga_rows_earlier(STR(""), &earlier, &err), 0); /* the head was emptied */
	assert_int_equal(earlier.count, 0);
	saga_rows_free(&earlier);
	records_free(&log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_list_comes_back_as_it_was),
		cmocka_unit_test(damaged_lists_are_refused),
		cmocka_unit_test(a_full_list_moves_into_the_log),
		cmocka_unit_test(a_longer_list_moves_as_a_whole),
		cmocka_unit_test(a_damaged_list_in_the_log_is_reported),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
