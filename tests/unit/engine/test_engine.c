/* The engine with a journal that only records its calls: the effects of settings, of draining and of the
 * journal's answers on a target. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gateway/engine/engine.h"
#include "gateway/engine/engine_internal.h"
#include "gateway/engine/target.h"
#include "saga/base/mem.h"
#include "saga/journal/engine_port.h"
#include "saga/journal/operator_port.h"
#include "tests/unit/engine/engine_fixture.h"

#define T0 ((int64_t)1000000)

/* ---- the journal's side ---- */

struct journal {
	unsigned releases, claims, starts, spills, not_started, outcomes;
	bool breaker_not_closed;
	char breaker_note[96]; /* of the last journal_breaker */
	uint32_t claimed;      /* by the last journal_claim */
	struct work *asked;    /* by the last journal_start or journal_condition_result */
};

void journal_start(struct journal *j, struct work *w)
{
	j->starts++;
	j->asked = w;
}

void journal_condition_result(struct journal *j, struct work *w, bool verdict)
{
	assert_true(verdict);
	journal_start(j, w);
}

void journal_not_started(struct journal *j, struct work *w)
{
	j->not_started++;
	work_destroy(w);
}

void journal_checkpoint(struct journal *j, struct work *w, struct str bytes)
{
	(void)j, (void)w, (void)bytes;
	fail_msg("nothing here gives checkpoints");
}

int journal_record_inflight(struct journal *j, struct work *w, const uint8_t body[INFLIGHT_BODY_BYTES])
{
	(void)j, (void)w, (void)body;
	return 0;
}

void journal_clear_inflight(struct journal *j, struct work *w)
{
	(void)j, (void)w;
}

void journal_outcome(struct journal *j, struct work *w, const struct outcome *o, const char *hold_reason)
{
	(void)o, (void)hold_reason;
	j->outcomes++;
	work_destroy(w);
}

void journal_spill(struct journal *j, struct work *w)
{
	j->spills++;
	work_destroy(w);
}

void journal_claim(struct journal *j, uint32_t target, uint32_t max)
{
	(void)target;
	j->claims++;
	j->claimed = max;
}

void journal_breaker(struct journal *j, uint32_t target, enum breaker_state state, const char *note)
{
	(void)target;
	j->breaker_not_closed = state != BREAKER_CLOSED;
	snprintf(j->breaker_note, sizeof j->breaker_note, "%s", note);
}

int journal_target_act(struct journal *j, const char *target, enum target_action action, const char *actor,
					   const char *note, void *ctx, void (*done)(void *ctx, const struct verb_result *result))
{
	(void)target, (void)actor, (void)note, (void)ctx, (void)done;
	assert_int_equal(action, TARGET_RELEASE);
	j->releases++;
	return 0;
}

/* ---- clock, connector and transport ---- */

struct fixture {
	struct journal journal;
	struct engine *engine;
	struct engine_target_config config;
	int64_t now_ms;
	unsigned began[4];    /* attempts of each connector; its address is the connector */
	uint32_t every_class; /* the class with which each attempt of the `finishing` connector ends */
	bool sends;
	struct transport_request request; /* the last one */
	struct buf log;                   /* the lines for the gateway's log, each as "level target: text" */
};

static int64_t now(void *ctx)
{
	return ((struct fixture *)ctx)->now_ms;
}

static uint64_t largest(void *ctx, uint64_t bound)
{
	(void)ctx;
	return bound - 1;
}

static int begin(void *ctx, const struct almoner_step *step, void **attempt, struct almoner_error *error)
{
	(void)step, (void)attempt;
	(*(unsigned *)ctx)++;
	snprintf(error->text, sizeof error->text, "it never begins");
	return -1;
}

static int eval(void *ctx, const char *program, struct str event, struct str steps, bool *ret,
				struct err *err)
{
	(void)ctx, (void)program, (void)event, (void)steps, (void)err;
	*ret = true;
	return 0;
}

/* A connector whose attempts end with the class `every_class`, after one exchange if `sends` is set. */
static int begin_well(void *ctx, const struct almoner_step *step, void **attempt, struct almoner_error *error)
{
	(void)step, (void)error;
	*attempt = ctx;
	return 0;
}

static int finish(void *ctx, void *attempt, const struct almoner_reply *reply, struct almoner_action *action,
				  struct almoner_error *error)
{
	(void)attempt, (void)error;
	const struct fixture *r = ctx;
	*action = (struct almoner_action){ .size = sizeof *action };
	action->kind = r->sends && reply == NULL ? ALMONER_SEND_HTTP : ALMONER_FINISH;
	if (action->kind == ALMONER_SEND_HTTP) {
		action->effect = ALMONER_EFFECTS;
		action->http.method = (struct almoner_text)TEXT("POST");
		action->http.url = (struct almoner_text)TEXT("http://crm/gifts");
	} else {
		action->done.result_class = r->every_class;
	}
	return 0;
}

static void end(void *ctx, void *attempt)
{
	(void)ctx, (void)attempt;
}

static void *submit(void *ctx, const struct transport_request *request)
{
	struct fixture *r = ctx;
	r->request = *request;
	return r;
}

static void cancel(void *ctx, void *exchange)
{
	(void)ctx, (void)exchange;
}

static void log_line(void *ctx, enum engine_log_level level, const char *target, const char *text)
{
	static const char *const names[] = { "debug", "info", "warning", "error" };
	buf_printf(ctx, "%s %s: %s\n", names[level], target, text);
}

static int set_up(void **state)
{
	struct fixture *r = mem_zalloc(sizeof *r);
	r->now_ms = T0;
	struct engine_options options = { .clock = { r, now, now },
									  .entropy = { r, largest },
									  .transport = { r, submit, cancel },
									  .when = { r, eval },
									  .log = { &r->log, log_line } };
	r->engine = engine_create(&options);
	engine_set_journal(r->engine, &r->journal);
	r->config = (struct engine_target_config){ .id = 1,
											   .name = "crm",
											   .port = { &r->began[0], begin, NULL, NULL },
											   .in_flight = 2,
											   .breaker = { .consecutive = 5, .open_ms = 100, .probes = 1 } };
	engine_set_targets(r->engine, &r->config, 1);
	engine_tick(r->engine);
	*state = r;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *r = *state;
	engine_destroy(r->engine);
	buf_free(&r->log);
	free(r);
	return 0;
}

/* The journal delivers a work and news, either of which may be NULL; then the engine ticks. */
static void deliver_news(struct fixture *r, struct work *w, const struct target_news *news)
{
	struct handout d = { .news = news, .news_count = news != NULL };
	STAILQ_INIT(&d.works);
	if (w != NULL)
		STAILQ_INSERT_TAIL(&d.works, w, link);
	engine_deliver(r->engine, &d);
	engine_tick(r->engine);
}

static struct work *work(enum work_kind kind)
{
	struct work *w = fixture_work();
	w->kind = kind;
	w->target = 1;
	w->slot = true;
	return w;
}

/* The journal answers journal_start or journal_condition_result. */
static void answer(struct fixture *r, struct work *w, enum work_kind kind)
{
	w->kind = kind;
	deliver_news(r, w, NULL);
}

static void wait_ms(struct fixture *r, int64_t ms)
{
	r->now_ms += ms;
	engine_tick(r->engine);
}

static struct target_news held_news(int64_t backlog)
{
	struct target_news news = { .target = 1, .backlog = backlog, .state_changed = true };
	news.state.held = true;
	news.state.hold = HOLD_CREDENTIALS;
	return news;
}

static void reload(struct fixture *r, unsigned port)
{
	r->config.port.ctx = &r->began[port];
	engine_set_targets(r->engine, &r->config, 1);
	engine_tick(r->engine);
}

/* ---- settings ---- */

static void test_a_reload_that_changed_nothing_keeps_the_hold(void **state)
{
	struct fixture *r = *state;
	struct target_news news = held_news(0);
	deliver_news(r, NULL, &news);
	reload(r, 1); /* with a new connector, as every reload has */
	reload(r, 2);
	assert_int_equal(r->journal.releases, 0);
	r->config.digest[3] ^= 1;
	reload(r, 3);
	assert_int_equal(r->journal.releases, 1);
	reload(r, 0);
	assert_int_equal(r->journal.releases, 1);
}

/* ---- the probe ---- */

static const struct target_news one_waits = { .target = 1, .backlog = 1 };
static const struct target_news granted = { .target = 1, .claim_done = true, .claim_granted = 1 };

/* The intent of an ordinary step was requested before the hold; the journal refuses it while a probe is
 * under way. */
static void test_another_step_that_is_gone_does_not_take_the_probe_along(void **state)
{
	struct fixture *r = *state;
	deliver_news(r, NULL, &one_waits);
	deliver_news(r, work(WORK_READY), &granted);
	struct work *before = r->journal.asked;
	struct target_news news = held_news(1);
	deliver_news(r, NULL, &news);
	wait_ms(r, TARGET_PROBE_MS);
	assert_int_equal(r->journal.claims, 2);
	answer(r, before, WORK_GONE);
	struct work *probe = work(WORK_READY);
	probe->needs_condition = true;
	deliver_news(r, probe, &granted);
	assert_int_equal(r->journal.spills, 0);
	assert_ptr_equal(r->journal.asked, probe);
	answer(r, probe, WORK_START);
	assert_int_equal(r->began[0], 1);
	assert_int_equal(r->journal.not_started, 0);
}

static void test_a_probe_that_is_gone_was_no_probe(void **state)
{
	struct fixture *r = *state;
	deliver_news(r, NULL, &one_waits);
	deliver_news(r, work(WORK_READY), &granted);
	struct work *before = r->journal.asked;
	struct target_news news = held_news(1);
	deliver_news(r, NULL, &news);
	wait_ms(r, TARGET_PROBE_MS);
	struct work *probe = work(WORK_READY);
	probe->needs_condition = true;
	deliver_news(r, probe, &granted);
	answer(r, probe, WORK_GONE);
	answer(r, before, WORK_START); /* only a probe may begin */
	assert_int_equal(r->began[0], 0);
	assert_int_equal(r->journal.not_started, 1);
}

/* ---- released ---- */

static struct target_news state_news(bool paused, bool breaker_not_closed)
{
	return (struct target_news){ .target = 1,
								 .backlog = 1,
								 .state_changed = true,
								 .state = { .paused = paused, .breaker_not_closed = breaker_not_closed } };
}

/* Targets that are unblocked at the same moment do not start at the same moment. */
static void test_a_release_begins_after_a_random_moment(void **state)
{
	struct fixture *r = *state;
	struct target_news paused = state_news(true, false);
	struct target_news resumed = state_news(false, false);
	deliver_news(r, NULL, &paused);
	wait_ms(r, 60000);
	deliver_news(r, NULL, &resumed);
	assert_int_equal(r->journal.claims, 0);
	wait_ms(r, ENGINE_RELEASE_SPREAD_MS - 2);
	assert_int_equal(r->journal.claims, 0);
	wait_ms(r, 1);
	assert_int_equal(r->journal.claims, 1);
}

static void test_a_pause_taken_out_of_the_settings_is_a_release(void **state)
{
	struct fixture *r = *state;
	r->config.paused = true;
	r->config.digest[0] ^= 1;
	reload(r, 0);
	deliver_news(r, NULL, &one_waits);
	r->config.paused = false;
	r->config.digest[0] ^= 1;
	reload(r, 0);
	assert_int_equal(r->journal.claims, 0);
	wait_ms(r, ENGINE_RELEASE_SPREAD_MS - 1);
	assert_int_equal(r->journal.claims, 1);
}

static enum breaker_state breaker_of(const struct fixture *r)
{
	struct engine_target_status status;
	assert_int_equal(engine_status(r->engine, 1, &status, 1), 1);
	return status.breaker;
}

static void test_an_open_breaker_is_probed_first(void **state)
{
	struct fixture *r = *state;
	struct target_news news = state_news(false, true);
	deliver_news(r, NULL, &news);
	assert_int_equal(breaker_of(r), BREAKER_HALF_OPEN);
	assert_true(r->journal.breaker_not_closed);
	assert_int_equal(r->journal.claims, 1); /* a claim of one step, the probe */
}

/* The stored breaker state is that of the last process: it counts only in the first news. */
static void test_only_first_news_restore_state(void **state)
{
	struct fixture *r = *state;
	struct target_news first = state_news(false, false);
	deliver_news(r, NULL, &first);
	struct target_news later = state_news(false, true);
	deliver_news(r, NULL, &later);
	assert_int_equal(breaker_of(r), BREAKER_CLOSED);
}

/* A held target whose only step is not due yet: the event loop sleeps until the step is due. */
static void test_a_probe_waits_for_a_step_that_is_due(void **state)
{
	struct fixture *r = *state;
	struct target_news news = held_news(1);
	news.next_due_ms = T0 + 2 * TARGET_PROBE_MS;
	deliver_news(r, NULL, &news);
	assert_int_equal(engine_next_ms(r->engine), 2 * TARGET_PROBE_MS);
	wait_ms(r, TARGET_PROBE_MS);
	assert_int_equal(engine_next_ms(r->engine), TARGET_PROBE_MS);
	wait_ms(r, TARGET_PROBE_MS);
	assert_int_equal(r->journal.claims, 1);
}

/* The first probe after a start comes at once, because the operator may have fixed the configuration;
 * after a denied probe the probe interval counts. */
static void test_a_held_target_is_probed(void **state)
{
	struct fixture *r = *state;
	r->config.probe_ms = 1500;
	reload(r, 0);
	struct target_news news = held_news(1);
	deliver_news(r, NULL, &news);
	assert_int_equal(r->journal.claims, 1);
	deliver_news(r, NULL, &(struct target_news){ .target = 1, .claim_done = true, .backlog = 1 });
	wait_ms(r, 1499);
	assert_int_equal(r->journal.claims, 1);
	wait_ms(r, 1);
	assert_int_equal(r->journal.claims, 2);
}

/* After a hold or a pause a target starts at the foot of the ramp, after a random delay. */
static void check_release(struct fixture *r, void (*bar)(struct fixture *r, bool bar))
{
	r->config.in_flight = 16;
	reload(r, 0);
	deliver_news(r, NULL, &(struct target_news){ .target = 1, .backlog = 2000 });
	assert_int_equal(r->journal.claims, 1);
	assert_int_equal(r->journal.claimed, CONCURRENCY_START);
	bar(r, true);
	deliver_news(r, NULL, &(struct target_news){ .target = 1, .claim_done = true, .backlog = 2000 });
	wait_ms(r, 3600000);
	assert_int_equal(r->journal.claims, 1);
	bar(r, false);
	assert_int_equal(r->journal.claims, 1);
	int64_t next_ms = engine_next_ms(r->engine);
	assert_int_equal(next_ms, ENGINE_RELEASE_SPREAD_MS - 1);
	wait_ms(r, next_ms);
	assert_int_equal(r->journal.claims, 2);
	assert_int_equal(r->journal.claimed, CONCURRENCY_START);
}

static void by_an_operator(struct fixture *r, bool bar)
{
	struct target_news news = { .target = 1, .backlog = 2000, .state_changed = true, .state.paused = bar };
	deliver_news(r, NULL, &news);
}

static void by_the_configuration(struct fixture *r, bool bar)
{
	r->config.paused = bar;
	r->config.digest[0] ^= 1;
	reload(r, 1);
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
	struct fixture *r = *state;
	struct target_news news = state_news(false, false);
	deliver_news(r, NULL, &news);
	deliver_news(r, NULL, &(struct target_news){ .target = 1, .claim_done = true, .backlog = 1 });
	news = held_news(1);
	deliver_news(r, NULL, &news);
	unsigned before = r->journal.claims;
	wait_ms(r, TARGET_PROBE_MS - 1);
	news.state.paused = true;
	deliver_news(r, NULL, &news);
	news.state.paused = false;
	deliver_news(r, NULL, &news);
	assert_int_equal(r->journal.claims, before);
	wait_ms(r, 1);
	assert_int_equal(r->journal.claims, before + 1);
}

/* Starts an attempt, whose exchange ends so. */
static void exchange(struct fixture *r, enum transport_verdict verdict)
{
	static const struct target_news slot = {
		.target = 1, .claim_done = true, .claim_granted = 1, .backlog = 2000
	};
	deliver_news(r, work(WORK_READY), &slot);
	answer(r, r->journal.asked, WORK_START);
	struct transport_result result = { .verdict = verdict, .detail = "refused" };
	result.reply = (struct almoner_reply){ .size = sizeof result.reply, .status = 200 };
	r->request.done(r->request.ctx, &result);
	engine_tick(r->engine);
}

static void test_each_breaker_change_is_recorded(void **state)
{
	struct fixture *r = *state;
	r->config.port = (struct connector_port){ r, begin_well, finish, end };
	r->config.breaker.consecutive = 2;
	r->sends = true;
	r->every_class = ALMONER_UNREACHABLE;
	engine_set_targets(r->engine, &r->config, 1);
	deliver_news(r, NULL, &(struct target_news){ .target = 1, .backlog = 2000 });
	exchange(r, TRANSPORT_UNREACHABLE);
	assert_int_equal(breaker_of(r), BREAKER_CLOSED);
	exchange(r, TRANSPORT_UNREACHABLE);
	assert_int_equal(breaker_of(r), BREAKER_OPEN);
	assert_true(r->journal.breaker_not_closed);
	assert_string_equal(r->journal.breaker_note, "sends a probe in 100 ms");
	assert_non_null(strstr(r->log.data, "warning crm: breaker_open\n"));
	wait_ms(r, 100);
	assert_int_equal(breaker_of(r), BREAKER_HALF_OPEN);
	assert_string_equal(r->journal.breaker_note, "");
	r->every_class = ALMONER_OK;
	exchange(r, TRANSPORT_REPLY);
	assert_false(r->journal.breaker_not_closed);
	assert_string_equal(r->journal.breaker_note, "");
	assert_non_null(strstr(r->log.data, "info crm: breaker_half_open\ninfo crm: breaker_closed\n"));
}

/* The probe of a half-open breaker ends well: the target starts at the foot of the ramp, after a random delay. */
static void test_a_closed_breaker_ends_in_a_ramp(void **state)
{
	struct fixture *r = *state;
	r->config.in_flight = 16;
	r->config.port = (struct connector_port){ r, begin_well, finish, end };
	r->sends = true;
	r->every_class = ALMONER_OK;
	engine_set_targets(r->engine, &r->config, 1);
	struct target_news news = state_news(false, true);
	news.backlog = 2000;
	deliver_news(r, NULL, &news);
	assert_int_equal(r->journal.claimed, 1);
	exchange(r, TRANSPORT_REPLY);
	unsigned before = r->journal.claims;
	assert_int_equal(breaker_of(r), BREAKER_CLOSED);
	assert_int_equal(r->journal.outcomes, 1);
	assert_string_equal(r->log.data, "info crm: breaker_half_open\ninfo crm: breaker_closed\n");
	assert_int_equal(r->journal.claims, before);
	assert_int_equal(engine_next_ms(r->engine), ENGINE_RELEASE_SPREAD_MS - 1);
	wait_ms(r, ENGINE_RELEASE_SPREAD_MS - 1);
	assert_int_equal(r->journal.claims, before + 1);
	assert_int_equal(r->journal.claimed, CONCURRENCY_START);
}

/* ---- the log ---- */

/* Starts one attempt, which ends at once. Returns the lines that the engine logged. */
static const char *logged_by_attempt(struct fixture *r)
{
	static const struct target_news free_slot = { .target = 1, .claim_done = true };
	buf_free(&r->log);
	deliver_news(r, NULL, &one_waits);
	deliver_news(r, work(WORK_READY), &granted);
	answer(r, r->journal.asked, WORK_START);
	deliver_news(r, NULL, &free_slot);
	return r->log.data != NULL ? r->log.data : "";
}

static void test_failed_attempts_are_logged_once_in_a_time(void **state)
{
	struct fixture *r = *state;
	static const char line[] = "warning crm: saga 42: an attempt ended as fault (status 0)\n";
	assert_string_equal(logged_by_attempt(r), line);
	assert_string_equal(logged_by_attempt(r), "");
	wait_ms(r, ENGINE_LOG_EVERY_MS - 1);
	assert_string_equal(logged_by_attempt(r), "");
	wait_ms(r, 1);
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
	struct fixture *r = *state;
	r->config.port = (struct connector_port){ r, begin_well, finish, end };
	engine_set_targets(r->engine, &r->config, 1);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		r->every_class = cases[i].class;
		assert_string_equal(logged_by_attempt(r), cases[i].lines);
		wait_ms(r, ENGINE_LOG_EVERY_MS);
	}
}

static void test_breaker_changes_are_logged(void **state)
{
	struct fixture *r = *state;
	struct target_news news = state_news(false, true);
	deliver_news(r, NULL, &news);
	assert_string_equal(r->log.data, "info crm: breaker_half_open\n");
}

/* ---- the end ---- */

static void test_a_journal_that_does_not_answer_is_not_waited_for(void **state)
{
	struct fixture *r = *state;
	deliver_news(r, NULL, &one_waits); /* the journal never answers the claim */
	assert_int_equal(r->journal.claims, 1);
	engine_drain(r->engine, 1000);
	engine_tick(r->engine);
	for (int turns = 0; !engine_idle(r->engine); turns++) {
		int64_t next_ms = engine_next_ms(r->engine);
		assert_in_range(next_ms, 1, 60000); /* -1 would mean that the loop sleeps for ever */
		assert_true(turns < 10);
		wait_ms(r, next_ms);
	}
	assert_int_equal(r->now_ms, T0 + 1000 + 2000);
	/* give the slot back, or engine_destroy would find it taken */
	deliver_news(r, NULL, &(struct target_news){ .target = 1, .claim_done = true });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_reload_that_changed_nothing_keeps_the_hold, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_another_step_that_is_gone_does_not_take_the_probe_along, set_up,
										tear_down),
		cmocka_unit_test_setup_teardown(test_a_probe_that_is_gone_was_no_probe, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_release_begins_after_a_random_moment, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_pause_taken_out_of_the_settings_is_a_release, set_up,
										tear_down),
		cmocka_unit_test_setup_teardown(test_an_open_breaker_is_probed_first, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_only_first_news_restore_state, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_probe_waits_for_a_step_that_is_due, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_held_target_is_probed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_later_news_do_not_delay_the_probe, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_each_breaker_change_is_recorded, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_closed_breaker_ends_in_a_ramp, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_failed_attempts_are_logged_once_in_a_time, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_each_outcome_logs, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_breaker_changes_are_logged, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_operator_pause_ends_in_a_ramp, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_config_pause_ends_in_a_ramp, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_journal_that_does_not_answer_is_not_waited_for, set_up,
										tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
