/* Refused requests in the admin API: what replaying one asks of the daemon, and what the handlers share. */
#ifndef ALMONER_GATEWAY_ADMIN_VERBS_REPLAY_H
#define ALMONER_GATEWAY_ADMIN_VERBS_REPLAY_H

#include <stdbool.h>

#include "saga/base/err.h"

struct admin_call;

struct replay_call {
	const char *actor;
	const char *note;
	bool dry_run; /* only judged */
};

/* The only filter is the source. */
int replay_check_query(const struct admin_call *call, struct err *err) MUST_CHECK;

#endif
