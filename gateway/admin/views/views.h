/* The handlers of the routes that only read. The table of routes is in gateway/admin/api.c. */
#ifndef ALMONER_GATEWAY_ADMIN_VIEWS_VIEWS_H
#define ALMONER_GATEWAY_ADMIN_VIEWS_VIEWS_H

#include "gateway/admin/call.h"

void view_status(struct admin_call *call);
void view_sagas(struct admin_call *call);
void view_saga_count(struct admin_call *call);
void view_saga(struct admin_call *call);
void view_event(struct admin_call *call);
void view_log(struct admin_call *call);
void view_targets(struct admin_call *call);
void view_backlog(struct admin_call *call);
void view_verify(struct admin_call *call);
void view_jobs(struct admin_call *call);
void view_job(struct admin_call *call);
void view_job_lines(struct admin_call *call);
void view_rejected(struct admin_call *call);
void view_rejected_one(struct admin_call *call);
#endif
