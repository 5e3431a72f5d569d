/* The engine's port to a connector: valid answers pass, and answers that break the interface become
 * errors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "gateway/plugin/traits_check.h"
#include "tests/support/connector_driver.h"

/* A connector inside the test. It answers with what the test has put here. */
struct scripted_connector {
	struct almoner_action action;
	struct almoner_traits traits;
	const char *open_error;   /* NULL: opening succeeds */
	const char *const *names; /* asked of the host by `open`; ends with NULL. NULL: none */
	char nearest[100];        /* the answer to the last one */
	char settings[200];       /* as the connector got them */
	int rc;
	unsigned opened, closed, ended;
};

static struct scripted_connector script;

static int script_open(const struct almoner_host *host, struct almoner_text settings, void **instance,
					   struct almoner_traits *traits, struct almoner_error *error)
{
	host->log(host->ctx, 1, "opened");
	snprintf(script.settings, sizeof script.settings, "%s", settings.p);
	for (size_t i = 0; script.names != NULL && script.names[i] != NULL; i++) {
		struct almoner_text nearest;
		assert_int_equal(host->name_known(host->ctx, driver_text(script.names[i]), &nearest), 1);
		snprintf(script.nearest, sizeof script.nearest, "%s", nearest.p != NULL ? nearest.p : "");
	}
	if (script.open_error != NULL) {
		snprintf(error->text, sizeof error->text, "%s", script.open_error);
		return -1;
	}
	*traits = script.traits;
	*instance = &script;
	script.opened++;
	return 0;
}

static void script_close(void *instance)
{
	((struct scripted_connector *)instance)->closed++;
}

static int script_begin(void *instance, const struct almoner_step *step, void **attempt,
						struct almoner_error *error)
{
	(void)step;
	(void)error;
	*attempt = instance;
	return script.rc;
}

static int script_next(void *attempt, const struct almoner_reply *reply, struct almoner_action *action,
					   struct almoner_error *error)
{
	(void)attempt;
	(void)reply;
	(void)error;
	*action = script.action;
	return script.rc;
}

static void script_end(void *attempt)
{
	((struct scripted_connector *)attempt)->ended++;
}

static const struct almoner_connector connector = { .size = sizeof connector,
													.name = "script",
													.version = "1",
													.summary = "x",
													.proven = "documents only",
													.open = script_open,
													.close = script_close,
													.begin = script_begin,
													.next = script_next,
													.end = script_end };
static struct catalog_entry entry = { .connector = &connector };

static int fresh(void **state)
{
	(void)state;
	script = (struct scripted_connector){ .traits = { .size = sizeof script.traits,
													  .repeat = ALMONER_REPEAT_UNSAFE } };
	script.action.kind = ALMONER_FINISH;
	script.action.done.result_class = ALMONER_OK;
	return 0;
}

/* Runs one call of the port and returns its code. The error text is left in `d`. */
static int one_call(struct driver *d, uint32_t purpose)
{
	assert_int_equal(driver_open(d, &entry, "{}", NULL), 0);
	driver_step(d, "{}");
	d->step.purpose = purpose;
	assert_int_equal(driver_begin(d), 0);
	int rc = driver_next(d, NULL);
	driver_end(d);
	return rc;
}

static void broken(uint32_t purpose, const char *what)
{
	struct driver d;
	assert_int_equal(one_call(&d, purpose), -1);
	if (strstr(d.error.text, what) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", d.error.text, what);
	driver_close(&d);
}

static struct almoner_http good_http(void)
{
	return (struct almoner_http){ .method = driver_text("POST"), .url = driver_text("http://x/") };
}

static void good_answers_pass(void **state)
{
	(void)state;
	struct driver d;
	assert_int_equal(one_call(&d, ALMONER_DO), 0);
	driver_close(&d);
	script.action.kind = ALMONER_SEND_HTTP;
	script.action.effect = ALMONER_EFFECTS;
	script.action.http = good_http();
	assert_int_equal(one_call(&d, ALMONER_DO), 0);
	driver_close(&d);
	assert_int_equal(script.opened, 2);
	assert_int_equal(script.closed, 2);
	assert_int_equal(script.ended, 2);
}

/* The port passes an unusable result on: the engine drops it and keeps the success. */
static void a_broken_result_is_no_fault(void **state)
{
	(void)state;
	struct driver d;
	script.action.done.result = driver_text("{\"id\":");
	assert_int_equal(one_call(&d, ALMONER_DO), 0);
	assert_int_equal(d.action.done.result_class, ALMONER_OK);
	driver_close(&d);
}

/* The digest of the settings covers the contents of a file, not only its name. */
static void the_digest_follows_the_settings(void **state)
{
	(void)state;
	static const struct almoner_option file = { .name = "template",
												.type = ALMONER_OPTION_FILE,
												.help = "x" };
	struct almoner_connector with_file = connector;
	with_file.options = &file;
	with_file.option_count = 1;
	with_file.option_size = sizeof file;
	struct catalog_entry e = { .connector = &with_file };
	uint8_t digests[3][DIGEST_BYTES];
	char path[] = "/tmp/almoner-instance-XXXXXX";
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	char settings[100];
	snprintf(settings, sizeof settings, "{\"template\": \"%s\"}", path);
	for (size_t i = 0; i < 3; i++) {
		struct driver d;
		if (i == 2)
			assert_int_equal(write(fd, "fixed", 5), 5);
		assert_int_equal(driver_open(&d, &e, settings, NULL), 0);
		memcpy(digests[i], instance_digest(d.instance), DIGEST_BYTES);
		driver_close(&d);
	}
	(void)close(fd);
	unlink(path);
	assert_memory_equal(digests[0], digests[1], DIGEST_BYTES);
	assert_memory_not_equal(digests[0], digests[2], DIGEST_BYTES);
}

static const struct almoner_option key_option[] = {
	{ .name = "key", .type = ALMONER_OPTION_JSON, .secret = ALMONER_SECRET_WITHHELD, .help = "x" },
};

static struct almoner_connector with_key(uint16_t minor)
{
	struct almoner_connector c = connector;
	c.abi_minor = minor;
	c.options = key_option;
	c.option_count = 1;
	c.option_size = sizeof *key_option;
	return c;
}

/* The connector gets the name of the option. The digest still covers the value, so that a new key ends a
 * hold. */
static void a_withheld_secret_stays_with_the_host(void **state)
{
	(void)state;
	static const char *const settings[] = { "{\"key\":{\"secret_access_key\":\"one\"}}",
											"{\"key\":{\"secret_access_key\":\"two\"}}", "{}" };
	static const char *const seen[] = { "{\"key\":\"key\"}", "{\"key\":\"key\"}", "{}" };
	struct almoner_connector c = with_key(2);
	struct catalog_entry e = { .connector = &c };
	uint8_t digests[3][DIGEST_BYTES];
	for (size_t i = 0; i < 3; i++) {
		struct driver d;
		assert_int_equal(driver_open(&d, &e, settings[i], NULL), 0);
		assert_string_equal(script.settings, seen[i]);
		memcpy(digests[i], instance_digest(d.instance), DIGEST_BYTES);
		driver_close(&d);
	}
	assert_memory_not_equal(digests[0], digests[1], DIGEST_BYTES);
	assert_memory_not_equal(digests[0], digests[2], DIGEST_BYTES);
}

static void before_1_2_no_secret_is_withheld(void **state)
{
	(void)state;
	struct almoner_connector c = with_key(1);
	struct catalog_entry e = { .connector = &c };
	struct driver d;
	assert_int_equal(driver_open(&d, &e, "{\"key\":5}", NULL), 0);
	assert_string_equal(script.settings, "{\"key\":5}");
	driver_close(&d);
}

static void types_are_checked(void **state)
{
	(void)state;
	static const struct {
		const char *types, *of_original, *fault; /* NULL: no fault */
	} cases[] = {
		{ NULL, NULL, NULL },
		{ "donation.created", NULL, NULL },
		{ "donation.created pledge.created", "donation.refunded donation.disputed", NULL },
		{ "", NULL, "types: found \"\"" },
		{ "donation.created ", NULL, "types: found \"donation.created \"" },
		{ "Donation", NULL, "types: found \"Donation\", wanted names of event types" },
		{ "donation.*", NULL, "types: found" },
		{ "donation.created", "a  b", "types_of_original: found \"a  b\"" },
		{ NULL, "donation.refunded", "types_of_original is set, but types is missing" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct driver d;
		script.traits.types = cases[i].types;
		script.traits.types_of_original = cases[i].of_original;
		int rc = driver_open(&d, &entry, "{}", NULL);
		if ((rc == 0) != (cases[i].fault == NULL) ||
			(rc != 0 && strstr(d.problems.data, cases[i].fault) == NULL))
			fail_msg("case %zu: code %d, %s", i, rc, d.problems.len > 0 ? d.problems.data : "no problem");
		if (rc == 0)
			assert_ptr_equal(instance_traits(d.instance)->types, cases[i].types);
		driver_close(&d);
	}
}

/* The host keeps less than TRAITS_TYPES_BYTES of them. */
static void a_list_of_types_has_an_end(void **state)
{
	(void)state;
	char many[TRAITS_TYPES_BYTES + 1];
	memset(many, 'a', sizeof many);
	for (size_t i = 50; i < sizeof many; i += 51)
		many[i] = ' ';
	script.traits.types = many;
	for (size_t len = TRAITS_TYPES_BYTES - 1; len <= TRAITS_TYPES_BYTES; len++) {
		struct driver d;
		many[len] = '\0';
		assert_int_equal(driver_open(&d, &entry, "{}", NULL), len < TRAITS_TYPES_BYTES ? 0 : ERR_INVALID);
		driver_close(&d);
		many[len] = 'a';
	}
}

/* The connector hears "known" to every name, so that no configuration is refused; the report warns. */
static void a_misspelt_name_is_a_warning(void **state)
{
	(void)state;
	static const struct {
		const char *name, *nearest; /* "": the name is not taken for a mistake */
	} cases[] = {
		{ "doner.email", "donor.email" },
		{ "donor.emial", "donor.email" },
		{ "event.donor.emial", "event.donor.email" },
		{ ".amount.mino", ".amount.minor" },
		{ "campain", "campaign" },
		{ "orginal.saga", "original.saga" },
		{ "donor.email", "" },
		{ "donor.fax", "" },
		{ "amount", "" },
		{ "metadata.emial", "" },
		{ "steps.doner.id", "" },
		{ "fund_code", "" },
		{ "do_key", "" },
		{ "", "" },
		{ ".", "" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *const names[] = { cases[i].name, NULL };
		struct driver d;
		script.names = names;
		assert_int_equal(driver_open(&d, &entry, "{}", NULL), 0);
		assert_string_equal(script.nearest, cases[i].nearest);
		bool warned = d.problems.len > 0 && strstr(d.problems.data, "which no preset makes") != NULL;
		if (warned != (cases[i].nearest[0] != '\0'))
			fail_msg("%s: %s", cases[i].name, d.problems.len > 0 ? d.problems.data : "no warning");
		driver_close(&d);
	}
}

static void broken_outcomes_are_faults(void **state)
{
	(void)state;
	script.action.kind = 9;
	broken(ALMONER_DO, "an unknown kind");
	script.action.kind = ALMONER_FINISH;
	script.action.done.result_class = 99;
	broken(ALMONER_DO, "an unknown class");
	script.action.done.result_class = ALMONER_ABSENT;
	broken(ALMONER_DO, "only a look-up");
	script.action.done.result_class = ALMONER_PARTIAL;
	broken(ALMONER_UNDO, "only a look-up");
	script.action.done.result_class = ALMONER_OK;
	script.action.done.retry_after_ms = -1;
	broken(ALMONER_DO, "negative retry_after_ms");
	script.action.done.retry_after_ms = 0;
	script.action.done.rate.reset_ms = -1;
	broken(ALMONER_DO, "negative rate.reset_ms");
}

/* What version 1.2 of the interface has and this gateway does not do yet. */
static void tokens_and_signatures_are_refused(void **state)
{
	(void)state;
	const struct almoner_authorize authorize = { .size = sizeof authorize, .grant = driver_text("login") };
	const struct almoner_sign sign = { .size = sizeof sign, .kind = ALMONER_SIGN_AWS4 };
	script.action.kind = ALMONER_SEND_HTTP;
	script.action.effect = ALMONER_EFFECTS;
	script.action.http = good_http();
	script.action.authorize = &authorize;
	broken(ALMONER_DO,
		   "cannot add an OAuth token to a request (action.authorize); the connector needs a newer one");
	script.action.authorize = NULL;
	script.action.sign = &sign;
	broken(ALMONER_DO, "cannot sign a request (action.sign); the connector needs a newer one");
}

static void broken_requests_are_faults(void **state)
{
	(void)state;
	struct almoner_header header = { driver_text("X-A"), driver_text("a\r\nX-B: b") };
	script.action.kind = ALMONER_SEND_HTTP;
	script.action.http = good_http();
	broken(ALMONER_DO, "neither as \"reads\" nor as \"effects\"");
	script.action.effect = ALMONER_EFFECTS;
	broken(ALMONER_LOOKUP, "a look-up with effects");
	script.action.http.headers = &header;
	script.action.http.header_count = 1;
	broken(ALMONER_DO, "a header with a line break");
	script.action.http = good_http();
	script.action.http.url = driver_text("http://x/\r\nHost: y");
	broken(ALMONER_DO, "a usable URL");
	script.action.http.url = driver_text(NULL);
	broken(ALMONER_DO, "a usable URL");
	static char checkpoint[INSTANCE_CHECKPOINT_MAX + 2];
	memset(checkpoint, 'x', sizeof checkpoint - 1);
	script.action.http = good_http();
	script.action.checkpoint = driver_text(checkpoint);
	broken(ALMONER_DO, "checkpoint");
}

static void broken_mails_are_faults(void **state)
{
	(void)state;
	script.action.kind = ALMONER_SEND_MAIL;
	script.action.effect = ALMONER_EFFECTS;
	script.action.mail = (struct almoner_mail){ .host = driver_text("mail"),
												.port = 25,
												.tls = ALMONER_TLS_NONE,
												.from = driver_text("a@b"),
												.to = driver_text("c@d\r\nRCPT TO:<e@f>"),
												.message = driver_text("x") };
	broken(ALMONER_DO, "is no mail address");
	script.action.mail.to = driver_text("<c@d>");
	broken(ALMONER_DO, "is no mail address");
	script.action.mail.to = driver_text("c@d");
	script.action.mail.tls = 7;
	broken(ALMONER_DO, "unknown kind of TLS");
	script.action.mail.tls = ALMONER_TLS_NONE;
	script.action.mail.port = 0;
	broken(ALMONER_DO, "without host and port");
}

static void endless_conversations_end(void **state)
{
	(void)state;
	struct driver d;
	script.action.kind = ALMONER_SEND_HTTP;
	script.action.effect = ALMONER_READS;
	script.action.http = good_http();
	assert_int_equal(driver_open(&d, &entry, "{}", NULL), 0);
	(void)driver_start(&d, "{}", ALMONER_DO);
	for (unsigned i = 1; i < INSTANCE_CALLS_MAX; i++)
		(void)driver_answer(&d, 200, "");
	assert_int_equal(driver_reply(&d, 200, ""), -1);
	assert_non_null(strstr(d.error.text, "did not finish"));
	driver_close(&d);
	assert_int_equal(script.ended, 1);
}

static void failures_without_text_get_one(void **state)
{
	(void)state;
	struct driver d;
	assert_int_equal(driver_open(&d, &entry, "{}", NULL), 0);
	script.rc = -1;
	driver_step(&d, "{}");
	assert_int_equal(driver_begin(&d), -1);
	assert_non_null(strstr(d.error.text, "no reason"));
	assert_null(d.attempt);
	driver_close(&d);
	assert_int_equal(script.ended, 0);
}

static void promises_that_cannot_be_are_refused(void **state)
{
	(void)state;
	static const struct almoner_traits wrong[] = {
		{ .repeat = 0 },
		{ .repeat = 5 },
		{ .repeat = ALMONER_REPEAT_KEYED },
		{ .repeat = ALMONER_REPEAT_QUERYABLE },
		{ .repeat = ALMONER_REPEAT_UNSAFE, .capabilities = ALMONER_CAN_UNDO_NOTHING },
	};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct driver d;
		script.traits = wrong[i];
		assert_int_equal(driver_open(&d, &entry, "{}", NULL), ERR_INVALID);
		assert_non_null(strstr(d.problems.data, "declares impossible traits"));
		driver_close(&d);
	}
	assert_int_equal(script.closed, script.opened);
}

static void refusals_of_open_are_reported(void **state)
{
	(void)state;
	struct driver d;
	script.open_error = "url: is not to my liking";
	assert_int_equal(driver_open(&d, &entry, "{}", NULL), ERR_INVALID);
	assert_non_null(strstr(d.problems.data, "url: is not to my liking"));
	driver_close(&d);
	assert_int_equal(script.closed, 0);
}

#define SCRIPT_TEST(f) cmocka_unit_test_setup(f, fresh)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRIPT_TEST(good_answers_pass),
		SCRIPT_TEST(a_broken_result_is_no_fault),
		SCRIPT_TEST(the_digest_follows_the_settings),
		SCRIPT_TEST(broken_outcomes_are_faults),
		SCRIPT_TEST(tokens_and_signatures_are_refused),
		SCRIPT_TEST(a_withheld_secret_stays_with_the_host),
		SCRIPT_TEST(before_1_2_no_secret_is_withheld),
		SCRIPT_TEST(types_are_checked),
		SCRIPT_TEST(a_list_of_types_has_an_end),
		SCRIPT_TEST(a_misspelt_name_is_a_warning),
		SCRIPT_TEST(broken_requests_are_faults),
		SCRIPT_TEST(broken_mails_are_faults),
		SCRIPT_TEST(endless_conversations_end),
		SCRIPT_TEST(failures_without_text_get_one),
		SCRIPT_TEST(promises_that_cannot_be_are_refused),
		SCRIPT_TEST(refusals_of_open_are_reported),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
