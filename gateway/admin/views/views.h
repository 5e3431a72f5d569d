/* The handlers of the routes that only read. The table of routes is in gateway/admin/api.c. */
#ifndef ALMONER_GATEWAY_ADMIN_VIEWS_VIEWS_H
#define ALMONER_GATEWAY_ADMIN_VIEWS_VIEWS_H

#include "gateway/admin/call.h"

admin_call_handler view_status, view_sagas, view_saga_count, view_saga, view_event, view_log, view_targets,
	view_backlog, view_verify, view_jobs, view_job, view_job_lines, view_rejected, view_rejected_one;

#endif
