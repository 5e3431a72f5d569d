/* The table of options: parsing, errors, usage and help. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "gateway/cli/args.h"
#include "saga/model/state.h"

#define WORDS_MAX 16
#define ALL       (ARGS_SETS_END - 1)

/* Cuts the line into words at spaces; "_" stands for a space inside a word. */
static int parse(const char *line, unsigned sets, struct args *ret, struct err *err)
{
	static char words_text[1024];
	char *operands[WORDS_MAX];
	int count = 0;
	strncpy(words_text, line, sizeof words_text - 1);
	char *rest = words_text;
	for (char *word = strsep(&rest, " "); word != NULL; word = strsep(&rest, " "))
		if (*word != '\0')
			operands[count++] = word;
	return args_parse(count, operands, sets, ret, err);
}

static void refused(const char *line, unsigned sets, const char *why)
{
	struct args a;
	struct err err = { 0 };
	assert_int_equal(parse(line, sets, &a, &err), ERR_INVALID);
	if (strstr(err.text, why) == NULL)
		fail_msg("\"%s\": \"%s\" does not say \"%s\"", line, err.text, why);
}

static void anywhere(void **state)
{
	(void)state;
	struct args a;
	assert_int_equal(parse("--json 7 --reason=why 8 --all --limit 5", ALL, &a, NULL), 0);
	assert_true(a.json && a.all && !a.yes && !a.has_filter);
	assert_int_equal(a.operand_count, 2);
	assert_string_equal(a.operands[0], "7");
	assert_string_equal(a.operands[1], "8");
	assert_string_equal(a.reason, "why");
	assert_string_equal(a.limit, "5");
	args_finish(&a);
	assert_int_equal(parse("", ALL, &a, NULL), 0);
	assert_string_equal(a.reason, "");
	args_finish(&a);
	assert_int_equal(parse("- -- --json -x", ALL, &a, NULL), 0);
	assert_false(a.json);
	assert_int_equal(a.operand_count, 3);
	args_finish(&a);
	assert_int_equal(parse("--reason --json", ALL, &a, NULL), 0); /* a value may look like an option */
	assert_string_equal(a.reason, "--json");
	args_finish(&a);
}

static void filters(void **state)
{
	(void)state;
	struct args a;
	assert_int_equal(
		parse("--state attention --target=a&b --older-than 2h --donor a@b.c --event x/y%", ALL, &a, NULL), 0);
	assert_true(a.has_filter);
	assert_string_equal(a.filter.data, "state=attention&target=a%26b&older=2h&donor=a@b.c&event_id=x%2Fy%25");
	args_finish(&a);
	/* Two names of one option give the same filter. */
	static const char *const pairs[][2] = { { "--older 1h", "--older-than 1h" },
											{ "--older 1h", "--age 1h" },
											{ "--newer 1h", "--newer-than 1h" } };
	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
		struct args b;
		assert_int_equal(parse(pairs[i][0], ALL, &a, NULL), 0);
		assert_int_equal(parse(pairs[i][1], ALL, &b, NULL), 0);
		assert_string_equal(a.filter.data, b.filter.data);
		args_finish(&a);
		args_finish(&b);
	}
}

static void refusals(void **state)
{
	(void)state;
	refused("--nothing", ALL, "unknown option --nothing");
	refused("--jso", ALL, "unknown option");
	refused("--json=yes", ALL, "takes no value");
	refused("--reason", ALL, "needs a value");
	refused("7 --state", ALL, "needs a value");
	refused("-j", ALL, "unknown option -j");
	refused("--all", ARGS_JSON, "[--json]"); /* and the error lists the options that exist */
	refused("--all", 0, "none");
	refused("7 \xff", ALL, "UTF-8");
	refused("--reason \xc3", ALL, "UTF-8");
	refused("--source=\xc3(", ALL, "UTF-8");
}

static void too_many_operands(void **state)
{
	(void)state;
	static char one[] = "1";
	static char *operands[ARGS_OPERANDS_MAX + 1];
	for (size_t i = 0; i <= ARGS_OPERANDS_MAX; i++)
		operands[i] = one;
	struct args a;
	struct err err = { 0 };
	assert_int_equal(args_parse(ARGS_OPERANDS_MAX, operands, ALL, &a, &err), 0);
	args_finish(&a);
	assert_int_equal(args_parse(ARGS_OPERANDS_MAX + 1, operands, ALL, &a, &err), ERR_INVALID);
	assert_non_null(strstr(err.text, "--all"));
}

static void usage(void **state)
{
	(void)state;
	struct buf text AUTO_BUF = { 0 };
	args_usage(ARGS_JSON | ARGS_CHANGE, "", &text);
	assert_string_equal(text.data, "[--json] [--reason TEXT]");
	buf_clear(&text);
	args_usage(ARGS_FILTER, "", &text);
	assert_null(strstr(text.data, "--older-than")); /* second names are not listed */
	buf_clear(&text);
	args_usage(ARGS_RESOLVE, "ID STEP --done | --not-done", &text);
	assert_string_equal(text.data, "[--id ID]");
}

static void has_operand(const char *text, const char *word)
{
	if (*word != '\0' && strstr(text, word) == NULL)
		fail_msg("%s is not explained in:\n%s", word, text);
}

/* The help of a filter lists all its values. */
static void explained(void **state)
{
	(void)state;
	struct buf text AUTO_BUF = { 0 };
	args_explain(ARGS_FILTER, &text);
	for (unsigned i = 0; i < SAGA_STATE_COUNT; i++)
		has_operand(text.data, name_of_saga_state((enum saga_state)i));
	for (unsigned i = 0; i < REASON_COUNT; i++)
		has_operand(text.data, name_of_reason((enum reason)i));
	for (unsigned i = 0; i < OUTCOME_COUNT; i++)
		has_operand(text.data, name_of_outcome((enum outcome_class)i));
	assert_null(strstr(text.data, "--older-than"));
	assert_null(strstr(text.data, "--dry-run"));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(anywhere), cmocka_unit_test(filters),
										cmocka_unit_test(refusals), cmocka_unit_test(too_many_operands),
										cmocka_unit_test(usage),    cmocka_unit_test(explained) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
