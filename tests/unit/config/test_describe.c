/* The generated documents are up to date with the option tables. */
#include <stdlib.h>
#include <string.h>

#include "config/describe.h"
#include "config/option.h"
#include "saga/base/mem.h"
#include "tests/unit/config/config_fixture.h"

static void the_schema_is_not_stale(void **state)
{
	char *written AUTO_FREE = fixture_source("config/almoner.schema.json");
	AUTO_BUF struct buf now = { 0 };

	(void)state;
	describe_schema(&now);
	if (strcmp(written, now.data) != 0)
		fail_msg("config/almoner.schema.json is stale: run ninja update-config-docs");
}

static void not_stale(const char *name, int (*describe)(struct str old, struct buf *to))
{
	char *written AUTO_FREE = fixture_source(name);
	AUTO_BUF struct buf now = { 0 };

	assert_int_equal(describe(str_of(written), &now), 0);
	if (strcmp(written, now.data) != 0)
		fail_msg("%s is stale: run ninja update-config-docs", name);
}

static void the_references_are_not_stale(void **state)
{
	(void)state;
	not_stale("config/README.md", describe_readme);
	not_stale("config/man/almoner.json.5", describe_man);
}

static void a_text_without_markers_is_refused(void **state)
{
	AUTO_BUF struct buf now = { 0 };

	(void)state;
	assert_int_equal(describe_readme(STR("nothing"), &now), ERR_INVALID);
	assert_int_equal(describe_readme(STR(DESCRIBE_END "\n" DESCRIBE_BEGIN "\n"), &now), ERR_INVALID);
	assert_int_equal(describe_man(STR(DESCRIBE_BEGIN "\n" DESCRIBE_END "\n"), &now), ERR_INVALID);
}

/* Every section reachable from the root, each once. */
static void each_section(const struct config_section *section, void (*visit)(const struct config_section *))
{
	visit(section);
	for (size_t i = 0; i < section->count; i++) {
		if (section->options[i].section != NULL)
			each_section(section->options[i].section, visit);
	}
}

static void check_section(const struct config_section *section)
{
	for (size_t i = 0; i < section->count; i++) {
		const struct config_option *option = &section->options[i];

		assert_true(strlen(option->help) > 10);
		assert_int_equal(option->help[strlen(option->help) - 1], '.');
		assert_ptr_equal(option_find(section, option->name), option); /* no option is declared twice */
		if (option->type == OPTION_CHOICE || option->type == OPTION_MARK)
			assert_non_null(option->choices);
		if (option->type == OPTION_INTEGER || option->type == OPTION_NUMBER)
			assert_true(option->most > option->least);
	}
}

static void the_tables_are_in_order(void **state)
{
	(void)state;
	each_section(table_root(), check_section);
}

static json_t *checked_schema;

static void check_in_schema(const struct config_section *section)
{
	const json_t *definition = section == table_root()
								   ? checked_schema
								   : json_object_get(json_object_get(checked_schema, "$defs"), section->name);

	assert_non_null(definition);
	assert_true(json_is_false(json_object_get(definition, "additionalProperties")));
	for (size_t i = 0; i < section->count; i++)
		assert_non_null(json_object_get(json_object_get(definition, "properties"), section->options[i].name));
}

static char *checked_page;

static void check_in_page(const struct config_section *section)
{
	for (size_t i = 0; i < section->count; i++) {
		char *line AUTO_FREE = mem_printf("\n.It Cm %s\n", section->options[i].name);

		if (strstr(checked_page, line) == NULL)
			fail_msg("the manual page lacks %s", section->options[i].name);
	}
}

static void the_page_knows_every_option(void **state)
{
	(void)state;
	checked_page = fixture_source("config/man/almoner.json.5");
	each_section(table_root(), check_in_page);
	free(checked_page);
}

static void the_schema_knows_every_option(void **state)
{
	AUTO_BUF struct buf text = { 0 };

	(void)state;
	describe_schema(&text);
	checked_schema = json_loads(text.data, 0, NULL);
	assert_non_null(checked_schema);
	each_section(table_root(), check_in_schema);
	json_decref(checked_schema);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_schema_is_not_stale),           cmocka_unit_test(the_references_are_not_stale),
		cmocka_unit_test(a_text_without_markers_is_refused), cmocka_unit_test(the_tables_are_in_order),
		cmocka_unit_test(the_schema_knows_every_option),     cmocka_unit_test(the_page_knows_every_option),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
