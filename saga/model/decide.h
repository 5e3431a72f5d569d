/* The decisions: what an input does to a saga. Pure functions and tables: `now`, randomness and the targets'
 * rules come in, the changed saga and the log records come out. No clock, no I/O, no threads.
 *
 * Every function leaves the saga settled: dependants released, policy applied, state derived, saga_check()
 * sound. ERR_STALE: the completion speaks of a generation, attempt or direction that is past; nothing was
 * changed. */
#ifndef ALMONER_MODEL_DECIDE_H
#define ALMONER_MODEL_DECIDE_H

#include "saga/base/clock.h"
#include "saga/base/entropy.h"
#include "saga/base/err.h"
#include "saga/model/record.h"
#include "saga/model/retry.h"
#include "saga/model/saga.h"

/* Today's rules of a target, from the current configuration and the connector's traits. */
struct step_rules {
	enum repeat repeat;
	int64_t repeat_ttl_ms; /* for KEYED */
	struct retry_policy retry;
	bool can_undo;
	bool can_undo_nothing;
	bool undo_idempotent; /* an undo may be sent twice, whatever `repeat` says */
	bool can_lookup;
	bool attention_holds; /* order.on_attention = hold: a step in attention keeps its lane */
	bool missing;         /* the configuration no longer has this target */
};

struct rules_port {
	void *ctx;
	/* Never NULL; borrowed for the call. */
	const struct step_rules *(*of)(void *ctx, const char *target);
};

struct decide {
	struct saga *saga;
	int64_t now_ms;
	struct entropy rnd;
	struct rules_port rules;
	struct records *log; /* records are appended */
};

/* Which attempt a completion speaks of. */
struct attempt_ref {
	uint16_t step;
	enum direction direction;
	uint32_t generation;
	uint32_t attempt;
};

struct outcome {
	enum outcome_class result;
	bool effect_sent; /* an EFFECTS exchange of this attempt may have reached the target */
	uint32_t status;
	int64_t retry_after_ms; /* 0: not said */
	int64_t duration_ms;
	bool has_body;
	uint8_t body[16];        /* digest of the request bytes that were (to be) sent */
	const char *detail;      /* NULL: none */
	const char *result_json; /* NULL: none */
};

/* First settling after saga_create: records `accepted` (or unrouted, quarantined, gift_missing) and makes the
 * first steps ready, applying `when` verdicts. `event_digest` is the salted digest of the event. */
void decide_accepted(struct decide *d, const struct saga_start *start, const uint8_t event_digest[32]);

/* ready or (due) retry_wait → running, with an intent. Also skips a step that has expired, or moves a step
 * whose target is missing to attention: *ret_started says whether it runs. ERR_REFUSED when it must not start
 * now (paused, cancelled, policy hold, wrong state). */
int decide_intent(struct decide *d, uint16_t step, bool *ret_started) MUST_CHECK;
/* May this ready or waiting-to-retry step start as far as its saga is concerned (not paused, cancelled or
 * held by policy)? Its due time, its target and its lane are others' affair. */
bool decide_may_start(const struct saga *s, uint16_t step);
/* Would an intent now end such a step (expired, no target, in doubt) instead of starting it? Then no slot
 * need be sought for it. */
bool decide_intent_would_end(const struct decide *d, uint16_t step);
/* Verdict of `when` for a ready step that comes after others; false → skipped(when). An evaluation error is
 * an outcome FAULT instead. */
int decide_condition_result(struct decide *d, uint16_t step, bool verdict) MUST_CHECK;
/* Does the ready step still need its `when` evaluated before an intent? */
bool decide_needs_condition(const struct saga *s, uint16_t step);
int decide_not_started(struct decide *d, struct attempt_ref ref) MUST_CHECK;
int decide_checkpoint(struct decide *d, struct attempt_ref ref, struct str bytes) MUST_CHECK;
/* Also takes FAULT for a ready step whose `when` could not be evaluated (ref.attempt: its last one, or 0). */
int decide_outcome(struct decide *d, struct attempt_ref ref, const struct outcome *o) MUST_CHECK;
/* A step found running at start: the attempt's end is unknown. By repeat class: again, look first, or in
 * doubt. `body`: digest of the request it sent, or NULL when that is not known. */
int decide_recover(struct decide *d, uint16_t step, const uint8_t body[16]) MUST_CHECK;
/* The black box names this step as the one whose connector brought the process down: running, or already
 * recovered by decide_recover. ERR_STALE when the step is not under way any more. */
int decide_blame(struct decide *d, uint16_t step, const char *detail) MUST_CHECK;
/* A lookup comes before the send: `lookup_first` or a lapsed keyed(ttl). */
bool decide_wants_lookup(const struct step *st, const struct step_rules *rules, int64_t now_ms);

struct verb_call {
	enum verb verb;
	int step;           /* -1: the whole saga (resume, pause, cancel, compensate) */
	bool redo_in_doubt; /* resume: also redo what is in doubt */
	const char *actor;
	const char *note;        /* the person's reason, "" for none */
	const char *result_json; /* resolve-done: optional id given by the person; NULL */
};
/* verb × state → effect or refusal; the table is in verbs.c. ERR_REFUSED with a text that says why and what
 * to do instead; ERR_NOT_FOUND for an unknown step. *ret_changed: how many steps (or 1 for the saga) it
 * moved; 0 with return 0 means it was so already. *ret_doubt: steps that a resume left in doubt. */
int decide_verb(struct decide *d, const struct verb_call *call, unsigned *ret_changed, unsigned *ret_doubt,
				struct err *err) MUST_CHECK;
/* The refusal or effect text of one cell, for help and tests; `state` of the step (or of the saga for saga
 * verbs). */
const char *verb_cell_text(enum verb verb, enum step_state state, enum reason reason);
/* The same for a verb on a whole saga: resume, pause, cancel, compensate, reprocess; `own_reason`: of a saga
 * without steps, else NONE. */
const char *verb_saga_text(enum verb verb, enum saga_state state, enum reason own_reason);

#endif
