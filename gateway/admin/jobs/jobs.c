#include "gateway/admin/jobs/jobs.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/admin/jobs/jobs_internal.h"
#include "gateway/admin/jobs/wait.h"
#include "gateway/admin/views/job_json.h"
#include "gateway/admin/views/saga_json.h"
#include "saga/base/mem.h"

#define SAGAS_PER_TURN    256  /* sagas between two slices, or two looks at the other jobs */
#define SLICES_PER_SECOND 10   /* of a job with a rate, at most */
#define REFRESH_MS        1000 /* what was read ahead is no older */
#define RETRY_MS          500  /* after a reader that failed, or with the disk full */
#define FAILURES_MAX      60
#define ENDED_KEPT        16  /* for those who come to follow a job that was quick */
#define BACKLOG_MAX       64  /* steps waiting at a target before a job adds to them … */
#define YIELD_MS          500 /* … but one slice so often: a target may never work them off */
#define YIELD_CHECK_MS    10

/* ---- what is live ---- */

static struct job_live *find_live(struct jobs *jobs, int64_t id)
{
	struct job_live *live;
	TAILQ_FOREACH(live, &jobs->live, link)
	{
		if (live->job->id == id)
			return live;
	}
	return NULL;
}

/* With the lock held. */
static void update_live(struct jobs *jobs, const struct job *job)
{
	struct job_live *live = find_live(jobs, job->id);
	if (live == NULL) {
		live = mem_zalloc(sizeof *live);
		live->initial = job_copy(job);
		TAILQ_INSERT_TAIL(&jobs->live, live, link);
	}
	if (live->ended && job->state == JOB_RUNNING)
		return; /* a slice's answer that comes after that of the cancel which ended the job */
	job_destroy(live->job);
	live->job = job_copy(job);
	live->ended = job->state != JOB_RUNNING;
	(void)pthread_cond_broadcast(&jobs->changed);
}

void jobs_update(struct jobs *jobs, const struct job *job)
{
	(void)pthread_mutex_lock(&jobs->lock);
	struct job_live *live = find_live(jobs, job->id);
	/* What the runner knows may be newer than a second answer to the same request. */
	if (live == NULL || job->state != JOB_RUNNING)
		update_live(jobs, job);
	(void)pthread_mutex_unlock(&jobs->lock);
}

size_t jobs_running(struct jobs *jobs)
{
	size_t running = 0;
	struct job_live *live;
	(void)pthread_mutex_lock(&jobs->lock);
	TAILQ_FOREACH(live, &jobs->live, link)
	{
		running += live->ended ? 0 : 1;
	}
	(void)pthread_mutex_unlock(&jobs->lock);
	return running;
}

static void free_live(struct job_live *live)
{
	if (live->open)
		bulk_match_close(&live->match);
	for (size_t i = 0; i < JOB_LINES; i++)
		free(live->lines[i]);
	job_destroy(live->initial);
	job_destroy(live->job);
	free(live);
}

/* With the lock held: the oldest that have ended go, unless somebody follows them. */
static void forget_ended(struct jobs *jobs)
{
	size_t ended = 0;
	struct job_live *live;
	struct job_live *before;
	for (live = TAILQ_LAST(&jobs->live, job_lives); live != NULL; live = before) {
		before = TAILQ_PREV(live, job_lives, link);
		if (!live->ended || ++ended <= ENDED_KEPT || live->followers > 0)
			continue;
		TAILQ_REMOVE(&jobs->live, live, link);
		free_live(live);
	}
}

/* ---- live traffic first ---- */

static void add_started(struct job_live *live, const char *target)
{
	for (size_t i = 0; i < live->started_count; i++)
		if (strcmp(live->started_targets[i], target) == 0)
			return;
	if (live->started_count < sizeof live->started_targets / sizeof live->started_targets[0])
		(void)snprintf(live->started_targets[live->started_count++], sizeof live->started_targets[0], "%s",
					   target);
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

static bool is_held(const struct job_live *live, const char *target)
{
	for (size_t i = 0; i < live->match.held.count; i++)
		if (strcmp(live->match.held.items[i].name, target) == 0)
			return true;
	return false;
}

/* Does this target work off a long line? A closed one does not, and nobody gains by waiting for it. */
static bool is_backlogged(const struct jobs *jobs, const struct job_live *live,
						  const struct journal_target_counts *t)
{
	struct target_live now;
	return has_started(live, t->name) && !is_held(live, t->name) && jobs->api->target_live != NULL &&
		   jobs->api->target_live(jobs->api->ctx, t->id, &now) && strcmp(now.breaker, "closed") == 0 &&
		   t->backlog + now.ready > BACKLOG_MAX;
}

/* When the next slice may come; 0: now. */
static int64_t yield_until(const struct jobs *jobs, const struct job_live *live, int64_t now_ms)
{
	struct journal_counts counts;
	journal_counts(jobs->api->journal, &counts);
	int64_t until_ms = counts.disk_low ? now_ms + RETRY_MS : 0;
	if (now_ms < live->slice_ms + YIELD_MS)
		for (size_t i = 0; until_ms == 0 && i < counts.target_count; i++)
			if (is_backlogged(jobs, live, &counts.targets[i]))
				until_ms = now_ms + YIELD_CHECK_MS;
	journal_counts_finish(&counts);
	return until_ms;
}

/* ---- one slice ---- */

static size_t slice_cap(const struct job *job)
{
	if (job->rate == 0)
		return JOB_SLICE_SAGAS;
	int64_t cap = job->rate * 1000 / job->rate_ms / SLICES_PER_SECOND;
	return cap < 1 ? 1 : cap > JOB_SLICE_SAGAS ? JOB_SLICE_SAGAS : (size_t)cap;
}

/* Gives 1 when there may be more, 0 at the end, ERR_*. */
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

/* ---- what is mapped again ---- */

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
	(void)pthread_mutex_lock(&jobs->lock);
	bool wanted = !live->ended && !jobs->stopping;
	(void)pthread_mutex_unlock(&jobs->lock);
	return wanted;
}

/* Each is an operation of its own, with a commit of its own, before that of the slice: after a crash in
 * between those that were mapped are no match any more, and only the figures do not know of them. */
static void reprocess_slice(struct jobs *jobs, struct job_live *live, struct job_slice *slice)
{
	for (size_t i = 0; i < slice->count; i++) {
		if (!is_active(jobs, live)) {
			live->match.position = slice->ids[i] + 1; /* from here it goes on */
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
		(void)pthread_mutex_lock(&jobs->lock);
		jobs_add_line(live, buf_take(&line));
		(void)pthread_cond_broadcast(&jobs->changed);
		(void)pthread_mutex_unlock(&jobs->lock);
	}
	slice->count = 0;
}

static void on_slice_done(struct jobs *jobs, struct job_live *live, const struct job_wait *wait)
{
	(void)pthread_mutex_lock(&jobs->lock);
	for (size_t i = 0; i < wait->count; i++) {
		struct buf line = { 0 };
		admin_json_line(&line, job_json_saga(&wait->sagas[i]));
		jobs_add_line(live, buf_take(&line));
	}
	if (wait->job != NULL)
		update_live(jobs, wait->job);
	else if (wait->code != ERR_REFUSED) /* cancelled: who did so tells */
		live->ended = true;             /* the journal is at its end */
	(void)pthread_cond_broadcast(&jobs->changed);
	(void)pthread_mutex_unlock(&jobs->lock);
}

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
	int rc = journal_job_slice(jobs->api->journal, slice, &wait, wait_job_done);
	if (rc == 0)
		(void)wait_job_code(&wait);
	else
		wait.code = rc;
	on_slice_done(jobs, live, &wait);
	wait_job_finish(&wait);
}

/* Reading is tried again for a while; what it cannot get over ends the job with a word. */
static void retry_or_fail(struct jobs *jobs, struct job_live *live, struct job_slice *slice, int code,
						  const char *why)
{
	if (code == ERR_BUSY && ++live->failures < FAILURES_MAX) {
		live->next_ms = jobs_monotonic_ms() + RETRY_MS;
		return;
	}
	slice->finished = true;
	slice->error = *why != '\0' ? why : err_code_text(code);
	submit_slice(jobs, live, slice);
}

static void run_slice(struct jobs *jobs, struct job_live *live)
{
	int64_t now_ms = jobs_monotonic_ms();
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

/* ---- the thread ---- */

/* With the lock held: the one whose turn is next; NULL: none is running. */
static struct job_live *next_live(struct jobs *jobs)
{
	struct job_live *next = NULL;
	struct job_live *live;
	TAILQ_FOREACH(live, &jobs->live, link)
	{
		if (!live->ended && (next == NULL || live->next_ms < next->next_ms))
			next = live;
	}
	return next;
}

static void *run_thread(void *arg)
{
	struct jobs *jobs = arg;
	(void)pthread_setname_np(pthread_self(), "jobs"); /* for top and profilers: nothing hangs on it */
	(void)pthread_mutex_lock(&jobs->lock);
	while (!jobs->stopping) {
		forget_ended(jobs);
		struct job_live *live = next_live(jobs);
		int64_t now_ms = jobs_monotonic_ms();
		if (live == NULL || live->next_ms > now_ms) {
			jobs_wait(jobs, live != NULL ? live->next_ms : now_ms + 3600000);
			continue;
		}
		live->next_ms = now_ms; /* those who are due take turns */
		TAILQ_REMOVE(&jobs->live, live, link);
		TAILQ_INSERT_TAIL(&jobs->live, live, link);
		(void)pthread_mutex_unlock(&jobs->lock);
		run_slice(jobs, live);
		(void)pthread_mutex_lock(&jobs->lock);
	}
	(void)pthread_mutex_unlock(&jobs->lock);
	return NULL;
}

/* ---- life ---- */

static int load_running(struct jobs *jobs, struct err *err)
{
	struct store_reader reader;
	int rc = jobs->api->open_reader(jobs->api->ctx, &reader, err);
	if (rc != 0)
		return rc;
	int64_t after = 0;
	for (;;) {
		struct job *job = NULL;
		rc = reader.job_running(reader.ctx, after, &job, err);
		if (rc != 0 || job == NULL)
			break;
		after = job->id;
		update_live(jobs, job);
		job_destroy(job);
	}
	reader.close(reader.ctx);
	return rc;
}

static int init(struct jobs *jobs)
{
	pthread_condattr_t attr;
	int rc = pthread_condattr_init(&attr);
	if (rc == 0)
		rc = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	if (rc == 0)
		rc = pthread_cond_init(&jobs->changed, &attr);
	(void)pthread_condattr_destroy(&attr);
	return rc == 0 ? pthread_mutex_init(&jobs->lock, NULL) : rc;
}

int jobs_start(const struct api_context *api, struct jobs **ret, struct err *err)
{
	struct jobs *jobs = mem_zalloc(sizeof *jobs);
	jobs->api = api;
	jobs->joined = true;
	TAILQ_INIT(&jobs->live);
	int rc = init(jobs) == 0 ? 0 : err_set(err, ERR_SYSTEM, "the runner of jobs has no lock");
	if (rc == 0)
		rc = load_running(jobs, err);
	if (rc == 0 && pthread_create(&jobs->thread, NULL, run_thread, jobs) != 0)
		rc = err_set(err, ERR_SYSTEM, "the thread for jobs does not start");
	if (rc != 0) {
		jobs_destroy(jobs);
		return rc;
	}
	jobs->joined = false;
	*ret = jobs;
	return 0;
}

void jobs_stop(struct jobs *jobs)
{
	if (jobs == NULL || jobs->joined)
		return;
	(void)pthread_mutex_lock(&jobs->lock);
	jobs->stopping = true;
	(void)pthread_cond_broadcast(&jobs->changed);
	(void)pthread_mutex_unlock(&jobs->lock);
	(void)pthread_join(jobs->thread, NULL);
	jobs->joined = true;
}

void jobs_destroy(struct jobs *jobs)
{
	if (jobs == NULL)
		return;
	struct job_live *live;
	while ((live = TAILQ_FIRST(&jobs->live)) != NULL) {
		TAILQ_REMOVE(&jobs->live, live, link);
		free_live(live);
	}
	(void)pthread_cond_destroy(&jobs->changed);
	(void)pthread_mutex_destroy(&jobs->lock);
	free(jobs);
}
