#include "gateway/admin/jobs/jobs.h"

#include <stdlib.h>

#include "gateway/admin/jobs/job_live.h"
#include "gateway/admin/jobs/job_slice.h"
#include "saga/base/mem.h"

void jobs_update(struct jobs *jobs, const struct job *job)
{
	(void)pthread_mutex_lock(&jobs->lock);
	struct job_live *live = job_live_find(jobs, job->id);
	/* What the runner knows may be newer than a second answer to the same request. */
	if (live == NULL || job->state != JOB_RUNNING)
		job_live_update(jobs, job);
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
		job_live_forget_ended(jobs);
		struct job_live *live = next_live(jobs);
		int64_t now_ms = jobs_monotonic_ms();
		if (live == NULL || live->next_ms > now_ms) {
			job_live_wait(jobs, live != NULL ? live->next_ms : now_ms + 3600000);
			continue;
		}
		live->next_ms = now_ms; /* those who are due take turns */
		TAILQ_REMOVE(&jobs->live, live, link);
		TAILQ_INSERT_TAIL(&jobs->live, live, link);
		(void)pthread_mutex_unlock(&jobs->lock);
		job_slice_run(jobs, live);
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
		job_live_update(jobs, job);
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
		job_live_free(live);
	}
	(void)pthread_cond_destroy(&jobs->changed);
	(void)pthread_mutex_destroy(&jobs->lock);
	free(jobs);
}
