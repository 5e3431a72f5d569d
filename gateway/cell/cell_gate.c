/* Lets calls of other threads in while there is a cell. A call holds the gate only while it queues an operation
 * or copies figures, so closing the gate waits for microseconds. The callbacks of a call come later, without the
 * gate. */
#include "gateway/cell/cell_internal.h"

static void set_open(struct cell *cell, bool open)
{
	int failed = pthread_rwlock_wrlock(&cell->gate);
	assert(failed == 0);
	cell->open = open;
	failed = pthread_rwlock_unlock(&cell->gate);
	assert(failed == 0);
}

void cell_gate_open(struct cell *cell)
{
	set_open(cell, true);
}

void cell_gate_close(struct cell *cell)
{
	set_open(cell, false);
}

bool cell_gate_enter(struct cell *cell)
{
	int failed = pthread_rwlock_rdlock(&cell->gate);
	assert(failed == 0);
	bool open = cell->open;
	if (!open)
		cell_gate_leave(cell);
	return open;
}

void cell_gate_leave(struct cell *cell)
{
	int failed = pthread_rwlock_unlock(&cell->gate);
	assert(failed == 0);
}
