/* The loop of a cell that is not driven, with the transfers on it, and the thread that runs it. */
#include "gateway/cell/cell_internal.h"

/* The loop calls this once a turn, after all input. After the last turn the loop ends; that turn sends what was
 * submitted before it. */
static void on_turn(void *ctx)
{
	struct cell *cell = ctx;
	cell_turn(cell);
	if (cell_is_over(cell))
		loop_stop(cell->loop);
	else
		loop_set_deadline_ms(cell->loop, cell_next_ms(cell));
}

int cell_thread_create(struct cell *cell, struct err *err)
{
	cell->loop = loop_create(err);
	cell->transfer = cell->loop != NULL ? transfer_create(cell->loop, err) : NULL;
	if (cell->transfer == NULL)
		return err != NULL && err->code != 0 ? err->code : ERR_SYSTEM;
	return 0;
}

static void *thread_main(void *ctx)
{
	struct cell *cell = ctx;
	pthread_setname_np(pthread_self(), "engine"); /* the name that top, gdb and profilers show */
	loop_run(cell->loop);
	return NULL;
}

int cell_thread_start(struct cell *cell, struct err *err)
{
	assert(cell->loop != NULL && !cell->has_thread);
	loop_set_hook(cell->loop, LOOP_DECIDE, on_turn, cell);
	loop_set_deadline_ms(cell->loop, 0);
	int rc = pthread_create(&cell->thread, NULL, thread_main, cell);
	if (rc != 0)
		return err_set(err, ERR_SYSTEM, "the thread of the engine does not start: error %d", rc);
	cell->has_thread = true;
	return 0;
}

void cell_thread_join(struct cell *cell)
{
	if (cell->has_thread)
		pthread_join(cell->thread, NULL);
	cell->has_thread = false;
}
