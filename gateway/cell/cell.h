/* A cell delivers one partition of the saga log. It holds the journal with its store and its in-flight file,
 * the engine with the connector instances, and an event loop with the transfers on it.
 *
 * struct cell is the place that a cell has in the process. It stays valid while cells are made and ended in
 * it, any number of times, so that intake, admin API and alerts may keep a pointer to it. The states of
 * cell_state.h:
 *
 *     absent ── cell_make ──► starting ── cell_serve ──► serving ── cell_drain ──► draining ── cell_end ──► absent
 *                                └───────── the store fails ─┴───────────────────────┴──► lost ── cell_end ──► absent
 *
 * A cell whose store reported ERR_LOST may be made again in the same process. After any other error of the
 * store the process must end: see saga/store/README.md "Hazards of SQLite".
 *
 * Two ways to run: with a loop of its own (the daemon), on two threads, `engine` and `log`; or driven by its
 * caller in virtual time (the simulation), which brings the transport and calls cell_turn and cell_pump.
 *
 * This header is for the owner. Thread: the owner's, one at a time; other threads use cell_ports.h and
 * command.h. */
#ifndef ALMONER_GATEWAY_CELL_CELL_H
#define ALMONER_GATEWAY_CELL_CELL_H

#include "gateway/cell/cell_state.h"
#include "gateway/engine/engine.h"
#include "saga/journal/journal.h"

struct cell;

/* A step whose connector ended the last process: it goes to attention(fault) before any attempt starts. */
struct cell_blame {
	int64_t saga;
	const char *step;   /* its name */
	const char *detail; /* for the record */
	bool moved;         /* set by cell_make: false when the step has moved on since, or is gone */
};

struct cell_options {
	/* The cell owns `store` and `inflight` from the call of cell_make on, also when it fails. Of the hooks,
	 * `failed` and `disk` are the owner's. The others connect the journal with the engine; a test may put
	 * itself between the two, and calls the engine's functions with cell_engine. NULL: the engine's own. */
	struct journal_options journal;
	/* transport.submit NULL: the cell makes a loop, transfers and a thread of its own. Otherwise it is
	 * driven, and `wake` asks for a call of cell_turn. */
	struct engine_options engine;
	struct cell_blame *blames; /* borrowed for the call */
	size_t blame_count;
	/* Called once, when cell_is_over turns true. Its ctx is that of the journal's hooks. May be NULL. Thread:
	 * the one that calls cell_turn, so the cell's own, or the caller of a driven cell. */
	void (*over)(void *ctx);
};

/* An absent cell. Abort without memory. */
struct cell *cell_create(void);
/* A driven cell that has not ended is dropped as in a crash: no operation is answered. Other cells must have
 * ended. No other thread may use the cell. NULL is accepted. */
void cell_destroy(struct cell *cell);

/* Makes the parts, recovers the journal, blames steps, and takes operations from now on, but starts no
 * attempt. The number of each target is filled in in options->journal.targets. On failure the cell is absent
 * as before. The errors are those of journal_create, and ERR_SYSTEM. */
int cell_make(struct cell *cell, const struct cell_options *options, struct err *err) MUST_CHECK;
/* Attempts start from now on. ERR_SYSTEM: no thread; the cell is `starting` as before. */
int cell_serve(struct cell *cell, struct err *err) MUST_CHECK;
/* No attempt starts from now on; those under way have `wait_ms` to finish, see engine_drain. A second call
 * changes nothing. */
void cell_drain(struct cell *cell, int64_t wait_ms);
/* True when nothing is under way any more: a drain is complete, or the cell is lost. Thread: any. */
bool cell_is_over(const struct cell *cell);
/* Ends a cell that is starting, draining or lost. Waits until it is over (the caller of a driven cell sees to
 * that first), handles what is queued, records the stop with the reason `why`, answers everybody who waits,
 * and frees all parts. A lost cell writes nothing: it answers with the error. Without a cell nothing
 * happens. */
void cell_end(struct cell *cell, const char *why);

/* The present state. Thread: any; the journal may fail right after the call. */
enum cell_state cell_get_state(const struct cell *cell);

/* ---- for the caller of a driven cell ---- */

/* The engine's turn. Thread: one, which is also that of the transport. */
void cell_turn(struct cell *cell);
/* When the next turn must come, as engine_next_ms. */
int64_t cell_next_ms(struct cell *cell);
/* As journal_pump and journal_idle_due_ms. */
int cell_pump(struct cell *cell) MUST_CHECK;
int64_t cell_idle_due_ms(const struct cell *cell);
/* For tests that look inside, and for hooks between journal and engine. NULL while the cell is absent. */
struct engine *cell_engine(struct cell *cell);
struct journal *cell_journal(struct cell *cell);

#endif
