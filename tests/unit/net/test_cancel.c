/* Exchanges that are cancelled, and time-outs. */
#include "tests/unit/net/net_fixture.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "saga/base/mem.h"

/* ---- cancelling ---- */

static void a_cancelled_exchange_is_never_heard_of_again(void **state)
{
	(void)state;
	AUTO_FREE char *hanging_url = sink_client_url(net.sink, "/hang");
	AUTO_FREE char *quick_url = sink_client_url(net.sink, "/quick");
	const struct almoner_http hanging = { TEXT("POST"), fixture_text(hanging_url), NULL, 0, TEXT("x") };
	const struct almoner_http quick = { TEXT("POST"), fixture_text(quick_url), NULL, 0, TEXT("x") };
	const struct almoner_http refused = { TEXT("POST"), TEXT("gopher://x/"), NULL, 0, TEXT("x") };
	sink_client_set(net.sink, "/hang", "{\"mode\":\"hang\"}");
	struct exchange_result a = { 0 };
	struct exchange_result b = { 0 };
	struct exchange_result c = { 0 };
	struct exchange_result d = { 0 };
	void *on_the_wire = fixture_submit_http(&net, &hanging, fixture_limits(400), &a);
	fixture_run_ms(&net, 50);
	void *not_yet_sent = fixture_submit_http(&net, &quick, fixture_limits(5000), &b);
	void *refused_one = fixture_submit_http(&net, &refused, fixture_limits(5000), &c);
	net.port.cancel(net.port.ctx, on_the_wire);
	net.port.cancel(net.port.ctx, not_yet_sent);
	net.port.cancel(net.port.ctx, refused_one);
	assert_int_equal(fixture_in_flight(&net), 0);
	fixture_submit_http(&net, &quick, fixture_limits(5000), &d);
	fixture_run_until(&net, &d.calls, 1);
	fixture_run_ms(&net, 450);
	assert_int_equal(a.calls + b.calls + c.calls, 0);
	assert_int_equal(d.verdict, TRANSPORT_REPLY);
	fixture_result_free(&d);
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

/* Both replies arrive in the same turn. The first `done` cancels the second exchange, whose `done` must
 * not be called then. */
static void done_may_cancel_another(void **state)
{
	(void)state;
	AUTO_FREE char *url = sink_client_url(net.sink, "/two");
	const struct almoner_http http = { TEXT("POST"), fixture_text(url), NULL, 0, TEXT("x") };
	unsigned calls = 0;
	struct canceller two[2] = { { .other = &two[1], .calls = &calls },
								{ .other = &two[0], .calls = &calls } };
	for (size_t i = 0; i < 2; i++) {
		const struct transport_request request = { .target = 9,
												   .kind = ALMONER_SEND_HTTP,
												   .http = &http,
												   .limits = fixture_limits(5000),
												   .ctx = &two[i],
												   .done = cancel_the_other };
		two[i].self = net.port.submit(net.port.ctx, &request);
	}
	sink_client_set(net.sink, "/two", "{\"status\":200,\"delay_ms\":60}");
	fixture_run_ms(&net, 30);
	assert_true(sink_client_wait(net.sink, "/two", "answered", 2, 5000));
	fixture_run_until(&net, &calls, 1);
	fixture_run_ms(&net, 100);
	assert_int_equal(calls, 1);
	assert_int_equal(fixture_in_flight(&net), 0);
}

static void destroying_ends_everything_silently(void **state)
{
	(void)state;
	struct net_fixture mine;
	struct exchange_result outcomes[5] = { 0 };
	fixture_open(&mine);
	sink_client_set(mine.sink, "/hang", "{\"mode\":\"hang\"}");
	AUTO_FREE char *url = sink_client_url(mine.sink, "/hang");
	const struct almoner_http http = { TEXT("POST"), fixture_text(url), NULL, 0, TEXT("x") };
	const struct almoner_http refused = { TEXT("POST"), TEXT("x"), NULL, 0, TEXT("x") };
	for (size_t i = 0; i < 3; i++)
		fixture_submit_http(&mine, &http, fixture_limits(5000), &outcomes[i]);
	assert_true(fixture_run_ms(&mine, 60) > 0);
	fixture_submit_http(&mine, &http, fixture_limits(5000), &outcomes[3]);
	fixture_submit_http(&mine, &refused, fixture_limits(5000), &outcomes[4]);
	assert_int_equal(fixture_in_flight(&mine), 5);
	fixture_close(&mine);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(outcomes[i].calls, 0);
}

static void a_forgotten_target_starts_anew(void **state)
{
	(void)state;
	transfer_forget_target(net.transfer, 1);
	transfer_forget_target(net.transfer, 12345);
	struct exchange_result o = fixture_post(&net, "/anew", "x", fixture_limits(5000));
	assert_int_equal(o.verdict, TRANSPORT_REPLY);
	fixture_result_free(&o);
}

/* ---- time ---- */

static void short_time_outs_are_kept_without_spinning(void **state)
{
	(void)state;
	sink_client_set(net.sink, "/hang", "{\"mode\":\"hang\"}");
	uint64_t before = net.turns;
	struct exchange_result o = fixture_post(&net, "/hang", "x", fixture_limits(350));
	uint64_t turns = net.turns - before;
	assert_int_equal(o.verdict, TRANSPORT_UNKNOWN);
	assert_in_range(o.duration_ms, 349, 600);
	assert_in_range(turns, 1, 20);
	fixture_result_free(&o);
}

static void an_idle_loop_with_a_time_out_armed_sleeps(void **state)
{
	(void)state;
	struct exchange_result o = { 0 };
	AUTO_FREE char *url = sink_client_url(net.sink, "/hang");
	const struct almoner_http http = { TEXT("POST"), fixture_text(url), NULL, 0, TEXT("x") };
	sink_client_set(net.sink, "/hang", "{\"mode\":\"hang\"}");
	void *x = fixture_submit_http(&net, &http, fixture_limits(60000), &o);
	fixture_run_ms(&net, 100); /* connect and send */
	assert_in_range(fixture_run_ms(&net, 500), 2, 5);
	net.port.cancel(net.port.ctx, x);
	fixture_run_ms(&net, 20);
	assert_in_range(fixture_run_ms(&net, 300), 2, 3); /* the first turn and the end */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_cancelled_exchange_is_never_heard_of_again, fixture_setup,
										fixture_teardown),
		cmocka_unit_test_setup_teardown(done_may_cancel_another, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(destroying_ends_everything_silently, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(a_forgotten_target_starts_anew, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(short_time_outs_are_kept_without_spinning, fixture_setup,
										fixture_teardown),
		cmocka_unit_test_setup_teardown(an_idle_loop_with_a_time_out_armed_sleeps, fixture_setup,
										fixture_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
