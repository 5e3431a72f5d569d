/* Cursors of lists: what is written is read back, and nothing else is taken for one. */
#include <string.h>

#include "saga/store/cursor.h"
#include "tests/unit/store/cmocka_all.h"

static const enum store_list lists[] = { STORE_LIST_SAGAS, STORE_LIST_LOG, STORE_LIST_JOBS,
										 STORE_LIST_REJECTED };

static void what_is_written_is_read_back(void **state)
{
	(void)state;
	static const struct store_cursor cursors[] = {
		{ 0, 0 }, { 0, 1 }, { 1, 0 }, { 99, 123456789 }, { UINT16_MAX, INT64_MAX }
	};
	for (size_t l = 0; l < sizeof lists / sizeof lists[0]; l++) {
		for (size_t i = 0; i < sizeof cursors / sizeof cursors[0]; i++) {
			char text[STORE_CURSOR_TEXT];
			struct store_cursor back = { 7, 7 };
			store_cursor_write(lists[l], cursors[i], text);
			assert_int_equal(strlen(text), STORE_CURSOR_TEXT - 1);
			assert_int_equal(store_cursor_read(lists[l], text, &back, NULL), 0);
			assert_int_equal(back.part, cursors[i].part);
			assert_int_equal(back.number, cursors[i].number);
		}
	}
}

/* Scripts of the time before cursors give the number of a row. */
static void a_number_is_a_row_of_the_first_partition(void **state)
{
	(void)state;
	struct store_cursor back = { 7, 7 };
	assert_int_equal(store_cursor_read(STORE_LIST_SAGAS, "4711", &back, NULL), 0);
	assert_int_equal(back.part, 0);
	assert_int_equal(back.number, 4711);
}

static void nothing_else_is_a_cursor(void **state)
{
	(void)state;
	char jobs[STORE_CURSOR_TEXT];
	store_cursor_write(STORE_LIST_JOBS, (struct store_cursor){ 0, 5 }, jobs);
	const char *const wrong[] = { "",
								  "-1",
								  "+1",
								  " 1",
								  "1 ",
								  "9223372036854775808",
								  "s",
								  "s00",
								  "s00000000000000000g",
								  "s0000000000000000000000",
								  "s00008000000000000000",
								  jobs };
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		struct err err = { 0 };
		struct store_cursor back = { 7, 7 };
		assert_int_equal(store_cursor_read(STORE_LIST_SAGAS, wrong[i], &back, &err), ERR_INVALID);
		assert_non_null(strstr(err.text, "whole number"));
		assert_int_equal(back.number, 7);
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
