/* One payment causes several events and one gift: the shipped preset, with the events in every order. */
#include "saga/base/hex.h"
#include "saga/journal/intake_port.h"
#include "tests/unit/intake/intake_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/intake/pipeline/mac.h"
#include "saga/base/mem.h"

#define ROUTE "{\"name\":\"gifts\",\"match\":{\"type\":\"donation.*\"},\"steps\":[{\"target\":\"crm\"}]}"

static const char *const checkout[] = {
	"{\"id\":\"evt_1\",\"object\":\"event\",\"type\":\"checkout.session.completed\",\"created\":1700000000,"
	"\"data\":{"
	"\"object\":{\"id\":\"cs_1\",\"object\":\"checkout.session\",\"mode\":\"payment\",\"payment_status\":"
	"\"paid\","
	"\"payment_intent\":\"pi_1\",\"amount_total\":2500,\"currency\":\"eur\",\"customer_details\":{\"email\":"
	"\"anna@example.org\",\"name\":\"Anna\"}}}}",
	"{\"id\":\"evt_2\",\"object\":\"event\",\"type\":\"payment_intent.succeeded\",\"created\":1700000000,"
	"\"data\":{"
	"\"object\":{\"id\":\"pi_1\",\"object\":\"payment_intent\",\"amount\":2500,\"amount_received\":2500,"
	"\"currency\":"
	"\"eur\"}}}",
	"{\"id\":\"evt_3\",\"object\":\"event\",\"type\":\"charge.succeeded\",\"created\":1700000000,\"data\":{"
	"\"object\":{"
	"\"id\":\"ch_1\",\"object\":\"charge\",\"payment_intent\":\"pi_1\",\"amount\":2500,\"currency\":\"eur\"}}"
	"}",
	"{\"id\":\"evt_4\",\"object\":\"event\",\"type\":\"invoice.paid\",\"created\":1700000000,\"data\":{"
	"\"object\":{\"id\":"
	"\"in_1\",\"object\":\"invoice\",\"payment_intent\":\"pi_1\",\"amount_paid\":2500,\"currency\":\"eur\","
	"\"customer_email\":\"anna@example.org\"}}}",
};

static struct prepared *take(struct rules *rules, const char *body)
{
	static const char key[] = "whsec_x";
	uint8_t mac[MAC_BYTES_MAX];
	char hex[2 * MAC_BYTES_MAX + 1];
	const struct str parts[] = { STR("1700000000."), str_of(body) };
	mac_compute(VERIFY_SHA256, STR(key), parts, 2, mac);
	hex_encode(mac, 32, hex);
	char *header AUTO_FREE = mem_printf("Stripe-Signature: t=1700000000,v1=%s", hex);
	const char *const headers[] = { header, NULL };
	return fixture_prepare(rules, "stripe", body, headers);
}

static struct rules *stripe_rules(void)
{
	return fixture_rules("\"stripe\":{\"preset\":\"stripe\",\"secrets\":[\"whsec_x\"]}", ROUTE);
}

/* As in the journal: the first event that makes the gift owns it, and a later one is a duplicate. */
struct gift_totals {
	unsigned sagas, related, duplicates;
	bool owned;
};

static void enter(struct gift_totals *l, const struct prepared *p, const uint8_t gift[STORE_KEY_BYTES])
{
	assert_true(p->accept.has_gift);
	assert_memory_equal(p->accept.gift, gift, STORE_KEY_BYTES);
	if (p->accept.kind == ACCEPT_RELATED)
		l->related++;
	else if (l->owned)
		l->duplicates++;
	else
		l->sagas++;
	l->owned = l->owned || p->accept.kind == ACCEPT_SAGA;
}

static void every_order_is_one_gift(void **state)
{
	struct rules *rules = stripe_rules();
	uint8_t gift[STORE_KEY_BYTES];
	unsigned lane_rules = 0;
	(void)state;
	journal_gift_key("stripe", "pi_1", gift);
	for (unsigned code = 0; code < 256; code++) {
		const unsigned at[4] = { code & 3, code >> 2 & 3, code >> 4 & 3, code >> 6 & 3 };
		if ((1u << at[0] | 1u << at[1] | 1u << at[2] | 1u << at[3]) != 15)
			continue;
		struct gift_totals l = { 0 };
		for (size_t i = 0; i < 4; i++) {
			AUTO_PREPARED struct prepared *p = take(rules, checkout[at[i]]);
			enter(&l, p, gift);
		}
		assert_int_equal(l.sagas, 1);
		assert_int_equal(l.related, 2);
		assert_int_equal(l.duplicates, 1);
		lane_rules++;
	}
	assert_int_equal(lane_rules, 24);
	rules_unref(rules);
}

static void the_gift_is_canonical(void **state)
{
	struct rules *rules = stripe_rules();
	(void)state;
	AUTO_PREPARED struct prepared *p = take(rules, checkout[0]);
	json_t *event = json_loads(p->accept.event->f.canonical.p, 0, NULL);
	assert_string_equal(p->accept.start.note, "");
	assert_non_null(event);
	const char *type, *value, *currency, *email, *gift;
	json_int_t minor = 0;
	assert_int_equal(json_unpack(event, "{s:s,s:{s:I,s:s,s:s},s:{s:s},s:s}", "type", &type, "amount", "minor",
								 &minor, "value", &value, "currency", &currency, "donor", "email", &email,
								 "gift", &gift),
					 0);
	assert_string_equal(type, "donation.created");
	assert_int_equal(minor, 2500);
	assert_string_equal(value, "25.00");
	assert_string_equal(currency, "EUR");
	assert_string_equal(email, "anna@example.org");
	assert_string_equal(gift, "pi_1");
	assert_string_equal(p->accept.event->f.event_id.p, "evt_1");
	json_decref(event);
	rules_unref(rules);
}

static void siblings_keep_the_platforms_type(void **state)
{
	struct rules *rules = stripe_rules();
	(void)state;
	AUTO_PREPARED struct prepared *p = take(rules, checkout[2]);
	assert_int_equal(p->accept.kind, ACCEPT_RELATED);
	assert_string_equal(p->accept.event->f.type.p, "charge.succeeded");
	assert_string_equal(p->accept.event->f.event_id.p, "evt_3");
	assert_string_equal(p->accept.event->f.gift.p, "pi_1");
	assert_int_equal(p->accept.event->f.canonical.len, 0);
	assert_int_equal(p->accept.gift_wait_ms, 3600000);
	rules_unref(rules);
}

/* The invoice of each month is a gift of its own. */
static void renewals_are_gifts(void **state)
{
	static const char january[] =
		"{\"id\":\"evt_j\",\"type\":\"invoice.paid\",\"data\":{\"object\":{\"id\":\"in_j\",\"object\":"
		"\"invoice\","
		"\"amount_paid\":900,\"currency\":\"usd\",\"billing_reason\":\"subscription_cycle\"}}}";
	static const char february[] =
		"{\"id\":\"evt_f\",\"type\":\"invoice.paid\",\"data\":{\"object\":{\"id\":\"in_f\",\"object\":"
		"\"invoice\","
		"\"amount_paid\":900,\"currency\":\"usd\",\"billing_reason\":\"subscription_cycle\"}}}";
	struct rules *rules = stripe_rules();
	(void)state;
	AUTO_PREPARED struct prepared *j = take(rules, january);
	AUTO_PREPARED struct prepared *f = take(rules, february);
	assert_int_equal(j->accept.kind, ACCEPT_SAGA);
	assert_int_equal(f->accept.kind, ACCEPT_SAGA);
	assert_int_equal(j->accept.start.own_reason, REASON_NONE);
	assert_memory_not_equal(j->accept.gift, f->accept.gift, STORE_KEY_BYTES);
	rules_unref(rules);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_order_is_one_gift),
		cmocka_unit_test(the_gift_is_canonical),
		cmocka_unit_test(siblings_keep_the_platforms_type),
		cmocka_unit_test(renewals_are_gifts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
