/* The small parts: names, keys, retries, plans, events. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "saga/base/digest.h"
#include "saga/base/entropy.h"
#include "saga/base/mem.h"
#include "saga/model/event.h"
#include "saga/model/key.h"
#include "saga/model/record.h"
#include "saga/model/retry.h"
#include "tests/unit/model/model_fixture.h"

/* ---- names ---- */

static void every_name_is_found_again(void **state)
{
	(void)state;
	for (int i = 0; i < SAGA_STATE_COUNT; i++)
		assert_int_equal(name_to_saga_state(name_of_saga_state((enum saga_state)i)), i);
	for (int i = 1; i < REASON_COUNT; i++)
		assert_int_equal(name_to_reason(name_of_reason((enum reason)i)), i);
	for (int i = 1; i < OUTCOME_COUNT; i++)
		assert_int_equal(name_to_outcome(name_of_outcome((enum outcome_class)i)), i);
	for (int i = 1; i < REPEAT_COUNT; i++)
		assert_int_equal(name_to_repeat(name_of_repeat((enum repeat)i)), i);
	for (int i = 0; i < POLICY_COUNT; i++)
		assert_int_equal(name_to_policy(name_of_policy((enum policy)i)), i);
	for (int i = 0; i < VERB_COUNT; i++)
		assert_int_equal(name_to_verb(name_of_verb((enum verb)i)), i);
}

static void what_is_outside_a_table_has_no_name(void **state)
{
	(void)state;
	assert_string_equal(name_of_step_state(STEP_STATE_COUNT), "?");
	assert_string_equal(name_of_record_kind((enum record_kind)0), "?");
	assert_string_equal(name_of_subject((enum subject)99), "?");
	assert_string_equal(name_of_reason(REASON_NONE), "");
	assert_int_equal(name_to_reason(""), -1);
	assert_int_equal(name_to_verb(NULL), -1);
	assert_int_equal(name_to_verb("Resume"), -1);
	assert_true(saga_state_at_rest(SAGA_COMPLETED) && saga_state_at_rest(SAGA_UNROUTED));
	assert_false(saga_state_at_rest(SAGA_ATTENTION));
}

/* ---- keys ---- */

/* Worked out with another program from the description in key.h: these must never change, or a replayed event
 * would be done twice. */
static void keys_are_these_for_ever(void **state)
{
	(void)state;
	static const struct {
		const char *source, *event_id, *step, *label;
		enum direction direction;
		uint32_t generation;
		const char *key;
	} vectors[] = {
		{ "stripe", "evt_1", "crm", "", DIRECTION_DO, 1, "9fd93df7cc826f0001ddd2381c859ac6" },
		{ "stripe", "evt_1", "crm", "", DIRECTION_UNDO, 1, "91950a5892b9b8518136ec0ff837e1c9" },
		{ "stripe", "evt_1", "crm", "contact", DIRECTION_DO, 1, "55d8688bd62fdd66f5e026de96c40c8c" },
		{ "stripe", "evt_1", "crm", "", DIRECTION_DO, 4294967295u, "18eae897f79e3cc89dfef46929777a43" },
		{ "", "", "", "", DIRECTION_DO, 1, "caeff7d26ac232c637c2d33a59f7f879" },
		{ "f\xc3\xb6rms", "a/b c", "thanks", "", DIRECTION_DO, 2, "0b659629fe077c3ee1b326de12648179" },
	};
	for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
		char key[KEY_TEXT_BYTES];
		key_derive(vectors[i].source, vectors[i].event_id, vectors[i].step, vectors[i].direction,
				   vectors[i].generation, vectors[i].label, key);
		assert_string_equal(key, vectors[i].key);
	}
}

static void keys_do_not_run_together(void **state)
{
	(void)state;
	char one[KEY_TEXT_BYTES];
	char two[KEY_TEXT_BYTES];
	key_derive("ab", "c", "s", DIRECTION_DO, 1, "", one);
	key_derive("a", "bc", "s", DIRECTION_DO, 1, "", two);
	assert_string_not_equal(one, two);
	key_derive("a", "b", "s", DIRECTION_DO, 11, "", one);
	key_derive("a", "b", "s", DIRECTION_DO, 1, "1", two);
	assert_string_not_equal(one, two);
}

/* ---- retry ---- */

static uint64_t lowest(void *ctx, uint64_t bound)
{
	*(uint64_t *)ctx = bound;
	return 0;
}

static uint64_t highest(void *ctx, uint64_t bound)
{
	*(uint64_t *)ctx = bound;
	return bound > 0 ? bound - 1 : 0;
}

static void delays_grow_to_the_cap(void **state)
{
	(void)state;
	const struct retry_policy p = { .first_ms = 1000, .factor = 2, .cap_ms = 3600000 };
	static const struct {
		uint32_t nth;
		int64_t base;
	} rows[] = { { 0, 1000 },
				 { 1, 1000 },
				 { 2, 2000 },
				 { 3, 4000 },
				 { 12, 2048000 },
				 { 13, 3600000 },
				 { UINT32_MAX, 3600000 } };
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		uint64_t bound = 0;
		assert_int_equal(retry_delay_ms(&p, rows[i].nth, 0, (struct entropy){ &bound, lowest }),
						 rows[i].base);
		assert_int_equal(bound, rows[i].base / 2 + 1);
		assert_int_equal(retry_delay_ms(&p, rows[i].nth, 0, (struct entropy){ &bound, highest }),
						 rows[i].base + rows[i].base / 2);
	}
}

static void retry_after_only_extends_and_is_capped(void **state)
{
	(void)state;
	const struct retry_policy p = { .first_ms = 1000, .factor = 2, .cap_ms = 60000 };
	uint64_t bound;
	struct entropy low = { &bound, lowest };
	assert_int_equal(retry_delay_ms(&p, 1, 500, low), 1000);
	assert_int_equal(retry_delay_ms(&p, 1, 30000, low), 30000);
	assert_int_equal(retry_delay_ms(&p, 1, INT64_MAX, low), 60000);
	assert_int_equal(retry_delay_ms(&p, 1, -5, low), 1000);
	assert_int_equal(retry_delay_ms(&p, 1, 30000, (struct entropy){ &bound, highest }), 30500);
}

static void no_policy_overflows(void **state)
{
	(void)state;
	static const double factors[] = { 0, 1, 1e308, INFINITY, NAN, -3 };
	static const int64_t spans[] = { INT64_MIN, -1, 0, 1, INT64_MAX / 2, INT64_MAX };
	uint64_t bound;
	for (size_t f = 0; f < sizeof factors / sizeof factors[0]; f++) {
		for (size_t a = 0; a < 36; a++) {
			const struct retry_policy p = { .first_ms = spans[a % 6],
											.factor = factors[f],
											.cap_ms = spans[a / 6] };
			for (uint32_t nth = 0; nth < 70; nth += 23) {
				int64_t d = retry_delay_ms(&p, nth, INT64_MAX, (struct entropy){ &bound, highest });
				assert_true(d >= 0 && d < INT64_MAX);
			}
		}
	}
}

static void giving_up_needs_an_attempt(void **state)
{
	(void)state;
	const struct retry_policy by_age = { .give_up_after_ms = 1000 };
	const struct retry_policy by_count = { .attempts = 3 };
	const struct retry_policy never = { .attempts = 0 };
	assert_false(retry_exhausted(&by_age, 0, INT64_MAX));
	assert_false(retry_exhausted(&by_age, 1, 999));
	assert_true(retry_exhausted(&by_age, 1, 1000));
	assert_false(retry_exhausted(&by_count, 2, INT64_MAX));
	assert_true(retry_exhausted(&by_count, 3, 0));
	assert_false(retry_exhausted(&never, UINT32_MAX, INT64_MAX));
}

/* ---- plans ---- */

static void a_plan_is_its_text(void **state)
{
	(void)state;
	char route[] = "donations", crm[] = "crm", thanks[] = "thanks", when[] = ".amount.minor > 0";
	struct plan draft = { .route = route, .policy = POLICY_COMPENSATE, .step_count = 2 };
	draft.steps[0] = (struct plan_step){ .name = crm, .target = crm };
	draft.steps[1] = (struct plan_step){
		.name = thanks, .target = crm, .after = 1, .when = when, .expire_ms = 60000, .undo_none = true
	};
	struct plan *p = NULL;
	struct plan *again = NULL;
	assert_int_equal(plan_create(&draft, &p, NULL), 0);
	assert_string_equal(p->json,
						"{\"policy\":\"compensate\",\"route\":\"donations\",\"steps\":["
						"{\"name\":\"crm\",\"target\":\"crm\"},"
						"{\"after\":[\"crm\"],\"expire_ms\":60000,\"name\":\"thanks\",\"target\":\"crm\","
						"\"undo\":\"none\",\"when\":\".amount.minor > 0\"}]}");
	uint8_t digest[32];
	digest_bytes(p->json, strlen(p->json), digest);
	assert_memory_equal(p->digest, digest, 32);
	assert_int_equal(plan_parse(str_of(p->json), &again, NULL), 0);
	assert_memory_equal(again->digest, p->digest, 32);
	assert_int_equal(again->steps[1].after, 1);
	assert_string_equal(again->steps[1].when, when);
	assert_int_equal(plan_find_step(again, "thanks"), 1);
	assert_int_equal(plan_find_step(again, "mail"), -1);
	plan_unref(again);
	assert_ptr_equal(plan_ref(p), p);
	plan_unref(p);
	plan_unref(p);
	plan_unref(NULL);
}

static void bad_plans_are_refused_with_a_reason(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"",
		"[]",
		"{\"route\":\"r\",\"steps\":[]}",
		"{\"policy\":\"sometimes\",\"route\":\"r\",\"steps\":[]}",
		"{\"policy\":\"hold\",\"steps\":[]}",
		"{\"policy\":\"hold\",\"route\":\"r\"}",
		"{\"policy\":\"hold\",\"route\":\"r\",\"steps\":[],\"order\":1}",
		"{\"policy\":\"hold\",\"route\":\"r\",\"steps\":[null]}",
		"{\"policy\":\"hold\",\"route\":\"r\",\"steps\":[{\"name\":\"a\"}]}",
		"{\"policy\":\"hold\",\"route\":\"r\",\"steps\":[{\"name\":\"\",\"target\":\"t\"}]}",
		"{\"policy\":\"hold\",\"route\":\"r\",\"steps\":[{\"name\":\"a\",\"target\":\"t\",\"undo\":\"all\"}]"
		"}",
		"{\"policy\":\"hold\",\"route\":\"r\",\"steps\":[{\"name\":\"a\",\"target\":\"t\",\"expire_ms\":"
		"\"7\"}]}",
		"{\"policy\":\"hold\",\"route\":\"r\",\"steps\":[{\"name\":\"a\",\"target\":\"t\",\"expire_ms\":-7}]"
		"}",
		"{\"policy\":\"hold\",\"route\":\"r\",\"steps\":[{\"name\":\"a\",\"target\":\"t\",\"after\":[\"b\"]}]"
		"}",
		"{\"policy\":\"hold\",\"route\":\"r\",\"steps\":[{\"name\":\"a\",\"target\":\"t\",\"after\":[\"a\"]}]"
		"}",
		"{\"policy\":\"hold\",\"route\":\"r\",\"steps\":[{\"name\":\"a\",\"target\":\"t\",\"after\":[3]}]}",
		"{\"policy\":\"hold\",\"route\":\"r\",\"steps\":[{\"name\":\"a\",\"target\":\"t\"},{\"name\":\"a\","
		"\"target\":\"u\"}]}",
		"{\"policy\":\"hold\",\"route\":\"r\",\"steps\":[{\"name\":\"a\",\"target\":\"t\",\"after\":[\"b\"]},"
		"{\"name\":\"b\",\"target\":\"t\",\"after\":[\"a\"]}]}",
	};
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct plan *p = NULL;
		struct err err = { 0 };
		if (plan_parse(str_of(texts[i]), &p, &err) == 0)
			fail_msg("accepted: %s", texts[i]);
		assert_true(err.text[0] != '\0');
		assert_null(p);
	}
	struct plan draft = { .step_count = PLAN_STEPS_MAX + 1 };
	struct plan *p = NULL;
	assert_int_equal(plan_create(&draft, &p, NULL), ERR_TOO_BIG);
	char bad[] = "\xff";
	draft = (struct plan){ .route = bad };
	assert_int_equal(plan_create(&draft, &p, NULL), ERR_INVALID);
}

static void a_plan_may_be_empty_or_full(void **state)
{
	(void)state;
	struct plan *p = plan_empty();
	assert_int_equal(p->step_count, 0);
	assert_string_equal(p->route, "");
	plan_unref(p);
	struct plan draft = { .step_count = PLAN_STEPS_MAX };
	char names[PLAN_STEPS_MAX][4];
	for (unsigned i = 0; i < PLAN_STEPS_MAX; i++) {
		snprintf(names[i], sizeof names[i], "s%u", i);
		draft.steps[i] = (struct plan_step){ .name = names[i],
											 .target = names[i],
											 .after = i == 0 ? 0 : UINT32_MAX >> (32 - i) };
	}
	assert_int_equal(plan_create(&draft, &p, NULL), 0);
	struct plan *again = NULL;
	assert_int_equal(plan_parse(str_of(p->json), &again, NULL), 0);
	assert_int_equal(again->steps[31].after, UINT32_MAX >> 1);
	plan_unref(again);
	plan_unref(p);
}

/* ---- events ---- */

static void an_event_keeps_its_bytes(void **state)
{
	(void)state;
	const struct event_fields fields = {
		.source = STR("forms"), .event_id = STR("e1"), .raw = { "a\0b", 3 }, .canonical = STR("{}")
	};
	struct event *e = event_create(&fields, 5);
	assert_memory_equal(e->f.raw.p, "a\0b", 4);
	assert_string_equal(e->f.gift.p, "");
	assert_int_equal(e->received_ms, 5);
	struct event *again = NULL;
	assert_int_equal(event_restore(e->payload, 2, &again, NULL), 0);
	assert_string_equal(again->f.source.p, "forms");
	assert_memory_equal(again->f.raw.p, "a\0b", 4);
	assert_int_equal(again->received_ms, 5);
	assert_int_equal(again->version, 2);
	assert_true(str_eq(again->payload, e->payload));
	assert_memory_equal(again->digest, e->digest, 32);
	assert_memory_equal(again->body_digest, e->body_digest, 16);
	uint8_t body[32];
	digest_bytes("a\0b", 3, body);
	assert_memory_equal(e->body_digest, body, 16);
	struct event *other = event_create(&fields, 5);
	assert_memory_not_equal(other->digest, e->digest, 32); /* another salt gives another digest */
	assert_true(event_bytes(e) > sizeof *e + e->payload.len);
	assert_int_equal(e->version, EVENT_FIRST_VERSION);
	assert_ptr_equal(event_ref(e), e);
	event_unref(e);
	event_unref(e);
	event_unref(again);
	event_unref(other);
	event_unref(NULL);
}

/* A digest recorded before events had this member stays the digest of its event. */
static void decoding_counts_in_the_digest_only_when_there_is_some(void **state)
{
	(void)state;
	struct event_fields fields = { .raw = STR("r"), .canonical = STR("c") };
	struct event *e = event_create(&fields, 5);
	const struct str parts[] = {
		{ (const char *)e->salt, EVENT_SALT_BYTES }, STR("r"), STR("c"), STR("gzip")
	};
	uint8_t expected[DIGEST_BYTES];
	digest_parts(parts, 3, expected);
	assert_memory_equal(e->digest, expected, sizeof expected);
	event_unref(e);
	fields.decoding = STR("gzip");
	e = event_create(&fields, 5);
	const struct str with[] = { { (const char *)e->salt, EVENT_SALT_BYTES }, parts[1], parts[2], parts[3] };
	digest_parts(with, 4, expected);
	assert_memory_equal(e->digest, expected, sizeof expected);
	assert_string_equal(e->f.decoding.p, "gzip");
	event_unref(e);
}

static void an_event_says_of_which_request_it_is_a_part(void **state)
{
	(void)state;
	const struct event_fields fields = { .raw = STR("r"), .request = 9, .item = 4 };
	struct event *e = event_create(&fields, 5), *again = NULL;
	assert_int_equal(event_restore(e->payload, 1, &again, NULL), 0);
	assert_int_equal(again->f.request, 9);
	assert_int_equal(again->f.item, 4);
	event_unref(e);
	event_unref(again);
	struct err err = { 0 };
	assert_int_equal(event_restore(STR("no payload"), 1, &again, &err), ERR_CORRUPT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_name_is_found_again),
		cmocka_unit_test(what_is_outside_a_table_has_no_name),
		cmocka_unit_test(keys_are_these_for_ever),
		cmocka_unit_test(keys_do_not_run_together),
		cmocka_unit_test(delays_grow_to_the_cap),
		cmocka_unit_test(retry_after_only_extends_and_is_capped),
		cmocka_unit_test(no_policy_overflows),
		cmocka_unit_test(giving_up_needs_an_attempt),
		cmocka_unit_test(a_plan_is_its_text),
		cmocka_unit_test(bad_plans_are_refused_with_a_reason),
		cmocka_unit_test(a_plan_may_be_empty_or_full),
		cmocka_unit_test(an_event_keeps_its_bytes),
		cmocka_unit_test(decoding_counts_in_the_digest_only_when_there_is_some),
		cmocka_unit_test(an_event_says_of_which_request_it_is_a_part),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
