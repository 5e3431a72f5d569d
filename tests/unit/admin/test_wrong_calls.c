/* Calls that break a contract of gateway/admin end the process instead of doing harm later. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/admin/call.h"
#include "gateway/admin/json.h"
#include "gateway/admin/verbs/scan.h"
#include "gateway/admin/views/job_json.h"
#include "gateway/admin/views/log_json.h"
#include "gateway/admin/views/verb_json.h"
#include "tests/support/wrong_call.h"

static int more(void *stream, struct buf *out, struct err *err)
{
	(void)stream, (void)out, (void)err;
	return 0;
}

static void free_nothing(void *stream)
{
	(void)stream;
}

static void fail_without_an_error(void)
{
	struct api_reply reply = { .status = 200 };
	admin_call_fail(&(struct admin_call){ .reply = &reply }, 0, "no error");
}

static void stream_after_a_line(void)
{
	struct api_reply reply = { .status = 200 };
	struct admin_call call = { .reply = &reply };
	admin_call_json(&call, json_object());
	admin_call_stream(&call, &reply, more, free_nothing);
}

static void line_after_a_stream(void)
{
	struct api_reply reply = { .status = 200 };
	struct admin_call call = { .reply = &reply };
	admin_call_stream(&call, &reply, more, free_nothing);
	admin_call_json(&call, json_object());
}

static void line_of_nothing(void)
{
	struct buf out = { 0 };
	admin_json_line(&out, NULL);
}

static void raw_bytes_without_an_object(void)
{
	admin_json_set_raw(json_array(), "x", 1);
}

static void result_of_a_failed_verb(void)
{
	verb_json_result(&(struct verb_result){ .code = ERR_REFUSED });
}

static void fewer_lines_than_none(void)
{
	job_json_summary(job_new(), -1);
}

static void log_row_without_a_list(void)
{
	log_json_row(&(struct log_row){ .number = 1 }, NULL, json_object());
}

static void number_with_a_strange_fallback(void)
{
	struct query_string query = { 0 };
	int64_t value;
	if (query_number(&query, "limit", -2, &value, NULL) != 0)
		return;
}

static void scan_of_an_unknown_state(void)
{
	struct saga_scan scan;
	const struct saga_filter filter = { .state = SAGA_STATE_COUNT };
	scan_begin(&scan, NULL, &filter, INT64_MAX, false);
}

static void wrong_calls_end_the_process(void **state)
{
	(void)state;
	static void (*const calls[])(
		void) = { fail_without_an_error,   stream_after_a_line,         line_after_a_stream,
				  line_of_nothing,         raw_bytes_without_an_object, result_of_a_failed_verb,
				  fewer_lines_than_none,   log_row_without_a_list,      number_with_a_strange_fallback,
				  scan_of_an_unknown_state };
	for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
		if (!wrong_call_ends_process(calls[i]))
			fail_msg("call %zu did not end the process", i);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(wrong_calls_end_the_process) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
