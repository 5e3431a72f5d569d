/* HTTP exchanges against a receiver that misbehaves on request. */
#include "tests/unit/net/net_fixture.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "saga/base/mem.h"

static json_t *entry(const json_t *stats, size_t i)
{
	return json_array_get(json_object_get(stats, "entries"), i);
}

static const char *member(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

/* ---- requests ---- */

static void a_post_carries_what_was_asked_and_nothing_else(void **state)
{
	(void)state;
	AUTO_FREE char *url = sink_client_url(net.sink, "/plain?x=1");
	const struct almoner_header headers[] = { { TEXT("Content-Type"), TEXT("application/json") },
											  { TEXT("Idempotency-Key"), TEXT("k1") },
											  { TEXT("X-Empty"), TEXT("") } };
	const struct almoner_http http = { TEXT("POST"), fixture_text(url), headers, 3, TEXT("{\"a\":1}") };
	struct exchange_result o = fixture_http(&net, &http, fixture_limits(5000));
	assert_int_equal(o.verdict, TRANSPORT_REPLY);
	assert_int_equal(o.status, 200);
	assert_string_equal(o.body, "{\"id\":\"/plain-1\"}");
	fixture_result_free(&o);

	json_t *stats = sink_client_stats(net.sink, "/plain", true);
	json_t *sent = json_object_get(entry(stats, 0), "headers");
	assert_string_equal(member(entry(stats, 0), "method"), "POST");
	assert_string_equal(member(entry(stats, 0), "query"), "x=1");
	assert_string_equal(member(entry(stats, 0), "body"), "{\"a\":1}");
	assert_string_equal(member(sent, "Content-Type"), "application/json");
	assert_string_equal(member(sent, "Idempotency-Key"), "k1");
	assert_string_equal(member(sent, "X-Empty"), "");
	assert_string_equal(member(sent, "Content-Length"), "7");
	assert_ptr_equal(strstr(member(sent, "User-Agent"), "almoner/"), member(sent, "User-Agent"));
	assert_int_equal(json_object_size(sent), 7); /* and Host, Accept */
	json_decref(stats);
}

/* One handle sends all of these requests in turn: no part of one request may appear in the next. */
static void a_handle_forgets_its_last_request(void **state)
{
	(void)state;
	static const struct {
		const char *method;
		const char *body;
		size_t header_count;
		uint32_t status;
	} turns[] = { { "POST", "first", 3, 200 },  { "GET", NULL, 0, 200 },    { "PUT", NULL, 1, 200 },
				  { "DELETE", NULL, 2, 200 },   { "HEAD", NULL, 0, 200 },   { "PATCH", "x", 3, 200 },
				  { "DELETE", "body", 0, 200 }, { "POST", NULL, 0, 200 },   { "GET", NULL, 3, 200 },
				  { "POST", "again", 1, 200 },  { "POST", "other", 1, 200 } };
	const struct almoner_header headers[] = { { TEXT("X-One"), TEXT("1") },
											  { TEXT("Content-Type"), TEXT("text/plain") },
											  { TEXT("X-Three"), TEXT("3") } };
	AUTO_FREE char *url = sink_client_url(net.sink, "/turns");
	for (size_t i = 0; i < sizeof(turns) / sizeof(turns[0]); i++) {
		const struct almoner_http http = { fixture_text(turns[i].method), fixture_text(url), headers,
										   turns[i].header_count, fixture_text(turns[i].body) };
		struct exchange_result o = fixture_http(&net, &http, fixture_limits(5000));
		assert_int_equal(o.verdict, TRANSPORT_REPLY);
		assert_int_equal(o.status, turns[i].status);
		fixture_result_free(&o);
	}
	json_t *stats = sink_client_stats(net.sink, "/turns", true);
	assert_int_equal(json_integer_value(json_object_get(stats, "connections")), 1);
	for (size_t i = 0; i < sizeof(turns) / sizeof(turns[0]); i++) {
		json_t *sent = json_object_get(entry(stats, i), "headers");
		assert_string_equal(member(entry(stats, i), "method"), turns[i].method);
		assert_string_equal(member(entry(stats, i), "body"), turns[i].body != NULL ? turns[i].body : "");
		assert_true((member(sent, "X-One") != NULL) == (turns[i].header_count >= 1));
		assert_true((member(sent, "Content-Type") != NULL) == (turns[i].header_count >= 2));
		assert_true((member(sent, "X-Three") != NULL) == (turns[i].header_count >= 3));
		bool counted = turns[i].body != NULL || turns[i].method[0] == 'P';
		assert_true((member(sent, "Content-Length") != NULL) == counted);
	}
	json_decref(stats);
}

static void a_large_body_goes_out_without_asking_first(void **state)
{
	(void)state;
	size_t len = 3 * 1024 * 1024;
	AUTO_FREE char *body = mem_alloc(len + 1);
	memset(body, 'x', len);
	body[len] = '\0';
	sink_client_set(net.sink, "/large", "{\"no_continue\":true}");
	struct exchange_result o = fixture_post(&net, "/large", body, fixture_limits(10000));
	assert_int_equal(o.verdict, TRANSPORT_REPLY);
	assert_in_range(o.duration_ms, 0, 900); /* libcurl would wait a second for 100 Continue */
	fixture_result_free(&o);
	json_t *stats = sink_client_stats(net.sink, "/large", true);
	assert_null(json_object_get(json_object_get(entry(stats, 0), "headers"), "Expect"));
	assert_int_equal(json_string_length(json_object_get(entry(stats, 0), "body")), len);
	json_decref(stats);
}

static void the_environment_is_ignored(void **state)
{
	(void)state;
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
	struct exchange_result o = fixture_post(&net, "/proxy", "x", fixture_limits(5000));
	unsetenv("http_proxy");
	unsetenv("ALL_PROXY");
	assert_int_equal(o.verdict, TRANSPORT_REPLY);
	fixture_result_free(&o);
}

static void unsendable_requests_are_refused_not_sent(void **state)
{
	(void)state;
	AUTO_FREE char *good = sink_client_url(net.sink, "/refused");
	AUTO_FREE char *spaced = sink_client_url(net.sink, "/re fused");
	AUTO_FREE char *broken = sink_client_url(net.sink, "/refused HTTP/1.1\r\nX: y");
	const struct almoner_text post = TEXT("POST");
	const struct almoner_text body = TEXT("x");
	const struct almoner_header bad_value[] = { { TEXT("X-A"), TEXT("a\r\nX-Evil: 1") } };
	const struct almoner_header bad_name[] = { { TEXT("X-A: b\r\nX"), TEXT("a") } };
	const struct almoner_header reserved[] = { { TEXT("content-length"), TEXT("1") } };
	const struct almoner_header chunked[] = { { TEXT("Transfer-Encoding"), TEXT("chunked") } };
	const struct almoner_header nul[] = { { TEXT("X-A"), TEXT("a\0b") } };
	struct almoner_header many[80];
	for (size_t i = 0; i < 80; i++)
		many[i] = (struct almoner_header){ TEXT("X-A"), TEXT("a") };
	const struct almoner_http cases[] = {
		{ post, TEXT(""), NULL, 0, body },
		{ post, { NULL, 0 }, NULL, 0, body },
		{ post, TEXT("ftp://127.0.0.1/x"), NULL, 0, body },
		{ post, TEXT("file:///etc/passwd"), NULL, 0, body },
		{ post, TEXT("smtp://127.0.0.1/x"), NULL, 0, body },
		{ post, TEXT("127.0.0.1/x"), NULL, 0, body },
		{ post, TEXT("http://"), NULL, 0, body },
		{ post, TEXT("http://[::1"), NULL, 0, body },
		{ post, TEXT("http://127.0.0.1:99999/"), NULL, 0, body },
		{ post, fixture_text(spaced), NULL, 0, body },
		{ post, fixture_text(broken), NULL, 0, body },
		{ TEXT("post"), fixture_text(good), NULL, 0, body },
		{ TEXT("CONNECT"), fixture_text(good), NULL, 0, body },
		{ TEXT("GET / HTTP/1.0"), fixture_text(good), NULL, 0, body },
		{ TEXT("HEAD"), fixture_text(good), NULL, 0, body },
		{ post, fixture_text(good), bad_value, 1, body },
		{ post, fixture_text(good), bad_name, 1, body },
		{ post, fixture_text(good), reserved, 1, body },
		{ post, fixture_text(good), chunked, 1, body },
		{ post, fixture_text(good), nul, 1, body },
		{ post, fixture_text(good), many, 80, body },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct exchange_result o = fixture_http(&net, &cases[i], fixture_limits(5000));
		if (o.verdict != TRANSPORT_NOT_SENDABLE)
			print_error("case %zu: %s\n", i, o.detail);
		assert_int_equal(o.verdict, TRANSPORT_NOT_SENDABLE);
		assert_true(strlen(o.detail) > 20);
		fixture_result_free(&o);
	}
	assert_int_equal(sink_client_counter(net.sink, "/refused", "requests"), 0);
	assert_int_equal(fixture_in_flight(&net), 0);
	/* and the handle can still send a good request */
	struct exchange_result o = fixture_post(&net, "/refused", "x", fixture_limits(5000));
	assert_int_equal(o.verdict, TRANSPORT_REPLY);
	fixture_result_free(&o);
}

/* ---- replies ---- */

static void replies_come_back_whole(void **state)
{
	(void)state;
	sink_client_set(net.sink, "/reply",
					"{\"reply\":[{\"status\":422,\"interim\":2,\"headers\":{\"X-Test\":\"yes\"},\"body\":{"
					"\"error\":\"no\"}},"
					"{\"status\":204}]}");
	struct exchange_result o = fixture_post(&net, "/reply", "x", fixture_limits(5000));
	assert_int_equal(o.verdict, TRANSPORT_REPLY);
	assert_int_equal(o.status, 422);
	assert_string_equal(o.body, "{\"error\":\"no\"}");
	assert_string_equal(o.header_x, "yes");
	assert_int_equal(o.header_count, 3); /* none of the 1xx replies */
	assert_false(o.truncated);
	fixture_result_free(&o);
}

static void retry_after_comes_as_milliseconds(void **state)
{
	(void)state;
	sink_client_set(net.sink, "/later",
					"{\"reply\":[{\"status\":503,\"times\":1,\"headers\":{\"Retry-After\":\"7\"}},"
					"{\"status\":429,\"times\":1,\"headers\":{\"Retry-After\":\"-5\"}},"
					"{\"status\":429,\"times\":1,\"headers\":{\"Retry-After\":\"99999999999999999999\"}},"
					"{\"status\":429,\"times\":1,\"headers\":{\"Retry-After\":\"soon\"}},"
					"{\"status\":503,\"times\":1}]}");
	static const int64_t low[] = { 7000, 0, 0, 0, 0 };
	static const int64_t high[] = { 7000, 0, 366ll * 24 * 3600 * 1000, 0, 0 };
	for (size_t i = 0; i < 5; i++) {
		struct exchange_result o = fixture_post(&net, "/later", "x", fixture_limits(5000));
		assert_int_equal(o.verdict, TRANSPORT_REPLY);
		assert_in_range(o.retry_after_ms, low[i], high[i]);
		fixture_result_free(&o);
	}
	time_t later = time(NULL) + 120;
	struct tm parts;
	char date[64];
	gmtime_r(&later, &parts);
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &parts);
	AUTO_FREE char *behaviour = mem_printf("{\"status\":503,\"headers\":{\"Retry-After\":\"%s\"}}", date);
	sink_client_set(net.sink, "/later", behaviour);
	struct exchange_result o = fixture_post(&net, "/later", "x", fixture_limits(5000));
	assert_in_range(o.retry_after_ms, 110000, 120000);
	fixture_result_free(&o);
}

static void a_body_over_the_cap_is_cut_and_still_a_reply(void **state)
{
	(void)state;
	struct transport_limits limits = fixture_limits(10000);
	limits.reply_cap_bytes = 4;
	sink_client_set(net.sink, "/cap", "{\"status\":200,\"body\":\"1234\"}");
	struct exchange_result exact = fixture_post(&net, "/cap", "x", limits);
	assert_string_equal(exact.body, "1234");
	assert_false(exact.truncated);
	fixture_result_free(&exact);

	sink_client_set(net.sink, "/cap", "{\"status\":400,\"body\":\"12345\"}");
	struct exchange_result over = fixture_post(&net, "/cap", "x", limits);
	assert_int_equal(over.verdict, TRANSPORT_REPLY);
	assert_int_equal(over.status, 400);
	assert_string_equal(over.body, "1234");
	assert_true(over.truncated);
	fixture_result_free(&over);

	limits.reply_cap_bytes = 100000;
	sink_client_set(net.sink, "/cap", "{\"mode\":\"endless_body\"}");
	struct exchange_result endless = fixture_post(&net, "/cap", "x", limits);
	assert_int_equal(endless.verdict, TRANSPORT_REPLY);
	assert_int_equal(endless.body_len, 100000);
	assert_true(endless.truncated);
	fixture_result_free(&endless);
}

static void a_redirect_is_a_reply_and_not_followed(void **state)
{
	(void)state;
	sink_client_set(net.sink, "/loop", "{\"mode\":\"redirect_loop\"}");
	struct exchange_result o = fixture_post(&net, "/loop", "x", fixture_limits(5000));
	assert_int_equal(o.verdict, TRANSPORT_REPLY);
	assert_int_equal(o.status, 302);
	fixture_result_free(&o);
	assert_int_equal(sink_client_counter(net.sink, "/loop", "requests"), 1);
}

/* Whatever a peer does after it got the request, the outcome is unknown and the request was sent exactly
 * once, on new and on reused connections. */
static void after_the_first_byte_trouble_is_unknown_and_sent_once(void **state)
{
	(void)state;
	static const char *const modes[] = {
		"{\"mode\":\"hang\"}",
		"{\"mode\":\"close_after_body\"}",
		"{\"mode\":\"reset_at_byte\",\"at_byte\":0}",
		"{\"mode\":\"reset_at_byte\",\"at_byte\":9}",
		"{\"mode\":\"reset_at_byte\",\"at_byte\":70}",
		"{\"mode\":\"drip\",\"drip_ms\":100}",
		"{\"mode\":\"endless_headers\"}",
		"{\"mode\":\"bad_chunking\"}",
		"{\"mode\":\"wrong_length\"}",
		"{\"mode\":\"not_http\"}",
		"{\"delay_ms\":5000}",
		"{\"mode\":\"hang\",\"interim\":3}",
	};
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		for (int fresh = 0; fresh <= 1; fresh++) {
			struct transport_limits limits = fixture_limits(300);
			limits.fresh_connection = fresh != 0;
			sink_client_set(net.sink, "/bad", "{\"status\":200}");
			struct exchange_result first = fixture_post(&net, "/bad", "warm", fixture_limits(5000));
			assert_int_equal(first.verdict, TRANSPORT_REPLY); /* leaves an idle connection */
			fixture_result_free(&first);
			sink_client_set(net.sink, "/bad", modes[i]);
			sink_client_clear(net.sink, "/bad");
			struct exchange_result o = fixture_post(&net, "/bad", "x", limits);
			if (o.verdict != TRANSPORT_UNKNOWN)
				print_error("%s fresh %d: %d %s\n", modes[i], fresh, (int)o.verdict, o.detail);
			assert_int_equal(o.verdict, TRANSPORT_UNKNOWN);
			fixture_result_free(&o);
			assert_int_equal(sink_client_counter(net.sink, "/bad", "requests"), 1);
			assert_int_equal(sink_client_counter(net.sink, "/bad", "connections"), fresh);
		}
	}
}

/* libcurl alone would send such a request up to six times. Ten requests at once make it likely that one of
 * them would be sent again. */
static void a_receiver_that_reads_and_closes_counts_each_send_once(void **state)
{
	(void)state;
	enum { COUNT = 10 };
	AUTO_FREE char *url = sink_client_url(net.sink, "/once");
	const struct almoner_http http = { TEXT("POST"), fixture_text(url), NULL, 0, TEXT("x") };
	for (int round = 0; round < 2; round++) {
		struct exchange_result outcomes[COUNT] = { 0 };
		sink_client_set(net.sink, "/once",
						round == 0 ? "{\"status\":200,\"delay_ms\":30}" : "{\"mode\":\"close_after_body\"}");
		for (size_t i = 0; i < COUNT; i++)
			fixture_submit_http(&net, &http, fixture_limits(5000), &outcomes[i]);
		for (size_t i = 0; i < COUNT; i++) {
			fixture_run_until(&net, &outcomes[i].calls, 1);
			assert_int_equal(outcomes[i].verdict, round == 0 ? TRANSPORT_REPLY : TRANSPORT_UNKNOWN);
			fixture_result_free(&outcomes[i]);
		}
	}
	assert_int_equal(sink_client_counter(net.sink, "/once", "requests"), 2 * COUNT);
}

static void a_fresh_connection_is_not_reused(void **state)
{
	(void)state;
	struct transport_limits fresh = fixture_limits(5000);
	fresh.fresh_connection = true;
	static const bool turns[] = { false, true, true, false };
	for (size_t i = 0; i < 4; i++) {
		struct exchange_result o = fixture_post(&net, "/fresh", "x", turns[i] ? fresh : fixture_limits(5000));
		assert_int_equal(o.verdict, TRANSPORT_REPLY);
		fixture_result_free(&o);
	}
	assert_int_equal(sink_client_counter(net.sink, "/fresh", "connections"), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_post_carries_what_was_asked_and_nothing_else, fixture_setup,
										fixture_teardown),
		cmocka_unit_test_setup_teardown(a_handle_forgets_its_last_request, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(a_large_body_goes_out_without_asking_first, fixture_setup,
										fixture_teardown),
		cmocka_unit_test_setup_teardown(the_environment_is_ignored, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(unsendable_requests_are_refused_not_sent, fixture_setup,
										fixture_teardown),
		cmocka_unit_test_setup_teardown(replies_come_back_whole, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(retry_after_comes_as_milliseconds, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(a_body_over_the_cap_is_cut_and_still_a_reply, fixture_setup,
										fixture_teardown),
		cmocka_unit_test_setup_teardown(a_redirect_is_a_reply_and_not_followed, fixture_setup,
										fixture_teardown),
		cmocka_unit_test_setup_teardown(after_the_first_byte_trouble_is_unknown_and_sent_once, fixture_setup,
										fixture_teardown),
		cmocka_unit_test_setup_teardown(a_receiver_that_reads_and_closes_counts_each_send_once, fixture_setup,
										fixture_teardown),
		cmocka_unit_test_setup_teardown(a_fresh_connection_is_not_reused, fixture_setup, fixture_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
