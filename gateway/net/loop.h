/* The event loop of one thread: a thin layer over libev, always a loop of its own (never libev's default).
 *
 * One turn of the loop, in this order and nowhere else:
 *
 *     wait (epoll, until the nearest deadline) ─► descriptors, wake-ups, signals
 *        ─► GATHER   transfers: what has finished is handed out
 *        ─► DECIDE   the engine's tick: take in commits, decide, submit, hand records to the log
 *        ─► SEND     transfers: what was submitted goes onto the wire
 *     ─► wait …
 *
 * Each hook runs exactly once a turn, after all descriptor callbacks. A deadline has no callback: it only
 * makes the loop take a turn, and the hooks look at the clock.
 *
 * Thread: everything here belongs to the thread that runs the loop, except loop_wake.
 */
#ifndef ALMONER_NET_LOOP_H
#define ALMONER_NET_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "saga/base/err.h"

struct loop;
struct loop_io;

enum loop_phase { LOOP_GATHER, LOOP_DECIDE, LOOP_SEND, LOOP_PHASES };
enum loop_deadline { LOOP_DEADLINE_ENGINE, LOOP_DEADLINE_TRANSFER, LOOP_DEADLINES };

enum loop_event { LOOP_READ = 1, LOOP_WRITE = 2 };

/* NULL with `err` filled when the kernel gives no epoll. Ignores SIGPIPE for the process: a peer that goes
 * away must be an error code, not a signal. */
MUST_CHECK struct loop *loop_create(struct err *err);
/* No other thread may be in loop_wake any more. Accepts NULL. */
void loop_destroy(struct loop *loop);

/* Runs turns until loop_stop; may be called again. The hooks of the turn in which loop_stop was called still
 * run. */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* Makes the loop take a turn. Thread: any; also from a signal handler. Many calls before the turn cost one.
 */
void loop_wake(struct loop *loop);

/* One hook a phase; NULL takes it away. */
void loop_set_hook(struct loop *loop, enum loop_phase phase, void (*fn)(void *ctx), void *ctx);

/* Called when the loop wakes more than a second after it wanted to (the process was stopped, or the machine
 * stood still), before anything of that turn: what ran out meanwhile was not given its time. `stalled_ms`: since
 * it went to wait. One; NULL takes it away. */
void loop_on_stall(struct loop *loop, void (*fn)(void *ctx, int64_t stalled_ms), void *ctx);

/* The engine's single deadline: take a turn no later than `from_now_ms` from now, and not before it because
 * of this; -1: none. Counts from the moment of the call, to the millisecond; 0: do not wait at all. */
void loop_set_deadline_ms(struct loop *loop, int64_t from_now_ms);
/* The same, for any of the loop's owners. */
void loop_set_deadline_of(struct loop *loop, enum loop_deadline owner, int64_t from_now_ms);

/* Monotonic milliseconds, read once a turn. */
int64_t loop_now_ms(const struct loop *loop);
/* How often the loop has gone to wait so far: what the idle test counts. */
uint64_t loop_turns(const struct loop *loop);

/* Calls `fn` on this thread, once for any number of signals that came meanwhile. A signal belongs to at most
 * one loop of the process. At most LOOP_SIGNALS_MAX of them. */
#define LOOP_SIGNALS_MAX 8
void loop_on_signal(struct loop *loop, int signum, void (*fn)(void *ctx, int signum), void *ctx);

/* Watches a descriptor for any of `events` (of enum loop_event; level-triggered). Unwatch before closing it;
 * also from inside the callback. */
struct loop_io *loop_io_add(struct loop *loop, int fd, unsigned events,
							void (*fn)(void *ctx, int fd, unsigned events), void *ctx);
/* Other events for the same open descriptor; 0: none for now. */
void loop_io_set(struct loop_io *io, unsigned events);
void loop_io_remove(struct loop_io *io); /* accepts NULL */

#endif
