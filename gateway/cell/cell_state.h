/* The states of a cell and what leads from one to the next. */
#ifndef ALMONER_GATEWAY_CELL_CELL_STATE_H
#define ALMONER_GATEWAY_CELL_CELL_STATE_H

#include <stdatomic.h>

#include "saga/base/check.h"

enum cell_state {
	CELL_ABSENT,   /* there is no journal and no engine; every call is refused */
	CELL_STARTING, /* the journal takes operations, and no attempt starts */
	CELL_SERVING,
	CELL_DRAINING, /* attempts under way end, and none starts; the journal still takes operations */
	CELL_LOST,     /* the journal has failed: no operation is taken, and nothing is sent */
	CELL_STATES
};

enum cell_event {
	CELL_MAKE,
	CELL_SERVE,
	CELL_DRAIN,
	CELL_LOSE, /* the store failed; this may come at any time, from the journal's thread */
	CELL_END,
	CELL_EVENTS
};

/* The state that follows, or -1: this event must not come in this state. */
int cell_state_next(enum cell_state from, enum cell_event event);

/* Moves *state on and returns the new state. Asserts that the event is allowed. Thread: any; an event of
 * another thread comes before or after. */
enum cell_state cell_state_step(atomic_int *state, enum cell_event event);

#endif
