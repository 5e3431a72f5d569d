/* The comparison of two configurations, and what `almoner check` prints. */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/config/config_fixture.h"

static const char before_text[] =
	"{\"listen\": {\"intake\": \"127.0.0.1:1\"}, \"drain\": \"10s\","
	"\"sources\": {\"a\": {\"preset\": \"hmac\", \"secrets\": [\"one\"]}, \"b\": {\"verify\": \"none\"}},"
	"\"targets\": {\"t\": {\"connector\": \"http\", \"settings\": {\"x\": 1}}, \"u\": {\"connector\": "
	"\"http\"}},"
	"\"routes\": [{\"name\": \"r\", \"match\": {\"source\": \"a\"}, \"steps\": [{\"target\": \"t\"}]},"
	"{\"name\": \"q\", \"steps\": [{\"target\": \"u\"}]}]}";

static const char after_text[] =
	"{\"listen\": {\"intake\": \"127.0.0.1:2\"}, \"drain\": \"11s\", \"log\": {\"file\": \"/x\"},"
	"\"sources\": {\"a\": {\"preset\": \"hmac\", \"secrets\": [\"two\"]}, \"c\": {\"verify\": \"none\"}},"
	"\"targets\": {\"t\": {\"connector\": \"http\", \"settings\": {\"x\": 2}}, \"u\": {\"connector\": "
	"\"http\", "
	"\"limits\": {\"in_flight\": 16}}},"
	"\"routes\": [{\"name\": \"q\", \"steps\": [{\"target\": \"u\"}]},"
	"{\"name\": \"n\", \"match\": {\"source\": \"a\"}, \"steps\": [{\"target\": \"t\"}]}]}";

static bool changed(const struct config_changes *changes, enum config_change_kind kind,
					enum config_subject subject, const char *name)
{
	for (size_t i = 0; i < changes->count; i++) {
		const struct config_change *change = &changes->items[i];

		if (change->kind == kind && change->subject == subject && strcmp(change->name, name) == 0)
			return true;
	}
	return false;
}

static void every_change_is_found(void **state)
{
	struct config_fixture *f = *state;
	AUTO_CONFIG_CHANGES struct config_changes changes = { 0 };
	struct config *before;

	fixture_load_good(f, before_text);
	before = config_ref(f->config);
	fixture_load_good(f, after_text);
	config_diff(before, f->config, &changes);
	assert_true(changed(&changes, CONFIG_CHANGED, CONFIG_OPTION, "/listen/intake"));
	assert_true(changed(&changes, CONFIG_CHANGED, CONFIG_OPTION, "/drain"));
	assert_true(changed(&changes, CONFIG_ADDED, CONFIG_OPTION, "/log/file"));
	assert_true(changed(&changes, CONFIG_CHANGED, CONFIG_SOURCE, "a")); /* only the secret changed */
	assert_true(changed(&changes, CONFIG_REMOVED, CONFIG_SOURCE, "b"));
	assert_true(changed(&changes, CONFIG_ADDED, CONFIG_SOURCE, "c"));
	assert_true(changed(&changes, CONFIG_CHANGED, CONFIG_TARGET, "t"));
	assert_true(changed(&changes, CONFIG_REMOVED, CONFIG_ROUTE, "r"));
	assert_true(changed(&changes, CONFIG_CHANGED, CONFIG_ROUTE, "q")); /* only the position changed */
	assert_true(changed(&changes, CONFIG_ADDED, CONFIG_ROUTE, "n"));
	/* A default that is written out is no change. */
	assert_int_equal(changes.count, 10);
	assert_int_equal(changes.needs_restart, 1);
	config_unref(before);
}

static void the_same_again_is_no_change(void **state)
{
	struct config_fixture *f = *state;
	AUTO_CONFIG_CHANGES struct config_changes changes = { 0 };
	struct config *before;

	fixture_load_good(f, before_text);
	before = config_ref(f->config);
	fixture_load_good(f, before_text);
	config_diff(before, f->config, &changes);
	assert_int_equal(changes.count, 0);
	assert_memory_equal(before->digest, f->config->digest, DIGEST_BYTES);
	config_unref(before);
}

static void the_digest_tells_configurations_apart(void **state)
{
	struct config_fixture *f = *state;
	struct config *before;

	fixture_load_good(f, "{\"drain\": \"1s\"}");
	before = config_ref(f->config);
	fixture_load_good(f, "{\"drain\": \"2s\"}");
	assert_memory_not_equal(before->digest, f->config->digest, DIGEST_BYTES);
	config_unref(before);
}

/* ---- printing ---- */

static int traits(void *ctx, const struct config_target *target, const struct config_report *report,
				  struct config_traits *ret_traits)
{
	(void)ctx;
	(void)report;
	*ret_traits =
		(struct config_traits){ .can_undo = true, .repeat = "keyed", .connector_summary = "1.0, build tree" };
	if (strcmp(target->name, "books") == 0) {
		memcpy(ret_traits->types, "donation.created", sizeof "donation.created");
		memcpy(ret_traits->types_of_original, "donation.refunded", sizeof "donation.refunded");
	}
	return 0;
}

static void a_clean_file_lists_its_effect(void **state)
{
	struct config_fixture *f = *state;
	AUTO_BUF struct buf text = { 0 };

	f->hooks.check_target = traits;
	fixture_load_good(
		f,
		"{\"listen\": {\"public_url\": \"https://g.example\"},"
		"\"sources\": {\"stripe\": {\"preset\": \"stripe\", \"secrets\": [\"hush\"]}},"
		"\"targets\": {\"crm\": {\"connector\": \"http\", \"limits\": {\"rate\": \"5/s\"}}, \"books\": "
		"{\"connector\": \"http\"}, \"thanks\": {\"connector\": \"email\", \"settings\": {\"p\": \"hush\"}}},"
		"\"routes\": [{\"name\": \"gifts\", \"match\": {\"type\": \"donation.*\", \"where\": \".a\"}, "
		"\"steps\": [{\"target\": \"crm\"}, {\"target\": \"books\"}, {\"target\": \"thanks\", \"name\": "
		"\"mail\", \"after\": [\"crm\", \"books\"], \"expire\": \"7d\"}]}]}");
	config_print(f->config, &text);
	assert_non_null(strstr(text.data, "POST https://g.example/in/stripe\n"));
	assert_non_null(strstr(
		text.data, "hmac sha256 over {timestamp}.{body} in Stripe-Signature, 1 secret, signed within 5m "
				   "(preset stripe); one saga per gift\n"));
	assert_non_null(strstr(text.data, "  gifts: donation.* from any source, where .a; on failure continue\n"
									  "    ├─ crm\n"
									  "    └─ books\n"
									  "       └─ mail → thanks (also after crm), not after 7d\n"));
	assert_non_null(strstr(text.data, "connector http: keyed, can undo (1.0, build tree)\n"));
	assert_non_null(strstr(text.data,
						   "connector http: keyed, can undo, takes donation.created, and donation.refunded "
						   "of an earlier gift (1.0, build tree)\n"));
	assert_non_null(strstr(text.data, "retried after 1s ×2 up to 1h, for 3d\n"));
	assert_non_null(strstr(text.data, "16 in flight, 5/s, 30s for each exchange; in order by donor\n"));
	assert_null(strstr(text.data, "hush"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_change_is_found),
		TEST(the_same_again_is_no_change),
		TEST(the_digest_tells_configurations_apart),
		TEST(a_clean_file_lists_its_effect),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
