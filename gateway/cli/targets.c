/* `target list`, `target show` and `backlog` as tables. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/cli/run.h"
#include "saga/base/mem.h"

/* ---- targets ---- */

/* Why the target is held or paused; otherwise, if its breaker is not closed, the last error. */
static const char *reason_of(const json_t *t)
{
	const char *breaker = run_text(t, "breaker");
	const char *reason = run_text(t, "reason");
	bool not_closed = *breaker != '\0' && strcmp(breaker, "closed") != 0;
	return *reason == '\0' && not_closed ? run_text(t, "last_error") : reason;
}

static int print_target(void *ctx, json_t *t)
{
	size_t *rows = ctx;
	if ((*rows)++ == 0)
		printf("%-16s  %-12s  %-8s  %-10s  %9s  %9s  %9s  %9s  %s\n", "TARGET", "CONNECTOR", "STATE",
			   "BREAKER", "IN FLIGHT", "BACKLOG", "ATTENTION", "DONE", "REASON");
	printf("%-16s  %-12s  %-8s  %-10s  %9lld  %9lld  %9lld  %9lld  %s\n", run_text(t, "name"),
		   run_text(t, "connector"), run_text(t, "state"), run_text(t, "breaker"), run_number(t, "in_flight"),
		   run_number(t, "backlog"), run_number(t, "attention"), run_number(t, "succeeded"), reason_of(t));
	return 0;
}

int cli_targets_list(struct command_run *run)
{
	size_t rows = 0;
	if (run->args.json)
		return run_copy(run, "/v1/targets");
	int code = run_stream(run, "GET", "/v1/targets", NULL, &rows, print_target);
	if (code == CLI_OK && rows == 0)
		printf("no targets are configured\n");
	return code;
}

struct target_search {
	const struct command_run *run;
	bool found;
};

static void print_members(json_t *object)
{
	const char *name;
	json_t *value;
	json_object_foreach(object, name, value)
	{
		char *text AUTO_FREE = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
		const char *shown = json_is_string(value) ? json_string_value(value)
							: json_is_null(value) ? "-"
												  : text;
		printf("%-12s  %s\n", name, shown != NULL ? shown : "");
	}
}

/* The API has no answer for one target, so this looks through the list of all. */
static int print_if_wanted(void *ctx, json_t *t)
{
	struct target_search *w = ctx;
	if (strcmp(run_text(t, "name"), w->run->args.operands[0]) != 0)
		return 0;
	w->found = true;
	if (!w->run->args.json) {
		print_members(t);
		return 0;
	}
	char *text AUTO_FREE = json_dumps(t, JSON_COMPACT);
	return text == NULL || puts(text) == EOF;
}

int cli_targets_show(struct command_run *run)
{
	assert(run->args.operand_count == 1);
	struct target_search wanted = { run, false };
	int code = run_stream(run, "GET", "/v1/targets", NULL, &wanted, print_if_wanted);
	if (code != CLI_OK || wanted.found)
		return code;
	fprintf(stderr, "almoner: there is no target \"%s\"; `target list` prints all\n", run->args.operands[0]);
	return CLI_NOT_FOUND;
}

/* ---- backlog ---- */

/* The ages are those of age_names in gateway/admin/views/targets_view.c. */
static int print_backlog(void *ctx, json_t *row)
{
	static const char *const ages[] = { "1m", "10m", "1h", "6h", "1d", "7d" };
	size_t *rows = ctx;
	if ((*rows)++ == 0) {
		printf("%-16s  %9s", "TARGET", "WAITING");
		for (size_t i = 0; i < sizeof ages / sizeof ages[0]; i++)
			printf("  >%7s", ages[i]);
		putchar('\n');
	}
	printf("%-16s  %9lld", run_text(row, "target"), run_number(row, "total"));
	const json_t *older = json_object_get(row, "older_than");
	for (size_t i = 0; i < sizeof ages / sizeof ages[0]; i++)
		printf("  %8lld", run_number(older, ages[i]));
	putchar('\n');
	return 0;
}

int cli_targets_backlog(struct command_run *run)
{
	assert(run->args.operand_count == 0);
	size_t rows = 0;
	if (run->args.json)
		return run_copy(run, "/v1/backlog");
	return run_stream(run, "GET", "/v1/backlog", NULL, &rows, print_backlog);
}
