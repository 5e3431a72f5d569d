/* A job as JSON for users. The members are an interface: new ones may be added, existing ones stay as they
 * are. */
#ifndef ALMONER_GATEWAY_ADMIN_VIEWS_JOB_JSON_H
#define ALMONER_GATEWAY_ADMIN_VIEWS_JOB_JSON_H

#include <jansson.h>

#include "gateway/cell/command.h"
#include "saga/model/job.h"

/* One job. A new reference. */
json_t *job_json(const struct job *job);
/* The last line of the answer to a bulk verb: {"done": true, "matched": …, "job": …}. `left_out`: lines of
 * sagas that this reader has missed because newer lines replaced them; 0 adds no member. A new reference. */
json_t *job_json_summary(const struct job *job, int64_t left_out);
/* The line of one saga in the answer to a bulk verb. A new reference. */
json_t *job_json_saga(const struct job_saga *saga);

#endif
