/* What the replay of one stored request needs from the daemon (api_context.replay) besides the request. */
#ifndef ALMONER_GATEWAY_ADMIN_VERBS_REPLAY_H
#define ALMONER_GATEWAY_ADMIN_VERBS_REPLAY_H

#include <stdbool.h>

struct replay_call {
	const char *actor;
	const char *note; /* the operator's reason, "" for none */
	bool dry_run;     /* only verify, accept nothing */
};

#endif
