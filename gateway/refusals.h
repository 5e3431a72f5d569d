/* Log lines about refused requests, so few that a flood of them fills no disk. */
#ifndef ALMONER_GATEWAY_REFUSALS_H
#define ALMONER_GATEWAY_REFUSALS_H

#include "gateway/logger.h"

struct refusals;

struct refusals *refusals_create(void);
void refusals_destroy(struct refusals *r); /* NULL is accepted */
/* Writes a line, or counts it: a later one says how many were left out. Thread: any. */
void refusals_tell(struct refusals *r, struct logger *logger, int64_t now_ms, const char *source,
				   const char *address, int status, const char *why);

#endif
