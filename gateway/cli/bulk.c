#include "gateway/cli/bulk.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/cli/interrupt.h"
#include "gateway/cli/remaining.h"
#include "saga/base/mem.h"

/* A daemon that does not answer is called again every 200 ms for one minute, which is enough for a restart.
 * Chosen; no measurement. */
#define RECONNECT_MS    200
#define RECONNECT_TRIES 300
/* The progress display changes after one slice of a job (JOB_SLICE_SAGAS sagas). */
#define PROGRESS_SAGAS 16
#define CLEAR_LINE     "\r\033[K"

struct bulk {
	struct command_run *run;
	const char *refusal;
	bool show_progress; /* standard error is a terminal */
	long long job, seen, total;
	json_t *summary; /* the last line of the answer, owned; NULL until it came */
};

/* ---- the answer, line by line ---- */

static int on_line(void *ctx, json_t *line)
{
	struct bulk *b = ctx;
	if (json_is_true(json_object_get(line, "done"))) {
		b->summary = json_incref(line);
		return 0;
	}
	b->seen++;
	if (b->run->args.json)
		return run_print(line) != CLI_OK;
	if (b->show_progress && (b->seen % PROGRESS_SAGAS == 0 || b->seen == b->total))
		fprintf(stderr, "\r%lld of %lld", b->seen, b->total);
	return 0;
}

/* The dry run carries the rate, too, so that the daemon reports a wrong rate before the user confirms. */
static json_t *body_of(const struct command_run *run, bool dry_run)
{
	return json_pack("{s:s, s:b, s:b, s:s*}", "reason", run->args.reason, "redo_in_doubt",
					 run->args.redo_in_doubt, "dry_run", dry_run, "rate", run->args.rate);
}

static char *path_of(const struct command_run *run)
{
	const char *filter = run->args.filter.len > 0 ? run->args.filter.data : "";
	return mem_printf("/v1/bulk/%s%s%s", run->verb, *filter != '\0' ? "?" : "", filter);
}

/* ---- counting ---- */

/* Prints what the verb leaves as it is. --yes cannot change these sagas; each text names what can. */
static void print_remaining(const json_t *summary)
{
	long long over = run_number(summary, "passed_over");
	if (over > 0)
		printf(
			"%lld open %s left out: this verb does not apply to %s (`saga show ID` prints which verb does)\n",
			over, run_plural(over, "saga is", "sagas are"), run_plural(over, "it", "them"));
	remaining_in_doubt(summary);
	remaining_held(summary);
}

/* Prints how many sagas match: with --json on standard error, because standard output then carries JSON only.
 * `last`: the command ends after the count, so the count is its result. */
static int print_count(const struct command_run *run, json_t *count, bool last)
{
	long long matched = run_number(count, "matched");
	if (!run->args.json) {
		printf("%lld %s\n", matched, run_plural(matched, "saga matches", "sagas match"));
		if (last)
			print_remaining(count);
		return CLI_OK;
	}
	if (last)
		return run_print(count);
	fprintf(stderr, "%lld match\n", matched);
	return CLI_OK;
}

/* Gives the summary of a dry run in *ret: a new reference, or NULL. */
static int count(struct command_run *run, json_t **ret)
{
	char *path AUTO_FREE = path_of(run);
	struct bulk bulk = { .run = run };
	int code = run_stream(run, "POST", path, body_of(run, true), &bulk, on_line);
	if (code == CLI_OK && bulk.summary == NULL)
		code = CLI_FAILED;
	*ret = bulk.summary;
	return code;
}

/* ---- the job ---- */

/* Makes the job with "wait": false, so that the answer is the job with its number. With the number, this
 * command can follow the job again after a restart of the daemon. */
static int make_job(struct command_run *run, long long total, json_t **ret)
{
	char *path AUTO_FREE = path_of(run);
	json_t *body = body_of(run, false);
	json_object_set_new(body, "wait", json_false());
	json_object_set_new(body, "expected", json_integer(total));
	return run_call(run, "POST", path, body, ret);
}

/* --no-wait: the number goes to standard output, for scripts; the hint goes to standard error. */
static int detach(const struct command_run *run, json_t *job)
{
	long long id = run_number(job, "job");
	if (run->args.json)
		return run_print(job);
	printf("job %lld\n", id);
	fprintf(stderr,
			"the job continues in the daemon. To see it: almoner job show %lld; to stop it: almoner job "
			"cancel %lld\n",
			id, id);
	return CLI_OK;
}

/* Reads the lines of the job until its summary. If the daemon restarts meanwhile, the job continues
 * afterwards, so this function connects again; RECONNECT_TRIES counts the failures since the last new line.
 */
static int follow_job(struct bulk *b)
{
	char *path AUTO_FREE = mem_printf("/v1/jobs/%lld/lines", b->job);
	int code = CLI_OK;
	for (unsigned i = 0; b->summary == NULL && i < RECONNECT_TRIES; i++) {
		if (i == 1)
			fprintf(stderr, "%salmoner: the daemon does not answer; job %lld continues when it runs again\n",
					b->show_progress ? CLEAR_LINE : "", b->job);
		if (i > 0)
			run_reconnect(b->run, RECONNECT_MS);
		long long before = b->seen;
		b->run->quiet = true;
		code = run_stream(b->run, "GET", path, NULL, b, on_line);
		b->run->quiet = false;
		if (code == CLI_NOT_FOUND || code == CLI_USAGE)
			break;
		i = b->seen > before ? 0 : i;
	}
	if (b->show_progress && b->seen > 0)
		fprintf(stderr, CLEAR_LINE);
	if (b->summary != NULL)
		return CLI_OK;
	fprintf(
		stderr,
		"almoner: no daemon answers; job %lld continues when the daemon is started. To see it: almoner job "
		"show %lld\n",
		b->job, b->job);
	return code == CLI_OK ? CLI_UNREACHABLE : code;
}

static void print_summary(const struct bulk *b)
{
	long long matched = run_number(b->summary, "matched");
	long long refused = run_number(b->summary, "refused");
	printf("%s: %lld of %lld %s changed\n", b->run->verb, run_number(b->summary, "moved"), matched,
		   run_plural(matched, "saga", "sagas"));
	if (refused > 0)
		printf("%lld refused, because %s: look with `saga show ID`\n", refused, b->refusal);
	print_remaining(b->summary);
}

/* Prints the summary. The exit code is CLI_FAILED unless the job reached its end and no saga was refused. */
static int report_end(const struct bulk *b)
{
	const char *state = run_text(b->summary, "state");
	int code = CLI_OK;
	if (b->run->args.json)
		code = run_print(b->summary);
	else
		print_summary(b);
	if (strcmp(state, "cancelled") == 0)
		fprintf(stderr, "almoner: job %lld was cancelled; the sagas that it had changed stay changed\n",
				b->job);
	if (strcmp(state, "failed") == 0)
		fprintf(stderr, "almoner: job %lld failed before its end: %s\n", b->job,
				run_text(b->summary, "problem"));
	bool whole = strcmp(state, "done") == 0 && run_number(b->summary, "refused") == 0;
	return code == CLI_OK && !whole ? CLI_FAILED : code;
}

/* Makes the job, then waits for its end or, with --no-wait, leaves it to the daemon. */
static int run_job(struct command_run *run, long long total, const char *refusal)
{
	json_t *job = NULL;
	int code = make_job(run, total, &job);
	struct bulk b = { .run = run,
					  .refusal = refusal,
					  .total = total,
					  .job = run_number(job, "job"),
					  .show_progress = isatty(STDERR_FILENO) == 1 };
	if (code == CLI_OK && json_is_true(json_object_get(job, "already")))
		fprintf(stderr, "almoner: the same operation already runs, as job %lld of %s\n", b.job,
				run_text(job, "actor"));
	if (code == CLI_OK && run->args.no_wait) {
		code = detach(run, job);
	} else if (code == CLI_OK) {
		struct interrupt *interrupt = interrupt_begin(b.job);
		code = follow_job(&b);
		interrupt_end(interrupt);
		if (code == CLI_OK)
			code = report_end(&b);
	}
	json_decref(b.summary);
	json_decref(job);
	return code;
}

/* The count always comes first: the user confirms a number, not a filter. */
int bulk_run(struct command_run *run, const char *refusal)
{
	assert(run->args.all && run->args.operand_count == 0);
	assert(refusal != NULL && *refusal != '\0');
	json_t *counted = NULL;
	int code = count(run, &counted);
	if (code != CLI_OK) {
		json_decref(counted);
		return code;
	}
	long long matched = run_number(counted, "matched");
	bool last = matched == 0 || run->args.dry_run;
	code = print_count(run, counted, last);
	json_decref(counted);
	if (last || code != CLI_OK)
		return code;
	return run_confirm(run, matched, "saga", "sagas") ? run_job(run, matched, refusal) : CLI_FAILED;
}
