/* `status`, `event show`, `log export` and `verify`. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/cli/run.h"
#include "saga/base/mem.h"

/* ---- status ---- */

/* Prints the members of an object as "name count", without those that are 0. */
static void print_counts(const char *title, const json_t *object)
{
	printf("%-12s", title);
	const char *name;
	json_t *value;
	bool any = false;
	json_object_foreach((json_t *)(uintptr_t)object, name, value)
	{
		if (json_integer_value(value) == 0)
			continue;
		printf("%s%s %lld", any ? ", " : "", name, (long long)json_integer_value(value));
		any = true;
	}
	printf("%s\n", any ? "" : "none");
}

static void print_alerts(const json_t *alerts)
{
	size_t i;
	json_t *alert;
	json_array_foreach(alerts, i, alert)
	{
		printf("%-12s%s %s, since %s:\n", i == 0 ? "ALERTS" : "", run_text(alert, "name"),
			   run_text(alert, "subject"), run_text(alert, "since"));
		printf("%-12s%s\n", "", run_text(alert, "text"));
	}
}

static void print_paused(const json_t *sources)
{
	size_t i;
	json_t *name;
	json_array_foreach(sources, i, name)
	{
		printf("%-12ssource %s is paused in the configuration: its requests are answered with 503\n",
			   "intake", json_string_value(name));
	}
}

static void print_disk(const json_t *status)
{
	if (json_is_true(json_object_get(status, "store_gone")))
		printf("%-12sthe store's file was removed or replaced: intake answers 503 until the file is back\n",
			   "disk");
	else if (json_is_true(json_object_get(status, "disk_low")))
		printf("%-12sfree disk space is below store.reserve: intake answers 503 until there is more\n",
			   "disk");
	if (run_number(status, "held_up_bytes") > 0)
		printf("%-12sanother program keeps a long transaction open on the store: %lld MiB of the "
			   "write-ahead log cannot be freed; end that program\n",
			   "disk", run_number(status, "held_up_bytes") >> 20);
}

/* The targets come last, as a table below the figures. */
int cli_views_status(struct command_run *run)
{
	assert(run->args.operand_count == 0);
	if (run->args.json)
		return run_copy(run, "/v1/status");
	json_t *status = NULL;
	int code = run_call(run, "GET", "/v1/status", NULL, &status);
	if (code != CLI_OK)
		return code;
	printf("%-12s%s\n", "daemon",
		   json_is_true(json_object_get(status, "daemon")) ? "running"
														   : "not running; these figures are from the store");
	long long duplicates = run_number(status, "duplicates");
	printf("%-12s%lld accepted, %lld related, %lld %s\n", "events", run_number(status, "accepted"),
		   run_number(status, "related"), duplicates, run_plural(duplicates, "duplicate", "duplicates"));
	const json_t *intake = json_object_get(status, "intake");
	if (intake != NULL)
		printf("%-12s%s:%lld, %lld connections, %lld waiting for their commit\n", "intake",
			   run_text(intake, "host"), run_number(intake, "port"), run_number(intake, "connections"),
			   run_number(intake, "waiting"));
	print_counts("sagas", json_object_get(status, "sagas"));
	if (run_number(status, "jobs_running") > 0)
		printf("%-12s%lld running: almoner job list\n", "jobs", run_number(status, "jobs_running"));
	print_disk(status);
	print_paused(json_object_get(status, "paused_sources"));
	print_alerts(json_object_get(status, "alerts"));
	json_decref(status);
	if (code == CLI_OK) {
		putchar('\n');
		code = cli_targets_list(run);
	}
	return code;
}

/* ---- events ---- */

int cli_views_event(struct command_run *run)
{
	assert(run->args.operand_count == 1);
	struct buf path AUTO_BUF = { 0 };
	run_event_path("/v1/events/", run->args.operands[0], &path);
	if (run->args.json)
		return run_copy(run, path.data);
	json_t *event = NULL;
	int code = run_call(run, "GET", path.data, NULL, &event);
	if (code != CLI_OK)
		return code;
	printf("saga %lld: %s event %s of source %s, received at %s, %lld bytes\n\nas received:\n%s\n",
		   run_number(event, "saga"), run_text(event, "type"), run_text(event, "event_id"),
		   run_text(event, "source"), run_text(event, "received_at"), run_number(event, "raw_bytes"),
		   run_raw(event));
	char *canonical AUTO_FREE =
		json_dumps(json_object_get(event, "canonical"), JSON_INDENT(2) | JSON_ENCODE_ANY);
	printf("\nas mapped:\n%s\n", canonical != NULL && strcmp(canonical, "null") != 0
									 ? canonical
									 : "(not mapped: the event is quarantined)");
	json_decref(event);
	return CLI_OK;
}

/* ---- log, verify ---- */

int cli_views_log(struct command_run *run)
{
	assert(run->args.operand_count == 0);
	struct buf path AUTO_BUF = { 0 };
	buf_text(&path, "/v1/log");
	if (run->args.after != NULL) {
		buf_text(&path, "?after=");
		args_encode(&path, run->args.after);
	}
	return run_copy(run, path.data);
}

int cli_views_verify(struct command_run *run)
{
	assert(run->args.operand_count == 0);
	json_t *report = NULL;
	int code = run_call(run, "GET", "/v1/verify", NULL, &report);
	if (code != CLI_OK)
		return code;
	bool sound = json_is_true(json_object_get(report, "sound"));
	if (run->args.json) {
		char *text AUTO_FREE = json_dumps(report, JSON_COMPACT);
		puts(text != NULL ? text : "{}");
	} else {
		size_t i;
		json_t *line;
		json_array_foreach(json_object_get(report, "lines"), i, line) puts(json_string_value(line));
		printf("%s\n", sound ? "the log is complete and unchanged: chain, numbers, digests and database agree"
							 : "the log is NOT sound: see the findings above");
	}
	json_decref(report);
	return sound ? CLI_OK : CLI_FAILED;
}
