/* POST /v1/sagas/ID/VERB: a verb on one saga or on one of its steps. */
#include <stdlib.h>
#include <string.h>

#include "gateway/admin/jobs/wait.h"
#include "gateway/admin/json.h"
#include "gateway/admin/verbs/act.h"
#include "gateway/admin/verbs/dry_run.h"
#include "gateway/admin/verbs/held_targets.h"
#include "gateway/admin/views/verb_json.h"

/* The longest "result" that an operator may give: the limit for the result of a connector. */
#define RESULT_BYTES_MAX ((size_t)64 * 1024)

/* The verb of the path. `resolve` is two verbs, which "as" in the body distinguishes; reprocess has a route
 * of its own. */
static int parse_verb(const char *word, const json_t *body, enum verb *ret, struct err *err)
{
	if (strcmp(word, "resolve") == 0) {
		const char *as = json_string_value(json_object_get(body, "as"));
		bool done = as != NULL && strcmp(as, "done") == 0;
		if (!done && (as == NULL || strcmp(as, "not_done") != 0))
			return err_set(
				err, ERR_INVALID,
				"resolve needs \"as\": \"done\" or \"not_done\", by what a check at the target showed");
		*ret = done ? VERB_RESOLVE_DONE : VERB_RESOLVE_NOT_DONE;
		return 0;
	}
	int verb = name_to_verb(word);
	if (verb < 0 || verb == VERB_REPROCESS)
		return err_set(err, ERR_INVALID,
					   "unknown verb \"%s\"; the verbs are resume, retry, redo, resolve, skip, pause, "
					   "cancel, compensate",
					   word);
	*ret = (enum verb)verb;
	return 0;
}

/* Reads the saga (the caller calls saga_destroy) and, unless `ret_held` is NULL, counts which of its steps
 * wait for a target that is held or paused. */
static int read_saga(struct admin_call *call, int64_t saga, struct saga **ret, struct held_targets *ret_held,
					 struct err *err)
{
	struct store_reader reader;
	int rc = call->api->open_reader(call->api->ctx, &reader, err);
	if (rc != 0)
		return rc;
	rc = reader.saga_get(reader.ctx, saga, ret, err);
	if (rc == ERR_NOT_FOUND)
		rc = err_set(err, rc, "there is no saga %lld", (long long)saga);
	if (rc == 0 && ret_held != NULL) {
		struct config *config = call->api->config(call->api->ctx);
		rc = held_targets_read(&reader, config, ret_held, err);
		config_unref(config);
		if (rc == 0)
			held_targets_count(ret_held, *ret);
		else
			saga_destroy(*ret);
	}
	reader.close(reader.ctx);
	return rc;
}

static void add_steps(struct buf *out, const struct plan *plan)
{
	for (unsigned i = 0; i < plan->step_count; i++)
		buf_printf(out, "%s%s", i > 0 ? ", " : "", plan->steps[i].name);
}

static int find_step(struct admin_call *call, int64_t saga, const char *name, int *ret, struct err *err)
{
	struct saga *s = NULL;
	int rc = read_saga(call, saga, &s, NULL, err);
	if (rc != 0)
		return rc;
	*ret = plan_find_step(s->plan, name);
	if (*ret < 0) {
		struct buf steps AUTO_BUF = { 0 };
		add_steps(&steps, s->plan);
		rc = err_set(err, ERR_NOT_FOUND, "saga %lld has no step \"%s\"; its steps: %s", (long long)saga, name,
					 steps.len > 0 ? steps.data : "none");
	}
	saga_destroy(s);
	return rc;
}

/* Later steps and look-ups read the result as they read a connector's, so it has the same bounds. */
static int take_result(const json_t *result, char **ret_text, struct err *err)
{
	if (!json_is_object(result))
		return err_set(err, ERR_INVALID, "\"result\" must be an object such as {\"id\": \"1042\"}");
	char *text = json_dumps(result, JSON_COMPACT | JSON_SORT_KEYS);
	if (text == NULL || strlen(text) > RESULT_BYTES_MAX) {
		free(text);
		return err_set(err, ERR_INVALID, "\"result\" is longer than 64 KiB; give only what later steps use");
	}
	*ret_text = text;
	return 0;
}

/* Fills *verb from path and body. *ret_result, which *verb may point to, is the caller's to free, also on an
 * error. */
static int prepare_verb(struct admin_call *call, int64_t saga, struct verb_call *verb, char **ret_result,
						struct err *err)
{
	*verb = (struct verb_call){ .step = -1,
								.actor = call->request->actor,
								.note = admin_call_note(call),
								.redo_in_doubt = admin_call_flag(call, "redo_in_doubt") };
	int rc = parse_verb(call->name[1], call->body, &verb->verb, err);
	const char *step = json_string_value(json_object_get(call->body, "step"));
	if (rc == 0 && step != NULL)
		rc = find_step(call, saga, step, &verb->step, err);
	json_t *result = json_object_get(call->body, "result");
	if (rc == 0 && result != NULL)
		rc = take_result(result, ret_result, err);
	verb->result_json = *ret_result;
	return rc;
}

/* Adds what became of the steps that had taken effect: how many are undone, how many are still being undone,
 * and the names of those that are kept because their connector cannot undo. */
static void add_undone(json_t *result, const struct saga *s)
{
	json_int_t undone = 0;
	json_int_t undoing = 0;
	json_t *kept = json_array();
	for (unsigned i = 0; i < s->step_count; i++) {
		const struct step *st = &s->steps[i];
		if (st->state == STEP_KEPT)
			json_array_append_new(kept, admin_json_text(s->plan->steps[i].name));
		else if (st->direction == DIRECTION_UNDO && st->state == STEP_SUCCEEDED)
			undone++;
		else if (st->direction == DIRECTION_UNDO && st->state != STEP_SKIPPED)
			undoing++;
	}
	json_object_set_new(result, "undone", json_integer(undone));
	json_object_set_new(result, "undoing", json_integer(undoing));
	json_object_set_new(result, "kept", kept);
}

/* The reply to a resume counts, for each target that is held or paused, the steps that still wait for it. The
 * saga is read again for that, because the journal's result names only one such target. */
static void reply_verb(struct admin_call *call, int64_t saga, enum verb verb, const struct verb_result *r)
{
	json_t *result = verb_json_result(r);
	struct saga *s = NULL;
	struct held_targets held = { 0 };
	if (r->held > 0 && read_saga(call, saga, &s, &held, NULL) == 0) {
		json_object_set_new(result, "held_targets", held_targets_json(&held));
		saga_destroy(s);
	}
	held_targets_finish(&held);
	if (verb == VERB_COMPENSATE && read_saga(call, saga, &s, NULL, NULL) == 0) {
		add_undone(result, s);
		saga_destroy(s);
	}
	admin_call_json(call, result);
}

static json_t *dry_run_json(const struct saga *s, enum verb verb, unsigned changed, unsigned doubt,
							const struct held_targets *held)
{
	json_t *result = json_pack("{s:b, s:i, s:i, s:I, s:s}", "dry_run", 1, "changed", (int)changed, "in_doubt",
							   (int)doubt, "held", (json_int_t)held_targets_total(held), "state",
							   name_of_saga_state((enum saga_state)s->state));
	json_object_set_new(result, "held_target", admin_json_text(held_targets_most(held)));
	json_object_set_new(result, "held_targets", held_targets_json(held));
	if (verb == VERB_COMPENSATE)
		add_undone(result, s);
	return result;
}

/* {"dry_run": true}: applies the verb to a copy of the saga and reports what it changed. */
static int dry_run_one(struct admin_call *call, int64_t saga, const struct verb_call *verb, struct err *err)
{
	struct saga *s = NULL;
	struct held_targets held = { 0 };
	int rc = read_saga(call, saga, &s, &held, err);
	if (rc != 0)
		return rc;
	unsigned changed = 0;
	unsigned doubt = 0;
	struct config *config = call->api->config(call->api->ctx);
	rc = dry_run_verb(s, config, call->api->now_ms(call->api->ctx), verb, &changed, &doubt, err);
	config_unref(config);
	if (rc == 0)
		admin_call_json(call, dry_run_json(s, verb->verb, changed, doubt, &held));
	held_targets_finish(&held);
	saga_destroy(s);
	return rc;
}

/* Runs the verb as a command and waits for its commit. */
static int apply_verb(struct admin_call *call, int64_t saga, const struct verb_call *verb, struct err *err)
{
	struct verb_wait wait;
	wait_verb_init(&wait);
	const struct command command = { .kind = COMMAND_VERB,
									 .ctx = &wait,
									 .u.verb = { .saga = saga, .call = verb, .done = wait_verb_done } };
	int rc = call->api->command(call->api->ctx, &command);
	if (rc == 0) {
		const struct verb_result *r = wait_verb_result(&wait);
		rc = r->code;
		if (rc == 0)
			reply_verb(call, saga, verb->verb, r);
		else
			*err = r->err;
	}
	wait_verb_finish(&wait);
	return rc;
}

void act_saga(struct admin_call *call)
{
	int64_t saga = admin_call_saga_id(call);
	if (saga == 0)
		return;
	struct verb_call verb;
	char *result = NULL;
	struct err err = { 0 };
	int rc = prepare_verb(call, saga, &verb, &result, &err);
	if (rc == 0)
		rc = admin_call_flag(call, "dry_run") ? dry_run_one(call, saga, &verb, &err)
											  : apply_verb(call, saga, &verb, &err);
	if (rc != 0)
		admin_call_fail(call, rc, err.text);
	free(result);
}
