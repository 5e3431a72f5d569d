/* What a program cannot reach (environment, files, the process), and that each program is stopped in time. */
#include "tests/unit/expr/cmocka_all.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "gateway/expr/expr.h"

static int run(const char *program, char out[512])
{
	struct expr *e = expr_create(program);
	json_t *root = json_pack("{s:s}", "a", "b"), *value = NULL;
	AUTO_EXPR_INPUT struct expr_input in = { .root = root };
	struct err err = { 0 };
	int rc = expr_eval_json(e, &in, &value, &err);
	char *text = rc == 0 && value != NULL ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
	snprintf(out, 512, "%s", rc != 0 ? err.text : text != NULL ? text : "<none>");
	free(text);
	json_decref(value);
	expr_input_finish(&in);
	json_decref(root);
	expr_destroy(e);
	return rc;
}

static void sees_no_environment(void **state)
{
	static const char *const programs[] = { "$ENV",
											"env",
											"def f: $ENV; f",
											"[.] | map($ENV)[0]",
											"$ENV.ALMONER_TEST_SECRET // {}",
											"env.ALMONER_TEST_SECRET // {}",
											"{} as $x | $ENV" };
	char out[512];
	(void)state;
	assert_int_equal(setenv("ALMONER_TEST_SECRET", "hush", 1), 0);
	for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++) {
		assert_int_equal(run(programs[i], out), 0);
		assert_string_equal(out, "{}");
	}
}

static void reads_and_ends_nothing(void **state)
{
	static const struct {
		const char *program, *text;
	} cases[] = {
		{ "halt", "halt is not available here" },
		{ "halt_error", "halt is not available here" },
		{ "halt_error(3)", "halt is not available here" },
		{ "\"a\" | modulemeta", "modules are not available here" },
		{ "input", "break" },
		{ "[inputs] | length", "0" },
		{ "input_filename", "null" },
		{ "get_search_list", "[]" },
	};
	char out[512];
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		(void)run(cases[i].program, out);
		if (strcasecmp(out, cases[i].text) != 0)
			fail_msg("%s gave %s", cases[i].program, out);
	}
	assert_int_equal(run("import \"a\" as a; a::f", out), ERR_INVALID);
	assert_int_equal(run("include \"a\"; f", out), ERR_INVALID);
}

/* Programs see donors' data, so nothing of it may be written to standard error. */
static void writes_nothing(void **state)
{
	char path[] = "/tmp/almoner-expr-XXXXXX", out[512];
	(void)state;
	int file = mkstemp(path), before = dup(STDERR_FILENO);
	assert_true(file >= 0 && before >= 0);
	assert_int_equal(dup2(file, STDERR_FILENO), STDERR_FILENO);
	(void)run(". | stderr | debug | .a", out);
	(void)run("nonsense(", out);
	assert_int_equal(dup2(before, STDERR_FILENO), STDERR_FILENO);
	assert_int_equal(lseek(file, 0, SEEK_END), 0);
	(void)close(before);
	(void)close(file);
	(void)unlink(path);
}

static void runaways_are_stopped(void **state)
{
	static const char *const programs[] = { "repeat(.) | select(false)", "[range(1e9)] | length",
											"def f: f; f", "last(repeat(1))",
											"[limit(1e9; repeat(1))] | length" };
	char out[512];
	(void)state;
	for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++) {
		assert_int_equal(run(programs[i], out), ERR_TOO_BIG);
		assert_string_equal(out, "stopped after more than 500 ms of CPU time");
		/* The thread can evaluate other programs afterwards. */
		assert_int_equal(run("{x: .a}", out), 0);
		assert_string_equal(out, "{\"x\":\"b\"}");
	}
	/* A program that gives values without end is stopped at its second value, not by the time limit. */
	assert_int_equal(run("repeat(.)", out), ERR_INVALID);
	assert_string_equal(out, "the program gives more than one value");
}

/* A stopped program is compiled again, and its CPU time begins at zero. */
static void stopped_programs_can_run_again(void **state)
{
	static const char program[] = "if .a == \"b\" then 1 else (repeat(.) | select(false)) end";
	struct expr *e = expr_create(program);
	(void)state;
	for (int round = 0; round < 3; round++) {
		json_t *root = json_pack("{s:s}", "a", round == 1 ? "c" : "b"), *value = NULL;
		struct expr_input in;
		expr_input_init(&in, root);
		assert_int_equal(expr_eval_json(e, &in, &value, NULL), round == 1 ? ERR_TOO_BIG : 0);
		json_decref(value);
		expr_input_finish(&in);
		json_decref(root);
	}
	expr_destroy(e);
}

static void *many_evaluations(void *arg)
{
	const struct expr *e = arg;
	uintptr_t wrong = 0;
	json_t *root = json_pack("{s:i}", "n", 41);
	for (int i = 0; i < 2000; i++) {
		AUTO_EXPR_INPUT struct expr_input in = { .root = root };
		bool yes = false;
		wrong += expr_eval_bool(e, &in, &yes, NULL) != 0 || !yes;
	}
	json_decref(root);
	return (void *)wrong;
}

static void threads_share_an_expression(void **state)
{
	struct expr *e = expr_create(".n + 1 == 42");
	pthread_t threads[4];
	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, many_evaluations, e), 0);
	for (int i = 0; i < 4; i++) {
		void *wrong;
		assert_int_equal(pthread_join(threads[i], &wrong), 0);
		assert_null(wrong);
	}
	expr_destroy(e);
}

/* With more programs than a thread keeps, the least recently used are compiled again and still give the
 * right value. */
static void many_programs(void **state)
{
	(void)state;
	for (int i = 0; i < 300; i++) {
		char program[32], wanted[32], out[512];
		snprintf(program, sizeof program, "%d + 1", i % 280);
		snprintf(wanted, sizeof wanted, "%d", i % 280 + 1);
		assert_int_equal(run(program, out), 0);
		assert_string_equal(out, wanted);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sees_no_environment),
		cmocka_unit_test(reads_and_ends_nothing),
		cmocka_unit_test(writes_nothing),
		cmocka_unit_test(runaways_are_stopped),
		cmocka_unit_test(stopped_programs_can_run_again),
		cmocka_unit_test(threads_share_an_expression),
		cmocka_unit_test(many_programs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
