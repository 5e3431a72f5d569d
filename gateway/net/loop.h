/* The event loop of one thread: a thin layer over libev, always a loop of its own (never libev's default).
 *
 * One turn of the loop, in this order and nowhere else:
 *
 *     wait (epoll, until the nearest deadline) ─► descriptors, wake-ups, signals
 *        ─► GATHER   transfers: results of finished exchanges are delivered
 *        ─► DECIDE   the engine's tick: take in commits, decide, submit requests, hand records to the journal
 *        ─► SEND     transfers: submitted requests are sent
 *     ─► wait …
 *
 * Each hook runs exactly once a turn, after all descriptor callbacks. A deadline has no callback: it only
 * makes the loop take a turn, in which the hooks look at the clock.
 *
 * Thread: all functions belong to the thread that runs the loop, except loop_wake. */
#ifndef ALMONER_GATEWAY_NET_LOOP_H
#define ALMONER_GATEWAY_NET_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "saga/base/err.h"

struct loop;
struct loop_io;

enum loop_phase { LOOP_GATHER, LOOP_DECIDE, LOOP_SEND, LOOP_PHASES };
enum loop_deadline { LOOP_DEADLINE_ENGINE, LOOP_DEADLINE_TRANSFER, LOOP_DEADLINES };

enum loop_event { LOOP_READ = 1, LOOP_WRITE = 2 };

/* NULL with `err` filled when the kernel gives no epoll descriptor. Ignores SIGPIPE in the whole process:
 * a peer that closes its connection must cause an error code, not a signal. */
MUST_CHECK struct loop *loop_create(struct err *err);
/* No other thread may be inside loop_wake, or call it later. Accepts NULL. */
void loop_destroy(struct loop *loop);

/* Runs turns until loop_stop is called, and may be called again after that. The turn in which loop_stop is
 * called still runs all its hooks. */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* Makes the loop take a turn. Many calls before that turn cause only one. Thread: any; also from a signal
 * handler. */
void loop_wake(struct loop *loop);

/* Sets the hook of a phase of the turn; NULL removes it. */
void loop_set_hook(struct loop *loop, enum loop_phase phase, void (*fn)(void *ctx), void *ctx);

/* `fn` is called when the loop wakes more than a second after its deadline, because the process was
 * stopped or the machine stood still. The call comes before everything else in that turn, so that
 * time-outs which passed meanwhile can be extended. `stalled_ms`: the time since the loop began to wait.
 * There is one such callback; NULL removes it. */
void loop_on_stall(struct loop *loop, void (*fn)(void *ctx, int64_t stalled_ms), void *ctx);

/* Sets the engine's only deadline: the loop takes a turn `from_now_ms` milliseconds after this call, or
 * earlier for another reason. 0: at once. -1: no deadline. A deadline that was reached is gone; set it
 * again. */
void loop_set_deadline_ms(struct loop *loop, int64_t from_now_ms);
/* Sets the deadline of any owner, like loop_set_deadline_ms for the engine. */
void loop_set_deadline_of(struct loop *loop, enum loop_deadline owner, int64_t from_now_ms);

/* Monotonic milliseconds, read once at the beginning of each turn. */
int64_t loop_now_ms(const struct loop *loop);

/* Calls `fn` on the loop's thread when the signal arrives; signals that arrive before the call are merged
 * into one. libev allows one loop in the process for each signal. At most LOOP_SIGNALS_MAX signals a loop;
 * more than the daemon handles. */
#define LOOP_SIGNALS_MAX 8
void loop_on_signal(struct loop *loop, int signum, void (*fn)(void *ctx, int signum), void *ctx);

/* Calls `fn` in each turn in which the descriptor is ready for one of `events` (of enum loop_event;
 * level-triggered). Call loop_io_remove before closing the descriptor; this is allowed inside `fn`. */
struct loop_io *loop_io_add(struct loop *loop, int fd, unsigned events,
							void (*fn)(void *ctx, int fd, unsigned events), void *ctx);
/* Changes for which events the descriptor is watched; 0: none at present. */
void loop_io_set(struct loop_io *io, unsigned events);
void loop_io_remove(struct loop_io *io); /* accepts NULL */

#endif
