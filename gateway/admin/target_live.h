/* What the engine knows of a target at this moment. The store does not keep these figures. */
#ifndef ALMONER_GATEWAY_ADMIN_TARGET_LIVE_H
#define ALMONER_GATEWAY_ADMIN_TARGET_LIVE_H

#include <stdint.h>

#include "saga/model/state.h"

struct target_live {
	enum breaker_state breaker;
	uint32_t in_flight;   /* attempts that run now */
	uint32_t window;      /* how many attempts may run at once now */
	int64_t ready;        /* steps that wait in memory; those that wait on disk are in journal_counts */
	char last_error[320]; /* "" for none */
};

#endif
