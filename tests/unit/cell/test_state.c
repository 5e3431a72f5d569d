/* The table of states: what each event does in each state. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/cell/cell_state.h"
#include "tests/support/wrong_call.h"

static void each_event_in_each_state(void **state)
{
	(void)state;
	static const struct {
		enum cell_state from;
		enum cell_event event;
		int to;
	} rows[] = {
		{ CELL_ABSENT, CELL_MAKE, CELL_STARTING },
		{ CELL_ABSENT, CELL_SERVE, -1 },
		{ CELL_ABSENT, CELL_DRAIN, -1 },
		{ CELL_ABSENT, CELL_LOSE, -1 },
		{ CELL_ABSENT, CELL_END, -1 },
		{ CELL_STARTING, CELL_MAKE, -1 },
		{ CELL_STARTING, CELL_SERVE, CELL_SERVING },
		{ CELL_STARTING, CELL_DRAIN, -1 },
		{ CELL_STARTING, CELL_LOSE, CELL_LOST },
		{ CELL_STARTING, CELL_END, CELL_ABSENT },
		{ CELL_SERVING, CELL_MAKE, -1 },
		{ CELL_SERVING, CELL_SERVE, -1 },
		{ CELL_SERVING, CELL_DRAIN, CELL_DRAINING },
		{ CELL_SERVING, CELL_LOSE, CELL_LOST },
		{ CELL_SERVING, CELL_END, -1 },
		{ CELL_DRAINING, CELL_MAKE, -1 },
		{ CELL_DRAINING, CELL_SERVE, -1 },
		{ CELL_DRAINING, CELL_DRAIN, CELL_DRAINING },
		{ CELL_DRAINING, CELL_LOSE, CELL_LOST },
		{ CELL_DRAINING, CELL_END, CELL_ABSENT },
		{ CELL_LOST, CELL_MAKE, -1 },
		{ CELL_LOST, CELL_SERVE, CELL_LOST }, /* the store failed before the owner came so far */
		{ CELL_LOST, CELL_DRAIN, CELL_LOST },
		{ CELL_LOST, CELL_LOSE, CELL_LOST },
		{ CELL_LOST, CELL_END, CELL_ABSENT },
	};
	assert_int_equal(sizeof rows / sizeof rows[0], CELL_STATES * CELL_EVENTS);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_int_equal(rows[i].from * CELL_EVENTS + rows[i].event, i); /* each pair stands there once */
		assert_int_equal(cell_state_next(rows[i].from, rows[i].event), rows[i].to);
	}
}

static void a_step_moves_the_state(void **state)
{
	(void)state;
	atomic_int s = CELL_ABSENT;
	assert_int_equal(cell_state_step(&s, CELL_MAKE), CELL_STARTING);
	assert_int_equal(cell_state_step(&s, CELL_SERVE), CELL_SERVING);
	assert_int_equal(cell_state_step(&s, CELL_LOSE), CELL_LOST);
	assert_int_equal(cell_state_step(&s, CELL_DRAIN), CELL_LOST);
	assert_int_equal(cell_state_step(&s, CELL_END), CELL_ABSENT);
	assert_int_equal(atomic_load(&s), CELL_ABSENT);
}

static void end_while_it_serves(void)
{
	atomic_int s = CELL_SERVING;
	cell_state_step(&s, CELL_END);
}

static void a_serving_cell_does_not_end(void **state)
{
	(void)state;
	assert_true(wrong_call_ends_process(end_while_it_serves));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(each_event_in_each_state),
										cmocka_unit_test(a_step_moves_the_state),
										cmocka_unit_test(a_serving_cell_does_not_end) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
