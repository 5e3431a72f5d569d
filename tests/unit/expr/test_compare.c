/* A comparison that compare.c evaluates gives the same result as libjq. */
#include "tests/unit/expr/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/expr/compare.h"
#include "gateway/expr/expr.h"
#include "saga/base/mem.h"

static int by_jq(const char *text, json_t *root, bool *yes)
{
	char *program AUTO_FREE = mem_printf("(%s)", text);
	struct expr *e = expr_create(program);
	AUTO_EXPR_INPUT struct expr_input in = { .root = root };
	int rc = expr_eval_bool(e, &in, yes, NULL);
	expr_destroy(e);
	return rc;
}

static void compare_both(const char *text, json_t *root)
{
	struct compare c;
	bool direct = false, wanted = false;
	if (!compare_parse(text, &c))
		fail_msg("%s is a comparison", text);
	int rc = compare_evaluate(&c, root, &direct, NULL), jq_rc = by_jq(text, root, &wanted);
	compare_finish(&c);
	if (rc != jq_rc || (rc == 0 && direct != wanted))
		fail_msg("%s: %d %d, jq: %d %d", text, rc, direct, jq_rc, wanted);
}

static void all_kinds_against_all(void **state)
{
	static const char *const signs[] = { "==", "!=", "<", "<=", ">", ">=" };
	static const char *const values[] = {
		"null",  "false",  "true",         "0",  "-1",  "1.5", "9007199254740992", "\"\"",
		"\"a\"", "\"ab\"", "\"\xc3\xa9\"", "[]", "[1]", "{}",  "{\"a\":1}"
	};
	static const char *const literals[] = {
		"null", "false", "true",  "0",     "-1",          "1.5", "9007199254740992",
		"1e2",  "\"\"",  "\"a\"", "\"b\"", "\"\xc3\xa8\""
	};
	(void)state;
	for (size_t v = 0; v < sizeof values / sizeof values[0]; v++) {
		char *text AUTO_FREE = mem_printf("{\"v\":%s}", values[v]);
		json_t *root = json_loads(text, 0, NULL);
		assert_non_null(root);
		for (size_t s = 0; s < 6; s++) {
			for (size_t l = 0; l < sizeof literals / sizeof literals[0]; l++) {
				char *program AUTO_FREE = mem_printf(".v %s %s", signs[s], literals[l]);
				compare_both(program, root);
			}
		}
		json_decref(root);
	}
}

static void joined(void **state)
{
	static const char *const programs[] = { ".a.n > 0 and .t == \"x\"",
											".a.n>0 and .t==\"y\"",
											".a and .t",
											".a.n == 5 and .none",
											".none and .t.boom",
											".t and .t.boom == 1",
											".t.boom == 1",
											"\n.a.n > 0\nand .t == \"x y = z and w\"\n",
											".a.n > 0 and.t == \"x\"",
											".\"a\".n>=5",
											".a[\"n\"] < 6" };
	json_t *root = json_loads("{\"a\":{\"n\":5},\"t\":\"x\"}", 0, NULL);
	(void)state;
	for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++)
		compare_both(programs[i], root);
	json_decref(root);
}

/* Texts that compare.c must leave to libjq. */
static void others(void **state)
{
	static const char *const programs[] = { "1 > 0",
											".a > .b",
											".a > 0 or .b",
											".a + 1 > 0",
											".a > 0 and",
											"not",
											".a > [1]",
											".a == {}",
											".a > 0 | not",
											".a == \"x\\n\"",
											".a? > 0",
											".a == 01",
											".a > 0 == true",
											".a == \"\\(.b)\"",
											".a == nan",
											".a and (.b)",
											".a > 9007199254740993",
											".a=1",
											".a == ",
											"",
											".a andy",
											".a > 0 and and .b",
											".a |= 1",
											".a == \"x",
											".a and .b and .c and .d and .e and .f and .g and .h and .i" };
	(void)state;
	for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++) {
		struct compare c;
		if (compare_parse(programs[i], &c))
			fail_msg("%s is none", programs[i]);
	}
}

/* Integers beyond 2^53: libjq gets the path's value as a string and would compare it with a number. */
static void large_numbers_are_compared_as_numbers(void **state)
{
	json_t *root = json_loads("{\"n\":-9007199254740993}", 0, NULL);
	struct expr *e = expr_create(".n < 0");
	AUTO_EXPR_INPUT struct expr_input in = { .root = root };
	bool yes = false;
	(void)state;
	assert_int_equal(expr_eval_bool(e, &in, &yes, NULL), 0);
	assert_true(yes);
	expr_destroy(e);
	json_decref(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(all_kinds_against_all), cmocka_unit_test(joined),
										cmocka_unit_test(others),
										cmocka_unit_test(large_numbers_are_compared_as_numbers) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
