/* The order of steps, routes that take all events of later routes, and steps that cannot be undone. */
#include <string.h>

#include "config/route.h"
#include "tests/unit/config/config_fixture.h"

#define WITH(targets, routes)                                                                                \
	"{\"sources\": {\"s\": {\"verify\": \"none\"}, \"u\": {\"verify\": \"none\"}}, \"targets\": {" targets   \
	"}, \"routes\": [" routes "]}"
#define ABC                                                                                                  \
	"\"a\": {\"connector\": \"can\"}, \"b\": {\"connector\": \"can\"}, \"c\": {\"connector\": \"cannot\"}"
#define STEP(name, after) "{\"target\": \"" name "\", \"after\": [" after "]}"

static void steps_stand_behind_those_they_wait_for(void **state)
{
	struct config_fixture *f = *state;
	const struct config_route *route;

	fixture_load_good(f, WITH(ABC, "{\"name\": \"r\", \"steps\": [" STEP("a", "\"b\"") "," STEP(
									   "b", "\"c\"") "," STEP("c", "") "]}"));
	route = &f->config->routes[0];
	assert_string_equal(route->steps[0].name, "c");
	assert_string_equal(route->steps[1].name, "b");
	assert_string_equal(route->steps[2].name, "a");
	assert_int_equal(route->steps[0].after, 0);
	assert_int_equal(route->steps[1].after, 1);
	assert_int_equal(route->steps[2].after, 2);
}

static void a_written_order_that_holds_is_kept(void **state)
{
	struct config_fixture *f = *state;
	const struct config_route *route;

	fixture_load_good(f, WITH(ABC, "{\"name\": \"r\", \"steps\": [" STEP("b", "") "," STEP(
									   "c", "\"b\"") "," STEP("a", "\"b\", \"c\"") "]}"));
	route = &f->config->routes[0];
	assert_string_equal(route->steps[0].name, "b");
	assert_string_equal(route->steps[1].name, "c");
	assert_int_equal(route->steps[2].after, 3);
}

static void cycles_are_named(void **state)
{
	struct config_fixture *f = *state;

	fixture_load_text(f, WITH(ABC, "{\"name\": \"r\", \"steps\": [" STEP("a", "\"c\"") "," STEP(
									   "b", "\"a\"") "," STEP("c", "\"b\"") "]}"));
	fixture_expect(f, DIAG_ERROR, "/routes/0/steps", "wait for each other: a after c after b after a", NULL);
	fixture_load_text(f, WITH(ABC, "{\"name\": \"r\", \"steps\": [" STEP("a", "\"a\"") "]}"));
	fixture_expect(f, DIAG_ERROR, "/routes/0/steps", "a after a", NULL);
	/* A step that waits for a cycle is not part of the cycle. */
	fixture_load_text(f, WITH(ABC, "{\"name\": \"r\", \"steps\": [" STEP("a", "\"b\"") "," STEP(
									   "b", "\"c\"") "," STEP("c", "\"b\"") "]}"));
	fixture_expect(f, DIAG_ERROR, "/routes/0/steps", "each other: b after c after b", NULL);
}

/* A chain of `count` steps, each waiting for the one before it. */
static void load_chain(struct config_fixture *f, size_t count)
{
	AUTO_BUF struct buf text = { 0 };

	buf_text(&text,
			 "{\"targets\": {\"a\": {\"connector\": \"x\"}}, \"routes\": [{\"name\": \"r\", \"steps\": [");
	for (size_t i = 0; i < count; i++) {
		buf_printf(&text, "%s{\"target\": \"a\", \"name\": \"s%zu\"", i == 0 ? "" : ", ", i);
		if (i > 0)
			buf_printf(&text, ", \"after\": \"s%zu\"", i - 1);
		buf_byte(&text, '}');
	}
	buf_text(&text, "]}]}");
	fixture_load_text(f, text.data);
}

static void thirty_two_steps_are_the_most(void **state)
{
	struct config_fixture *f = *state;

	load_chain(f, 32);
	assert_int_equal(f->code, 0);
	assert_int_equal(f->config->routes[0].steps[31].after, 1u << 30);
	load_chain(f, 33);
	fixture_expect(f, DIAG_ERROR, "/routes/0/steps", "too many steps", "1 to 32");
}

static void ancestors_reach_all_the_way(void **state)
{
	struct config_step steps[CONFIG_STEPS_MAX] = { { 0 } };
	struct config_route route = { .steps = steps, .step_count = CONFIG_STEPS_MAX };
	uint32_t masks[CONFIG_STEPS_MAX];

	(void)state;
	/* Written in reverse: each step waits for the next one in the file. */
	for (size_t i = 0; i + 1 < CONFIG_STEPS_MAX; i++)
		steps[i].after = 1u << (i + 1);
	route_ancestors(&route, masks);
	assert_int_equal(masks[0], 0xfffffffeu);
	assert_int_equal(masks[30], 0x80000000u);
	assert_int_equal(route_cycle(&route), -1);
	steps[31].after = 1;
	assert_int_equal(route_cycle(&route), 0);
}

/* ---- patterns ---- */

static void globs_match_whole_texts(void **state)
{
	(void)state;
	assert_true(route_glob("donation.*", "donation.created"));
	assert_true(route_glob("donation.*", "donation."));
	assert_false(route_glob("donation.*", "donation"));
	assert_false(route_glob("donation", "donation.created"));
	assert_true(route_glob("*", ""));
	assert_true(route_glob("*.failed", "a.failed.failed"));
	assert_true(route_glob("a*b*c", "axbxbxc"));
	assert_false(route_glob("a*b*c", "axbxbx"));
	assert_true(route_glob("?at", "cat"));
	assert_false(route_glob("?at", "at"));
	assert_false(route_glob("", "a"));
	assert_true(route_glob("[a]", "[a]")); /* brackets are no character classes */
}

static void hostile_globs_end_soon(void **state)
{
	char pattern[101], text[5001];

	(void)state;
	for (size_t i = 0; i < 100; i += 2)
		memcpy(pattern + i, "a*", 3);
	memset(text, 'a', 5000);
	text[5000] = '\0';
	pattern[99] = 'b';
	assert_false(route_glob(pattern, text));
}

static void a_route_behind_one_that_takes_all_is_warned_of(void **state)
{
	struct config_fixture *f = *state;

	fixture_load_good(
		f,
		WITH("\"a\": {\"connector\": \"x\"}",
			 "{\"name\": \"all\", \"match\": {\"type\": \"donation.*\"}, \"steps\": [{\"target\": \"a\"}]},"
			 "{\"name\": \"never\", \"match\": {\"source\": \"s\", \"type\": [\"donation.created\", "
			 "\"donation.r*\"]}, \"steps\": [{\"target\": \"a\"}]},"
			 "{\"name\": \"some\", \"match\": {\"type\": [\"donation.x\", \"donor.*\"]}, \"steps\": "
			 "[{\"target\": \"a\"}]}"));
	fixture_expect(f, DIAG_WARNING, "/routes/1", "the route \"all\" before it takes all of them", NULL);
	assert_int_equal(f->found.count, 1);
}

static void conditions_leave_something_for_later_routes(void **state)
{
	struct config_fixture *f = *state;

	fixture_load_good(
		f, WITH("\"a\": {\"connector\": \"x\"}",
				"{\"name\": \"big\", \"match\": {\"where\": \".amount.minor > 9\"}, \"steps\": [{\"target\": "
				"\"a\"}]},"
				"{\"name\": \"rest\", \"steps\": [{\"target\": \"a\"}]}"));
	assert_int_equal(f->found.count, 0);
}

static void routes_know_whom_they_take(void **state)
{
	struct config_fixture *f = *state;
	const struct config *c;

	fixture_load_good(
		f,
		WITH("\"a\": {\"connector\": \"x\"}",
			 "{\"name\": \"one\", \"match\": {\"source\": \"s\", \"type\": [\"x\", \"donation.*\"]}, "
			 "\"steps\": [{\"target\": \"a\"}]},"
			 "{\"name\": \"any\", \"match\": {\"source\": \"*\", \"type\": \"*\"}, \"steps\": [{\"target\": "
			 "\"a\"}]}"));
	c = f->config;
	assert_true(config_route_takes(&c->routes[0], STR("s"), STR("donation.created")));
	assert_false(config_route_takes(&c->routes[0], STR("u"), STR("donation.created")));
	assert_false(config_route_takes(&c->routes[0], STR("s"), STR("donor.updated")));
	assert_true(config_route_takes(&c->routes[1], STR("u"), STR("")));
}

/* ---- undo ---- */

static int traits_by_name(void *ctx, const struct config_target *target, const struct config_report *report,
						  struct config_traits *ret_traits)
{
	(void)ctx;
	(void)report;
	*ret_traits =
		(struct config_traits){ .can_undo = strcmp(target->connector, "can") == 0, .repeat = "keyed" };
	return 0;
}

static void what_cannot_be_undone_comes_last(void **state)
{
	struct config_fixture *f = *state;

	f->hooks.check_target = traits_by_name;
	fixture_load_text(f, WITH(ABC, "{\"name\": \"r\", \"on_failure\": \"compensate\", \"steps\": [" STEP(
									   "a", "") "," STEP("c", "\"a\"") "," STEP("b", "\"a\"") "]}"));
	fixture_expect(f, DIAG_ERROR, "/routes/0/steps/1",
				   "\"c\" cannot be undone (connector cannot), and \"b\" may fail", "\"undo\": \"none\"");
	assert_int_equal(f->found.errors, 1);
	/* A step without undo is allowed after all other steps, directly or through others. */
	fixture_load_good(f, WITH(ABC, "{\"name\": \"r\", \"on_failure\": \"compensate\", \"steps\": [" STEP(
									   "a", "") "," STEP("b", "\"a\"") "," STEP("c", "\"b\"") "]}"));
	/* It is also allowed with "undo": "none", and with another failure policy. */
	fixture_load_good(
		f, WITH(ABC, "{\"name\": \"r\", \"on_failure\": \"compensate\", \"steps\": [{\"target\": \"c\", "
					 "\"undo\": \"none\"}," STEP("a", "") "," STEP("b", "") "]}"));
	fixture_load_good(f, WITH(ABC, "{\"name\": \"r\", \"on_failure\": \"hold\", \"steps\": [" STEP(
									   "c", "") "," STEP("a", "") "," STEP("b", "") "]}"));
}

/* ---- what is allowed, and probably not meant ---- */

static void loose_ends_are_warned_of(void **state)
{
	struct config_fixture *f = *state;

	fixture_load_good(f, "{}");
	fixture_expect(f, DIAG_WARNING, "", "no event can be received", NULL);
	fixture_expect(f, DIAG_WARNING, "", "every event becomes unrouted", NULL);
	fixture_load_good(f, WITH(ABC, "{\"name\": \"r\", \"match\": {\"source\": \"s\"}, \"steps\": [" STEP(
									   "a", "") "," STEP("b", "") "]}"));
	fixture_expect(f, DIAG_WARNING, "", "no route takes events of the source \"u\"", NULL);
	fixture_expect(f, DIAG_WARNING, "", "no route uses the target \"c\"", NULL);
	assert_int_equal(f->found.count, 2);
	fixture_load_good(
		f, "{\"targets\": {\"t\": {\"connector\": \"x\", \"retry\": {\"give_up_after\": \"0\"}}}}");
	fixture_expect(f, DIAG_WARNING, "/targets/t", "is retried for ever", NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(steps_stand_behind_those_they_wait_for),
		TEST(a_written_order_that_holds_is_kept),
		TEST(cycles_are_named),
		TEST(thirty_two_steps_are_the_most),
		cmocka_unit_test(ancestors_reach_all_the_way),
		cmocka_unit_test(globs_match_whole_texts),
		cmocka_unit_test(hostile_globs_end_soon),
		TEST(a_route_behind_one_that_takes_all_is_warned_of),
		TEST(conditions_leave_something_for_later_routes),
		TEST(routes_know_whom_they_take),
		TEST(what_cannot_be_undone_comes_last),
		TEST(loose_ends_are_warned_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
