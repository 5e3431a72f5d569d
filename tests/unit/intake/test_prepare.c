/* From request to accept: ids, gifts, routes, lanes, quarantine. */
#include "saga/base/hex.h"
#include "saga/journal/intake_port.h"
#include "tests/unit/intake/intake_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "saga/base/digest.h"
#include "saga/base/mem.h"

#define OPEN_SOURCE "\"in\":{\"verify\":\"none\"}"
#define ROUTE_ALL                                                                                            \
	"{\"name\":\"all\",\"match\":{\"source\":\"*\",\"type\":\"*\"},\"steps\":[{\"target\":\"crm\"}]}"
#define GIFT_BODY                                                                                            \
	"{\"id\":\"e1\",\"type\":\"donation.created\",\"gift\":\"g1\",\"donor\":{\"email\":\"Anna@Example."      \
	"org\"},"                                                                                                \
	"\"amount\":{\"minor\":1250,\"value\":\"12.50\",\"currency\":\"EUR\"}}"

static void assert_key(const uint8_t key[STORE_KEY_BYTES], const char *source, const char *id)
{
	uint8_t wanted[STORE_KEY_BYTES];
	journal_event_key(source, id, wanted);
	assert_memory_equal(key, wanted, STORE_KEY_BYTES);
}

static void a_canonical_body_is_its_own_text(void **state)
{
	struct rules *rules = fixture_rules(OPEN_SOURCE, ROUTE_ALL);
	(void)state;
	AUTO_PREPARED struct prepared *p = fixture_prepare(rules, "in", GIFT_BODY, NULL);
	const struct event_fields *f = &p->accept.event->f;
	assert_int_equal(p->accept.kind, ACCEPT_SAGA);
	assert_string_equal(f->raw.p, GIFT_BODY);
	assert_string_equal(f->canonical.p, GIFT_BODY);
	assert_string_equal(f->event_id.p, "e1");
	assert_string_equal(f->type.p, "donation.created");
	assert_string_equal(f->gift.p, "g1");
	assert_string_equal(f->donor.p, "Anna@Example.org");
	assert_key(p->accept.dedup, "in", "e1");
	assert_true(p->accept.has_gift);
	uint8_t gift[STORE_KEY_BYTES];
	journal_gift_key("in", "g1", gift);
	assert_memory_equal(p->accept.gift, gift, sizeof gift);
	assert_ptr_equal(p->accept.start.plan, rules->routes[0].plan);
	assert_int_equal(p->accept.start.own_reason, REASON_NONE);
	assert_false(p->accept.start.unrouted);
	rules_unref(rules);
}

static void the_text_is_compact_and_whole(void **state)
{
	struct rules *rules = fixture_rules(OPEN_SOURCE, ROUTE_ALL);
	(void)state;
	AUTO_PREPARED struct prepared *p =
		fixture_prepare(rules, "in",
						"{ \"id\" : 7, \"type\":\"donation.created\", \"big\": "
						"12345678901234567890,\n\"amount\":{\"value\":10.10,"
						"\"currency\":\"chf\"}}",
						NULL);
	assert_string_equal(
		p->accept.event->f.canonical.p,
		"{\"id\":\"7\",\"type\":\"donation.created\",\"big\":\"12345678901234567890\",\"amount\":{"
		"\"value\":\"10.10\",\"currency\":\"CHF\",\"minor\":1010}}");
	assert_false(p->accept.has_gift);
	rules_unref(rules);
}

static const char *becomes(const struct prepared *p)
{
	const struct accept *a = &p->accept;
	return a->kind == ACCEPT_RELATED                   ? "related"
		   : a->start.own_reason == REASON_QUARANTINED ? "quarantined"
		   : a->start.unrouted                         ? "unrouted"
													   : "saga";
}

static void quarantine_has_a_reason(void **state)
{
	static const struct {
		const char *body, *why;
	} cases[] = {
		{ "not json", "the body is not usable JSON: '[' or '{' expected, line 1 column 3" },
		{ "", "the body is empty" },
		{ "[]", "the map gave an array, expected an object with id, type and amount" },
		{ "{\"id\":\"x\",\"id\":\"y\",\"type\":\"t\"}",
		  "the body is not usable JSON: duplicate object key, line 1" },
		{ "{\"type\":\"donation.created\"}", "amount is missing" },
		{ "{\"id\":\"x\"}", "type is missing" },
		{ "{\"type\":\"donation.created\",\"amount\":{\"value\":\"1.005\",\"currency\":\"EUR\"}}",
		  "amount.value: the number has more decimals" },
		{ "{\"type\":\"x\",\"donor\":{\"email\":\"a@b\"},\"boom\":{}}", "route picky, where: " },
	};
	struct rules *rules = fixture_rules(
		OPEN_SOURCE,
		"{\"name\":\"picky\",\"match\":{\"where\":\".boom + 1 > 0\"},\"steps\":[{\"target\":\"crm\"}]}");
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		AUTO_PREPARED struct prepared *p = fixture_prepare(rules, "in", cases[i].body, NULL);
		assert_string_equal(becomes(p), "quarantined");
		if (strncmp(p->accept.start.note, cases[i].why, strlen(cases[i].why)) != 0)
			fail_msg("%s: %s", cases[i].body, p->accept.start.note);
		assert_string_equal(p->accept.event->f.raw.p, cases[i].body);
		assert_int_equal(p->accept.event->f.canonical.len, 0);
		assert_ptr_equal(p->accept.start.plan, rules->empty);
		/* Without an id, events are distinguished by their body. */
		assert_int_equal(strncmp(p->accept.event->f.event_id.p, "body-", 5), 0);
		assert_int_equal(p->accept.event->f.event_id.len, 5 + 32);
		assert_key(p->accept.dedup, "in", p->accept.event->f.event_id.p);
	}
	rules_unref(rules);
}

static void ids(void **state)
{
	static const char source[] =
		"\"in\":{\"verify\":\"none\"},"
		"\"head\":{\"verify\":\"none\",\"event_id\":{\"header\":\"X-Delivery\"},\"type_header\":\"X-Event\"},"
		"\"path\":{\"verify\":\"none\",\"event_id\":\".meta.event\"},"
		"\"dup\":{\"verify\":\"none\",\"dedup\":[\".payment\",\".status\"]}";
	const char *const delivery[] = { "X-Delivery: d-77", "X-Event: ping", NULL };
	static const struct {
		const char *source, *body, *id, *dedup;
		bool with_headers;
	} cases[] = {
		{ "head", "{\"a\":1}", "d-77", "d-77", true },
		{ "head", "{\"id\":\"own\",\"type\":\"t\"}", "d-77", "d-77", true },
		{ "head", "{\"id\":\"own\",\"type\":\"t\"}", "own", "own", false },
		{ "path", "{\"type\":\"t\",\"meta\":{\"event\":12}}", "12", "12", false },
		{ "path", "{\"type\":\"t\",\"id\":\"m\"}", "m", "m", false },
		{ "dup", "{\"type\":\"t\",\"id\":\"m\",\"payment\":\"p1\",\"status\":\"paid\"}", "m", "p1\x1fpaid",
		  false },
		{ "in", "{\"type\":\"t\"}", "body-bc5d89f8f0fcb6fad0b1fdc3d6ff3ba2", NULL, false },
	};
	struct rules *rules = fixture_rules(source, ROUTE_ALL);
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		AUTO_PREPARED struct prepared *p =
			fixture_prepare(rules, cases[i].source, cases[i].body, cases[i].with_headers ? delivery : NULL);
		assert_string_equal(becomes(p), "saga");
		if (cases[i].dedup == NULL) {
			uint8_t digest[DIGEST_BYTES];
			char id[64] = "body-";
			digest_bytes(cases[i].body, strlen(cases[i].body), digest);
			hex_encode(digest, 16, id + 5);
			assert_string_equal(p->accept.event->f.event_id.p, id);
			assert_non_null(strstr(p->accept.event->f.canonical.p, id));
			continue;
		}
		assert_string_equal(p->accept.event->f.event_id.p, cases[i].id);
		assert_key(p->accept.dedup, cases[i].source, cases[i].dedup);
	}
	/* Members that the map leaves out come from the headers. */
	AUTO_PREPARED struct prepared *filled = fixture_prepare(rules, "head", "{\"a\":1}", delivery);
	assert_string_equal(filled->accept.event->f.canonical.p, "{\"a\":1,\"type\":\"ping\",\"id\":\"d-77\"}");
	/* A deduplication key with a missing part would make two events equal. */
	AUTO_PREPARED struct prepared *half =
		fixture_prepare(rules, "dup", "{\"type\":\"t\",\"payment\":\"p1\"}", NULL);
	assert_string_equal(becomes(half), "quarantined");
	rules_unref(rules);
}

static void headers_that_are_no_ids(void **state)
{
	char huge[700] = "X-Delivery: ";
	memset(huge + 12, 'x', 600);
	const char *const headers[][2] = { { huge, NULL },
									   { "X-Delivery: \xff\xfe", NULL },
									   { "X-Delivery: ", NULL } };
	struct rules *rules =
		fixture_rules("\"head\":{\"verify\":\"none\",\"event_id\":{\"header\":\"X-Delivery\"}}", ROUTE_ALL);
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		AUTO_PREPARED struct prepared *p =
			fixture_prepare(rules, "head", "{\"type\":\"t\",\"id\":\"m\"}", headers[i]);
		assert_string_equal(p->accept.event->f.event_id.p, "m");
	}
	rules_unref(rules);
}

static void gifts_without_a_preset(void **state)
{
	static const char source[] =
		"\"in\":{\"verify\":\"none\"},"
		"\"cond\":{\"verify\":\"none\",\"gift_made\":\".paid\",\"gift\":\".payment\"}";
	static const struct {
		const char *source, *body, *becomes;
		bool gift;
	} cases[] = {
		{ "in", GIFT_BODY, "saga", true },
		{ "in",
		  "{\"type\":\"donation.refunded\",\"gift\":\"g1\",\"amount\":{\"minor\":1,\"currency\":\"EUR\"}}",
		  "saga", false },
		{ "cond",
		  "{\"type\":\"order\",\"paid\":true,\"payment\":\"p\",\"amount\":{\"minor\":1,\"currency\":\"EUR\"}"
		  "}",
		  "saga", true },
		{ "cond",
		  "{\"type\":\"donation.created\",\"payment\":\"p\",\"amount\":{\"minor\":1,\"currency\":\"EUR\"}}",
		  "related", true },
		{ "cond",
		  "{\"type\":\"donation.refunded\",\"payment\":\"p\",\"amount\":{\"minor\":1,\"currency\":\"EUR\"}}",
		  "saga", false },
		{ "cond", "{\"type\":\"donor.updated\"}", "saga", false },
		/* The gift was made, but its event is unusable: the gift is claimed anyway, so that related events
		 * find it. */
		{ "cond", "{\"type\":\"order\",\"paid\":true,\"payment\":\"p\"}", "quarantined", true },
	};
	struct rules *rules = fixture_rules(source, ROUTE_ALL);
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		AUTO_PREPARED struct prepared *p = fixture_prepare(rules, cases[i].source, cases[i].body, NULL);
		if (strcmp(becomes(p), cases[i].becomes) != 0)
			fail_msg("%s: %s", cases[i].body, becomes(p));
		assert_int_equal(p->accept.has_gift, cases[i].gift);
	}
	rules_unref(rules);
}

static void routes_and_lanes(void **state)
{
	static const char routes[] =
		"{\"name\":\"big\",\"match\":{\"source\":\"in\",\"type\":\"donation.*\",\"where\":\".amount.minor >= "
		"100000\"},"
		"\"steps\":[{\"target\":\"crm\"}]},"
		"{\"name\":\"gifts\",\"match\":{\"type\":\"donation.*\"},\"on_failure\":\"hold\",\"steps\":["
		"{\"target\":\"crm\",\"when\":\".donor.email != null\"},{\"target\":\"books\"},"
		"{\"target\":\"thanks\",\"after\":[\"books\"],\"when\":\".steps.books.id\",\"expire\":\"7d\"},"
		"{\"name\":\"again\",\"target\":\"crm\",\"when\":\".amount.minor > 1000000\"}]}";
	struct rules *rules = fixture_rules(OPEN_SOURCE, routes);
	(void)state;
	AUTO_PREPARED struct prepared *p = fixture_prepare(rules, "in", GIFT_BODY, NULL);
	const struct saga_start *s = &p->accept.start;
	assert_string_equal(s->plan->route, "gifts");
	assert_int_equal(s->plan->policy, POLICY_HOLD);
	assert_int_equal(s->plan->step_count, 4);
	assert_int_equal(s->plan->steps[2].after, 2);
	assert_int_equal(s->plan->steps[2].expire_ms, INT64_C(7) * 86400 * 1000);
	/* Step 2 comes after another: its condition waits for the result. */
	assert_int_equal(s->condition_known, 1 | 8);
	assert_int_equal(s->condition_true, 1);
	/* crm orders by the e-mail as written, books by the default (lower case), thanks by phone or fund,
	 * which are both missing. */
	assert_int_equal(s->lane_mask, 1 | 2 | 8);
	uint8_t digest[DIGEST_BYTES];
	digest_bytes("Anna@Example.org", 16, digest);
	assert_memory_equal(s->lanes[0], digest, LANE_BYTES);
	assert_memory_equal(s->lanes[3], digest, LANE_BYTES);
	digest_bytes("anna@example.org", 16, digest);
	assert_memory_equal(s->lanes[1], digest, LANE_BYTES);
	AUTO_PREPARED struct prepared *big = fixture_prepare(
		rules, "in",
		"{\"type\":\"donation.created\",\"fund\":\"f\",\"donor\":{\"id\":\"D1\",\"email\":\"x@y\"},"
		"\"amount\":{\"minor\":100000,\"currency\":\"EUR\"}}",
		NULL);
	assert_string_equal(big->accept.start.plan->route, "big");
	AUTO_PREPARED struct prepared *other = fixture_prepare(rules, "in", "{\"type\":\"donor.updated\"}", NULL);
	assert_string_equal(becomes(other), "unrouted");
	rules_unref(rules);
}

static void a_default_order_takes_the_id_first(void **state)
{
	struct rules *rules = fixture_rules(
		OPEN_SOURCE, "{\"name\":\"r\",\"steps\":[{\"target\":\"books\"},{\"target\":\"thanks\"}]}");
	(void)state;
	AUTO_PREPARED struct prepared *p = fixture_prepare(
		rules, "in", "{\"type\":\"t\",\"fund\":\"f\",\"donor\":{\"id\":\"D1\",\"email\":\"x@y\"}}", NULL);
	uint8_t digest[DIGEST_BYTES];
	assert_int_equal(p->accept.start.lane_mask, 3);
	digest_bytes("D1", 2, digest);
	assert_memory_equal(p->accept.start.lanes[0], digest, LANE_BYTES);
	digest_bytes("f", 1, digest); /* the second of two keys, the first is missing */
	assert_memory_equal(p->accept.start.lanes[1], digest, LANE_BYTES);
	AUTO_PREPARED struct prepared *without = fixture_prepare(rules, "in", "{\"type\":\"t\"}", NULL);
	assert_int_equal(without->accept.start.lane_mask, 0);
	rules_unref(rules);
}

static void a_secret_in_the_body_goes_no_further(void **state)
{
	struct rules *rules = fixture_rules(
		"\"in\":{\"verify\":{\"scheme\":\"token\",\"token_pointer\":\"/secret\"},\"secrets\":[\"hush\"]}",
		ROUTE_ALL);
	(void)state;
	AUTO_PREPARED struct prepared *p =
		fixture_prepare(rules, "in", "{\"secret\":\"hush\",\"type\":\"t\",\"id\":\"1\"}", NULL);
	assert_string_equal(p->accept.event->f.canonical.p, "{\"type\":\"t\",\"id\":\"1\"}");
	struct intake_request wrong = fixture_request("{\"secret\":\"guess\"}", NULL);
	struct prepared *none = NULL;
	assert_int_equal(prepare_event(rules, "in", &wrong, NULL, NULL, &none), ERR_REFUSED);
	assert_null(none);
	assert_int_equal(prepare_event(rules, "nobody", &wrong, NULL, NULL, &none), ERR_NOT_FOUND);
	rules_unref(rules);
}

/* A quarantined event is mapped again after the map was fixed: same id, same type, and the signature is
 * gone. */
static void reprocessing(void **state)
{
	static const char source[] = "\"in\":{\"preset\":\"github\",\"secrets\":[\"s\"],\"map\":\"%s\"}";
	char *broken AUTO_FREE = mem_printf(source, "error(\\\"not yet\\\")"),
				 *mapping_fixed AUTO_FREE = mem_printf(source, "{n: .n}");
	const char *const headers[] = {
		"X-GitHub-Delivery: d1", "X-GitHub-Event: ping",
		"X-Hub-Signature-256: sha256=7bf3ba4b7dd3ab73e8cf3b0d2f8ac4f55c4c6fa7ffa1e4ea9b0e4e0d6b7bdf0c", NULL
	};
	struct rules *rules = fixture_rules(broken, ROUTE_ALL);
	struct intake_request request = fixture_request("{\"n\":1}", headers);
	struct prepared *p = NULL;
	(void)state;
	assert_int_equal(prepare_event(rules, "in", &request, NULL, NULL, &p),
					 ERR_REFUSED); /* a wrong signature */
	const struct prepare_known known = { .event_id = "d1", .type = "ping" };
	request = fixture_request("{\"n\":1}", NULL);
	assert_int_equal(prepare_event(rules, "in", &request, &known, NULL, &p), 0);
	assert_string_equal(becomes(p), "quarantined");
	assert_string_equal(p->accept.start.note, "map: not yet");
	assert_string_equal(p->accept.event->f.type.p, "ping");
	prepare_destroy(p);
	rules_unref(rules);
	rules = fixture_rules(mapping_fixed, ROUTE_ALL);
	assert_int_equal(prepare_event(rules, "in", &request, &known, NULL, &p), 0);
	assert_string_equal(becomes(p), "saga");
	assert_string_equal(p->accept.event->f.canonical.p, "{\"n\":1,\"type\":\"ping\",\"id\":\"d1\"}");
	prepare_destroy(p);
	rules_unref(rules);
}

/* An id that is only a digest of the body is replaced once the map gives one; any other id stays. */
static void a_digest_id_yields_to_the_mapped_id(void **state)
{
	static const char *const broken = "\"in\":{\"verify\":\"none\",\"map\":\"error(\\\"not yet\\\")\"}";
	static const char *const mapping_fixed =
		"\"in\":{\"verify\":\"none\",\"map\":\"{id: .nr, type: \\\"ping\\\"}\"}";
	(void)state;
	struct rules *rules = fixture_rules(broken, ROUTE_ALL);
	AUTO_PREPARED struct prepared *first = fixture_prepare(rules, "in", "{\"nr\":\"a1\"}", NULL);
	assert_string_equal(becomes(first), "quarantined");
	const struct prepare_known known = { .event_id = first->accept.event->f.event_id.p, .type = "" };
	struct intake_request request = fixture_request("{\"nr\":\"a1\"}", NULL);
	struct prepared *p = NULL;
	assert_int_equal(prepare_event(rules, "in", &request, &known, NULL, &p), 0);
	assert_string_equal(p->accept.event->f.event_id.p, known.event_id);
	prepare_destroy(p);
	rules_unref(rules);
	rules = fixture_rules(mapping_fixed, ROUTE_ALL);
	uint8_t key[STORE_KEY_BYTES];
	journal_event_key("in", "a1", key);
	assert_int_equal(prepare_event(rules, "in", &request, &known, NULL, &p), 0);
	assert_string_equal(p->accept.start.event_id, "a1");
	assert_memory_equal(p->accept.dedup, key, sizeof key);
	prepare_destroy(p);
	const struct prepare_known other = { .event_id = "body-of-work", .type = "" };
	assert_int_equal(prepare_event(rules, "in", &request, &other, NULL, &p), 0);
	assert_string_equal(p->accept.start.event_id, "body-of-work");
	prepare_destroy(p);
	rules_unref(rules);
}

static void explains_every_stage(void **state)
{
	struct rules *rules = fixture_rules(OPEN_SOURCE, ROUTE_ALL);
	struct intake_request request = fixture_request(GIFT_BODY, NULL);
	struct prepared *p = NULL;
	json_t *explanation = json_array();
	(void)state;
	assert_int_equal(prepare_event(rules, "in", &request, NULL, explanation, &p), 0);
	char *text AUTO_FREE = json_dumps(explanation, JSON_COMPACT);
	static const char *const parts[] = {
		"{\"stage\":\"verify\",\"ok\":true,\"scheme\":\"none\"}",
		"{\"stage\":\"parse\",\"ok\":true,\"numbers_as_texts\":false}",
		"\"stage\":\"identify\"",
		"\"stage\":\"map\",\"ok\":true,\"event\":{\"id\":\"e1\"",
		"\"kind\":\"gift\"",
		"\"route\":\"all\",\"steps\":[{\"name\":\"crm\",\"target\":\"crm\",\"after\":[],"
		"\"order_key\":\"Anna@Example.org\"}]",
		"\"stage\":\"result\",\"ok\":true,\"becomes\":\"saga\",\"event_id\":\"e1\""
	};
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		if (strstr(text, parts[i]) == NULL)
			fail_msg("%s is not in %s", parts[i], text);
	}
	json_decref(explanation);
	prepare_destroy(p);
	rules_unref(rules);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_canonical_body_is_its_own_text),
		cmocka_unit_test(the_text_is_compact_and_whole),
		cmocka_unit_test(quarantine_has_a_reason),
		cmocka_unit_test(ids),
		cmocka_unit_test(headers_that_are_no_ids),
		cmocka_unit_test(gifts_without_a_preset),
		cmocka_unit_test(routes_and_lanes),
		cmocka_unit_test(a_default_order_takes_the_id_first),
		cmocka_unit_test(a_secret_in_the_body_goes_no_further),
		cmocka_unit_test(reprocessing),
		cmocka_unit_test(a_digest_id_yields_to_the_mapped_id),
		cmocka_unit_test(explains_every_stage),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
