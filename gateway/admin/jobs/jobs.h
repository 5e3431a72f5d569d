/* Runs jobs: bulk verbs on all sagas that match a filter. One thread finds the sagas of each running job and
 * runs its verb on them in slices, one slice at a time. Live traffic goes first: the journal handles
 * slices last, a job can have a rate, and a job that starts steps waits while many steps already wait at a
 * target that works. */
#ifndef ALMONER_GATEWAY_ADMIN_JOBS_JOBS_H
#define ALMONER_GATEWAY_ADMIN_JOBS_JOBS_H

#include "gateway/admin/api.h"
#include "saga/model/job.h"

struct jobs;

/* Starts the thread, and continues the jobs that the store has as running. `api` must outlive the jobs. The
 * journal's thread must run. */
int jobs_start(const struct api_context *api, struct jobs **ret, struct err *err) MUST_CHECK;
/* Ends the thread between two slices; the followers of a job get an error that it continues later. Call it
 * before journal_stop. */
void jobs_stop(struct jobs *jobs);
/* Call it after jobs_stop, and after admin_server_stop, which ends all followers. NULL is accepted. */
void jobs_destroy(struct jobs *jobs);

/* Takes over a new job, or a job that was cancelled. Thread: any. */
void jobs_update(struct jobs *jobs, const struct job *job);

/* The number of running jobs. Thread: any. */
size_t jobs_running(struct jobs *jobs);

/* Follows a job: a line for each saga as it is changed, then a summary. Only the last JOB_LINES lines are
 * kept. */
struct job_follow;
/* ERR_NOT_FOUND: the job neither runs nor is among the last that ended. */
int jobs_follow(struct jobs *jobs, int64_t id, struct job_follow **ret) MUST_CHECK;
/* job_follow_more and job_follow_free are `more` and `stream_free` of struct api_reply. job_follow_more
 * blocks for one second at most. */
int job_follow_more(void *follow, struct buf *out, struct err *err) MUST_CHECK;
void job_follow_free(void *follow);

#endif
