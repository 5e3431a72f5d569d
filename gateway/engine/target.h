/* Internal to the engine: one target as the engine's thread knows it, and what it may start now. */
#ifndef ALMONER_ENGINE_TARGET_H
#define ALMONER_ENGINE_TARGET_H

#include "gateway/engine/admission.h"
#include "gateway/engine/attempt.h"
#include "gateway/engine/concurrency.h"
#include "gateway/engine/engine.h"
#include "gateway/engine/forbidden.h"
#include "gateway/engine/streak.h"

TAILQ_HEAD(attempt_list, attempt);

/* How often a target that is held for its credentials gets a probe, unless configured. Chosen, no
 * measurement. */
#define TARGET_PROBE_MS (5 * 60 * 1000)
/* A target that cannot start keeps its ready works in memory this long, then they go to disk. Chosen. */
#define ENGINE_SPILL_MS 1000
/* Targets that are unblocked together start again within this time. Chosen. */
#define ENGINE_RELEASE_SPREAD_MS 500

/* A connector in use. After a reload has replaced it, it lives until its last attempt has ended. */
struct target_port {
	struct connector_port port;
	void (*release)(void *port_ctx); /* or NULL */
	uint32_t users;                  /* attempts, and the target itself */
};

struct engine_target {
	TAILQ_ENTRY(engine_target) link;
	uint32_t id;
	char *name;
	/* the target's settings, except `name` and `port`, which are members of struct engine_target */
	struct engine_target_config config;
	struct target_port *port;
	/* the target is no longer configured; it stays until its last slot and its last work are given back */
	bool removed;

	struct breaker breaker;
	struct concurrency concurrency;
	struct rate rate;
	struct forbidden forbidden;
	struct streak streak;

	/* Grows when the settings change and when a hold or a pause ends. What an attempt with an older
	 * revision says about credentials and settings is outdated. */
	uint32_t revision;
	bool state_known; /* the journal has reported the state that the last process left */
	bool paused;      /* by an operator */
	bool held;
	enum hold_kind hold; /* only HOLD_CREDENTIALS is probed */
	int64_t probe_at_ms; /* when the next probe of the held target may go out */
	bool probe_reserved; /* the next attempt to begin is the probe */

	struct work_list ready; /* in memory, oldest first */
	uint32_t ready_count;
	int64_t cannot_start_since_ms; /* since when target_cannot_start gives true; 0: it gives false */

	struct attempt_list attempts;
	int64_t deadline_ms; /* the earliest deadline of the attempts; INT64_MAX: none */

	int64_t backlog, next_due_ms; /* as in struct target_news */
	uint32_t claimed;             /* slots reserved for the claim under way; 0: no claim */
	int64_t claim_not_before_ms, claim_pause_ms;
	/* When a start that was refused by back-off or rate limit may be tried again. INT64_MAX: it waits for
	 * a slot or a probe, not for a time. 0: try again in the next tick; the function that gives a slot
	 * back sets it. */
	int64_t start_at_ms;

	int64_t logged_ms;            /* when a failed attempt at the target was last logged; 0: never */
	struct admission_rules rules; /* as last published */
	bool dirty;                   /* the status must be published */
};

TAILQ_HEAD(target_list, engine_target);

struct engine_target *target_create(const struct engine_target_config *config, int64_t now_ms);
/* The target must have no attempts and no ready works. Gives up its use of the port. */
void target_destroy(struct engine_target *t);
/* Replaces the settings; `config->id` is the target's. */
void target_configure(struct engine_target *t, const struct engine_target_config *config);

struct target_port *target_port_ref(struct target_port *p);
/* The last user's call releases the port. NULL is accepted. */
void target_port_unref(struct target_port *p);

/* True when nothing may start whatever breaker and limits allow: the target is paused, held or removed. */
bool target_blocked_by_operator(const struct engine_target *t);
/* True when nothing may start: blocked, or the breaker is open. Ready works then go back to disk. */
bool target_cannot_start(const struct engine_target *t);
/* The settings changed, or a hold or pause ended: see `revision`. Forgets open 403s and the streak of
 * rejections. */
void target_bump_revision(struct engine_target *t);
/* Whether a probe may be sent to the target now. False unless it is held for its credentials. */
bool target_probe_due(const struct engine_target *t, int64_t now_ms);

/* Reserves slots, rate tokens and probes for up to `want` attempts. Returns how many. If it returns 0,
 * start_at_ms says when to try again. */
uint32_t target_reserve(struct engine_target *t, struct admission_control *admission, uint32_t want,
						int64_t now_ms);
/* Reserves one attempt for the probe of a held target, whatever breaker and rate limit allow. False: no
 * slot is free. */
bool target_reserve_probe(struct engine_target *t, struct admission_control *admission, int64_t now_ms);
/* Gives back what was reserved for `count` attempts. */
void target_unreserve(struct engine_target *t, struct admission_control *admission, uint32_t count);
/* Whether an attempt may begin whose permit has arrived. Much may have changed since its slot was
 * reserved. */
struct target_start {
	bool allowed;
	bool probe;   /* the attempt is the probe of a held target */
	bool counted; /* the breaker counts the attempt: breaker_end is due when the attempt ends */
};
struct target_start target_begin(struct engine_target *t);

/* What the target admits at present. */
struct admission_rules target_rules(const struct engine_target *t, bool draining, int64_t now_ms);
/* Fills in the members that the engine's thread knows; see admission_publish. */
void target_status(const struct engine_target *t, struct engine_target_status *ret);
/* The next time at which the target needs a tick although nothing is delivered; INT64_MAX: none. */
int64_t target_next_ms(const struct engine_target *t, int64_t now_ms);

#endif
