/* `check`, `serve`, `connector list`, `connector describe`. */
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/commands/commands.h"
#include "gateway/daemon/daemon.h"
#include "saga/base/mem.h"

int command_serve(const struct command_line *line)
{
	if (line->argc > 0) {
		(void)fprintf(stderr, "almoner: serve takes no words; see almoner --help\n");
		return CLI_USAGE;
	}
	return daemon_run(&(struct daemon_options){ .config_path = line->config_path });
}

static bool wants_json(const struct command_line *line, int operand_count)
{
	return line->argc == operand_count + 1 && strcmp(line->argv[operand_count], "--json") == 0;
}

static void set_text(json_t *object, const char *member, const char *text)
{
	json_object_set_new(object, member, text != NULL && *text != '\0' ? json_string(text) : json_null());
}

static void print_json_line(json_t *value)
{
	char *text AUTO_FREE = json_dumps(value, JSON_COMPACT);
	(void)puts(text != NULL ? text : "{}");
	json_decref(value);
}

static json_t *finding_json(const struct diagnostic *f)
{
	json_t *finding = json_object();
	set_text(finding, "severity", diagnostics_severity_name(f->severity));
	set_text(finding, "file", f->file);
	json_object_set_new(finding, "line", f->line > 0 ? json_integer(f->line) : json_null());
	json_object_set_new(finding, "pointer", json_string(f->pointer != NULL ? f->pointer : ""));
	set_text(finding, "message", f->message);
	set_text(finding, "expected", f->expected);
	return finding;
}

static void print_check_json(const struct diagnostics *found, bool ok)
{
	json_t *findings = json_array();
	for (size_t i = 0; i < found->count; i++)
		json_array_append_new(findings, finding_json(&found->items[i]));
	print_json_line(
		json_pack("{s:b, s:I, s:o}", "ok", ok, "errors", (json_int_t)found->errors, "findings", findings));
}

static void print_check(const struct diagnostics *found, const struct config *config, const char *path)
{
	struct buf text AUTO_BUF = { 0 };
	diagnostics_print(found, &text);
	(void)fputs(text.data != NULL ? text.data : "", stderr);
	buf_clear(&text);
	if (config != NULL)
		config_print(config, &text);
	else
		(void)fprintf(stderr, "almoner: %s has %zu error%s\n", path, found->errors,
					  found->errors == 1 ? "" : "s");
	(void)fputs(text.data != NULL ? text.data : "", stdout);
}

int command_check(const struct command_line *line)
{
	bool json = wants_json(line, 0);
	if (line->argc > (json ? 1 : 0)) {
		(void)fprintf(stderr, "almoner: usage: check [--json] [--config FILE]\n");
		return CLI_USAGE;
	}
	struct config_env *env = config_env_create();
	struct config *config = NULL;
	struct catalog *catalog = NULL;
	struct diagnostics found AUTO_DIAGNOSTICS = { 0 };
	int rc = daemon_config_load(line->config_path, env, &config, &catalog, &found);
	if (json)
		print_check_json(&found, rc == 0);
	else
		print_check(&found, config, line->config_path);
	config_unref(config);
	catalog_destroy(catalog);
	config_env_destroy(env);
	return rc == 0 ? CLI_OK : CLI_FAILED;
}

/* ---- connectors ---- */

/* The configuration only adds places to look at; without one there are the usual places. */
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
	set_text(entry, "name", e->name);
	set_text(entry, "version", c != NULL ? c->version : NULL);
	set_text(entry, "summary", c != NULL ? c->summary : NULL);
	set_text(entry, "proven", c != NULL ? c->proven : NULL);
	set_text(entry, "origin", catalog_origin_name(e->origin));
	set_text(entry, "file", e->file);
	set_text(entry, "error", e->error);
	return entry;
}

static void print_entry(const struct catalog_entry *e, bool json)
{
	if (json)
		print_json_line(entry_json(e));
	else if (e->connector != NULL)
		(void)printf("%-12s %-8s %-16s proven by: %-20s %s\n", e->name, e->connector->version,
					 catalog_origin_name(e->origin), e->connector->proven, e->connector->summary);
	else
		(void)printf("%-12s %-8s %-16s refused: %s\n", e->name, "-", catalog_origin_name(e->origin),
					 e->error);
}

int command_connector_list(const struct command_line *line)
{
	bool json = wants_json(line, 0);
	if (line->argc > (json ? 1 : 0)) {
		(void)fprintf(stderr, "almoner: connector list takes only --json\n");
		return CLI_USAGE;
	}
	struct catalog *catalog = open_catalog(line);
	const struct catalog_entry *const *entries;
	size_t count = catalog_list(catalog, &entries);
	for (size_t i = 0; i < count; i++)
		print_entry(entries[i], json);
	if (count == 0 && !json)
		(void)printf("no connectors found\n");
	catalog_destroy(catalog);
	return CLI_OK;
}

static json_t *option_json(const struct almoner_option *o)
{
	json_t *option = json_object();
	set_text(option, "name", o->name);
	set_text(option, "type", catalog_option_type_name(o->type));
	json_object_set_new(option, "required", json_boolean(o->required));
	json_object_set_new(option, "secret", json_boolean(o->secret));
	set_text(option, "default", o->fallback);
	set_text(option, "choices", o->choices);
	set_text(option, "help", o->help);
	return option;
}

static void print_option(const struct almoner_option *o)
{
	(void)printf("  %-16s %-9s %s%s%s%s\n      %s%s%s\n", o->name, catalog_option_type_name(o->type),
				 o->required ? "required" : "", o->secret ? " secret" : "",
				 o->fallback != NULL ? "default " : "", o->fallback != NULL ? o->fallback : "",
				 o->help != NULL ? o->help : "", o->choices != NULL ? ". One of: " : "",
				 o->choices != NULL ? o->choices : "");
}

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
		print_json_line(entry);
	}
	json_decref(options);
}

int command_connector_describe(const struct command_line *line)
{
	bool json = wants_json(line, 1);
	if (line->argc != (json ? 2 : 1)) {
		(void)fprintf(stderr, "almoner: usage: connector describe NAME [--json]\n");
		return CLI_USAGE;
	}
	struct catalog *catalog = open_catalog(line);
	const struct catalog_entry *entry;
	struct err err = { 0 };
	int rc = catalog_find(catalog, line->argv[0], &entry, &err);
	if (rc == 0)
		describe(entry, json);
	else
		(void)fprintf(stderr, "almoner: %s\n", err.text);
	catalog_destroy(catalog);
	return rc == 0 ? CLI_OK : rc == ERR_NOT_FOUND ? CLI_NOT_FOUND : CLI_FAILED;
}
