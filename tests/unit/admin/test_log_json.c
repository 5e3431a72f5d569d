/* Rows of the log that cannot be decoded must neither hide other rows nor end the process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/admin/views/log_json.h"

static json_t *rows_of(struct str head, struct str personal)
{
	struct log_row row = {
		.number = 5, .commit = 2, .subject = SUBJECT_SAGA, .subject_id = 9, .head = head, .personal = personal
	};
	json_t *list = json_array();
	log_json_row(&row, NULL, list);
	return list;
}

static void make(struct records *r)
{
	records_add(r, &(struct record){
					   .kind = RECORD_ACCEPTED, .at_ms = 1000, .step = RECORD_NO_STEP, .text = STR("r") });
	records_add(r, &(struct record){ .kind = RECORD_OUTCOME,
									 .at_ms = 2000,
									 .step = 0,
									 .generation = 1,
									 .attempt = 1,
									 .outcome = OUTCOME_REJECTED,
									 .personal = STR("de\xff") });
}

static void whole(void **state)
{
	(void)state;
	struct records r = { 0 };
	make(&r);
	json_t *list = rows_of(buf_str(&r.head), buf_str(&r.personal));
	assert_int_equal(json_array_size(list), 2);
	assert_string_equal(json_string_value(json_object_get(json_array_get(list, 1), "detail")), "hex:6465ff");
	json_decref(list);
	list = rows_of(buf_str(&r.head), (struct str){ NULL, 0 });
	assert_true(json_is_true(json_object_get(json_array_get(list, 1), "forgotten")));
	json_decref(list);
	records_free(&r);
}

static void without_what_is_only_for_the_store(void **state)
{
	(void)state;
	struct records r = { 0 };
	make(&r);
	struct saga_rows rows = { 0 };
	for (int64_t i = 1; i <= SAGA_ROWS_LISTED; i++)
		saga_rows_append(&rows, i);
	saga_rows_add(&rows, SAGA_ROWS_LISTED + 1, &r, 2000);
	records_add(&r, &(struct record){ .kind = RECORD_VALUE,
									  .at_ms = 2000,
									  .step = RECORD_NO_STEP,
									  .digest = STR("0123456789abcdef") });
	assert_int_equal(r.count, 4);
	json_t *list = rows_of(buf_str(&r.head), buf_str(&r.personal));
	assert_int_equal(json_array_size(list), 2);
	json_decref(list);
	saga_rows_free(&rows);
	records_free(&r);
}

static void damaged(void **state)
{
	(void)state;
	struct records r = { 0 };
	make(&r);
	unsigned unreadable = 0;
	for (size_t cut = 0; cut < r.head.len; cut++) {
		json_t *list = rows_of((struct str){ r.head.data, cut }, buf_str(&r.personal));
		const json_t *last = json_array_get(list, json_array_size(list) - 1);
		const char *kind = json_string_value(json_object_get(last, "record"));
		if (kind != NULL && strcmp(kind, "unreadable") == 0) {
			unreadable++;
			assert_int_equal(json_integer_value(json_object_get(last, "seq")), 5);
			assert_non_null(json_object_get(last, "detail"));
		}
		json_decref(list);
	}
	assert_true(unreadable > r.head.len / 2);
	/* Whichever byte is changed, the result is valid JSON. */
	for (size_t at = 0; at < r.head.len; at++) {
		for (int bit = 0; bit < 8; bit++) {
			r.head.data[at] = (char)(r.head.data[at] ^ (1 << bit));
			json_t *list = rows_of(buf_str(&r.head), buf_str(&r.personal));
			char *text = json_dumps(list, 0);
			assert_non_null(text);
			free(text);
			json_decref(list);
			r.head.data[at] = (char)(r.head.data[at] ^ (1 << bit));
		}
	}
	records_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(whole),
										cmocka_unit_test(without_what_is_only_for_the_store),
										cmocka_unit_test(damaged) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
