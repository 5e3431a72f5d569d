/* What people do to one saga, one target, one event. */
#include <stdlib.h>
#include <string.h>

#include "gateway/admin/act.h"
#include "gateway/admin/find.h"
#include "gateway/admin/saga_json.h"
#include "gateway/admin/wait.h"

json_t *act_result_json(const struct verb_result *r)
{
	return json_pack("{s:i, s:i, s:i, s:o, s:s}", "changed", (int)r->changed, "in_doubt", (int)r->in_doubt,
					 "held", (int)r->held, "held_target", admin_text(r->held_target), "state",
					 saga_state_name(r->state));
}

static void reply_result(struct call *call, const struct verb_result *r)
{
	if (r->code != 0)
		call_fail(call, r->code, r->err.text);
	else
		call_json(call, act_result_json(r));
}

/* ---- sagas ---- */

int act_parse_verb(const char *word, const json_t *body, enum verb *ret, struct err *err)
{
	if (strcmp(word, "resolve") == 0) {
		const char *as = json_string_value(json_object_get(body, "as"));
		bool done = as != NULL && strcmp(as, "done") == 0;
		if (!done && (as == NULL || strcmp(as, "not_done") != 0))
			return err_set(
				err, ERR_INVALID,
				"resolve needs \"as\": \"done\" or \"not_done\": what did you find when you checked?");
		*ret = done ? VERB_RESOLVE_DONE : VERB_RESOLVE_NOT_DONE;
		return 0;
	}
	int verb = verb_from_name(word);
	if (verb < 0 || verb == VERB_REPROCESS)
		return err_set(
			err, ERR_INVALID,
			"unknown verb \"%s\"; there are resume, retry, redo, resolve, skip, pause, cancel, compensate",
			word);
	*ret = (enum verb)verb;
	return 0;
}

static int find_step(struct call *call, int64_t saga, const char *name, int *ret, struct err *err)
{
	struct store_reader reader;
	int rc = call->api->open_reader(call->api->ctx, &reader, err);
	if (rc != 0)
		return rc;
	struct saga *s = NULL;
	rc = reader.saga_get(reader.ctx, saga, &s, err);
	reader.close(reader.ctx);
	if (rc == ERR_NOT_FOUND)
		return err_set(err, rc, "there is no saga %lld", (long long)saga);
	if (rc != 0)
		return rc;
	*ret = plan_find_step(s->plan, name);
	if (*ret < 0)
		rc = err_set(err, ERR_NOT_FOUND, "saga %lld has no step \"%s\"", (long long)saga, name);
	saga_destroy(s);
	return rc;
}

static int prepare_verb(struct call *call, int64_t saga, struct verb_call *verb, char **ret_result,
						struct err *err)
{
	*verb = (struct verb_call){ .step = -1,
								.actor = call->request->actor,
								.note = call_note(call),
								.redo_in_doubt = call_flag(call, "redo_in_doubt") };
	int rc = act_parse_verb(call->name[1], call->body, &verb->verb, err);
	const char *step = json_string_value(json_object_get(call->body, "step"));
	if (rc == 0 && step != NULL)
		rc = find_step(call, saga, step, &verb->step, err);
	json_t *result = json_object_get(call->body, "result");
	if (rc == 0 && result != NULL) {
		*ret_result = json_dumps(result, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
		verb->result_json = *ret_result;
	}
	return rc;
}

void act_saga(struct call *call)
{
	int64_t saga = call_saga_id(call, 0);
	if (saga == 0)
		return;
	struct verb_call verb;
	char *result = NULL;
	struct err err = { 0 };
	int rc = prepare_verb(call, saga, &verb, &result, &err);
	struct wait wait;
	wait_init(&wait);
	if (rc == 0)
		rc = journal_verb(call->api->journal, saga, &verb, &wait, wait_done);
	if (rc != 0)
		call_fail(call, rc, err.text);
	else
		reply_result(call, wait_result(&wait));
	wait_finish(&wait);
	free(result);
}

/* ---- targets ---- */

void act_target(struct call *call)
{
	bool pause = strcmp(call->name[1], "pause") == 0;
	if (!pause && strcmp(call->name[1], "resume") != 0) {
		call_fail(call, ERR_INVALID, "a target takes the verbs pause and resume");
		return;
	}
	struct wait wait;
	wait_init(&wait);
	int rc = journal_target_act(call->api->journal, call->name[0], pause ? TARGET_PAUSE : TARGET_RESUME,
								call->request->actor, call_note(call), &wait, wait_done);
	if (rc != 0)
		call_fail(call, rc, rc == ERR_NOT_FOUND ? "there is no target of this name" : NULL);
	else
		reply_result(call, wait_result(&wait));
	wait_finish(&wait);
}

/* ---- events ---- */

void act_reprocess(struct call *call)
{
	struct store_reader reader;
	if (!call_open_reader(call, &reader))
		return;
	struct err err = { 0 };
	int64_t saga = 0;
	struct event *event = NULL;
	int rc = find_saga(call, &reader, &saga, &err);
	if (rc == 0)
		rc = reader.event_get(reader.ctx, saga, &event, &err);
	reader.close(reader.ctx);
	struct wait wait;
	wait_init(&wait);
	if (rc == 0)
		rc = call->api->reprocess(call->api->ctx, saga, event, call->request->actor, call_note(call), &wait,
								  wait_done, &err);
	if (rc != 0)
		call_fail(call, rc, err.text);
	else
		reply_result(call, wait_result(&wait));
	wait_finish(&wait);
	event_unref(event);
}
