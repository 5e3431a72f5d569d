#include "gateway/cell/cell_state.h"

/* A drain and a loss that come again, or after a loss, change nothing. A cell that serves ends only after it
 * has drained or was lost, so that no attempt is cut off by mistake. */
int cell_state_next(enum cell_state from, enum cell_event event)
{
	static const signed char next[CELL_STATES][CELL_EVENTS] = {
		/*                  MAKE           SERVE         DRAIN          LOSE       END */
		[CELL_ABSENT] = { CELL_STARTING, -1, -1, -1, -1 },
		[CELL_STARTING] = { -1, CELL_SERVING, -1, CELL_LOST, CELL_ABSENT },
		[CELL_SERVING] = { -1, -1, CELL_DRAINING, CELL_LOST, -1 },
		[CELL_DRAINING] = { -1, -1, CELL_DRAINING, CELL_LOST, CELL_ABSENT },
		[CELL_LOST] = { -1, CELL_LOST, CELL_LOST, CELL_LOST, CELL_ABSENT },
	};
	assert(from < CELL_STATES && event < CELL_EVENTS);
	return next[from][event];
}

enum cell_state cell_state_step(atomic_int *state, enum cell_event event)
{
	int from = atomic_load(state);
	int to;
	do {
		to = cell_state_next((enum cell_state)from, event);
		assert(to >= 0);
	} while (!atomic_compare_exchange_weak(state, &from, to));
	return (enum cell_state)to;
}
