/* Rare branches: each must be taken at least once over the seeds of the suite, or the simulation has gone
 * blind. */
#ifndef ALMONER_SIM_MARKS_H
#define ALMONER_SIM_MARKS_H

#include <stdbool.h>
#include <stdint.h>

#define MARK_TABLE(X)                                                                                        \
	X(MARK_DUPLICATE, "a duplicate was answered with its saga")                                              \
	X(MARK_RELATED, "an event was recorded beside its gift")                                                 \
	X(MARK_GIFT_MISSING, "a gift never came")                                                                \
	X(MARK_RIDE, "a first intent rode in the accepting commit")                                              \
	X(MARK_WINDOW, "a ready work waited in the window")                                                      \
	X(MARK_DISK, "a step went to disk at once")                                                              \
	X(MARK_SPILLED, "ready works went back to disk")                                                         \
	X(MARK_CLAIMED, "a claim was granted")                                                                   \
	X(MARK_CLAIM_EMPTY, "a claim found nothing to grant")                                                    \
	X(MARK_NOT_STARTED, "a permit was not used")                                                             \
	X(MARK_GONE, "a step had moved on when its intent was asked for")                                        \
	X(MARK_CHECKPOINT, "a checkpoint before a second effect")                                                \
	X(MARK_RESUMED_CHECKPOINT, "an attempt went on from a checkpoint")                                       \
	X(MARK_CRASH_RUNNING, "a crash during an attempt")                                                       \
	X(MARK_CRASH_IDLE, "a crash with nothing under way")                                                     \
	X(MARK_STOPPED, "a clean stop")                                                                          \
	X(MARK_CUT, "an attempt was cut off by the stop")                                                        \
	X(MARK_DEADLINE, "an attempt ran out of time")                                                           \
	X(MARK_DOUBT_IDEMPOTENT, "unknown outcome, idempotent")                                                  \
	X(MARK_DOUBT_KEYED, "unknown outcome, keyed")                                                            \
	X(MARK_DOUBT_QUERYABLE, "unknown outcome, queryable")                                                    \
	X(MARK_DOUBT_UNSAFE, "unsafe step in doubt")                                                             \
	X(MARK_DOUBT_TTL, "keyed step in doubt or looked up after its time")                                     \
	X(MARK_LOOKUP_PRESENT, "a look-up found it")                                                             \
	X(MARK_LOOKUP_ABSENT, "a look-up did not find it")                                                       \
	X(MARK_REJECTED, "rejected")                                                                             \
	X(MARK_EXHAUSTED, "exhausted")                                                                           \
	X(MARK_FAULT, "fault")                                                                                   \
	X(MARK_WHEN_FAULT, "a broken condition")                                                                 \
	X(MARK_WHEN_FALSE, "a condition said no after other steps")                                              \
	X(MARK_BODY_CHANGED, "a changed body was not sent")                                                      \
	X(MARK_EXPIRED, "a step expired")                                                                        \
	X(MARK_EXISTS, "the target had it already")                                                              \
	X(MARK_BUSY, "busy")                                                                                     \
	X(MARK_FORBIDDEN_WAIT, "a 403 waited for another step's answer")                                         \
	X(MARK_HELD_CREDENTIALS, "held for credentials")                                                         \
	X(MARK_PROBE_RELEASED, "a probe ended a hold")                                                           \
	X(MARK_HELD_MISCONFIGURED, "held as misconfigured")                                                      \
	X(MARK_RELOAD_RELEASED, "changed settings ended a hold")                                                 \
	X(MARK_BREAKER_OPEN, "a breaker opened")                                                                 \
	X(MARK_BREAKER_HALF_OPEN, "a breaker was half-open")                                                     \
	X(MARK_BREAKER_CLOSED, "a breaker closed")                                                               \
	X(MARK_BREAKER_LEFT_OPEN, "a breaker was found open at the start")                                       \
	X(MARK_BREAKER_REOPENED, "a probe failed")                                                               \
	X(MARK_LANE_WAIT, "a step waited for its lane")                                                          \
	X(MARK_LANE_PROMOTED, "the next in a lane went on")                                                      \
	X(MARK_LANE_PASSED, "a later event passed one in attention")                                             \
	X(MARK_COMPENSATE, "a saga was compensated")                                                             \
	X(MARK_UNDONE, "an undo succeeded")                                                                      \
	X(MARK_UNDO_NOTHING, "an undo of what never happened")                                                   \
	X(MARK_UNDO_FAILED, "an undo failed")                                                                    \
	X(MARK_KEPT, "a step was kept")                                                                          \
	X(MARK_UNROUTED, "an event without a route")                                                             \
	X(MARK_TARGET_MISSING, "the target of a step was no longer configured")                                  \
	X(MARK_HELD_POLICY, "a saga held by its policy")                                                         \
	X(MARK_REDO, "a person redid a step")                                                                    \
	X(MARK_RESOLVED, "a person resolved doubt")                                                              \
	X(MARK_CANCELLED, "a saga was cancelled")                                                                \
	X(MARK_PAUSED, "a saga was paused")                                                                      \
	X(MARK_RATE, "a rate limit delayed a start")                                                             \
	X(MARK_JOB_DONE, "a job came to its end")                                                                \
	X(MARK_JOB_CANCELLED, "a job was cancelled")                                                             \
	X(MARK_JOB_RESTART, "a job went on after a start")                                                       \
	X(MARK_LATE_EFFECT, "a request took effect after its sender had died")

#define MARK_ENUM(name, text) name,
enum mark { MARK_TABLE(MARK_ENUM) MARK_COUNT };
#undef MARK_ENUM

struct marks {
	uint64_t hits[MARK_COUNT];
};

void mark(struct marks *m, enum mark which);
/* Prints those never hit; gives how many. */
unsigned marks_missing(const struct marks *m);
void marks_print(const struct marks *m);

#endif
