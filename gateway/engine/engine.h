/* The engine: starts attempts, carries them through connector and transport, hands outcomes to the journal.
 *
 *     journal ──deliver──► inbox ─► tick: take in ─► outcomes ─► timers ─► dispatch ─► claims
 *        ▲                                │                          │
 *        └── start, checkpoint, outcome ──┴──────────────────────────┘
 *
 * One thread (the loop's) calls everything, except where "Thread: any" is said. Nothing blocks. Time comes
 * from the clock port, read once a turn. */
#ifndef ALMONER_ENGINE_ENGINE_H
#define ALMONER_ENGINE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/engine/breaker.h"
#include "gateway/engine/ports.h"
#include "gateway/engine/rate.h"
#include "gateway/engine/status.h"
#include "saga/base/clock.h"
#include "saga/base/digest.h"
#include "saga/journal/journal.h"

struct engine;

enum engine_log_level { ENGINE_DEBUG, ENGINE_INFO, ENGINE_WARNING, ENGINE_ERROR };

/* A line for the gateway's log; at ENGINE_INFO and above never one per event. No secrets, no donor's data. */
struct engine_log {
	void *ctx;
	void (*line)(void *ctx, enum engine_log_level level, const char *target, const char *text); /* or NULL */
};

struct engine_options {
	struct clock clock;
	struct entropy entropy; /* spreads what is released at once; without `below`: not at all */
	struct transport transport;
	struct condition_port when;
	struct engine_log log;
	void *wake_ctx;
	/* Makes the loop take a turn soon. Called from any thread, at most once between two ticks. */
	void (*wake)(void *wake_ctx);
	size_t window_total_bytes; /* memory of ready works of all targets together; 0: 16 MiB */
};

struct engine *engine_create(const struct engine_options *options);
/* Once, before the first tick; the journal outlives the engine's last tick. */
void engine_set_journal(struct engine *e, struct journal *journal);
/* Ends what is under way without a word to the journal (as a crash would): drain first. Attempts are ended,
 * exchanges cancelled, works freed, ports released. No other thread may be in engine_admit or engine_deliver.
 * NULL is accepted. */
void engine_destroy(struct engine *e);

struct engine_target_config {
	uint32_t id;      /* as the journal gave it */
	const char *name; /* copied */
	struct connector_port port;
	/* The engine no longer uses the port: it was replaced or the engine ends. Thread: the engine's. */
	void (*release)(void *port_ctx); /* or NULL */
	enum repeat repeat;              /* UNSAFE: fresh connections for effects */
	/* Of all that was configured, secrets and contents of files included. When it differs from the last one a
	 * hold ends and an open breaker asks at once: somebody has mended something. */
	uint8_t digest[DIGEST_BYTES];
	bool paused;        /* by configuration; a pause by a person comes from the journal */
	uint32_t in_flight; /* at least 1 */
	struct rate_policy rate;
	struct breaker_policy breaker;
	int64_t probe_ms; /* held for its credentials it is asked this often; 0: every 5 minutes */
	int64_t connect_timeout_ms;
	int64_t timeout_ms; /* of one exchange; an attempt may take four times this */
	size_t reply_cap_bytes;
	size_t window_bytes; /* memory of its ready works; 0: 4 MiB */
};

/* The targets from now on; the same ids keep breaker, window and what is in flight. A port whose ctx is the
 * one in use stays; another one is used by attempts that begin from now on. Taken over at the next tick.
 * Thread: any. */
void engine_set_targets(struct engine *e, const struct engine_target_config *targets, size_t count);

/* Hooks for struct journal_hooks; `ctx` is the engine. Thread: the journal's. */
enum admission engine_admit(void *ctx, uint32_t target, size_t bytes, bool may_start_in_commit);
size_t engine_capacity(void *ctx); /* of struct journal_hooks too */
void engine_deliver(void *ctx, const struct handout *handout);

/* One turn: takes in what the journal delivered, reports outcomes, starts what may start. */
void engine_tick(struct engine *e);
/* After a tick: in how many milliseconds it wants to be ticked again at the latest; -1: not before something
 * happens. */
int64_t engine_next_ms(struct engine *e);

/* Starts nothing more. Attempts have `wait_ms` to finish, then they are cut off: what may have reached its
 * target is reported as unknown. Ready works stay where they are; the journal finds them at its next start.
 */
void engine_drain(struct engine *e, int64_t wait_ms);
/* Nothing is under way and no answer of the journal is awaited (or, two seconds after the drain's end, the
 * journal does not answer). */
bool engine_idle(const struct engine *e);

/* A snapshot of one target (`id`) or all (0); gives how many were written, at most `room`. Thread: any. */
size_t engine_status(struct engine *e, uint32_t id, struct engine_target_status *ret, size_t cap);

#endif
