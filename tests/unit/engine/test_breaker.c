/* The breaker's table of states and signals, cell by cell, and sequences of signals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/engine/breaker.h"

static const struct breaker_policy policy = { .consecutive = 3,
											  .ratio = 0.5,
											  .window = 8,
											  .minimum = 6,
											  .open_ms = 1000,
											  .open_cap_ms = 5000,
											  .probes = 1 };

static struct breaker opened(int64_t now_ms)
{
	struct breaker b;
	breaker_init(&b);
	for (int i = 0; i < 3; i++)
		(void)breaker_apply(&b, &policy, BREAKER_FAILURE, now_ms);
	assert_int_equal(b.state, BREAKER_OPEN);
	return b;
}

static void test_consecutive_failures_open(void **state)
{
	(void)state;
	struct breaker b;
	breaker_init(&b);
	assert_false(breaker_apply(&b, &policy, BREAKER_FAILURE, 10));
	assert_false(breaker_apply(&b, &policy, BREAKER_FAILURE, 10));
	assert_false(breaker_apply(&b, &policy, BREAKER_HEALTH, 10)); /* a success ends the failures in a row */
	assert_false(breaker_apply(&b, &policy, BREAKER_FAILURE, 10));
	assert_false(breaker_apply(&b, &policy, BREAKER_FAILURE, 10));
	assert_true(breaker_apply(&b, &policy, BREAKER_FAILURE, 10));
	assert_int_equal(b.state, BREAKER_OPEN);
	assert_int_equal(b.until_ms, 1010);
	assert_int_equal(breaker_capacity(&b, &policy), 0);
	assert_false(breaker_begin(&b));
}

static void test_ratio_needs_its_minimum(void **state)
{
	(void)state;
	struct breaker_policy by_ratio = policy;
	by_ratio.consecutive = 0;
	struct breaker b;
	breaker_init(&b);
	for (int i = 0; i < 5; i++)
		assert_false(breaker_apply(&b, &by_ratio, i % 2 ? BREAKER_HEALTH : BREAKER_FAILURE, 0));
	assert_true(breaker_apply(&b, &by_ratio, BREAKER_FAILURE, 0)); /* 4 of 6 */
}

static void test_ratio_looks_at_the_last_results_only(void **state)
{
	(void)state;
	struct breaker_policy by_ratio = policy;
	by_ratio.consecutive = 0;
	struct breaker b;
	breaker_init(&b);
	for (int i = 0; i < 100; i++)
		assert_false(breaker_apply(&b, &by_ratio, BREAKER_HEALTH, 0));
	for (int i = 0; i < 3; i++)
		assert_false(breaker_apply(&b, &by_ratio, BREAKER_FAILURE, 0));
	assert_int_equal(b.results, 8);
	assert_int_equal(b.failures, 3);
	assert_true(breaker_apply(&b, &by_ratio, BREAKER_FAILURE, 0)); /* 4 of the last 8 */
}

static void test_a_smaller_window_after_a_reload(void **state)
{
	(void)state;
	struct breaker_policy small = policy;
	small.window = 2;
	small.consecutive = 0;
	small.minimum = 2;
	struct breaker b;
	breaker_init(&b);
	for (int i = 0; i < 7; i++)
		(void)breaker_apply(&b, &policy, BREAKER_HEALTH, 0);
	assert_false(breaker_apply(&b, &small, BREAKER_FAILURE, 0));
	assert_true(b.results <= 2);
	assert_true(breaker_apply(&b, &small, BREAKER_FAILURE, 0));
}

static void test_half_open_lets_few_through(void **state)
{
	(void)state;
	struct breaker b = opened(0);
	assert_false(breaker_apply(&b, &policy, BREAKER_TIME, 999));
	assert_true(breaker_apply(&b, &policy, BREAKER_TIME, 1000));
	assert_int_equal(breaker_capacity(&b, &policy), 1);
	assert_false(breaker_begin(&b)); /* no probe was reserved */
	breaker_reserve(&b, 1);
	assert_int_equal(breaker_capacity(&b, &policy), 0);
	assert_true(breaker_begin(&b));
	assert_int_equal(breaker_capacity(&b, &policy), 0);
	assert_false(breaker_begin(&b));
	breaker_end(&b, b.epoch);
	assert_int_equal(breaker_capacity(&b, &policy), 1);
}

/* Without any probe an open breaker could never close. */
static void test_no_probes_counts_as_one(void **state)
{
	(void)state;
	struct breaker_policy none = policy;
	none.probes = 0;
	struct breaker b = opened(0);
	assert_true(breaker_apply(&b, &none, BREAKER_TIME, 1000));
	assert_int_equal(breaker_capacity(&b, &none), 1);
	assert_true(breaker_apply(&b, &none, BREAKER_HEALTH, 1000));
	assert_int_equal(b.state, BREAKER_CLOSED);
	assert_true(breaker_capacity(&b, &none) == UINT32_MAX);
}

static void test_an_unused_probe_is_given_back(void **state)
{
	(void)state;
	struct breaker b = opened(0);
	(void)breaker_apply(&b, &policy, BREAKER_TIME, 1000);
	breaker_reserve(&b, 1);
	breaker_unreserve(&b, 1);
	assert_int_equal(breaker_capacity(&b, &policy), 1);
	breaker_unreserve(&b, 5); /* reserved before the transition, which has forgotten them */
	assert_int_equal(breaker_capacity(&b, &policy), 1);
}

static void test_open_time_doubles_to_its_cap_and_starts_anew(void **state)
{
	(void)state;
	static const int64_t spans[] = { 1000, 2000, 4000, 5000, 5000 };
	struct breaker b = opened(0);
	int64_t now = 0;
	for (size_t i = 0; i < sizeof spans / sizeof *spans; i++) {
		assert_int_equal(b.until_ms - now, spans[i]);
		now = b.until_ms;
		assert_true(breaker_apply(&b, &policy, BREAKER_TIME, now));
		assert_true(breaker_apply(&b, &policy, BREAKER_FAILURE, now));
	}
	(void)breaker_apply(&b, &policy, BREAKER_TIME, b.until_ms);
	assert_true(breaker_apply(&b, &policy, BREAKER_HEALTH, now));
	assert_int_equal(b.state, BREAKER_CLOSED);
	for (int i = 0; i < 3; i++)
		(void)breaker_apply(&b, &policy, BREAKER_FAILURE, now);
	assert_int_equal(b.until_ms - now, 1000);
}

static void test_a_busy_probe_opens_again_without_doubling(void **state)
{
	(void)state;
	struct breaker b = opened(0);
	(void)breaker_apply(&b, &policy, BREAKER_TIME, 1000);
	assert_true(breaker_apply(&b, &policy, BREAKER_BUSY, 1000));
	assert_int_equal(b.state, BREAKER_OPEN);
	assert_int_equal(b.until_ms, 2000);
}

static void test_several_probes_must_all_succeed(void **state)
{
	(void)state;
	struct breaker_policy three = policy;
	three.probes = 3;
	struct breaker b = opened(0);
	(void)breaker_apply(&b, &three, BREAKER_TIME, 1000);
	assert_int_equal(breaker_capacity(&b, &three), 3);
	assert_false(breaker_apply(&b, &three, BREAKER_HEALTH, 1000));
	assert_false(breaker_apply(&b, &three, BREAKER_NEUTRAL, 1000));
	assert_false(breaker_apply(&b, &three, BREAKER_HEALTH, 1000));
	assert_true(breaker_apply(&b, &three, BREAKER_HEALTH, 1000));
	assert_int_equal(b.state, BREAKER_CLOSED);
}

static void test_results_of_another_time_do_not_count(void **state)
{
	(void)state;
	struct breaker b;
	breaker_init(&b);
	uint32_t before = b.epoch;
	b = opened(0);
	(void)breaker_apply(&b, &policy, BREAKER_TIME, 1000);
	breaker_reserve(&b, 1);
	(void)breaker_begin(&b);
	breaker_end(&b, before); /* an attempt that began before the breaker opened */
	assert_int_equal(breaker_capacity(&b, &policy), 0);
}

static void test_an_operator_may_force_a_probe(void **state)
{
	(void)state;
	struct breaker b = opened(0);
	assert_true(breaker_apply(&b, &policy, BREAKER_RETRY_NOW, 1));
	assert_int_equal(b.state, BREAKER_HALF_OPEN);
	assert_false(breaker_apply(&b, &policy, BREAKER_RETRY_NOW, 1));
}

static void test_one_left_open_is_probed_first(void **state)
{
	(void)state;
	struct breaker b;
	breaker_init(&b);
	assert_true(breaker_apply(&b, &policy, BREAKER_LEFT_OPEN, 1));
	assert_int_equal(b.state, BREAKER_HALF_OPEN);
	assert_true(breaker_apply(&b, &policy, BREAKER_FAILURE, 2));
	assert_int_equal(b.state, BREAKER_OPEN);
	assert_int_equal(b.until_ms, 2 + 2 * policy.open_ms);
}

/* Whatever the signals, only closed → open → half-open → closed or open are possible, and closed →
 * half-open for a breaker that the last process left open. */
static void test_only_legal_transitions(void **state)
{
	(void)state;
	static const bool legal[BREAKER_STATES][BREAKER_STATES] = {
		[BREAKER_CLOSED][BREAKER_OPEN] = true,
		[BREAKER_OPEN][BREAKER_HALF_OPEN] = true,
		[BREAKER_HALF_OPEN][BREAKER_OPEN] = true,
		[BREAKER_HALF_OPEN][BREAKER_CLOSED] = true,
	};
	struct breaker b;
	breaker_init(&b);
	uint64_t random = 88172645463325252u;
	unsigned changes = 0;
	for (int64_t now = 0; now < 200000; now++) {
		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		enum breaker_state before = b.state;
		enum breaker_signal signal = (enum breaker_signal)(random % BREAKER_SIGNALS);
		bool changed = breaker_apply(&b, &policy, signal, now);
		assert_int_equal(changed, before != b.state);
		bool found = signal == BREAKER_LEFT_OPEN && before == BREAKER_CLOSED && b.state == BREAKER_HALF_OPEN;
		assert_true(!changed || found || legal[before][b.state]);
		changes += changed;
	}
	assert_true(changes > 100);
}

static void test_outcomes_and_health(void **state)
{
	(void)state;
	assert_int_equal(breaker_signal_of(OUTCOME_OK), BREAKER_HEALTH);
	assert_int_equal(breaker_signal_of(OUTCOME_REJECTED), BREAKER_HEALTH);
	assert_int_equal(breaker_signal_of(OUTCOME_EXISTS), BREAKER_HEALTH);
	assert_int_equal(breaker_signal_of(OUTCOME_UNKNOWN), BREAKER_FAILURE);
	assert_int_equal(breaker_signal_of(OUTCOME_UNREACHABLE), BREAKER_FAILURE);
	assert_int_equal(breaker_signal_of(OUTCOME_BUSY), BREAKER_BUSY);
	assert_int_equal(breaker_signal_of(OUTCOME_DENIED), BREAKER_NEUTRAL);
	assert_int_equal(breaker_signal_of(OUTCOME_FAULT), BREAKER_NEUTRAL);
	assert_string_equal(name_of_breaker(BREAKER_HALF_OPEN), "half_open");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_consecutive_failures_open),
		cmocka_unit_test(test_ratio_needs_its_minimum),
		cmocka_unit_test(test_ratio_looks_at_the_last_results_only),
		cmocka_unit_test(test_a_smaller_window_after_a_reload),
		cmocka_unit_test(test_half_open_lets_few_through),
		cmocka_unit_test(test_no_probes_counts_as_one),
		cmocka_unit_test(test_an_unused_probe_is_given_back),
		cmocka_unit_test(test_open_time_doubles_to_its_cap_and_starts_anew),
		cmocka_unit_test(test_a_busy_probe_opens_again_without_doubling),
		cmocka_unit_test(test_several_probes_must_all_succeed),
		cmocka_unit_test(test_results_of_another_time_do_not_count),
		cmocka_unit_test(test_an_operator_may_force_a_probe),
		cmocka_unit_test(test_one_left_open_is_probed_first),
		cmocka_unit_test(test_only_legal_transitions),
		cmocka_unit_test(test_outcomes_and_health),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
