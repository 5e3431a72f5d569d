/* `saga list` and `saga show`. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/cli/run.h"
#include "gateway/cli/timeline.h"
#include "saga/base/mem.h"

/* Rows of the table without --limit. Chosen: fits a terminal's scrollback; no measurement. */
#define TABLE_ROWS "50"

/* ---- list ---- */

/* The reason "when" is left out: a step that its condition skips is normal, not a problem. */
static void print_steps(const json_t *steps)
{
	size_t i;
	json_t *step;
	json_array_foreach(steps, i, step)
	{
		const char *state = run_step_state(step);
		const char *reason = run_text(step, "reason");
		printf("%s%s %s", i > 0 ? ", " : "", run_text(step, "name"), state);
		if (*reason != '\0' && strcmp(reason, "when") != 0)
			printf("(%s)", reason);
	}
}

static int print_row(void *ctx, json_t *saga)
{
	size_t *rows = ctx;
	if ((*rows)++ == 0)
		printf("%8s  %-24s  %-23s  %-12s  %-20.20s  %s\n", "SAGA", "CREATED", "STATE", "SOURCE", "TYPE",
			   "STEPS");
	char state[64];
	const char *reason = run_text(saga, "reason");
	snprintf(state, sizeof state, "%s%s%s%s", run_text(saga, "state"), *reason != '\0' ? "(" : "", reason,
			 *reason != '\0' ? ")" : "");
	printf("%8lld  %-24s  %-23s  %-12s  %-20.20s  ", run_number(saga, "id"), run_text(saga, "created_at"),
		   state, run_text(saga, "source"), run_text(saga, "type"));
	print_steps(json_object_get(saga, "steps"));
	putchar('\n');
	return 0;
}

/* Appends `base` with the filters and, unless NULL, the limit as its query. */
static void list_path(const struct command_run *run, const char *base, const char *limit, struct buf *out)
{
	const char *filter = run->args.filter.len > 0 ? run->args.filter.data : "";
	buf_text(out, base);
	if (*filter != '\0' || limit != NULL)
		buf_byte(out, '?');
	buf_text(out, filter);
	if (limit == NULL)
		return;
	buf_text(out, *filter != '\0' ? "&limit=" : "limit=");
	args_encode(out, limit);
}

/* Below the table: how many older sagas match as well. */
static int print_more(struct command_run *run, size_t shown)
{
	struct buf path AUTO_BUF = { 0 };
	list_path(run, "/v1/sagas/count", NULL, &path);
	json_t *count = NULL;
	int code = run_call(run, "GET", path.data, NULL, &count);
	if (code != CLI_OK)
		return code;
	long long more = run_number(count, "count") - (long long)shown;
	if (shown == 0)
		printf("no saga matches\n");
	else if (more > 0)
		printf("… and %lld older ones; --limit N prints more, --json prints all\n", more);
	json_decref(count);
	return CLI_OK;
}

int cli_sagas_list(struct command_run *run)
{
	assert(run->args.operand_count == 0);
	const char *limit = run->args.limit != NULL ? run->args.limit : run->args.json ? NULL : TABLE_ROWS;
	struct buf path AUTO_BUF = { 0 };
	list_path(run, "/v1/sagas", limit, &path);
	if (run->args.json)
		return run_copy(run, path.data);
	size_t rows = 0;
	int code = run_stream(run, "GET", path.data, NULL, &rows, print_row);
	return code == CLI_OK ? print_more(run, rows) : code;
}

/* ---- show ---- */

/* Does a step of the saga wait for nothing but this target? */
static bool waits_for(const json_t *saga, const char *target)
{
	size_t i;
	json_t *step;
	json_array_foreach(json_object_get(saga, "steps"), i, step)
	{
		const char *state = run_text(step, "state");
		bool startable = strcmp(state, "ready") == 0 || strcmp(state, "retry_wait") == 0;
		if (startable && strcmp(run_text(step, "target"), target) == 0)
			return true;
	}
	return false;
}

static void print_blocked(const json_t *target, const char *until)
{
	const char *name = run_text(target, "name");
	const char *reason = run_text(target, "reason");
	printf("\nThe saga waits because target %s is %s%s%s. %s:\n  almoner target resume %s\n", name,
		   run_text(target, "state"), *reason != '\0' ? ", " : "", reason, until, name);
}

/* If a step of the saga (ctx) waits only for this target, prints why the target takes nothing now. */
static int print_blocking_target(void *ctx, json_t *target)
{
	const char *state = run_text(target, "state");
	const char *breaker = run_text(target, "breaker");
	if (!waits_for(ctx, run_text(target, "name")))
		return 0;
	if (strcmp(state, "held") == 0)
		print_blocked(target, "After the cause is corrected");
	else if (strcmp(state, "paused") == 0)
		print_blocked(target, "To continue");
	else if (*breaker != '\0' && strcmp(breaker, "closed") != 0)
		printf("\nThe saga waits because target %s fails (breaker %s): %s. The gateway tries the target "
			   "again by itself.\n",
			   run_text(target, "name"), breaker, run_text(target, "last_error"));
	return 0;
}

/* The log alone does not show why a step waits, so the state of its target is printed below. */
int cli_sagas_show(struct command_run *run)
{
	assert(run->args.operand_count == 1);
	struct buf path AUTO_BUF = { 0 };
	buf_text(&path, "/v1/sagas/");
	args_encode(&path, run->args.operands[0]);
	if (run->args.json)
		return run_copy(run, path.data);
	json_t *saga = NULL;
	int code = run_call(run, "GET", path.data, NULL, &saga);
	if (code == CLI_OK) {
		timeline_print(saga);
		code = run_stream(run, "GET", "/v1/targets", NULL, saga, print_blocking_target);
	}
	json_decref(saga);
	return code;
}
