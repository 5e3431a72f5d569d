/* The receivers that tests and scenarios use (gateway/sink): their conclusions are only as good as these
 * programs. */
#include "tests/unit/net/net_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "saga/base/mem.h"

static json_t *request(const char *path, const struct almoner_header *headers, size_t count, const char *body,
					   uint32_t status)
{
	AUTO_FREE char *url = sink_client_url(net.sink, path);
	const struct almoner_http http = { TEXT("POST"), fixture_text(url), headers, count, fixture_text(body) };
	struct exchange_result o = fixture_http(&net, &http, fixture_limits(5000));
	assert_int_equal(o.verdict, TRANSPORT_REPLY);
	if (o.status != status)
		print_error("%s: %u %s\n", path, o.status, o.body);
	assert_int_equal(o.status, status);
	json_t *reply = o.body_len > 0 ? json_loads(o.body, 0, NULL) : json_object();
	assert_non_null(reply);
	fixture_result_free(&o);
	return reply;
}

static const char *text_at(const json_t *value, const char *a, const char *b)
{
	const json_t *inner = json_object_get(value, a);
	if (json_is_array(inner))
		inner = json_array_get(inner, 0);
	return json_string_value(json_object_get(inner, b));
}

static void repeats_are_counted_by_key(void **state)
{
	(void)state;
	const struct almoner_header one[] = { { TEXT("Idempotency-Key"), TEXT("one") } };
	const struct almoner_header two[] = { { TEXT("idempotency-key"), TEXT("two") } };
	sink_client_set(net.sink, "/k", "{\"reply\":[{\"status\":503,\"times\":1}]}");
	json_decref(request("/k", one, 1, "x", 503));
	json_t *first = request("/k", one, 1, "x", 200);
	json_t *again = request("/k", one, 1, "x", 200);
	json_t *other = request("/k", two, 1, "x", 200);
	assert_true(json_equal(first, again));
	assert_false(json_equal(first, other));
	assert_int_equal(sink_client_counter(net.sink, "/k", "requests"), 4);
	assert_int_equal(sink_client_counter(net.sink, "/k", "distinct_keys"), 2);
	assert_int_equal(sink_client_counter(net.sink, "/k", "repeats"), 2);
	assert_int_equal(sink_client_counter(net.sink, "/k", "duplicates"), 1);
	assert_int_equal(sink_client_counter(net.sink, "/k", "by_status.200"), 3);
	assert_int_equal(sink_client_counter(net.sink, "/k", "by_status.503"), 1);
	json_decref(first);
	json_decref(again);
	json_decref(other);
}

static void it_flaps_by_requests(void **state)
{
	(void)state;
	static const uint32_t expected[] = { 200, 200, 503, 200, 200, 503, 200 };
	sink_client_set(net.sink, "/flap", "{\"flap\":{\"on_requests\":2,\"off_requests\":1}}");
	for (size_t i = 0; i < 7; i++)
		json_decref(request("/flap", NULL, 0, "x", expected[i]));
}

/* Answers are counted by status in an array, so a status outside of it must not get in. */
static void a_status_that_is_none_is_refused(void **state)
{
	(void)state;
	json_decref(request("/_control/bad", NULL, 0, "{\"flap\":{\"off_requests\":1,\"status\":100000}}", 400));
	json_decref(request("/_control/bad", NULL, 0, "{\"status\":600}", 400));
	json_decref(request("/bad", NULL, 0, "x", 200));
}

static void concurrency_is_seen_and_waited_for(void **state)
{
	(void)state;
	AUTO_FREE char *url = sink_client_url(net.sink, "/many");
	const struct almoner_http http = { TEXT("POST"), fixture_text(url), NULL, 0, TEXT("x") };
	struct exchange_result outcomes[7] = { 0 };
	sink_client_set(net.sink, "/many", "{\"status\":200,\"delay_ms\":80}");
	assert_false(sink_client_wait(net.sink, "/many", "requests", 1, 20));
	for (size_t i = 0; i < 7; i++)
		fixture_submit_http(&net, &http, fixture_limits(5000), &outcomes[i]);
	fixture_run_ms(&net, 20);
	assert_true(sink_client_wait(net.sink, "/many", "answered", 7, 5000));
	for (size_t i = 0; i < 7; i++) {
		fixture_run_until(&net, &outcomes[i].calls, 1);
		fixture_result_free(&outcomes[i]);
	}
	assert_int_equal(sink_client_counter(net.sink, "/many", "max_concurrent"), 7);
	assert_int_equal(sink_client_counter(net.sink, "/many", "open"), 0);
}

static void the_history_is_on_disk_before_the_answer(void **state)
{
	(void)state;
	char path[] = "/tmp/almoner-sink-log-XXXXXX";
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	struct sink_child *logged = sink_client_start(path);
	AUTO_FREE char *url = sink_client_url(logged, "/logged");
	const struct almoner_header key[] = { { TEXT("Idempotency-Key"), TEXT("k\"1") } };
	const struct almoner_http http = { TEXT("POST"), fixture_text(url), key, 1, TEXT("abc") };
	struct exchange_result o = fixture_http(&net, &http, fixture_limits(5000));
	assert_int_equal(o.status, 200);
	fixture_result_free(&o);
	char line[500] = "";
	assert_true(read(fd, line, sizeof(line) - 1) > 0);
	json_t *record = json_loads(line, 0, NULL);
	assert_non_null(record);
	assert_string_equal(json_string_value(json_object_get(record, "key")), "k\"1");
	assert_string_equal(json_string_value(json_object_get(record, "path")), "/logged");
	assert_int_equal(json_integer_value(json_object_get(record, "status")), 200);
	assert_string_equal(
		json_string_value(json_object_get(record, "digest")),
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"); /* FIPS 180, "abc" */
	json_decref(record);
	const struct almoner_header bytes[] = { { TEXT("Idempotency-Key"), TEXT("k\xff") } };
	const struct almoner_http other = { TEXT("POST"), fixture_text(url), bytes, 1, TEXT("abc") };
	o = fixture_http(&net, &other, fixture_limits(5000));
	assert_int_equal(o.status, 200); /* a key that is no UTF-8 does not end the sink */
	fixture_result_free(&o);
	ssize_t len = read(fd, line, sizeof(line) - 1);
	assert_true(len > 0);
	line[len] = '\0';
	assert_non_null(strstr(line, "{\"hex\":\"6bff\"}"));
	sink_client_stop(logged);
	close(fd);
	unlink(path);
}

static void the_books_know_a_repeat_by_its_request_id(void **state)
{
	(void)state;
	const struct almoner_header auth[] = { { TEXT("Authorization"), TEXT("Bearer t") } };
	static const char receipt[] =
		"{\"PaymentRefNum\":\"p1\",\"CustomerRef\":{\"value\":\"1\"},\"Line\":[{\"Amount\":10.5}]}";
	json_decref(request("/quickbooks/v3/company/1/customer", NULL, 0, "{}", 401));
	json_decref(request("/quickbooks/v3/company/1/salesreceipt?requestid=r1", auth, 1, receipt, 400));
	json_decref(request("/quickbooks/v3/company/1/customer", auth, 1, "{\"DisplayName\":\"Ada\"}", 200));
	json_t *reply = request("/quickbooks/v3/company/1/customer", auth, 1, "{\"DisplayName\":\"ada\"}", 400);
	json_t *error = json_array_get(json_object_get(json_object_get(reply, "Fault"), "Error"), 0);
	assert_string_equal(json_string_value(json_object_get(error, "code")), "6240");
	json_decref(reply);
	for (int i = 0; i < 2; i++) {
		reply = request("/quickbooks/v3/company/1/salesreceipt?requestid=r1", auth, 1, receipt, 200);
		assert_string_equal(text_at(reply, "SalesReceipt", "Id"), "1");
		json_decref(reply);
	}
	reply = request("/quickbooks/v3/company/1/salesreceipt?operation=update&include=void", auth, 1,
					"{\"Id\":\"1\",\"SyncToken\":\"7\",\"sparse\":true}", 400);
	json_decref(reply);
	json_decref(request("/quickbooks/v3/company/1/salesreceipt?operation=update&include=void", auth, 1,
						"{\"Id\":\"1\",\"SyncToken\":\"0\",\"sparse\":true}", 200));
	assert_int_equal(sink_client_counter(net.sink, "/quickbooks", "stub.salesreceipts"), 1);
	assert_int_equal(sink_client_counter(net.sink, "/quickbooks", "stub.replays"), 1);
	assert_int_equal(sink_client_counter(net.sink, "/quickbooks", "stub.voided"), 1);
	json_t *stats = sink_client_stats(net.sink, "/quickbooks", false);
	const json_t *by_ref = json_object_get(json_object_get(stats, "stub"), "by_payment_ref");
	assert_int_equal(json_integer_value(json_object_get(by_ref, "p1")), 1);
	json_decref(stats);
}

/* A real accounting service keeps what it did, also when its answer is lost. */
static void a_stub_may_act_and_lose_the_answer(void **state)
{
	(void)state;
	const struct almoner_header auth[] = { { TEXT("Authorization"), TEXT("Bearer t") } };
	sink_client_set(net.sink, "/quickbooks",
					"{\"reply\":[{\"mode\":\"close_after_body\",\"times\":1},"
					"{\"mode\":\"close_after_body\",\"status\":500,\"times\":1},"
					"{\"status\":200,\"times\":1,\"body\":{\"Fault\":{}}}]}");
	AUTO_FREE char *url = sink_client_url(net.sink, "/quickbooks/v3/company/1/customer");
	static const char *const names[] = { "{\"DisplayName\":\"a\"}", "{\"DisplayName\":\"b\"}" };
	for (size_t i = 0; i < 2; i++) {
		const struct almoner_http http = { TEXT("POST"), fixture_text(url), auth, 1, fixture_text(names[i]) };
		struct exchange_result o = fixture_http(&net, &http, fixture_limits(5000));
		assert_int_equal(o.verdict, TRANSPORT_UNKNOWN);
		assert_int_equal(sink_client_counter(net.sink, "/quickbooks", "stub.customers"), 1);
	}
	json_t *reply = request("/quickbooks/v3/company/1/customer", auth, 1, names[1], 200);
	assert_non_null(json_object_get(reply, "Fault"));
	json_decref(reply);
	assert_int_equal(sink_client_counter(net.sink, "/quickbooks", "stub.customers"), 1);
}

static void the_crm_has_unique_transactions_and_careless_matches(void **state)
{
	(void)state;
	const struct almoner_header headers[] = { { TEXT("X-Civi-Auth"), TEXT("Bearer k") },
											  { TEXT("X-Requested-With"), TEXT("XMLHttpRequest") } };
	static const char save[] =
		"params=%7B%22records%22%3A%5B%7B%22first_name%22%3A%22Ada%22%2C%22external_identifier%22"
		"%3A%22d1%22%7D%5D%2C%22match%22%3A%5B%22external_identifier%22%5D%7D";
	static const char gift[] =
		"params={\"values\":{\"contact_id\":1,\"financial_type_id\":1,\"total_amount\":\"5.00\","
		"\"trxn_id\":\"t1\"}}";
	json_decref(request("/civicrm/ajax/api4/Contact/get", NULL, 0, "", 401));
	json_decref(request("/civicrm/ajax/api4/Contact/get", headers, 1, "", 400));
	json_decref(
		request("/civicrm/ajax/api4/Contribution/create", headers, 2, gift, 500)); /* no such contact */
	json_decref(request("/civicrm/ajax/api4/Contact/save", headers, 2, save, 200));
	json_decref(request("/civicrm/ajax/api4/Contact/save", headers, 2, save, 200));
	assert_int_equal(sink_client_counter(net.sink, "/civicrm", "stub.contacts"), 1);
	json_decref(request("/civicrm/ajax/api4/Contact/save", headers, 2,
						"params={\"records\":[{\"first_name\":\"Bo\"}],\"match\":[\"external_identifier\"]}",
						200));
	assert_int_equal(sink_client_counter(net.sink, "/civicrm", "stub.contacts"), 2);
	json_decref(request("/civicrm/ajax/api4/Contribution/create", headers, 2, gift, 200));
	json_decref(request("/civicrm/ajax/api4/Contribution/create", headers, 2, gift, 500));
	assert_int_equal(sink_client_counter(net.sink, "/civicrm", "stub.contributions"), 1);
	assert_int_equal(sink_client_counter(net.sink, "/civicrm", "stub.duplicates_refused"), 1);
	json_t *found = request("/civicrm/ajax/api4/Contribution/get", headers, 2,
							"params={\"where\":[[\"trxn_id\",\"=\",\"T1\"]]}", 200);
	assert_int_equal(json_integer_value(json_object_get(found, "count")), 1);
	json_decref(found);
	found =
		request("/civicrm/ajax/api4/Contribution/get", headers, 2, "{\"where\":[]}", 200); /* not a form */
	assert_int_equal(json_integer_value(json_object_get(found, "count")), 1);
	json_decref(found);
}

static void mails_are_counted_by_message_id(void **state)
{
	(void)state;
	struct almoner_mail mail = { .host = TEXT("127.0.0.1"),
								 .port = net.sink->smtp_port,
								 .tls = ALMONER_TLS_NONE,
								 .from = TEXT("a@b.example"),
								 .to = TEXT("c@d.example"),
								 .message = TEXT(
									 "Subject: x\r\nmessage-id: <1@x>\r\n\r\nMessage-ID: <not@this>\r\n") };
	static const char *const behaviours[] = {
		"{\"faults\":[{\"at\":\"dot\",\"mode\":\"close\",\"times\":1}]}", "{}",
		"{\"faults\":[{\"at\":\"dot\",\"reply\":\"451 no\",\"times\":1}]}"
	};
	for (size_t i = 0; i < 3; i++) {
		sink_client_set(net.sink, "/smtp", behaviours[i]);
		struct exchange_result o = fixture_mail(&net, &mail, fixture_limits(5000));
		fixture_result_free(&o);
	}
	assert_int_equal(sink_client_counter(net.sink, "/smtp", "messages"),
					 2); /* one request lost its answer, one was answered */
	assert_int_equal(sink_client_counter(net.sink, "/smtp", "refused"), 1);
	assert_int_equal(sink_client_counter(net.sink, "/smtp", "distinct_message_ids"), 1);
	assert_int_equal(sink_client_counter(net.sink, "/smtp", "duplicates"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(repeats_are_counted_by_key, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(it_flaps_by_requests, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(a_status_that_is_none_is_refused, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(concurrency_is_seen_and_waited_for, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(the_history_is_on_disk_before_the_answer, fixture_setup,
										fixture_teardown),
		cmocka_unit_test_setup_teardown(the_books_know_a_repeat_by_its_request_id, fixture_setup,
										fixture_teardown),
		cmocka_unit_test_setup_teardown(a_stub_may_act_and_lose_the_answer, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(the_crm_has_unique_transactions_and_careless_matches, fixture_setup,
										fixture_teardown),
		cmocka_unit_test_setup_teardown(mails_are_counted_by_message_id, fixture_setup, fixture_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
