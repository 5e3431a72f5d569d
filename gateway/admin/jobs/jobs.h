/* The runner of jobs: one thread that looks for what each running job is for, a slice at a time, and hands
 * the slices to the journal, one after the other and never more than one at once. Live traffic goes first:
 * the journal takes slices last, a rate can be set, and a job that starts steps waits while a target that is
 * working them off still has many of them before it. */
#ifndef ALMONER_GATEWAY_ADMIN_JOBS_JOBS_H
#define ALMONER_GATEWAY_ADMIN_JOBS_JOBS_H

#include "gateway/admin/api.h"
#include "saga/model/job.h"

struct jobs;

/* Goes on with what runs according to the store. `api` is borrowed. The journal must have its thread. */
int jobs_start(const struct api_context *api, struct jobs **ret, struct err *err) MUST_CHECK;
/* Ends the thread between two slices; who follows a job is told that it goes on later. Before journal_stop.
 */
void jobs_stop(struct jobs *jobs);
/* After jobs_stop, and when nobody follows any more (admin_server_stop). NULL is accepted. */
void jobs_destroy(struct jobs *jobs);

/* A new one, or news of one from elsewhere (cancelled). Thread: any. */
void jobs_update(struct jobs *jobs, const struct job *job);

/* How many are under way. Thread: any. */
size_t jobs_running(struct jobs *jobs);

/* Follows a job: a line for each saga as it is moved, then a summary. Lines of long ago are left out. */
struct job_follow;
/* ERR_NOT_FOUND: not one of those that run or have just ended. */
int jobs_follow(struct jobs *jobs, int64_t id, struct job_follow **ret) MUST_CHECK;
/* As `more` of struct api_reply; blocks for a second at most. */
int job_follow_more(void *follow, struct buf *out, struct err *err) MUST_CHECK;
void job_follow_free(void *follow);

#endif
