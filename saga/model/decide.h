/* The decisions: how a saga changes when something happens to it. The functions are pure: the time, the
 * randomness and the rules of the targets come in with `struct decide`; the changed saga and the log records
 * go out. They use no clock, no I/O and no threads, so tests and the simulation can run every case.
 *
 * When a function returns, the saga is settled: steps that come after others are released or skipped, the
 * failure policy has acted, the state is derived and saga_check() holds; a saga that breaks a rule ends the
 * process. ERR_STALE: the call speaks of a generation, attempt or direction that is over; nothing was
 * changed. */
#ifndef ALMONER_MODEL_DECIDE_H
#define ALMONER_MODEL_DECIDE_H

#include "saga/base/clock.h"
#include "saga/base/entropy.h"
#include "saga/base/err.h"
#include "saga/model/record.h"
#include "saga/model/retry.h"
#include "saga/model/saga.h"

/* The rules of one target, from the current configuration and from what its connector declares. */
struct step_rules {
	enum repeat repeat;
	int64_t repeat_ttl_ms; /* for REPEAT_KEYED: how long the target remembers a key */
	struct retry_policy retry;
	bool can_undo;
	bool can_undo_nothing; /* an undo is safe even if the do never took effect */
	bool undo_idempotent;  /* an undo may be sent twice, even if `repeat` forbids it for the do */
	bool can_lookup;
	bool attention_holds; /* order.on_attention = hold: a step in attention blocks its lane */
	bool missing;         /* the configuration does not have this target */
};

/* Where the decisions get the rules of a target from. */
struct rules_port {
	void *ctx;
	/* Never NULL, also for an unknown name (`missing`); valid until the next call. */
	const struct step_rules *(*of)(void *ctx, const char *target);
};

/* What every decision needs; filled in by the caller for one saga. */
struct decide {
	struct saga *saga;
	int64_t now_ms;
	struct entropy rnd;
	struct rules_port rules;
	struct records *log; /* the log to which the decisions append; not NULL */
};

/* Names one attempt, so that a late completion of an earlier attempt is recognised. */
struct attempt_ref {
	uint16_t step;
	enum direction direction;
	uint32_t generation;
	uint32_t attempt;
};

/* What the engine reports about the end of an attempt. Texts are borrowed for the call. */
struct outcome {
	enum outcome_class result;
	bool effect_sent;       /* a request with effects may have reached the target */
	uint32_t status;        /* the status of the reply: an HTTP or SMTP code; 0: none */
	int64_t retry_after_ms; /* the wait for which the target asked; 0: none */
	int64_t duration_ms;
	bool has_body;
	uint8_t body[16];        /* if has_body: digest of the request bytes, sent or about to be sent */
	const char *code;        /* the target's own code for what happened; NULL: none */
	const char *detail;      /* NULL: none */
	const char *result_json; /* NULL: none */
};

/* The first decision about a new saga: logs `accepted` (or unrouted, quarantined, gift_missing) and makes the
 * steps without `after` ready, or skips them if their `when` is false. `start` is what the saga was made of;
 * `event_digest` is event.digest. */
void decide_accepted(struct decide *d, const struct saga_start *start, const uint8_t event_digest[32]);

/* Starts an attempt: a step that is ready, or whose retry is due, becomes running, with an intent in the log.
 * If the step cannot be sent any more (target missing, expired, in doubt), it is skipped or goes to attention
 * instead: *ret_started is false then. ERR_REFUSED: it may not start now (paused, cancelled, policy hold,
 * wrong state, not due, `when` not evaluated); nothing was changed. */
int decide_intent(struct decide *d, uint16_t step, bool *ret_started) MUST_CHECK;
/* True if the saga lets this step start: it is ready or in retry_wait, and the saga is not paused, cancelled
 * or held by policy. Due time, target and lane are not looked at. */
bool decide_may_start(const struct saga *s, uint16_t step);
/* True if decide_intent would not start this ready or retry_wait step but end it or move it to attention.
 * Then the engine needs no free slot of the target for it. */
bool decide_intent_would_end(const struct decide *d, uint16_t step);
/* The result of `when` for a ready step that comes after others: true lets it start, false skips it. If
 * `when` could not be evaluated, call decide_outcome with FAULT instead. */
int decide_condition_result(struct decide *d, uint16_t step, bool verdict) MUST_CHECK;
/* True if `when` of this step must be evaluated before an intent. */
bool decide_needs_condition(const struct saga *s, uint16_t step);
/* The running attempt was not begun after all: the step is ready again, as old as it was. Its number is used
 * up, its retry budget is not. */
int decide_not_started(struct decide *d, struct attempt_ref ref) MUST_CHECK;
/* Keeps bytes of the connector before a further request with effects; they are copied. */
int decide_checkpoint(struct decide *d, struct attempt_ref ref, struct str bytes) MUST_CHECK;
/* The end of an attempt: saga/DESIGN.md "Outcome classes". Also takes FAULT for a ready step whose `when`
 * could not be evaluated; ref.attempt is then its last attempt, or 0. */
int decide_outcome(struct decide *d, struct attempt_ref ref, const struct outcome *o) MUST_CHECK;
/* For a step that is found running when the daemon starts: how its attempt ended is unknown. By repeat class
 * it is sent again, looked up, or in doubt. `body`: digest of the request that it sent; NULL if that is not
 * known. */
int decide_recover(struct decide *d, uint16_t step, const uint8_t body[16]) MUST_CHECK;
/* For a step whose connector crashed the daemon (gateway/plugin/blackbox.h): it goes to attention, so that
 * the crash is not repeated. The step is running, or decide_recover was called for it. ERR_STALE: it is not
 * under way any more. */
int decide_blame(struct decide *d, uint16_t step, const char *detail) MUST_CHECK;
/* True if the next attempt begins with a look-up. */
bool decide_wants_lookup(const struct step *st, const struct step_rules *rules, int64_t now_ms);

/* One verb of an operator. Texts are borrowed for the call. */
struct verb_call {
	enum verb verb;
	int step;           /* the index of the step; -1: the verb is for the whole saga (resume, pause, …) */
	bool redo_in_doubt; /* resume: also redo the steps that are in doubt */
	const char *actor;  /* who gave the verb: "uid 1000 (anna)" */
	const char *note;   /* the operator's reason; NULL or "": none */
	const char *result_json; /* resolve-done: the result that the operator gave; NULL: none */
};
/* Applies a verb; the tables in verbs.c say what each verb does in each state: saga/DESIGN.md "Verbs".
 * *ret_changed: how many steps it changed (1 for a whole saga); 0 with return 0: there was nothing to do.
 * *ret_doubt: how many steps a resume left in doubt. ERR_REFUSED: the text says why and what to do instead.
 * ERR_NOT_FOUND: the saga has no such step. ERR_INVALID: there is no such verb. */
int decide_verb(struct decide *d, const struct verb_call *call, unsigned *ret_changed, unsigned *ret_doubt,
				struct err *err) MUST_CHECK;
/* What a verb does, or why it is refused, for a step in this state; for a verb on whole sagas `state` is a
 * saga_state. For help and tests. Static; "?" if the verb does not apply to steps or sagas at all. */
const char *verb_cell_text(enum verb verb, enum step_state state, enum reason reason);
/* What a verb on a whole saga does, or why it is refused. `own_reason`: saga.own_reason. Static; "?" if the
 * verb does not apply to sagas. */
const char *verb_saga_text(enum verb verb, enum saga_state state, enum reason own_reason);

#endif
