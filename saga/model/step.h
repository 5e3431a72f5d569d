/* The elementary changes of one step. Each function sets the state, its `why` and all members that belong to
 * the state, so that no decision can leave one of them behind. Which change is made when is decided in
 * decide.c, outcome.c, settle.c and verbs.c. Pure; the caller owns the step's saga. */
#ifndef ALMONER_MODEL_STEP_H
#define ALMONER_MODEL_STEP_H

#include "saga/model/decide.h"

/* bytes of the longest error text of a target that is stored; chosen; no measurement */
#define STEP_DETAIL_BYTES 500

/* What the next attempt of a step may do, after what may have happened before: saga/DESIGN.md
 * "Repeat classes". */
enum send_rule {
	SEND_PLAIN, /* send: no effect is possible yet, the target recognises a repeat, or a look-up found a part */
	SEND_LOOKUP, /* first ask the target whether the effect exists */
	SEND_NEVER   /* do not send: only an operator can find out */
};
enum send_rule step_send_rule(const struct step *st, const struct step_rules *rules, int64_t now_ms);
/* True if a look-up can answer whether this step took effect. False for an undo, because a look-up asks about
 * the do; and for the class `unsafe`, because its answer "absent" would lead to a second request with the
 * same key. */
bool step_can_lookup(const struct step *st, const struct step_rules *rules);

/* The changes of state. The caller decides that the change is allowed; each function asserts the states from
 * which it never is. Times are of the steady clock. */
void step_to_waiting(struct step *st);
void step_to_ready(struct step *st, int64_t now_ms);
void step_to_running(struct step *st, int64_t now_ms); /* begins and counts an attempt */
void step_to_retry(struct step *st, int64_t due_ms);
/* `reason` is neither REASON_NONE nor a saga's own reason */
void step_to_attention(struct step *st, enum reason reason);
void step_to_succeeded(struct step *st);
void step_to_kept(struct step *st);
/* Ends a step whose present generation did nothing. It becomes skipped, or succeeded if an earlier generation
 * took effect. Only in direction do; `skip` is not SKIP_NONE. */
void step_end_without_effect(struct step *st, enum skip skip);

/* Notes that an attempt that began at since_ms may have taken effect. The first such time stays. */
void step_mark_doubt(struct step *st, int64_t since_ms);
/* Ends the doubt of a step: it is known what happened, also in earlier generations. */
void step_clear_doubt(struct step *st);
/* Gives the step all its attempts and all its time again. */
void step_reset_budget(struct step *st);
/* Notes the digest of the request bytes; a later attempt of this generation must send the same bytes. */
void step_set_body(struct step *st, const uint8_t digest[16]);
/* Begins a new generation: new key, new request bytes, no attempts. Doubt about the old one becomes
 * doubt_before. */
void step_new_generation(struct step *st);
/* Turns a step from do to undo: generation 1, waiting. */
void step_begin_undo(struct step *st);
/* Replaces the detail by a copy of at most STEP_DETAIL_BYTES, cut between two characters; NULL clears it. */
void step_set_detail(struct step *st, const char *detail);

/* True for waiting, ready, running and retry_wait: the step goes on without an operator. */
bool step_is_open(const struct step *st);

#endif
