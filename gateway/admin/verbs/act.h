/* The handlers of the admin API that change something. */
#ifndef ALMONER_GATEWAY_ADMIN_VERBS_ACT_H
#define ALMONER_GATEWAY_ADMIN_VERBS_ACT_H

#include "gateway/admin/call.h"

admin_call_handler act_saga, act_bulk, act_job, act_target, act_reprocess, act_replay;

#endif
