/* Log lines about refused requests, so few that a flood of them fills no disk. */
#ifndef ALMONER_GATEWAY_LOG_LOG_THROTTLE_H
#define ALMONER_GATEWAY_LOG_LOG_THROTTLE_H

#include "gateway/log/logger.h"

struct log_throttle;

struct log_throttle *log_throttle_create(void);
void log_throttle_destroy(struct log_throttle *r); /* NULL is accepted */
/* Writes a line, or counts it: a later one says how many were left out. Thread: any. */
void log_throttle_rejected(struct log_throttle *r, struct logger *logger, int64_t now_ms, const char *source,
						   const char *address, int status, const char *why);

#endif
