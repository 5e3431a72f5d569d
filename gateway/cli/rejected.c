/* `refused list`, `refused show` and `refused replay`: stored requests that were refused with 401 because
 * their signature was not valid. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/cli/run.h"
#include "saga/base/mem.h"

/* ---- list and show ---- */

static int print_row(void *ctx, json_t *row)
{
	size_t *rows = ctx;
	if ((*rows)++ == 0)
		printf("%8s  %-16s  %-24s  %-24s  %10s  %s\n", "ID", "SOURCE", "RECEIVED", "KEPT UNTIL", "BYTES",
			   "FROM");
	printf("%8lld  %-16s  %-24s  %-24s  %10lld  %s\n", run_number(row, "id"), run_text(row, "source"),
		   run_text(row, "received_at"), run_text(row, "kept_until"), run_number(row, "body_bytes"),
		   run_text(row, "address"));
	return 0;
}

static char *path_of(const struct command_run *run, const char *path)
{
	const char *filter = run->args.filter.len > 0 ? run->args.filter.data : "";
	return mem_printf("%s%s%s", path, *filter != '\0' ? "?" : "", filter);
}

int cli_rejected_list(struct command_run *run)
{
	assert(run->args.operand_count == 0);
	size_t rows = 0;
	char *path AUTO_FREE = path_of(run, "/v1/refused");
	if (run->args.json)
		return run_copy(run, path);
	int code = run_stream(run, "GET", path, NULL, &rows, print_row);
	if (code == CLI_OK && rows == 0)
		printf("no refused requests are stored (sources.NAME.keep_refused sets how many bytes of them are "
			   "kept)\n");
	return code;
}

/* A header that carries a secret arrives from the API as "(not shown)". */
int cli_rejected_show(struct command_run *run)
{
	assert(run->args.operand_count == 1);
	struct buf path AUTO_BUF = { 0 };
	buf_text(&path, "/v1/refused/");
	args_encode(&path, run->args.operands[0]);
	if (run->args.json)
		return run_copy(run, path.data);
	json_t *row = NULL;
	int code = run_call(run, "GET", path.data, NULL, &row);
	if (code != CLI_OK)
		return code;
	printf("request %lld to %s, received and refused at %s, from %s, %lld bytes\n\n", run_number(row, "id"),
		   run_text(row, "url"), run_text(row, "received_at"), run_text(row, "address"),
		   run_number(row, "body_bytes"));
	const char *name;
	json_t *value;
	json_object_foreach(json_object_get(row, "headers"), name, value)
	{
		printf("%s: %s\n", name, json_string_value(value) != NULL ? json_string_value(value) : "");
	}
	printf("\n%s\n", run_raw(row));
	json_decref(row);
	return CLI_OK;
}

/* ---- replay ---- */

struct replay_lines {
	const struct command_run *run;
	bool lines; /* print each line to standard output as it comes */
	json_t *summary;
};

static int on_line(void *ctx, json_t *line)
{
	struct replay_lines *r = ctx;
	if (json_is_true(json_object_get(line, "done"))) {
		r->summary = json_incref(line);
		return 0;
	}
	return r->lines ? run_print(line) != CLI_OK : 0;
}

static json_t *ids_of(const struct command_run *run)
{
	json_t *ids = json_array();
	for (size_t i = 0; i < run->args.operand_count; i++)
		json_array_append_new(ids, json_integer(strtoll(run->args.operands[i], NULL, 10))); /* 0: refused */
	return ids;
}

/* One call of the API: a dry run only verifies. *ret_summary: a new reference, or NULL. */
static int replay(struct command_run *run, bool dry_run, bool lines, json_t **ret_summary)
{
	struct replay_lines r = { .run = run, .lines = lines };
	char *path AUTO_FREE = path_of(run, "/v1/refused/replay");
	json_t *body = json_pack("{s:s, s:b}", "reason", run->args.reason, "dry_run", dry_run);
	if (body == NULL)
		return run_usage("the reason is not valid UTF-8");
	if (run->args.operand_count > 0)
		json_object_set_new(body, "ids", ids_of(run));
	int code = run_stream(run, "POST", path, body, &r, on_line);
	*ret_summary = r.summary;
	return code == CLI_OK && r.summary == NULL ? CLI_FAILED : code;
}

static void print_remaining(const json_t *summary)
{
	long long rejected = run_number(summary, "refused");
	long long failed = run_number(summary, "failed");
	if (rejected > 0)
		printf("%lld %s refused and stored: no current secret matches %s, judged by the time of receipt\n",
			   rejected, run_plural(rejected, "stays", "stay"),
			   run_plural(rejected, "its signature", "their signatures"));
	if (failed > 0)
		printf("%lld could not be verified: no longer stored, damaged, or their source is not configured\n",
			   failed);
}

static int replay_now(struct command_run *run)
{
	json_t *done = NULL;
	int code = replay(run, false, run->args.json, &done);
	if (code == CLI_OK && run->args.json)
		code = run_print(done);
	if (code == CLI_OK && !run->args.json) {
		printf("%lld accepted, %lld of them duplicates, %lld quarantined\n", run_number(done, "accepted"),
			   run_number(done, "duplicates"), run_number(done, "quarantined"));
		print_remaining(done);
	}
	if (code == CLI_OK && run_number(done, "failed") > 0)
		code = CLI_FAILED;
	json_decref(done);
	return code;
}

/* A dry run comes first: the operator confirms the number of requests that would be accepted. */
static int replay_counted(struct command_run *run)
{
	json_t *count = NULL;
	int code = replay(run, true, run->args.json && run->args.dry_run, &count);
	long long accepted = run_number(count, "accepted");
	bool last = run->args.dry_run || accepted == 0;
	if (code == CLI_OK && !run->args.json) {
		printf("%lld of %lld refused %s would be accepted now\n", accepted, run_number(count, "matched"),
			   run_plural(run_number(count, "matched"), "request", "requests"));
		if (last)
			print_remaining(count);
	}
	if (code == CLI_OK && run->args.json && last)
		code = run_print(count);
	if (code == CLI_OK && last && run_number(count, "failed") > 0)
		code = CLI_FAILED;
	json_decref(count);
	if (code != CLI_OK || last)
		return code;
	return run_confirm(run, accepted, "request", "requests") ? replay_now(run) : CLI_FAILED;
}

int cli_rejected_replay(struct command_run *run)
{
	assert(run->args.operand_count <= ARGS_OPERANDS_MAX);
	bool many = run->args.all || run->args.has_filter;
	if (run->args.operand_count > 0 && many)
		return run_usage("either name the requests, or use --all or --source NAME; not both");
	if (run->args.operand_count == 0 && !many)
		return run_usage("no request is named: give the numbers of requests, or --all, or --source NAME");
	return replay_counted(run);
}
