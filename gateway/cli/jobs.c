/* `job list`, `job show` and `job cancel`: bulk operations that the daemon carries out. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/cli/remaining.h"
#include "gateway/cli/run.h"
#include "saga/base/mem.h"

/* The column OF shows the larger of the two counts: `expected` is the count before the job began, `matched`
 * counts as the job looks, and new matches can appear in between. */
static int print_job(void *ctx, json_t *job)
{
	size_t *rows = ctx;
	if ((*rows)++ == 0)
		printf("%6s  %-10s  %-10s  %9s  %9s  %-20s  %-20s  %s\n", "JOB", "VERB", "STATE", "CHANGED", "OF",
			   "STARTED", "BY", "FILTER");
	long long expected = run_number(job, "expected");
	long long matched = run_number(job, "matched");
	const char *filter = run_text(job, "filter");
	printf("%6lld  %-10s  %-10s  %9lld  %9lld  %.19sZ  %-20s  %s\n", run_number(job, "id"),
		   run_text(job, "verb"), run_text(job, "state"), run_number(job, "moved"),
		   expected > matched ? expected : matched, run_text(job, "created_at"), run_text(job, "actor"),
		   *filter != '\0' ? filter : "all");
	return 0;
}

int cli_jobs_list(struct command_run *run)
{
	assert(run->args.operand_count == 0);
	size_t rows = 0;
	struct buf path AUTO_BUF = { 0 };
	buf_text(&path, "/v1/jobs");
	if (run->args.limit != NULL) {
		buf_text(&path, "?limit=");
		args_encode(&path, run->args.limit);
	}
	if (run->args.json)
		return run_copy(run, path.data);
	int code = run_stream(run, "GET", path.data, NULL, &rows, print_job);
	if (code == CLI_OK && rows == 0)
		printf("there was no bulk operation yet\n");
	return code;
}

static void print_line(const char *name, const char *text)
{
	printf("%-12s  %s\n", name, *text != '\0' ? text : "-");
}

static void print_one(const json_t *job)
{
	static const char *const texts[] = { "state",  "verb",       "filter",      "rate",   "actor",
										 "reason", "created_at", "finished_at", "problem" };
	static const char *const figures[] = {
		"expected", "matched", "moved", "steps", "refused", "passed_over"
	};
	printf("%-12s  %lld\n", "job", run_number(job, "id"));
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		print_line(texts[i], run_text(job, texts[i]));
	for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++)
		printf("%-12s  %lld\n", figures[i], run_number(job, figures[i]));
	printf("%-12s  sagas up to %lld, newest first; finished down to %lld\n", "range", run_number(job, "upto"),
		   run_number(job, "position"));
	remaining_in_doubt(job);
	remaining_held(job);
}

static int call_job(struct command_run *run, const char *method, const char *verb, json_t *body, json_t **ret)
{
	struct buf path AUTO_BUF = { 0 };
	buf_text(&path, "/v1/jobs/");
	args_encode(&path, run->args.operands[0]);
	buf_text(&path, verb);
	return run_call(run, method, path.data, body, ret);
}

int cli_jobs_show(struct command_run *run)
{
	assert(run->args.operand_count == 1);
	json_t *job = NULL;
	int code = call_job(run, "GET", "", NULL, &job);
	if (code == CLI_OK && run->args.json)
		code = run_print(job);
	else if (code == CLI_OK)
		print_one(job);
	json_decref(job);
	return code;
}

int cli_jobs_cancel(struct command_run *run)
{
	assert(run->args.operand_count == 1);
	json_t *job = NULL;
	int code = call_job(run, "POST", "/cancel", json_pack("{s:s}", "reason", run->args.reason), &job);
	if (code == CLI_OK && run->args.json)
		code = run_print(job);
	else if (code == CLI_OK)
		printf("job %lld is cancelled; %lld %s changed and stay changed\n", run_number(job, "id"),
			   run_number(job, "moved"), run_plural(run_number(job, "moved"), "saga was", "sagas were"));
	json_decref(job);
	return code;
}
