/* Cursors of lists: what is written is read back, and nothing else is taken for one. */
#include <string.h>

#include "saga/store/cursor.h"
#include "tests/unit/store/cmocka_all.h"

static const enum store_list lists[] = { STORE_LIST_SAGAS, STORE_LIST_LOG, STORE_LIST_JOBS,
										 STORE_LIST_REJECTED };

static void what_is_written_is_read_back(void **state)
{
	(void)state;
	static const int64_t positions[] = { 0, 1, 123456789, STORE_NUMBER_MAX, STORE_NUMBER_MAX + 1, INT64_MAX };
	for (size_t l = 0; l < sizeof lists / sizeof lists[0]; l++) {
		for (size_t i = 0; i < sizeof positions / sizeof positions[0]; i++) {
			char text[STORE_CURSOR_TEXT];
			int64_t back = -1;
			store_cursor_write(lists[l], positions[i], text);
			assert_int_equal(strlen(text), STORE_CURSOR_TEXT - 1);
			assert_int_equal(store_cursor_read(lists[l], text, &back, NULL), 0);
			assert_int_equal(back, positions[i]);
		}
	}
}

/* Scripts of the time before cursors give the number of a row. A number beyond every row of partition 0 must not
 * become a row of another partition. */
static void a_number_is_a_row_of_the_first_partition(void **state)
{
	(void)state;
	int64_t back = -1;
	assert_int_equal(store_cursor_read(STORE_LIST_SAGAS, "4711", &back, NULL), 0);
	assert_int_equal(back, 4711);
	assert_int_equal(store_cursor_read(STORE_LIST_SAGAS, "9223372036854775807", &back, NULL), 0);
	assert_int_equal(back, STORE_NUMBER_MAX);
}

static void nothing_else_is_a_cursor(void **state)
{
	(void)state;
	char jobs[STORE_CURSOR_TEXT];
	store_cursor_write(STORE_LIST_JOBS, 5, jobs);
	const char *const wrong[] = { "",
								  "-1",
								  "+1",
								  " 1",
								  "1 ",
								  "9223372036854775808",
								  "s",
								  "s00",
								  "s000000000000000g",
								  "s000000000000000000",
								  "s8000000000000000",
								  jobs };
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		struct err err = { 0 };
		int64_t back = 7;
		assert_int_equal(store_cursor_read(STORE_LIST_SAGAS, wrong[i], &back, &err), ERR_INVALID);
		assert_non_null(strstr(err.text, "whole number"));
		assert_int_equal(back, 7);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read_back),
		cmocka_unit_test(a_number_is_a_row_of_the_first_partition),
		cmocka_unit_test(nothing_else_is_a_cursor),
	};
	return cmocka_run_group_tests_name("cursors", tests, NULL, NULL);
}
