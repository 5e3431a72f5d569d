/* Loading plugins: which ones are refused and with which texts, and that an old plugin keeps working. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/abi/layout.h"
#include "tests/support/connector_driver.h"

static struct catalog *open_catalog(void)
{
	static const char *const paths[] = { ALMONER_ABI_PLUGINS };
	return catalog_create(paths, 1);
}

struct refusal {
	const char *name;
	const char *field;
	const char *wanted;
};

static void refusals_name_field_and_values(void **state)
{
	(void)state;
	static const struct refusal refusals[] = {
		{ "wrong_major", "abi_major: found 2, wanted 1", "rebuild the connector" },
		{ "newer_minor", "abi_minor: found 1.3, wanted at most 1.2", "newer gateway" },
		{ "short_size", "size: found 16 bytes", "wanted at least" },
		{ "tiny_size", "size: found 4 bytes", "wanted at least" },
		{ "no_symbol", "symbol: found no almoner_connector", "exported" },
		{ "wrong_name", "name: found \"something_else\"", "wanted \"wrong_name\"" },
		{ "no_next", "next: found no function", "wanted one" },
		{ "small_options", "option_size: found 8 bytes", "wanted at least" },
		{ "short_1_2", "size: found ", "for version 1.2" },
		{ "bad_secret", "options[0].secret (url): found 3", "wanted 0 to 2" },
		{ "bad_preview", "preview: found no JSON text", "line 1" },
	};
	struct catalog *catalog = open_catalog();
	for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
		const struct catalog_entry *entry = NULL;
		struct err err = { 0 };
		assert_int_equal(catalog_find(catalog, refusals[i].name, &entry, &err), ERR_REFUSED);
		if (strstr(err.text, refusals[i].field) == NULL || strstr(err.text, refusals[i].wanted) == NULL)
			fail_msg("%s: \"%s\" does not say \"%s\" and \"%s\"", refusals[i].name, err.text,
					 refusals[i].field, refusals[i].wanted);
		/* The error names the file, so that the operator knows which one to replace. */
		assert_non_null(strstr(err.text, ALMONER_ABI_PLUGINS));
		assert_null(entry);
	}
	catalog_destroy(catalog);
}

/* Copies the first `bytes` of a good plugin, as an interrupted copy leaves it. */
static void copy_part(const char *from, const char *to, size_t bytes)
{
	static char whole[1 << 22];
	FILE *in = fopen(from, "rbe");
	FILE *out = fopen(to, "wbe");
	assert_non_null(in);
	assert_non_null(out);
	size_t len = fread(whole, 1, sizeof whole, in);
	assert_in_range(bytes, 0, len - 1);
	assert_int_equal(fwrite(whole, 1, bytes, out), bytes);
	assert_int_equal(fclose(in), 0);
	assert_int_equal(fclose(out), 0);
}

static void half_copied_plugins_are_refused(void **state)
{
	(void)state;
	static const size_t lengths[] = { 0, 3, 63, 200, 3000, 9000 };
	char folder[] = "/tmp/almoner-abi-XXXXXX";
	assert_non_null(mkdtemp(folder));
	char file[64];
	snprintf(file, sizeof file, "%s/old.so", folder);
	for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		copy_part(ALMONER_ABI_PLUGINS "/old.so", file, lengths[i]);
		const char *paths[] = { folder };
		struct catalog *catalog = catalog_create(paths, 1);
		const struct catalog_entry *entry = NULL;
		struct err err = { 0 };
		assert_int_equal(catalog_find(catalog, "old", &entry, &err), ERR_REFUSED);
		assert_non_null(strstr(err.text, file));
		catalog_destroy(catalog);
	}
	assert_int_equal(unlink(file), 0);
	assert_int_equal(rmdir(folder), 0);
}

static void list_shows_refused_beside_usable(void **state)
{
	(void)state;
	struct catalog *catalog = open_catalog();
	const struct catalog_entry *const *entries = NULL;
	size_t count = catalog_list(catalog, &entries);
	size_t refused = 0;
	bool old = false;
	bool http = false;
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			assert_true(strcmp(entries[i - 1]->name, entries[i]->name) < 0);
		assert_true((entries[i]->connector == NULL) == (entries[i]->error != NULL));
		refused += entries[i]->error != NULL && entries[i]->origin == CATALOG_CONFIGURED;
		old = old || (strcmp(entries[i]->name, "old") == 0 && entries[i]->origin == CATALOG_CONFIGURED);
		http = http || (strcmp(entries[i]->name, "http") == 0 && entries[i]->origin == CATALOG_BUILD_TREE);
	}
	assert_int_equal(refused, 11);
	assert_true(old);
	assert_true(http);
	/* A second call gives the same entries. */
	const struct catalog_entry *first = entries[0];
	assert_int_equal(catalog_list(catalog, &entries), count);
	assert_ptr_equal(entries[0], first);
	catalog_destroy(catalog);
}

static void unknown_names_suggest_the_nearest(void **state)
{
	(void)state;
	struct catalog *catalog = open_catalog();
	const struct catalog_entry *entry = NULL;
	struct err err = { 0 };
	assert_int_equal(catalog_find(catalog, "htp", &entry, &err), ERR_NOT_FOUND);
	assert_non_null(strstr(err.text, "did you mean \"http\"?"));
	assert_non_null(strstr(err.text, ALMONER_ABI_PLUGINS));
	assert_int_equal(catalog_find(catalog, "zzzzzzzz", &entry, &err), ERR_NOT_FOUND);
	assert_null(strstr(err.text, "did you mean"));
	assert_int_equal(catalog_find(catalog, "../http", &entry, &err), ERR_NOT_FOUND);
	assert_int_equal(catalog_find(catalog, "", &entry, &err), ERR_NOT_FOUND);
	catalog_destroy(catalog);
}

static void both_file_names_are_found(void **state)
{
	(void)state;
	struct catalog *catalog = open_catalog();
	const struct catalog_entry *entry = NULL;
	assert_int_equal(catalog_find(catalog, "prefixed", &entry, NULL), 0);
	assert_non_null(strstr(entry->file, "/almoner_prefixed.so"));
	catalog_destroy(catalog);
}

/* What an old plugin says and asks for arrives unchanged; test_old.c runs whole attempts. */
static void old_plugin_works(const char *name, uint32_t capabilities)
{
	struct catalog *catalog = open_catalog();
	const struct catalog_entry *entry = NULL;
	struct driver d;
	assert_int_equal(catalog_find(catalog, name, &entry, NULL), 0);
	assert_int_equal(driver_open(&d, entry, "{\"wait\": \"30s\"}", NULL), 0);
	const struct almoner_traits *traits = instance_traits(d.instance);
	assert_int_equal(traits->repeat, ALMONER_REPEAT_KEYED);
	assert_int_equal(traits->repeat_ttl_ms, 1000);
	assert_int_equal(traits->capabilities, capabilities);
	assert_null(traits->types);
	assert_null(catalog_preview(entry->connector)); /* its descriptor ends before this member */
	const struct almoner_action *action = driver_start(&d, "{\"id\":1}", ALMONER_DO);
	assert_int_equal(action->kind, ALMONER_SEND_HTTP);
	assert_true(driver_is(action->http.body, "{\"id\":1}"));
	assert_int_equal(strlen(driver_header(&d, "x-key")), 32);
	action = driver_answer(&d, 200, "");
	assert_int_equal(action->kind, ALMONER_SEND_MAIL);
	assert_true(driver_is(action->checkpoint, "{\"at\":1}"));
	action = driver_answer(&d, 250, "queued");
	assert_int_equal(action->kind, ALMONER_FINISH);
	assert_int_equal(action->done.result_class, ALMONER_OK);
	assert_null(action->done.code.p);
	assert_int_equal(action->done.rate.reset_ms, 0);
	assert_null(action->authorize);
	assert_null(action->sign);
	driver_close(&d);
	catalog_destroy(catalog);
}

static void old_plugins_work(void **state)
{
	(void)state;
	old_plugin_works("old", ALMONER_CAN_UNDO | ALMONER_CAN_LOOKUP);
	old_plugin_works("old_1_1", ALMONER_CAN_UNDO | ALMONER_CAN_LOOKUP | ALMONER_UNDO_IDEMPOTENT);
}

static void compare_layouts(const struct layout *old, const char *version)
{
	for (size_t i = 0; old[i].member != NULL; i++) {
		assert_string_equal(old[i].member, layout_now[i].member);
		bool grown = old[i].size != layout_now[i].size;
		if (old[i].offset != layout_now[i].offset || old[i].size > layout_now[i].size)
			fail_msg("%s has moved since version %s", layout_now[i].member, version);
		if (old[i].fixed && grown)
			fail_msg("%s has grown since version %s", layout_now[i].member, version);
	}
}

static void members_never_move(void **state)
{
	(void)state;
	compare_layouts(layout_1_0, "1.0");
	compare_layouts(layout_1_1, "1.1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refusals_name_field_and_values),
		cmocka_unit_test(half_copied_plugins_are_refused),
		cmocka_unit_test(list_shows_refused_beside_usable),
		cmocka_unit_test(unknown_names_suggest_the_nearest),
		cmocka_unit_test(both_file_names_are_found),
		cmocka_unit_test(old_plugins_work),
		cmocka_unit_test(members_never_move),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
