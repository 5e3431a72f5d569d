/* Typed templates in JSON and text, URLs of settings, Mustache. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "connectors/kit/json.h"
#include "connectors/kit/mustache.h"
#include "connectors/kit/template.h"

static const char event[] = "{\"id\":\"evt_1\",\"donor\":{\"name\":\"Zo\xC3\xAB "
							"<z@x>\",\"email\":\"z@x.example\",\"phone\":null,\"age\":41},"
							"\"amount\":{\"minor\":2550,\"value\":\"25.50\",\"ratio\":0.1},\"recurring\":"
							"false,\"tags\":[\"a\",\"b\"],"
							"\"lines\":[{\"n\":\"one\"},{\"n\":\"two\"}],\"none\":[],\"empty\":\"\",\"zero\":"
							"0,\"step\":\"mine\",\"path\":\"..\"}";

static void give_key(void *ctx, const char *label, char out[33])
{
	(void)ctx;
	(void)label;
	memcpy(out, "0123456789abcdef0123456789abcdef", 33);
}

static struct almoner_step the_step(void)
{
	return (struct almoner_step){ .size = sizeof(struct almoner_step),
								  .saga = 7,
								  .name = kit_text_lit("books"),
								  .event = kit_text_lit(event),
								  .steps = kit_text_lit("{\"crm\":{\"id\":\"c-9\"}}"),
								  .own_result = kit_text_lit("{\"id\":\"own-1\"}"),
								  .key = give_key };
}

/* Renders a JSON template and compares the result. If `expected` begins with "!", rendering must fail with
 * that text. */
static void json_gives(const char *template, const char *expected)
{
	struct almoner_step step = the_step();
	struct almoner_error error = { 0 };
	struct kit_context context;
	struct kit_problem problem = { 0 };
	struct kit_text out AUTO_TEXT = { 0 };
	json_t *value AUTO_JSON = kit_json_parse(kit_text_lit(template));
	assert_non_null(value);
	assert_int_equal(kit_template_check(value, "body", NULL, &error), 0);
	kit_context_init(&context, &step);
	if (kit_template_json(value, &context, &out, &problem))
		assert_string_equal(kit_text_view(&out).p, expected);
	else if (*expected != '!' || strstr(problem.text, expected + 1) == NULL)
		fail_msg("%s: %s", template, problem.text);
	kit_context_finish(&context);
}

static void text_gives(enum kit_escape place, const char *template, const char *expected)
{
	struct almoner_step step = the_step();
	struct kit_context context;
	struct kit_problem problem = { 0 };
	struct kit_text out AUTO_TEXT = { 0 };
	kit_context_init(&context, &step);
	if (kit_template_text(template, &context, place, &out, &problem))
		assert_string_equal(kit_text_view(&out).p, expected);
	else if (*expected != '!' || strstr(problem.text, expected + 1) == NULL)
		fail_msg("%s: %s", template, problem.text);
	else
		assert_int_equal(problem.result_class, ALMONER_REJECTED);
	kit_context_finish(&context);
}

static void sole_tags_keep_their_type(void **state)
{
	(void)state;
	json_gives("{\"a\":\"{{amount.minor}}\",\"b\":\"{{ recurring "
			   "}}\",\"c\":\"{{.tags}}\",\"d\":\"{{amount.ratio}}\"}",
			   "{\"a\":2550,\"b\":false,\"c\":[\"a\",\"b\"],\"d\":0.1}");
	json_gives("{\"a\":\"{{donor.phone}}\",\"b\":5,\"c\":null}", "{\"a\":null,\"b\":5,\"c\":null}");
	json_gives("\"{{donor}}\"",
			   "{\"name\":\"Zo\xC3\xAB <z@x>\",\"email\":\"z@x.example\",\"phone\":null,\"age\":41}");
}

static void tags_in_text_are_interpolated_and_escaped(void **state)
{
	(void)state;
	json_gives("[\"{{amount.value}} EUR\",\"{{donor.age}}{{recurring}}\"]", "[\"25.50 EUR\",\"41false\"]");
	json_gives("[\"{{lines.1.n}}!\"]", "[\"two!\"]");
	json_gives("[\"x {{donor}}\"]", "!donor is an object or a list");
	json_gives("[\"x {{donor.phone}}\"]", "!donor.phone is missing");
}

/* The text around a tag was decoded when the template was parsed, so it is encoded again. */
static void text_around_tags_stays_json(void **state)
{
	(void)state;
	json_gives("[\"say \\\"hi\\\" to {{donor.name}}\\n\"]", "[\"say \\\"hi\\\" to Zo\xC3\xAB <z@x>\\n\"]");
	json_gives("[\"a\\\\b\", \"\\t\"]", "[\"a\\\\b\",\"\\t\"]");
}

static void optional_members_vanish(void **state)
{
	(void)state;
	json_gives("{\"a\":\"{{donor.fax?}}\",\"b\":\"{{donor.phone?}}\",\"c\":\"{{id?}}\"}",
			   "{\"c\":\"evt_1\"}");
	json_gives("[\"{{donor.fax?}}\",1,\"{{donor.phone?}}\"]", "[1]");
	json_gives("{\"a\":\"no. {{donor.fax?}}\"}", "{\"a\":\"no. \"}");
	json_gives("{\"a\":{\"b\":\"{{donor.fax?}}\"}}", "{\"a\":{}}");
}

static void missing_values_are_named(void **state)
{
	(void)state;
	json_gives("{\"a\":\"{{donor.fax}}\"}", "!donor.fax is missing");
	text_gives(KIT_ESCAPE_NONE, "{{nothing.at.all}}", "!nothing.at.all is missing");
}

static void context_has_its_names(void **state)
{
	(void)state;
	json_gives(
		"{\"a\":\"{{saga}}\",\"b\":\"{{step}}\",\"c\":\"{{key}}\",\"d\":\"{{steps.crm.id}}\",\"e\":\"{{own."
		"id}}\","
		"\"f\":\"{{event.step}}\"}",
		"{\"a\":7,\"b\":\"books\",\"c\":\"0123456789abcdef0123456789abcdef\",\"d\":\"c-9\",\"e\":\"own-1\","
		"\"f\":\"mine\"}");
}

static void addresses_cannot_be_left(void **state)
{
	(void)state;
	text_gives(KIT_ESCAPE_URL, "http://x/{{donor.name}}?q={{amount.value}}",
			   "http://x/Zo%C3%AB%20%3Cz%40x%3E?q=25.50");
	text_gives(KIT_ESCAPE_URL, "http://x/{{path}}/y", "!must not be part of a URL");
	text_gives(KIT_ESCAPE_URL, "http://x/{{empty}}", "!empty is empty");
}

static void malformed_templates_are_refused(void **state)
{
	(void)state;
	static const char *const bad[] = { "{{",    "{{}}",  "{{a b}}", "{{a",    "{{a..b}}",
									   "{{.}}", "{{?}}", "{{a??}}", "x {{ }}" };
	struct almoner_error error = { 0 };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (kit_template_check_text(bad[i], "subject", NULL, &error) == 0)
			fail_msg("\"%s\" was accepted", bad[i]);
	assert_non_null(strstr(error.text, "subject"));
	json_t *nested AUTO_JSON = kit_json_parse(kit_text_lit("{\"a\":[{\"b\":\"{{\"}]}"));
	assert_int_equal(kit_template_check(nested, "body", NULL, &error), -1);
}

static void addresses_are_checked(void **state)
{
	(void)state;
	static const char *const bad[] = { "x",
									   "ftp://x",
									   "http://",
									   "http:///path",
									   "http://u:p@x/",
									   "http://{{a}}/",
									   "http://x/a b",
									   "http://x/\r\nHost: y",
									   "http://x/{{a",
									   "https://x.{{a}}.y/" };
	struct almoner_error error = { 0 };
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (kit_template_check_url(bad[i], "url", NULL, &error) == 0)
			fail_msg("\"%s\" was accepted", bad[i]);
	assert_int_equal(kit_template_check_url("https://x:8080/a/{{ id }}?b={{c.d?}}#e", "url", NULL, &error),
					 0);
}

/* ---- names that no event has ---- */

/* A host of interface 1.2 that knows two names. */
static uint32_t two_names(void *ctx, struct almoner_text path, struct almoner_text *nearest)
{
	(void)ctx;
	*nearest = kit_text_lit(path.p[0] == 'd' ? "donor.email" : NULL);
	return kit_text_same(path, "donor.email") || kit_text_same(path, "items");
}

static void unknown_names_are_refused(void **state)
{
	(void)state;
	const struct almoner_host host = { .size = sizeof host, .name_known = two_names };
	struct almoner_error error = { 0 };
	json_t *body AUTO_JSON =
		kit_json_parse(kit_text_lit("{\"to\":[\"{{donor.email}}\",\"{{doner.email?}}\"]}"));
	assert_int_equal(kit_template_check(body, "body", &host, &error), -1);
	assert_string_equal(error.text, "body: no event has {{doner.email}}; did you mean {{donor.email}}?");
	assert_int_equal(kit_template_check_url("http://x/{{fund}}", "url", &host, &error), -1);
	assert_string_equal(error.text, "url: no event has {{fund}}");
	assert_int_equal(kit_template_check_text("{{donor.email}} {{items}}", "subject", &host, &error), 0);
}

/* Inside a section a name may belong to the value of the section. */
static void unknown_names_are_refused_in_mustache(void **state)
{
	(void)state;
	static const struct {
		const char *template, *error; /* NULL: the template is accepted */
	} cases[] = {
		{ "{{donor.email}}{{#items}}{{what}}{{.}}{{#deep}}{{x}}{{/deep}}{{/items}}{{.}}{{! note }}", NULL },
		{ "a\n{{doner.email}}", "text, line 2: no event has {{doner.email}}; did you mean {{donor.email}}?" },
		{ "{{#items}}x{{/items}}{{{fund}}}", "text, line 1: no event has {{fund}}" },
		{ "{{^fund}}none{{/fund}}", "text, line 1: no event has {{fund}}" },
	};
	const struct almoner_host host = { .size = sizeof host, .name_known = two_names };
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct almoner_error error = { 0 };
		struct kit_mustache *m = kit_mustache_read(cases[i].template, "text", &host, &error);
		assert_int_equal(m != NULL, cases[i].error == NULL);
		assert_string_equal(error.text, cases[i].error != NULL ? cases[i].error : "");
		kit_mustache_free(m);
	}
}

/* A host of interface 1.1 has a shorter struct, and one that cannot tell has no function. */
static void older_hosts_are_not_asked(void **state)
{
	(void)state;
	const struct almoner_host older = { .size = offsetof(struct almoner_host, name_known),
										.name_known = two_names };
	const struct almoner_host silent = { .size = sizeof silent };
	struct almoner_error error = { 0 };
	assert_int_equal(kit_template_check_text("{{fund}}", "subject", &older, &error), 0);
	assert_int_equal(kit_template_check_text("{{fund}}", "subject", &silent, &error), 0);
	assert_string_equal(error.text, "");
}

/* ---- the gift that an event is about ---- */

static void gives(const struct almoner_step *step, const char *template, const char *expected)
{
	struct kit_context context;
	struct kit_problem problem = { 0 };
	struct kit_text out AUTO_TEXT = { 0 };
	kit_context_init(&context, step);
	if (!kit_template_text(template, &context, KIT_ESCAPE_NONE, &out, &problem))
		fail_msg("%s: %s", template, problem.text);
	assert_string_equal(kit_text_view(&out).p, expected);
	kit_context_finish(&context);
}

static void the_original_is_a_name(void **state)
{
	(void)state;
	struct almoner_step step = the_step();
	step.event = kit_text_lit("{\"original\":{\"saga\":\"own\"}}");
	step.original = kit_text_lit("{\"saga\":1042,\"steps\":{\"books\":{\"result\":{\"id\":\"7\"}}}}");
	gives(&step, "{{original.saga}} {{original.steps.books.result.id}} {{event.original.saga}}",
		  "1042 7 own");
	/* Without an original the name is the event's, as before 1.2, also with a host of 1.1. */
	step.size = offsetof(struct almoner_step, original);
	gives(&step, "{{original.saga}}", "own");
	step.size = sizeof step;
	step.original = (struct almoner_text){ NULL, 0 };
	gives(&step, "{{original.saga}}", "own");
}

/* ---- Mustache ---- */

static void mustache_gives(enum kit_escape place, const char *template, const char *expected)
{
	struct almoner_step step = the_step();
	struct almoner_error error = { 0 };
	struct kit_context context;
	struct kit_problem problem = { 0 };
	struct kit_text out AUTO_TEXT = { 0 };
	struct kit_mustache *m = kit_mustache_read(template, "text", NULL, &error);
	if (m == NULL) {
		if (*expected != '!' || strstr(error.text, expected + 1) == NULL)
			fail_msg("%s: %s", template, error.text);
		return;
	}
	kit_context_init(&context, &step);
	if (!kit_mustache_render(m, &context, place, &out, &problem)) {
		if (*expected != '!' || strstr(problem.text, expected + 1) == NULL)
			fail_msg("%s: %s", template, problem.text);
	} else {
		assert_string_equal(kit_text_view(&out).p, expected);
	}
	kit_context_finish(&context);
	kit_mustache_free(m);
}

static void variables_are_escaped_for_their_place(void **state)
{
	(void)state;
	mustache_gives(KIT_ESCAPE_HTML, "Dear {{donor.name}}", "Dear Zo\xC3\xAB &lt;z@x&gt;");
	mustache_gives(KIT_ESCAPE_NONE, "Dear {{donor.name}}", "Dear Zo\xC3\xAB <z@x>");
	mustache_gives(KIT_ESCAPE_HTML, "{{{donor.name}}}|{{&donor.name}}", "Zo\xC3\xAB <z@x>|Zo\xC3\xAB <z@x>");
	mustache_gives(KIT_ESCAPE_HEADER, "{{{donor.name}}}", "Zo\xC3\xAB <z@x>");
	mustache_gives(KIT_ESCAPE_NONE, "{{amount.minor}} {{recurring}} {{zero}}[{{donor.phone}}{{nothing}}]",
				   "2550 false 0[]");
	mustache_gives(KIT_ESCAPE_NONE, "{{steps.crm.id}} {{saga}} {{step}}", "c-9 7 books");
	mustache_gives(KIT_ESCAPE_NONE, "{{donor}}", "!is an object or a list");
	mustache_gives(KIT_ESCAPE_NONE, "a { b } {c}", "a { b } {c}");
}

static void sections_show_repeat_and_hide(void **state)
{
	(void)state;
	mustache_gives(KIT_ESCAPE_NONE, "{{#donor}}{{name}}, {{age}}{{/donor}}", "Zo\xC3\xAB <z@x>, 41");
	mustache_gives(KIT_ESCAPE_NONE, "{{#tags}}<{{.}}>{{/tags}}", "<a><b>");
	mustache_gives(KIT_ESCAPE_NONE, "{{#lines}}{{n}} {{id}};{{/lines}}", "one evt_1;two evt_1;");
	mustache_gives(
		KIT_ESCAPE_NONE,
		"{{#recurring}}x{{/recurring}}{{#none}}x{{/none}}{{#empty}}x{{/empty}}{{#nothing}}x{{/nothing}}-",
		"-");
	mustache_gives(KIT_ESCAPE_NONE,
				   "{{^recurring}}once{{/recurring}}{{^none}} none{{/none}}{{^donor}}x{{/donor}}",
				   "once none");
	mustache_gives(KIT_ESCAPE_NONE, "{{#zero}}zero{{/zero}}", "zero");
	mustache_gives(KIT_ESCAPE_NONE, "{{#amount}}{{#donor}}{{name}}{{minor}}{{/donor}}{{/amount}}",
				   "Zo\xC3\xAB <z@x>2550");
	mustache_gives(KIT_ESCAPE_NONE, "{{#amount.minor}}{{.}}{{/amount.minor}}", "2550");
}

static void lines_of_tags_leave_no_empty_lines(void **state)
{
	(void)state;
	mustache_gives(KIT_ESCAPE_NONE, "a\n{{#donor}}\nb\n{{/donor}}\nc\n", "a\nb\nc\n");
	mustache_gives(KIT_ESCAPE_NONE, "a\r\n  {{! note }}  \r\nb", "a\r\nb");
	mustache_gives(KIT_ESCAPE_NONE, "a {{! note }} b", "a  b");
	mustache_gives(KIT_ESCAPE_NONE, "{{#tags}}\n- {{.}}\n{{/tags}}", "- a\n- b\n");
	mustache_gives(KIT_ESCAPE_NONE, "x {{#donor}}\ny\n{{/donor}}", "x \ny\n");
}

static void broken_mustache_is_refused_with_its_line(void **state)
{
	(void)state;
	mustache_gives(KIT_ESCAPE_NONE, "a\nb {{#x}}", "!text, line 2: this section is never closed: \"x\"");
	mustache_gives(KIT_ESCAPE_NONE, "{{/x}}", "!no section is open");
	mustache_gives(KIT_ESCAPE_NONE, "{{#x}}{{/y}}", "!does not close the section");
	mustache_gives(KIT_ESCAPE_NONE, "{{x", "!not closed");
	mustache_gives(KIT_ESCAPE_NONE, "{{{x}}", "!not closed");
	mustache_gives(KIT_ESCAPE_NONE, "{{> part}}", "!partials");
	mustache_gives(KIT_ESCAPE_NONE, "{{=<% %>=}}", "!changed delimiters");
	mustache_gives(KIT_ESCAPE_NONE, "{{}}", "!not the name");
	mustache_gives(KIT_ESCAPE_NONE, "{{a b}}", "!not the name");
	mustache_gives(KIT_ESCAPE_NONE, "{{a..b}}", "!not the name");
}

static void deep_nesting_is_bounded(void **state)
{
	(void)state;
	struct kit_text deep AUTO_TEXT = { 0 };
	for (size_t i = 0; i < 30; i++)
		kit_text_puts(&deep, "{{#donor}}");
	mustache_gives(KIT_ESCAPE_NONE, deep.p, "!too deeply");
}

static void events_that_are_no_json_are_faults(void **state)
{
	(void)state;
	struct almoner_step step = the_step();
	struct kit_context context;
	struct kit_problem problem = { 0 };
	step.event = kit_text_lit("{\"a\":");
	kit_context_init(&context, &step);
	assert_false(kit_context_load(&context, &problem));
	assert_int_equal(problem.result_class, ALMONER_FAULT);
	kit_context_finish(&context);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sole_tags_keep_their_type),
		cmocka_unit_test(tags_in_text_are_interpolated_and_escaped),
		cmocka_unit_test(text_around_tags_stays_json),
		cmocka_unit_test(optional_members_vanish),
		cmocka_unit_test(missing_values_are_named),
		cmocka_unit_test(context_has_its_names),
		cmocka_unit_test(addresses_cannot_be_left),
		cmocka_unit_test(malformed_templates_are_refused),
		cmocka_unit_test(addresses_are_checked),
		cmocka_unit_test(unknown_names_are_refused),
		cmocka_unit_test(unknown_names_are_refused_in_mustache),
		cmocka_unit_test(older_hosts_are_not_asked),
		cmocka_unit_test(the_original_is_a_name),
		cmocka_unit_test(variables_are_escaped_for_their_place),
		cmocka_unit_test(sections_show_repeat_and_hide),
		cmocka_unit_test(lines_of_tags_leave_no_empty_lines),
		cmocka_unit_test(broken_mustache_is_refused_with_its_line),
		cmocka_unit_test(deep_nesting_is_bounded),
		cmocka_unit_test(events_that_are_no_json_are_faults),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
