/* The shipped examples and the examples in the documents must load without errors. */
#include <stdlib.h>
#include <string.h>

#include "config/reader.h"
#include "saga/base/mem.h"
#include "tests/unit/config/config_fixture.h"

static void load_shipped(struct config_fixture *f, const char *name)
{
	char *path AUTO_FREE = mem_printf("%s/config/examples/%s", TEST_SOURCE_ROOT, name);
	AUTO_BUF struct buf text = { 0 };

	config_unref(f->config);
	f->config = NULL;
	diagnostics_finish(&f->found);
	f->code = config_load(path, &f->hooks, &f->config, &f->found);
	diagnostics_print(&f->found, &text);
	if (f->code != 0)
		fail_msg("%s", text.data);
}

static void the_charity_is_complete(void **state)
{
	struct config_fixture *f = *state;
	const struct config_target *thanks;

	assert_int_equal(setenv("STRIPE_WEBHOOK_SECRET", "whsec_x", 1), 0);
	assert_int_equal(setenv("FORMS_SECRET", "x", 1), 0);
	assert_int_equal(setenv("BOOKS_TOKEN", "x", 1), 0);
	assert_int_equal(setenv("ALMONER_MAIL_PORT", "2525", 1), 0);
	assert_int_equal(setenv("ALMONER_INTAKE", "127.0.0.1:0", 1), 0);
	load_shipped(f, "almoner.json");
	assert_int_equal(f->found.count, 0);
	assert_int_equal(f->config->listen.port, 0);
	assert_int_equal(f->config->source_count, 3);
	assert_int_equal(f->config->target_count, 3);
	assert_int_equal(f->config->route_count, 2);
	assert_int_equal(f->config->routes[0].step_count, 3);
	thanks = &f->config->targets[config_find_target(f->config, STR("thanks"))];
	assert_int_equal(json_integer_value(json_object_get(thanks->settings, "port")), 2525);
}

static void the_systemd_example_loads(void **state)
{
	struct config_fixture *f = *state;

	assert_int_equal(setenv("STRIPE_WEBHOOK_SECRET", "whsec_x", 1), 0);
	load_shipped(f, "etc-almoner.json");
	assert_string_equal(f->config->store.path, "/var/lib/almoner/almoner.db");
}

/* A program in the build tree finds the shipped files like an installed program. */
static void shipped_files_are_found(void **state)
{
	static const char *const names[] = { "presets/stripe.json",         "presets/stripe.jq",
										 "examples/almoner.json",       "examples/forms.jq",
										 "examples/targets.d/crm.json", "examples/templates/thanks.html" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char *path AUTO_FREE = config_find_shipped(names[i]);
		char *source AUTO_FREE = mem_printf("config/%s", names[i]);
		char *wanted AUTO_FREE = fixture_source(source);
		AUTO_BUF struct buf text = { 0 };

		assert_non_null(path);
		assert_int_equal(document_read_file(path, &text, NULL), 0);
		assert_string_equal(text.data, wanted);
	}
	assert_null(config_find_shipped("presets/gone.json"));
}

/* ---- blocks in documents ---- */

/* Creates what the block refers to, so that only the block itself can have errors. */
static void provide(struct config_fixture *f, const json_t *value)
{
	const char *env = json_string_value(json_object_get(value, "$env"));
	const char *file = json_string_value(json_object_get(value, "$file"));
	const char *key;
	json_t *member;
	size_t index;

	if (env != NULL)
		assert_int_equal(setenv(env, "secret", 1), 0);
	if (file != NULL && file[0] != '/')
		fixture_write(f, file, ".\n");
	json_object_foreach((json_t *)(uintptr_t)value, key, member)
	{
		provide(f, member);
	}
	json_array_foreach(value, index, member)
	{
		provide(f, member);
	}
}

/* True for a main file or a part of one; other JSON (events, answers) is not configuration. */
static bool is_configuration(const json_t *block)
{
	return json_object_get(block, "sources") != NULL || json_object_get(block, "targets") != NULL ||
		   json_object_get(block, "routes") != NULL || json_object_get(block, "listen") != NULL;
}

static void check_block(struct config_fixture *f, const char *where, const char *text)
{
	json_error_t error;
	json_t *block = json_loads(text, JSON_REJECT_DUPLICATES, &error);

	if (block == NULL)
		fail_msg("%s: a JSON block does not parse: %s, line %d of\n%s", where, error.text, error.line, text);
	if (is_configuration(block)) {
		provide(f, block);
		fixture_load_text(f, text);
		/* A block may name a target or a source that the surrounding text defines. */
		for (size_t i = 0; i < f->found.count; i++) {
			const struct diagnostic *d = &f->found.items[i];

			if (d->severity == DIAG_ERROR && strncmp(d->message, "unknown target", 14) != 0 &&
				strncmp(d->message, "unknown source", 14) != 0)
				fail_msg("%s: %s: %s in\n%s", where, d->pointer, d->message, text);
		}
	}
	json_decref(block);
}

static void check_document(struct config_fixture *f, const char *name)
{
	char *text AUTO_FREE = fixture_source(name);
	const char *p = text;

	while ((p = strstr(p, "```json\n")) != NULL) {
		const char *end = strstr(p + 8, "```");
		char *block AUTO_FREE = NULL;

		assert_non_null(end);
		block = mem_strndup(p + 8, (size_t)(end - p - 8));
		check_block(f, name, block);
		p = end + 3;
	}
}

static void blocks_in_documents_are_right(void **state)
{
	static const char *const names[] = { "README.md", "config/README.md" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		check_document(*state, names[i]);
}

static void the_manual_page_shows_a_configuration_that_loads(void **state)
{
	struct config_fixture *f = *state;
	char *text AUTO_FREE = fixture_source("config/man/almoner.json.5");
	const char *from = strstr(text, ".Bd -literal -offset indent\n");
	const char *to;
	char *block AUTO_FREE = NULL;

	assert_non_null(from);
	from += strlen(".Bd -literal -offset indent\n");
	to = strstr(from, ".Ed");
	assert_non_null(to);
	block = mem_strndup(from, (size_t)(to - from));
	check_block(f, "almoner.json.5", block);
	assert_int_equal(f->code, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_charity_is_complete),
		TEST(the_systemd_example_loads),
		TEST(shipped_files_are_found),
		TEST(blocks_in_documents_are_right),
		TEST(the_manual_page_shows_a_configuration_that_loads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
