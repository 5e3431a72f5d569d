/* A job as users see it: the members are an interface, only added to. Private to the room. */
#ifndef ALMONER_GATEWAY_ADMIN_VIEWS_JOB_JSON_H
#define ALMONER_GATEWAY_ADMIN_VIEWS_JOB_JSON_H

#include <jansson.h>

#include "saga/journal/operator_port.h"
#include "saga/model/job.h"

/* A new reference. */
json_t *job_json(const struct job *job);
/* The last line of a verb in bulk: {"done": true, "matched": …, "job": …}. */
json_t *job_json_summary(const struct job *job, int64_t left_out);
/* The line of one saga. */
json_t *job_json_saga(const struct job_saga *saga);

#endif
