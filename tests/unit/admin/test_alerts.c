/* Alerts: raised once, listed while they are active, and ended only when the cause has been absent for a
 * while. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/alerts/alerts.h"
#include "saga/base/buf.h"
#include "saga/base/mem.h"

#define WALL_MS 1700000000000

struct alerts_fixture {
	struct alerts *alerts;
	struct config_alerts policy;
	int64_t now_ms;
	struct buf
		changes; /* "+name subject " for an alert that was raised, "-name subject " for one that ended */
};

static void on_changed(void *ctx, bool raised, const struct alert *alert)
{
	struct alerts_fixture *p = ctx;
	buf_printf(&p->changes, "%c%s %s ", raised ? '+' : '-', alert->name, alert->subject);
}

static int setup(void **state)
{
	struct alerts_fixture *p = mem_zalloc(sizeof *p);
	p->policy = (struct config_alerts){ .unverified = 8,
										.turned_away = 20,
										.window_ms = 60000,
										.quarantined = 1,
										.attention = 3,
										.breaker_open_ms = 30000 };
	p->now_ms = 1000000;
	p->alerts = alerts_create(p, on_changed);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct alerts_fixture *p = *state;
	alerts_destroy(p->alerts);
	buf_free(&p->changes);
	free(p);
	return 0;
}

static void evaluate_after(struct alerts_fixture *p, int64_t after_ms)
{
	p->now_ms += after_ms;
	alerts_update(p->alerts, &p->policy, p->now_ms, WALL_MS + p->now_ms);
}

static void expect_changes(struct alerts_fixture *p, const char *wanted)
{
	assert_string_equal(p->changes.data != NULL ? p->changes.data : "", wanted);
	buf_clear(&p->changes);
}

/* Evaluates once a second for `seconds`, while the counter is at `total`. */
static void evaluate(struct alerts_fixture *p, uint64_t total, int seconds)
{
	for (int i = 0; i < seconds; i++) {
		alerts_counter(p->alerts, ALERT_UNVERIFIED, "forms", total, &p->policy, p->now_ms + 1000);
		evaluate_after(p, 1000);
	}
}

static void level(struct alerts_fixture *p, enum alert_kind kind, int64_t value, int64_t after_ms)
{
	alerts_level(p->alerts, kind, "crm", value);
	evaluate_after(p, after_ms);
}

static void a_rate_is_raised_and_ends(void **state)
{
	struct alerts_fixture *p = *state;
	evaluate(p, 7, 5);
	expect_changes(p, "");
	evaluate(p, 8, 40);
	expect_changes(p, "+unverified forms ");
	evaluate(
		p, 8,
		19); /* seven requests leave the window and one stays, which is less than a quarter; then 5 s pass */
	expect_changes(p, "");
	evaluate(p, 8, 15);
	expect_changes(p, "-unverified forms ");
	evaluate(p, 8, 100);
	expect_changes(p, "");
}

/* Many requests, but slowly: the window never holds enough of them. */
static void a_trickle_is_no_alert(void **state)
{
	struct alerts_fixture *p = *state;
	for (uint64_t i = 1; i <= 50; i++)
		evaluate(p, i, 10);
	expect_changes(p, "");
}

/* A rate that stays near the threshold is one alert, not many. */
static void a_rate_about_its_threshold_is_one_alert(void **state)
{
	struct alerts_fixture *p = *state;
	uint64_t total = 8;
	evaluate(p, total, 1);
	expect_changes(p, "+unverified forms ");
	for (int i = 0; i < 60; i++)
		evaluate(p, total += 1, i % 2 == 0 ? 6 : 10);
	expect_changes(p, "");
}

static void a_level_ends_when_absent_long_enough(void **state)
{
	struct alerts_fixture *p = *state;
	level(p, ALERT_CREDENTIALS, 1, 1000);
	expect_changes(p, "+credentials crm ");
	for (int i = 0; i < 20; i++) /* absent for 4 s, then present again */
		level(p, ALERT_CREDENTIALS, i % 5 == 0, 1000);
	expect_changes(p, "");
	for (int i = 0; i < 6; i++)
		level(p, ALERT_CREDENTIALS, 0, 1000);
	expect_changes(p, "-credentials crm ");
}

static void a_threshold_and_a_time_are_waited_for(void **state)
{
	struct alerts_fixture *p = *state;
	level(p, ALERT_ATTENTION, 2, 1000);
	expect_changes(p, "");
	level(p, ALERT_ATTENTION, 3, 1000);
	expect_changes(p, "+attention crm ");
	level(p, ALERT_BREAKER_OPEN, 1, 1000);
	level(p, ALERT_BREAKER_OPEN, 1, 29000);
	level(p, ALERT_BREAKER_OPEN, 0, 900); /* the breaker was closed in between */
	buf_clear(&p->changes);
	level(p, ALERT_BREAKER_OPEN, 1, 1000);
	level(p, ALERT_BREAKER_OPEN, 1, 29900);
	expect_changes(p, "");
	level(p, ALERT_BREAKER_OPEN, 1, 100);
	expect_changes(p, "+breaker_open crm ");
}

static void zero_is_never(void **state)
{
	struct alerts_fixture *p = *state;
	p->policy.attention = 0;
	p->policy.unverified = 0;
	level(p, ALERT_ATTENTION, 1000, 1000);
	evaluate(p, 1000, 3);
	expect_changes(p, "");
}

/* An active alert ends when its threshold is set to "never". */
static void a_new_policy_ends_it(void **state)
{
	struct alerts_fixture *p = *state;
	level(p, ALERT_ATTENTION, 5, 1000);
	expect_changes(p, "+attention crm ");
	p->policy.attention = 0;
	level(p, ALERT_ATTENTION, 5, 1000);
	level(p, ALERT_ATTENTION, 5, 6000);
	expect_changes(p, "-attention crm ");
}

/* A fault whose saga was undone at once is seen in the counter only; a fault that stays open ends the alert
 * when it is settled. */
static void a_fault_counts_though_nothing_is_open(void **state)
{
	struct alerts_fixture *p = *state;
	alerts_counter(p->alerts, ALERT_FAULT, "crm", 1, &p->policy, p->now_ms);
	evaluate_after(p, 1000);
	expect_changes(p, "+fault crm ");
	for (int i = 0; i < 70; i++) {
		alerts_counter(p->alerts, ALERT_FAULT, "crm", 1, &p->policy, p->now_ms);
		evaluate_after(p, 1000);
	}
	expect_changes(p, "-fault crm ");
	alerts_counter(p->alerts, ALERT_FAULT, "crm", 2, &p->policy, p->now_ms);
	level(p, ALERT_FAULT, 1, 1000);
	expect_changes(p, "+fault crm ");
	level(p, ALERT_FAULT, 0, 1000);
	level(p, ALERT_FAULT, 0, 5000);
	expect_changes(p, "-fault crm ");
}

static void count_each(void *ctx, const struct alert *alert)
{
	struct buf *out = ctx;
	buf_printf(out, "%s %s %lld %s\n", alert->name, alert->subject, (long long)alert->since_ms, alert->text);
}

static void texts_say_how_many_and_of_what(void **state)
{
	struct alerts_fixture *p = *state;
	struct buf AUTO_BUF out = { 0 };
	evaluate(p, 9, 1);
	level(p, ALERT_IN_DOUBT, 4, 1000);
	level(p, ALERT_IN_DOUBT, 5, 1000);
	alerts_each(p->alerts, &out, count_each);
	assert_non_null(strstr(out.data, "unverified forms 1700001001000 9 request(s) within 1 min"));
	assert_non_null(strstr(out.data, "sources.forms.secrets"));
	assert_non_null(strstr(out.data, "\nin_doubt crm 1700001002000 5 step(s) may"));
	assert_null(strchr(out.data, '{'));
}

/* The text of a raised alert is written anew in each round. */
static void a_raised_alert_shows_the_current_number(void **state)
{
	struct alerts_fixture *p = *state;
	struct buf text AUTO_BUF = { 0 };
	level(p, ALERT_UNDO_FAILED, 1, 0);
	alerts_each(p->alerts, &text, count_each);
	assert_non_null(strstr(text.data, "1 undo(s) failed, so"));
	level(p, ALERT_UNDO_FAILED, 2, 0);
	buf_clear(&text);
	alerts_each(p->alerts, &text, count_each);
	assert_non_null(strstr(text.data, "2 undo(s) failed, so"));
}

/* Every kind of alert has a name and a text. */
static void every_kind_is_in_the_table(void **state)
{
	struct alerts_fixture *p = *state;
	struct buf AUTO_BUF out = { 0 };
	p->policy.breaker_open_ms = 0;
	for (int kind = 0; kind < ALERT_KINDS; kind++)
		alerts_level(p->alerts, (enum alert_kind)kind, "crm", 1000);
	evaluate_after(p, 1000);
	alerts_each(p->alerts, &out, count_each);
	size_t lines = 0;
	for (const char *at = out.data; (at = strchr(at, '\n')) != NULL; at++)
		lines++;
	assert_int_equal(lines, ALERT_KINDS);
	assert_string_equal(alert_kind_name(ALERT_KINDS), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_rate_is_raised_and_ends, setup, teardown),
		cmocka_unit_test_setup_teardown(a_trickle_is_no_alert, setup, teardown),
		cmocka_unit_test_setup_teardown(a_rate_about_its_threshold_is_one_alert, setup, teardown),
		cmocka_unit_test_setup_teardown(a_level_ends_when_absent_long_enough, setup, teardown),
		cmocka_unit_test_setup_teardown(a_threshold_and_a_time_are_waited_for, setup, teardown),
		cmocka_unit_test_setup_teardown(zero_is_never, setup, teardown),
		cmocka_unit_test_setup_teardown(a_new_policy_ends_it, setup, teardown),
		cmocka_unit_test_setup_teardown(a_fault_counts_though_nothing_is_open, setup, teardown),
		cmocka_unit_test_setup_teardown(texts_say_how_many_and_of_what, setup, teardown),
		cmocka_unit_test_setup_teardown(a_raised_alert_shows_the_current_number, setup, teardown),
		cmocka_unit_test_setup_teardown(every_kind_is_in_the_table, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
