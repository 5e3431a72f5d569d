/* Shared by the runner and those who follow. Everything is under jobs->lock, except what is named as the
 * runner's. */
#ifndef ALMONER_GATEWAY_ADMIN_JOBS_JOB_LIVE_H
#define ALMONER_GATEWAY_ADMIN_JOBS_JOB_LIVE_H

#include <pthread.h>
#include <sys/queue.h>

#include "gateway/admin/jobs/jobs.h"
#include "gateway/admin/verbs/bulk_match.h"

#define JOB_LINES 2048 /* kept for those who follow */

struct job_live {
	TAILQ_ENTRY(job_live) link;
	struct job *job; /* as of the last commit */
	bool ended;      /* it is no longer running, or not here */
	unsigned followers;
	char *lines[JOB_LINES]; /* line n stands at n % JOB_LINES */
	uint64_t next_line;     /* those before next_line - JOB_LINES are gone */

	/* The runner's alone. */
	struct job *initial; /* as it was when it came here: its words, and where to begin */
	struct bulk_match match;
	bool open;                     /* the sieve */
	int64_t next_ms;               /* monotonic */
	int64_t slice_ms;              /* the last slice */
	int64_t refresh_ms;            /* the sieve's last refresh */
	unsigned failures;             /* to read, in a row */
	char started_targets[16][128]; /* targets whose steps it has started */
	size_t started_count;
};

struct jobs {
	const struct api_context *api;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed; /* lines, news, the end; on the monotonic clock */
	bool stopping;
	bool joined;
	TAILQ_HEAD(job_lives, job_live) live;
};

int64_t jobs_monotonic_ms(void);
/* All with the lock held. */
struct job_live *job_live_find(struct jobs *jobs, int64_t id);
void job_live_update(struct jobs *jobs, const struct job *job);
void job_live_forget_ended(struct jobs *jobs);
void job_live_free(struct job_live *live);
/* With the lock held: until something changes or this time. */
void job_live_wait(struct jobs *jobs, int64_t until_ms);
/* With the lock held: keeps a line, takes the text. */
void job_live_add_line(struct job_live *live, char *text);

#endif
