#include "gateway/admin/jobs/jobs.h"

#include <assert.h>
#include <stdlib.h>

#include "gateway/admin/jobs/job_live.h"
#include "gateway/admin/jobs/job_slice.h"
#include "saga/base/clock.h"
#include "saga/base/mem.h"

void jobs_update(struct jobs *jobs, const struct job *job)
{
	assert(job->id > 0);
	pthread_mutex_lock(&jobs->lock);
	struct job_live *live = job_live_find(jobs, job->id);
	/* A running job that is known already stays as it is: the answer to a second, identical request may be
	 * older than what the jobs thread has learned since. */
	if (live == NULL || job->state != JOB_RUNNING)
		job_live_update(jobs, job);
	pthread_mutex_unlock(&jobs->lock);
}

size_t jobs_running(struct jobs *jobs)
{
	size_t running = 0;
	struct job_live *live;
	pthread_mutex_lock(&jobs->lock);
	TAILQ_FOREACH(live, &jobs->live, link)
	{
		running += live->ended ? 0 : 1;
	}
	pthread_mutex_unlock(&jobs->lock);
	return running;
}

/* ---- the thread ---- */

/* The caller holds jobs->lock. Returns the running job whose turn comes next, or NULL. */
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

/* Without a job to run, the thread sleeps until it is woken, or for an hour. */
#define IDLE_MS 3600000

static void *run_thread(void *arg)
{
	struct jobs *jobs = arg;
	pthread_setname_np(pthread_self(),
					   "jobs"); /* the name that top and profilers show; a failure does no harm */
	pthread_mutex_lock(&jobs->lock);
	while (!jobs->stopping) {
		job_live_forget_ended(jobs);
		struct job_live *live = next_live(jobs);
		int64_t now_ms = clock_monotonic_ms();
		if (live == NULL || live->next_ms > now_ms) {
			job_live_wait(jobs, live != NULL ? live->next_ms : now_ms + IDLE_MS);
			continue;
		}
		live->next_ms = now_ms; /* jobs that are due take turns: the first one goes to the end of the list */
		TAILQ_REMOVE(&jobs->live, live, link);
		TAILQ_INSERT_TAIL(&jobs->live, live, link);
		pthread_mutex_unlock(&jobs->lock);
		job_slice_run(jobs, live);
		pthread_mutex_lock(&jobs->lock);
	}
	pthread_mutex_unlock(&jobs->lock);
	return NULL;
}

/* ---- life ---- */

/* Takes over the jobs that were running when the last process ended. */
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
		job_live_update(jobs, job);
		job_destroy(job);
	}
	reader.close(reader.ctx);
	return rc;
}

int jobs_start(const struct api_context *api, struct jobs **ret, struct err *err)
{
	assert(api->command != NULL && api->figures != NULL && api->open_reader != NULL);
	struct jobs *jobs = mem_zalloc(sizeof *jobs);
	jobs->api = api;
	jobs->joined = true;
	TAILQ_INIT(&jobs->live);
	int rc = 0;
	if (pthread_mutex_init(&jobs->lock, NULL) != 0 || clock_condition_init(&jobs->changed) != 0)
		rc = err_set(err, ERR_SYSTEM, "jobs: cannot make a lock");
	if (rc == 0)
		rc = load_running(jobs, err);
	if (rc == 0 && pthread_create(&jobs->thread, NULL, run_thread, jobs) != 0)
		rc = err_set(err, ERR_SYSTEM, "jobs: cannot start the thread");
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
	pthread_mutex_lock(&jobs->lock);
	jobs->stopping = true;
	pthread_cond_broadcast(&jobs->changed);
	pthread_mutex_unlock(&jobs->lock);
	pthread_join(jobs->thread, NULL);
	jobs->joined = true;
}

void jobs_destroy(struct jobs *jobs)
{
	if (jobs == NULL)
		return;
	assert(jobs->joined);
	struct job_live *live;
	while ((live = TAILQ_FIRST(&jobs->live)) != NULL) {
		TAILQ_REMOVE(&jobs->live, live, link);
		job_live_free(live);
	}
	pthread_cond_destroy(&jobs->changed);
	pthread_mutex_destroy(&jobs->lock);
	free(jobs);
}
