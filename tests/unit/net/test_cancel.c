/* Exchanges that are cancelled, and how time passes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "saga/base/mem.h"
#include "tests/unit/net/net_fixture.h"

#define TEXT(literal) ((struct almoner_text){ .p = (literal), .len = sizeof(literal) - 1 })

static struct net net;

static int setup(void **state)
{
	(void)state;
	net_open(&net);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	net_close(&net);
	return 0;
}

/* --- cancelling ---------------------------------------------------------------------------------- */

static void a_cancelled_exchange_is_never_heard_of_again(void **state)
{
	(void)state;
	AUTO_FREE char *hanging_url = sink_url(net.sink, "/hang");
	AUTO_FREE char *quick_url = sink_url(net.sink, "/quick");
	const struct almoner_http hanging = { TEXT("POST"), net_text(hanging_url), NULL, 0, TEXT("x") };
	const struct almoner_http quick = { TEXT("POST"), net_text(quick_url), NULL, 0, TEXT("x") };
	const struct almoner_http refused = { TEXT("POST"), TEXT("gopher://x/"), NULL, 0, TEXT("x") };
	sink_control_set(net.sink, "/hang", "{\"mode\":\"hang\"}");
	struct outcome a = { 0 };
	struct outcome b = { 0 };
	struct outcome c = { 0 };
	struct outcome d = { 0 };
	void *on_the_wire = net_submit_http(&net, &hanging, net_limits(400), &a);
	net_run_ms(&net, 50);
	void *not_yet_sent = net_submit_http(&net, &quick, net_limits(5000), &b);
	void *refused_one = net_submit_http(&net, &refused, net_limits(5000), &c);
	net.port.cancel(net.port.ctx, on_the_wire);
	net.port.cancel(net.port.ctx, not_yet_sent);
	net.port.cancel(net.port.ctx, refused_one);
	assert_int_equal(transfer_in_flight(net.transfer), 0);
	net_submit_http(&net, &quick, net_limits(5000), &d);
	net_run_until(&net, &d.calls, 1);
	net_run_ms(&net, 450);
	assert_int_equal(a.calls + b.calls + c.calls, 0);
	assert_int_equal(d.verdict, TRANSPORT_REPLY);
	outcome_free(&d);
}

struct canceller {
	void *self;
	struct canceller *other;
	unsigned *calls;
};

static void cancel_the_other(void *ctx, const struct transport_result *result)
{
	struct canceller *c = ctx;
	assert_int_equal(result->verdict, TRANSPORT_REPLY);
	++*c->calls;
	net.port.cancel(net.port.ctx, c->other->self);
}

/* Both replies are there in the same turn: once the first is told, the second must not be any more. */
static void done_may_cancel_another(void **state)
{
	(void)state;
	AUTO_FREE char *url = sink_url(net.sink, "/two");
	const struct almoner_http http = { TEXT("POST"), net_text(url), NULL, 0, TEXT("x") };
	unsigned calls = 0;
	struct canceller two[2] = { { .other = &two[1], .calls = &calls },
								{ .other = &two[0], .calls = &calls } };
	for (size_t i = 0; i < 2; i++) {
		const struct transport_request request = { .target = 9,
												   .kind = ALMONER_SEND_HTTP,
												   .http = &http,
												   .limits = net_limits(5000),
												   .ctx = &two[i],
												   .done = cancel_the_other };
		two[i].self = net.port.submit(net.port.ctx, &request);
	}
	sink_control_set(net.sink, "/two", "{\"status\":200,\"delay_ms\":60}");
	net_run_ms(&net, 30);
	assert_true(sink_wait(net.sink, "/two", "answered", 2, 5000));
	net_run_until(&net, &calls, 1);
	net_run_ms(&net, 100);
	assert_int_equal(calls, 1);
	assert_int_equal(transfer_in_flight(net.transfer), 0);
}

static void destroying_ends_everything_silently(void **state)
{
	(void)state;
	struct net mine;
	struct outcome outcomes[5] = { 0 };
	net_open(&mine);
	sink_control_set(mine.sink, "/hang", "{\"mode\":\"hang\"}");
	AUTO_FREE char *url = sink_url(mine.sink, "/hang");
	const struct almoner_http http = { TEXT("POST"), net_text(url), NULL, 0, TEXT("x") };
	const struct almoner_http refused = { TEXT("POST"), TEXT("x"), NULL, 0, TEXT("x") };
	for (size_t i = 0; i < 3; i++)
		net_submit_http(&mine, &http, net_limits(5000), &outcomes[i]);
	assert_true(net_run_ms(&mine, 60) > 0);
	net_submit_http(&mine, &http, net_limits(5000), &outcomes[3]);
	net_submit_http(&mine, &refused, net_limits(5000), &outcomes[4]);
	assert_int_equal(transfer_in_flight(mine.transfer), 5);
	net_close(&mine);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(outcomes[i].calls, 0);
}

static void a_forgotten_target_starts_anew(void **state)
{
	(void)state;
	transfer_forget_target(net.transfer, 1);
	transfer_forget_target(net.transfer, 12345);
	struct outcome o = net_post(&net, "/anew", "x", net_limits(5000));
	assert_int_equal(o.verdict, TRANSPORT_REPLY);
	outcome_free(&o);
}

/* --- time ---------------------------------------------------------------------------------------- */

static void short_time_outs_are_kept_without_spinning(void **state)
{
	(void)state;
	sink_control_set(net.sink, "/hang", "{\"mode\":\"hang\"}");
	uint64_t before = loop_turns(net.loop);
	struct outcome o = net_post(&net, "/hang", "x", net_limits(350));
	uint64_t turns = loop_turns(net.loop) - before;
	assert_int_equal(o.verdict, TRANSPORT_UNKNOWN);
	assert_in_range(o.duration_ms, 349, 600);
	assert_in_range(turns, 1, 20);
	outcome_free(&o);
}

static void an_idle_loop_with_a_time_out_armed_sleeps(void **state)
{
	(void)state;
	struct outcome o = { 0 };
	AUTO_FREE char *url = sink_url(net.sink, "/hang");
	const struct almoner_http http = { TEXT("POST"), net_text(url), NULL, 0, TEXT("x") };
	sink_control_set(net.sink, "/hang", "{\"mode\":\"hang\"}");
	void *x = net_submit_http(&net, &http, net_limits(60000), &o);
	net_run_ms(&net, 100); /* connect and send */
	assert_in_range(net_run_ms(&net, 500), 2, 5);
	net.port.cancel(net.port.ctx, x);
	net_run_ms(&net, 20);
	assert_in_range(net_run_ms(&net, 300), 2, 3); /* the first turn and the end */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_cancelled_exchange_is_never_heard_of_again, setup, teardown),
		cmocka_unit_test_setup_teardown(done_may_cancel_another, setup, teardown),
		cmocka_unit_test_setup_teardown(destroying_ends_everything_silently, setup, teardown),
		cmocka_unit_test_setup_teardown(a_forgotten_target_starts_anew, setup, teardown),
		cmocka_unit_test_setup_teardown(short_time_outs_are_kept_without_spinning, setup, teardown),
		cmocka_unit_test_setup_teardown(an_idle_loop_with_a_time_out_armed_sleeps, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
