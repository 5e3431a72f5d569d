/* `connector list` and `connector describe`. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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

/* ---- what the targets of the configuration promise ---- */

/* Words separated by blanks, as a list; "" is null: no types were declared. */
static json_t *types_json(const char *types)
{
	if (*types == '\0')
		return json_null();
	json_t *list = json_array();
	while (*types != '\0') {
		size_t len = strcspn(types, " ");
		json_array_append_new(list, json_stringn(types, len));
		types += len + (types[len] == ' ' ? 1 : 0);
	}
	return list;
}

static json_t *target_json(const struct config_target *t)
{
	json_t *target = json_object();
	json_line_set_text(target, "name", t->name);
	json_line_set_text(target, "repeat", t->traits.repeat);
	json_object_set_new(target, "can_undo", json_boolean(t->traits.can_undo));
	json_object_set_new(target, "can_look_up", json_boolean(t->traits.can_look_up));
	json_object_set_new(target, "types", types_json(t->traits.types));
	json_object_set_new(target, "types_of_original", types_json(t->traits.types_of_original));
	return target;
}

static void print_target(const struct config_target *t)
{
	const struct config_traits *traits = &t->traits;
	printf("  target %s: %s, %s, %s; takes %s%s%s%s\n", t->name, traits->repeat,
		   traits->can_undo ? "can undo" : "cannot undo",
		   traits->can_look_up ? "can look up results" : "cannot look up results",
		   traits->types[0] != '\0' ? traits->types : "events of every type",
		   traits->types_of_original[0] != '\0' ? ", and " : "", traits->types_of_original,
		   traits->types_of_original[0] != '\0' ? " of an earlier gift" : "");
}

/* Whether the target uses this connector and its settings are usable. */
static bool uses(const struct config_target *t, const struct catalog_entry *e)
{
	return t->traits.known && strcmp(t->connector, e->name) == 0;
}

/* ---- connector describe ---- */

static void describe_json(const struct catalog_entry *e, const struct config *config)
{
	json_t *entry = entry_json(e);
	json_t *options = json_array();
	json_t *targets = json_array();
	for (size_t i = 0; i < e->connector->option_count; i++)
		json_array_append_new(options, option_json(catalog_option(e->connector, i)));
	for (size_t i = 0; config != NULL && i < config->target_count; i++)
		if (uses(&config->targets[i], e))
			json_array_append_new(targets, target_json(&config->targets[i]));
	json_object_set_new(entry, "options", options);
	json_object_set_new(entry, "preview", json_boolean(catalog_preview(e->connector) != NULL));
	json_object_set_new(entry, "targets", targets);
	json_line_print(entry);
}

static void describe_text(const struct catalog_entry *e, const struct config *config)
{
	print_entry(e, false);
	for (size_t i = 0; i < e->connector->option_count; i++)
		print_option(catalog_option(e->connector, i));
	if (catalog_preview(e->connector) != NULL)
		printf("  has a preview: replies with which a step can be shown without a network\n");
	for (size_t i = 0; config != NULL && i < config->target_count; i++)
		if (uses(&config->targets[i], e))
			print_target(&config->targets[i]);
}

/* A configuration that cannot be loaded has no targets to show; the connector is described all the same.
 * Without a configuration file there is nothing to say about targets. */
static struct catalog *open_with_targets(const struct command_line *line, struct config **ret_config)
{
	struct catalog *catalog;
	*ret_config = NULL;
	if (daemon_config_load_lenient(line->config_path, ret_config, &catalog) == 0)
		return catalog;
	catalog_destroy(catalog);
	if (access(line->config_path, F_OK) == 0)
		fprintf(stderr,
				"almoner: %s has errors, so its targets are not shown; `almoner check` names the errors\n",
				line->config_path);
	return open_catalog(line);
}

/* A connector that was found but refused gives CLI_FAILED with the reason; an unknown name CLI_NOT_FOUND. */
int command_connector_describe(const struct command_line *line)
{
	bool json = json_line_wanted(line, 1);
	if (line->argc != (json ? 2 : 1)) {
		fprintf(stderr, "almoner: usage: connector describe NAME [--json]\n");
		return CLI_USAGE;
	}
	struct config *config;
	struct catalog *catalog = open_with_targets(line, &config);
	const struct catalog_entry *entry;
	struct err err = { 0 };
	int rc = catalog_find(catalog, line->argv[0], &entry, &err);
	if (rc != 0)
		fprintf(stderr, "almoner: %s\n", err.text);
	else if (json)
		describe_json(entry, config);
	else
		describe_text(entry, config);
	config_unref(config);
	catalog_destroy(catalog);
	return rc == 0 ? CLI_OK : rc == ERR_NOT_FOUND ? CLI_NOT_FOUND : CLI_FAILED;
}
