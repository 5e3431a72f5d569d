/* The replies that a connector ships: which texts are refused, and which reply a request gets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "gateway/plugin/preview.h"
#include "tests/support/connector_driver.h"

static void broken_texts_name_the_part(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{ "{", "preview: found no JSON text (line 1" },
		{ "[]", "preview: wanted an object with the members do, undo and lookup" },
		{ "{\"make\":[]}", "preview: wanted an object with the members do, undo and lookup" },
		{ "{\"do\":{}}", "preview.do: wanted a list" },
		{ "{\"do\":[{\"status\":200},5]}", "preview.do[1]: wanted an object with the members" },
		{ "{\"do\":[{\"status\":200,\"text\":\"\"}]}", "preview.do[0]: wanted an object with the members" },
		{ "{\"do\":[{\"body\":{}}]}", "preview.do[0].status: wanted" },
		{ "{\"do\":[{\"status\":99}]}", "preview.do[0].status: wanted" },
		{ "{\"do\":[{\"status\":600}]}", "preview.do[0].status: wanted" },
		{ "{\"do\":[{\"status\":200,\"to\":\"\"}]}", "preview.do[0].to: wanted" },
		{ "{\"do\":[{\"status\":200,\"to\":7}]}", "preview.do[0].to: wanted" },
		{ "{\"do\":[{\"status\":200,\"body\":\"x\",\"headers\":[]}]}",
		  "preview.do[0].headers: wanted an object" },
		{ "{\"do\":[{\"status\":200,\"body\":\"x\",\"headers\":{\"A\":1}}]}",
		  "preview.do[0].headers: wanted texts" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct preview p = { 0 };
		struct err err = { 0 };
		assert_int_equal(preview_read(cases[i][0], ALMONER_DO, &p, &err), ERR_INVALID);
		if (strstr(err.text, cases[i][1]) == NULL)
			fail_msg("%s: \"%s\" does not say \"%s\"", cases[i][0], err.text, cases[i][1]);
		assert_null(p.json);
	}
}

static const struct almoner_reply *find(const struct preview *p, const char *method, const char *url)
{
	struct almoner_http http = { .method = driver_text(method), .url = driver_text(url) };
	return preview_find(p, &http);
}

/* The first reply that fits counts, however often it was used. */
static void requests_choose_their_reply(void **state)
{
	(void)state;
	static const char text[] =
		"{\"do\":[{\"to\":\"GET "
		"http://x/a\",\"status\":200,\"headers\":{\"ETag\":\"\\\"1\\\"\"},\"body\":{\"id\":7}},"
		"{\"to\":\"/a\",\"status\":404,\"body\":\"none\"}],\"undo\":[{\"status\":204}]}";
	struct preview p = { 0 };
	assert_int_equal(preview_read(text, ALMONER_DO, &p, NULL), 0);
	for (int i = 0; i < 2; i++) {
		const struct almoner_reply *r = find(&p, "GET", "http://x/a?b");
		assert_int_equal(r->status, 200);
		assert_int_equal(r->header_count, 1);
		assert_true(driver_is(r->headers[0].name, "ETag") && driver_is(r->headers[0].value, "\"1\""));
		assert_true(driver_is(r->body, "{\"id\":7}"));
	}
	assert_true(driver_is(find(&p, "POST", "http://x/a")->body, "none"));
	assert_null(find(&p, "GET", "http://x/b"));
	preview_free(&p);
	assert_int_equal(preview_read(text, ALMONER_UNDO, &p, NULL), 0);
	assert_int_equal(find(&p, "DELETE", "http://x/b")->status, 204);
	assert_null(find(&p, "DELETE", "http://x/b")->body.p);
	preview_free(&p);
	assert_int_equal(preview_read(text, ALMONER_LOOKUP, &p, NULL), 0);
	assert_int_equal(p.count, 0);
	preview_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(broken_texts_name_the_part),
		cmocka_unit_test(requests_choose_their_reply),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
