/* The jobs that run or have just ended, in memory: shared by the jobs thread and the followers. Everything is
 * protected by jobs->lock, except the members that only the jobs thread uses. */
#ifndef ALMONER_GATEWAY_ADMIN_JOBS_JOB_LIVE_H
#define ALMONER_GATEWAY_ADMIN_JOBS_JOB_LIVE_H

#include <pthread.h>
#include <sys/queue.h>

#include "gateway/admin/jobs/jobs.h"
#include "gateway/admin/verbs/bulk_match.h"

/* Lines kept for followers: 128 slices. Chosen, no measurement. */
#define JOB_LINES 2048
/* A job remembers the targets at which it has started steps, because it waits while many steps wait at one
 * of them. This is the number of targets that a job remembers; for further targets it does not wait.
 * Chosen. */
#define JOB_TARGETS_MAX 16

struct job_live {
	TAILQ_ENTRY(job_live) link;
	struct job *job; /* the job as of the last commit; owned */
	bool ended;      /* the job is no longer running, or no command can be run any more */
	unsigned followers;
	char *lines[JOB_LINES]; /* the last lines of the job's report; line n is at n % JOB_LINES; owned */
	uint64_t next_line;     /* the number of the next line; older ones than next_line - JOB_LINES are gone */

	/* Used by the jobs thread only. */
	struct job *
		initial; /* the job as it was when this process took it over: its filter, and where to begin; owned */
	struct bulk_match match;
	bool open;          /* `match` is open */
	int64_t next_ms;    /* when the job has its next turn; monotonic clock, like all times in this struct */
	int64_t slice_ms;   /* when the last slice began */
	int64_t refresh_ms; /* when `match` was opened or refreshed */
	unsigned failures;  /* reads of the store that failed, in a row */
	char started_targets[JOB_TARGETS_MAX][128]; /* the targets at which this job has started steps */
	size_t started_count;
};

struct jobs {
	const struct api_context *api;
	pthread_t thread;
	pthread_mutex_t lock;
	/* signalled when a job has new report lines or changes, and at the stop; waits use the monotonic clock */
	pthread_cond_t changed;
	bool stopping;
	bool joined; /* the thread does not run */
	TAILQ_HEAD(job_lives, job_live) live;
};

/* All functions below: the caller holds jobs->lock. */

/* NULL if the job is not known here. */
struct job_live *job_live_find(struct jobs *jobs, int64_t id);
/* Copies the state of a job after a commit; adds the job if it is new. Wakes the followers. */
void job_live_update(struct jobs *jobs, const struct job *job);
/* Frees the oldest jobs that have ended and have no follower, beyond those kept for late followers. */
void job_live_forget_ended(struct jobs *jobs);
/* Frees a job that is no longer in the list. */
void job_live_free(struct job_live *live);
/* Waits until something changes, or until this time of the monotonic clock. */
void job_live_wait(struct jobs *jobs, int64_t until_ms);
/* Keeps a line for the followers. Takes the text. */
void job_live_add_line(struct job_live *live, char *text);

#endif
