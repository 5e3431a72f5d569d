/* The shipped presets: each loads, and its programs make of real payloads what they should. The programs run
 * in the jq command where there is one; the gateway's own tests run them in the library. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "saga/base/mem.h"
#include "tests/unit/config/config_fixture.h"

/* ---- running jq ---- */

static void write_all(int fd, const char *text)
{
	size_t len = strlen(text);

	while (len > 0) {
		ssize_t put = write(fd, text, len);

		assert_true(put > 0);
		text += put;
		len -= (size_t)put;
	}
}

static void run_child(const char *program, int in, int out)
{
	(void)dup2(in, STDIN_FILENO);
	(void)dup2(out, STDOUT_FILENO);
	(void)execlp("jq", "jq", "-c", program, (char *)NULL);
	_exit(errno == ENOENT ? 77 : 78);
}

/* What the program makes of the text, as JSON; skips the test where there is no jq. Fails unless there is
 * exactly one result. The payloads are smaller than a pipe holds. */
static json_t *jq(const char *program, const char *input)
{
	int in[2], out[2], status = 0;
	char answer[16384];
	size_t len = 0;
	ssize_t got;
	pid_t child;
	json_t *result;

	assert_int_equal(pipe2(in, O_CLOEXEC) | pipe2(out, O_CLOEXEC), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		run_child(program, in[0], out[1]);
	(void)close(in[0]);
	(void)close(out[1]);
	write_all(in[1], input);
	(void)close(in[1]);
	while ((got = read(out[0], answer + len, sizeof(answer) - 1 - len)) > 0)
		len += (size_t)got;
	(void)close(out[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(status, 0);
	answer[len] = '\0';
	result = json_loads(answer, JSON_DECODE_ANY, NULL);
	if (result == NULL)
		fail_msg("no single result: %s", answer);
	return result;
}

static void expect(const char *program, const char *input, const char *wanted)
{
	json_t *is = jq(program, input);
	json_t *should = json_loads(wanted, JSON_DECODE_ANY, NULL);

	assert_non_null(should);
	if (!json_equal(is, should)) {
		char *text AUTO_FREE = json_dumps(is, JSON_ENCODE_ANY);

		fail_msg("%s\nmakes %s\ninstead of %s", input, text, wanted);
	}
	json_decref(is);
	json_decref(should);
}

/* ---- the presets themselves ---- */

static const struct config_source *load_preset(struct config_fixture *f, const char *name, const char *secret)
{
	char *text AUTO_FREE = mem_printf("{\"sources\": {\"s\": {\"preset\": \"%s\"%s%s%s}}}", name,
									  secret == NULL ? "" : ", \"secrets\": [\"",
									  secret == NULL ? "" : secret, secret == NULL ? "" : "\"]");

	fixture_load_good(f, text);
	return &f->config->sources[0];
}

static void all_six_load(void **state)
{
	struct config_fixture *f = *state;
	const struct config_source *s;

	s = load_preset(f, "stripe", "whsec_x");
	assert_int_equal(s->verify.key, VERIFY_KEY_RAW);
	assert_string_equal(s->verify.signed_string, "{timestamp}.{body}");
	s = load_preset(f, "standard-webhooks", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
	assert_int_equal(s->verify.key, VERIFY_KEY_STRIP_BASE64);
	assert_int_equal(s->verify.encoding, VERIFY_BASE64);
	assert_string_equal(s->verify.signed_string, "{id}.{timestamp}.{body}");
	assert_string_equal(s->verify.header_prefixes.items[1], "svix-");
	assert_string_equal(s->event_id_header, "webhook-id");
	s = load_preset(f, "github", "x");
	assert_string_equal(s->verify.signature_prefix, "sha256=");
	assert_string_equal(s->event_id_header, "X-GitHub-Delivery");
	assert_string_equal(s->type_header, "X-GitHub-Event");
	s = load_preset(f, "hmac", "x");
	assert_int_equal(s->verify.hash, VERIFY_SHA256);
	assert_string_equal(s->map, ".");
	s = load_preset(f, "token", "x");
	assert_int_equal(s->verify.scheme, VERIFY_TOKEN);
	assert_string_equal(s->verify.token_prefix, "Bearer ");
	s = load_preset(f, "none", NULL);
	assert_int_equal(s->verify.scheme, VERIFY_NONE);
}

/* ---- stripe ---- */

#define EVENT(type, object)                                                                                  \
	"{\"id\": \"evt_1\", \"type\": \"" type "\", \"created\": 1700000000, \"data\": {\"object\": " object "}}"
#define SESSION(inside) "{\"object\": \"checkout.session\", \"id\": \"cs_1\", " inside "}"
#define PAID                                                                                                 \
	EVENT("checkout.session.completed", SESSION("\"mode\": \"payment\", \"payment_status\": \"paid\", "      \
												"\"payment_intent\": \"pi_1\", \"invoice\": null"))
#define UNPAID                                                                                               \
	EVENT("checkout.session.completed",                                                                      \
		  SESSION("\"mode\": \"payment\", \"payment_status\": \"unpaid\", \"payment_intent\": \"pi_1\""))
#define LATE                                                                                                 \
	EVENT("checkout.session.async_payment_succeeded",                                                        \
		  SESSION("\"mode\": \"payment\", \"payment_status\": \"paid\", \"payment_intent\": \"pi_1\""))
#define SUBSCRIBED                                                                                           \
	EVENT("checkout.session.completed", SESSION("\"mode\": \"subscription\", \"payment_status\": \"paid\", " \
												"\"payment_intent\": null, \"invoice\": \"in_1\""))
#define SETUP                                                                                                \
	EVENT("checkout.session.completed",                                                                      \
		  SESSION("\"mode\": \"setup\", \"payment_status\": \"no_payment_required\""))
#define INTENT(type) EVENT("payment_intent." type, "{\"object\": \"payment_intent\", \"id\": \"pi_1\"}")
#define CHARGE(type)                                                                                         \
	EVENT("charge." type, "{\"object\": \"charge\", \"id\": \"ch_1\", \"payment_intent\": \"pi_1\"}")
#define DISPUTE                                                                                              \
	EVENT("charge.dispute.created",                                                                          \
		  "{\"object\": \"dispute\", \"charge\": \"ch_1\", \"payment_intent\": \"pi_1\"}")
#define INVOICE(inside) EVENT("invoice.paid", "{\"object\": \"invoice\", \"id\": \"in_1\"" inside "}")

struct stripe_case {
	const char *event;
	const char *gift; /* as JSON */
	const char *made;
	const char *related; /* NULL: not evaluated */
};

static const struct stripe_case stripe_cases[] = {
	{ PAID, "\"pi_1\"", "true", NULL },
	{ UNPAID, "\"pi_1\"", "false", "true" },
	{ LATE, "\"pi_1\"", "true", NULL },
	{ SUBSCRIBED, "\"in_1\"", "false", "true" },
	{ SETUP, "\"cs_1\"", "false", "false" },
	{ EVENT("checkout.session.expired", SESSION("\"mode\": \"payment\"")), "\"cs_1\"", "false", "false" },
	{ EVENT(
		  "checkout.session.completed",
		  SESSION(
			  "\"mode\": \"payment\", \"payment_status\": \"paid\", \"payment_intent\": {\"id\": \"pi_2\"}")),
	  "\"pi_2\"", "true", NULL },
	{ INTENT("created"), "\"pi_1\"", "false", "true" },
	{ INTENT("succeeded"), "\"pi_1\"", "false", "true" },
	{ CHARGE("succeeded"), "\"pi_1\"", "false", "true" },
	{ CHARGE("refunded"), "\"pi_1\"", "false", "true" },
	{ EVENT("charge.succeeded", "{\"object\": \"charge\", \"id\": \"ch_1\", \"invoice\": \"in_1\"}"),
	  "\"in_1\"", "false", "true" },
	{ EVENT("charge.succeeded", "{\"object\": \"charge\", \"id\": \"ch_1\"}"), "\"ch_1\"", "false", "true" },
	{ DISPUTE, "\"pi_1\"", "false", "true" },
	{ EVENT("refund.created", "{\"object\": \"refund\", \"id\": \"re_1\", \"payment_intent\": \"pi_1\"}"),
	  "\"pi_1\"", "false", "true" },
	{ INVOICE(", \"payment_intent\": \"pi_1\""), "\"pi_1\"", "true", NULL },
	{ INVOICE(", \"payments\": {\"data\": [{\"payment\": {\"type\": \"payment_intent\", \"payment_intent\": "
			  "\"pi_1\"}}]}"),
	  "\"pi_1\"", "true", NULL },
	{ INVOICE(""), "\"in_1\"", "true", NULL },
	{ EVENT("invoice_payment.paid", "{\"object\": \"invoice_payment\", \"invoice\": \"in_1\"}"), "\"in_1\"",
	  "false", "true" },
	{ EVENT("invoice.created", "{\"object\": \"invoice\", \"id\": \"in_1\"}"), "\"in_1\"", "false", "false" },
	{ EVENT("customer.updated", "{\"object\": \"customer\", \"id\": \"cus_1\"}"), "null", "false", "false" },
};

static void stripe_events_find_their_gift(void **state)
{
	struct config_fixture *f = *state;
	const struct config_source *s = load_preset(f, "stripe", "whsec_x");

	for (size_t i = 0; i < sizeof(stripe_cases) / sizeof(stripe_cases[0]); i++) {
		const struct stripe_case *c = &stripe_cases[i];

		expect(s->gift, c->event, c->gift);
		expect(s->gift_made, c->event, c->made);
		if (c->related != NULL)
			expect(s->related, c->event, c->related);
	}
}

/* The gift is named by the payment intent of the invoice, which the session does not contain. */
static void an_old_subscription_checkout_is_an_event_of_its_own(void **state)
{
	struct config_fixture *f = *state;
	const struct config_source *s = load_preset(f, "stripe", "whsec_x");
	static const char old[] =
		"{\"id\": \"evt_1\", \"type\": \"checkout.session.completed\", \"api_version\": \"2024-06-20\", "
		"\"data\": {\"object\": {\"object\": \"checkout.session\", \"id\": \"cs_1\", \"mode\": "
		"\"subscription\", \"invoice\": \"in_1\"}}}";

	expect(s->related, old, "false");
}

static void a_stripe_checkout_becomes_a_donation(void **state)
{
	struct config_fixture *f = *state;
	const struct config_source *s = load_preset(f, "stripe", "whsec_x");

	expect(
		s->map,
		EVENT(
			"checkout.session.completed",
			SESSION(
				"\"mode\": \"payment\", \"payment_status\": \"paid\", \"amount_total\": 2500, \"currency\": "
				"\"eur\", "
				"\"customer\": \"cus_1\", \"customer_details\": {\"email\": \"ada@example.org\", \"name\": "
				"\"Ada\", "
				"\"phone\": null, \"address\": {\"city\": \"London\", \"line2\": null}}, "
				"\"metadata\": {\"fund\": \"Wells\"}, \"custom_fields\": [{\"key\": \"campaign\", \"type\": "
				"\"text\", \"text\": {\"value\": \"Spring\"}}]")),
		"{\"id\": \"evt_1\", \"type\": \"donation.created\", \"occurred_at\": \"2023-11-14T22:13:20Z\", "
		"\"donor\": {\"id\": \"cus_1\", \"email\": \"ada@example.org\", \"name\": \"Ada\", \"address\": "
		"{\"city\": "
		"\"London\"}}, \"amount\": {\"minor\": 2500, \"currency\": \"EUR\"}, \"fund\": \"Wells\", "
		"\"campaign\": \"Spring\", "
		"\"recurring\": false, \"metadata\": {\"fund\": \"Wells\", \"campaign\": \"Spring\"}, "
		"\"platform\": {\"name\": \"stripe\", \"type\": \"checkout.session.completed\", \"object\": "
		"\"cs_1\", "
		"\"livemode\": null}}");
}

static void stripe_sums_and_types_are_right(void **state)
{
	struct config_fixture *f = *state;
	const struct config_source *s = load_preset(f, "stripe", "whsec_x");
	static const struct {
		const char *event;
		const char *type_minor_currency;
	} cases[] = {
		{ EVENT("invoice.paid",
				"{\"object\": \"invoice\", \"id\": \"in_1\", \"amount_paid\": 700, \"amount_due\": 900, "
				"\"currency\": \"usd\", \"billing_reason\": \"subscription_cycle\"}"),
		  "[\"donation.created\", 700, \"USD\", true]" },
		{ EVENT("charge.refunded",
				"{\"object\": \"charge\", \"amount\": 900, \"amount_refunded\": 300, \"currency\": \"usd\"}"),
		  "[\"donation.refunded\", 300, \"USD\", null]" },
		{ EVENT("charge.dispute.created",
				"{\"object\": \"dispute\", \"amount\": 900, \"currency\": \"usd\"}"),
		  "[\"donation.disputed\", 900, \"USD\", null]" },
		{ EVENT("payment_intent.payment_failed",
				"{\"object\": \"payment_intent\", \"amount\": 5, \"amount_received\": 0, "
				"\"currency\": \"jpy\"}"),
		  "[\"donation.failed\", 5, \"JPY\", null]" },
		{ EVENT("invoice.paid", "{\"object\": \"invoice\", \"amount_paid\": 50000, \"currency\": \"isk\"}"),
		  "[\"donation.created\", 500, \"ISK\", false]" },
		{ EVENT("customer.updated", "{\"object\": \"customer\", \"id\": \"cus_1\"}"),
		  "[\"donor.updated\", null, \"\", null]" },
		{ EVENT("plan.created", "{\"object\": \"plan\"}"), "[\"plan.created\", null, \"\", null]" },
	};
	char *program AUTO_FREE =
		mem_printf("%s | [.type, .amount.minor, (.amount.currency // \"\"), .recurring]", s->map);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect(program, cases[i].event, cases[i].type_minor_currency);
}

/* ---- the others ---- */

static void standard_webhooks_are_opened(void **state)
{
	struct config_fixture *f = *state;
	const struct config_source *s = load_preset(f, "standard-webhooks", "whsec_YWJj");

	expect(s->map,
		   "{\"type\": \"donation.created\", \"timestamp\": \"2026-01-02T03:04:05Z\", \"data\": {\"id\": "
		   "\"g1\", \"amount\": "
		   "{\"value\": \"10.50\", \"currency\": \"EUR\"}, \"extra\": 1}}",
		   "{\"type\": \"donation.created\", \"occurred_at\": \"2026-01-02T03:04:05Z\", \"gift\": \"g1\", "
		   "\"amount\": {\"value\": "
		   "\"10.50\", \"currency\": \"EUR\"}, \"extra\": 1}");
	expect(s->map, "{\"type\": \"ping\"}", "{\"type\": \"ping\"}");
	expect(s->map, "{\"type\": \"t\", \"id\": \"e\", \"fund\": \"f\"}",
		   "{\"type\": \"t\", \"fund\": \"f\"}"); /* no envelope */
}

static void sponsorships_become_donations(void **state)
{
	struct config_fixture *f = *state;
	const struct config_source *s = load_preset(f, "github", "x");

	expect(
		s->map,
		"{\"action\": \"created\", \"sponsorship\": {\"node_id\": \"n1\", \"created_at\": "
		"\"2026-01-02T03:04:05Z\", \"sponsor\": "
		"{\"login\": \"ada\"}, \"sponsorable\": {\"login\": \"wells\"}, \"tier\": "
		"{\"monthly_price_in_cents\": 500, \"name\": "
		"\"$5 a month\", \"is_one_time\": false}}}",
		"{\"type\": \"donation.created\", \"occurred_at\": \"2026-01-02T03:04:05Z\", \"donor\": {\"id\": "
		"\"ada\", \"name\": "
		"\"ada\"}, \"amount\": {\"minor\": 500, \"currency\": \"USD\"}, \"recurring\": true, \"fund\": "
		"\"wells\", \"note\": "
		"\"$5 a month\", \"platform\": {\"name\": \"github\", \"action\": \"created\", \"object\": \"n1\"}}");
	expect(s->map, "{\"zen\": \"Keep it simple\"}", "{\"zen\": \"Keep it simple\"}");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(all_six_load),
		TEST(stripe_events_find_their_gift),
		TEST(an_old_subscription_checkout_is_an_event_of_its_own),
		TEST(a_stripe_checkout_becomes_a_donation),
		TEST(stripe_sums_and_types_are_right),
		TEST(standard_webhooks_are_opened),
		TEST(sponsorships_become_donations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
