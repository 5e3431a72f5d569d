/* What the engine knows of a target at this moment. */
#ifndef ALMONER_ADMIN_TARGET_LIVE_H
#define ALMONER_ADMIN_TARGET_LIVE_H

#include <stdint.h>

struct target_live {
	char breaker[16]; /* closed, open, half_open */
	uint32_t in_flight;
	uint32_t window;      /* how many may be in flight now (ramp) */
	int64_t ready;        /* waiting in memory */
	char last_error[320]; /* "" for none */
};

#endif
