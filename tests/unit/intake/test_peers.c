#include "tests/unit/intake/intake_fixture.h"

#include <string.h>
#include <sys/socket.h>

#include "gateway/intake/server/answer.h"
#include "gateway/intake/server/peers.h"

static struct peer_address address(const char *text)
{
	struct peer_address a = { 0 };
	if (!peer_parse(str_of(text), &a))
		fail_msg("%s is no address", text);
	return a;
}

static void parses_what_proxies_write(void **state)
{
	static const struct {
		const char *text, *plain; /* NULL: rejected */
	} cases[] = { { "192.0.2.1", "192.0.2.1" },
				  { "192.0.2.1:4711", "192.0.2.1" },
				  { "2001:db8::1", "2001:db8::1" },
				  { "[2001:db8::1]", "2001:db8::1" },
				  { "[2001:db8::1]:443", "2001:db8::1" },
				  { "::ffff:192.0.2.1", "192.0.2.1" },
				  { "unknown", NULL },
				  { "", NULL },
				  { "[", NULL },
				  { "192.0.2.1.evil.example", NULL },
				  { "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc", NULL } };
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct peer_address a;
		char text[PEER_TEXT_BYTES];
		bool ok = peer_parse(str_of(cases[i].text), &a);
		assert_int_equal(ok, cases[i].plain != NULL);
		if (ok) {
			peer_text(&a, text);
			assert_string_equal(text, cases[i].plain);
		}
	}
}

static void only_proxies_are_believed(void **state)
{
	struct config_cidr ranges[] = { { .family = AF_INET, .addr = { 10, 0, 0, 0 }, .bits = 9 },
									{ .family = AF_INET6, .addr = { 0xfd }, .bits = 8 },
									{ .family = AF_INET, .addr = { 127, 0, 0, 1 }, .bits = 32 } };
	const struct config config = { .trusted_proxies = ranges, .trusted_proxy_count = 3 };
	static const struct {
		const char *peer, *forwarded, *sender;
	} cases[] = { { "127.0.0.1", "203.0.113.9", "203.0.113.9" },
				  { "127.0.0.1", NULL, "127.0.0.1" },
				  { "127.0.0.1", "6.6.6.6, 203.0.113.9", "203.0.113.9" },
				  { "127.0.0.1", "203.0.113.9, 10.1.2.3,10.127.0.1", "203.0.113.9" },
				  { "127.0.0.1", "6.6.6.6, 10.128.0.1", "10.128.0.1" },
				  { "203.0.113.1", "1.2.3.4", "203.0.113.1" },
				  { "127.0.0.1", "1.2.3.4, nonsense, 10.0.0.1", "10.0.0.1" },
				  { "fd00::1", "2001:db8::5", "2001:db8::5" },
				  { "127.0.0.2", "1.2.3.4", "127.0.0.2" },
				  { "127.0.0.1", ",,,", "127.0.0.1" } };
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct peer_address peer = address(cases[i].peer);
		struct peer_address sender = peer_behind_proxy(&config, &peer, cases[i].forwarded);
		char text[PEER_TEXT_BYTES];
		peer_text(&sender, text);
		assert_string_equal(text, cases[i].sender);
	}
}

static void counts(void **state)
{
	struct peers *peers = peers_create();
	struct peer_address a = address("192.0.2.1"), b = address("192.0.2.2");
	(void)state;
	assert_int_equal(peers_count(peers, &a), 0);
	peers_add(peers, &a);
	peers_add(peers, &a);
	peers_add(peers, &b);
	assert_int_equal(peers_count(peers, &a), 2);
	peers_remove(peers, &a);
	peers_remove(peers, &b);
	peers_remove(peers, &b); /* one removal too many does no harm */
	assert_int_equal(peers_count(peers, &a), 1);
	assert_int_equal(peers_count(peers, &b), 0);
	for (unsigned i = 0; i < 5000; i++) {
		struct peer_address many = { .family = AF_INET, .bytes = { 10, (uint8_t)(i >> 8), (uint8_t)i, 1 } };
		peers_add(peers, &many);
		assert_int_equal(peers_count(peers, &many), 1);
	}
	peers_destroy(peers);
}

static void answers_are_the_promised_ones(void **state)
{
	static const struct {
		struct accept_result result;
		unsigned status;
		const char *body;
	} cases[] = {
		{ { .saga = 1042 }, 202, "{\"saga\":1042}" },
		{ { .saga = 1042, .duplicate = true }, 200, "{\"saga\":1042,\"duplicate\":true}" },
		{ { .saga = 1042, .duplicate = true, .differs = true },
		  200,
		  "{\"saga\":1042,\"duplicate\":true,\"differs\":true}" },
		{ { .related = true }, 202, "{\"saga\":null,\"related\":true}" },
		{ { .saga = 7, .related = true }, 202, "{\"saga\":7,\"related\":true}" },
		{ { .saga = 7, .unrouted = true }, 202, "{\"saga\":7,\"unrouted\":true}" },
		{ { .saga = 7, .quarantined = true }, 202, "{\"saga\":7,\"quarantined\":true}" },
		{ { .code = ERR_FULL }, 503, "{\"error\":\"not recorded, send it again\"}" },
		{ { .code = ERR_IO, .saga = 7 }, 503, "{\"error\":\"not recorded, send it again\"}" },
		{ { .saga = INT64_MAX,
			.related = true,
			.duplicate = true,
			.differs = true,
			.unrouted = true,
			.quarantined = true },
		  200,
		  "{\"saga\":9223372036854775807,\"related\":true,\"duplicate\":true,\"differs\":true,\"unrouted\":"
		  "true,"
		  "\"quarantined\":true}" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct intake_answer a = answer_of(&cases[i].result, 202);
		assert_int_equal(a.status, cases[i].status);
		assert_string_equal(a.body, cases[i].body);
		assert_int_equal(a.retry_after_s > 0, a.status == 503);
	}
	assert_int_equal(answer_of(&cases[0].result, 200).status, 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(parses_what_proxies_write),
										cmocka_unit_test(only_proxies_are_believed), cmocka_unit_test(counts),
										cmocka_unit_test(answers_are_the_promised_ones) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
