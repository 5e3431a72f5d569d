/* What the files of gateway/cell share. Private to this folder. */
#ifndef ALMONER_GATEWAY_CELL_CELL_INTERNAL_H
#define ALMONER_GATEWAY_CELL_CELL_INTERNAL_H

#include <pthread.h>

#include "gateway/cell/cell.h"
#include "gateway/net/loop.h"
#include "gateway/net/transfer.h"

struct inflight_file;

struct cell {
	atomic_int state; /* enum cell_state; cell_state_step */
	/* Calls of other threads hold the gate for reading while they use journal and engine. */
	pthread_rwlock_t gate;
	bool open; /* under the gate: calls are let in */

	/* The parts; NULL without a cell. */
	struct cell_options options;
	struct inflight_file *inflight;
	struct journal *journal;
	struct engine *engine;
	struct loop *loop; /* NULL: the cell is driven */
	struct transfer *transfer;
	pthread_t thread;
	bool has_thread;

	atomic_llong drain_ms; /* set before the state becomes CELL_DRAINING */
	bool engine_drains;    /* engine_drain was called; thread: the engine's */
	atomic_bool over;
	atomic_bool broken; /* the store failed for good: no cell may be made in this process any more */
};

/* ---- cell_gate.c ---- */

void cell_gate_open(struct cell *cell);
/* Refuses further calls and waits for those inside. */
void cell_gate_close(struct cell *cell);
/* True: the caller may use the cell's journal and engine until it calls cell_gate_leave, and must not block
 * meanwhile. */
bool cell_gate_enter(struct cell *cell);
void cell_gate_leave(struct cell *cell);

/* ---- cell_hooks.c ---- */

/* The hooks that connect journal and engine; their ctx is the cell. */
struct journal_hooks cell_hooks(struct cell *cell);
/* Makes the engine's turn come soon. Thread: any. */
void cell_hooks_wake(struct cell *cell);

/* ---- cell_thread.c ---- */

/* Makes the loop and the transfers on it. ERR_SYSTEM, and the errors of transfer_create. */
int cell_thread_create(struct cell *cell, struct err *err) MUST_CHECK;
/* Starts the thread that runs the loop until the cell is over. ERR_SYSTEM. */
int cell_thread_start(struct cell *cell, struct err *err) MUST_CHECK;
/* Waits for the thread's end, if it was started. */
void cell_thread_join(struct cell *cell);

#endif
