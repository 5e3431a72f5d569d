/* Alerts: named conditions that somebody should hear of, raised and ended with hysteresis. The kinds and
 * their texts are one table (alerts.c); who looks at the daemon and tells what is there is alerts_thread.c.
 *
 * One look: alerts_level and alerts_counter for all that is there, then alerts_update; a level not told in a
 * look is 0. Texts say what to do and name sources and targets, never a donor, never what a target replied. */
#ifndef ALMONER_GATEWAY_ALERTS_ALERTS_H
#define ALMONER_GATEWAY_ALERTS_ALERTS_H

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"

/* Name, and what its subject is. */
#define ALERT_TABLE(X)                                                                                       \
	X(ALERT_UNVERIFIED, "unverified")         /* source: 401s of late */                                     \
	X(ALERT_TURNED_AWAY, "turned_away")       /* source: 503s of late */                                     \
	X(ALERT_QUARANTINED, "quarantined")       /* source: open quarantined events */                          \
	X(ALERT_QUARANTINE_CAP, "quarantine_cap") /* source: as many as are allowed */                           \
	X(ALERT_GIFT_MISSING, "gift_missing")     /* source: related events whose gift has not come */           \
	X(ALERT_FAULT, "fault")                   /* target: steps that ended in fault */                        \
	X(ALERT_IN_DOUBT, "in_doubt")             /* target: steps that may have worked */                       \
	X(ALERT_UNDO_FAILED, "undo_failed")       /* target: undos that failed */                                \
	X(ALERT_ATTENTION, "attention")           /* target: steps that need a person for another reason */      \
	X(ALERT_CREDENTIALS, "credentials")       /* target: held, credentials refused */                        \
	X(ALERT_MISCONFIGURED, "misconfigured")   /* target: held, everything is rejected */                     \
	X(ALERT_TARGET_MISSING, "target_missing") /* target: has open steps, is not in the configuration */      \
	X(ALERT_BREAKER_OPEN, "breaker_open")     /* target: has not answered for a while */                     \
	X(ALERT_STORE_GONE, "store_gone")         /* "store": its files are not where they were */               \
	X(ALERT_DISK_LOW, "disk_low")             /* "store" */                                                  \
	X(ALERT_STORE_HELD_UP, "store_held_up")   /* "store": a reader outside keeps its log growing */
#define ALERT_ENUM(kind, name) kind,
enum alert_kind { ALERT_TABLE(ALERT_ENUM) ALERT_KINDS };
#undef ALERT_ENUM
const char *alert_name(enum alert_kind kind);

struct alert {
	const char *name;
	const char *subject;
	int64_t since_ms; /* wall clock, when it was raised */
	const char *text; /* what is there, and what to do */
};

struct alerts;

/* `changed` is told what was raised and what ended, under the lock: it only writes it down. Thread: any. */
struct alerts *alerts_create(void *ctx, void (*changed)(void *ctx, bool raised, const struct alert *alert));
void alerts_destroy(struct alerts *a); /* NULL is accepted */

/* How much of it there is now. Told several times in a look, it adds up. */
void alerts_level(struct alerts *a, enum alert_kind kind, const char *subject, int64_t value);
/* A counter that only grows stands at `total`; what counts is its growth in the window, while no level is
 * told for the same. */
void alerts_counter(struct alerts *a, enum alert_kind kind, const char *subject, uint64_t total,
					const struct config_alerts *policy, int64_t now_ms);
/* Ends a look: raises and ends. `now_ms` is steady, `wall_ms` dates. */
void alerts_update(struct alerts *a, const struct config_alerts *policy, int64_t now_ms, int64_t wall_ms);

/* Those that stand, by kind. `each` runs under the lock. */
void alerts_each(struct alerts *a, void *ctx, void (*each)(void *ctx, const struct alert *alert));

#endif
