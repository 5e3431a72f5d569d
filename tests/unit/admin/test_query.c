/* Query strings, also hostile ones, and the filters of `saga list`. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/admin/query.h"
#include "saga/base/mem.h"

#define NOW INT64_C(1700000000000)

static void refused(const char *text, const char *why)
{
	struct query_string q;
	struct err err = { 0 };
	assert_int_equal(query_parse(text, &q, &err), ERR_INVALID);
	if (strstr(err.text, why) == NULL)
		fail_msg("\"%s\": \"%s\" does not contain \"%s\"", text, err.text, why);
}

static void names_and_values(void **state)
{
	(void)state;
	struct query_string q;
	assert_int_equal(query_parse("a=1&&b=x%20y+z&c&d=%c3%A9=&%65=f", &q, NULL), 0);
	assert_int_equal(q.count, 5);
	assert_string_equal(query_value(&q, "a"), "1");
	assert_string_equal(query_value(&q, "b"), "x y z");
	assert_string_equal(query_value(&q, "c"), "");
	assert_string_equal(query_value(&q, "d"), "\xc3\xa9=");
	assert_string_equal(query_value(&q, "e"), "f");
	assert_null(query_value(&q, "A"));
	query_finish(&q);
	assert_int_equal(query_parse("", &q, NULL), 0);
	assert_int_equal(q.count, 0);
	query_finish(&q);
}

static void hostile(void **state)
{
	(void)state;
	refused("a=%", "percent");
	refused("a=%4", "percent");
	refused("a=%zz", "percent");
	refused("%g1=a", "percent");
	refused("a=b%00c", "percent"); /* a NUL would hide the rest of the value */
	refused("a=%ff", "UTF-8");
	refused("a=%c3%28", "UTF-8");
	refused("a=%ed%a0%80", "UTF-8"); /* a surrogate is not UTF-8 */
	refused("a=1&a=2", "twice");
}

static void too_many_parts(void **state)
{
	(void)state;
	struct buf text AUTO_BUF = { 0 };
	for (int i = 0; i < QUERY_PARTS_MAX; i++)
		buf_printf(&text, "%sp%d=%d", i > 0 ? "&" : "", i, i);
	struct query_string q;
	assert_int_equal(query_parse(text.data, &q, NULL), 0);
	assert_string_equal(query_value(&q, "p15"), "15");
	query_finish(&q);
	buf_text(&text, "&one_more=1");
	refused(text.data, "more than 16");
}

static void huge(void **state)
{
	(void)state;
	size_t len = (size_t)4 << 20;
	char *text AUTO_FREE = mem_alloc(len + 1);
	memset(text, 'x', len);
	text[len] = '\0';
	memcpy(text, "n=", 2);
	struct query_string q;
	assert_int_equal(query_parse(text, &q, NULL), 0);
	assert_int_equal(strlen(query_value(&q, "n")), len - 2);
	query_finish(&q);
	memset(text, '&', len);
	assert_int_equal(query_parse(text, &q, NULL), 0);
	assert_int_equal(q.count, 0);
	query_finish(&q);
}

static int number(const char *text, int64_t *ret)
{
	struct query_string q;
	assert_int_equal(query_parse(text, &q, NULL), 0);
	int rc = query_number(&q, "n", 77, ret, NULL);
	query_finish(&q);
	return rc;
}

static void numbers(void **state)
{
	(void)state;
	int64_t got = 0;
	assert_int_equal(number("m=1", &got), 0);
	assert_int_equal(got, 77);
	assert_int_equal(number("n=9223372036854775807", &got), 0);
	assert_int_equal(got, INT64_MAX);
	static const char *const bad[] = { "n=", "n=x", "n=1x", "n=-1", "n=9223372036854775808", "n=1.5" };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(number(bad[i], &got), ERR_INVALID);
}

static int filter(const char *text, struct query_string *q, struct saga_filter *ret, struct err *err)
{
	assert_int_equal(query_parse(text, q, NULL), 0);
	int rc = query_filter(q, NOW, ret, err);
	if (rc != 0)
		query_finish(q);
	return rc;
}

static void filters(void **state)
{
	(void)state;
	struct query_string q;
	struct saga_filter f;
	assert_int_equal(filter("state=attention&reason=in_doubt&outcome=unknown&target=crm&source=s&donor=a%40b&"
							"event_id=e%2F1&older=2h&newer=7d&limit=5&before=9",
							&q, &f, NULL),
					 0);
	assert_int_equal(f.state, SAGA_ATTENTION);
	assert_int_equal(f.reason, REASON_IN_DOUBT);
	assert_int_equal(f.outcome, OUTCOME_UNKNOWN);
	assert_string_equal(f.target, "crm");
	assert_string_equal(f.source, "s");
	assert_string_equal(f.donor, "a@b");
	assert_string_equal(f.event_id, "e/1");
	assert_int_equal(f.older_ms, NOW - 7200000);
	assert_int_equal(f.newer_ms, NOW - 7 * INT64_C(86400000));
	query_finish(&q);
	assert_int_equal(filter("", &q, &f, NULL), 0);
	assert_int_equal(f.state, -1);
	assert_int_equal(f.reason, -1);
	assert_int_equal(f.outcome, -1);
	assert_null(f.target);
	query_finish(&q);
}

static void unknown_words(void **state)
{
	(void)state;
	struct query_string q;
	struct saga_filter f;
	struct err err;
	static const char *const bad[] = { "state=gone", "state=", "reason=tired", "outcome=nice", "older=soon",
									   "older=-1h",  "newer=", "colour=red",   "State=running" };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(filter(bad[i], &q, &f, &err), ERR_INVALID);
	/* The error for an unknown word lists every word that exists. */
	assert_int_equal(filter("state=gone", &q, &f, &err), ERR_INVALID);
	for (int i = 0; i < SAGA_STATE_COUNT; i++)
		assert_non_null(strstr(err.text, name_of_saga_state((enum saga_state)i)));
	assert_int_equal(filter("reason=gone", &q, &f, &err), ERR_INVALID);
	for (int i = 1; i < REASON_COUNT; i++)
		assert_non_null(strstr(err.text, name_of_reason((enum reason)i)));
	assert_int_equal(filter("outcome=gone", &q, &f, &err), ERR_INVALID);
	for (int i = 1; i < OUTCOME_COUNT; i++)
		assert_non_null(strstr(err.text, name_of_outcome((enum outcome_class)i)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_and_values), cmocka_unit_test(hostile),
		cmocka_unit_test(too_many_parts),   cmocka_unit_test(huge),
		cmocka_unit_test(numbers),          cmocka_unit_test(filters),
		cmocka_unit_test(unknown_words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
