/* Operators who apply a verb to many sagas: jobs are created, run in slices and cancelled, across crashes and stops.
 * The log must have the verb of a job exactly once for each saga that the job has passed, and for no other saga. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "saga/base/mem.h"
#include "tests/sim/sim.h"

/* A random generator of its own, so that changes here do not change the rest of the script. */
static uint64_t draw(struct simulation *w, uint64_t bound)
{
	return rng_below(&w->job_clients.rng, bound);
}

static void schedule_slice(struct simulation *w, uint64_t most_ms)
{
	heap_push(&w->heap, w->now_ms + 1 + (int64_t)draw(w, most_ms), SIM_EVENT_SLICE, 0);
}

void job_clients_plan(struct simulation *w)
{
	w->job_clients.rng.state = w->seed * 0x9E3779B97F4A7C15u + 7;
	uint64_t count = rng_chance(&w->job_clients.rng, 40) ? 1 + draw(w, SIM_JOBS) : 0;
	w->job_clients.planned = count;
	for (uint64_t i = 0; i < count; i++)
		heap_push(&w->heap, w->now_ms + (int64_t)draw(w, 6000), SIM_EVENT_JOB, i);
	if (count > 0 && rng_chance(&w->job_clients.rng, 30))
		heap_push(&w->heap, w->now_ms + (int64_t)draw(w, 6000), SIM_EVENT_JOB_CANCEL, 1 + draw(w, count));
}

static void replace_text(char **slot, char *text)
{
	free(*slot);
	*slot = text;
}

static void created(void *ctx, const struct job_result *result)
{
	struct simulation *w = ctx;
	if (result->code != 0 && disk_store_failed(w))
		return; /* the process ends */
	if (result->code != 0)
		sim_fail(w, "a job was refused: %s", result->err.text);
	sim_trace(w, "  job %lld up to %lld%s", (long long)result->job->id, (long long)result->job->upto,
			  result->already ? ", already" : "");
	schedule_slice(w, 20);
}

/* Sometimes the same job is created twice; the journal must make one job of both calls. */
void job_clients_create(struct simulation *w, uint64_t number)
{
	static const enum verb verbs[] = { VERB_RESUME, VERB_RESUME, VERB_PAUSE, VERB_COMPENSATE, VERB_CANCEL };
	struct job *draft = job_new();
	draft->verb = verbs[draw(w, sizeof verbs / sizeof verbs[0])];
	replace_text(&draft->filter, mem_printf("n=%u", (unsigned)number));
	replace_text(&draft->actor, mem_printf("job %u", (unsigned)number));
	const struct command command = { .kind = COMMAND_JOB_CREATE,
									 .ctx = w,
									 .u.job = { .create = draft, .done = created } };
	for (uint64_t i = 0; i <= draw(w, 2); i++)
		if (command_run(w->cell, &command) != 0)
			sim_fail(w, "the cell refused a job");
	job_destroy(draft);
}

static void cancelled(void *ctx, const struct job_result *result)
{
	struct simulation *w = ctx;
	sim_trace(w, "  cancel: code %d %s", result->code, result->err.text);
	if (result->code == 0)
		coverage_point_hit(w->coverage, COVER_JOB_CANCELLED);
}

void job_clients_cancel(struct simulation *w, uint64_t job)
{
	const struct command command = { .kind = COMMAND_JOB_CANCEL,
									 .actor = "uid 1000 (anna)",
									 .note = "enough",
									 .ctx = w,
									 .u.job = { .cancel = (int64_t)job, .done = cancelled } };
	if (command_run(w->cell, &command) != 0)
		sim_fail(w, "the cell refused to cancel a job");
}

static void slice_done(void *ctx, const struct job_result *result)
{
	struct simulation *w = ctx;
	w->job_clients.waits = false;
	if (result->code != 0 && result->code != ERR_REFUSED && !disk_store_failed(w))
		sim_fail(w, "a slice was refused: %s", result->err.text);
	if (result->code == 0 && result->job->state == JOB_DONE)
		coverage_point_hit(w->coverage, COVER_JOB_DONE);
	schedule_slice(w, 600);
}

static struct job *next_running(struct simulation *w, int64_t after)
{
	struct job *job = NULL;
	struct err err;
	if (w->reader.job_running(w->reader.ctx, after, &job, &err) != 0)
		sim_fail(w, "jobs: %s", err.text);
	return job;
}

/* Runs one slice of one of the running jobs. Only one slice is under way at a time. */
void job_clients_slice(struct simulation *w)
{
	struct job *job = w->job_clients.waits ? NULL : next_running(w, w->job_clients.last);
	if (job == NULL && !w->job_clients.waits)
		job = next_running(w, 0);
	if (job == NULL)
		return;
	w->job_clients.last = job->id;
	struct job_slice slice = { .job = job->id, .position = job->position };
	size_t capacity = 1 + (size_t)draw(w, JOB_SLICE_SAGAS);
	while (slice.count < capacity && slice.position > 1)
		slice.ids[slice.count++] = --slice.position;
	slice.finished = slice.position <= 1;
	job_destroy(job);
	w->job_clients.waits = true;
	const struct command command = { .kind = COMMAND_JOB_SLICE,
									 .ctx = w,
									 .u.job = { .slice = &slice, .done = slice_done } };
	if (command_run(w->cell, &command) != 0)
		sim_fail(w, "the cell refused a slice");
}

void job_clients_started(struct simulation *w)
{
	struct job *job = next_running(w, 0);
	if (job != NULL)
		coverage_point_hit(w->coverage, COVER_JOB_RESTART);
	job_destroy(job);
	w->job_clients.waits = false;
	heap_drop(&w->heap, SIM_EVENT_SLICE);
	if (w->job_clients.planned > 0)
		schedule_slice(w, 100);
}

/* ---- comparing with the log ---- */

void job_clients_record(struct simulation *w, int64_t saga, const struct record *r)
{
	unsigned number = 0;
	char actor[32];
	snprintf(actor, sizeof actor, "%.*s", (int)r->actor.len, r->actor.p != NULL ? r->actor.p : "");
	if (sscanf(actor, "job %u", &number) != 1 || number >= SIM_JOBS)
		return;
	if (saga >= SIM_SAGAS || w->job_clients.applied_verbs[number][saga]++ > 0)
		sim_fail(w, "job \"%s\" applied its verb to saga %lld twice", actor, (long long)saga);
	w->job_clients.count[number]++;
}

static void check_job(struct simulation *w, const struct job *job)
{
	unsigned number = 0;
	if (sscanf(job->actor, "job %u", &number) != 1)
		sim_fail(w, "job %lld has an actor that the simulation did not use", (long long)job->id);
	if (job->state == JOB_RUNNING)
		sim_fail(w, "job %lld is still running", (long long)job->id);
	if (job->matched != job->upto + 1 - job->position ||
		(job->state == JOB_DONE && job->upto > 0 && job->position != 1))
		sim_fail(w, "job %lld matched %lld sagas, but its position is %lld of %lld", (long long)job->id,
				 (long long)job->matched, (long long)job->position, (long long)job->upto);
	if (job->moved != w->job_clients.count[number])
		sim_fail(w, "job %lld counts %lld changed sagas, but the log has %lld", (long long)job->id,
				 (long long)job->moved, (long long)w->job_clients.count[number]);
	for (int64_t saga = 1; saga < SIM_SAGAS; saga++)
		if (w->job_clients.applied_verbs[number][saga] > 0 && (saga < job->position || saga > job->upto))
			sim_fail(w, "job %lld applied its verb to saga %lld, which is outside its range",
					 (long long)job->id, (long long)saga);
}

void job_clients_check_end(struct simulation *w)
{
	struct job *jobs[SIM_JOBS + 1];
	size_t count = 0;
	struct err err;
	if (w->reader.job_list(w->reader.ctx, INT64_MAX, jobs, SIM_JOBS + 1, &count, &err) != 0)
		sim_fail(w, "jobs: %s", err.text);
	for (size_t i = 0; i < count; i++) {
		check_job(w, jobs[i]);
		job_destroy(jobs[i]);
	}
}
