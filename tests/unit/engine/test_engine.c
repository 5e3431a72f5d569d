/* The engine with a journal that only records its calls: the effects of settings, of draining and of the
 * journal's answers on a target. */
#include "tests/unit/engine/whole_engine.h"

/* ---- settings ---- */

static void test_a_reload_that_changed_nothing_keeps_the_hold(void **state)
{
	struct whole_engine *r = *state;
	struct target_news news = whole_held_news(0);
	whole_deliver(r, NULL, &news);
	whole_reload(r, 1); /* with a new connector, as every reload has */
	whole_reload(r, 2);
	assert_int_equal(r->journal.releases, 0);
	r->config.digest[3] ^= 1;
	whole_reload(r, 3);
	assert_int_equal(r->journal.releases, 1);
	whole_reload(r, 0);
	assert_int_equal(r->journal.releases, 1);
}

/* ---- the probe ---- */

/* The intent of an ordinary step was requested before the hold; the journal refuses it while a probe is
 * under way. */
static void test_another_step_that_is_gone_does_not_take_the_probe_along(void **state)
{
	struct whole_engine *r = *state;
	whole_deliver(r, NULL, &whole_one_waits);
	whole_deliver(r, whole_work(WORK_READY), &whole_granted);
	struct work *before = r->journal.asked;
	struct target_news news = whole_held_news(1);
	whole_deliver(r, NULL, &news);
	whole_wait(r, TARGET_PROBE_MS);
	assert_int_equal(r->journal.claims, 2);
	whole_answer(r, before, WORK_GONE);
	struct work *probe = whole_work(WORK_READY);
	probe->needs_condition = true;
	whole_deliver(r, probe, &whole_granted);
	assert_int_equal(r->journal.spills, 0);
	assert_ptr_equal(r->journal.asked, probe);
	whole_answer(r, probe, WORK_START);
	assert_int_equal(r->began[0], 1);
	assert_int_equal(r->journal.not_started, 0);
}

static void test_a_probe_that_is_gone_was_no_probe(void **state)
{
	struct whole_engine *r = *state;
	whole_deliver(r, NULL, &whole_one_waits);
	whole_deliver(r, whole_work(WORK_READY), &whole_granted);
	struct work *before = r->journal.asked;
	struct target_news news = whole_held_news(1);
	whole_deliver(r, NULL, &news);
	whole_wait(r, TARGET_PROBE_MS);
	struct work *probe = whole_work(WORK_READY);
	probe->needs_condition = true;
	whole_deliver(r, probe, &whole_granted);
	whole_answer(r, probe, WORK_GONE);
	whole_answer(r, before, WORK_START); /* only a probe may begin */
	assert_int_equal(r->began[0], 0);
	assert_int_equal(r->journal.not_started, 1);
}

/* The condition of the probe fails, so nothing was sent and nothing else may begin in its place. */
static void test_a_probe_whose_condition_fails_was_no_probe(void **state)
{
	struct whole_engine *r = *state;
	whole_deliver(r, NULL, &whole_one_waits);
	whole_deliver(r, whole_work(WORK_READY), &whole_granted);
	struct work *before = r->journal.asked;
	struct target_news news = whole_held_news(1);
	whole_deliver(r, NULL, &news);
	whole_wait(r, TARGET_PROBE_MS);
	struct work *probe = whole_work(WORK_READY);
	probe->needs_condition = true;
	r->when_fails = true;
	whole_deliver(r, probe, &whole_granted);
	assert_int_equal(r->journal.outcomes, 1);
	whole_answer(r, before, WORK_START);
	assert_int_equal(r->began[0], 0);
	assert_int_equal(r->journal.not_started, 1);
}

/* ---- released ---- */

/* Targets that are unblocked at the same moment do not start at the same moment. */
static void test_a_release_begins_after_a_random_moment(void **state)
{
	struct whole_engine *r = *state;
	struct target_news paused = whole_state_news(true, false);
	struct target_news resumed = whole_state_news(false, false);
	whole_deliver(r, NULL, &paused);
	whole_wait(r, 60000);
	whole_deliver(r, NULL, &resumed);
	assert_int_equal(r->journal.claims, 0);
	whole_wait(r, ENGINE_RELEASE_SPREAD_MS - 2);
	assert_int_equal(r->journal.claims, 0);
	whole_wait(r, 1);
	assert_int_equal(r->journal.claims, 1);
}

static void test_a_pause_taken_out_of_the_settings_is_a_release(void **state)
{
	struct whole_engine *r = *state;
	r->config.paused = true;
	r->config.digest[0] ^= 1;
	whole_reload(r, 0);
	whole_deliver(r, NULL, &whole_one_waits);
	r->config.paused = false;
	r->config.digest[0] ^= 1;
	whole_reload(r, 0);
	assert_int_equal(r->journal.claims, 0);
	whole_wait(r, ENGINE_RELEASE_SPREAD_MS - 1);
	assert_int_equal(r->journal.claims, 1);
}

static void test_an_open_breaker_is_probed_first(void **state)
{
	struct whole_engine *r = *state;
	struct target_news news = whole_state_news(false, true);
	whole_deliver(r, NULL, &news);
	assert_int_equal(whole_breaker(r), BREAKER_HALF_OPEN);
	assert_true(r->journal.breaker_not_closed);
	assert_int_equal(r->journal.claims, 1); /* a claim of one step, the probe */
}

/* The stored breaker state is that of the last process: it counts only in the first news. */
static void test_only_first_news_restore_state(void **state)
{
	struct whole_engine *r = *state;
	struct target_news first = whole_state_news(false, false);
	whole_deliver(r, NULL, &first);
	struct target_news later = whole_state_news(false, true);
	whole_deliver(r, NULL, &later);
	assert_int_equal(whole_breaker(r), BREAKER_CLOSED);
}

/* A held target whose only step is not due yet: the event loop sleeps until the step is due. */
static void test_a_probe_waits_for_a_step_that_is_due(void **state)
{
	struct whole_engine *r = *state;
	struct target_news news = whole_held_news(1);
	news.next_due_ms = WHOLE_T0 + 2 * TARGET_PROBE_MS;
	whole_deliver(r, NULL, &news);
	assert_int_equal(engine_next_ms(r->engine), 2 * TARGET_PROBE_MS);
	whole_wait(r, TARGET_PROBE_MS);
	assert_int_equal(engine_next_ms(r->engine), TARGET_PROBE_MS);
	whole_wait(r, TARGET_PROBE_MS);
	assert_int_equal(r->journal.claims, 1);
}

/* The first probe after a start comes at once, because the operator may have fixed the configuration;
 * after a denied probe the probe interval counts. */
static void test_a_held_target_is_probed(void **state)
{
	struct whole_engine *r = *state;
	r->config.probe_ms = 1500;
	whole_reload(r, 0);
	struct target_news news = whole_held_news(1);
	whole_deliver(r, NULL, &news);
	assert_int_equal(r->journal.claims, 1);
	whole_deliver(r, NULL, &(struct target_news){ .target = 1, .claim_done = true, .backlog = 1 });
	whole_wait(r, 1499);
	assert_int_equal(r->journal.claims, 1);
	whole_wait(r, 1);
	assert_int_equal(r->journal.claims, 2);
}

/* After a hold or a pause a target starts at the foot of the ramp, after a random delay. */
static void check_release(struct whole_engine *r, void (*bar)(struct whole_engine *r, bool bar))
{
	r->config.in_flight = 16;
	whole_reload(r, 0);
	whole_deliver(r, NULL, &(struct target_news){ .target = 1, .backlog = 2000 });
	assert_int_equal(r->journal.claims, 1);
	assert_int_equal(r->journal.claimed, CONCURRENCY_START);
	bar(r, true);
	whole_deliver(r, NULL, &(struct target_news){ .target = 1, .claim_done = true, .backlog = 2000 });
	whole_wait(r, 3600000);
	assert_int_equal(r->journal.claims, 1);
	bar(r, false);
	assert_int_equal(r->journal.claims, 1);
	int64_t next_ms = engine_next_ms(r->engine);
	assert_int_equal(next_ms, ENGINE_RELEASE_SPREAD_MS - 1);
	whole_wait(r, next_ms);
	assert_int_equal(r->journal.claims, 2);
	assert_int_equal(r->journal.claimed, CONCURRENCY_START);
}

static void by_an_operator(struct whole_engine *r, bool bar)
{
	struct target_news news = { .target = 1, .backlog = 2000, .state_changed = true, .state.paused = bar };
	whole_deliver(r, NULL, &news);
}

static void by_the_configuration(struct whole_engine *r, bool bar)
{
	r->config.paused = bar;
	r->config.digest[0] ^= 1;
	whole_reload(r, 1);
}

static void test_operator_pause_ends_in_a_ramp(void **state)
{
	check_release(*state, by_an_operator);
}

static void test_config_pause_ends_in_a_ramp(void **state)
{
	check_release(*state, by_the_configuration);
}

/* An operator who pauses or resumes a held target does not move its next probe. */
static void test_later_news_do_not_delay_the_probe(void **state)
{
	struct whole_engine *r = *state;
	struct target_news news = whole_state_news(false, false);
	whole_deliver(r, NULL, &news);
	whole_deliver(r, NULL, &(struct target_news){ .target = 1, .claim_done = true, .backlog = 1 });
	news = whole_held_news(1);
	whole_deliver(r, NULL, &news);
	unsigned before = r->journal.claims;
	whole_wait(r, TARGET_PROBE_MS - 1);
	news.state.paused = true;
	whole_deliver(r, NULL, &news);
	news.state.paused = false;
	whole_deliver(r, NULL, &news);
	assert_int_equal(r->journal.claims, before);
	whole_wait(r, 1);
	assert_int_equal(r->journal.claims, before + 1);
}

/* ---- the end ---- */

static void test_a_journal_that_does_not_answer_is_not_waited_for(void **state)
{
	struct whole_engine *r = *state;
	whole_deliver(r, NULL, &whole_one_waits); /* the journal never answers the claim */
	assert_int_equal(r->journal.claims, 1);
	engine_drain(r->engine, 1000);
	engine_tick(r->engine);
	for (int turns = 0; !engine_idle(r->engine); turns++) {
		int64_t next_ms = engine_next_ms(r->engine);
		assert_in_range(next_ms, 1, 60000); /* -1 would mean that the loop sleeps for ever */
		assert_true(turns < 10);
		whole_wait(r, next_ms);
	}
	assert_int_equal(r->now_ms, WHOLE_T0 + 1000 + 2000);
	/* give the slot back, or engine_destroy would find it taken */
	whole_deliver(r, NULL, &(struct target_news){ .target = 1, .claim_done = true });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_reload_that_changed_nothing_keeps_the_hold, whole_set_up,
										whole_tear_down),
		cmocka_unit_test_setup_teardown(test_another_step_that_is_gone_does_not_take_the_probe_along,
										whole_set_up, whole_tear_down),
		cmocka_unit_test_setup_teardown(test_a_probe_that_is_gone_was_no_probe, whole_set_up,
										whole_tear_down),
		cmocka_unit_test_setup_teardown(test_a_probe_whose_condition_fails_was_no_probe, whole_set_up,
										whole_tear_down),
		cmocka_unit_test_setup_teardown(test_a_release_begins_after_a_random_moment, whole_set_up,
										whole_tear_down),
		cmocka_unit_test_setup_teardown(test_a_pause_taken_out_of_the_settings_is_a_release, whole_set_up,
										whole_tear_down),
		cmocka_unit_test_setup_teardown(test_an_open_breaker_is_probed_first, whole_set_up, whole_tear_down),
		cmocka_unit_test_setup_teardown(test_only_first_news_restore_state, whole_set_up, whole_tear_down),
		cmocka_unit_test_setup_teardown(test_a_probe_waits_for_a_step_that_is_due, whole_set_up,
										whole_tear_down),
		cmocka_unit_test_setup_teardown(test_a_held_target_is_probed, whole_set_up, whole_tear_down),
		cmocka_unit_test_setup_teardown(test_later_news_do_not_delay_the_probe, whole_set_up,
										whole_tear_down),
		cmocka_unit_test_setup_teardown(test_operator_pause_ends_in_a_ramp, whole_set_up, whole_tear_down),
		cmocka_unit_test_setup_teardown(test_config_pause_ends_in_a_ramp, whole_set_up, whole_tear_down),
		cmocka_unit_test_setup_teardown(test_a_journal_that_does_not_answer_is_not_waited_for, whole_set_up,
										whole_tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
