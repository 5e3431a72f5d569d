/* The commands that change a step, sagas, events or a target. With --all they go to bulk.c. */
#include <assert.h>
#include <stdio.h>

#include "gateway/cli/bulk.h"
#include "gateway/cli/remaining.h"
#include "gateway/cli/run.h"

/* ---- results ---- */

static void print_names(const json_t *names)
{
	size_t i;
	json_t *name;
	json_array_foreach(names, i, name) printf("%s%s", i > 0 ? ", " : "", json_string_value(name));
}

/* The answer of `saga compensate`: how many steps are undone, and which cannot be. Without this, the state
 * "compensated" would suggest that everything was undone. */
static void print_undone(const json_t *result)
{
	bool would = json_is_true(json_object_get(result, "dry_run")) && run_number(result, "changed") > 0;
	const json_t *kept = json_object_get(result, "kept");
	if (kept == NULL) /* the answer of another verb has no member `kept` */
		return;
	long long undone = run_number(result, "undone");
	long long undoing = run_number(result, "undoing");
	if (undone > 0)
		printf("%lld %s undone\n", undone, run_plural(undone, "step is", "steps are"));
	if (undoing > 0)
		printf(would ? "%lld %s be undone\n" : "%lld %s still to be undone\n", undoing,
			   would ? run_plural(undoing, "step would", "steps would")
					 : run_plural(undoing, "step is", "steps are"));
	if (json_array_size(kept) == 0)
		return;
	bool one = json_array_size(kept) == 1;
	printf("%s", undone + undoing == 0 ? "nothing could be undone: " : "");
	print_names(kept);
	printf(" %s kept, because %s cannot undo; undo %s by hand at the target\n",
		   would ? "would be" : run_plural((long long)json_array_size(kept), "is", "are"),
		   one ? "its connector" : "their connectors", one ? "it" : "them");
}

static void print_result(const struct command_run *run, const json_t *result)
{
	bool dry_run = json_is_true(json_object_get(result, "dry_run"));
	bool changed = run_number(result, "changed") > 0;
	const char *did = changed ? (dry_run ? "would be done" : "done") : "nothing to change";
	printf("%s: %s; the saga %s %s\n", run->verb, did, dry_run && changed ? "would be" : "is now",
		   run_text(result, "state"));
	print_undone(result);
	remaining_in_doubt(result);
	remaining_held(result);
}

/* Sends a verb and prints its result. Takes `body`. */
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

static void step_path(const struct command_run *run, struct buf *out)
{
	buf_text(out, "/v1/sagas/");
	args_encode(out, run->args.operands[0]);
	buf_printf(out, "/%s", run->verb);
}

static json_t *step_body(const struct command_run *run)
{
	return json_pack("{s:s, s:s}", "step", run->args.operands[1], "reason", run->args.reason);
}

int cli_verbs_step(struct command_run *run)
{
	assert(run->args.operand_count == 2);
	struct buf path AUTO_BUF = { 0 };
	step_path(run, &path);
	return change(run, path.data, step_body(run));
}

/* Operators who resolve a step as not done often want to send it again. That is the verb redo, so the hint
 * names it. */
int cli_verbs_resolve(struct command_run *run)
{
	assert(run->args.operand_count == 2);
	if (run->args.done == run->args.not_done)
		return run_usage("what did the check show? saga resolve ID STEP --done, or --not-done");
	struct buf path AUTO_BUF = { 0 };
	step_path(run, &path);
	json_t *body = step_body(run);
	json_object_set_new(body, "as", json_string(run->args.done ? "done" : "not_done"));
	if (run->args.id != NULL)
		json_object_set_new(body, "result", json_pack("{s:s}", "id", run->args.id));
	int code = change(run, path.data, body);
	if (code == CLI_OK && run->args.not_done && !run->args.json)
		printf("%s is marked as not done and is not sent again; to send it: almoner saga redo %s %s\n",
			   run->args.operands[1], run->args.operands[0], run->args.operands[1]);
	return code;
}

/* ---- several sagas ---- */

/* One call for each saga; a failure does not stop the calls for the sagas after it. The exit code is that of
 * the last failure. */
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
			printf("saga %s: ", run->args.operands[i]);
		int code = change(run, path.data, body);
		worst = code != CLI_OK ? code : worst;
	}
	return worst;
}

/* Named things are changed one after the other; --all makes a bulk operation. `refusal`: see bulk_run. */
static int one_by_one_or_all(struct command_run *run, run_command *one_by_one, const char *refusal)
{
	bool bulk_only = run->args.no_wait || run->args.rate != NULL;
	if (run->args.operand_count > 0 && (run->args.all || run->args.has_filter || bulk_only))
		return run_usage(bulk_only && !run->args.all
							 ? "--rate and --no-wait need --all"
							 : "either name them, or use --all with filters; not both");
	if (run->args.operand_count > 0)
		return one_by_one(run);
	if (!run->args.all)
		return run_usage("nothing is named: give ids, or --all (with filters)");
	return bulk_run(run, refusal);
}

int cli_verbs_sagas(struct command_run *run)
{
	assert(run->args.operand_count <= ARGS_OPERANDS_MAX);
	return one_by_one_or_all(run, change_each, "their state had changed meanwhile");
}

/* ---- events and targets ---- */

static int reprocess_each(struct command_run *run)
{
	if (run->args.dry_run)
		return run_usage("--dry-run needs --all; `source try` shows what one event is mapped to");
	int worst = CLI_OK;
	for (size_t i = 0; i < run->args.operand_count; i++) {
		struct buf path AUTO_BUF = { 0 };
		run_event_path("/v1/reprocess/", run->args.operands[i], &path);
		int code = change(run, path.data, json_pack("{s:s}", "reason", run->args.reason));
		worst = code != CLI_OK ? code : worst;
	}
	return worst;
}

int cli_verbs_events(struct command_run *run)
{
	assert(run->args.operand_count <= ARGS_OPERANDS_MAX);
	return one_by_one_or_all(run, reprocess_each, "the events still cannot be mapped");
}

static const char *pause_text(bool changed)
{
	return changed ? "paused; events are still accepted and wait" : "was already paused";
}

static const char *resume_text(bool changed)
{
	return changed ? "resumed" : "was neither paused nor held";
}

/* A verb does not end a pause that the configuration sets; the answer to a resume then has `paused_by`. */
static int change_target(struct command_run *run, const char *(*text)(bool changed))
{
	struct buf path AUTO_BUF = { 0 };
	buf_text(&path, "/v1/targets/");
	args_encode(&path, run->args.operands[0]);
	buf_printf(&path, "/%s", run->verb);
	json_t *result = NULL;
	int code = run_call(run, "POST", path.data, json_pack("{s:s}", "reason", run->args.reason), &result);
	if (code == CLI_OK && run->args.json) {
		code = run_print(result);
	} else if (code == CLI_OK) {
		printf("target %s: %s\n", run->args.operands[0], text(run_number(result, "changed") > 0));
		if (text == resume_text && *run_text(result, "paused_by") != '\0')
			printf("the target stays paused, because its configuration has \"paused\": true; change that and "
				   "reload (SIGHUP)\n");
	}
	json_decref(result);
	return code;
}

int cli_verbs_target_pause(struct command_run *run)
{
	assert(run->args.operand_count == 1);
	return change_target(run, pause_text);
}

int cli_verbs_target_resume(struct command_run *run)
{
	assert(run->args.operand_count == 1);
	return change_target(run, resume_text);
}
