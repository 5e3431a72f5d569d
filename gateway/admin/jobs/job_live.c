#include "gateway/admin/jobs/job_live.h"

#include <assert.h>
#include <stdlib.h>

#include "saga/base/clock.h"
#include "saga/base/mem.h"

/* Ended jobs kept in memory, so that the caller who made a short job can still follow it. Chosen, no
 * measurement. */
#define ENDED_KEPT 16

struct job_live *job_live_find(struct jobs *jobs, int64_t id)
{
	struct job_live *live;
	TAILQ_FOREACH(live, &jobs->live, link)
	{
		if (live->job->id == id)
			return live;
	}
	return NULL;
}

void job_live_update(struct jobs *jobs, const struct job *job)
{
	assert(job->id > 0);
	struct job_live *live = job_live_find(jobs, job->id);
	if (live == NULL) {
		live = mem_zalloc(sizeof *live);
		live->initial = job_copy(job);
		TAILQ_INSERT_TAIL(&jobs->live, live, link);
	}
	if (live->ended && job->state == JOB_RUNNING)
		return; /* a slice that was running when the job was cancelled has ended: the job stays cancelled */
	job_destroy(live->job);
	live->job = job_copy(job);
	live->ended = job->state != JOB_RUNNING;
	pthread_cond_broadcast(&jobs->changed);
}

void job_live_free(struct job_live *live)
{
	assert(live->followers == 0);
	if (live->open)
		bulk_match_close(&live->match);
	for (size_t i = 0; i < JOB_LINES; i++)
		free(live->lines[i]);
	job_destroy(live->initial);
	job_destroy(live->job);
	free(live);
}

/* New jobs are at the end of the list, so this goes from the end to the beginning. */
void job_live_forget_ended(struct jobs *jobs)
{
	size_t ended = 0;
	struct job_live *live;
	struct job_live *before;
	for (live = TAILQ_LAST(&jobs->live, job_lives); live != NULL; live = before) {
		before = TAILQ_PREV(live, job_lives, link);
		if (!live->ended || ++ended <= ENDED_KEPT || live->followers > 0)
			continue;
		TAILQ_REMOVE(&jobs->live, live, link);
		job_live_free(live);
	}
}

void job_live_wait(struct jobs *jobs, int64_t until_ms)
{
	assert(until_ms > 0);
	struct timespec until = clock_timespec(until_ms);
	pthread_cond_timedwait(&jobs->changed, &jobs->lock, &until);
}

void job_live_add_line(struct job_live *live, char *text)
{
	assert(text != NULL);
	char **slot = &live->lines[live->next_line++ % JOB_LINES];
	free(*slot);
	*slot = text;
}
