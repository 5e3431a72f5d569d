#include "gateway/admin/jobs/job_live.h"

#include <stdlib.h>
#include <time.h>

#include "saga/base/mem.h"

#define ENDED_KEPT 16 /* for those who come to follow a job that was quick */

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

/* With the lock held. */
void job_live_update(struct jobs *jobs, const struct job *job)
{
	struct job_live *live = job_live_find(jobs, job->id);
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

void job_live_free(struct job_live *live)
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

int64_t jobs_monotonic_ms(void)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void job_live_wait(struct jobs *jobs, int64_t until_ms)
{
	struct timespec until = { .tv_sec = (time_t)(until_ms / 1000), .tv_nsec = until_ms % 1000 * 1000000 };
	(void)pthread_cond_timedwait(&jobs->changed, &jobs->lock, &until);
}

void job_live_add_line(struct job_live *live, char *text)
{
	char **slot = &live->lines[live->next_line++ % JOB_LINES];
	free(*slot);
	*slot = text;
}
