/* What changes sagas: one step, some sagas, or all that match. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/cli/run.h"
#include "saga/base/mem.h"

/* ---- one step ---- */

static void print_result(const struct run *run, const json_t *result)
{
	long long changed = run_number(result, "changed");
	(void)printf("%s: %s; the saga is %s now\n", run->verb, changed > 0 ? "done" : "nothing to change",
				 run_text(result, "state"));
	if (run_number(result, "in_doubt") > 0)
		(void)printf("%lld in doubt left standing: check at the target, then `saga resolve`, or send again "
					 "with `saga redo`\n",
					 run_number(result, "in_doubt"));
	if (run_number(result, "held") > 0)
		(void)printf("%lld wait because target %s is held or paused: target resume %s\n",
					 run_number(result, "held"), run_text(result, "held_target"),
					 run_text(result, "held_target"));
}

static int print_json(json_t *value)
{
	char *text AUTO_FREE = json_dumps(value, JSON_COMPACT);
	return text != NULL && puts(text) != EOF ? CLI_OK : CLI_FAILED;
}

static int change(struct run *run, const char *path, json_t *body)
{
	json_t *result = NULL;
	int code = run_call(run, "POST", path, body, &result);
	if (code == CLI_OK && run->args.json)
		code = print_json(result);
	else if (code == CLI_OK)
		print_result(run, result);
	json_decref(result);
	return code;
}

int sagas_verb(struct run *run)
{
	bool resolve = strcmp(run->verb, "resolve") == 0;
	if (resolve && run->args.done == run->args.not_done)
		return run_usage("say what you found: saga resolve ID STEP --done, or --not-done");
	struct buf path AUTO_BUF = { 0 };
	buf_text(&path, "/v1/sagas/");
	args_encode(&path, run->args.words[0]);
	buf_printf(&path, "/%s", run->verb);
	json_t *body = json_pack("{s:s, s:s}", "step", run->args.words[1], "reason", run->args.reason);
	if (body == NULL)
		return run_usage("the words are not UTF-8");
	if (resolve)
		json_object_set_new(body, "as", json_string(run->args.done ? "done" : "not_done"));
	if (run->args.id != NULL)
		json_object_set_new(body, "result", json_pack("{s:s}", "id", run->args.id));
	return change(run, path.data, body);
}

/* ---- several sagas ---- */

static int change_each(struct run *run)
{
	int worst = CLI_OK;
	for (size_t i = 0; i < run->args.word_count; i++) {
		struct buf path AUTO_BUF = { 0 };
		buf_text(&path, "/v1/sagas/");
		args_encode(&path, run->args.words[i]);
		buf_printf(&path, "/%s", run->verb);
		json_t *body =
			json_pack("{s:s, s:b}", "reason", run->args.reason, "redo_in_doubt", run->args.redo_in_doubt);
		if (run->args.dry_run) {
			(void)printf("would %s saga %s\n", run->verb, run->args.words[i]);
			json_decref(body);
			continue;
		}
		if (!run->args.json && run->args.word_count > 1)
			(void)printf("saga %s: ", run->args.words[i]);
		int code = change(run, path.data, body);
		worst = code != CLI_OK ? code : worst;
	}
	return worst;
}

struct bulk {
	const struct run *run;
	bool show; /* a progress line on a terminal */
	long long seen;
	json_t *summary;
};

static int on_bulk_line(void *ctx, json_t *line)
{
	struct bulk *b = ctx;
	if (json_is_true(json_object_get(line, "done"))) {
		b->summary = json_incref(line);
		return 0;
	}
	b->seen++;
	if (b->run->args.json)
		return print_json(line) != CLI_OK;
	if (b->show)
		(void)fprintf(stderr, "\r%lld …", b->seen);
	return 0;
}

static int bulk_call(struct run *run, bool dry_run, json_t **ret_summary)
{
	const char *filter = run->args.filter.len > 0 ? run->args.filter.data : "";
	char *path AUTO_FREE = mem_printf("/v1/bulk/%s%s%s", run->verb, *filter != '\0' ? "?" : "", filter);
	json_t *body = json_pack("{s:s, s:b, s:b}", "reason", run->args.reason, "redo_in_doubt",
							 run->args.redo_in_doubt, "dry_run", dry_run);
	struct bulk bulk = { .run = run, .show = !dry_run && isatty(STDERR_FILENO) == 1 };
	int code = run_stream(run, "POST", path, body, &bulk, on_bulk_line);
	if (bulk.show && bulk.seen > 0)
		(void)fprintf(stderr, "\r");
	if (code == CLI_OK && bulk.summary == NULL)
		code = CLI_FAILED;
	*ret_summary = bulk.summary;
	return code;
}

static bool confirmed(const struct run *run, long long count)
{
	if (run->args.yes)
		return true;
	if (isatty(STDIN_FILENO) != 1) {
		(void)fprintf(stderr, "almoner: not on a terminal: say --yes to go ahead\n");
		return false;
	}
	(void)printf("%s %lld sagas? [y/N] ", run->verb, count);
	(void)fflush(stdout);
	char answer[8];
	return fgets(answer, sizeof answer, stdin) != NULL && (answer[0] == 'y' || answer[0] == 'Y');
}

static void print_summary(const struct run *run, const json_t *summary)
{
	(void)printf("%s: %lld of %lld sagas moved (%lld steps)\n", run->verb, run_number(summary, "moved"),
				 run_number(summary, "matched"), run_number(summary, "steps"));
	if (run_number(summary, "refused") > 0)
		(void)printf("%lld refused: look with `saga show ID`\n", run_number(summary, "refused"));
	if (run_number(summary, "in_doubt") > 0)
		(void)printf("%lld steps in doubt left standing: settle with `saga resolve`, or go over them with "
					 "--redo-in-doubt\n",
					 run_number(summary, "in_doubt"));
	if (run_number(summary, "held") > 0)
		(void)printf("%lld steps wait because a target is held or paused: target resume %s\n",
					 run_number(summary, "held"), run_text(summary, "held_target"));
}

static int bulk_go(struct run *run)
{
	json_t *summary = NULL;
	int code = bulk_call(run, false, &summary);
	if (code == CLI_OK && run->args.json)
		code = print_json(summary);
	else if (code == CLI_OK)
		print_summary(run, summary);
	if (code == CLI_OK && run_number(summary, "refused") > 0)
		code = CLI_FAILED;
	json_decref(summary);
	return code;
}

int sagas_resume(struct run *run)
{
	if (run->args.word_count > 0 && (run->args.all || run->args.has_filter))
		return run_usage("name sagas, or say --all with filters, not both");
	if (run->args.word_count > 0)
		return change_each(run);
	if (!run->args.all)
		return run_usage("which sagas? name their numbers, or say --all (and filters)");
	json_t *count = NULL;
	int code = bulk_call(run, true, &count);
	long long matched = run_number(count, "matched");
	json_decref(count);
	if (code != CLI_OK)
		return code;
	if (!run->args.json || run->args.dry_run)
		(void)printf(run->args.json ? "{\"matched\":%lld}\n" : "%lld sagas match\n", matched);
	if (matched == 0 || run->args.dry_run)
		return CLI_OK;
	return confirmed(run, matched) ? bulk_go(run) : CLI_FAILED;
}

/* ---- events and targets ---- */

static int each_event(struct run *run, const char *name)
{
	struct buf path AUTO_BUF = { 0 };
	buf_text(&path, "/v1/reprocess/");
	const char *slash = strchr(name, '/');
	if (slash != NULL) {
		char *source AUTO_FREE = mem_strndup(name, (size_t)(slash - name));
		args_encode(&path, source);
		buf_byte(&path, '/');
		args_encode(&path, slash + 1);
	} else {
		args_encode(&path, name);
	}
	return change(run, path.data, json_pack("{s:s}", "reason", run->args.reason));
}

int events_reprocess(struct run *run)
{
	int worst = CLI_OK;
	for (size_t i = 0; i < run->args.word_count; i++) {
		int code = each_event(run, run->args.words[i]);
		worst = code != CLI_OK ? code : worst;
	}
	return worst;
}

int targets_act(struct run *run)
{
	struct buf path AUTO_BUF = { 0 };
	buf_text(&path, "/v1/targets/");
	args_encode(&path, run->args.words[0]);
	buf_printf(&path, "/%s", run->verb);
	json_t *result = NULL;
	int code = run_call(run, "POST", path.data, json_pack("{s:s}", "reason", run->args.reason), &result);
	if (code == CLI_OK && run->args.json)
		code = print_json(result);
	else if (code == CLI_OK)
		(void)printf("target %s: %s\n", run->args.words[0],
					 run_number(result, "changed") == 0 ? "was so already"
					 : strcmp(run->verb, "pause") == 0  ? "paused; events go on being accepted and wait"
														: "resumed");
	json_decref(result);
	return code;
}
