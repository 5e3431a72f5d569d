/* What changes sagas, one step or some sagas at a time; events and targets. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/cli/bulk.h"
#include "gateway/cli/remaining.h"
#include "gateway/cli/run.h"
#include "saga/base/mem.h"

/* ---- results ---- */

static void print_names(const json_t *names)
{
	size_t i;
	json_t *name;
	json_array_foreach(names, i, name)(void) printf("%s%s", i > 0 ? ", " : "", json_string_value(name));
}

/* "compensated" alone would let a person believe that everything was undone. */
static void print_undone(const json_t *result)
{
	const json_t *kept = json_object_get(result, "kept");
	if (kept == NULL) /* another verb */
		return;
	long long undone = run_number(result, "undone");
	long long undoing = run_number(result, "undoing");
	if (undone > 0)
		(void)printf("%lld %s undone\n", undone, run_plural(undone, "step is", "steps are"));
	if (undoing > 0)
		(void)printf("%lld %s to be undone\n", undoing, run_plural(undoing, "step is", "steps are"));
	if (json_array_size(kept) == 0)
		return;
	bool one = json_array_size(kept) == 1;
	(void)printf("%s", undone + undoing == 0 ? "nothing could be undone: " : "");
	print_names(kept);
	(void)printf(one ? " is kept (its connector cannot undo); undo it by hand at the target\n"
					 : " are kept (their connectors cannot undo); undo them by hand at the target\n");
}

/* Whoever resolves as not done often means "so send it": that is another verb. */
static void print_resolved(const struct command_run *run)
{
	if (strcmp(run->verb, "resolve") == 0 && run->args.not_done)
		(void)printf("%s is marked as not done and stays so; to send it: almoner saga redo %s %s\n",
					 run->args.operands[1], run->args.operands[0], run->args.operands[1]);
}

static void print_result(const struct command_run *run, const json_t *result)
{
	bool dry_run = json_is_true(json_object_get(result, "dry_run"));
	bool changed = run_number(result, "changed") > 0;
	const char *did = changed ? (dry_run ? "would be done" : "done") : "nothing to change";
	(void)printf("%s: %s; the saga %s %s\n", run->verb, did, dry_run && changed ? "would be" : "is now",
				 run_text(result, "state"));
	print_undone(result);
	if (changed)
		print_resolved(run);
	remaining_in_doubt(result);
	remaining_held(result);
}

static int change(struct command_run *run, const char *path, json_t *body)
{
	json_t *result = NULL;
	int code = run_call(run, "POST", path, body, &result);
	if (code == CLI_OK && run->args.json)
		code = run_print(result);
	else if (code == CLI_OK)
		print_result(run, result);
	json_decref(result);
	return code;
}

/* ---- one step ---- */

int cli_verbs_step(struct command_run *run)
{
	bool resolve = strcmp(run->verb, "resolve") == 0;
	if (resolve && run->args.done == run->args.not_done)
		return run_usage("say what you found: saga resolve ID STEP --done, or --not-done");
	struct buf path AUTO_BUF = { 0 };
	buf_text(&path, "/v1/sagas/");
	args_encode(&path, run->args.operands[0]);
	buf_printf(&path, "/%s", run->verb);
	json_t *body = json_pack("{s:s, s:s}", "step", run->args.operands[1], "reason", run->args.reason);
	if (body == NULL)
		return run_usage("the words are not UTF-8");
	if (resolve)
		json_object_set_new(body, "as", json_string(run->args.done ? "done" : "not_done"));
	if (run->args.id != NULL)
		json_object_set_new(body, "result", json_pack("{s:s}", "id", run->args.id));
	return change(run, path.data, body);
}

/* ---- several sagas ---- */

static int change_each(struct command_run *run)
{
	int worst = CLI_OK;
	for (size_t i = 0; i < run->args.operand_count; i++) {
		struct buf path AUTO_BUF = { 0 };
		buf_text(&path, "/v1/sagas/");
		args_encode(&path, run->args.operands[i]);
		buf_printf(&path, "/%s", run->verb);
		json_t *body = json_pack("{s:s, s:b, s:b}", "reason", run->args.reason, "redo_in_doubt",
								 run->args.redo_in_doubt, "dry_run", run->args.dry_run);
		if (!run->args.json && run->args.operand_count > 1)
			(void)printf("saga %s: ", run->args.operands[i]);
		int code = change(run, path.data, body);
		worst = code != CLI_OK ? code : worst;
	}
	return worst;
}

static int one_by_one_or_all(struct command_run *run, run_command *one_by_one)
{
	bool bulk_only = run->args.no_wait || run->args.rate != NULL;
	if (run->args.operand_count > 0 && (run->args.all || run->args.has_filter || bulk_only))
		return run_usage(bulk_only && !run->args.all ? "--rate and --no-wait go with --all"
													 : "name them, or say --all with filters, not both");
	if (run->args.operand_count > 0)
		return one_by_one(run);
	if (!run->args.all)
		return run_usage("which ones? name them, or say --all (and filters)");
	return cli_bulk_run(run);
}

int cli_verbs_sagas(struct command_run *run)
{
	return one_by_one_or_all(run, change_each);
}

/* ---- events and targets ---- */

static int each_event(struct command_run *run, const char *name)
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

static int reprocess_each(struct command_run *run)
{
	if (run->args.dry_run)
		return run_usage("--dry-run goes with --all: `source try` shows what one event maps to");
	int worst = CLI_OK;
	for (size_t i = 0; i < run->args.operand_count; i++) {
		int code = each_event(run, run->args.operands[i]);
		worst = code != CLI_OK ? code : worst;
	}
	return worst;
}

int cli_verbs_events(struct command_run *run)
{
	return one_by_one_or_all(run, reprocess_each);
}

static void print_target_result(const struct command_run *run, const json_t *result)
{
	bool resume = strcmp(run->verb, "resume") == 0;
	bool changed = run_number(result, "changed") > 0;
	const char *now = resume
						  ? (changed ? "resumed" : "was neither paused nor held")
						  : (changed ? "paused; events go on being accepted and wait" : "was paused already");
	(void)printf("target %s: %s\n", run->args.operands[0], now);
	if (resume && *run_text(result, "paused_by") != '\0')
		(void)printf(
			"it stays paused: \"paused\": true stands in its configuration; change it there and reload "
			"(SIGHUP)\n");
}

int cli_verbs_target(struct command_run *run)
{
	struct buf path AUTO_BUF = { 0 };
	buf_text(&path, "/v1/targets/");
	args_encode(&path, run->args.operands[0]);
	buf_printf(&path, "/%s", run->verb);
	json_t *result = NULL;
	int code = run_call(run, "POST", path.data, json_pack("{s:s}", "reason", run->args.reason), &result);
	if (code == CLI_OK && run->args.json)
		code = run_print(result);
	else if (code == CLI_OK)
		print_target_result(run, result);
	json_decref(result);
	return code;
}
