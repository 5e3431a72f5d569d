/* One slice of a job: finds the next sagas and runs the job's verb on them. Thread: jobs only. */
#ifndef ALMONER_GATEWAY_ADMIN_JOBS_JOB_SLICE_H
#define ALMONER_GATEWAY_ADMIN_JOBS_JOB_SLICE_H

#include "gateway/admin/jobs/job_live.h"

/* Runs one slice, or sets live->next_ms if the job has to wait. The caller does not hold jobs->lock. */
void job_slice_run(struct jobs *jobs, struct job_live *live);

#endif
