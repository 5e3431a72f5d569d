/* Admission control: slots never exceed the limit, window memory never exceeds its caps, and no step
 * overtakes works that wait in memory. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/engine/admission.h"

#define KIB ((size_t)1024)

static struct admission_control *make_admission(size_t total, size_t cap, uint32_t limit)
{
	struct admission_control *g = admission_create(total);
	struct admission_rules rules = {
		.slots_open = true, .window_open = true, .limit = limit, .window_cap_bytes = cap
	};
	for (uint32_t id = 1; id <= 2; id++) {
		admission_add(g, id, "t");
		admission_set_rules(g, id, &rules);
	}
	return g;
}

static void test_an_unknown_or_new_target_takes_nothing(void **state)
{
	(void)state;
	struct admission_control *g = admission_create(0);
	assert_int_equal(admission_decide(g, 7, 10, true), ADMISSION_DISK);
	admission_add(g, 7, "new");
	assert_int_equal(admission_decide(g, 7, 10, true), ADMISSION_DISK);
	assert_int_equal(admission_take_slots(g, 7, 3), 0);
	for (uint32_t id = 7; id <= 1000; id += 993) { /* 1000 is unknown */
		uint32_t slots = 9, works = 9;
		admission_load(g, id, &slots, &works);
		assert_int_equal(slots, 0);
		assert_int_equal(works, 0);
	}
	admission_destroy(g);
}

static void test_slots_then_window_then_disk(void **state)
{
	(void)state;
	struct admission_control *g = make_admission(64 * KIB, 2 * KIB, 2);
	assert_int_equal(admission_decide(g, 1, KIB, true), ADMISSION_SLOT);
	assert_int_equal(admission_decide(g, 1, KIB, true), ADMISSION_SLOT);
	assert_int_equal(admission_decide(g, 1, KIB, true), ADMISSION_WINDOW);
	assert_int_equal(admission_decide(g, 1, KIB, true), ADMISSION_WINDOW);
	assert_int_equal(admission_decide(g, 1, KIB, true), ADMISSION_DISK);
	assert_int_equal(admission_decide(g, 2, KIB, true), ADMISSION_SLOT); /* another target is not affected */
	admission_destroy(g);
}

static void test_no_start_past_the_window(void **state)
{
	(void)state;
	struct admission_control *g = make_admission(64 * KIB, 8 * KIB, 1);
	assert_int_equal(admission_decide(g, 1, KIB, true), ADMISSION_SLOT);
	assert_int_equal(admission_decide(g, 1, KIB, true), ADMISSION_WINDOW);
	admission_release_slots(g, 1, 1);
	assert_int_equal(admission_decide(g, 1, KIB, true), ADMISSION_WINDOW);
	admission_leave_window(g, 1, KIB);
	admission_leave_window(g, 1, KIB);
	assert_int_equal(admission_decide(g, 1, KIB, true), ADMISSION_SLOT);
	admission_destroy(g);
}

static void test_no_start_waits_in_the_window(void **state)
{
	(void)state;
	struct admission_control *g = make_admission(64 * KIB, 8 * KIB, 4);
	assert_int_equal(admission_decide(g, 1, KIB, false), ADMISSION_WINDOW);
	admission_destroy(g);
}

static void test_the_total_bounds_all_windows(void **state)
{
	(void)state;
	struct admission_control *g = make_admission(3 * KIB, 2 * KIB, 1);
	assert_int_equal(admission_decide(g, 1, 2 * KIB, false), ADMISSION_WINDOW);
	assert_int_equal(admission_decide(g, 2, 2 * KIB, false), ADMISSION_DISK);
	assert_int_equal(admission_decide(g, 2, KIB, false), ADMISSION_WINDOW);
	admission_remove(g, 1); /* gives its window memory back */
	assert_int_equal(admission_decide(g, 2, KIB, false), ADMISSION_WINDOW);
	admission_destroy(g);
}

static void test_a_narrower_limit_is_not_exceeded(void **state)
{
	(void)state;
	struct admission_control *g = make_admission(0, KIB, 8);
	assert_int_equal(admission_take_slots(g, 1, 6), 6);
	struct admission_rules narrow = {
		.slots_open = true, .window_open = true, .limit = 4, .window_cap_bytes = KIB
	};
	admission_set_rules(g, 1, &narrow);
	assert_int_equal(admission_take_slots(g, 1, 1), 0);
	admission_release_slots(g, 1, 3);
	assert_int_equal(admission_take_slots(g, 1, 9), 1);
	assert_int_equal(admission_slots(g), 4);
	admission_destroy(g);
}

static void test_status(void **state)
{
	(void)state;
	struct admission_control *g = make_admission(0, KIB, 8);
	struct engine_target_status s;
	assert_int_equal(admission_take_slots(g, 1, 3), 3);
	assert_int_equal(admission_status(g, 1, &s, 1), 1);
	assert_int_equal(s.in_flight, 3);
	admission_count_attempt(
		g, 1,
		&(struct admission_sample){ .result = OUTCOME_OK, .duration_ms = 7, .exchanges = 2, .now_ms = 50 });
	admission_count_attempt(
		g, 1,
		&(struct admission_sample){
			.result = OUTCOME_UNKNOWN, .duration_ms = 400, .now_ms = 60, .detail = "reset" });
	admission_count_unused(g, 1);
	assert_int_equal(admission_status(g, 1, &s, 1), 1);
	assert_int_equal(s.in_flight, 0);
	assert_int_equal(s.attempts, 2);
	assert_int_equal(s.not_started, 1);
	assert_int_equal(s.exchanges, 2);
	assert_int_equal(s.classes[OUTCOME_UNKNOWN], 1);
	assert_int_equal(s.latency[status_bucket_of(7)], 1);
	assert_int_equal(s.last_ok_ms, 50);
	assert_string_equal(s.last_error, "unknown: reset");
	struct engine_target_status both[2];
	assert_int_equal(admission_status(g, 0, both, 2), 2);
	assert_int_equal(admission_status(g, 9, both, 2), 0);
	admission_destroy(g);
}

/* ---- capacity for new events ---- */

/* `count` attempts at target 1 end, each after `duration_ms`. */
static void end_many(struct admission_control *g, unsigned count, int64_t duration_ms, int64_t now_ms)
{
	for (unsigned i = 0; i < count; i++) {
		assert_int_equal(admission_take_slots(g, 1, 1), 1);
		admission_count_attempt(
			g, 1,
			&(struct admission_sample){ .result = OUTCOME_OK, .duration_ms = duration_ms, .now_ms = now_ms });
	}
}

static void test_only_a_fast_target_is_waited_for(void **state)
{
	(void)state;
	struct admission_control *g = make_admission(64 * KIB, 8 * KIB, 4);
	end_many(g, 49, 1, 1000);
	assert_true(admission_capacity(g, 1000) == SIZE_MAX); /* too few ended to count as fast */
	end_many(g, 1, 1, 1000);
	assert_int_equal(admission_capacity(g, 1000), 4);
	assert_int_equal(admission_decide(g, 1, KIB, true), ADMISSION_SLOT);
	assert_int_equal(admission_decide(g, 1, KIB, false), ADMISSION_WINDOW);
	assert_int_equal(admission_capacity(g, 1000), 2);
	assert_int_equal(admission_capacity(g, 1060), 2); /* attempts of the span before count */
	assert_true(admission_capacity(g, 1200) == SIZE_MAX);
	end_many(g, 50, 20, 2000);
	assert_true(admission_capacity(g, 2000) == SIZE_MAX); /* a slow target does not delay new events */
	admission_destroy(g);
}

static void test_a_little_that_spilled_is_waited_for(void **state)
{
	(void)state;
	struct admission_control *g = make_admission(64 * KIB, 8 * KIB, 4);
	end_many(g, 60, 1, 1000);
	struct engine_target_status status = { .backlog = 10, .next_due_ms = 1000 };
	admission_publish(g, 1, &status);
	assert_int_equal(admission_capacity(g, 1000), 0);
	status.next_due_ms = 5000;
	admission_publish(g, 1, &status);
	assert_int_equal(admission_capacity(g, 1000), 4);
	status = (struct engine_target_status){ .backlog = 1000000, .next_due_ms = 1000 };
	admission_publish(g, 1, &status);
	assert_int_equal(admission_capacity(g, 1000), 4); /* a large backlog on disk does not delay new events */
	admission_destroy(g);
}

/* ---- two threads ---- */

struct admission_race {
	struct admission_control *g;
	uint32_t taken;
};

static void *admit_many(void *arg)
{
	struct admission_race *r = arg;
	for (int i = 0; i < 20000; i++) {
		if (admission_decide(r->g, 1, 1, true) == ADMISSION_SLOT)
			r->taken++;
	}
	return NULL;
}

static void test_both_sides_take_at_once(void **state)
{
	(void)state;
	struct admission_race r = { .g = make_admission(1, 1, 1000) };
	struct admission_rules rules = { .slots_open = true, .limit = 1000 };
	admission_set_rules(r.g, 1, &rules);
	pthread_t journal;
	assert_int_equal(pthread_create(&journal, NULL, admit_many, &r), 0);
	uint32_t mine = 0;
	for (int i = 0; i < 20000; i++)
		mine += admission_take_slots(r.g, 1, 1);
	assert_int_equal(pthread_join(journal, NULL), 0);
	assert_int_equal(mine + r.taken, 1000);
	assert_int_equal(admission_slots(r.g), 1000);
	admission_destroy(r.g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_unknown_or_new_target_takes_nothing),
		cmocka_unit_test(test_slots_then_window_then_disk),
		cmocka_unit_test(test_no_start_past_the_window),
		cmocka_unit_test(test_no_start_waits_in_the_window),
		cmocka_unit_test(test_the_total_bounds_all_windows),
		cmocka_unit_test(test_a_narrower_limit_is_not_exceeded),
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_only_a_fast_target_is_waited_for),
		cmocka_unit_test(test_a_little_that_spilled_is_waited_for),
		cmocka_unit_test(test_both_sides_take_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
