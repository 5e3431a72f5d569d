/* The handlers of the routes that change something; they need a daemon. The table of routes is in
 * gateway/admin/api.c. */
#ifndef ALMONER_GATEWAY_ADMIN_VERBS_ACT_H
#define ALMONER_GATEWAY_ADMIN_VERBS_ACT_H

#include "gateway/admin/call.h"

admin_call_handler act_saga, act_bulk, act_job, act_target, act_reprocess, act_replay;

#endif
