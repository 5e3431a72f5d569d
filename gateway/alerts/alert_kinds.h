/* The kinds of alerts: the name, the thresholds and the text of each, in one table (alert_kinds.c). Change an
 * alert, or add one, there. */
#ifndef ALMONER_GATEWAY_ALERTS_ALERT_KINDS_H
#define ALMONER_GATEWAY_ALERTS_ALERT_KINDS_H

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"

/* Name of the alert in JSON and in the log, and what its subject is: a source, a target or "store". */
#define ALERT_TABLE(X)                                                                                       \
	X(ALERT_UNVERIFIED, "unverified")         /* source: requests answered 401 within the window */          \
	X(ALERT_TURNED_AWAY, "turned_away")       /* source: requests answered 503 within the window */          \
	X(ALERT_QUARANTINED, "quarantined")       /* source: events in quarantine */                             \
	X(ALERT_QUARANTINE_CAP, "quarantine_cap") /* source: limits.quarantine_cap is reached */                 \
	X(ALERT_GIFT_MISSING, "gift_missing")     /* source: related events without their gift */                \
	X(ALERT_FAULT, "fault")                   /* target: steps that ended in fault */                        \
	X(ALERT_IN_DOUBT, "in_doubt")             /* target: steps in doubt */                                   \
	X(ALERT_UNDO_FAILED, "undo_failed")       /* target: undos that failed */                                \
	X(ALERT_ATTENTION, "attention")           /* target: rejected and exhausted steps */                     \
	X(ALERT_CREDENTIALS, "credentials")       /* target: held for its credentials */                         \
	X(ALERT_MISCONFIGURED, "misconfigured")   /* target: held, it rejects everything */                      \
	X(ALERT_TARGET_MISSING, "target_missing") /* target: not configured, with open steps */                  \
	X(ALERT_BREAKER_OPEN, "breaker_open")     /* target: breaker not closed for a while */                   \
	X(ALERT_STORE_GONE, "store_gone")         /* "store": its files were moved or removed */                 \
	X(ALERT_DISK_LOW, "disk_low")             /* "store": free space below store.reserve */                  \
	X(ALERT_STORE_HELD_UP, "store_held_up")   /* "store": another program keeps the WAL growing */
#define ALERT_ENUM(kind, name) kind,
enum alert_kind { ALERT_TABLE(ALERT_ENUM) ALERT_KINDS };
#undef ALERT_ENUM

/* The name in ALERT_TABLE; "?" for a value that is no kind. */
const char *alert_kind_name(enum alert_kind kind);

/* The value from which an alert of this kind is raised. 0: never, the operator has switched it off. */
int64_t alert_kind_threshold(enum alert_kind kind, const struct config_alerts *policy);
/* How long the value must stay at the threshold before the alert is raised; usually 0. */
int64_t alert_kind_delay_ms(enum alert_kind kind, const struct config_alerts *policy);
/* The alert ends when its value is below this one for a while. */
int64_t alert_kind_end_below(enum alert_kind kind, const struct config_alerts *policy);

/* What has happened and what to do about it, in English: a new string, free() it. `value` is how much of it
 * there is. */
char *alert_kind_text(enum alert_kind kind, const char *subject, int64_t value,
					  const struct config_alerts *policy);

#endif
