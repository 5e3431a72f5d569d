/* The engine's turn in each state of the cell. Thread: the engine's. */
#include "gateway/cell/cell_internal.h"

enum cell_state cell_get_state(const struct cell *cell)
{
	return (enum cell_state)atomic_load(&cell->state);
}

bool cell_is_over(const struct cell *cell)
{
	return atomic_load(&cell->over);
}

static void begin_drain(struct cell *cell)
{
	if (!cell->engine_drains)
		engine_drain(cell->engine, atomic_load(&cell->drain_ms));
	cell->engine_drains = true;
}

static void set_over(struct cell *cell)
{
	atomic_store(&cell->over, true);
	if (cell->options.over != NULL)
		cell->options.over(cell->options.journal.hooks.ctx);
}

void cell_turn(struct cell *cell)
{
	enum cell_state state = cell_get_state(cell);
	assert(state != CELL_ABSENT);
	if (atomic_load(&cell->over))
		return;
	if (state == CELL_LOST) {
		engine_abandon(cell->engine);
		set_over(cell);
		return;
	}
	if (state == CELL_DRAINING)
		begin_drain(cell);
	engine_tick(cell->engine);
	if (state == CELL_DRAINING && engine_idle(cell->engine))
		set_over(cell);
}

int64_t cell_next_ms(struct cell *cell)
{
	return atomic_load(&cell->over) ? -1 : engine_next_ms(cell->engine);
}
