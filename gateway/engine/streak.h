/* Counts different events rejected in a row by one target. Pure. Thread: one. */
#ifndef ALMONER_GATEWAY_ENGINE_STREAK_H
#define ALMONER_GATEWAY_ENGINE_STREAK_H

#include <stdbool.h>
#include <stdint.h>

#define STREAK_LIMIT 20

struct streak {
	int64_t sagas[STREAK_LIMIT];
	uint32_t count;
};

/* True when this is the STREAK_LIMIT-th different event in a row; the streak then begins anew. */
bool streak_rejected(struct streak *s, int64_t saga);
void streak_clear(struct streak *s);

#endif
