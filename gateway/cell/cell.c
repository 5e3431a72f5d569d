#include "gateway/cell/cell.h"

#include <stdlib.h>

#include "gateway/cell/cell_internal.h"
#include "saga/base/mem.h"
#include "saga/journal/state/inflight.h"

struct cell *cell_create(void)
{
	struct cell *cell = mem_zalloc(sizeof *cell);
	int failed = pthread_rwlock_init(&cell->gate, NULL);
	assert(failed == 0);
	return cell;
}

/* ---- start: the functions are in the order in which they run ---- */

static void wake_loop(void *ctx)
{
	loop_wake(ctx);
}

static int make_engine(struct cell *cell, struct err *err)
{
	struct engine_options options = cell->options.engine;
	if (options.transport.submit == NULL) {
		int rc = cell_thread_create(cell, err);
		if (rc != 0)
			return rc;
		options.transport = transfer_transport(cell->transfer);
		options.wake_ctx = cell->loop;
		options.wake = wake_loop;
	}
	cell->engine = engine_create(&options);
	return 0;
}

/* The hooks of the journal call the engine, so the engine exists before. */
static int make_journal(struct cell *cell, struct err *err)
{
	struct journal_options options = cell->options.journal;
	options.hooks = cell_hooks(cell);
	int rc = journal_create(&options, &cell->journal, err);
	if (rc == 0)
		engine_set_journal(cell->engine, cell->journal);
	return rc;
}

/* Before the journal's thread and any attempt, or the same crash could happen again. */
static int blame_steps(struct cell *cell, struct err *err)
{
	for (size_t i = 0; i < cell->options.blame_count; i++) {
		struct cell_blame *b = &cell->options.blames[i];
		int rc = journal_blame(cell->journal, b->saga, b->step, b->detail, err);
		b->moved = rc == 0;
		if (rc != 0 && rc != ERR_STALE && rc != ERR_NOT_FOUND)
			return rc;
	}
	return 0;
}

/* Frees the parts, in an order in which none is used after its end. */
static void take_down(struct cell *cell)
{
	engine_destroy(cell->engine);
	transfer_destroy(cell->transfer);
	journal_destroy(cell->journal);
	inflight_close(cell->inflight);
	loop_destroy(cell->loop);
	cell->engine = NULL;
	cell->transfer = NULL;
	cell->journal = NULL;
	cell->inflight = NULL;
	cell->loop = NULL;
}

int cell_make(struct cell *cell, const struct cell_options *options, struct err *err)
{
	assert(!atomic_load(&cell->broken)); /* the process had to end */
	cell_state_step(&cell->state, CELL_MAKE);
	cell->options = *options;
	cell->inflight = options->journal.inflight;
	cell->engine_drains = false;
	atomic_store(&cell->over, false);
	int rc = make_engine(cell, err);
	if (rc != 0)
		options->journal.store.close(options->journal.store.ctx);
	else
		rc = make_journal(cell, err);
	if (rc == 0)
		rc = blame_steps(cell, err);
	if (rc == 0 && cell->loop != NULL)
		rc = journal_start_thread(cell->journal, err);
	if (rc != 0) {
		take_down(cell);
		cell_state_step(&cell->state, CELL_END);
		return rc;
	}
	cell_gate_open(cell);
	return 0;
}

int cell_serve(struct cell *cell, struct err *err)
{
	int rc = cell->loop != NULL ? cell_thread_start(cell, err) : 0;
	if (rc == 0)
		cell_state_step(&cell->state, CELL_SERVE);
	return rc;
}

/* ---- the end ---- */

void cell_drain(struct cell *cell, int64_t wait_ms)
{
	assert(wait_ms >= 0);
	if (cell_get_state(cell) == CELL_DRAINING)
		return;
	atomic_store(&cell->drain_ms, wait_ms);
	cell_state_step(&cell->state, CELL_DRAIN);
	cell_hooks_wake(cell);
}

/* journal_stop gives everybody who waits an answer; its callbacks may still use the engine. */
void cell_end(struct cell *cell, const char *why)
{
	if (cell_get_state(cell) == CELL_ABSENT)
		return;
	cell_thread_join(cell);
	cell_gate_close(cell);
	journal_stop(cell->journal, why);
	take_down(cell);
	cell_state_step(&cell->state, CELL_END);
}

void cell_destroy(struct cell *cell)
{
	if (cell == NULL)
		return;
	assert(cell->loop == NULL); /* a cell with threads was ended */
	take_down(cell);
	int failed = pthread_rwlock_destroy(&cell->gate);
	assert(failed == 0);
	free(cell);
}

/* ---- for the caller of a driven cell ---- */

int cell_pump(struct cell *cell)
{
	return journal_pump(cell->journal);
}

int64_t cell_idle_due_ms(const struct cell *cell)
{
	return journal_idle_due_ms(cell->journal);
}

struct engine *cell_engine(struct cell *cell)
{
	return cell->engine;
}

struct journal *cell_journal(struct cell *cell)
{
	return cell->journal;
}
