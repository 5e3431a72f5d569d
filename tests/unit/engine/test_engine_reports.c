/* What the engine reports about a target: the changes of its breaker in the journal, and its lines for the gateway's
 * log. */
#include "tests/unit/engine/whole_engine.h"

#include <string.h>

/* ---- the breaker ---- */

static void test_each_breaker_change_is_recorded(void **state)
{
	struct whole_engine *r = *state;
	r->config.breaker.consecutive = 2;
	whole_let_attempts_end(r, ALMONER_UNREACHABLE, true);
	whole_deliver(r, NULL, &(struct target_news){ .target = 1, .backlog = 2000 });
	whole_exchange(r, TRANSPORT_UNREACHABLE);
	assert_int_equal(whole_breaker(r), BREAKER_CLOSED);
	whole_exchange(r, TRANSPORT_UNREACHABLE);
	assert_int_equal(whole_breaker(r), BREAKER_OPEN);
	assert_true(r->journal.breaker_not_closed);
	assert_string_equal(r->journal.breaker_note, "sends a probe in 100 ms");
	assert_non_null(strstr(r->log.data, "warning crm: breaker_open\n"));
	whole_wait(r, 100);
	assert_int_equal(whole_breaker(r), BREAKER_HALF_OPEN);
	assert_string_equal(r->journal.breaker_note, "");
	r->every_class = ALMONER_OK;
	whole_exchange(r, TRANSPORT_REPLY);
	assert_false(r->journal.breaker_not_closed);
	assert_string_equal(r->journal.breaker_note, "");
	assert_non_null(strstr(r->log.data, "info crm: breaker_half_open\ninfo crm: breaker_closed\n"));
}

/* The probe of a half-open breaker ends well: the target starts at the foot of the ramp, after a random delay. */
static void test_a_closed_breaker_ends_in_a_ramp(void **state)
{
	struct whole_engine *r = *state;
	r->config.in_flight = 16;
	whole_let_attempts_end(r, ALMONER_OK, true);
	struct target_news news = whole_state_news(false, true);
	news.backlog = 2000;
	whole_deliver(r, NULL, &news);
	assert_int_equal(r->journal.claimed, 1);
	whole_exchange(r, TRANSPORT_REPLY);
	unsigned before = r->journal.claims;
	assert_int_equal(whole_breaker(r), BREAKER_CLOSED);
	assert_int_equal(r->journal.outcomes, 1);
	assert_string_equal(r->log.data, "info crm: breaker_half_open\ninfo crm: breaker_closed\n");
	assert_int_equal(r->journal.claims, before);
	assert_int_equal(engine_next_ms(r->engine), ENGINE_RELEASE_SPREAD_MS - 1);
	whole_wait(r, ENGINE_RELEASE_SPREAD_MS - 1);
	assert_int_equal(r->journal.claims, before + 1);
	assert_int_equal(r->journal.claimed, CONCURRENCY_START);
}

/* ---- the log ---- */

/* Starts one attempt, which ends at once. Returns the lines that the engine logged. */
static const char *logged_by_attempt(struct whole_engine *r)
{
	static const struct target_news free_slot = { .target = 1, .claim_done = true };
	buf_free(&r->log);
	whole_deliver(r, NULL, &whole_one_waits);
	whole_deliver(r, whole_work(WORK_READY), &whole_granted);
	whole_answer(r, r->journal.asked, WORK_START);
	whole_deliver(r, NULL, &free_slot);
	return r->log.data != NULL ? r->log.data : "";
}

static void test_failed_attempts_are_logged_once_in_a_time(void **state)
{
	struct whole_engine *r = *state;
	static const char line[] = "warning crm: saga 42: an attempt ended as fault (status 0)\n";
	assert_string_equal(logged_by_attempt(r), line);
	assert_string_equal(logged_by_attempt(r), "");
	whole_wait(r, ENGINE_LOG_EVERY_MS - 1);
	assert_string_equal(logged_by_attempt(r), "");
	whole_wait(r, 1);
	assert_string_equal(logged_by_attempt(r), line);
}

static void test_what_each_outcome_logs(void **state)
{
	static const struct {
		uint32_t class;
		const char *lines;
	} cases[] = {
		{ ALMONER_OK, "" },
		{ ALMONER_REJECTED, "warning crm: saga 42: an attempt ended as rejected (status 0)\n" },
		{ ALMONER_BUSY, "warning crm: saga 42: an attempt ended as busy (status 0)\n" },
		{ ALMONER_DENIED, "warning crm: held: the target refuses our credentials\n"
						  "warning crm: saga 42: an attempt ended as denied (status 0)\n" },
	};
	struct whole_engine *r = *state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		whole_let_attempts_end(r, cases[i].class, false);
		assert_string_equal(logged_by_attempt(r), cases[i].lines);
		whole_wait(r, ENGINE_LOG_EVERY_MS);
	}
}

static void test_breaker_changes_are_logged(void **state)
{
	struct whole_engine *r = *state;
	struct target_news news = whole_state_news(false, true);
	whole_deliver(r, NULL, &news);
	assert_string_equal(r->log.data, "info crm: breaker_half_open\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_each_breaker_change_is_recorded, whole_set_up, whole_tear_down),
		cmocka_unit_test_setup_teardown(test_a_closed_breaker_ends_in_a_ramp, whole_set_up, whole_tear_down),
		cmocka_unit_test_setup_teardown(test_failed_attempts_are_logged_once_in_a_time, whole_set_up,
										whole_tear_down),
		cmocka_unit_test_setup_teardown(test_what_each_outcome_logs, whole_set_up, whole_tear_down),
		cmocka_unit_test_setup_teardown(test_breaker_changes_are_logged, whole_set_up, whole_tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
