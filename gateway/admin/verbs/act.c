/* Verbs on one target, one event or one job. */
#include "gateway/admin/verbs/act.h"

#include <string.h>

#include "gateway/admin/jobs/jobs.h"
#include "gateway/admin/jobs/wait.h"
#include "gateway/admin/views/job_json.h"
#include "gateway/admin/views/verb_json.h"

/* ---- targets ---- */

/* `paused_by`: the target stays paused after a resume, because its configuration pauses it. */
static void reply_target(struct admin_call *call, const struct verb_result *r)
{
	if (r->code != 0) {
		admin_call_fail(call, r->code, r->err.text);
		return;
	}
	json_t *result = json_pack("{s:i}", "changed", (int)r->changed);
	struct config *config = call->api->config(call->api->ctx);
	int at = config_find_target(config, str_of(call->name[0]));
	if (at >= 0 && config->targets[at].paused)
		json_object_set_new(result, "paused_by", json_string("configuration"));
	config_unref(config);
	admin_call_json(call, result);
}

void act_target(struct admin_call *call)
{
	bool pause = strcmp(call->name[1], "pause") == 0;
	if (!pause && strcmp(call->name[1], "resume") != 0) {
		admin_call_fail(call, ERR_INVALID, "the verbs of a target are pause and resume");
		return;
	}
	struct verb_wait wait;
	wait_verb_init(&wait);
	const struct command command = { .kind = COMMAND_TARGET,
									 .actor = call->request->actor,
									 .note = admin_call_note(call),
									 .ctx = &wait,
									 .u.target = { .name = call->name[0],
												   .action = pause ? TARGET_PAUSE : TARGET_RESUME,
												   .done = wait_verb_done } };
	int rc = call->api->command(call->api->ctx, &command);
	if (rc != 0)
		admin_call_fail(call, rc, NULL);
	else
		reply_target(call, wait_verb_result(&wait));
	wait_verb_finish(&wait);
}

/* ---- events ---- */

/* Maps the event again and waits for the commit. */
void act_reprocess(struct admin_call *call)
{
	int64_t saga = 0;
	struct event *event = admin_call_event(call, &saga);
	if (event == NULL)
		return;
	struct err err = { 0 };
	struct verb_wait wait;
	wait_verb_init(&wait);
	int rc = call->api->reprocess(call->api->ctx, saga, event, call->request->actor, admin_call_note(call),
								  &wait, wait_verb_done, &err);
	const struct verb_result *result = rc == 0 ? wait_verb_result(&wait) : NULL;
	if (result == NULL)
		admin_call_fail(call, rc, err.text);
	else if (result->code != 0)
		admin_call_fail(call, result->code, result->err.text);
	else
		admin_call_json(call, verb_json_result(result));
	wait_verb_finish(&wait);
	event_unref(event);
}

/* ---- jobs ---- */

void act_job(struct admin_call *call)
{
	int64_t id = admin_call_job_id(call);
	if (id == 0)
		return;
	if (strcmp(call->name[1], "cancel") != 0) {
		admin_call_fail(call, ERR_INVALID, "the verb of a job is cancel");
		return;
	}
	struct job_wait wait;
	wait_job_init(&wait);
	const struct command command = { .kind = COMMAND_JOB_CANCEL,
									 .actor = call->request->actor,
									 .note = admin_call_note(call),
									 .ctx = &wait,
									 .u.job = { .cancel = id, .done = wait_job_done } };
	int rc = call->api->command(call->api->ctx, &command);
	if (rc == 0)
		rc = wait_job_code(&wait);
	if (rc != 0) {
		admin_call_fail(call, rc, wait.err.text);
	} else {
		if (call->api->jobs != NULL)
			jobs_update(call->api->jobs, wait.job);
		admin_call_json(call, job_json(wait.job));
	}
	wait_job_finish(&wait);
}
