/* Admission: permits never exceed the limit, window memory never its caps, and nobody rides past the waiting.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/engine/gate.h"

#define KIB ((size_t)1024)

static struct gates *open_gates(size_t total, size_t cap, uint32_t limit)
{
	struct gates *g = gates_create(total);
	struct gate_rules rules = {
		.slots_open = true, .window_open = true, .limit = limit, .window_cap_bytes = cap
	};
	for (uint32_t id = 1; id <= 2; id++) {
		gates_add(g, id, "t");
		gates_set_rules(g, id, &rules);
	}
	return g;
}

static void test_an_unknown_or_new_target_takes_nothing(void **state)
{
	(void)state;
	struct gates *g = gates_create(0);
	assert_int_equal(gates_admit(g, 7, 10, true), ADMIT_DISK);
	gates_add(g, 7, "new");
	assert_int_equal(gates_admit(g, 7, 10, true), ADMIT_DISK);
	assert_int_equal(gates_take_slots(g, 7, 3), 0);
	gates_destroy(g);
}

static void test_slots_then_window_then_disk(void **state)
{
	(void)state;
	struct gates *g = open_gates(64 * KIB, 2 * KIB, 2);
	assert_int_equal(gates_admit(g, 1, KIB, true), ADMIT_SLOT);
	assert_int_equal(gates_admit(g, 1, KIB, true), ADMIT_SLOT);
	assert_int_equal(gates_admit(g, 1, KIB, true), ADMIT_WINDOW);
	assert_int_equal(gates_admit(g, 1, KIB, true), ADMIT_WINDOW);
	assert_int_equal(gates_admit(g, 1, KIB, true), ADMIT_DISK);
	assert_int_equal(gates_admit(g, 2, KIB, true), ADMIT_SLOT); /* its neighbour does not feel it */
	gates_destroy(g);
}

static void test_nobody_rides_past_the_window(void **state)
{
	(void)state;
	struct gates *g = open_gates(64 * KIB, 8 * KIB, 1);
	assert_int_equal(gates_admit(g, 1, KIB, true), ADMIT_SLOT);
	assert_int_equal(gates_admit(g, 1, KIB, true), ADMIT_WINDOW);
	gates_give_slots(g, 1, 1);
	assert_int_equal(gates_admit(g, 1, KIB, true), ADMIT_WINDOW);
	gates_leave_window(g, 1, KIB);
	gates_leave_window(g, 1, KIB);
	assert_int_equal(gates_admit(g, 1, KIB, true), ADMIT_SLOT);
	gates_destroy(g);
}

static void test_who_may_not_ride_waits_in_the_window(void **state)
{
	(void)state;
	struct gates *g = open_gates(64 * KIB, 8 * KIB, 4);
	assert_int_equal(gates_admit(g, 1, KIB, false), ADMIT_WINDOW);
	gates_destroy(g);
}

static void test_the_total_bounds_all_windows(void **state)
{
	(void)state;
	struct gates *g = open_gates(3 * KIB, 2 * KIB, 1);
	assert_int_equal(gates_admit(g, 1, 2 * KIB, false), ADMIT_WINDOW);
	assert_int_equal(gates_admit(g, 2, 2 * KIB, false), ADMIT_DISK);
	assert_int_equal(gates_admit(g, 2, KIB, false), ADMIT_WINDOW);
	gates_remove(g, 1); /* gives its share back */
	assert_int_equal(gates_admit(g, 2, KIB, false), ADMIT_WINDOW);
	gates_destroy(g);
}

static void test_a_narrower_limit_is_not_exceeded(void **state)
{
	(void)state;
	struct gates *g = open_gates(0, KIB, 8);
	assert_int_equal(gates_take_slots(g, 1, 6), 6);
	struct gate_rules narrow = {
		.slots_open = true, .window_open = true, .limit = 4, .window_cap_bytes = KIB
	};
	gates_set_rules(g, 1, &narrow);
	assert_int_equal(gates_take_slots(g, 1, 1), 0);
	gates_give_slots(g, 1, 3);
	assert_int_equal(gates_take_slots(g, 1, 9), 1);
	assert_int_equal(gates_slots(g), 4);
	gates_destroy(g);
}

static void test_what_the_status_says(void **state)
{
	(void)state;
	struct gates *g = open_gates(0, KIB, 8);
	assert_int_equal(gates_take_slots(g, 1, 3), 3);
	gates_count(
		g, 1, &(struct gate_sample){ .result = OUTCOME_OK, .duration_ms = 7, .exchanges = 2, .now_ms = 50 });
	gates_count(g, 1,
				&(struct gate_sample){
					.result = OUTCOME_UNKNOWN, .duration_ms = 400, .now_ms = 60, .detail = "reset" });
	gates_count_unused(g, 1);
	struct engine_target_status s;
	assert_int_equal(gates_status(g, 1, &s, 1), 1);
	assert_int_equal(s.in_flight, 0);
	assert_int_equal(s.attempts, 2);
	assert_int_equal(s.not_started, 1);
	assert_int_equal(s.exchanges, 2);
	assert_int_equal(s.classes[OUTCOME_UNKNOWN], 1);
	assert_int_equal(s.latency[status_bucket_of(7)], 1);
	assert_int_equal(s.last_ok_ms, 50);
	assert_string_equal(s.last_error, "unknown: reset");
	struct engine_target_status both[2];
	assert_int_equal(gates_status(g, 0, both, 2), 2);
	assert_int_equal(gates_status(g, 9, both, 2), 0);
	gates_destroy(g);
}

/* ---- room for events ---- */

/* So many attempts at target 1 that each took `duration_ms`. */
static void end_many(struct gates *g, unsigned count, int64_t duration_ms, int64_t now_ms)
{
	for (unsigned i = 0; i < count; i++) {
		assert_int_equal(gates_take_slots(g, 1, 1), 1);
		gates_count(g, 1,
					&(struct gate_sample){ .result = OUTCOME_OK, .duration_ms = duration_ms, .now_ms = now_ms });
	}
}

static void test_only_a_fast_target_is_waited_for(void **state)
{
	(void)state;
	struct gates *g = open_gates(64 * KIB, 8 * KIB, 4);
	end_many(g, 49, 1, 1000);
	assert_true(gates_room(g, 1000) == SIZE_MAX); /* too few to say */
	end_many(g, 1, 1, 1000);
	assert_int_equal(gates_room(g, 1000), 4);
	assert_int_equal(gates_admit(g, 1, KIB, true), ADMIT_SLOT);
	assert_int_equal(gates_admit(g, 1, KIB, false), ADMIT_WINDOW);
	assert_int_equal(gates_room(g, 1000), 2);
	assert_int_equal(gates_room(g, 1060), 2); /* the span before counts */
	assert_true(gates_room(g, 1200) == SIZE_MAX);
	end_many(g, 50, 20, 2000);
	assert_true(gates_room(g, 2000) == SIZE_MAX); /* it is slow: its backlog goes to disk, and nobody waits */
	gates_destroy(g);
}

static void test_a_little_that_spilled_is_waited_for(void **state)
{
	(void)state;
	struct gates *g = open_gates(64 * KIB, 8 * KIB, 4);
	end_many(g, 60, 1, 1000);
	struct engine_target_status status = { .backlog = 10, .next_due_ms = 1000 };
	gates_publish(g, 1, &status);
	assert_int_equal(gates_room(g, 1000), 0);
	status.next_due_ms = 5000;
	gates_publish(g, 1, &status);
	assert_int_equal(gates_room(g, 1000), 4);
	status = (struct engine_target_status){ .backlog = 1000000, .next_due_ms = 1000 };
	gates_publish(g, 1, &status);
	assert_int_equal(gates_room(g, 1000), 4); /* a backlog: new events are not to feel it */
	gates_destroy(g);
}

/* ---- two threads ---- */

struct race {
	struct gates *g;
	uint32_t taken;
};

static void *admit_many(void *arg)
{
	struct race *r = arg;
	for (int i = 0; i < 20000; i++) {
		if (gates_admit(r->g, 1, 1, true) == ADMIT_SLOT)
			r->taken++;
	}
	return NULL;
}

static void test_both_sides_take_at_once(void **state)
{
	(void)state;
	struct race r = { .g = open_gates(1, 1, 1000) };
	struct gate_rules rules = { .slots_open = true, .limit = 1000 };
	gates_set_rules(r.g, 1, &rules);
	pthread_t journal;
	assert_int_equal(pthread_create(&journal, NULL, admit_many, &r), 0);
	uint32_t mine = 0;
	for (int i = 0; i < 20000; i++)
		mine += gates_take_slots(r.g, 1, 1);
	assert_int_equal(pthread_join(journal, NULL), 0);
	assert_int_equal(mine + r.taken, 1000);
	assert_int_equal(gates_slots(r.g), 1000);
	gates_destroy(r.g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_unknown_or_new_target_takes_nothing),
		cmocka_unit_test(test_slots_then_window_then_disk),
		cmocka_unit_test(test_nobody_rides_past_the_window),
		cmocka_unit_test(test_who_may_not_ride_waits_in_the_window),
		cmocka_unit_test(test_the_total_bounds_all_windows),
		cmocka_unit_test(test_a_narrower_limit_is_not_exceeded),
		cmocka_unit_test(test_what_the_status_says),
		cmocka_unit_test(test_only_a_fast_target_is_waited_for),
		cmocka_unit_test(test_a_little_that_spilled_is_waited_for),
		cmocka_unit_test(test_both_sides_take_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
