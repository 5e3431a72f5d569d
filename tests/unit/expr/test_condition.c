#include "tests/unit/expr/cmocka_all.h"

#include <string.h>

#include "gateway/expr/condition.h"

static int eval_condition(const char *program, const char *event, const char *steps, bool *yes,
						  struct err *err)
{
	struct condition_port port = condition_port_jq();
	return port.eval(port.ctx, program, str_of(event), str_of(steps), yes, err);
}

static void sees_event_and_steps(void **state)
{
	static const char event[] = "{\"amount\":{\"minor\":5000},\"steps\":\"the sender's own\"}";
	static const char steps[] = "{\"books\":{\"id\":\"77\",\"new\":true}}";
	static const struct {
		const char *program;
		bool yes;
	} cases[] = { { ".steps.books.id == \"77\"", true },
				  { ".steps.books.new", true },
				  { ".steps.crm", false },
				  { ".amount.minor > 1000 and .steps.books.new", true },
				  { ".amount.minor > 9000", false } };
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		bool yes = !cases[i].yes;
		assert_int_equal(eval_condition(cases[i].program, event, steps, &yes, NULL), 0);
		assert_int_equal(yes, cases[i].yes);
	}
}

static void errors_are_explained(void **state)
{
	struct err err = { 0 };
	bool yes;
	(void)state;
	assert_int_equal(eval_condition(".a.b.c", "{\"a\":\"x\"}", "{}", &yes, &err), ERR_INVALID);
	assert_string_equal(err.text, "when \".a.b.c\": Cannot index string with string \"b\"");
	assert_int_equal(eval_condition(".a", "[]", "{}", &yes, &err), ERR_CORRUPT);
	assert_int_equal(eval_condition(".a", "{}", "", &yes, &err), ERR_CORRUPT);
	assert_int_equal(eval_condition("repeat(.)|select(false)", "{}", "{}", &yes, &err), ERR_TOO_BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(sees_event_and_steps),
										cmocka_unit_test(errors_are_explained) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
