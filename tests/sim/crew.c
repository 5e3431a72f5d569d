/* People who say a verb to everything: jobs, created, carried out in slices, cancelled, through crashes and
 * stops. The log must have the verb of a job once for each saga it has passed, and for no other. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "saga/base/mem.h"
#include "tests/sim/sim.h"

/* A chance of their own, so that the rest of the script stays what it was. */
static uint64_t draw(struct world *w, uint64_t bound)
{
	return rng_below(&w->crew.rng, bound);
}

static void expect_slice(struct world *w, uint64_t most_ms)
{
	heap_push(&w->heap, w->now_ms + 1 + (int64_t)draw(w, most_ms), HAPPEN_SLICE, 0);
}

void crew_plan(struct world *w)
{
	w->crew.rng.state = w->seed * 0x9E3779B97F4A7C15u + 7;
	uint64_t count = rng_chance(&w->crew.rng, 40) ? 1 + draw(w, SIM_JOBS) : 0;
	w->crew.planned = count;
	for (uint64_t i = 0; i < count; i++)
		heap_push(&w->heap, w->now_ms + (int64_t)draw(w, 6000), HAPPEN_JOB, i);
	if (count > 0 && rng_chance(&w->crew.rng, 30))
		heap_push(&w->heap, w->now_ms + (int64_t)draw(w, 6000), HAPPEN_JOB_CANCEL, 1 + draw(w, count));
}

static void set(char **slot, char *text)
{
	free(*slot);
	*slot = text;
}

static void created(void *ctx, const struct job_result *result)
{
	struct world *w = ctx;
	if (result->code != 0)
		world_fail(w, "a job was refused: %s", result->err.text);
	world_trace(w, "  job %lld up to %lld%s", (long long)result->job->id, (long long)result->job->upto,
				result->already ? ", already" : "");
	expect_slice(w, 20);
}

/* Said twice now and then: it is one job all the same. */
void crew_create(struct world *w, uint64_t number)
{
	static const enum verb verbs[] = { VERB_RESUME, VERB_RESUME, VERB_PAUSE, VERB_COMPENSATE, VERB_CANCEL };
	struct job *draft = job_new();
	draft->verb = verbs[draw(w, sizeof verbs / sizeof verbs[0])];
	set(&draft->filter, mem_printf("n=%u", (unsigned)number));
	set(&draft->actor, mem_printf("job %u", (unsigned)number));
	for (uint64_t i = 0; i <= draw(w, 2); i++)
		if (journal_job_create(w->journal, draft, w, created) != 0)
			world_fail(w, "the journal refused a job");
	job_destroy(draft);
}

static void cancelled(void *ctx, const struct job_result *result)
{
	struct world *w = ctx;
	world_trace(w, "  cancel: code %d %s", result->code, result->err.text);
	if (result->code == 0)
		mark(w->marks, MARK_JOB_CANCELLED);
}

void crew_cancel(struct world *w, uint64_t job)
{
	if (journal_job_cancel(w->journal, (int64_t)job, "uid 1000 (anna)", "enough", w, cancelled) != 0)
		world_fail(w, "the journal refused to cancel a job");
}

static void moved_on(void *ctx, const struct job_result *result)
{
	struct world *w = ctx;
	w->crew.waits = false;
	if (result->code != 0 && result->code != ERR_REFUSED)
		world_fail(w, "a slice was refused: %s", result->err.text);
	if (result->code == 0 && result->job->state == JOB_DONE)
		mark(w->marks, MARK_JOB_DONE);
	expect_slice(w, 600);
}

static struct job *next_running(struct world *w, int64_t after)
{
	struct job *job = NULL;
	struct err err;
	if (w->reader.job_running(w->reader.ctx, after, &job, &err) != 0)
		world_fail(w, "jobs: %s", err.text);
	return job;
}

/* One at a time, of one of those that run. */
void crew_slice(struct world *w)
{
	struct job *job = w->crew.waits ? NULL : next_running(w, w->crew.last);
	if (job == NULL && !w->crew.waits)
		job = next_running(w, 0);
	if (job == NULL)
		return;
	w->crew.last = job->id;
	struct job_slice slice = { .job = job->id, .position = job->position };
	size_t room = 1 + (size_t)draw(w, JOB_SLICE_SAGAS);
	while (slice.count < room && slice.position > 1)
		slice.ids[slice.count++] = --slice.position;
	slice.finished = slice.position <= 1;
	job_destroy(job);
	w->crew.waits = true;
	if (journal_job_slice(w->journal, &slice, w, moved_on) != 0)
		world_fail(w, "the journal refused a slice");
}

void crew_started(struct world *w)
{
	struct job *job = next_running(w, 0);
	if (job != NULL)
		mark(w->marks, MARK_JOB_RESTART);
	job_destroy(job);
	w->crew.waits = false;
	heap_drop(&w->heap, HAPPEN_SLICE);
	if (w->crew.planned > 0)
		expect_slice(w, 100);
}

/* ---- what the log says ---- */

void crew_record(struct world *w, int64_t saga, const struct record *r)
{
	unsigned number = 0;
	char actor[32];
	(void)snprintf(actor, sizeof actor, "%.*s", (int)r->actor.len, r->actor.p != NULL ? r->actor.p : "");
	if (sscanf(actor, "job %u", &number) != 1 || number >= SIM_JOBS)
		return;
	if (saga >= SIM_SAGAS || w->crew.said[number][saga]++ > 0)
		world_fail(w, "job \"%s\" said its verb to saga %lld twice", actor, (long long)saga);
	w->crew.count[number]++;
}

static void check_job(struct world *w, const struct job *job)
{
	unsigned number = 0;
	if (sscanf(job->actor, "job %u", &number) != 1)
		world_fail(w, "job %lld is nobody's", (long long)job->id);
	if (job->state == JOB_RUNNING)
		world_fail(w, "job %lld has not come to its end", (long long)job->id);
	if (job->matched != job->upto + 1 - job->position ||
		(job->state == JOB_DONE && job->upto > 0 && job->position != 1))
		world_fail(w, "job %lld: %lld sagas down to %lld of %lld", (long long)job->id,
				   (long long)job->matched, (long long)job->position, (long long)job->upto);
	if (job->moved != w->crew.count[number])
		world_fail(w, "job %lld says %lld were moved, the log %lld", (long long)job->id,
				   (long long)job->moved, (long long)w->crew.count[number]);
	for (int64_t saga = 1; saga < SIM_SAGAS; saga++)
		if (w->crew.said[number][saga] > 0 && (saga < job->position || saga > job->upto))
			world_fail(w, "job %lld said its verb to saga %lld, which it has not reached", (long long)job->id,
					   (long long)saga);
}

void crew_check_end(struct world *w)
{
	struct job *jobs[SIM_JOBS + 1];
	size_t count = 0;
	struct err err;
	if (w->reader.job_list(w->reader.ctx, INT64_MAX, jobs, SIM_JOBS + 1, &count, &err) != 0)
		world_fail(w, "jobs: %s", err.text);
	for (size_t i = 0; i < count; i++) {
		check_job(w, jobs[i]);
		job_destroy(jobs[i]);
	}
}
