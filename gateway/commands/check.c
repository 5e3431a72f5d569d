/* `check`: checks the configuration as `serve` does, and prints what it does, or all of its errors. */
#include <stdio.h>

#include "gateway/commands/commands.h"
#include "gateway/commands/json_line.h"
#include "gateway/daemon/daemon.h"

static json_t *finding_json(const struct diagnostic *f)
{
	json_t *finding = json_object();
	json_line_set_text(finding, "severity", diagnostics_severity_name(f->severity));
	json_line_set_text(finding, "file", f->file);
	json_object_set_new(finding, "line", f->line > 0 ? json_integer(f->line) : json_null());
	json_object_set_new(finding, "pointer", json_string(f->pointer != NULL ? f->pointer : ""));
	json_line_set_text(finding, "message", f->message);
	json_line_set_text(finding, "expected", f->expected);
	return finding;
}

static void print_check_json(const struct diagnostics *found, bool ok)
{
	json_t *findings = json_array();
	for (size_t i = 0; i < found->count; i++)
		json_array_append_new(findings, finding_json(&found->items[i]));
	json_line_print(
		json_pack("{s:b, s:I, s:o}", "ok", ok, "errors", (json_int_t)found->errors, "findings", findings));
}

static void print_check(const struct diagnostics *found, const struct config *config, const char *path)
{
	struct buf text AUTO_BUF = { 0 };
	diagnostics_print(found, &text);
	fputs(text.data != NULL ? text.data : "", stderr);
	buf_clear(&text);
	if (config != NULL)
		config_print(config, &text);
	else
		fprintf(stderr, "almoner: %s has %zu error%s\n", path, found->errors, found->errors == 1 ? "" : "s");
	fputs(text.data != NULL ? text.data : "", stdout);
}

/* Prints errors to standard error and the description to standard output; with --json everything to standard
 * output. */
int command_check(const struct command_line *line)
{
	bool json = json_line_wanted(line, 0);
	if (line->argc > (json ? 1 : 0)) {
		fprintf(stderr, "almoner: usage: check [--json] [--config FILE]\n");
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
