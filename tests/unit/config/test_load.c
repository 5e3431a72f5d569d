/* What the snapshot contains after a load without errors. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/unit/config/config_fixture.h"

#include "saga/base/mem.h"

/* The form that the documentation promises. */
static const char promised[] =
	"{\n"
	"  \"$comment\": \"one charity, one machine\",\n"
	"  \"listen\":  { \"intake\": \"127.0.0.1:8480\", \"admin\": [\"unix:run/almoner.sock\"] },\n"
	"  \"store\":   { \"url\": \"sqlite:data/almoner.db\" },\n"
	"  \"include\": [\"targets.d/*.json\"],\n"
	"  \"timezone\": \"Europe/Rome\",\n"
	"  \"sources\": {\n"
	"    \"stripe\":  { \"preset\": \"stripe\", \"secrets\": [ { \"$env\": \"STRIPE_WEBHOOK_SECRET\" } ] },\n"
	"    \"forms\":   { \"verify\": { \"scheme\": \"hmac\", \"header\": \"X-Signature\", \"hash\": "
	"\"sha256\", "
	"\"encoding\": \"hex\" },\n"
	"                 \"secrets\": [ { \"$file\": \"secrets/forms\" } ], \"map\": { \"$file\": \"forms.jq\" "
	"} },\n"
	"    \"internal\": { \"verify\": \"none\", \"map\": \".\" }\n"
	"  },\n"
	"  \"targets\": {\n"
	"    \"crm\": {\n"
	"      \"connector\": \"http\",\n"
	"      \"settings\": { \"url\": \"http://127.0.0.1:9900/crm\", \"method\": \"POST\", \"repeat\": "
	"\"keyed\" },\n"
	"      \"retry\":    { \"first\": \"1s\", \"factor\": 2, \"cap\": \"1h\", \"give_up_after\": \"72h\", "
	"\"attempts\": 0 },\n"
	"      \"breaker\":  { \"consecutive\": 5, \"ratio\": 0.5, \"window\": 20, \"minimum\": 10, \"open\": "
	"\"5s\", "
	"\"open_cap\": \"5m\", \"probes\": 1 },\n"
	"      \"limits\":   { \"in_flight\": 16, \"rate\": \"0/s\", \"timeout\": \"30s\", \"connect_timeout\": "
	"\"5s\" "
	"},\n"
	"      \"order\":    { \"by\": \".donor.email\", \"on_attention\": \"pass\" }\n"
	"    }\n"
	"  },\n"
	"  \"routes\": [ { \"name\": \"donations\", \"match\": { \"source\": \"*\", \"type\": \"donation.*\", "
	"\"where\": "
	"\".amount.minor > 0\" },\n"
	"                \"steps\": [ { \"target\": \"crm\" }, { \"target\": \"books\" }, { \"target\": "
	"\"thanks\", "
	"\"after\": [\"books\"] } ],\n"
	"                \"on_failure\": \"continue\" } ]\n"
	"}\n";

static void load_promised(struct config_fixture *f)
{
	assert_int_equal(setenv("STRIPE_WEBHOOK_SECRET", "whsec_abc", 1), 0);
	fixture_write(f, "secrets/forms", "tell nobody\n");
	fixture_write(f, "forms.jq", ".donation\n");
	fixture_write(f, "targets.d/books.json",
				  "{ \"targets\": { \"books\": { \"connector\": \"accounting\" } } }");
	fixture_write(f, "targets.d/thanks.json",
				  "{ \"targets\": { \"thanks\": { \"connector\": \"email\" } } }");
	fixture_load_good(f, promised);
}

static void the_promised_shape_loads(void **state)
{
	struct config_fixture *f = *state;
	const struct config *c;
	const struct config_route *route;

	load_promised(f);
	c = f->config;
	assert_int_equal(f->found.count, 0);
	assert_string_equal(c->listen.host, "127.0.0.1");
	assert_int_equal(c->listen.port, 8480);
	assert_true(c->listen.loopback);
	assert_string_equal(c->timezone, "Europe/Rome");
	assert_int_equal(c->source_count, 3);
	assert_int_equal(c->target_count, 3);
	assert_int_equal(c->route_count, 1);
	route = &c->routes[0];
	assert_int_equal(route->sources.count, 0);
	assert_string_equal(route->types.items[0], "donation.*");
	assert_string_equal(route->where, ".amount.minor > 0");
	assert_int_equal(route->step_count, 3);
	assert_string_equal(route->steps[2].name, "thanks");
	assert_string_equal(c->targets[route->steps[2].target].connector, "email");
	assert_int_equal(route->steps[2].after, 1u << 1);
	assert_int_equal(route->on_failure, CONFIG_FAILURE_CONTINUE);
}

static void its_sources_are_complete(void **state)
{
	struct config_fixture *f = *state;
	const struct config_source *stripe, *forms, *internal;

	load_promised(f);
	stripe = &f->config->sources[config_find_source(f->config, STR("stripe"))];
	forms = &f->config->sources[config_find_source(f->config, STR("forms"))];
	internal = &f->config->sources[config_find_source(f->config, STR("internal"))];
	assert_int_equal(stripe->verify.scheme, VERIFY_HMAC);
	assert_string_equal(stripe->verify.header, "Stripe-Signature");
	assert_int_equal(stripe->verify.tolerance_ms, 300000);
	assert_string_equal(stripe->secrets[0].value, "whsec_abc");
	assert_string_equal(stripe->event_id, ".id");
	assert_non_null(stripe->gift_made);
	assert_string_equal(forms->secrets[0].value, "tell nobody");
	assert_int_equal(forms->secrets[0].len, 11);
	assert_string_equal(forms->map, ".donation");
	assert_string_equal(forms->verify.signed_string, "{body}");
	assert_null(forms->gift_made);
	assert_int_equal(internal->verify.scheme, VERIFY_NONE);
	assert_string_equal(internal->map, ".");
	assert_int_equal(internal->answer, 202);
}

static void paths_start_at_the_file_that_holds_them(void **state)
{
	struct config_fixture *f = *state;
	char *store AUTO_FREE = NULL;
	char *folder AUTO_FREE = NULL;

	load_promised(f);
	store = mem_printf("%s/data/almoner.db", f->dir);
	folder = mem_printf("%s/targets.d", f->dir);
	assert_string_equal(f->config->store.path, store);
	assert_string_equal(f->config->targets[config_find_target(f->config, STR("books"))].base_dir, folder);
	fixture_load_good(f, "{\"store\": {\"url\": \"sqlite:/var/x.db\"}, \"log\": {\"file\": \"log\"}}");
	assert_string_equal(f->config->store.path, "/var/x.db");
	assert_true(f->config->log.file[0] == '/');
}

static void a_folder_with_a_strange_name_is_no_pattern(void **state)
{
	struct config_fixture *f = *state;

	fixture_write(f, "[x]*/more.json", "{\"targets\": {\"t\": {\"connector\": \"http\"}}}");
	fixture_write(f, "[x]*/main.json", "{\"include\": [\"more.*\"]}");
	free(f->main_path);
	f->main_path = mem_printf("%s/[x]*/main.json", f->dir);
	fixture_load(f);
	assert_int_equal(f->code, 0);
	assert_int_equal(f->config->target_count, 1);
}

static void secrets_of_included_files_are_beside_them(void **state)
{
	struct config_fixture *f = *state;

	fixture_write(f, "conf/key", "deep\r\n");
	fixture_write(f, "conf/t.json",
				  "{\"targets\": {\"t\": {\"connector\": \"http\", \"settings\": {\"a\": [{\"k\": "
				  "{\"$file\": \"key\"}}]}}}}");
	fixture_load_good(f, "{\"include\": \"conf/t.json\"}");
	assert_string_equal(json_string_value(json_object_get(
							json_array_get(json_object_get(f->config->targets[0].settings, "a"), 0), "k")),
						"deep");
	assert_true(json_is_object(
		json_object_get(json_array_get(json_object_get(f->config->targets[0].written, "a"), 0), "k")));
}

static void defaults_are_as_documented(void **state)
{
	struct config_fixture *f = *state;
	const struct config *c;
	const struct config_target *t;

	fixture_load_good(f, "{\"targets\": {\"t\": {\"connector\": \"http\"}}}");
	c = f->config;
	t = &c->targets[0];
	assert_int_equal(c->listen.port, 8480);
	assert_int_equal(c->listen.admin.count, 1);
	assert_int_equal(c->store.reserve_bytes, 64 * 1048576);
	assert_int_equal(c->store.dedup_keep_ms, 400 * INT64_C(86400000));
	assert_string_equal(c->timezone, "UTC");
	assert_int_equal(c->drain_ms, 10000);
	assert_int_equal(c->log.format, CONFIG_LOG_KV);
	assert_int_equal(c->log.level, CONFIG_LOG_INFO);
	assert_int_equal(c->limits.body_bytes, 1048576);
	assert_int_equal(c->limits.connections, 256);
	assert_int_equal(c->limits.commit_wait_ms, 5000);
	assert_int_equal(c->limits.request_timeout_ms, 30000);
	assert_int_equal(t->retry.first_ms, 1000);
	assert_true(t->retry.factor == 2.0);
	assert_int_equal(t->retry.cap_ms, 3600000);
	assert_int_equal(t->retry.give_up_after_ms, 72 * 3600000);
	assert_int_equal(t->retry.attempts, 0);
	assert_int_equal(t->breaker.consecutive, 5);
	assert_true(t->breaker.ratio == 0.5);
	assert_int_equal(t->breaker.open_cap_ms, 300000);
	assert_int_equal(t->limits.in_flight, 16);
	assert_int_equal(t->limits.rate.count, 0);
	assert_int_equal(t->limits.reply_bytes, 1048576);
	assert_true(t->order.standard);
	assert_int_equal(t->order.by.count, 0);
	assert_int_equal(t->order.on_attention, CONFIG_ATTENTION_PASS);
	assert_int_equal(json_object_size(t->settings), 0);
}

static void comments_may_stand_anywhere(void **state)
{
	struct config_fixture *f = *state;

	fixture_load_good(
		f, "{\"$comment\": \"a\", \"$schema\": \"x\", \"listen\": {\"$comment\": \"b\"},"
		   "\"sources\": {\"$comment\": \"c\", \"s\": {\"$comment\": \"d\", \"verify\": \"none\"}},"
		   "\"targets\": {\"t\": {\"connector\": \"http\", \"settings\": {\"$comment\": \"e\", \"x\": "
		   "{\"$comment\": \"f\", \"$schema\": \"its own\"}}}},"
		   "\"routes\": [{\"$comment\": \"g\", \"name\": \"r\", \"steps\": [{\"$comment\": \"h\", "
		   "\"target\": \"t\"}]}]}");
	assert_int_equal(f->config->source_count, 1);
	assert_int_equal(json_object_size(f->config->targets[0].settings), 1);
	assert_int_equal(json_object_size(json_object_get(f->config->targets[0].settings, "x")), 1);
}

static void lists_may_be_single(void **state)
{
	struct config_fixture *f = *state;

	fixture_load_good(
		f, "{\"sources\": {\"a\": {\"verify\": \"none\"}, \"b\": {\"verify\": \"none\"}},"
		   "\"targets\": {\"t\": {\"connector\": \"http\", \"order\": {\"by\": \"\"}},"
		   "\"u\": {\"connector\": \"http\", \"order\": {\"by\": [\".a\", \".b\"]}}},"
		   "\"routes\": [{\"name\": \"r\", \"match\": {\"source\": [\"a\", \"b\"], \"type\": [\"x\", \"y\"]},"
		   "\"steps\": [{\"target\": \"t\"}, {\"target\": \"u\", \"after\": \"t\"}]}]}");
	assert_int_equal(f->config->routes[0].sources.count, 2);
	assert_int_equal(f->config->routes[0].types.count, 2);
	assert_int_equal(f->config->routes[0].steps[1].after, 1);
	assert_false(f->config->targets[0].order.standard);
	assert_int_equal(f->config->targets[0].order.by.count, 0);
	assert_int_equal(f->config->targets[1].order.by.count, 2);
}

static void addresses_and_ranges_are_read(void **state)
{
	struct config_fixture *f = *state;

	fixture_load_good(
		f, "{\"listen\": {\"intake\": \"[::1]:0\"}, \"trusted_proxies\": [\"10.0.0.0/8\", \"::1\", "
		   "\"0.0.0.0/0\"]}");
	assert_string_equal(f->config->listen.host, "::1");
	assert_int_equal(f->config->listen.port, 0);
	assert_true(f->config->listen.loopback);
	assert_int_equal(f->config->trusted_proxy_count, 3);
	assert_int_equal(f->config->trusted_proxies[0].bits, 8);
	assert_int_equal(f->config->trusted_proxies[0].addr[0], 10);
	assert_int_equal(f->config->trusted_proxies[1].family, AF_INET6);
	assert_int_equal(f->config->trusted_proxies[1].bits, 128);
	fixture_load_good(f, "{\"listen\": {\"intake\": \"0.0.0.0:80\"}}");
	assert_false(f->config->listen.loopback);
}

static void texts_may_come_from_the_environment(void **state)
{
	struct config_fixture *f = *state;
	const json_t *settings;

	assert_int_equal(setenv("CONFIG_TEST_PORT", "2525", 1), 0);
	assert_int_equal(unsetenv("CONFIG_TEST_NONE"), 0);
	fixture_load_good(
		f, "{\"listen\": {\"intake\": {\"$env\": \"CONFIG_TEST_NONE\", \"default\": \"127.0.0.1:99\"}},"
		   "\"targets\": {\"t\": {\"connector\": \"email\", \"settings\": {"
		   "\"port\": {\"$env\": \"CONFIG_TEST_PORT\", \"default\": 25},"
		   "\"other\": {\"$env\": \"CONFIG_TEST_NONE\", \"default\": 25},"
		   "\"host\": {\"$env\": \"CONFIG_TEST_PORT\"}}}}}");
	settings = f->config->targets[0].settings;
	assert_int_equal(f->config->listen.port, 99);
	assert_int_equal(json_integer_value(json_object_get(settings, "port")), 2525);
	assert_int_equal(json_integer_value(json_object_get(settings, "other")), 25);
	assert_string_equal(json_string_value(json_object_get(settings, "host")), "2525");
}

static void secrets_leave_the_environment_and_survive_a_reload(void **state)
{
	struct config_fixture *f = *state;
	static const char text[] = "{\"sources\": {\"s\": {\"preset\": \"hmac\", \"secrets\": [{\"$env\": "
							   "\"CONFIG_TEST_SECRET\"}]}}}";

	f->hooks.env = config_env_create();
	assert_int_equal(setenv("CONFIG_TEST_SECRET", "only once", 1), 0);
	fixture_load_good(f, text);
	config_forget_secrets(f->hooks.env);
	assert_null(getenv("CONFIG_TEST_SECRET"));
	fixture_load_good(f, text);
	assert_string_equal(f->config->sources[0].secrets[0].value, "only once");
	assert_string_equal(f->config->sources[0].secrets[0].origin, "$env CONFIG_TEST_SECRET");
	config_env_destroy(f->hooks.env);
	f->hooks.env = NULL;
}

static void literal_secrets_work_and_are_frowned_upon(void **state)
{
	struct config_fixture *f = *state;

	fixture_load_good(f, "{\"sources\": {\"s\": {\"preset\": \"hmac\", \"secrets\": [\"plain words\"]}}}");
	assert_string_equal(f->config->sources[0].secrets[0].value, "plain words");
	fixture_expect(f, DIAG_WARNING, "/sources/s/secrets/0", "plain text", "$env");
	for (size_t i = 0; i < f->found.count; i++)
		assert_null(strstr(f->found.items[i].message, "plain words"));
}

static void presets_are_overridden_member_by_member(void **state)
{
	struct config_fixture *f = *state;
	const struct config_source *s;

	fixture_load_good(
		f, "{\"sources\": {\"s\": {\"preset\": \"stripe\", \"secrets\": [\"k\"], \"tolerance\": \"1m\","
		   "\"verify\": {\"header\": \"X-Mine\"}, \"gift_made\": \".type == \\\"x\\\"\"}}}");
	s = &f->config->sources[0];
	assert_string_equal(s->verify.header, "X-Mine");
	assert_string_equal(s->verify.timestamp_element, "t");
	assert_int_equal(s->verify.tolerance_ms, 60000);
	assert_string_equal(s->gift_made, ".type == \"x\"");
	assert_string_equal(s->preset, "stripe");
	fixture_load_good(f, "{\"sources\": {\"s\": {\"preset\": \"token\", \"secrets\": [\"k\"],"
						 "\"verify\": {\"scheme\": \"token\", \"token_pointer\": \"/secret\"}}}}");
	s = &f->config->sources[0];
	assert_null(s->verify.token_header);
	assert_string_equal(s->verify.token_pointer, "/secret");
}

static void presets_beside_the_main_file_are_found(void **state)
{
	struct config_fixture *f = *state;

	fixture_write(f, "presets/ours.json",
				  "{\"verify\": \"none\", \"map\": {\"$file\": \"ours.jq\"}, \"answer\": 200}");
	fixture_write(f, "presets/ours.jq", ".ours");
	fixture_load_good(f, "{\"sources\": {\"s\": {\"preset\": \"ours\"}}}");
	assert_string_equal(f->config->sources[0].map, ".ours");
	assert_int_equal(f->config->sources[0].answer, 200);
}

static void snapshots_are_shared(void **state)
{
	struct config_fixture *f = *state;
	struct config *second;

	fixture_load_good(f, "{}");
	second = config_ref(f->config);
	config_unref(f->config);
	f->config = NULL;
	assert_string_equal(second->listen.host, "127.0.0.1");
	config_unref(second);
	config_unref(NULL);
}

static void every_file_read_is_named(void **state)
{
	struct config_fixture *f = *state;

	load_promised(f);
	/* main, books, thanks, the preset with its four programs, the form's secret and map */
	assert_int_equal(f->config->files.count, 10);
	assert_string_equal(f->config->files.items[0], f->main_path);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

/* When one of two values that limit each other is written, the default of the other is adjusted. */
static void defaults_follow_what_is_written(void **state)
{
	struct config_fixture *f = *state;

	fixture_load_good(
		f, "{\"targets\": {\"t\": {\"connector\": \"http\", \"limits\": {\"timeout\": \"2s\"}, \"retry\": "
		   "{\"first\": \"2h\"}, \"breaker\": {\"window\": 4, \"open\": \"10m\"}}}}");
	assert_int_equal(f->config->targets[0].limits.connect_timeout_ms, 2000);
	assert_int_equal(f->config->targets[0].retry.cap_ms, 7200000);
	assert_int_equal(f->config->targets[0].breaker.minimum, 4);
	assert_int_equal(f->config->targets[0].breaker.open_cap_ms, 600000);
}

/* Users of the command line may not be allowed to read the daemon's secrets. */
static void lenient_loading_needs_no_secrets(void **state)
{
	struct config_fixture *f = *state;
	const char *text =
		"{\"sources\": {\"s\": {\"preset\": \"github\", \"secrets\": [{\"$env\": \"ALMONER_TEST_UNSET\"}, "
		"{\"$file\": \"nowhere\"}]}}}";

	fixture_load_text(f, text);
	assert_int_equal(f->code, ERR_INVALID);
	f->hooks.lenient = true;
	fixture_load_good(f, text);
	assert_true(f->found.count > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(defaults_follow_what_is_written),
		TEST(lenient_loading_needs_no_secrets),
		TEST(the_promised_shape_loads),
		TEST(its_sources_are_complete),
		TEST(paths_start_at_the_file_that_holds_them),
		TEST(a_folder_with_a_strange_name_is_no_pattern),
		TEST(secrets_of_included_files_are_beside_them),
		TEST(defaults_are_as_documented),
		TEST(comments_may_stand_anywhere),
		TEST(lists_may_be_single),
		TEST(addresses_and_ranges_are_read),
		TEST(texts_may_come_from_the_environment),
		TEST(secrets_leave_the_environment_and_survive_a_reload),
		TEST(literal_secrets_work_and_are_frowned_upon),
		TEST(presets_are_overridden_member_by_member),
		TEST(presets_beside_the_main_file_are_found),
		TEST(snapshots_are_shared),
		TEST(every_file_read_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
