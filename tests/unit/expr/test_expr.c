/* A path and a libjq program with the same meaning give the same result; conversion of values; error
 * texts. */
#include "tests/unit/expr/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/expr/expr.h"
#include "gateway/expr/path.h"

static const char sample[] =
	"{\"a\":{\"b\":[10,20,{\"c "
	"d\":\"x\"}]},\"s\":\"text\",\"n\":null,\"f\":false,\"t\":true,\"big\":9007199254740993,"
	"\"neg\":-9223372036854775808,\"d\":10.10,\"empty\":\"\",\"_u1\":7}";

static json_t *load(const char *text)
{
	json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
	assert_non_null(value);
	return value;
}

static bool is_path(const char *text)
{
	struct path path;
	bool parsed = path_parse(text, &path);
	if (parsed)
		path_finish(&path);
	return parsed;
}

/* The program's value as text, "<none>" when it gives none, or "error: …". The caller frees it. */
static char *eval(const char *program, json_t *root)
{
	struct expr *e = expr_create(program);
	struct expr_input in;
	struct err err = { 0 };
	json_t *value = NULL;
	expr_input_init(&in, root);
	int rc = expr_eval_json(e, &in, &value, &err);
	char *out;
	if (rc != 0) {
		out = malloc(sizeof err.text + 8);
		snprintf(out, sizeof err.text + 8, "error: %s", err.text);
	} else {
		out = value == NULL ? strdup("<none>") : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
	}
	json_decref(value);
	expr_input_finish(&in);
	expr_destroy(e);
	return out;
}

static void paths_are_as_jq_says(void **state)
{
	static const char *const paths[] = { ".",
										 ".a",
										 ".a.b",
										 ".a.b[0]",
										 ".a.b[-1]",
										 ".a.b[9]",
										 ".a.b[-9]",
										 ".a.b[2].\"c d\"",
										 ".a.b[2][\"c d\"]",
										 ".[\"a\"].b[1]",
										 ".missing",
										 ".missing.deeper",
										 ".n.x",
										 ".n[0]",
										 ".s",
										 ".s.x?",
										 ".a[0]?",
										 ".s.x",
										 ".a[0]",
										 ".a.b.x",
										 " .a ",
										 ".t.x",
										 ".d",
										 ".empty",
										 "._u1",
										 ".a?.b?[1]",
										 ".\"s\"" };
	json_t *root = load(sample);
	(void)state;
	for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
		char program[64];
		assert_true(is_path(paths[i]));
		/* In parentheses the same text is no pure path, so libjq runs it. */
		snprintf(program, sizeof program, "(%s)", paths[i]);
		assert_false(is_path(program));
		char *direct = eval(paths[i], root), *by_jq = eval(program, root);
		if (i > 0) /* `.` differs: the whole sample holds numbers that libjq gets as strings */
			assert_string_equal(direct, by_jq);
		free(direct);
		free(by_jq);
	}
	json_decref(root);
}

static void not_paths(void **state)
{
	static const char *const others[] = { "..",    ".a | .b", ".[]",    ".a[]",          ".a[1:2]",
										  ".a,.b", "\"a\"",   ".a + 1", ".\"a\\u0062\"", ".a.[0]",
										  ".1",    "a",       "",       ".a b",          "$x",
										  ".a[",   ".a[0",    ".a[\"b", ".a.",           ".a.b." };
	(void)state;
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
		if (is_path(others[i]))
			fail_msg("%s is no path", others[i]);
	}
}

static void expect(json_t *root, const char *program, const char *wanted)
{
	char *got = eval(program, root);
	if (strcmp(got, wanted) != 0)
		fail_msg("%s gave %s, wanted %s", program, got, wanted);
	free(got);
}

static void numbers_keep_their_value(void **state)
{
	json_t *root = load(sample);
	(void)state;
	expect(root, ".big", "9007199254740993");
	expect(root, "(.big)", "\"9007199254740993\"");
	expect(root, "{x: .neg}", "{\"x\":\"-9223372036854775808\"}");
	expect(root, "{x: .d} | .x * 10", "101");
	expect(root, "9007199254740992", "9007199254740992");
	expect(root, "1 + 1", "2");
	expect(root, "nan", "null");
	json_decref(root);
}

static void results_and_errors(void **state)
{
	json_t *root = load(sample);
	(void)state;
	expect(root, "empty", "<none>");
	expect(root, ".s, .n", "error: the program gives more than one value");
	expect(root, "error(\"no donor\")", "error: no donor");
	expect(root, "error({a: 1})", "error: {\"a\":1}");
	expect(root, ".s + 1", "error: string (\"text\") and number (1) cannot be added");
	expect(root, "(.s, error(\"late\"))", "error: late");
	expect(root, "{(\"a\\u0000b\"): 1}",
		   "error: the result is nested deeper than 64 levels, or a member's name contains a NUL character");
	expect(root, "reduce range(70) as $i (1; [.])",
		   "error: the result is nested deeper than 64 levels, or a member's name contains a NUL character");
	expect(root, ".a | foo", "error: foo/0 is not defined in line 1: .a | foo");
	/* The error is not at the end of the text: jq 1.6 calls that place "$end", jq 1.7 "end of file". */
	expect(root, ".a\n | |", "error: syntax error, unexpected '|' in line 2:  | |");
	json_decref(root);
}

static void deep_input_is_refused(void **state)
{
	char text[256];
	(void)state;
	memset(text, '[', 100);
	memset(text + 100, ']', 100);
	text[200] = '\0';
	json_t *root = load(text);
	expect(root, "(.)", "error: the value is nested deeper than 64 levels");
	json_decref(root);
}

static void truth(void **state)
{
	static const struct {
		const char *program;
		bool truth;
	} cases[] = { { ".t", true },           { ".f", false },    { ".n", false },
				  { ".missing", false },    { ".empty", true }, { ".a.b[0]", true },
				  { ".a.b[0] > 5", true },  { "empty", false }, { ".s.x?", false },
				  { ".s == \"no\"", false } };
	json_t *root = load(sample);
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct expr *e = expr_create(cases[i].program);
		AUTO_EXPR_INPUT struct expr_input in = { .root = root };
		bool got = !cases[i].truth;
		assert_int_equal(expr_eval_bool(e, &in, &got, NULL), 0);
		if (got != cases[i].truth)
			fail_msg("%s", cases[i].program);
		expr_destroy(e);
	}
	json_decref(root);
}

static void texts(void **state)
{
	static const struct {
		const char *program, *text; /* NULL: not present; "!": refused */
	} cases[] = { { ".s", "text" },           { ".empty", "" }, { ".n", NULL },
				  { "empty", NULL },          { ".d", "10.1" }, { ".big", "9007199254740993" },
				  { ".t", "true" },           { ".a", "!" },    { ".a.b", "!" },
				  { ".a.b[0] + 0.5", "10.5" } };
	json_t *root = load(sample);
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct expr *e = expr_create(cases[i].program);
		AUTO_EXPR_INPUT struct expr_input in = { .root = root };
		AUTO_BUF struct buf to = { 0 };
		bool present = false;
		int rc = expr_eval_text(e, &in, &to, &present, NULL);
		const char *wanted = cases[i].text;
		assert_int_equal(rc, wanted != NULL && wanted[0] == '!' ? ERR_INVALID : 0);
		if (rc == 0)
			assert_int_equal(present, wanted != NULL);
		if (present)
			assert_string_equal(to.data != NULL ? to.data : "", wanted);
		expr_destroy(e);
	}
	json_decref(root);
}

static void checking(void **state)
{
	struct err err = { 0 };
	(void)state;
	assert_int_equal(expr_check(".a.b", &err), 0);
	assert_int_equal(expr_check(".a | length > 0", &err), 0);
	assert_int_equal(expr_check_hook(NULL, "def f: 1; f", &err), 0);
	assert_int_equal(expr_check(".a | |", &err), ERR_INVALID);
	assert_string_equal(err.text, "syntax error, unexpected '|' in line 1: .a | |");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_are_as_jq_says),
		cmocka_unit_test(not_paths),
		cmocka_unit_test(numbers_keep_their_value),
		cmocka_unit_test(results_and_errors),
		cmocka_unit_test(deep_input_is_refused),
		cmocka_unit_test(truth),
		cmocka_unit_test(texts),
		cmocka_unit_test(checking),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
