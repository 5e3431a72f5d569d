#include "gateway/admin/jobs/job_slice.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "gateway/admin/jobs/wait.h"
#include "gateway/admin/json.h"
#include "gateway/admin/views/job_json.h"
#include "saga/base/clock.h"
#include "saga/base/mem.h"

/* All values are chosen; the scenario test jobs.py measures that live events wait for a bounded number of a
 * job's steps. */
#define SAGAS_PER_TURN    256  /* sagas examined before another job has its turn */
#define SLICES_PER_SECOND 10   /* the most slices in a second of a job with a rate */
#define REFRESH_MS        1000 /* configuration, holds and sagas read ahead are at most this old */
#define RETRY_MS          500  /* pause after a read that failed, or while the disk is full */
#define FAILURES_MAX      60   /* failed reads in a row that end the job */
/* when more than 64 steps wait at a target, a job starts no further step there */
#define BACKLOG_MAX 64
#define YIELD_MS                                                                                             \
	500 /* a job starts one slice in this time in spite of BACKLOG_MAX: a target may never catch up */
#define YIELD_CHECK_MS 10 /* a job that waits because of BACKLOG_MAX looks again after this time */

/* ---- live traffic first ---- */

static void add_started(struct job_live *live, const char *target)
{
	for (size_t i = 0; i < live->started_count; i++)
		if (strcmp(live->started_targets[i], target) == 0)
			return;
	if (live->started_count < sizeof live->started_targets / sizeof live->started_targets[0])
		snprintf(live->started_targets[live->started_count++], sizeof live->started_targets[0], "%s", target);
}

static void add_started_steps(struct job_live *live, const struct saga *saga)
{
	for (unsigned i = 0; i < saga->step_count; i++)
		if (saga->steps[i].state == STEP_READY)
			add_started(live, saga->plan->steps[i].target);
}

static bool has_started(const struct job_live *live, const char *target)
{
	for (size_t i = 0; i < live->started_count; i++)
		if (strcmp(live->started_targets[i], target) == 0)
			return true;
	return false;
}

static bool target_is_held(const struct job_live *live, const char *target)
{
	for (size_t i = 0; i < live->match.held.count; i++)
		if (strcmp(live->match.held.items[i].name, target) == 0)
			return true;
	return false;
}

/* Does this target still have many steps to work through? A held target, or one whose breaker is not closed,
 * does not work, and waiting for it would help no live event. */
static bool is_backlogged(const struct jobs *jobs, const struct job_live *live,
						  const struct journal_target_counts *t)
{
	struct target_live now;
	return has_started(live, t->name) && !target_is_held(live, t->name) && jobs->api->target_live != NULL &&
		   jobs->api->target_live(jobs->api->ctx, t->id, &now) && now.breaker == BREAKER_CLOSED &&
		   t->backlog + now.ready > BACKLOG_MAX;
}

/* Decides whether live traffic goes before the next slice of the job. Returns the time at which to ask
 * again, or 0: the slice may run now. */
static int64_t yield_until(const struct jobs *jobs, const struct job_live *live, int64_t now_ms)
{
	struct journal_counts counts;
	if (!jobs->api->figures(jobs->api->ctx, &counts))
		return now_ms + RETRY_MS;
	int64_t until_ms = counts.disk_low ? now_ms + RETRY_MS : 0;
	if (now_ms < live->slice_ms + YIELD_MS)
		for (size_t i = 0; until_ms == 0 && i < counts.target_count; i++)
			if (is_backlogged(jobs, live, &counts.targets[i]))
				until_ms = now_ms + YIELD_CHECK_MS;
	journal_counts_finish(&counts);
	return until_ms;
}

/* ---- one slice ---- */

/* Sagas in one slice. A job with a rate has small slices, so that they spread over the second. */
static size_t slice_cap(const struct job *job)
{
	if (job->rate == 0)
		return JOB_SLICE_SAGAS;
	int64_t cap = job->rate * 1000 / job->rate_ms / SLICES_PER_SECOND;
	return cap < 1 ? 1 : cap > JOB_SLICE_SAGAS ? JOB_SLICE_SAGAS : (size_t)cap;
}

/* Collects matching sagas until the slice is full or SAGAS_PER_TURN are examined. Returns 1 if there may be
 * more, 0 at the end, or ERR_*. */
static int fill_slice(struct job_live *live, struct job_slice *slice, struct err *err)
{
	size_t cap = slice_cap(live->initial);
	int rc = 1;
	for (unsigned examined = 0; rc == 1 && slice->count < cap && examined < SAGAS_PER_TURN; examined++) {
		struct saga *saga = NULL;
		rc = bulk_match_next(&live->match, &saga, err);
		if (saga == NULL)
			continue;
		slice->ids[slice->count++] = saga->id;
		add_started_steps(live, saga);
		saga_destroy(saga);
	}
	return rc;
}

/* Opens the search at the first slice of this process, and refreshes it when it is older than REFRESH_MS. */
static int prepare_match(struct jobs *jobs, struct job_live *live, int64_t now_ms, struct err *err)
{
	int rc = 0;
	if (!live->open)
		rc = bulk_match_open(jobs->api, live->initial, &live->match, err);
	else if (now_ms >= live->refresh_ms + REFRESH_MS)
		rc = bulk_match_refresh(&live->match, err);
	else
		return 0;
	live->open = live->open || rc == 0;
	live->refresh_ms = now_ms;
	return rc;
}

/* ---- reprocess ---- */

static void reprocess_one(struct jobs *jobs, struct job_live *live, int64_t saga, struct verb_result *ret)
{
	const struct api_context *api = jobs->api;
	struct store_reader *reader = &live->match.reader;
	struct event *event = NULL;
	struct verb_wait wait;
	wait_verb_init(&wait);
	*ret = (struct verb_result){ .code = reader->event_get(reader->ctx, saga, &event, &ret->err) };
	if (ret->code == 0)
		ret->code = api->reprocess(api->ctx, saga, event, live->initial->actor, live->initial->note, &wait,
								   wait_verb_done, &ret->err);
	if (ret->code == 0)
		*ret = *wait_verb_result(&wait);
	wait_verb_finish(&wait);
	event_unref(event);
}

static bool is_active(struct jobs *jobs, const struct job_live *live)
{
	pthread_mutex_lock(&jobs->lock);
	bool wanted = !live->ended && !jobs->stopping;
	pthread_mutex_unlock(&jobs->lock);
	return wanted;
}

/* Mapping an event again is an operation with its own commit, which comes before the commit of the slice.
 * After a crash between the two, the events that were mapped match no more, so they are not mapped twice;
 * only the job's counts miss them. */
static void reprocess_slice(struct jobs *jobs, struct job_live *live, struct job_slice *slice)
{
	for (size_t i = 0; i < slice->count; i++) {
		if (!is_active(jobs, live)) {
			live->match.position = slice->ids[i] + 1; /* the job continues with this saga */
			slice->finished = false;
			break;
		}
		struct job_saga one = { .saga = slice->ids[i] };
		reprocess_one(jobs, live, one.saga, &one.result);
		slice->matched++;
		slice->moved += one.result.code == 0 ? 1 : 0;
		slice->steps += one.result.changed;
		slice->refused += one.result.code != 0 ? 1 : 0;
		struct buf line = { 0 };
		admin_json_line(&line, job_json_saga(&one));
		pthread_mutex_lock(&jobs->lock);
		job_live_add_line(live, buf_take(&line));
		pthread_cond_broadcast(&jobs->changed);
		pthread_mutex_unlock(&jobs->lock);
	}
	slice->count = 0;
}

/* Adds the lines of the slice and the new state of the job for its followers. */
static void on_slice_done(struct jobs *jobs, struct job_live *live, const struct job_wait *wait)
{
	pthread_mutex_lock(&jobs->lock);
	for (size_t i = 0; i < wait->count; i++) {
		struct buf line = { 0 };
		admin_json_line(&line, job_json_saga(&wait->sagas[i]));
		job_live_add_line(live, buf_take(&line));
	}
	if (wait->job != NULL)
		job_live_update(jobs, wait->job);
	else if (wait->code != ERR_REFUSED) /* refused: cancelled meanwhile, and act_job calls jobs_update */
		live->ended = true;             /* no command can be run any more */
	pthread_cond_broadcast(&jobs->changed);
	pthread_mutex_unlock(&jobs->lock);
}

/* Runs the slice as a command and waits for its commit, which stores position and counts as well. */
static void submit_slice(struct jobs *jobs, struct job_live *live, struct job_slice *slice)
{
	json_t *counted = held_targets_json(&live->match.held);
	char *held AUTO_FREE = json_dumps(counted, JSON_COMPACT);
	json_decref(counted);
	slice->job = live->initial->id;
	slice->position = live->open ? live->match.position : live->initial->position;
	slice->in_doubt = live->match.in_doubt;
	slice->passed_over = live->match.passed_over;
	slice->held = live->open ? held : live->initial->held;
	live->match.in_doubt = live->match.passed_over = 0;
	struct job_wait wait;
	wait_job_init(&wait);
	const struct command command = { .kind = COMMAND_JOB_SLICE,
									 .ctx = &wait,
									 .u.job = { .slice = slice, .done = wait_job_done } };
	int rc = jobs->api->command(jobs->api->ctx, &command);
	if (rc == 0)
		wait_job_code(&wait);
	else
		wait.code = rc;
	on_slice_done(jobs, live, &wait);
	wait_job_finish(&wait);
}

/* After a read that failed: tries again later, or ends the job with the error. */
static void retry_or_fail(struct jobs *jobs, struct job_live *live, struct job_slice *slice, int code,
						  const char *why)
{
	if (code == ERR_BUSY && ++live->failures < FAILURES_MAX) {
		live->next_ms = clock_monotonic_ms() + RETRY_MS;
		return;
	}
	slice->finished = true;
	slice->error = *why != '\0' ? why : err_code_text(code);
	submit_slice(jobs, live, slice);
}

void job_slice_run(struct jobs *jobs, struct job_live *live)
{
	assert(live->initial != NULL);
	int64_t now_ms = clock_monotonic_ms();
	int64_t until_ms = live->open ? yield_until(jobs, live, now_ms) : 0;
	if (until_ms > 0) {
		live->next_ms = until_ms;
		return;
	}
	struct job_slice slice = { 0 };
	struct err err = { 0 };
	int rc = prepare_match(jobs, live, now_ms, &err);
	if (rc == 0)
		rc = fill_slice(live, &slice, &err);
	if (rc < 0) {
		retry_or_fail(jobs, live, &slice, rc, err.text);
		return;
	}
	live->failures = 0;
	slice.finished = rc == 0;
	const struct job *job = live->initial;
	if (job->rate > 0)
		live->next_ms = now_ms + (int64_t)slice.count * job->rate_ms / job->rate;
	if (slice.count == 0 && !slice.finished)
		return;
	live->slice_ms = now_ms;
	if (job->verb == VERB_REPROCESS)
		reprocess_slice(jobs, live, &slice);
	submit_slice(jobs, live, &slice);
}
