/* The handlers of the routes that change something; they need a daemon. The table of routes is in
 * gateway/admin/api.c. */
#ifndef ALMONER_GATEWAY_ADMIN_VERBS_ACT_H
#define ALMONER_GATEWAY_ADMIN_VERBS_ACT_H

#include "gateway/admin/call.h"

void act_saga(struct admin_call *call);
void act_bulk(struct admin_call *call);
void act_job(struct admin_call *call);
void act_target(struct admin_call *call);
void act_reprocess(struct admin_call *call);
void act_replay(struct admin_call *call);
#endif
