/* The enums of the model: states, reasons, outcome classes, repeat classes, policies and verbs. Each is a
 * table of name, stored number and the text that users see in the CLI, in JSON and in filters. What each
 * value means to a user is in saga/DESIGN.md "Step states", "Saga states" and "Outcome classes". Pure;
 * thread: any. */
#ifndef ALMONER_MODEL_STATE_H
#define ALMONER_MODEL_STATE_H

#include <stdbool.h>
#include <stdint.h>

/* The numbers are in the store: append new ones, never change one. */

enum direction { DIRECTION_DO = 0, DIRECTION_UNDO = 1 };

#define STEP_STATE_TABLE(X)                                                                                  \
	X(STEP_WAITING, 0, "waiting")       /* the step waits for the steps in its `after` */                    \
	X(STEP_READY, 1, "ready")           /* the step may start as soon as its target has a free slot */       \
	X(STEP_RUNNING, 2, "running")       /* an attempt of the step is under way; its intent is on disk */     \
	X(STEP_RETRY_WAIT, 3, "retry_wait") /* the step waits until due_ms before the next attempt */            \
	X(STEP_SUCCEEDED, 4, "succeeded")   /* in direction undo: the effect was undone */                       \
	X(STEP_ATTENTION, 5, "attention")   /* the step needs an operator; `reason` says why */                  \
	X(STEP_SKIPPED, 6, "skipped")       /* the step will not be done; `skip` says why */                     \
	X(STEP_KEPT, 7, "kept")             /* the step took effect, and its effect stays after the undo */

#define SAGA_STATE_TABLE(X)                                                                                  \
	X(SAGA_RUNNING, 0, "running")                                                                            \
	X(SAGA_PAUSED, 1, "paused")                                                                              \
	X(SAGA_COMPENSATING, 2, "compensating")                                                                  \
	X(SAGA_ATTENTION, 3, "attention")                                                                        \
	/* a saga in SAGA_COMPLETED, or in a state after it in this table, is at rest */                         \
	X(SAGA_COMPLETED, 4, "completed")                                                                        \
	X(SAGA_COMPLETED_PARTIAL, 5, "completed_partial")                                                        \
	X(SAGA_COMPENSATED, 6, "compensated")                                                                    \
	X(SAGA_CANCELLED, 7, "cancelled")                                                                        \
	X(SAGA_UNROUTED, 8, "unrouted")

#define REASON_TABLE(X)                                                                                      \
	X(REASON_NONE, 0, "")                                                                                    \
	X(REASON_REJECTED, 1, "rejected")                                                                        \
	X(REASON_EXHAUSTED, 2, "exhausted")                                                                      \
	X(REASON_IN_DOUBT, 3, "in_doubt")                                                                        \
	X(REASON_FAULT, 4, "fault")                                                                              \
	X(REASON_BODY_CHANGED, 5, "body_changed")                                                                \
	X(REASON_TARGET_MISSING, 6, "target_missing")                                                            \
	X(REASON_UNDO_FAILED, 7, "undo_failed")                                                                  \
	X(REASON_QUARANTINED, 8, "quarantined")   /* of a saga without steps */                                  \
	X(REASON_GIFT_MISSING, 9, "gift_missing") /* of a saga without steps */

/* What a step waits for. A step that has not ended has exactly one such cause; a step that has ended has
 * NONE. saga_check() holds every saga to this rule. */
#define WHY_TABLE(X)                                                                                         \
	X(WHY_NONE, 0, "")                                                                                       \
	X(WHY_CALL, 1, "call")   /* the end of its attempt */                                                    \
	X(WHY_DUE, 2, "due")     /* its due_ms */                                                                \
	X(WHY_SLOT, 3, "slot")   /* a slot of its target */                                                      \
	X(WHY_LANE, 4, "lane")   /* the step waits for an earlier event with the same ordering key */            \
	X(WHY_AFTER, 5, "after") /* other steps of its saga */                                                   \
	X(WHY_ATTENTION, 6, "attention")

#define SKIP_TABLE(X)                                                                                        \
	X(SKIP_NONE, 0, "")                                                                                      \
	/* the step's condition was false; the saga still counts as completed */                                 \
	X(SKIP_WHEN, 1, "when")                                                                                  \
	X(SKIP_EXPIRED, 2, "expired")       /* `expire` had passed: the saga is completed_partial */             \
	X(SKIP_OPERATOR, 3, "skipped")      /* the verb skip: completed_partial */                               \
	X(SKIP_NOT_DONE, 4, "not_done")     /* the verb resolve-not-done: completed_partial */                   \
	X(SKIP_DEPENDENCY, 5, "dependency") /* a step in its `after` was not done: completed_partial */          \
	X(SKIP_CANCELLED, 6, "cancelled")   /* the saga was cancelled or compensated before the step started */

#define OUTCOME_TABLE(X)                                                                                     \
	X(OUTCOME_NONE, 0, "")                                                                                   \
	X(OUTCOME_OK, 1, "ok")                                                                                   \
	X(OUTCOME_UNREACHABLE, 2, "unreachable")                                                                 \
	X(OUTCOME_BUSY, 3, "busy")                                                                               \
	X(OUTCOME_UNKNOWN, 4, "unknown")                                                                         \
	X(OUTCOME_EXISTS, 5, "exists")                                                                           \
	X(OUTCOME_REJECTED, 6, "rejected")                                                                       \
	X(OUTCOME_DENIED, 7, "denied")                                                                           \
	X(OUTCOME_FAULT, 8, "fault")                                                                             \
	X(OUTCOME_ABSENT, 9, "absent") /* a look-up found no effect */                                           \
	X(OUTCOME_BODY_CHANGED, 10,                                                                              \
	  "body_changed") /* the bytes to send differ from those sent before; nothing was sent */                \
	X(OUTCOME_PARTIAL, 11, "partial") /* a look-up found a part of the effect: the do goes on */

#define REPEAT_TABLE(X)                                                                                      \
	X(REPEAT_NONE, 0, "")                                                                                    \
	X(REPEAT_IDEMPOTENT, 1, "idempotent")                                                                    \
	X(REPEAT_KEYED, 2, "keyed")                                                                              \
	X(REPEAT_QUERYABLE, 3, "queryable")                                                                      \
	X(REPEAT_UNSAFE, 4, "unsafe")

#define POLICY_TABLE(X)                                                                                      \
	X(POLICY_CONTINUE, 0, "continue")                                                                        \
	X(POLICY_HOLD, 1, "hold")                                                                                \
	X(POLICY_COMPENSATE, 2, "compensate")

#define VERB_TABLE(X)                                                                                        \
	X(VERB_RESUME, 0, "resume")                                                                              \
	X(VERB_RETRY, 1, "retry")                                                                                \
	X(VERB_REDO, 2, "redo")                                                                                  \
	X(VERB_RESOLVE_DONE, 3, "resolve-done")                                                                  \
	X(VERB_RESOLVE_NOT_DONE, 4, "resolve-not-done")                                                          \
	X(VERB_SKIP, 5, "skip")                                                                                  \
	X(VERB_PAUSE, 6, "pause")                                                                                \
	X(VERB_CANCEL, 7, "cancel")                                                                              \
	X(VERB_COMPENSATE, 8, "compensate")                                                                      \
	X(VERB_REPROCESS, 9, "reprocess")

/* Of a target's circuit breaker: saga/DESIGN.md "Breaker". The log and the admin API use these words. */
#define BREAKER_STATE_TABLE(X)                                                                               \
	X(BREAKER_CLOSED, 0, "closed")                                                                           \
	X(BREAKER_OPEN, 1, "open")                                                                               \
	X(BREAKER_HALF_OPEN, 2, "half_open")

/* Why the gateway holds a target. The reason that the store keeps begins with the kind's word and a colon. */
#define HOLD_TABLE(X)                                                                                        \
	X(HOLD_NONE, 0, "")                                                                                      \
	X(HOLD_CREDENTIALS, 1, "credentials")                                                                    \
	X(HOLD_MISCONFIGURED, 2, "looks misconfigured")

#define STATE_ENUM(name, value, text) name = (value),
enum step_state { STEP_STATE_TABLE(STATE_ENUM) STEP_STATE_COUNT };
enum saga_state { SAGA_STATE_TABLE(STATE_ENUM) SAGA_STATE_COUNT };
enum reason { REASON_TABLE(STATE_ENUM) REASON_COUNT };
enum why { WHY_TABLE(STATE_ENUM) WHY_COUNT };
enum skip { SKIP_TABLE(STATE_ENUM) SKIP_COUNT };
enum outcome_class { OUTCOME_TABLE(STATE_ENUM) OUTCOME_COUNT };
enum repeat { REPEAT_TABLE(STATE_ENUM) REPEAT_COUNT };
enum policy { POLICY_TABLE(STATE_ENUM) POLICY_COUNT };
enum verb { VERB_TABLE(STATE_ENUM) VERB_COUNT };
enum breaker_state { BREAKER_STATE_TABLE(STATE_ENUM) BREAKER_STATES };
enum hold_kind { HOLD_TABLE(STATE_ENUM) HOLD_KINDS };
#undef STATE_ENUM

/* The text of a value; "" for NONE values and "?" for a value outside the table. Static, never NULL. */
const char *name_of_direction(enum direction d);
const char *name_of_step_state(enum step_state s);
const char *name_of_saga_state(enum saga_state s);
const char *name_of_reason(enum reason r);
const char *name_of_why(enum why w);
const char *name_of_skip(enum skip s);
const char *name_of_outcome(enum outcome_class c);
const char *name_of_repeat(enum repeat r);
const char *name_of_policy(enum policy p);
const char *name_of_verb(enum verb v);
const char *name_of_breaker(enum breaker_state b);
const char *name_of_hold(enum hold_kind h);

/* The value for a text that a user gave; -1 for NULL, for "" and for a text that is not in the table. */
int name_to_saga_state(const char *name);
int name_to_reason(const char *name);
int name_to_outcome(const char *name);
int name_to_repeat(const char *name);
int name_to_policy(const char *name);
int name_to_verb(const char *name);
/* The kind of a hold from the reason that the store keeps; HOLD_NONE when the reason begins with no kind's
 * word. */
enum hold_kind name_to_hold(const char *reason);

/* True for completed … unrouted: nothing will change such a saga except a verb of an operator. */
bool saga_state_at_rest(enum saga_state s);

#endif
