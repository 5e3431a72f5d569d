/* Which alerts are raised now. An alert is raised when its value reaches a threshold and ends only when the
 * value has been well below for a while (hysteresis), so that a value near the threshold is one alert, not
 * many. The kinds are in alert_kinds.h; gateway/daemon/alerts_thread.c reports the values.
 *
 * A round is: alerts_level and alerts_counter for everything that is present, then alerts_update. A level
 * that was not reported in the round counts as 0. */
#ifndef ALMONER_GATEWAY_ALERTS_ALERTS_H
#define ALMONER_GATEWAY_ALERTS_ALERTS_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/alerts/alert_kinds.h"

/* The texts of this struct are borrowed: valid only during the callback that gets the struct. */
struct alert {
	const char *name;
	const char *subject;
	int64_t since_ms; /* when the alert was raised: wall clock, ms since 1970 */
	const char *text; /* what has happened, and what the operator should do */
};

struct alerts;

/* `changed` is called for each alert that is raised or ends. It runs under the lock of the alerts and must
 * not call this file. All functions: thread any. */
struct alerts *alerts_create(void *ctx, void (*changed)(void *ctx, bool raised, const struct alert *alert));
void alerts_destroy(struct alerts *a); /* NULL is accepted */

/* Adds to the level of a kind at a subject in this round; 0 and less adds nothing. */
void alerts_level(struct alerts *a, enum alert_kind kind, const char *subject, int64_t value);
/* Reports a counter that only grows. Its growth within alerts.window is the value, unless the round reports a
 * level for the same kind and subject. `now_ms`: the time given to alerts_update. */
void alerts_counter(struct alerts *a, enum alert_kind kind, const char *subject, uint64_t total,
					const struct config_alerts *policy, int64_t now_ms);
/* Ends the round: raises and ends alerts. `now_ms` is a clock that never steps back, for all durations;
 * `wall_ms` is only the date that people see. */
void alerts_update(struct alerts *a, const struct config_alerts *policy, int64_t now_ms, int64_t wall_ms);

/* Calls `each` for every raised alert, ordered by kind. It runs under the lock and must not call this
 * file. */
void alerts_each(struct alerts *a, void *ctx, void (*each)(void *ctx, const struct alert *alert));

#endif
