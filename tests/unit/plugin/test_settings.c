/* A target's settings are checked against an option table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <unistd.h>

#include "gateway/plugin/settings.h"
#include "saga/base/buf.h"
#include "saga/base/mem.h"

static const struct almoner_option options[] = {
	{ "url", ALMONER_OPTION_URL, 1, 0, NULL, NULL, "Where to send" },
	{ "count", ALMONER_OPTION_INTEGER, 0, 0, "3", NULL, "How many" },
	{ "quiet", ALMONER_OPTION_BOOLEAN, 0, 0, "false", NULL, "No noise" },
	{ "wait", ALMONER_OPTION_DURATION, 0, 0, "\"30s\"", NULL, "How long" },
	{ "size", ALMONER_OPTION_BYTES, 0, 0, "\"1MiB\"", NULL, "How much" },
	{ "mode", ALMONER_OPTION_CHOICE, 0, 0, "\"fast\"", "fast|slow|steady", "How" },
	{ "key", ALMONER_OPTION_STRING, 0, 1, NULL, NULL, "A secret" },
	{ "grade", ALMONER_OPTION_CHOICE, 0, 1, NULL, "a|b", "A secret choice" },
	{ "text", ALMONER_OPTION_FILE, 0, 0, NULL, NULL, "A file" },
	{ "any", ALMONER_OPTION_JSON, 0, 0, NULL, NULL, "Anything" },
};

static const struct almoner_connector connector = { .name = "probe",
													.options = options,
													.option_count = sizeof options / sizeof *options,
													.option_size = sizeof *options };

static void note(void *ctx, enum diag_severity severity, const char *pointer, const char *message,
				 const char *expected)
{
	buf_printf(ctx, "%s %s: %s (%s)\n", severity == DIAG_ERROR ? "E" : "W", pointer, message,
			   expected != NULL ? expected : "");
}

/* Resolves the settings; the reports are left in `found`. */
static json_t *resolve(const char *settings, const char *base_dir, struct buf *found)
{
	json_t *json = json_loads(settings, 0, NULL);
	struct config_report report = { found, note };
	assert_non_null(json);
	buf_text(found, "");
	json_t *resolved = settings_resolve(&connector, json, base_dir, &report);
	json_decref(json);
	return resolved;
}

static void refused(const char *settings, const char *problem)
{
	struct buf found AUTO_BUF = { 0 };
	assert_null(resolve(settings, NULL, &found));
	if (strstr(found.data, problem) == NULL)
		fail_msg("%s: \"%s\" does not hold \"%s\"", settings, found.data, problem);
}

static void defaults_are_filled_in_and_converted(void **state)
{
	(void)state;
	struct buf found AUTO_BUF = { 0 };
	json_t *r = resolve("{\"url\": \"https://x.example/a\"}", NULL, &found);
	assert_non_null(r);
	assert_int_equal(json_integer_value(json_object_get(r, "count")), 3);
	assert_int_equal(json_integer_value(json_object_get(r, "wait")), 30000);
	assert_int_equal(json_integer_value(json_object_get(r, "size")), 1048576);
	assert_string_equal(json_string_value(json_object_get(r, "mode")), "fast");
	assert_true(json_is_false(json_object_get(r, "quiet")));
	assert_null(json_object_get(r, "key"));
	assert_null(json_object_get(r, "any"));
	json_decref(r);
}

static void written_values_win_over_defaults(void **state)
{
	(void)state;
	struct buf found AUTO_BUF = { 0 };
	json_t *r = resolve("{\"url\": \"http://x\", \"wait\": \"250ms\", \"size\": 77, \"mode\": \"slow\","
						"\"any\": [1, {\"a\": null}], \"quiet\": true}",
						NULL, &found);
	assert_non_null(r);
	assert_int_equal(json_integer_value(json_object_get(r, "wait")), 250);
	assert_int_equal(json_integer_value(json_object_get(r, "size")), 77);
	assert_true(json_is_true(json_object_get(r, "quiet")));
	assert_int_equal(json_array_size(json_object_get(r, "any")), 2);
	json_decref(r);
}

static void all_faults_come_at_once(void **state)
{
	(void)state;
	struct buf found AUTO_BUF = { 0 };
	assert_null(resolve("{\"cuont\": 1, \"quiet\": \"yes\", \"wait\": \"soon\"}", NULL, &found));
	assert_non_null(
		strstr(found.data, "E /cuont: the probe connector has no option \"cuont\"; did you mean \"count\"?"));
	assert_null(strstr(found.data, "lists them"));
	assert_non_null(strstr(found.data, "E /quiet: is text (boolean)"));
	assert_non_null(strstr(found.data, "E /wait: the value is not a duration"));
	assert_non_null(strstr(found.data, "E /url: is missing (Where to send)"));
	buf_clear(&found);
	assert_null(resolve("{\"url\": \"https://x\", \"unlike_any\": 1}", NULL, &found));
	assert_non_null(
		strstr(found.data, "no option \"unlike_any\"; `almoner connector describe probe` lists them"));
}

static void each_type_refuses_others(void **state)
{
	(void)state;
	static const char *const wrong[][2] = {
		{ "{\"url\": \"ftp://x\"}", "/url: the value is not an absolute URL" },
		{ "{\"url\": \"https://\"}", "/url: the value is not an absolute URL" },
		{ "{\"url\": 5}", "/url: the value is not an absolute URL" },
		{ "{\"url\": \"http://x\", \"count\": 1.5}", "/count: is a number (integer)" },
		{ "{\"url\": \"http://x\", \"count\": null}", "/count: is null" },
		{ "{\"url\": \"http://x\", \"wait\": 30}", "/wait: the value is not a duration" },
		{ "{\"url\": \"http://x\", \"size\": -1}", "/size: the value is not a size" },
		{ "{\"url\": \"http://x\", \"size\": \"1 MB\"}", "/size: the value is not a size" },
		{ "{\"url\": \"http://x\", \"key\": {}}", "/key: is an object" },
		{ "{\"url\": \"http://x\", \"mode\": 1}", "/mode: is a whole number" },
		{ "{\"url\": \"http://x\", \"mode\": \"slwo\"}",
		  "\"slwo\" is not one of the choices; did you mean \"slow\"? "
		  "(one of fast|slow|steady)" },
		{ "{\"url\": \"http://x\", \"a/b~c\": 1}", "/a~1b~0c:" },
		{ "{\"url\": \"http://x\", \"text\": \"/nonexistent/file\"}",
		  "/text: file /nonexistent/file: No such file" },
	};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		refused(wrong[i][0], wrong[i][1]);
	struct buf found AUTO_BUF = { 0 };
	struct config_report report = { &found, note };
	json_t *list = json_array();
	assert_null(settings_resolve(&connector, list, NULL, &report));
	json_decref(list);
}

static void secret_values_are_never_shown(void **state)
{
	(void)state;
	struct buf found AUTO_BUF = { 0 };
	assert_null(
		resolve("{\"url\": \"http://x\", \"grade\": \"hunter2\", \"key\": [\"hunter2\"]}", NULL, &found));
	assert_non_null(strstr(found.data, "/grade"));
	assert_null(strstr(found.data, "hunter2"));
}

static void literal_secrets_are_warned_of(void **state)
{
	(void)state;
	struct buf found AUTO_BUF = { 0 };
	struct config_report report = { &found, note };
	json_t *written = json_loads("{\"key\": \"hunter2\", \"grade\": {\"$env\": \"GRADE\"}}", 0, NULL);
	settings_warn_literals(&connector, written, &report);
	assert_non_null(strstr(found.data, "W /key"));
	assert_null(strstr(found.data, "/grade"));
	assert_null(strstr(found.data, "hunter2"));
	json_decref(written);
}

/* ---- files ---- */

struct settings_fixture {
	char dir[64];
	char *file;
};

static int make_folder(void **state)
{
	struct settings_fixture *f = mem_zalloc(sizeof *f);
	memcpy(f->dir, "/tmp/almoner-set-XXXXXX", 24);
	assert_non_null(mkdtemp(f->dir));
	f->file = mem_printf("%s/mail.txt", f->dir);
	*state = f;
	return 0;
}

static int drop_folder(void **state)
{
	struct settings_fixture *f = *state;
	unlink(f->file);
	(void)rmdir(f->dir);
	free(f->file);
	free(f);
	return 0;
}

static void put_file(const struct settings_fixture *f, const void *bytes, size_t len)
{
	FILE *out = fopen(f->file, "wb");
	assert_non_null(out);
	assert_int_equal(fwrite(bytes, 1, len, out), len);
	assert_int_equal(fclose(out), 0);
}

static void files_are_read_relative_to_the_folder(void **state)
{
	const struct settings_fixture *f = *state;
	struct buf found AUTO_BUF = { 0 };
	put_file(f, "Dear \xC3\x89mile", 11);
	json_t *r = resolve("{\"url\": \"http://x\", \"text\": \"mail.txt\"}", f->dir, &found);
	assert_non_null(r);
	assert_string_equal(json_string_value(json_object_get(r, "text")), "Dear \xC3\x89mile");
	json_decref(r);
}

static void files_that_are_no_text_are_refused(void **state)
{
	const struct settings_fixture *f = *state;
	struct buf found AUTO_BUF = { 0 };
	static const char settings[] = "{\"url\": \"http://x\", \"text\": \"mail.txt\"}";
	put_file(f, "a\0b", 3);
	assert_null(resolve(settings, f->dir, &found));
	assert_non_null(strstr(found.data, "NUL byte"));
	put_file(f, "\xFF\xFE", 2);
	assert_null(resolve(settings, f->dir, &found));
	assert_non_null(strstr(found.data, "not UTF-8"));
	char *big = mem_zalloc((1 << 20) + 1);
	memset(big, 'x', (1 << 20) + 1);
	put_file(f, big, (1 << 20) + 1);
	assert_null(resolve(settings, f->dir, &found));
	assert_non_null(strstr(found.data, "larger than 1 MiB"));
	put_file(f, big, 1 << 20);
	json_t *r = resolve(settings, f->dir, &found);
	assert_non_null(r);
	json_decref(r);
	free(big);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_filled_in_and_converted),
		cmocka_unit_test(written_values_win_over_defaults),
		cmocka_unit_test(all_faults_come_at_once),
		cmocka_unit_test(each_type_refuses_others),
		cmocka_unit_test(secret_values_are_never_shown),
		cmocka_unit_test(literal_secrets_are_warned_of),
		cmocka_unit_test_setup_teardown(files_are_read_relative_to_the_folder, make_folder, drop_folder),
		cmocka_unit_test_setup_teardown(files_that_are_no_text_are_refused, make_folder, drop_folder),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
