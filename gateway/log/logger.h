/* The log lines of the daemon, as key=value or JSON. Each line is one write(2), so lines of several threads
 * do not mix. The callers keep this rule: no line holds a secret, and only lines at level debug may hold data
 * of a donor. */
#ifndef ALMONER_GATEWAY_LOG_LOGGER_H
#define ALMONER_GATEWAY_LOG_LOGGER_H

#include "config/config.h"
#include "saga/base/err.h"

struct logger;

/* Opens the file of the configuration for appending; without one, lines go to standard error. */
int logger_create(const struct config_log *config, struct logger **ret, struct err *err) MUST_CHECK;
void logger_destroy(struct logger *l); /* NULL is accepted */
/* For a reload: opens the file anew (log rotation) and changes level and format. On failure nothing changes.
 * Thread: any. */
int logger_reopen(struct logger *l, const struct config_log *config, struct err *err) MUST_CHECK;

/* Writes a line: time, level, event, then the pairs of key and text, which end with a NULL key. A pair whose
 * text is NULL is left out. `event` and keys are plain ASCII words of ours; texts may be any bytes. `l` NULL:
 * nothing is written, for errors before the log exists. Thread: any. */
void logger_line(struct logger *l, enum config_log_level level, const char *event, ...)
	__attribute__((sentinel));

#endif
