/* Refused requests in the admin API: what replaying one asks of the daemon, and what the handlers share. */
#ifndef ALMONER_ADMIN_REPLAY_H
#define ALMONER_ADMIN_REPLAY_H

#include <stdbool.h>

#include "saga/base/err.h"

struct call;

struct replay_call {
	const char *actor;
	const char *note;
	bool dry_run; /* only judged */
};

/* The only filter is the source. */
int replay_known(const struct call *call, struct err *err) MUST_CHECK;

#endif
