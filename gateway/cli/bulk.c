#include "gateway/cli/bulk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/cli/interrupt.h"
#include "gateway/cli/remaining.h"
#include "saga/base/mem.h"

#define RECONNECT_MS    200
#define RECONNECT_TRIES 300 /* so often a daemon that is gone is looked for: a minute */

struct bulk {
	struct command_run *run;
	bool show; /* a progress line on a terminal */
	long long job, seen, total;
	json_t *summary;
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
	if (b->show && (b->seen % 16 == 0 || b->seen == b->total))
		(void)fprintf(stderr, "\r%lld of %lld", b->seen, b->total);
	return 0;
}

static json_t *body_of(const struct command_run *run, bool dry_run)
{
	/* The rate with the count, too: a wrong one is said before anything is asked. */
	return json_pack("{s:s, s:b, s:b, s:s*}", "reason", run->args.reason, "redo_in_doubt",
					 run->args.redo_in_doubt, "dry_run", dry_run, "rate", run->args.rate);
}

static char *path_of(const struct command_run *run)
{
	const char *filter = run->args.filter.len > 0 ? run->args.filter.data : "";
	return mem_printf("/v1/bulk/%s%s%s", run->verb, *filter != '\0' ? "?" : "", filter);
}

/* ---- counting ---- */

/* What no --yes will move. */
static void print_remaining(const json_t *summary)
{
	long long over = run_number(summary, "passed_over");
	if (over > 0)
		(void)printf("%lld passed over: this verb is not for %s (`saga show ID` says what is)\n", over,
					 run_plural(over, "it", "them"));
	remaining_in_doubt(summary);
	remaining_held(summary);
}

/* The count comes first, for people and (on stderr) for programs. */
static int print_count(const struct command_run *run, json_t *count, bool last)
{
	long long matched = run_number(count, "matched");
	if (!run->args.json) {
		(void)printf("%lld %s\n", matched, run_plural(matched, "saga matches", "sagas match"));
		if (last)
			print_remaining(count);
		return CLI_OK;
	}
	if (last)
		return run_print(count);
	(void)fprintf(stderr, "%lld match\n", matched);
	return CLI_OK;
}

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

/* The job in the daemon, by its number; an old daemon's stream would not do. */
static int make_job(struct command_run *run, long long total, json_t **ret)
{
	char *path AUTO_FREE = path_of(run);
	json_t *body = body_of(run, false);
	json_object_set_new(body, "wait", json_false());
	json_object_set_new(body, "expected", json_integer(total));
	return run_call(run, "POST", path, body, ret);
}

static int detach(const struct command_run *run, json_t *job)
{
	long long id = run_number(job, "job");
	if (run->args.json)
		return run_print(job);
	(void)printf("job %lld\n", id);
	(void)fprintf(stderr,
				  "it goes on in the daemon: almoner job show %lld; to end it: almoner job cancel %lld\n", id,
				  id);
	return CLI_OK;
}

/* The daemon may be restarted meanwhile: the job goes on after it, and so do we. */
static int follow_job(struct bulk *b)
{
	char *path AUTO_FREE = mem_printf("/v1/jobs/%lld/lines", b->job);
	int code = CLI_OK;
	for (unsigned i = 0; b->summary == NULL && i < RECONNECT_TRIES; i++) {
		if (i == 1)
			(void)fprintf(stderr, "%salmoner: the daemon is gone; job %lld goes on when it is back\n",
						  b->show ? "\r\033[K" : "", b->job);
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
	if (b->show && b->seen > 0)
		(void)fprintf(stderr, "\r\033[K");
	if (b->summary != NULL)
		return CLI_OK;
	(void)fprintf(stderr,
				  "almoner: no daemon answers; job %lld goes on when it is started: almoner job show %lld\n",
				  b->job, b->job);
	return code == CLI_OK ? CLI_UNREACHABLE : code;
}

static void print_summary(const struct command_run *run, const json_t *summary)
{
	long long matched = run_number(summary, "matched");
	(void)printf("%s: %lld of %lld %s moved\n", run->verb, run_number(summary, "moved"), matched,
				 run_plural(matched, "saga", "sagas"));
	bool reprocesses = strcmp(run->verb, "reprocess") == 0;
	if (run_number(summary, "refused") > 0)
		(void)printf("%lld refused, as they %s: look with `saga show ID`\n", run_number(summary, "refused"),
					 reprocesses ? "are still not usable" : "had moved on meanwhile");
	print_remaining(summary);
}

static int report_end(const struct bulk *b)
{
	const char *state = run_text(b->summary, "state");
	int code = CLI_OK;
	if (b->run->args.json)
		code = run_print(b->summary);
	else
		print_summary(b->run, b->summary);
	if (strcmp(state, "cancelled") == 0)
		(void)fprintf(stderr, "almoner: job %lld was cancelled; what it had moved stays moved\n", b->job);
	if (strcmp(state, "failed") == 0)
		(void)fprintf(stderr, "almoner: job %lld did not come to its end: %s\n", b->job,
					  run_text(b->summary, "problem"));
	bool whole = strcmp(state, "done") == 0 && run_number(b->summary, "refused") == 0;
	return code == CLI_OK && !whole ? CLI_FAILED : code;
}

static int run_job(struct command_run *run, long long total)
{
	json_t *job = NULL;
	int code = make_job(run, total, &job);
	struct bulk b = {
		.run = run, .total = total, .job = run_number(job, "job"), .show = isatty(STDERR_FILENO) == 1
	};
	if (code == CLI_OK && json_is_true(json_object_get(job, "already")))
		(void)fprintf(stderr, "almoner: the same is under way already, as job %lld by %s\n", b.job,
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

int cli_bulk_run(struct command_run *run)
{
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
	return run_confirm(run, matched, "saga", "sagas") ? run_job(run, matched) : CLI_FAILED;
}
