/* Every kind of error is reported with its place and what was expected, and all errors are reported at
 * once. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "saga/base/mem.h"
#include "tests/unit/config/config_fixture.h"

/* A complete main file with one error, and the expected message. */
struct fault {
	const char *text;
	const char *pointer;
	const char *message;
	const char *expected; /* NULL: not compared */
};

/* A main file with one source, one target, or these routes. */
#define SOURCE(inside) "{\"sources\": {\"s\": {" inside "}}}"
#define TARGET(inside) "{\"targets\": {\"t\": {\"connector\": \"http\"" inside "}}}"
#define ROUTES(inside)                                                                                       \
	"{\"sources\": {\"s\": {\"verify\": \"none\"}},"                                                         \
	"\"targets\": {\"crm\": {\"connector\": \"http\"}, \"books\": {\"connector\": \"http\"}},"               \
	"\"routes\": [" inside "]}"

static const struct fault faults[] = {
	/* misspelt and misplaced keys */
	{ "{\"lisen\": {}}", "/lisen", "did you mean \"listen\"?", NULL },
	{ "{\"listen\": {\"inteke\": \"x\"}}", "/listen/inteke", "did you mean \"intake\"?", NULL },
	{ TARGET(", \"retyr\": {}"), "/targets/t/retyr", "did you mean \"retry\"?", NULL },
	{ TARGET(", \"limits\": {\"inflight\": 2}"), "/targets/t/limits/inflight", "did you mean \"in_flight\"?",
	  NULL },
	{ SOURCE("\"verify\": \"none\", \"tollerance\": \"1m\""), "/sources/s/tollerance", "\"tolerance\"",
	  NULL },
	{ ROUTES("{\"name\": \"r\", \"steps\": [{\"target\": \"crm\", \"afer\": []}]}"), "/routes/0/steps/0/afer",
	  "did you mean \"after\"?", NULL },
	{ "{\"nonsense\": 1}", "/nonsense", "unknown option \"nonsense\"", NULL },
	/* kinds */
	{ "{\"listen\": []}", "/listen", "this is an array", "an object" },
	{ "{\"sources\": []}", "/sources", "this is an array", "an object" },
	{ "{\"routes\": {}}", "/routes", "this is an object", "an array" },
	{ "{\"drain\": null}", "/drain", "this is null", "a duration" },
	{ "{\"listen\": {\"intake_threads\": \"2\"}}", "/listen/intake_threads", "this is a string",
	  "whole number" },
	{ "{\"listen\": {\"intake_threads\": 2.5}}", "/listen/intake_threads", "this is a number",
	  "whole number" },
	{ TARGET(", \"paused\": \"yes\""), "/targets/t/paused", "this is a string", "true or false" },
	{ TARGET(", \"retry\": {\"factor\": \"2\"}"), "/targets/t/retry/factor", "this is a string",
	  "a number from 1 to 100" },
	{ TARGET(", \"settings\": 3"), "/targets/t/settings", "this is a number", "an object" },
	/* ranges */
	{ "{\"listen\": {\"intake_threads\": 0}}", "/listen/intake_threads", "0 is out of range",
	  "from 1 to 64" },
	{ "{\"limits\": {\"body\": \"1GiB\"}}", "/limits/body", "1GiB is out of range", "1KiB to 64MiB" },
	{ "{\"limits\": {\"commit_wait\": \"2h\"}}", "/limits/commit_wait", "2h is out of range", "100ms to 1m" },
	{ TARGET(", \"breaker\": {\"ratio\": 1.5}"), "/targets/t/breaker/ratio", "1.5 is out of range", NULL },
	/* units */
	{ "{\"drain\": 10}", "/drain", "10 has no unit; for seconds write \"10s\"", "a duration" },
	{ "{\"drain\": \"10\"}", "/drain", "\"10\" has the wrong form", "\"30s\"" },
	{ "{\"drain\": \"10 seconds\"}", "/drain", "\"10 seconds\" has the wrong form", "\"30s\"" },
	{ TARGET(", \"limits\": {\"rate\": 5}"), "/targets/t/limits/rate", "write \"5/s\"", "a rate" },
	{ TARGET(", \"limits\": {\"rate\": \"5\"}"), "/targets/t/limits/rate", "\"5\" has the wrong form",
	  "\"50/s\"" },
	{ "{\"limits\": {\"body\": \"1MB\"}}", "/limits/body", "\"1MB\" has the wrong form", "\"1MiB\"" },
	{ "{\"limits\": {\"body\": -1}}", "/limits/body", "not negative", NULL },
	/* choices */
	{ "{\"log\": {\"level\": \"warn\"}}", "/log/level", "\"warn\" is not a choice",
	  "debug, info, warning or error" },
	{ "{\"log\": {\"level\": \"wraning\"}}", "/log/level", "did you mean \"warning\"?", NULL },
	{ "{\"log\": {\"format\": 1}}", "/log/format", "this is a number", "kv or json" },
	/* listen, store, time zone, proxies */
	{ "{\"listen\": {\"intake\": \"8480\"}}", "/listen/intake", "\"8480\" is not an address", "HOST:PORT" },
	{ "{\"listen\": {\"intake\": \"h:65536\"}}", "/listen/intake", "is not an address", "HOST:PORT" },
	{ "{\"listen\": {\"intake\": \"::1:80\"}}", "/listen/intake", "is not an address", "[::1]:8480" },
	{ "{\"listen\": {\"intake\": \"\"}}", "/listen/intake", "empty", NULL },
	{ "{\"listen\": {\"admin\": [\"tcp:1\"]}}", "/listen/admin/0", "only unix sockets", "unix:PATH" },
	{ "{\"listen\": {\"public_url\": \"gifts.example.org\"}}", "/listen/public_url", "is not a URL",
	  "https://" },
	{ "{\"listen\": {\"public_url\": \"https://a/b\"}}", "/listen/public_url", "is not a URL",
	  "without a path" },
	{ "{\"store\": {\"url\": \"mysql:x\"}}", "/store/url", "unknown", "sqlite:PATH" },
	{ "{\"timezone\": \"Europe/Romme\"}", "/timezone", "\"Europe/Romme\" is not a time zone", "Europe/Rome" },
	{ "{\"timezone\": \"../passwd\"}", "/timezone", "is not a time zone", NULL },
	{ "{\"trusted_proxies\": [\"10.0.0.1/8\"]}", "/trusted_proxies/0", "is not an address range", "zeros" },
	{ "{\"trusted_proxies\": [\"10.0.0.0/33\"]}", "/trusted_proxies/0", "is not an address range", NULL },
	/* includes */
	{ "{\"include\": [\"gone.json\"]}", "/include/0", "there is no file", NULL },
	/* sources */
	{ SOURCE("\"map\": \".\""), "/sources/s", "no option says how requests are verified",
	  "\"preset\" or \"verify\"" },
	{ SOURCE("\"preset\": \"strpe\""), "/sources/s/preset", "did you mean \"stripe\"?", "standard-webhooks" },
	{ SOURCE("\"preset\": \"../stripe\""), "/sources/s/preset", "is not allowed as a name", NULL },
	{ SOURCE("\"preset\": \"stripe\""), "/sources/s", "no secret is configured", "\"secrets\"" },
	{ SOURCE("\"preset\": \"stripe\", \"secrets\": [\"\"]"), "/sources/s/secrets/0", "the secret is empty",
	  NULL },
	{ SOURCE("\"preset\": \"stripe\", \"secrets\": [{\"$env\": \"CONFIG_TEST_UNSET\"}]"),
	  "/sources/s/secrets/0", "the environment variable CONFIG_TEST_UNSET is not set", NULL },
	{ SOURCE("\"preset\": \"stripe\", \"secrets\": [{\"$env\": \"A\", \"default\": \"b\"}]"),
	  "/sources/s/secrets/0", "a secret must not have a default", NULL },
	{ SOURCE("\"preset\": \"stripe\", \"secrets\": [{\"$file\": \"gone\"}]"), "/sources/s/secrets/0",
	  "cannot be opened: No such file", NULL },
	{ SOURCE("\"preset\": \"stripe\", \"secrets\": [{\"$file\": \".\"}]"), "/sources/s/secrets/0",
	  "is not a regular file", NULL },
	{ SOURCE("\"preset\": \"stripe\", \"secrets\": [{\"$file\": \"a\", \"$evn\": \"b\"}]"),
	  "/sources/s/secrets/0", "\"$evn\" is not allowed here", NULL },
	{ SOURCE("\"preset\": \"standard-webhooks\", \"secrets\": [\"whsec_???\"]"), "/sources/s",
	  "secret 1 (written in the file) is not base64", NULL },
	{ SOURCE("\"verify\": \"hmac\""), "/sources/s/verify", "this is a string", "\"none\" or an object" },
	{ SOURCE("\"verify\": {\"scheme\": \"rsa\"}"), "/sources/s/verify/scheme", "\"rsa\" is not a choice",
	  "none, hmac or token" },
	{ SOURCE("\"verify\": {\"scheme\": \"hmac\"}, \"secrets\": [\"k\"]"), "/sources/s",
	  "no option says which header contains the signature", NULL },
	{ SOURCE("\"verify\": {\"scheme\": \"token\"}, \"secrets\": [\"k\"]"), "/sources/s", "where the token is",
	  NULL },
	{ SOURCE("\"verify\": {\"scheme\": \"token\", \"token_pointer\": \"secret\"}, \"secrets\": [\"k\"]"),
	  "/sources/s", "token_pointer is not a JSON pointer", "/secret" },
	{ SOURCE("\"preset\": \"hmac\", \"secrets\": [\"k\"], \"verify\": {\"signed_string\": \"x\"}"),
	  "/sources/s", "would not cover the body", NULL },
	{ SOURCE("\"preset\": \"hmac\", \"secrets\": [\"k\"], \"verify\": {\"signed_string\": \"{time}{body}\"}"),
	  "/sources/s", "unknown placeholder", "{timestamp}" },
	{ SOURCE("\"preset\": \"hmac\", \"secrets\": [\"k\"], \"verify\": {\"signed_string\": \"{id}{body}\"}"),
	  "/sources/s", "contains {id}", "\"id_header\"" },
	{ SOURCE("\"preset\": \"hmac\", \"secrets\": [\"k\"], \"verify\": {\"signed_string\": \"{url}{body}\"}"),
	  "/sources/s", "contains {url}", "/listen/public_url" },
	{ SOURCE("\"preset\": \"hmac\", \"secrets\": [\"k\"], \"verify\": {\"timestamp_header\": \"X-T\"}"),
	  "/sources/s", "the time is not part of signed_string", NULL },
	{ SOURCE("\"preset\": \"hmac\", \"secrets\": [\"k\"], \"verify\": {\"signature_element\": \"v1\"}"),
	  "/sources/s", "no option says what separates them", NULL },
	{ SOURCE("\"preset\": \"hmac\", \"secrets\": [\"k\"], \"verify\": {\"key\": \"strip\"}"), "/sources/s",
	  "no option says which", "\"key_prefix\"" },
	{ SOURCE(
		  "\"preset\": \"standard-webhooks\", \"secrets\": [\"YWJj\"], \"verify\": {\"header\": \"X-Sig\"}"),
	  "/sources/s", "does not begin with the first of header_prefixes", NULL },
	{ SOURCE("\"verify\": \"none\", \"answer\": 201"), "/sources/s", "201 is not allowed", NULL },
	{ SOURCE("\"verify\": \"none\", \"related\": \"true\""), "/sources/s", "only evaluated when",
	  "\"gift_made\"" },
	{ SOURCE("\"verify\": \"none\", \"map\": \"  \""), "/sources/s/map", "the program is empty", NULL },
	{ SOURCE("\"verify\": \"none\", \"map\": {\"$env\": \"X\"}"), "/sources/s/map",
	  "cannot come from the environment", NULL },
	{ SOURCE("\"verify\": \"none\", \"event_id\": {\"header\": \"\"}"), "/sources/s/event_id",
	  "name of the header is missing", "{\"header\": NAME}" },
	{ "{\"sources\": {\"a/b\": {\"verify\": \"none\"}}}", "/sources/a~1b", "\"a/b\" is not allowed as a name",
	  "letters" },
	{ "{\"listen\": {\"intake\": \"0.0.0.0:80\"}, \"sources\": {\"s\": {\"verify\": \"none\"}}}",
	  "/sources/s", "everyone who reaches intake could send false events", "allow_unverified" },
	{ "{\"listen\": {\"intake\": \"0.0.0.0:80\"}, \"sources\": {\"s\": {\"preset\": \"none\"}}}",
	  "/sources/s", "everyone who reaches intake could send false events", "allow_unverified" },
	/* targets */
	{ "{\"targets\": {\"t\": {}}}", "/targets/t", "\"connector\" is missing", NULL },
	{ "{\"targets\": {\"t\": 1}}", "/targets/t", "this is a number", "an object" },
	{ TARGET(", \"retry\": {\"first\": \"2h\", \"cap\": \"1h\"}"), "/targets/t",
	  "longest wait (cap) is shorter", NULL },
	{ TARGET(", \"breaker\": {\"minimum\": 30, \"window\": 20}"), "/targets/t", "never be applied", NULL },
	{ TARGET(", \"breaker\": {\"open\": \"1h\", \"open_cap\": \"5m\"}"), "/targets/t", "longest time open",
	  NULL },
	{ TARGET(", \"limits\": {\"timeout\": \"1s\", \"connect_timeout\": \"5s\"}"), "/targets/t",
	  "longer than the whole exchange", NULL },
	/* routes */
	{ ROUTES("{\"steps\": [{\"target\": \"crm\"}]}"), "/routes/0", "\"name\" is missing", NULL },
	{ ROUTES("{\"name\": \"r\"}"), "/routes/0", "\"steps\" is missing", NULL },
	{ ROUTES("{\"name\": \"r\", \"steps\": []}"), "/routes/0/steps", "has no step", "1 to 32" },
	{ ROUTES("{\"name\": \"r\", \"steps\": \"crm\"}"), "/routes/0/steps", "is a string", "1 to 32" },
	{ ROUTES("{\"name\": \"r\", \"steps\": [\"crm\"]}"), "/routes/0/steps/0", "this is a string",
	  "an object" },
	{ ROUTES("{\"name\": \"r\", \"steps\": [{}]}"), "/routes/0/steps/0", "\"target\" is missing", NULL },
	{ ROUTES("{\"name\": \"r\", \"steps\": [{\"target\": \"cmr\"}]}"), "/routes/0/steps/0/target",
	  "unknown target \"cmr\"; did you mean \"crm\"?", NULL },
	{ ROUTES("{\"name\": \"r\", \"steps\": [{\"target\": 5}]}"), "/routes/0/steps/0/target",
	  "this is a number", NULL },
	{ ROUTES("{\"name\": \"r\", \"match\": {\"source\": \"x\"}, \"steps\": [{\"target\": \"crm\"}]}"),
	  "/routes/0/match/source", "unknown source \"x\"", NULL },
	{ ROUTES("{\"name\": \"r\", \"steps\": [{\"target\": \"crm\"}, {\"target\": \"books\", \"after\": "
			 "\"cmr\"}]}"),
	  "/routes/0/steps/1/after", "unknown step \"cmr\"; did you mean \"crm\"?", NULL },
	{ ROUTES("{\"name\": \"r\", \"steps\": [{\"target\": \"crm\"}, {\"target\": \"crm\"}]}"),
	  "/routes/0/steps/1", "two steps of this route are named \"crm\"", "\"name\"" },
	{ ROUTES("{\"name\": \"r\", \"steps\": [{\"target\": \"crm\", \"undo\": \"non\"}]}"),
	  "/routes/0/steps/0/undo", "did you mean \"none\"?", NULL },
	{ ROUTES("{\"name\": \"r\", \"steps\": [{\"target\": \"crm\"}]}, {\"name\": \"r\", \"match\": {\"type\": "
			 "\"a\"}, "
			 "\"steps\": [{\"target\": \"crm\"}]}"),
	  "/routes/1", "two routes are named \"r\"", NULL },
	/* JSON itself */
	{ "{\"a\": 1, \"a\": 2}", "", "duplicate object key", NULL },
	{ "[]", "", "must hold one JSON object", NULL },
	{ "", "", "not valid JSON", NULL },
	{ "{\"a\": 1} x", "", "not valid JSON", NULL },
	{ "{\"a\\u0000b\": 1}", "", "not valid JSON", NULL },
	{ "{\"drain\": \"\xff\"}", "", "not valid JSON", NULL },
	{ "{\"drain\": 1e999}", "", "not valid JSON", NULL },
};

static void every_fault_is_reported(void **state)
{
	struct config_fixture *f = *state;

	(void)unsetenv("CONFIG_TEST_UNSET");
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		fixture_load_text(f, faults[i].text);
		assert_int_equal(f->code, ERR_INVALID);
		fixture_expect(f, DIAG_ERROR, faults[i].pointer, faults[i].message, faults[i].expected);
		if (f->found.errors != 1)
			fail_msg("%zu errors instead of one for %s", f->found.errors, faults[i].text);
		assert_string_equal(f->found.items[0].file, f->main_path);
	}
}

static void all_faults_are_listed_with_lines(void **state)
{
	struct config_fixture *f = *state;
	AUTO_BUF struct buf text = { 0 };

	fixture_load_text(f, "{\n"
						 "  \"drain\": 5,\n"
						 "  \"sources\": {\n"
						 "    \"a\": { \"verify\": \"none\", \"answr\": 200 }\n"
						 "  },\n"
						 "  \"targets\": {\n"
						 "    \"t\": { \"connector\": \"http\",\n"
						 "      \"limits\": {\n"
						 "        \"in_flight\": 0 } }\n"
						 "  }\n"
						 "}\n");
	assert_int_equal(f->found.errors, 3);
	assert_int_equal(fixture_find(f, "no unit")->line, 2);
	assert_int_equal(fixture_find(f, "answr")->line, 4);
	assert_int_equal(fixture_find(f, "out of range")->line, 9);
	diagnostics_print(&f->found, &text);
	assert_non_null(strstr(text.data,
						   "main.json:9: error: /targets/t/limits/in_flight: 0 is out of range (expected a "
						   "whole number from 1 to 1024)\n"));
}

static void a_missing_main_file_is_its_own_answer(void **state)
{
	struct config_fixture *f = *state;

	fixture_load(f);
	assert_int_equal(f->code, ERR_NOT_FOUND);
	(void)fixture_find(f, "cannot be opened: No such file");
}

static void syntax_errors_have_a_line(void **state)
{
	struct config_fixture *f = *state;

	fixture_load_text(f, "{\n  \"listen\": {\n    \"intake\" \"x\"\n  }\n}\n");
	assert_int_equal(f->found.items[0].line, 3);
}

/* ---- included files ---- */

static void doubles_name_both_files(void **state)
{
	struct config_fixture *f = *state;

	fixture_write(f, "more/a.json", "{\"targets\": {\"t\": {\"connector\": \"http\"}}}");
	fixture_write(f, "more/b.json",
				  "{\"targets\": {\"t\": {\"connector\": \"email\"}}, \"sources\": {\"s\": {\"verify\": "
				  "\"none\"}}}");
	fixture_load_text(f, "{\"include\": [\"more/*.json\"], \"sources\": {\"s\": {\"verify\": \"none\"}}}");
	assert_int_equal(f->found.errors, 2);
	assert_non_null(
		strstr(fixture_find(f, "two entries configure the target \"t\"")->message, "more/a.json"));
	assert_non_null(strstr(fixture_find(f, "two entries configure the target \"t\"")->file, "more/b.json"));
	assert_non_null(strstr(fixture_find(f, "two entries configure the source \"s\"")->message, "main.json"));
}

static void included_files_hold_named_things_only(void **state)
{
	struct config_fixture *f = *state;

	fixture_write(f, "a.json", "{\"drain\": \"1s\", \"tragets\": {}, \"include\": []}");
	fixture_load_text(f, "{\"include\": [\"a.json\"]}");
	assert_int_equal(f->found.errors, 3);
	fixture_expect(f, DIAG_ERROR, "/drain", "the option \"drain\" is allowed in the main file only", NULL);
	fixture_expect(f, DIAG_ERROR, "/include", "is allowed in the main file only", NULL);
	fixture_expect(f, DIAG_ERROR, "/tragets", "did you mean \"targets\"?", NULL);
}

static void faults_in_includes_name_the_file(void **state)
{
	struct config_fixture *f = *state;

	fixture_write(f, "a.json", "{\n\"routes\": [{\"name\": \"r\",\n\"steps\": [{\"target\": \"x\"}]}]}");
	fixture_write(f, "b.json", "{");
	fixture_load_text(f, "{\"include\": [\"[ab].json\", \"a.json\", \"none-*.json\"]}");
	assert_non_null(strstr(fixture_find(f, "unknown target \"x\"")->file, "a.json"));
	assert_int_equal(fixture_find(f, "unknown target \"x\"")->line, 3);
	assert_non_null(strstr(fixture_find(f, "not valid JSON")->file, "b.json"));
	fixture_expect(f, DIAG_ERROR, "/include/1", "is included twice", NULL);
	fixture_expect(f, DIAG_WARNING, "/include/2", "no file matches", NULL);
}

static void faults_in_presets_name_the_file(void **state)
{
	struct config_fixture *f = *state;

	fixture_write(f, "presets/bad.json", "{\"verify\": {\"scheme\": \"hmca\"}}");
	fixture_load_text(f, SOURCE("\"preset\": \"bad\""));
	fixture_expect(f, DIAG_ERROR, "/verify/scheme", "did you mean \"hmac\"?", NULL);
	assert_non_null(strstr(f->found.items[0].file, "presets/bad.json"));
}

/* ---- hooks ---- */

static int compile_nothing_with_x(void *ctx, const char *program, struct err *err)
{
	(*(int *)ctx)++;
	return strchr(program, 'x') == NULL ? 0 : err_set(err, ERR_INVALID, "x is not defined");
}

static void programs_are_compiled_where_they_stand(void **state)
{
	struct config_fixture *f = *state;
	int asked = 0;

	f->hooks.ctx = &asked;
	f->hooks.compile = compile_nothing_with_x;
	fixture_write(f, "good.jq", ".a");
	fixture_load_text(
		f, "{\"sources\": {\"s\": {\"verify\": \"none\", \"map\": \"x\", \"dedup\": [\".a\", \"x\"], "
		   "\"gift\": {\"$file\": \"good.jq\"}}},"
		   "\"targets\": {\"t\": {\"connector\": \"http\", \"order\": {\"by\": \"x\"}}},"
		   "\"routes\": [{\"name\": \"r\", \"match\": {\"where\": \"x\"}, \"steps\": [{\"target\": \"t\", "
		   "\"when\": \"x\"}]}]}");
	fixture_expect(f, DIAG_ERROR, "/sources/s/map", "jq rejects this program: x is not defined",
				   "a jq program");
	fixture_expect(f, DIAG_ERROR, "/sources/s/dedup/1", "jq rejects this program", NULL);
	fixture_expect(f, DIAG_ERROR, "/targets/t/order/by", "jq rejects this program", NULL);
	fixture_expect(f, DIAG_ERROR, "/routes/0/match/where", "jq rejects this program", NULL);
	fixture_expect(f, DIAG_ERROR, "/routes/0/steps/0/when", "jq rejects this program", NULL);
	assert_int_equal(f->found.errors, 5);
	assert_true(asked >= 7);
}

static int two_complaints(void *ctx, const struct config_target *target, const struct config_report *report,
						  struct config_traits *ret_traits)
{
	(void)ctx;
	(void)ret_traits;
	if (strcmp(target->name, "silent") == 0)
		return ERR_INVALID;
	report->add(report->ctx, DIAG_ERROR, "/url", "url: is missing", "an address");
	report->add(report->ctx, DIAG_WARNING, "", "odd", NULL);
	return ERR_INVALID;
}

static void connectors_complain_at_their_settings(void **state)
{
	struct config_fixture *f = *state;

	f->hooks.check_target = two_complaints; /* also called when other members of the target have errors */
	fixture_load_text(f, "{\"targets\": {\"t\": {\"connector\": \"http\", \"settings\": {\"url\": 1}, "
						 "\"retry\": {\"give_up\": "
						 "\"1h\"}}, \"silent\": {\"connector\": \"odd\"}}, \"listen\": {\"intake\": "
						 "\"0.0.0.0:80\"}, \"sources\": "
						 "{\"s\": {\"verify\": \"none\", \"answer\": 600}}}");
	fixture_expect(f, DIAG_ERROR, "/targets/t/retry/give_up", "mean \"give_up_after\"?", NULL);
	fixture_expect(f, DIAG_ERROR, "/sources/s", "everyone who reaches intake", NULL);
	fixture_expect(f, DIAG_ERROR, "/targets/t/settings/url", "url: is missing", "an address");
	fixture_expect(f, DIAG_WARNING, "/targets/t/settings", "odd", NULL);
	fixture_expect(f, DIAG_ERROR, "/targets/silent/settings", "the connector \"odd\" rejects these settings",
				   NULL);
}

/* ---- what a message must not contain ---- */

static void no_message_holds_a_secret(void **state)
{
	struct config_fixture *f = *state;
	AUTO_BUF struct buf text = { 0 };

	assert_int_equal(setenv("CONFIG_TEST_PRIVATE", "whsec_p4ssw0rd!!", 1), 0);
	fixture_write(f, "key", "whsec_p4ssw0rd!!\n");
	fixture_load_text(
		f, "{\"sources\": {\"a\": {\"preset\": \"standard-webhooks\", \"secrets\": [\"whsec_p4ssw0rd!!\", "
		   "{\"$env\": \"CONFIG_TEST_PRIVATE\"}, {\"$file\": \"key\"}]}}}");
	assert_int_equal(f->found.errors, 3);
	diagnostics_print(&f->found, &text);
	assert_null(strstr(text.data, "p4ssw0rd"));
}

static void open_secret_files_are_warned_of(void **state)
{
	struct config_fixture *f = *state;
	char *path AUTO_FREE = mem_printf("%s/key", f->dir);

	fixture_write(f, "key", "k");
	assert_int_equal(chmod(path, 0644), 0);
	fixture_load_good(f, SOURCE("\"preset\": \"hmac\", \"secrets\": [{\"$file\": \"key\"}]"));
	fixture_expect(f, DIAG_WARNING, "/sources/s/secrets/0", "every user of this machine can read", "0640");
}

/* ---- hostile files ---- */

static void deep_nesting_is_refused(void **state)
{
	struct config_fixture *f = *state;
	AUTO_BUF struct buf text = { 0 };

	buf_text(&text, "{\"targets\": {\"t\": {\"connector\": \"http\", \"settings\": {\"a\": ");
	for (size_t i = 0; i < 100000; i++)
		buf_byte(&text, '[');
	fixture_load_text(f, text.data);
	(void)fixture_find(f, "maximum parsing depth");
}

static void nesting_the_parser_takes_is_survived(void **state)
{
	struct config_fixture *f = *state;
	AUTO_BUF struct buf text = { 0 };

	buf_text(&text, "{\"targets\": {\"t\": {\"connector\": \"http\", \"settings\": {\"a\": ");
	for (size_t i = 0; i < 2000; i++)
		buf_text(&text, "[");
	buf_text(&text, "{\"$env\": 5}");
	for (size_t i = 0; i < 2000; i++)
		buf_text(&text, "]");
	buf_text(&text, "}}}}");
	fixture_load_text(f, text.data);
	(void)fixture_find(f, "\"$env\" is not allowed here, or is not a string");
}

static void huge_files_are_refused(void **state)
{
	struct config_fixture *f = *state;
	char *huge AUTO_FREE = mem_alloc(5 * 1024 * 1024);

	memset(huge, ' ', 5 * 1024 * 1024 - 1);
	huge[5 * 1024 * 1024 - 1] = '\0';
	fixture_load_text(f, huge);
	(void)fixture_find(f, "is larger than 4194304 bytes");
}

static void a_flood_of_faults_is_cut_short(void **state)
{
	struct config_fixture *f = *state;
	AUTO_BUF struct buf text = { 0 };
	AUTO_BUF struct buf printed = { 0 };

	buf_text(&text, "{");
	for (size_t i = 0; i < 3000; i++)
		buf_printf(&text, "%s\"x%zu\": 1", i == 0 ? "" : ", ", i);
	buf_text(&text, "}");
	fixture_load_text(f, text.data);
	assert_int_equal(f->found.errors, 3000);
	assert_int_equal(f->found.count, 300);
	assert_true(f->found.cut_short);
	diagnostics_print(&f->found, &printed);
	assert_non_null(strstr(printed.data, "and more"));
}

static void long_values_are_clipped(void **state)
{
	struct config_fixture *f = *state;
	AUTO_BUF struct buf text = { 0 };

	buf_text(&text, "{\"drain\": \"");
	for (size_t i = 0; i < 5000; i++)
		buf_text(&text, "é");
	buf_text(&text, "\"}");
	fixture_load_text(f, text.data);
	assert_true(strlen(f->found.items[0].message) < 150);
	assert_non_null(strstr(f->found.items[0].message, "é…"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_fault_is_reported),
		TEST(all_faults_are_listed_with_lines),
		TEST(a_missing_main_file_is_its_own_answer),
		TEST(syntax_errors_have_a_line),
		TEST(doubles_name_both_files),
		TEST(included_files_hold_named_things_only),
		TEST(faults_in_includes_name_the_file),
		TEST(faults_in_presets_name_the_file),
		TEST(programs_are_compiled_where_they_stand),
		TEST(connectors_complain_at_their_settings),
		TEST(no_message_holds_a_secret),
		TEST(open_secret_files_are_warned_of),
		TEST(deep_nesting_is_refused),
		TEST(nesting_the_parser_takes_is_survived),
		TEST(huge_files_are_refused),
		TEST(a_flood_of_faults_is_cut_short),
		TEST(long_values_are_clipped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
