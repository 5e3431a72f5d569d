#include "tests/unit/intake/intake_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/intake/pipeline/body.h"
#include "gateway/intake/pipeline/text.h"

static void expect_text(const char *in, const char *out, bool compact, bool altered)
{
	struct body body;
	struct err err = { 0 };
	if (body_parse(str_of(in), &body, &err) != 0)
		fail_msg("%s: %s", in, err.text);
	AUTO_BUF struct buf text = { 0 };
	text_json(body.root, &text);
	assert_string_equal(text.data, out);
	assert_int_equal(body.compact, compact);
	assert_int_equal(body.altered, altered);
	body_finish(&body);
}

static void keeps_order_and_values(void **state)
{
	(void)state;
	expect_text("{\"b\":1,\"a\":[true,null,\"x\"]}", "{\"b\":1,\"a\":[true,null,\"x\"]}", true, false);
	expect_text("{ \"b\" : 1 }\n", "{\"b\":1}", false, false);
	expect_text("{\"a b\":\"c d\"}", "{\"a b\":\"c d\"}", true, false);
	expect_text("[10.10,1e2,-0.5]", "[10.1,100,-0.5]", true, false);
	expect_text("[\"\\u00e9\\n\\\"\\\\\\u0001/\"]", "[\"\xc3\xa9\\n\\\"\\\\\\u0001/\"]", true, false);
	expect_text("{}", "{}", true, false);
	expect_text("[]", "[]", true, false);
	expect_text("[9007199254740993]", "[9007199254740993]", true, false);
	expect_text("[\"12345678901234567890 1e999\"]", "[\"12345678901234567890 1e999\"]", true, false);
	expect_text("[\"a\\\"12345678901234567890\"]", "[\"a\\\"12345678901234567890\"]", true, false);
}

static void numbers_nothing_holds_become_texts(void **state)
{
	(void)state;
	expect_text("{\"n\":12345678901234567890,\"m\":1}", "{\"n\":\"12345678901234567890\",\"m\":1}", true,
				true);
	expect_text("[1e999,0.12345678901234567890]", "[\"1e999\",\"0.12345678901234567890\"]", true, true);
	expect_text("[-99999999999999999999]", "[\"-99999999999999999999\"]", true, true);
}

static void refuses(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "", "the body is empty" },
		{ "{\"a\":1,\"a\":2}", "duplicate object key" },
		{ "{\"a\":1} x", "end of file expected" },
		{ "{\"a\":\"\xff\"}", "unable to decode byte 0xff" },
		{ "{\"a\":\"\\ud800\"}", "invalid Unicode" },
		{ "{\"a\":\"\\u0000\"}", "\\u0000 is not allowed" },
		{ "[1.]", "invalid token" },
		{ "[01]", "" },
		{ "[1e]", "invalid token" },
		{ "[12345678901234567890123.]", "invalid token" },
		{ "\"text\"", "'[' or '{' expected" },
		{ "42", "'[' or '{' expected" },
		{ "{\"secret-name\": tru}", "invalid token" },
		{ "<xml/>", "'[' or '{' expected" },
		{ "{\"a\":1", "'}' expected" },
		{ "[\"", "premature end of input" },
		{ "[\"\\", "invalid escape" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct body body;
		struct err err = { 0 };
		assert_int_equal(body_parse(str_of(cases[i].text), &body, &err), ERR_INVALID);
		if (strstr(err.text, cases[i].why) == NULL)
			fail_msg("%s: %s", cases[i].text, err.text);
		assert_null(strstr(err.text, "secret-name"));
	}
	/* A NUL in the middle does not end the body. */
	struct body body;
	assert_int_equal(body_parse((struct str){ "{}\0{}", 5 }, &body, NULL), ERR_INVALID);
}

static void depth_is_bounded(void **state)
{
	char text[200];
	struct body body;
	struct err err = { 0 };
	(void)state;
	memset(text, '[', BODY_DEPTH_MAX);
	memset(text + BODY_DEPTH_MAX, ']', BODY_DEPTH_MAX);
	assert_int_equal(body_parse((struct str){ text, 2 * BODY_DEPTH_MAX }, &body, NULL), 0);
	body_finish(&body);
	memset(text, '[', BODY_DEPTH_MAX + 1);
	assert_int_equal(body_parse((struct str){ text, BODY_DEPTH_MAX + 1 }, &body, &err), ERR_INVALID);
	assert_non_null(strstr(err.text, "nested deeper than 60 at byte 61"));
	/* A million brackets are rejected without deep recursion. */
	char *flood = malloc(1000000);
	memset(flood, '[', 1000000);
	assert_int_equal(body_parse((struct str){ flood, 1000000 }, &body, NULL), ERR_INVALID);
	free(flood);
}

static void pointers(void **state)
{
	static const struct {
		const char *pointer, *value; /* NULL: no such value */
	} cases[] = { { "/a/b", "x" },
				  { "/a/c~1d", "y" },
				  { "/a/e~0f", "z" },
				  { "/l/1", "two" },
				  { "/l/2", NULL },
				  { "/l/01", NULL },
				  { "/l/-", NULL },
				  { "/a", NULL },
				  { "/a/b/c", NULL },
				  { "a", NULL },
				  { "/", "empty" },
				  { "/none", NULL },
				  { "/l/99999999999999999999", NULL } };
	json_t *root = json_loads(
		"{\"a\":{\"b\":\"x\",\"c/d\":\"y\",\"e~f\":\"z\"},\"l\":[\"one\",\"two\"],\"\":\"empty\"}", 0, NULL);
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const char *value = json_string_value(body_pointer(root, cases[i].pointer));
		if (cases[i].value == NULL)
			assert_null(value);
		else
			assert_string_equal(value, cases[i].value);
	}
	assert_ptr_equal(body_pointer(root, ""), root);
	assert_true(body_remove(root, "/a/c~1d"));
	assert_false(body_remove(root, "/a/c~1d"));
	assert_true(body_remove(root, "/l/0"));
	assert_false(body_remove(root, "/x/y"));
	assert_false(body_remove(root, ""));
	assert_string_equal(json_string_value(body_pointer(root, "/l/0")), "two");
	json_decref(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(keeps_order_and_values),
										cmocka_unit_test(numbers_nothing_holds_become_texts),
										cmocka_unit_test(refuses), cmocka_unit_test(depth_is_bounded),
										cmocka_unit_test(pointers) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
