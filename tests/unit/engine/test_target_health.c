/* What the end of an attempt says about its target. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "gateway/engine/target_health.h"

#define T0 ((int64_t)1700000000000)

static struct engine_target *make_target(void)
{
	struct engine_target_config config = {
		.id = 1, .name = "crm", .in_flight = 16, .breaker = { .consecutive = 5, .open_ms = 100, .probes = 1 }
	};
	return target_create(&config, T0);
}

static struct attempt ended(int64_t saga, enum outcome_class result)
{
	struct attempt a = { .saga = saga, .exchanges = 1 };
	a.outcome.result = result;
	snprintf(a.detail, sizeof a.detail, "said so");
	return a;
}

static struct attempt forbidden(int64_t saga)
{
	struct attempt a = ended(saga, OUTCOME_REJECTED);
	a.forbidden = true;
	return a;
}

static void test_denied_holds_for_credentials(void **state)
{
	(void)state;
	struct engine_target *t = make_target();
	struct attempt a = ended(1, OUTCOME_DENIED);
	struct health_verdict j = target_health_update(t, &a, false, T0);
	assert_int_equal(j.hold, HOLD_CREDENTIALS);
	assert_string_equal(j.reason, "credentials: said so");
	assert_int_equal(j.signal, BREAKER_NEUTRAL);
	assert_true(target_blocked_by_operator(t));
	assert_false(target_probe_due(t, T0 + TARGET_PROBE_MS - 1));
	assert_true(target_probe_due(t, T0 + TARGET_PROBE_MS));
	target_destroy(t);
}

static void test_the_first_403_waits_and_a_second_step_decides(void **state)
{
	(void)state;
	struct engine_target *t = make_target();
	struct attempt first = forbidden(1), second = forbidden(2);
	struct health_verdict j = target_health_update(t, &first, false, T0);
	assert_int_equal(first.outcome.result, OUTCOME_BUSY);
	assert_int_equal(first.outcome.retry_after_ms, FORBIDDEN_WAIT_MS);
	assert_int_equal(j.signal, BREAKER_HEALTH); /* the target works, so the limit is not lowered */
	assert_int_equal(t->concurrency.backoff_until_ms, 0);
	j = target_health_update(t, &second, false, T0);
	assert_int_equal(second.outcome.result, OUTCOME_DENIED);
	assert_int_equal(j.hold, HOLD_CREDENTIALS);
	target_destroy(t);
}

static void test_two_403_start_a_third_step_soon(void **state)
{
	(void)state;
	struct engine_target *t = make_target();
	struct attempt first = forbidden(1), second = forbidden(2), others = forbidden(3), probe = forbidden(3);
	target_health_update(t, &first, false, T0);
	target_health_update(t, &second, false, T0);
	assert_true(target_probe_due(t, T0 + FORBIDDEN_WAIT_MS));
	struct health_verdict j =
		target_health_update(t, &others, false, T0); /* was in flight with the two others: not rejected */
	assert_int_equal(others.outcome.result, OUTCOME_DENIED);
	assert_int_equal(others.outcome.retry_after_ms, 0);
	assert_int_equal(j.hold, HOLD_NONE); /* the target is held already */
	probe.probe = true;
	assert_false(target_health_update(t, &probe, false, T0).release);
	assert_int_equal(probe.outcome.result, OUTCOME_DENIED);
	target_destroy(t);
}

/* The credentials were changed while attempts with the old ones were in flight. */
static void test_what_began_before_the_settings_changed_holds_nothing(void **state)
{
	(void)state;
	struct engine_target *t = make_target();
	struct attempt denied = ended(1, OUTCOME_DENIED), first = forbidden(2), second = forbidden(3);
	target_bump_revision(t);
	assert_int_equal(target_health_update(t, &denied, false, T0).hold, HOLD_NONE);
	assert_int_equal(target_health_update(t, &first, false, T0).hold, HOLD_NONE);
	assert_int_equal(target_health_update(t, &second, false, T0).hold, HOLD_NONE);
	assert_int_equal(second.outcome.result, OUTCOME_DENIED); /* it is sent again and not counted */
	for (int64_t saga = 1; saga <= 2 * STREAK_LIMIT; saga++) {
		struct attempt a = ended(saga, OUTCOME_REJECTED);
		assert_int_equal(target_health_update(t, &a, false, T0).hold, HOLD_NONE);
	}
	struct attempt now = ended(1, OUTCOME_DENIED);
	now.revision = t->revision;
	assert_int_equal(target_health_update(t, &now, false, T0).hold, HOLD_CREDENTIALS);
	target_destroy(t);
}

static void test_the_first_hold_reason_is_kept(void **state)
{
	(void)state;
	struct engine_target *t = make_target();
	struct attempt a = ended(1, OUTCOME_DENIED), same = ended(2, OUTCOME_DENIED);
	target_health_update(t, &a, false, T0);
	assert_int_equal(target_health_update(t, &same, false, T0 + 1000).hold, HOLD_NONE);
	assert_true(target_probe_due(t, T0 + TARGET_PROBE_MS)); /* the second 401 does not delay the probe */
	target_destroy(t);
}

static void test_a_probe_that_is_taken_releases(void **state)
{
	(void)state;
	static const enum outcome_class taken[] = { OUTCOME_OK, OUTCOME_REJECTED, OUTCOME_EXISTS };
	for (size_t i = 0; i < 3; i++) {
		struct engine_target *t = make_target();
		struct attempt a = ended(1, OUTCOME_DENIED), probe = ended(2, taken[i]), late = ended(3, OUTCOME_OK);
		target_health_update(t, &a, false, T0);
		assert_false(
			target_health_update(t, &late, false, T0).release); /* this attempt began before the hold */
		probe.probe = true;
		assert_true(target_health_update(t, &probe, false, T0).release);
		target_destroy(t);
	}
}

static void test_a_timeout_of_a_probe_releases_nothing(void **state)
{
	(void)state;
	struct engine_target *t = make_target();
	struct attempt a = ended(1, OUTCOME_DENIED), probe = ended(2, OUTCOME_UNREACHABLE);
	target_health_update(t, &a, false, T0);
	probe.probe = true;
	assert_false(target_health_update(t, &probe, false, T0).release);
	target_destroy(t);
}

static void test_twenty_rejections_in_a_row_hold(void **state)
{
	(void)state;
	struct engine_target *t = make_target();
	for (int64_t saga = 1; saga < STREAK_LIMIT; saga++) {
		struct attempt a = ended(saga, OUTCOME_REJECTED);
		assert_int_equal(target_health_update(t, &a, false, T0).hold, HOLD_NONE);
	}
	struct attempt last = ended(STREAK_LIMIT, OUTCOME_REJECTED);
	struct health_verdict j = target_health_update(t, &last, false, T0);
	assert_memory_equal(j.reason, "looks misconfigured: 20 ", 24);
	assert_int_equal(j.hold, HOLD_MISCONFIGURED);
	assert_int_equal(name_to_hold(j.reason), HOLD_MISCONFIGURED);
	assert_false(target_probe_due(t, T0 + 10 * TARGET_PROBE_MS)); /* each probe would fail a step for good */
	target_destroy(t);
}

static void test_busy_lowers_the_limit(void **state)
{
	(void)state;
	struct engine_target *t = make_target();
	struct attempt a = ended(1, OUTCOME_BUSY);
	a.outcome.retry_after_ms = 3000;
	assert_int_equal(target_health_update(t, &a, false, T0).signal, BREAKER_BUSY);
	assert_int_equal(t->concurrency.backoff_until_ms, T0 + 3000);
	target_destroy(t);
}

static void test_neutral_outcomes(void **state)
{
	(void)state;
	struct engine_target *t = make_target();
	struct attempt old = ended(1, OUTCOME_UNREACHABLE), cut = ended(2, OUTCOME_UNKNOWN);
	struct attempt not_sendable = ended(3, OUTCOME_REJECTED), unsent = ended(4, OUTCOME_REJECTED);
	old.epoch = t->breaker.epoch + 7; /* began before the breaker last changed state */
	assert_int_equal(target_health_update(t, &old, false, T0).signal, BREAKER_NEUTRAL);
	assert_int_equal(target_health_update(t, &cut, true, T0).signal, BREAKER_NEUTRAL);
	not_sendable.not_sendable = true; /* refused by our own transport */
	assert_int_equal(target_health_update(t, &not_sendable, false, T0).signal, BREAKER_NEUTRAL);
	unsent.exchanges = 0;
	assert_int_equal(target_health_update(t, &unsent, false, T0).signal, BREAKER_NEUTRAL);
	target_destroy(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_denied_holds_for_credentials),
		cmocka_unit_test(test_the_first_403_waits_and_a_second_step_decides),
		cmocka_unit_test(test_two_403_start_a_third_step_soon),
		cmocka_unit_test(test_what_began_before_the_settings_changed_holds_nothing),
		cmocka_unit_test(test_the_first_hold_reason_is_kept),
		cmocka_unit_test(test_a_probe_that_is_taken_releases),
		cmocka_unit_test(test_a_timeout_of_a_probe_releases_nothing),
		cmocka_unit_test(test_twenty_rejections_in_a_row_hold),
		cmocka_unit_test(test_busy_lowers_the_limit),
		cmocka_unit_test(test_neutral_outcomes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
