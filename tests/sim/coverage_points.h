/* Rare branches. The suite fails when its seeds do not reach each of them at least once: the simulation would no
 * longer test what it is there for. */
#ifndef ALMONER_TESTS_SIM_COVERAGE_POINTS_H
#define ALMONER_TESTS_SIM_COVERAGE_POINTS_H

#include <stdbool.h>
#include <stdint.h>

#define COVERAGE_POINTS(X)                                                                                   \
	X(COVER_DUPLICATE, "a duplicate was answered with its saga")                                             \
	X(COVER_RELATED, "an event was recorded beside its gift")                                                \
	X(COVER_GIFT_MISSING, "a gift never came")                                                               \
	X(COVER_STARTED_IN_COMMIT, "the accepting commit had a first intent")                                    \
	X(COVER_WINDOW, "a ready work waited in the window")                                                     \
	X(COVER_DISK, "a step went to disk at once")                                                             \
	X(COVER_SPILLED, "ready works went back to disk")                                                        \
	X(COVER_CLAIMED, "a claim was granted")                                                                  \
	X(COVER_CLAIM_EMPTY, "a claim found nothing to grant")                                                   \
	X(COVER_NOT_STARTED, "a permit was not used")                                                            \
	X(COVER_GONE, "a step had moved on when its intent was asked for")                                       \
	X(COVER_CHECKPOINT, "a checkpoint before a second effect")                                               \
	X(COVER_RESUMED_CHECKPOINT, "an attempt continued from a checkpoint")                                    \
	X(COVER_CRASH_RUNNING, "a crash during an attempt")                                                      \
	X(COVER_CRASH_IDLE, "a crash without an attempt")                                                        \
	X(COVER_STOPPED, "a clean stop")                                                                         \
	X(COVER_CUT, "an attempt was cut off by the stop")                                                       \
	X(COVER_DEADLINE, "an attempt ran out of time")                                                          \
	X(COVER_DOUBT_IDEMPOTENT, "unknown outcome, idempotent")                                                 \
	X(COVER_DOUBT_KEYED, "unknown outcome, keyed")                                                           \
	X(COVER_DOUBT_QUERYABLE, "unknown outcome, queryable")                                                   \
	X(COVER_DOUBT_UNSAFE, "unsafe step in doubt")                                                            \
	X(COVER_DOUBT_TTL, "a keyed step was in doubt or looked up after its keys had expired")                  \
	X(COVER_LOOKUP_PRESENT, "a look-up found the effect")                                                    \
	X(COVER_LOOKUP_ABSENT, "a look-up did not find the effect")                                              \
	X(COVER_LOOKUP_PARTIAL, "a look-up found a part of the effects")                                         \
	X(COVER_REJECTED, "rejected")                                                                            \
	X(COVER_EXHAUSTED, "exhausted")                                                                          \
	X(COVER_FAULT, "fault")                                                                                  \
	X(COVER_CONDITION_FAULT, "a broken condition")                                                           \
	X(COVER_CONDITION_FALSE, "a condition was false after other steps")                                      \
	X(COVER_BODY_CHANGED, "a changed body was not sent")                                                     \
	X(COVER_EXPIRED, "a step expired")                                                                       \
	X(COVER_EXISTS, "the target had it already")                                                             \
	X(COVER_BUSY, "busy")                                                                                    \
	X(COVER_FORBIDDEN_WAIT, "a 403 waited for another step's answer")                                        \
	X(COVER_HELD_CREDENTIALS, "held for credentials")                                                        \
	X(COVER_PROBE_RELEASED, "a probe ended a hold")                                                          \
	X(COVER_HELD_MISCONFIGURED, "held as misconfigured")                                                     \
	X(COVER_RELOAD_RELEASED, "changed settings ended a hold")                                                \
	X(COVER_BREAKER_OPEN, "a breaker opened")                                                                \
	X(COVER_BREAKER_HALF_OPEN, "a breaker was half-open")                                                    \
	X(COVER_BREAKER_CLOSED, "a breaker closed")                                                              \
	X(COVER_BREAKER_LEFT_OPEN, "a breaker was found open at the start")                                      \
	X(COVER_BREAKER_REOPENED, "a probe failed")                                                              \
	X(COVER_LANE_WAIT, "a step waited for its lane")                                                         \
	X(COVER_LANE_PROMOTED, "the next saga of a lane started")                                                \
	X(COVER_LANE_PASSED, "a later saga passed a step in attention")                                          \
	X(COVER_COMPENSATE, "a saga was compensated")                                                            \
	X(COVER_UNDONE, "an undo succeeded")                                                                     \
	X(COVER_UNDO_NOTHING, "an undo of an effect that never happened")                                        \
	X(COVER_UNDO_FAILED, "an undo failed")                                                                   \
	X(COVER_KEPT, "a step was kept")                                                                         \
	X(COVER_UNROUTED, "an event without a route")                                                            \
	X(COVER_TARGET_MISSING, "the target of a step was no longer configured")                                 \
	X(COVER_HELD_POLICY, "a saga held by its policy")                                                        \
	X(COVER_REDO, "an operator redid a step")                                                                \
	X(COVER_RESOLVED, "an operator resolved doubt")                                                          \
	X(COVER_CANCELLED, "a saga was cancelled")                                                               \
	X(COVER_PAUSED, "a saga was paused")                                                                     \
	X(COVER_RATE, "a rate limit delayed a start")                                                            \
	X(COVER_JOB_DONE, "a job was finished")                                                                  \
	X(COVER_JOB_CANCELLED, "a job was cancelled")                                                            \
	X(COVER_JOB_RESTART, "a job continued after a start")                                                    \
	X(COVER_LATE_EFFECT, "a request took effect after its sender had died")                                  \
	X(COVER_DISK_LOW, "the free space fell below the reserve")                                               \
	X(COVER_DISK_ENOUGH, "the disk had free space again")                                                    \
	X(COVER_STORE_GONE, "the store's files were gone")                                                       \
	X(COVER_CHECKPOINT_FULL, "a checkpoint found no free space")                                             \
	X(COVER_WAL_BLOCKED, "a reader kept the write-ahead log from being reused")                              \
	X(COVER_WAL_UNBLOCKED, "the write-ahead log was reused again")                                           \
	X(COVER_ACCEPT_DISK_LOW, "an event was refused at once because the disk was low")                        \
	X(COVER_QUEUED_DISK_LOW, "an event was refused in the queue because the disk became low")                \
	X(COVER_START_DISK_LOW, "a step that was ready did not start because the disk was low")                  \
	X(COVER_DISK_FULL, "a commit failed because the disk was full")                                          \
	X(COVER_WRITE_FAILED, "a commit failed because a write failed")                                          \
	X(COVER_SYNC_FAILED, "a commit failed because a sync failed")                                            \
	X(COVER_UNACKED_STORED, "an event that was answered with an error was in the store")                     \
	X(COVER_START_FAILED, "a start failed because of the disk")                                              \
	X(COVER_LOST_RUNNING, "a cell was lost with attempts under way, and made again")                         \
	X(COVER_LOST_IDLE, "a cell was lost without an attempt under way, and made again")                       \
	X(COVER_INFLIGHT_FOUND, "the in-flight file had the request of an attempt that was cut off")             \
	X(COVER_INFLIGHT_LOST, "a power cut lost the in-flight file")                                            \
	X(COVER_CRASH_BODY_CHANGED, "a request that was edited after a crash was not sent")                      \
	X(COVER_CRASH_UNSAFE, "an unsafe step was in doubt after a crash")                                       \
	X(COVER_HELD_BACK, "an accept was held back")                                                            \
	X(COVER_HELD_BACK_ENDED, "accepts that were held back were taken when their time was over")              \
	X(COVER_FAST_TARGET, "the engine found a target fast and limited accepts")                               \
	X(COVER_QUEUE_FULL, "an event was refused because the queue was full")                                   \
	X(COVER_WINDOW_FULL, "a step went to disk because the window was full")

#define COVERAGE_ENUM(name, text) name,
enum coverage_point { COVERAGE_POINTS(COVERAGE_ENUM) COVERAGE_POINT_COUNT };
#undef COVERAGE_ENUM

struct coverage {
	uint64_t hits[COVERAGE_POINT_COUNT];
};

void coverage_point_hit(struct coverage *m, enum coverage_point which);
/* Prints the points that were never hit; returns their number. */
unsigned coverage_points_missing(const struct coverage *m);
void coverage_points_print(const struct coverage *m);

#endif
