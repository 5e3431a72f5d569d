/* One slice of a job. The runner's thread only. */
#ifndef ALMONER_GATEWAY_ADMIN_JOBS_JOB_SLICE_H
#define ALMONER_GATEWAY_ADMIN_JOBS_JOB_SLICE_H

#include "gateway/admin/jobs/job_live.h"

void job_slice_run(struct jobs *jobs, struct job_live *live);

#endif
