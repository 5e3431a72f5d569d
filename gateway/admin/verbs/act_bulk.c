/* POST /v1/bulk/VERB: one verb on all sagas that match. With "dry_run" they are only counted, and the answer
 * is a summary. Otherwise this makes a job. With "wait": false the answer is the job; without it, a line for
 * each saga as the job changes it, and then the summary. The job continues when the caller hangs up. */
#include <stdlib.h>
#include <string.h>

#include "config/units.h"
#include "gateway/admin/jobs/jobs.h"
#include "gateway/admin/jobs/wait.h"
#include "gateway/admin/json.h"
#include "gateway/admin/verbs/act.h"
#include "gateway/admin/verbs/bulk_match.h"
#include "gateway/admin/views/job_json.h"
#include "saga/base/mem.h"

/* Sagas that a dry run reads between two pieces of its answer. Chosen, no measurement. */
#define SAGAS_PER_PIECE 256

/* ---- the request ---- */

static int parse_verb(struct admin_call *call, struct job *job, struct err *err)
{
	static const enum verb verbs[] = { VERB_RESUME, VERB_PAUSE, VERB_CANCEL, VERB_COMPENSATE,
									   VERB_REPROCESS };
	for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
		if (strcmp(call->name[0], name_of_verb(verbs[i])) == 0) {
			job->verb = verbs[i];
			return 0;
		}
	return err_set(
		err, ERR_INVALID,
		"\"%s\" is no bulk verb; the bulk verbs are resume, pause, cancel, compensate and reprocess",
		call->name[0]);
}

static int parse_rate(struct admin_call *call, struct job *job, struct err *err)
{
	const json_t *value = json_object_get(call->body, "rate");
	struct config_rate rate = { 0 };
	if (value == NULL || json_is_null(value))
		return 0;
	if (!json_is_string(value) || units_rate(json_string_value(value), &rate) != 0)
		return err_set(err, ERR_INVALID, "\"rate\" must be " UNITS_RATE_FORM);
	job->rate = rate.count;
	job->rate_ms = rate.per_ms;
	return 0;
}

static void set_text(char **slot, const char *text)
{
	free(*slot);
	*slot = mem_strdup(text);
}

/* Fills the draft of the job. The filter is checked here and stored as text; the job reads it again when it
 * runs. */
static int parse_job(struct admin_call *call, struct job *job, struct err *err)
{
	set_text(&job->filter, call->request->query);
	set_text(&job->actor, call->request->actor);
	set_text(&job->note, admin_call_note(call));
	job->redo_in_doubt = admin_call_flag(call, "redo_in_doubt");
	job->created_ms = call->api->now_ms(call->api->ctx);
	job->position = INT64_MAX;
	json_int_t expected = json_integer_value(json_object_get(call->body, "expected"));
	job->expected = expected > 0 ? expected : 0;
	int rc = parse_verb(call, job, err);
	struct saga_filter filter;
	if (rc == 0)
		rc = query_filter(&call->query, job->created_ms, &filter, err);
	return rc == 0 ? parse_rate(call, job, err) : rc;
}

/* ---- dry run ---- */

struct dry_run {
	struct job *job;
	struct bulk_match match;
	int64_t matched;
};

static void dry_run_free(void *stream)
{
	struct dry_run *r = stream;
	if (r->match.api != NULL)
		bulk_match_close(&r->match);
	job_destroy(r->job);
	free(r);
}

/* The members are those of a job's summary; those that only a job can count are 0. */
static void dry_run_summary(const struct dry_run *r, struct buf *out)
{
	const struct bulk_match *s = &r->match;
	json_t *line =
		json_pack("{s:b, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "done", 1, "dry_run", 1, "matched",
				  (json_int_t)r->matched, "moved", (json_int_t)0, "steps", (json_int_t)0, "in_doubt",
				  (json_int_t)s->in_doubt, "refused", (json_int_t)0, "passed_over",
				  (json_int_t)s->passed_over, "held", (json_int_t)held_targets_total(&s->held));
	json_object_set_new(line, "held_target", admin_json_text(held_targets_most(&s->held)));
	json_object_set_new(line, "held_targets", held_targets_json(&s->held));
	admin_json_line(out, line);
}

/* Reads the next sagas. The pieces are empty until the summary; between them a caller that hung up is
 * noticed. */
static int dry_run_more(void *stream, struct buf *out, struct err *err)
{
	struct dry_run *r = stream;
	int rc = 1;
	for (unsigned examined = 0; rc == 1 && examined < SAGAS_PER_PIECE; examined++) {
		struct saga *saga = NULL;
		rc = bulk_match_next(&r->match, &saga, err);
		r->matched += saga != NULL ? 1 : 0;
		saga_destroy(saga);
	}
	if (rc == 0)
		dry_run_summary(r, out);
	return rc;
}

/* Takes `job`. */
static void dry_run_begin(struct admin_call *call, struct job *job)
{
	struct dry_run *r = mem_zalloc(sizeof *r);
	struct err err = { 0 };
	r->job = job;
	int rc = bulk_match_open(call->api, job, &r->match, &err);
	if (rc != 0) {
		admin_call_fail(call, rc, err.text);
		dry_run_free(r);
		return;
	}
	r->match.dry_run = true;
	admin_call_stream(call, r, dry_run_more, dry_run_free);
}

/* ---- job ---- */

static void follow_job(struct admin_call *call, int64_t id)
{
	struct job_follow *follow = NULL;
	if (jobs_follow(call->api->jobs, id, &follow) != 0) {
		admin_call_fail(call, ERR_NOT_FOUND, "this job does not run here");
		return;
	}
	admin_call_stream(call, follow, job_follow_more, job_follow_free);
}

static void reply_created(struct admin_call *call, const struct job_wait *wait)
{
	jobs_update(call->api->jobs, wait->job);
	if (!json_is_false(json_object_get(call->body, "wait"))) {
		follow_job(call, wait->job->id);
		return;
	}
	json_t *created = job_json(wait->job);
	json_object_set_new(created, "job", json_integer(wait->job->id));
	json_object_set_new(created, "already", json_boolean(wait->already));
	admin_call_json(call, created);
}

static void create_job(struct admin_call *call, const struct job *job)
{
	struct job_wait wait;
	wait_job_init(&wait);
	const struct command command = { .kind = COMMAND_JOB_CREATE,
									 .ctx = &wait,
									 .u.job = { .create = job, .done = wait_job_done } };
	int rc = call->api->command(call->api->ctx, &command);
	if (rc == 0)
		rc = wait_job_code(&wait);
	if (rc != 0)
		admin_call_fail(call, rc, wait.err.text);
	else
		reply_created(call, &wait);
	wait_job_finish(&wait);
}

void act_bulk(struct admin_call *call)
{
	struct job *job = job_new();
	struct err err = { 0 };
	int rc = parse_job(call, job, &err);
	bool counting = admin_call_flag(call, "dry_run");
	if (rc == 0 && !counting && call->api->jobs == NULL)
		rc = err_set(&err, ERR_CLOSED, "bulk operations need a running daemon");
	if (rc != 0)
		admin_call_fail(call, rc, err.text);
	else if (!counting)
		create_job(call, job);
	if (rc == 0 && counting)
		dry_run_begin(call, job); /* dry_run_begin takes the job over and frees it */
	else
		job_destroy(job);
}
