/* Limits the log lines about rejected requests, so that a flood of such requests cannot fill the disk with
 * log lines. */
#ifndef ALMONER_GATEWAY_LOG_LOG_THROTTLE_H
#define ALMONER_GATEWAY_LOG_LOG_THROTTLE_H

#include "gateway/log/logger.h"

struct log_throttle;

struct log_throttle *log_throttle_create(void);
void log_throttle_destroy(struct log_throttle *r); /* NULL is accepted */
/* Writes a log line about a rejected request, or only counts it when there were too many. The next line that
 * is written says how many were suppressed. `now_ms`: a clock that never steps back. `source` may be "", and
 * `status` 0 when a connection was closed before a request. Thread: any. */
void log_throttle_rejected(struct log_throttle *r, struct logger *logger, int64_t now_ms, const char *source,
						   const char *address, int status, const char *why);

#endif
