/* Counts different sagas that one target rejected in a row: a long streak means that the target is
 * misconfigured, not that each message is wrong. Pure. Thread: one at a time. */
#ifndef ALMONER_GATEWAY_ENGINE_STREAK_H
#define ALMONER_GATEWAY_ENGINE_STREAK_H

#include <stdbool.h>
#include <stdint.h>

/* different events rejected in a row, set by saga/DESIGN.md "Outcome classes"; no measurement */
#define STREAK_LIMIT 20

struct streak {
	int64_t sagas[STREAK_LIMIT];
	uint32_t count;
};

/* A step of `saga` was rejected. Returns true when `saga` is the STREAK_LIMIT-th different one in a row;
 * the next streak then begins with none. */
bool streak_rejected(struct streak *s, int64_t saga);
/* A step was accepted. */
void streak_clear(struct streak *s);

#endif
