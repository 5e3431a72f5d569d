/* Mails against a server that misbehaves on request. */
#include "tests/unit/net/net_fixture.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "saga/base/mem.h"

static struct almoner_mail a_mail(void)
{
	return (struct almoner_mail){ .host = TEXT("127.0.0.1"),
								  .port = net.sink->smtp_port,
								  .tls = ALMONER_TLS_NONE,
								  .ehlo = TEXT("gateway.example"),
								  .from = TEXT("alms@charity.example"),
								  .to = TEXT("ada@donor.example"),
								  .message = TEXT("Message-ID: <1@x>\r\nSubject: thanks\r\n\r\nhello\r\n") };
}

static const char *member(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static void a_mail_arrives_as_it_was_written(void **state)
{
	(void)state;
	static const struct {
		struct almoner_text sent;
		const char *stored;
	} cases[] = {
		{ TEXT("Message-ID: <a@x>\r\n\r\nplain\r\n"), "Message-ID: <a@x>\r\n\r\nplain\r\n" },
		{ TEXT("S: x\r\n\r\n.\r\n..\r\n.leading dot\r\n"), "S: x\r\n\r\n.\r\n..\r\n.leading dot\r\n" },
		{ TEXT("S: x\r\n\r\nno end of line"), "S: x\r\n\r\nno end of line\r\n" },
		{ TEXT("S: x\r\n\r\n."), "S: x\r\n\r\n.\r\n" },
		{ TEXT("S: x\r\n\r\nends in blank lines\r\n\r\n\r\n"),
		  "S: x\r\n\r\nends in blank lines\r\n\r\n\r\n" },
	};
	sink_client_set(net.sink, "/smtp", "{}");
	sink_client_clear(net.sink, "/smtp");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct almoner_mail mail = a_mail();
		mail.message = cases[i].sent;
		struct exchange_result o = fixture_mail(&net, &mail, fixture_limits(5000));
		assert_int_equal(o.verdict, TRANSPORT_REPLY);
		assert_int_equal(o.status, 250);
		assert_non_null(strstr(o.body, "queued as")); /* with the id that the server gave the mail */
		fixture_result_free(&o);
	}
	json_t *stats = sink_client_stats(net.sink, "/smtp", true);
	const json_t *entries = json_object_get(stats, "entries");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const json_t *entry = json_array_get(entries, i);
		assert_string_equal(member(entry, "text"), cases[i].stored);
		assert_string_equal(member(entry, "from"), "alms@charity.example");
		assert_string_equal(member(entry, "helo"), "gateway.example");
		assert_int_equal(json_array_size(json_object_get(entry, "to")), 1);
		assert_string_equal(json_string_value(json_array_get(json_object_get(entry, "to"), 0)),
							"ada@donor.example");
	}
	assert_int_equal(json_integer_value(json_object_get(stats, "connections")), 5); /* one each */
	json_decref(stats);
}

static void a_large_mail_arrives_whole(void **state)
{
	(void)state;
	AUTO_BUF struct buf text = { 0 };
	buf_text(&text, "Message-ID: <large@x>\r\n\r\n");
	for (int i = 0; i < 20000; i++)
		buf_printf(&text, ".line %d of a long mail, each beginning with a dot\r\n", i);
	struct almoner_mail mail = a_mail();
	mail.message = (struct almoner_text){ .p = text.data, .len = text.len };
	sink_client_set(net.sink, "/smtp", "{}");
	sink_client_clear(net.sink, "/smtp");
	struct exchange_result o = fixture_mail(&net, &mail, fixture_limits(10000));
	assert_int_equal(o.status, 250);
	fixture_result_free(&o);
	json_t *stats = sink_client_stats(net.sink, "/smtp", true);
	assert_string_equal(member(json_array_get(json_object_get(stats, "entries"), 0), "text"), text.data);
	json_decref(stats);
}

static void each_stage_has_its_verdict(void **state)
{
	(void)state;
	static const struct {
		const char *fault;
		enum transport_verdict verdict;
		uint32_t status;
	} cases[] = {
		{ "{\"at\":\"connect\",\"reply\":\"421 too busy\"}", TRANSPORT_UNREACHABLE, 0 },
		{ "{\"at\":\"connect\",\"reply\":\"554 no\"}", TRANSPORT_UNREACHABLE, 0 },
		{ "{\"at\":\"connect\",\"mode\":\"silence\"}", TRANSPORT_UNREACHABLE, 0 },
		{ "{\"at\":\"connect\",\"mode\":\"close\"}", TRANSPORT_UNREACHABLE, 0 },
		{ "{\"at\":\"ehlo\",\"mode\":\"silence\"}", TRANSPORT_UNREACHABLE, 0 },
		{ "{\"at\":\"ehlo\",\"mode\":\"reset\"}", TRANSPORT_UNREACHABLE, 0 },
		{ "{\"at\":\"mail\",\"reply\":\"451 4.3.0 later\"}", TRANSPORT_REPLY, 451 },
		{ "{\"at\":\"mail\",\"reply\":\"421 4.3.0 closing\"}", TRANSPORT_REPLY, 421 },
		{ "{\"at\":\"mail\",\"reply\":\"553 5.7.1 not you\"}", TRANSPORT_REPLY, 553 },
		{ "{\"at\":\"mail\",\"mode\":\"reset\"}", TRANSPORT_UNREACHABLE, 0 },
		{ "{\"at\":\"rcpt\",\"reply\":\"550-5.1.1 no such\\r\\n550 5.1.1 user\"}", TRANSPORT_REPLY, 550 },
		{ "{\"at\":\"rcpt\",\"reply\":\"452 4.2.2 full\"}", TRANSPORT_REPLY, 452 },
		{ "{\"at\":\"rcpt\",\"mode\":\"silence\"}", TRANSPORT_UNREACHABLE, 0 },
		{ "{\"at\":\"data\",\"reply\":\"554 5.5.1 no\"}", TRANSPORT_REPLY, 554 },
		{ "{\"at\":\"data\",\"reply\":\"451 later\"}", TRANSPORT_REPLY, 451 },
		{ "{\"at\":\"data\",\"mode\":\"silence\"}", TRANSPORT_UNREACHABLE, 0 },
		{ "{\"at\":\"data\",\"mode\":\"close\"}", TRANSPORT_UNREACHABLE, 0 },
		{ "{\"at\":\"content\",\"mode\":\"silence\"}", TRANSPORT_UNKNOWN, 0 },
		{ "{\"at\":\"content\",\"mode\":\"reset\"}", TRANSPORT_UNKNOWN, 0 },
		{ "{\"at\":\"dot\",\"mode\":\"silence\"}", TRANSPORT_UNKNOWN, 0 },
		{ "{\"at\":\"dot\",\"mode\":\"reset\"}", TRANSPORT_UNKNOWN, 0 },
		{ "{\"at\":\"dot\",\"mode\":\"close\"}", TRANSPORT_UNKNOWN, 0 },
		{ "{\"at\":\"dot\",\"reply\":\"250-half of\"}", TRANSPORT_UNKNOWN, 0 },
		{ "{\"at\":\"dot\",\"reply\":\"452 4.3.1 disk\"}", TRANSPORT_REPLY, 452 },
		{ "{\"at\":\"dot\",\"reply\":\"554 5.7.1 spam\"}", TRANSPORT_REPLY, 554 },
		{ "{\"at\":\"quit\",\"reply\":\"421 gone\"}", TRANSPORT_REPLY, 250 },
		{ "{\"at\":\"quit\",\"mode\":\"silence\"}", TRANSPORT_REPLY, 250 },
		{ "{\"at\":\"quit\",\"mode\":\"reset\"}", TRANSPORT_REPLY, 250 },
	};
	struct almoner_mail mail = a_mail();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		AUTO_FREE char *behaviour = mem_printf("{\"faults\":[%s]}", cases[i].fault);
		sink_client_set(net.sink, "/smtp", behaviour);
		struct exchange_result o = fixture_mail(&net, &mail, fixture_limits(300));
		if (o.verdict != cases[i].verdict || o.status != cases[i].status)
			print_error("%s: verdict %d status %u %s\n", cases[i].fault, (int)o.verdict, o.status, o.detail);
		assert_int_equal(o.verdict, cases[i].verdict);
		assert_int_equal(o.status, cases[i].status);
		fixture_result_free(&o);
	}
	sink_client_set(net.sink, "/smtp", "{}");
}

static void the_server_text_comes_back(void **state)
{
	(void)state;
	struct almoner_mail mail = a_mail();
	sink_client_set(
		net.sink, "/smtp",
		"{\"faults\":[{\"at\":\"rcpt\",\"reply\":\"550-5.1.1 no such\\r\\n550 5.1.1 user here\"}]}");
	struct exchange_result o = fixture_mail(&net, &mail, fixture_limits(5000));
	assert_string_equal(o.body, "5.1.1 no such\n5.1.1 user here");
	fixture_result_free(&o);
	sink_client_set(net.sink, "/smtp",
					"{\"faults\":[{\"at\":\"connect\",\"reply\":\"421 come back later\"}]}");
	o = fixture_mail(&net, &mail, fixture_limits(5000));
	assert_non_null(strstr(o.detail, "come back later"));
	fixture_result_free(&o);
	sink_client_set(net.sink, "/smtp", "{}");
}

static void a_server_that_only_knows_helo_is_served(void **state)
{
	(void)state;
	struct almoner_mail mail = a_mail();
	sink_client_set(net.sink, "/smtp", "{\"faults\":[{\"at\":\"ehlo\",\"reply\":\"502 what\"}]}");
	struct exchange_result o = fixture_mail(&net, &mail, fixture_limits(5000));
	assert_int_equal(o.status, 250);
	fixture_result_free(&o);
	sink_client_set(net.sink, "/smtp", "{}");
}

static void logins_are_taken_or_refused(void **state)
{
	(void)state;
	struct almoner_mail mail = a_mail();
	mail.username = TEXT("user@charity.example");
	mail.password = TEXT("p\xc3\xa4ss:word");
	sink_client_set(net.sink, "/smtp",
					"{\"auth\":{\"user\":\"user@charity.example\",\"password\":\"p\u00e4ss:word\"}}");
	struct exchange_result o = fixture_mail(&net, &mail, fixture_limits(5000));
	assert_int_equal(o.verdict, TRANSPORT_REPLY);
	assert_int_equal(o.status, 250);
	fixture_result_free(&o);

	mail.password = TEXT("wrong");
	o = fixture_mail(&net, &mail, fixture_limits(5000));
	assert_int_equal(o.verdict, TRANSPORT_REPLY);
	assert_int_equal(o.status, 535);
	fixture_result_free(&o);

	mail.username = (struct almoner_text){ 0 };
	o = fixture_mail(&net, &mail, fixture_limits(5000));
	assert_int_equal(o.verdict, TRANSPORT_REPLY);
	assert_int_equal(o.status, 530);
	fixture_result_free(&o);
	sink_client_set(net.sink, "/smtp", "{}");
}

static void starttls_is_required_not_tried(void **state)
{
	(void)state;
	struct almoner_mail mail = a_mail();
	mail.tls = ALMONER_TLS_STARTTLS;
	mail.username = TEXT("u");
	mail.password = TEXT("p");
	static const char *const cases[] = {
		"{\"auth\":{\"user\":\"u\",\"password\":\"p\"}}", /* not offered */
		"{\"faults\":[{\"at\":\"ehlo\",\"reply\":\"250-sink\\r\\n250 STARTTLS\"},"
		"{\"at\":\"starttls\",\"reply\":\"220 go on\"}]}", /* offered, and then no TLS */
	};
	sink_client_clear(net.sink, "/smtp");
	for (size_t i = 0; i < 2; i++) {
		sink_client_set(net.sink, "/smtp", cases[i]);
		struct exchange_result o = fixture_mail(&net, &mail, fixture_limits(1000));
		assert_int_equal(o.verdict, TRANSPORT_UNREACHABLE);
		fixture_result_free(&o);
	}
	sink_client_set(net.sink, "/smtp",
					"{\"faults\":[{\"at\":\"ehlo\",\"reply\":\"250-sink\\r\\n250 STARTTLS\"},"
					"{\"at\":\"starttls\",\"reply\":\"454 4.7.0 not now\"}]}");
	struct exchange_result o = fixture_mail(&net, &mail, fixture_limits(1000));
	assert_int_equal(o.verdict, TRANSPORT_REPLY);
	assert_int_equal(o.status, 454);
	fixture_result_free(&o);
	sink_client_set(net.sink, "/smtp", "{}");
	mail.tls = ALMONER_TLS_DIRECT;
	o = fixture_mail(&net, &mail, fixture_limits(1000));
	assert_int_equal(o.verdict, TRANSPORT_UNREACHABLE);
	fixture_result_free(&o);
	assert_int_equal(sink_client_counter(net.sink, "/smtp", "messages"), 0);
}

static void what_could_inject_never_reaches_libcurl(void **state)
{
	(void)state;
	struct almoner_mail cases[12];
	for (size_t i = 0; i < 12; i++)
		cases[i] = a_mail();
	cases[0].to = TEXT("ada@donor.example\r\nRCPT TO:<evil@x.example>");
	cases[1].from = TEXT("alms@charity.example>\r\nRCPT TO:<evil@x.example");
	cases[2].to = TEXT("");
	cases[3].to = TEXT("ada@donor.example SIZE=1");
	cases[4].to = TEXT("ada@d\xc3\xb6nor.example");
	cases[5].ehlo = TEXT("x\r\nMAIL FROM:<a@b>");
	cases[6].host = TEXT("127.0.0.1/x@y");
	cases[7].port = 0;
	cases[8].port = 70000;
	cases[9].message = TEXT("a\n.\nMAIL FROM:<x@y.example>\n");
	cases[10].tls = 9;
	cases[11].username = TEXT("a\0b");
	sink_client_clear(net.sink, "/smtp");
	for (size_t i = 0; i < 12; i++) {
		struct exchange_result o = fixture_mail(&net, &cases[i], fixture_limits(5000));
		if (o.verdict != TRANSPORT_NOT_SENDABLE)
			print_error("case %zu: %d %s\n", i, (int)o.verdict, o.detail);
		assert_int_equal(o.verdict, TRANSPORT_NOT_SENDABLE);
		assert_null(strstr(o.detail, "ada")); /* names the fault, but not the address */
		fixture_result_free(&o);
	}
	assert_int_equal(sink_client_counter(net.sink, "/smtp", "connections"), 0);
}

static void many_at_once_and_one_cancelled(void **state)
{
	(void)state;
	enum { COUNT = 20 };
	struct almoner_mail mail = a_mail();
	struct exchange_result outcomes[COUNT] = { 0 };
	void *handles[COUNT];
	sink_client_set(net.sink, "/smtp", "{}");
	for (size_t i = 0; i < COUNT; i++)
		handles[i] = fixture_submit_mail(&net, &mail, fixture_limits(5000), &outcomes[i]);
	net.port.cancel(net.port.ctx, handles[7]);
	for (size_t i = 0; i < COUNT; i++) {
		if (i == 7)
			continue;
		fixture_run_until(&net, &outcomes[i].calls, 1);
		assert_int_equal(outcomes[i].status, 250);
		fixture_result_free(&outcomes[i]);
	}
	assert_int_equal(outcomes[7].calls, 0);
	assert_int_equal(fixture_in_flight(&net), 0);
}

/* libcurl 7.88 blocks its caller while it waits for the reply to the message and to QUIT. Other exchanges
 * must not be delayed by that. */
static void a_silent_mail_server_delays_no_other(void **state)
{
	(void)state;
	static const char *const stages[] = { "dot", "quit", "data", "connect" };
	AUTO_FREE char *url = sink_client_url(net.sink, "/meanwhile");
	const struct almoner_http http = { TEXT("POST"), fixture_text(url), NULL, 0, TEXT("x") };
	struct almoner_mail mail = a_mail();
	for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]); i++) {
		AUTO_FREE char *behaviour =
			mem_printf("{\"faults\":[{\"at\":\"%s\",\"mode\":\"silence\"}]}", stages[i]);
		sink_client_set(net.sink, "/smtp", behaviour);
		struct exchange_result mailed = { 0 };
		fixture_submit_mail(&net, &mail, fixture_limits(900), &mailed);
		for (unsigned n = 0; mailed.calls == 0 && n < 1000; n++) {
			struct exchange_result o = fixture_http(&net, &http, fixture_limits(5000));
			assert_int_equal(o.verdict, TRANSPORT_REPLY);
			assert_in_range(o.duration_ms, 0, 200);
			fixture_result_free(&o);
			fixture_run_ms(&net, 5);
		}
		fixture_run_until(&net, &mailed.calls, 1);
		assert_in_range(mailed.duration_ms, 0, 2500);
		fixture_result_free(&mailed);
	}
	sink_client_set(net.sink, "/smtp", "{}");
}

static void ending_with_mails_under_way_is_quick_and_silent(void **state)
{
	(void)state;
	struct net_fixture mine;
	struct exchange_result outcomes[6] = { 0 };
	fixture_open(&mine);
	sink_client_set(mine.sink, "/smtp", "{\"faults\":[{\"at\":\"dot\",\"mode\":\"silence\"}]}");
	struct almoner_mail mail = a_mail();
	mail.port = mine.sink->smtp_port;
	void *first = fixture_submit_mail(&mine, &mail, fixture_limits(60000), &outcomes[0]);
	for (size_t i = 1; i < 5; i++)
		fixture_submit_mail(&mine, &mail, fixture_limits(60000), &outcomes[i]);
	assert_true(sink_client_wait(mine.sink, "/smtp", "messages", 5, 10000)); /* all taken, none answered */
	mine.port.cancel(mine.port.ctx, first);
	fixture_submit_mail(&mine, &mail, fixture_limits(60000), &outcomes[5]);
	assert_int_equal(fixture_in_flight(&mine), 5);
	int64_t before_s = time(NULL);
	fixture_close(&mine);
	assert_in_range(time(NULL) - before_s, 0, 3);
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(outcomes[i].calls, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mail_arrives_as_it_was_written),
		cmocka_unit_test(a_large_mail_arrives_whole),
		cmocka_unit_test(each_stage_has_its_verdict),
		cmocka_unit_test(the_server_text_comes_back),
		cmocka_unit_test(a_server_that_only_knows_helo_is_served),
		cmocka_unit_test(logins_are_taken_or_refused),
		cmocka_unit_test(starttls_is_required_not_tried),
		cmocka_unit_test(what_could_inject_never_reaches_libcurl),
		cmocka_unit_test(many_at_once_and_one_cancelled),
		cmocka_unit_test(a_silent_mail_server_delays_no_other),
		cmocka_unit_test(ending_with_mails_under_way_is_quick_and_silent),
	};
	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
