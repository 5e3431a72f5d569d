/* Rate limit, ramp, replies 403, the streak of rejections, the digest of requests, and the buckets of the
 * status. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "gateway/engine/concurrency.h"
#include "gateway/engine/forbidden.h"
#include "gateway/engine/rate.h"
#include "gateway/engine/request.h"
#include "gateway/engine/status.h"
#include "gateway/engine/streak.h"

#define T0 ((int64_t)1700000000000)

/* ---- rate ---- */

static void test_no_limit(void **state)
{
	(void)state;
	struct rate r = { 0 };
	struct rate_policy none = { 0 };
	rate_take(&r, &none, T0, 1000000);
	assert_int_equal(rate_available(&r, &none, T0), UINT32_MAX);
	assert_int_equal(rate_next_ms(&r, &none, T0), T0);
}

static void test_tokens_come_evenly(void **state)
{
	(void)state;
	struct rate r = { 0 };
	struct rate_policy fifty = { .count = 50, .per_ms = 1000 };
	assert_int_equal(rate_available(&r, &fifty, T0), 5);
	rate_take(&r, &fifty, T0, 5);
	assert_int_equal(rate_available(&r, &fifty, T0), 0);
	assert_int_equal(rate_next_ms(&r, &fifty, T0), T0 + 20);
	assert_int_equal(rate_available(&r, &fifty, T0 + 19), 0);
	assert_int_equal(rate_available(&r, &fifty, T0 + 20), 1);
	assert_int_equal(rate_available(&r, &fifty, T0 + 1000000), 5); /* at most a tenth of `count` */
}

static void test_never_more_than_promised(void **state)
{
	(void)state;
	struct rate r = { 0 };
	struct rate_policy slow = { .count = 7, .per_ms = 60000 };
	uint32_t taken = 0;
	for (int64_t now = T0; now < T0 + 60000; now += 50) {
		uint32_t n = rate_available(&r, &slow, now);
		rate_take(&r, &slow, now, n);
		taken += n;
	}
	assert_in_range(taken, 7, 8);
}

static void test_debt_and_what_comes_back(void **state)
{
	(void)state;
	struct rate r = { 0 };
	struct rate_policy ten = { .count = 10, .per_ms = 1000 };
	rate_take(&r, &ten, T0, 4); /* three more than were available */
	assert_int_equal(rate_available(&r, &ten, T0 + 300), 0);
	assert_int_equal(rate_next_ms(&r, &ten, T0), T0 + 400);
	rate_give_back(&r, &ten, 3);
	assert_int_equal(rate_next_ms(&r, &ten, T0), T0 + 100);
}

static void test_absurd_spans_do_not_overflow(void **state)
{
	(void)state;
	struct rate r = { 0 };
	struct rate_policy slow = { .count = 1, .per_ms = INT64_MAX };
	rate_take(&r, &slow, T0, 1000);
	assert_true(rate_next_ms(&r, &slow, T0) > T0);
	struct rate_policy fast = { .count = UINT32_MAX, .per_ms = 0 };
	assert_true(rate_available(&(struct rate){ 0 }, &fast, T0) > 0);
}

/* ---- window ---- */

static void test_the_ramp_starts_at_its_lowest(void **state)
{
	(void)state;
	struct concurrency w;
	concurrency_init(&w);
	assert_int_equal(concurrency_limit(&w, 16), CONCURRENCY_START);
	assert_int_equal(concurrency_limit(&w, 1), 1);
	for (int i = 0; i < 1000; i++)
		concurrency_grow(&w, 16);
	assert_int_equal(concurrency_limit(&w, 16), 16);
}

static void test_one_more_a_round(void **state)
{
	(void)state;
	struct concurrency w;
	concurrency_init(&w);
	for (unsigned round = 0; round < 5; round++) {
		uint32_t in_flight = concurrency_limit(&w, 100);
		for (uint32_t i = 0; i < in_flight + 1; i++)
			concurrency_grow(&w, 100);
		assert_in_range(concurrency_limit(&w, 100), in_flight + 1, in_flight + 2);
	}
}

static void test_busy_halves_once_a_second(void **state)
{
	(void)state;
	struct concurrency w;
	concurrency_init(&w);
	for (int i = 0; i < 1000; i++)
		concurrency_grow(&w, 16);
	for (int i = 0; i < 16; i++)
		concurrency_shrink(&w, T0, 0);
	assert_int_equal(concurrency_limit(&w, 16), 8);
	concurrency_shrink(&w, T0 + 1000, 0);
	assert_int_equal(concurrency_limit(&w, 16), 4);
	assert_true(w.backoff_until_ms <= T0 + 1000);
}

static void test_busy_with_one_in_flight_waits_longer_each_time(void **state)
{
	(void)state;
	struct concurrency w;
	concurrency_init(&w);
	w.limit = 1;
	int64_t last = 0;
	for (int i = 0; i < 10; i++) {
		int64_t now = T0 + i * 100000;
		concurrency_shrink(&w, now, 0);
		assert_true(w.backoff_until_ms - now >= last);
		last = w.backoff_until_ms - now;
	}
	assert_int_equal(last, 5000);
	concurrency_grow(&w, 16);
	concurrency_shrink(&w, T0 + 5000000, 0);
	assert_true(w.backoff_until_ms - (T0 + 5000000) <= 100);
}

static void test_retry_after_is_kept_and_capped(void **state)
{
	(void)state;
	struct concurrency w;
	concurrency_init(&w);
	concurrency_shrink(&w, T0, 3000);
	assert_int_equal(w.backoff_until_ms, T0 + 3000);
	concurrency_shrink(&w, T0 + 1, 1000); /* a shorter Retry-After does not shorten the wait */
	assert_int_equal(w.backoff_until_ms, T0 + 3000);
	concurrency_shrink(&w, T0, 86400000);
	assert_int_equal(w.backoff_until_ms, T0 + CONCURRENCY_BACKOFF_CAP_MS);
}

/* 2,000 steps of 100 ms each: the attempts in flight grow by about one in each round, up to the limit. */
static void test_two_thousand_come_back_along_the_ramp(void **state)
{
	(void)state;
	const uint32_t in_flight = 64;
	struct concurrency w = { .limit = 64 };
	uint32_t left = 2000, before = 0, rounds = 0;
	concurrency_restart(&w, T0 + 300);
	assert_int_equal(w.backoff_until_ms, T0 + 300);
	while (left > 0) {
		uint32_t sent = concurrency_limit(&w, in_flight) < left ? concurrency_limit(&w, in_flight) : left;
		assert_true(rounds == 0 ? sent == CONCURRENCY_START : sent <= before + 1);
		for (uint32_t i = 0; i < sent; i++)
			concurrency_grow(&w, in_flight);
		left -= sent;
		before = sent;
		rounds++;
	}
	assert_in_range(rounds, 50, 100); /* 2 + 3 + … + 62 is 1,952 */
}

static void test_a_release_keeps_what_the_target_asked_for(void **state)
{
	(void)state;
	struct concurrency w;
	concurrency_init(&w);
	concurrency_shrink(&w, T0, 30000);
	concurrency_restart(&w, T0 + 300);
	assert_int_equal(w.backoff_until_ms, T0 + 30000);
}

/* ---- forbidden ---- */

static void test_two_steps_forbidden_are_credentials(void **state)
{
	(void)state;
	struct forbidden f = { 0 };
	assert_int_equal(forbidden_seen(&f, 1, 0, false), FORBIDDEN_WAIT);
	assert_int_equal(forbidden_seen(&f, 2, 0, false), FORBIDDEN_DENIED);
	assert_int_equal(forbidden_seen(&f, 3, 0, true),
					 FORBIDDEN_DENIED); /* was in flight with the two others */
	forbidden_reset(&f);                /* the settings were changed */
	assert_int_equal(forbidden_seen(&f, 1, 0, false), FORBIDDEN_WAIT);
}

/* The target was held for two 403s that were about the messages: after an accepted probe these steps do
 * not hold the target again. */
static void test_a_probe_that_is_taken_clears_those_that_held_the_target(void **state)
{
	(void)state;
	struct forbidden f = { 0 };
	assert_int_equal(forbidden_seen(&f, 1, 0, false), FORBIDDEN_WAIT);
	assert_int_equal(forbidden_seen(&f, 2, 0, false), FORBIDDEN_DENIED);
	assert_int_equal(forbidden_seen(&f, 1, 0, true), FORBIDDEN_DENIED); /* sent as a probe */
	forbidden_answered(&f, 3, 0, true);
	forbidden_reset(&f);
	assert_int_equal(forbidden_seen(&f, 1, 0, false), FORBIDDEN_REJECTED);
	assert_int_equal(forbidden_seen(&f, 2, 0, false), FORBIDDEN_REJECTED);
	assert_int_equal(f.count, 0);
}

static void test_a_step_that_another_one_cleared_is_rejected(void **state)
{
	(void)state;
	struct forbidden f = { 0 };
	assert_int_equal(forbidden_seen(&f, 1, 0, false), FORBIDDEN_WAIT);
	forbidden_answered(&f, 2, 0, true);
	assert_int_equal(forbidden_seen(&f, 3, 0, false),
					 FORBIDDEN_WAIT); /* the first suspect no longer counts */
	assert_int_equal(forbidden_seen(&f, 1, 0, false), FORBIDDEN_REJECTED);
}

static void test_no_other_step_to_try(void **state)
{
	(void)state;
	struct forbidden f = { 0 };
	assert_int_equal(forbidden_seen(&f, 1, 4, false), FORBIDDEN_WAIT);
	forbidden_answered(&f, 2, 0, false); /* a time-out says nothing about credentials */
	assert_int_equal(forbidden_seen(&f, 1, 4, false), FORBIDDEN_REJECTED);
	assert_int_equal(forbidden_seen(&f, 2, 4, false),
					 FORBIDDEN_DENIED); /* even an hour later: no step was accepted since */
}

static void test_another_step_of_the_same_saga_is_another_step(void **state)
{
	(void)state;
	struct forbidden f = { 0 };
	assert_int_equal(forbidden_seen(&f, 1, 0, false), FORBIDDEN_WAIT);
	assert_int_equal(forbidden_seen(&f, 1, 1, false), FORBIDDEN_DENIED);
}

static void test_many_suspects_push_out_the_oldest(void **state)
{
	(void)state;
	struct forbidden f = { 0 };
	for (int64_t saga = 1; saga <= FORBIDDEN_SUSPECTS + 1; saga++) {
		assert_int_equal(forbidden_seen(&f, saga, 0, false), FORBIDDEN_WAIT);
		forbidden_answered(&f, 1000, 0, true);
	}
	assert_int_equal(f.count, FORBIDDEN_SUSPECTS);
	assert_int_equal(forbidden_seen(&f, 1, 0, false), FORBIDDEN_WAIT);
	assert_int_equal(forbidden_seen(&f, FORBIDDEN_SUSPECTS, 0, false), FORBIDDEN_REJECTED);
}

static void test_the_streak_counts_different_events(void **state)
{
	(void)state;
	struct streak s = { 0 };
	for (int64_t i = 1; i < STREAK_LIMIT; i++) {
		assert_false(streak_rejected(&s, i));
		assert_false(streak_rejected(&s, i)); /* a saga that was counted already */
	}
	streak_clear(&s);
	for (int64_t i = 1; i < STREAK_LIMIT; i++)
		assert_false(streak_rejected(&s, i));
	assert_true(streak_rejected(&s, STREAK_LIMIT));
	assert_false(streak_rejected(&s, STREAK_LIMIT + 1));
}

/* ---- request digest ---- */

static struct almoner_text text(const char *p)
{
	return (struct almoner_text){ p, strlen(p) };
}

static void digest_http(const char *method, const char *url, const char *body, uint8_t out[16])
{
	struct almoner_action a = { .kind = ALMONER_SEND_HTTP };
	a.http.method = text(method);
	a.http.url = text(url);
	if (body != NULL)
		a.http.body = text(body);
	request_digest(&a, out);
}

static bool http_changed(const char *url1, const char *body1, const char *url2, const char *body2)
{
	uint8_t one[16], two[16];
	digest_http("POST", url1, body1, one);
	digest_http("POST", url2, body2, two);
	return request_changed(one, two);
}

static void test_a_changed_body_is_seen(void **state)
{
	(void)state;
	assert_false(http_changed("http://h/a", "x", "http://h/a", "x"));
	assert_true(http_changed("http://h/a", "x", "http://h/a", "y"));
	assert_true(http_changed("http://h/a", "x", "http://h/a", NULL));
	assert_true(http_changed("http://h/a?q=1", "x", "http://h/a?q=2", "x"));
	assert_true(http_changed("http://h/a?q=1", "x", "http://h/a", "q=1x"));
}

static void test_address_and_other_exchanges_do_not_count(void **state)
{
	(void)state;
	assert_false(http_changed("http://old/a", "x", "https://new:8080/a", "x"));
	assert_false(http_changed("http://h/contact", "x", "http://h/gift", "y"));
	assert_false(http_changed("http://h/a#one", "x", "http://h/a#two", "x"));
	uint8_t post[16], put[16];
	digest_http("POST", "http://h/a", "x", post);
	digest_http("PUT", "http://h/a", "y", put);
	assert_false(request_changed(post, put));
}

static void test_odd_addresses(void **state)
{
	(void)state;
	static const char *const urls[] = { "",  "http://",  "://",        "/",      "?",
										"#", "http://h", "http://h?x", "http:/x" };
	for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
		assert_false(http_changed(urls[i], "x", urls[i], "x"));
		assert_true(http_changed(urls[i], "x", urls[i], "y"));
	}
}

static void test_mails(void **state)
{
	(void)state;
	uint8_t one[16], two[16];
	struct almoner_action a = { .kind = ALMONER_SEND_MAIL };
	a.mail.to = text("a@example.org");
	a.mail.message = text("Subject: 1\r\n\r\nHello");
	a.mail.host = text("old");
	request_digest(&a, one);
	a.mail.host = text("new");
	request_digest(&a, two);
	assert_memory_equal(one, two, 16);
	a.mail.message = text("Subject: 2\r\n\r\nHello");
	request_digest(&a, two);
	assert_true(request_changed(one, two));
}

static void test_latency_buckets_meet_without_gap(void **state)
{
	(void)state;
	static const int64_t first_of_bucket[] = { 0,   2,   3,   4,    6,    11,   21,    31,    51,    101,
											   201, 301, 501, 1001, 2001, 5001, 10001, 30001, 60001, 300001 };
	size_t bucket = 0;
	assert_int_equal(status_bucket_of(-5), 0);
	for (int64_t ms = 0; ms <= 300001; ms++) {
		size_t now = status_bucket_of(ms);
		assert_true(now == bucket || (now == bucket + 1 && ms == first_of_bucket[now]));
		bucket = now;
	}
	assert_int_equal(bucket, STATUS_BUCKETS - 1);
	assert_int_equal(status_bucket_of(INT64_MAX), STATUS_BUCKETS - 1);
}

/* ---- what the target reports ---- */

static const struct rate_policy no_policy;

static void report(struct rate *r, uint32_t limit, uint32_t remaining, int64_t reset_ms, uint32_t under_way,
				   int64_t now_ms)
{
	rate_report(r, &(struct almoner_rate){ limit, remaining, reset_ms }, under_way, 4, now_ms);
}

static void test_reports_limit_the_starts_of_a_window(void **state)
{
	(void)state;
	struct rate r = { 0 };
	assert_false(rate_is_limited(&r, &no_policy));
	report(&r, 100, 10, 0, 0, T0); /* nothing was said */
	assert_int_equal(rate_available(&r, &no_policy, T0), UINT32_MAX);
	report(&r, 100, 10, 5000, 3, T0);
	assert_true(rate_is_limited(&r, &no_policy));
	assert_int_equal(rate_available(&r, &no_policy, T0), 7); /* three are under way */
	rate_take(&r, &no_policy, T0, 7);
	assert_int_equal(rate_available(&r, &no_policy, T0), 0);
	assert_int_equal(rate_next_ms(&r, &no_policy, T0), T0 + 5000);
	rate_give_back(&r, &no_policy, 2);
	assert_int_equal(rate_available(&r, &no_policy, T0 + 4999), 2);
	/* The settings may be stricter. */
	struct rate_policy slow = { .count = 10, .per_ms = 1000 };
	assert_int_equal(rate_available(&r, &slow, T0), 1);
}

/* The window after one that was reported is assumed to be like it; a second one without a report is free. */
static void test_the_next_window_is_assumed_once(void **state)
{
	(void)state;
	struct rate r = { 0 };
	report(&r, 20, 0, 5000, 0, T0);
	assert_int_equal(rate_available(&r, &no_policy, T0 + 5000), 20);
	rate_take(&r, &no_policy, T0 + 5000, 20);
	assert_int_equal(rate_next_ms(&r, &no_policy, T0 + 6000), T0 + 10000);
	assert_int_equal(rate_available(&r, &no_policy, T0 + 10000), UINT32_MAX);
	assert_false(rate_is_limited(&r, &no_policy));
	r = (struct rate){ 0 };
	report(&r, 0, 0, 5000, 0, T0); /* without the size of a window there is nothing to assume */
	assert_int_equal(rate_available(&r, &no_policy, T0 + 5000), UINT32_MAX);
	r = (struct rate){ 0 };
	report(&r, 20, 0, 5000, 0, T0);
	assert_int_equal(rate_available(&r, &no_policy, T0 + 10000), UINT32_MAX); /* idle for a whole window */
}

static void test_older_reports_do_not_count(void **state)
{
	(void)state;
	struct rate r = { 0 };
	report(&r, 100, 3, 5000, 0, T0);
	report(&r, 100, 5, 5000, 0, T0 + 10); /* was sent before, and arrived later */
	assert_int_equal(rate_available(&r, &no_policy, T0 + 10), 3);
	report(&r, 100, 2, 5000, 0, T0 + 20);
	assert_int_equal(rate_available(&r, &no_policy, T0 + 20), 2);
	report(&r, 100, 99, 5000, 0,
		   T0 + 30); /* four attempts at most explain no difference of 97: a new window */
	assert_int_equal(rate_available(&r, &no_policy, T0 + 30), 99);
	report(&r, 100, 0, 1000, 0, T0 + 40);
	report(&r, 100, 2, 1000, 0, T0 + 1040); /* the window of the last report is over */
	assert_int_equal(rate_available(&r, &no_policy, T0 + 1040), 2);
}

static void test_an_attempt_of_several_requests_needs_as_many(void **state)
{
	(void)state;
	struct rate r = { 0 };
	rate_attempt_ended(&r, &no_policy, T0, 3);
	rate_attempt_ended(&r, &no_policy, T0, 1);
	report(&r, 100, 11, 5000, 1, T0);
	assert_int_equal(rate_available(&r, &no_policy, T0), 2);
	rate_take(&r, &no_policy, T0, 2);
	assert_int_equal(rate_available(&r, &no_policy, T0), 0);
	/* A window that is smaller than one attempt lets one attempt start. */
	struct rate small = { 0 };
	rate_attempt_ended(&small, &no_policy, T0, 3);
	report(&small, 2, 1, 5000, 0, T0);
	assert_int_equal(rate_available(&small, &no_policy, T0), 0);
	assert_int_equal(rate_available(&small, &no_policy, T0 + 5000), 1);
}

static void test_a_report_counts_for_a_quarter_of_an_hour_at_most(void **state)
{
	(void)state;
	struct rate r = { 0 };
	report(&r, 0, 0, INT64_MAX, 0, T0);
	assert_int_equal(rate_next_ms(&r, &no_policy, T0), T0 + RATE_WINDOW_CAP_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_limit),
		cmocka_unit_test(test_tokens_come_evenly),
		cmocka_unit_test(test_never_more_than_promised),
		cmocka_unit_test(test_debt_and_what_comes_back),
		cmocka_unit_test(test_absurd_spans_do_not_overflow),
		cmocka_unit_test(test_reports_limit_the_starts_of_a_window),
		cmocka_unit_test(test_the_next_window_is_assumed_once),
		cmocka_unit_test(test_older_reports_do_not_count),
		cmocka_unit_test(test_an_attempt_of_several_requests_needs_as_many),
		cmocka_unit_test(test_a_report_counts_for_a_quarter_of_an_hour_at_most),
		cmocka_unit_test(test_the_ramp_starts_at_its_lowest),
		cmocka_unit_test(test_one_more_a_round),
		cmocka_unit_test(test_busy_halves_once_a_second),
		cmocka_unit_test(test_busy_with_one_in_flight_waits_longer_each_time),
		cmocka_unit_test(test_retry_after_is_kept_and_capped),
		cmocka_unit_test(test_two_thousand_come_back_along_the_ramp),
		cmocka_unit_test(test_a_release_keeps_what_the_target_asked_for),
		cmocka_unit_test(test_two_steps_forbidden_are_credentials),
		cmocka_unit_test(test_a_probe_that_is_taken_clears_those_that_held_the_target),
		cmocka_unit_test(test_a_step_that_another_one_cleared_is_rejected),
		cmocka_unit_test(test_no_other_step_to_try),
		cmocka_unit_test(test_another_step_of_the_same_saga_is_another_step),
		cmocka_unit_test(test_many_suspects_push_out_the_oldest),
		cmocka_unit_test(test_the_streak_counts_different_events),
		cmocka_unit_test(test_a_changed_body_is_seen),
		cmocka_unit_test(test_address_and_other_exchanges_do_not_count),
		cmocka_unit_test(test_odd_addresses),
		cmocka_unit_test(test_mails),
		cmocka_unit_test(test_latency_buckets_meet_without_gap),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
