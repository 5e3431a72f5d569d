/* The daemon's log lines: key=value or JSON, one write(2) each, never a secret or (below debug) a donor's
 * data. */
#ifndef ALMONER_GATEWAY_LOG_LOGGER_H
#define ALMONER_GATEWAY_LOG_LOGGER_H

#include "config/config.h"
#include "saga/base/err.h"

struct logger;

/* Standard error, or the file of the configuration (appended). */
int logger_create(const struct config_log *config, struct logger **ret, struct err *err) MUST_CHECK;
void logger_destroy(struct logger *l); /* NULL is accepted */
/* Level and format from now on (reload), and the file opened anew. Thread: any. */
int logger_reopen(struct logger *l, const struct config_log *config, struct err *err) MUST_CHECK;

/* One line: time, level, event, then pairs of key and text up to a NULL key; a pair with a NULL text is left
 * out. Thread: any. */
void logger_line(struct logger *l, enum config_log_level level, const char *event, ...)
	__attribute__((sentinel));

#endif
