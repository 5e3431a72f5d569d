/* The engine with a journal that only writes down what it is asked: what settings, draining and answers of
 * the journal do to a target. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gateway/engine/engine.h"
#include "gateway/engine/target.h"
#include "saga/base/mem.h"
#include "tests/unit/engine/bench.h"

#define T0 ((int64_t)1000000)

/* ---- the journal's side ---- */

struct journal {
	unsigned releases, claims, starts, spills, not_started, outcomes;
	bool breaker_away;
	uint32_t claimed;   /* by the last journal_claim */
	struct work *asked; /* by the last journal_start or journal_when */
};

void journal_start(struct journal *j, struct work *w)
{
	j->starts++;
	j->asked = w;
}

void journal_when(struct journal *j, struct work *w, bool verdict)
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

int journal_sending(struct journal *j, struct work *w, const uint8_t body[SENDING_BODY_BYTES])
{
	(void)j, (void)w, (void)body;
	return 0;
}

void journal_sending_over(struct journal *j, struct work *w)
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

void journal_breaker(struct journal *j, uint32_t target, const char *text, const char *note, bool away)
{
	(void)target, (void)text, (void)note;
	j->breaker_away = away;
}

int journal_target_act(struct journal *j, const char *target, enum target_action action, const char *actor,
					   const char *note, void *ctx, void (*done)(void *ctx, const struct verb_result *result))
{
	(void)target, (void)actor, (void)note, (void)ctx, (void)done;
	assert_int_equal(action, TARGET_RELEASE);
	j->releases++;
	return 0;
}

/* ---- the rest of the world ---- */

struct rig {
	struct journal journal;
	struct engine *engine;
	struct engine_target_config config;
	int64_t now_ms;
	unsigned began[4]; /* attempts of each connector; its address is the connector */
};

static int64_t now(void *ctx)
{
	return ((struct rig *)ctx)->now_ms;
}

static uint64_t the_most(void *ctx, uint64_t bound)
{
	(void)ctx;
	return bound - 1;
}

static int begin(void *ctx, const struct almoner_step *step, void **attempt, struct almoner_error *error)
{
	(void)step, (void)attempt;
	(*(unsigned *)ctx)++;
	(void)snprintf(error->text, sizeof error->text, "it never begins");
	return -1;
}

static int eval(void *ctx, const char *program, struct str event, struct str steps, bool *ret,
				struct err *err)
{
	(void)ctx, (void)program, (void)event, (void)steps, (void)err;
	*ret = true;
	return 0;
}

static int set_up(void **state)
{
	struct rig *r = mem_zalloc(sizeof *r);
	r->now_ms = T0;
	struct engine_options options = { .clock = { r, now, now }, .entropy = { r, the_most }, .when = { r, eval } };
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
	struct rig *r = *state;
	engine_destroy(r->engine);
	free(r);
	return 0;
}

/* One delivery of the journal, and the turn after it. Either may be NULL. */
static void tell(struct rig *r, struct work *w, const struct target_news *news)
{
	struct delivery d = { .news = news, .news_count = news != NULL };
	STAILQ_INIT(&d.works);
	if (w != NULL)
		STAILQ_INSERT_TAIL(&d.works, w, link);
	engine_deliver(r->engine, &d);
	engine_tick(r->engine);
}

static struct work *work(enum work_kind kind)
{
	struct work *w = bench_work();
	w->kind = kind;
	w->target = 1;
	w->slot = true;
	return w;
}

/* The journal's answer to something asked. */
static void answer(struct rig *r, struct work *w, enum work_kind kind)
{
	w->kind = kind;
	tell(r, w, NULL);
}

static void wait_ms(struct rig *r, int64_t ms)
{
	r->now_ms += ms;
	engine_tick(r->engine);
}

static struct target_news held_news(int64_t backlog)
{
	struct target_news news = { .target = 1, .backlog = backlog, .state_changed = true };
	news.state.held = true;
	(void)snprintf(news.state.held_reason, sizeof news.state.held_reason, "credentials: refused");
	return news;
}

static void reload(struct rig *r, unsigned port)
{
	r->config.port.ctx = &r->began[port];
	engine_set_targets(r->engine, &r->config, 1);
	engine_tick(r->engine);
}

/* ---- settings ---- */

static void test_a_reload_that_changed_nothing_keeps_the_hold(void **state)
{
	struct rig *r = *state;
	struct target_news news = held_news(0);
	tell(r, NULL, &news);
	reload(r, 1); /* a reload opens every connector anew */
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

/* A step asked for before the hold is gone while the probe is on its way. */
static void test_another_step_that_is_gone_does_not_take_the_probe_along(void **state)
{
	struct rig *r = *state;
	tell(r, NULL, &one_waits);
	tell(r, work(WORK_READY), &granted);
	struct work *before = r->journal.asked;
	struct target_news news = held_news(1);
	tell(r, NULL, &news);
	wait_ms(r, TARGET_PROBE_MS);
	assert_int_equal(r->journal.claims, 2);
	answer(r, before, WORK_GONE);
	struct work *probe = work(WORK_READY);
	probe->needs_when = true;
	tell(r, probe, &granted);
	assert_int_equal(r->journal.spills, 0);
	assert_ptr_equal(r->journal.asked, probe);
	answer(r, probe, WORK_START);
	assert_int_equal(r->began[0], 1);
	assert_int_equal(r->journal.not_started, 0);
}

static void test_a_probe_that_is_gone_was_no_probe(void **state)
{
	struct rig *r = *state;
	tell(r, NULL, &one_waits);
	tell(r, work(WORK_READY), &granted);
	struct work *before = r->journal.asked;
	struct target_news news = held_news(1);
	tell(r, NULL, &news);
	wait_ms(r, TARGET_PROBE_MS);
	struct work *probe = work(WORK_READY);
	probe->needs_when = true;
	tell(r, probe, &granted);
	answer(r, probe, WORK_GONE);
	answer(r, before, WORK_START); /* nothing but a probe may begin */
	assert_int_equal(r->began[0], 0);
	assert_int_equal(r->journal.not_started, 1);
}

/* ---- released ---- */

static struct target_news state_news(bool paused, bool breaker_away)
{
	return (struct target_news){ .target = 1,
								 .backlog = 1,
								 .state_changed = true,
								 .state = { .paused = paused, .breaker_away = breaker_away } };
}

/* Targets released at the same moment do not begin at the same moment. */
static void test_a_release_begins_after_a_random_moment(void **state)
{
	struct rig *r = *state;
	struct target_news paused = state_news(true, false);
	struct target_news resumed = state_news(false, false);
	tell(r, NULL, &paused);
	wait_ms(r, 60000);
	tell(r, NULL, &resumed);
	assert_int_equal(r->journal.claims, 0);
	wait_ms(r, ENGINE_RELEASE_MS - 2);
	assert_int_equal(r->journal.claims, 0);
	wait_ms(r, 1);
	assert_int_equal(r->journal.claims, 1);
}

static void test_a_pause_taken_out_of_the_settings_is_a_release(void **state)
{
	struct rig *r = *state;
	r->config.paused = true;
	r->config.digest[0] ^= 1;
	reload(r, 0);
	tell(r, NULL, &one_waits);
	r->config.paused = false;
	r->config.digest[0] ^= 1;
	reload(r, 0);
	assert_int_equal(r->journal.claims, 0);
	wait_ms(r, ENGINE_RELEASE_MS - 1);
	assert_int_equal(r->journal.claims, 1);
}

static enum breaker_state breaker_of(const struct rig *r)
{
	struct engine_target_status status;
	assert_int_equal(engine_status(r->engine, 1, &status, 1), 1);
	return status.breaker;
}

static void test_a_breaker_left_open_is_asked_first(void **state)
{
	struct rig *r = *state;
	struct target_news news = state_news(false, true);
	tell(r, NULL, &news);
	assert_int_equal(breaker_of(r), BREAKER_HALF_OPEN);
	assert_true(r->journal.breaker_away);
	assert_int_equal(r->journal.claims, 1); /* of one step, as a claim must be here */
}

/* What the journal kept is of the last process: later news do not bring it back. */
static void test_only_the_first_news_tell_of_the_last_process(void **state)
{
	struct rig *r = *state;
	struct target_news first = state_news(false, false);
	tell(r, NULL, &first);
	struct target_news later = state_news(false, true);
	tell(r, NULL, &later);
	assert_int_equal(breaker_of(r), BREAKER_CLOSED);
}

/* A held target whose only step is not due yet: the loop sleeps until it is, instead of asking all the time. */
static void test_a_probe_waits_for_a_step_that_is_due(void **state)
{
	struct rig *r = *state;
	struct target_news news = held_news(1);
	news.next_due_ms = T0 + 2 * TARGET_PROBE_MS;
	tell(r, NULL, &news);
	assert_int_equal(engine_next_ms(r->engine), 2 * TARGET_PROBE_MS);
	wait_ms(r, TARGET_PROBE_MS);
	assert_int_equal(engine_next_ms(r->engine), TARGET_PROBE_MS);
	wait_ms(r, TARGET_PROBE_MS);
	assert_int_equal(r->journal.claims, 1);
}

/* A start may be the mended configuration; after a probe that was denied the interval counts. */
static void test_a_held_target_is_asked_at_start_then_by_its_interval(void **state)
{
	struct rig *r = *state;
	r->config.probe_ms = 1500;
	reload(r, 0);
	struct target_news news = held_news(1);
	tell(r, NULL, &news);
	assert_int_equal(r->journal.claims, 1);
	tell(r, NULL, &(struct target_news){ .target = 1, .claim_done = true, .backlog = 1 });
	wait_ms(r, 1499);
	assert_int_equal(r->journal.claims, 1);
	wait_ms(r, 1);
	assert_int_equal(r->journal.claims, 2);
}

/* What waits after a hold or a pause begins at the foot of the ramp, after a moment that is not the same for all. */
static void check_release(struct rig *r, void (*bar)(struct rig *r, bool bar))
{
	r->config.in_flight = 16;
	reload(r, 0);
	tell(r, NULL, &(struct target_news){ .target = 1, .backlog = 2000 });
	assert_int_equal(r->journal.claims, 1);
	assert_int_equal(r->journal.claimed, WINDOW_FOOT);
	bar(r, true);
	tell(r, NULL, &(struct target_news){ .target = 1, .claim_done = true, .backlog = 2000 });
	wait_ms(r, 3600000);
	assert_int_equal(r->journal.claims, 1);
	bar(r, false);
	assert_int_equal(r->journal.claims, 1);
	int64_t next_ms = engine_next_ms(r->engine);
	assert_int_equal(next_ms, ENGINE_RELEASE_MS - 1);
	wait_ms(r, next_ms);
	assert_int_equal(r->journal.claims, 2);
	assert_int_equal(r->journal.claimed, WINDOW_FOOT);
}

static void by_a_person(struct rig *r, bool bar)
{
	struct target_news news = { .target = 1, .backlog = 2000, .state_changed = true, .state.paused = bar };
	tell(r, NULL, &news);
}

static void by_the_configuration(struct rig *r, bool bar)
{
	r->config.paused = bar;
	r->config.digest[0] ^= 1;
	reload(r, 1);
}

static void test_a_pause_by_a_person_ends_at_the_foot_of_the_ramp(void **state)
{
	check_release(*state, by_a_person);
}

static void test_a_pause_by_the_configuration_ends_at_the_foot_of_the_ramp(void **state)
{
	check_release(*state, by_the_configuration);
}

/* ---- the end ---- */

static void test_a_journal_that_does_not_answer_is_not_waited_for(void **state)
{
	struct rig *r = *state;
	tell(r, NULL, &one_waits); /* the claim is never answered */
	assert_int_equal(r->journal.claims, 1);
	engine_drain(r->engine, 1000);
	engine_tick(r->engine);
	for (int turns = 0; !engine_idle(r->engine); turns++) {
		int64_t next_ms = engine_next_ms(r->engine);
		assert_in_range(next_ms, 1, 60000); /* -1: nothing would wake the loop any more */
		assert_true(turns < 10);
		wait_ms(r, next_ms);
	}
	assert_int_equal(r->now_ms, T0 + 1000 + 2000);
	/* the slot comes back, or the gates would count it for ever */
	tell(r, NULL, &(struct target_news){ .target = 1, .claim_done = true });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_reload_that_changed_nothing_keeps_the_hold, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_another_step_that_is_gone_does_not_take_the_probe_along, set_up,
										tear_down),
		cmocka_unit_test_setup_teardown(test_a_probe_that_is_gone_was_no_probe, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_release_begins_after_a_random_moment, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_pause_taken_out_of_the_settings_is_a_release, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_breaker_left_open_is_asked_first, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_only_the_first_news_tell_of_the_last_process, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_probe_waits_for_a_step_that_is_due, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_held_target_is_asked_at_start_then_by_its_interval, set_up,
										tear_down),
		cmocka_unit_test_setup_teardown(test_a_pause_by_a_person_ends_at_the_foot_of_the_ramp, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_a_pause_by_the_configuration_ends_at_the_foot_of_the_ramp, set_up,
										tear_down),
		cmocka_unit_test_setup_teardown(test_a_journal_that_does_not_answer_is_not_waited_for, set_up,
										tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
