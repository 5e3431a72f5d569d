/* `connector list` and `connector describe`. */
#include <stdio.h>

#include "gateway/commands/commands.h"
#include "gateway/commands/json_line.h"
#include "gateway/daemon/daemon.h"

/* A usable configuration adds connectors.path to the folders that are searched. Without one, the command
 * still works. */
static struct catalog *open_catalog(const struct command_line *line)
{
	struct diagnostics found AUTO_DIAGNOSTICS = { 0 };
	struct config *config = NULL;
	struct catalog *catalog;
	if (config_load(line->config_path, &(struct config_hooks){ .lenient = true }, &config, &found) == 0)
		catalog =
			catalog_create((const char *const *)config->connector_path.items, config->connector_path.count);
	else
		catalog = catalog_create(NULL, 0);
	config_unref(config);
	return catalog;
}

static json_t *entry_json(const struct catalog_entry *e)
{
	const struct almoner_connector *c = e->connector;
	json_t *entry = json_object();
	json_line_set_text(entry, "name", e->name);
	json_line_set_text(entry, "version", c != NULL ? c->version : NULL);
	json_line_set_text(entry, "summary", c != NULL ? c->summary : NULL);
	json_line_set_text(entry, "proven", c != NULL ? c->proven : NULL);
	json_line_set_text(entry, "origin", catalog_origin_name(e->origin));
	json_line_set_text(entry, "file", e->file);
	json_line_set_text(entry, "error", e->error);
	return entry;
}

static void print_entry(const struct catalog_entry *e, bool json)
{
	if (json)
		json_line_print(entry_json(e));
	else if (e->connector != NULL)
		printf("%-12s %-8s %-16s proven by: %-20s %s\n", e->name, e->connector->version,
			   catalog_origin_name(e->origin), e->connector->proven, e->connector->summary);
	else
		printf("%-12s %-8s %-16s refused: %s\n", e->name, "-", catalog_origin_name(e->origin), e->error);
}

/* A plugin that was found but refused is listed too, with the reason. */
int command_connector_list(const struct command_line *line)
{
	bool json = json_line_wanted(line, 0);
	if (line->argc > (json ? 1 : 0)) {
		fprintf(stderr, "almoner: usage: connector list [--json]\n");
		return CLI_USAGE;
	}
	struct catalog *catalog = open_catalog(line);
	const struct catalog_entry *const *entries;
	size_t count = catalog_list(catalog, &entries);
	for (size_t i = 0; i < count; i++)
		print_entry(entries[i], json);
	if (count == 0 && !json)
		printf("no connectors were found\n");
	catalog_destroy(catalog);
	return CLI_OK;
}

static json_t *option_json(const struct almoner_option *o)
{
	json_t *option = json_object();
	json_line_set_text(option, "name", o->name);
	json_line_set_text(option, "type", catalog_option_type_name(o->type));
	json_object_set_new(option, "required", json_boolean(o->required));
	json_object_set_new(option, "secret", json_boolean(o->secret));
	json_line_set_text(option, "default", o->fallback);
	json_line_set_text(option, "choices", o->choices);
	json_line_set_text(option, "help", o->help);
	return option;
}

static void print_option(const struct almoner_option *o)
{
	printf("  %-16s %-9s %s%s%s%s\n      %s%s%s\n", o->name, catalog_option_type_name(o->type),
		   o->required ? "required" : "", o->secret ? " secret" : "", o->fallback != NULL ? "default " : "",
		   o->fallback != NULL ? o->fallback : "", o->help != NULL ? o->help : "",
		   o->choices != NULL ? ". One of: " : "", o->choices != NULL ? o->choices : "");
}

/* With --json: the entry as in `connector list`, and its options. */
static void describe(const struct catalog_entry *e, bool json)
{
	json_t *options = json_array();
	if (!json)
		print_entry(e, false);
	for (size_t i = 0; i < e->connector->option_count; i++) {
		const struct almoner_option *o = catalog_option(e->connector, i);
		if (json)
			json_array_append_new(options, option_json(o));
		else
			print_option(o);
	}
	if (json) {
		json_t *entry = entry_json(e);
		json_object_set(entry, "options", options);
		json_line_print(entry);
	}
	json_decref(options);
}

/* A connector that was found but refused gives CLI_FAILED with the reason; an unknown name CLI_NOT_FOUND. */
int command_connector_describe(const struct command_line *line)
{
	bool json = json_line_wanted(line, 1);
	if (line->argc != (json ? 2 : 1)) {
		fprintf(stderr, "almoner: usage: connector describe NAME [--json]\n");
		return CLI_USAGE;
	}
	struct catalog *catalog = open_catalog(line);
	const struct catalog_entry *entry;
	struct err err = { 0 };
	int rc = catalog_find(catalog, line->argv[0], &entry, &err);
	if (rc == 0)
		describe(entry, json);
	else
		fprintf(stderr, "almoner: %s\n", err.text);
	catalog_destroy(catalog);
	return rc == 0 ? CLI_OK : rc == ERR_NOT_FOUND ? CLI_NOT_FOUND : CLI_FAILED;
}
