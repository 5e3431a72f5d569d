#include "gateway/admin/jobs/job_slice.h"

#include <stdio.h>
#include <string.h>

#include "gateway/admin/jobs/wait.h"
#include "gateway/admin/json.h"
#include "gateway/admin/views/job_json.h"
#include "saga/base/mem.h"
#include "saga/journal/figures.h"
#include "saga/journal/operator_port.h"

#define SAGAS_PER_TURN    256  /* sagas between two slices, or two looks at the other jobs */
#define SLICES_PER_SECOND 10   /* of a job with a rate, at most */
#define REFRESH_MS        1000 /* what was read ahead is no older */
#define RETRY_MS          500  /* after a reader that failed, or with the disk full */
#define FAILURES_MAX      60
#define BACKLOG_MAX       64  /* steps waiting at a target before a job adds to them … */
#define YIELD_MS          500 /* … but one slice so often: a target may never work them off */
#define YIELD_CHECK_MS    10

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

static bool target_is_held(const struct job_live *live, const char *target)
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
	return has_started(live, t->name) && !target_is_held(live, t->name) && jobs->api->target_live != NULL &&
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
		job_live_add_line(live, buf_take(&line));
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
		job_live_add_line(live, buf_take(&line));
	}
	if (wait->job != NULL)
		job_live_update(jobs, wait->job);
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

void job_slice_run(struct jobs *jobs, struct job_live *live)
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
