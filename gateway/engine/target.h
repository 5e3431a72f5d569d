/* Inside of the engine: one target as the engine's thread knows it, and what it may start now. */
#ifndef ALMONER_ENGINE_TARGET_H
#define ALMONER_ENGINE_TARGET_H

#include "gateway/engine/admission.h"
#include "gateway/engine/attempt.h"
#include "gateway/engine/concurrency.h"
#include "gateway/engine/engine.h"
#include "gateway/engine/forbidden.h"
#include "gateway/engine/streak.h"

TAILQ_HEAD(attempt_list, attempt);

#define TARGET_PROBE_MS          (5 * 60 * 1000) /* a target held for its credentials is asked this often by default */
#define ENGINE_SPILL_MS          1000            /* ready works of a shut target go back to disk after this */
#define ENGINE_RELEASE_SPREAD_MS 500 /* targets released at once begin within so long of each other */

/* A connector in use; outlives its replacement until its last attempt has ended. */
struct target_port {
	struct connector_port port;
	void (*release)(void *port_ctx);
	uint32_t users; /* attempts, and the target itself */
};

struct engine_target {
	TAILQ_ENTRY(engine_target) link;
	uint32_t id;
	char *name;
	struct engine_target_config config; /* name and port are not used: see above and below */
	struct target_port *port;
	bool removed; /* no longer configured; stays until nothing of it is under way */

	struct breaker breaker;
	struct concurrency concurrency;
	struct rate rate;
	struct forbidden forbidden;
	struct streak streak;

	/* Moves on when its settings are changed and when a hold or a pause ends: what an attempt that began before
	 * says about credentials and settings is no longer news. */
	uint32_t revision;
	bool state_known; /* the journal has said how it was left */
	bool paused;      /* by a person */
	bool held;
	bool credentials; /* … and probed */
	char held_reason[200];
	int64_t probe_at_ms;
	bool probe_reserved; /* the next attempt to begin is the held target's probe */

	struct work_list ready;
	uint32_t ready_count;
	int64_t cannot_start_since_ms; /* since when nothing of `ready` may start; 0: it may */

	struct attempt_list attempts;
	int64_t deadline_ms; /* no attempt ends its time before this; INT64_MAX: none */

	int64_t backlog, next_due_ms;
	uint32_t claimed; /* slots reserved for the claim under way; 0: none */
	int64_t claim_not_before_ms, claim_pause_ms;
	int64_t
		start_at_ms; /* when a start refused by calm or rate may be tried again; INT64_MAX: time is not it */

	int64_t logged_ms;            /* last line about an attempt */
	struct admission_rules rules; /* as published */
	bool dirty;                   /* the status has to be published */
};

TAILQ_HEAD(target_list, engine_target);

struct engine_target *target_create(const struct engine_target_config *config, int64_t now_ms);
/* Nothing may be under way. Drops the port. */
void target_destroy(struct engine_target *t);
/* New settings for the same id. */
void target_configure(struct engine_target *t, const struct engine_target_config *config);

struct target_port *target_port_ref(struct target_port *p);
void target_port_unref(struct target_port *p); /* the last one releases. NULL is accepted */

/* Nothing may begin, whatever breaker and limits say. */
bool target_blocked_by_operator(const struct engine_target *t);
/* Barred, or the breaker is open: ready works go back to disk. */
bool target_cannot_start(const struct engine_target *t);
/* New settings, or nothing bars it any more: what attempts under way say of credentials and rejections is about what was. */
void target_bump_revision(struct engine_target *t);
/* May a held target be asked with one step now? */
bool target_probe_due(const struct engine_target *t, int64_t now_ms);

/* Takes slots, tokens and probes for up to `want` attempts; gives how many, and for none sets start_at_ms. */
uint32_t target_reserve(struct engine_target *t, struct admission_control *admission, uint32_t want,
						int64_t now_ms);
/* One for a held target's probe, whatever breaker and limits say. */
bool target_reserve_probe(struct engine_target *t, struct admission_control *admission, int64_t now_ms);
/* They are not used. */
void target_unreserve(struct engine_target *t, struct admission_control *admission, uint32_t count);
/* A permit is here: may its attempt begin? */
struct target_start {
	bool allowed;
	bool probe;   /* of a held target */
	bool counted; /* by the breaker: breaker_end is due */
};
struct target_start target_begin(struct engine_target *t);

/* What the gate lets through at present. */
struct admission_rules target_rules(const struct engine_target *t, bool draining, int64_t now_ms);
void target_status(const struct engine_target *t, struct engine_target_status *ret);
/* When something of this target becomes due by time alone; INT64_MAX: never. */
int64_t target_next_ms(const struct engine_target *t, int64_t now_ms);

#endif
