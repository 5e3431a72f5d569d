/* The engine: starts attempts, runs them through connector and transport, reports their outcomes to the
 * journal.
 *
 *     journal ──deliver──► inbox ─► tick: take in ─► outcomes ─► per target: time-outs, starts, claims
 *        ▲                                │                          │
 *        └── start, checkpoint, outcome ──┴──────────────────────────┘
 *
 * The thread of the event loop calls everything, except where a comment names another thread. No call
 * blocks. Time comes from the clock port, which the engine reads once a tick. The log of all this is the
 * journal (saga/DESIGN.md "The log"); the rules for starting are in gateway/DESIGN.md "Engine". */
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
#include "saga/base/entropy.h"
#include "saga/journal/journal.h"

struct engine;

enum engine_log_level { ENGINE_DEBUG, ENGINE_INFO, ENGINE_WARNING, ENGINE_ERROR };

/* Where the engine writes lines for the gateway's log. At ENGINE_INFO and above it writes fewer lines than
 * one per event. The texts hold no secrets and no data of donors. */
struct engine_log {
	void *ctx;
	/* NULL: nothing is logged. `target` is "" when the line is about no target; both texts are borrowed. */
	void (*line)(void *ctx, enum engine_log_level level, const char *target, const char *text);
};

struct engine_options {
	struct clock clock;
	/* Spreads the starts of targets that are unblocked together; `below` may be NULL. */
	struct entropy entropy;
	struct transport transport;
	struct condition_port when;
	struct engine_log log;
	void *wake_ctx;
	/* Makes the loop call engine_tick soon; NULL: the owner ticks by itself. The engine calls it from any
	 * thread, at most once between two ticks. */
	void (*wake)(void *wake_ctx);
	/* memory of the ready works of all targets together; 0: 16 MiB (no measurement) */
	size_t window_total_bytes;
};

/* Copies the options; what they point to outlives the engine. The caller owns the engine. */
struct engine *engine_create(const struct engine_options *options);
/* To be called once, before the first tick. The journal must outlive the engine's last tick. */
void engine_set_journal(struct engine *e, struct journal *journal);
/* Frees the engine. Attempts under way end without a report to the journal, as in a crash; call
 * engine_drain first if their outcomes matter. Exchanges are cancelled, works freed, ports released. No
 * other thread may be in engine_admit or engine_deliver. NULL is accepted. */
void engine_destroy(struct engine *e);

struct engine_target_config {
	uint32_t id;      /* the number of the target as the journal assigned it; at least 1 */
	const char *name; /* copied */
	struct connector_port port;
	/* Called when the engine no longer uses the port: another port replaced it, or the engine ends. May be
	 * NULL. Thread: the engine's. */
	void (*release)(void *port_ctx);
	enum repeat repeat; /* REPEAT_UNSAFE: each exchange with effects uses a fresh connection */
	/* Digest of all settings of the target, secrets and contents of files included. When it changes, the
	 * operator has probably fixed something: a hold ends and an open breaker sends probes at once. */
	uint8_t digest[DIGEST_BYTES];
	/* the configuration pauses the target; a pause by an operator comes from the journal */
	bool paused;
	uint32_t in_flight; /* the limit of attempts at the same time; 0 counts as 1 */
	struct rate_policy rate;
	struct breaker_policy breaker;
	int64_t probe_ms; /* a target held for its credentials gets one step this often; 0: every 5 minutes */
	int64_t connect_timeout_ms;
	int64_t timeout_ms;     /* the time-out of one exchange; a whole attempt may take four times as long */
	size_t reply_cap_bytes; /* of one reply's body; 0: 64 KiB */
	size_t window_bytes;    /* memory for the target's ready works; 0: 4 MiB (no measurement) */
};

/* Replaces the set of targets. A target whose id was there before keeps its breaker, its ramp and its
 * attempts. A port whose ctx is the one in use stays in use; another port is used by attempts that begin
 * from now on. Texts and array are copied; the engine takes the set over at the next tick. Thread: any. */
void engine_set_targets(struct engine *e, const struct engine_target_config *targets, size_t count);

/* The engine's functions for struct journal_hooks: admission, start_capacity and hand_out, which describes
 * them. `ctx` is the engine. Thread: the journal's. */
enum admission engine_admit(void *ctx, uint32_t target, size_t bytes, bool may_start_in_commit);
size_t engine_capacity(void *ctx);
void engine_deliver(void *ctx, const struct handout *handout);

/* One turn: takes in what the journal delivered, reports outcomes, starts what may start. */
void engine_tick(struct engine *e);
/* To be asked after each tick: the next tick must come within this many milliseconds. -1: a tick is needed
 * only when `wake` is called or an exchange ends. */
int64_t engine_next_ms(struct engine *e);

/* From now on the engine starts nothing. Attempts under way have `wait_ms` to finish; then they are cut
 * off, and those that may have reached their target are reported as unknown. Ready works stay in memory;
 * the journal finds their steps again at its next start. */
void engine_drain(struct engine *e, int64_t wait_ms);
/* The last turn of an engine whose journal has failed: reports the outcomes that are known, which the journal
 * prints because it cannot store them any more, and drops the attempts under way as engine_destroy does.
 * Nothing starts and nothing is sent any more, and no tick may follow. */
void engine_abandon(struct engine *e);
/* True when no attempt is under way and the engine waits for no answer of the journal. Two seconds after a
 * drain ended it no longer waits for the journal. */
bool engine_idle(const struct engine *e);

/* Copies the status of the target `id`, or of all targets for id 0, into `ret`. Returns how many were
 * written, at most `cap`. Thread: any. */
size_t engine_status(struct engine *e, uint32_t id, struct engine_target_status *ret, size_t cap);

#endif
