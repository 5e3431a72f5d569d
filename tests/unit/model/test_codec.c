/* The stored form of a saga: what was encoded decodes to the same saga, and damaged bytes give an error, never a
 * crash. */
#include <stdlib.h>
#include <string.h>

#include "saga/base/hex.h"
#include "saga/base/mem.h"
#include "saga/model/saga_codec_1.h"
#include "tests/unit/model/model_fixture.h"

/* A saga with something in every member. */
static void rich(struct model_fixture *k)
{
	fixture_init(k, POLICY_CONTINUE, "a b>a c");
	struct saga *s = k->saga;
	struct step *st = fixture_step(k, 0);
	st->has_lane = true;
	memset(st->lane, 7, LANE_BYTES);
	fixture_try(k, 0, OUTCOME_UNKNOWN, true);
	struct attempt_ref ref = fixture_begin(k, 0);
	assert_int_equal(decide_checkpoint(&k->d, ref, (struct str){ "x\0y", 3 }), 0);
	const struct outcome bad = { .result = OUTCOME_BODY_CHANGED,
								 .detail = "d\xc3\xa9tail",
								 .has_body = true };
	assert_int_equal(decide_outcome(&k->d, ref, &bad), 0);
	const struct outcome ok = { .result = OUTCOME_OK, .has_body = true, .result_json = "{\"id\":\"9\"}" };
	assert_int_equal(decide_outcome(&k->d, fixture_begin(k, 2), &ok), 0);
	s->finished_ms = FIXTURE_START_MS - 5;
	st->doubt_before = st->by_operator = st->condition_passed = true;
	st->location = LOCATION_DISK;
	mem_set_text(&s->note, "a note");
	saga_rows_append(&s->rows, 5);
	saga_rows_append(&s->rows, 1000);
	assert_null(saga_check(s));
}

static struct saga *decode(struct model_fixture *k, struct str bytes)
{
	struct saga *s = NULL;
	struct err err = { 0 };
	int rc = saga_decode(7, k->plan, bytes, &s, &err);
	assert_int_equal(rc == 0, s != NULL);
	assert_true(rc == 0 || (rc == ERR_CORRUPT && err.text[0] != '\0'));
	return s;
}

static void a_saga_comes_back_as_it_was(void **state)
{
	(void)state;
	struct model_fixture k;
	rich(&k);
	struct buf bytes AUTO_BUF = { 0 };
	struct buf again AUTO_BUF = { 0 };
	saga_encode(k.saga, &bytes);
	struct saga *s = decode(&k, buf_str(&bytes));
	assert_non_null(s);
	saga_encode(s, &again);
	assert_true(str_eq(buf_str(&bytes), buf_str(&again)));
	const struct step *was = fixture_step(&k, 0);
	const struct step *is = &s->steps[0];
	assert_int_equal(is->checkpoint_len, 3);
	assert_memory_equal(is->checkpoint, "x\0y", 3);
	assert_string_equal(is->detail, was->detail);
	assert_int_equal(is->effect_possible_ms, was->effect_possible_ms);
	assert_int_equal(is->begun_ms, was->begun_ms);
	assert_int_equal(is->waited_ms, was->waited_ms);
	assert_string_equal(s->steps[2].result, "{\"id\":\"9\"}");
	assert_string_equal(s->note, "a note");
	assert_int_equal(s->rows.count, 2);
	assert_int_equal(s->rows.numbers[0], 5);
	assert_int_equal(s->rows.numbers[1], 1000);
	assert_null(saga_check(s));
	saga_destroy(s);
	fixture_finish(&k);
}

/* A detail that only repeats the status takes no text, and a lane that several steps share is stored once. */
static void details_and_lanes_come_back_as_they_were(void **state)
{
	(void)state;
	static const char *const details[] = { "200", "007", "1000000000", "999999999", "0", "200 OK", "" };
	struct model_fixture k;
	fixture_init(&k, POLICY_CONTINUE, "a b c d e f g");
	for (unsigned i = 0; i < 7; i++) {
		struct step *st = fixture_step(&k, i);
		const struct outcome o = { .result = OUTCOME_OK, .status = 200, .detail = details[i] };
		assert_int_equal(decide_outcome(&k.d, fixture_begin(&k, i), &o), 0);
		st->has_lane = i != 0 && i != 3;
		if (st->has_lane)
			memset(st->lane, i < 5 ? 7 : (int)i, LANE_BYTES);
	}
	struct buf bytes AUTO_BUF = { 0 };
	saga_encode(k.saga, &bytes);
	struct saga *s = decode(&k, buf_str(&bytes));
	assert_non_null(s);
	for (unsigned i = 0; i < 7; i++) {
		assert_string_equal(s->steps[i].detail, details[i]);
		assert_int_equal(s->steps[i].has_lane, i != 0 && i != 3);
		if (s->steps[i].has_lane)
			assert_memory_equal(s->steps[i].lane, fixture_step(&k, i)->lane, LANE_BYTES);
	}
	saga_destroy(s);
	fixture_finish(&k);
}

static struct str core_of(const struct model_fixture *k, struct buf *bytes)
{
	struct str core = { 0 };
	buf_clear(bytes);
	size_t at = saga_encode(k->saga, bytes);
	assert_int_equal(saga_core_of(k->plan, buf_str(bytes), &core, NULL), 0);
	assert_ptr_equal(core.p, bytes->data + at);
	assert_int_equal(core.len, bytes->len - at);
	return core;
}

/* The log's digest of a saga covers the core, so it must not change without a record. */
static void the_core_lacks_only_what_changes_without_a_record(void **state)
{
	(void)state;
	struct model_fixture k;
	rich(&k);
	struct buf first AUTO_BUF = { 0 };
	struct buf second AUTO_BUF = { 0 };
	struct step *st = fixture_step(&k, 0);
	struct str core = core_of(&k, &first);
	st->location = LOCATION_NONE;
	st->why = WHY_LANE;
	st->condition_passed = false;
	st->due_ms = FIXTURE_START_MS + 12345;
	saga_rows_append(&k.saga->rows, 2000);
	assert_true(str_eq(core, core_of(&k, &second)));
	st->waits++;
	assert_false(str_eq(core, core_of(&k, &second)));
	fixture_finish(&k);
}

static void the_digest_of_a_value_covers_salt_and_plan_and_core(void **state)
{
	(void)state;
	uint8_t salt[SAGA_SALT_BYTES] = { 1 };
	uint8_t digests[4][SAGA_DIGEST_BYTES];
	struct plan *plan = fixture_plan(POLICY_CONTINUE, "a");
	struct plan *other = fixture_plan(POLICY_HOLD, "a");
	saga_value_digest(salt, plan, STR("core"), digests[0]);
	saga_value_digest(salt, plan, STR("cora"), digests[1]);
	saga_value_digest(salt, other, STR("core"), digests[2]);
	salt[15] = 1;
	saga_value_digest(salt, plan, STR("core"), digests[3]);
	for (unsigned i = 0; i < 4; i++) {
		for (unsigned j = 0; j < i; j++)
			assert_memory_not_equal(digests[i], digests[j], SAGA_DIGEST_BYTES);
	}
	plan_unref(plan);
	plan_unref(other);
}

static struct str bytes_of_hex(const char *hex, uint8_t *out, size_t capacity)
{
	size_t len = 0;
	assert_true(hex_decode(str_of(hex), out, capacity, &len));
	return (struct str){ (const char *)out, len };
}

/* What the program before version 2 stored for rich(). */
static void a_saga_of_version_1_is_read(void **state)
{
	(void)state;
	static const char stored[] =
		"0170030580a0abfef9620905666f726d73056576742d3110646f6e6174696f6e2e637265617465"
		"6403672d3110616e6e61406578616d706c652e6f72670661206e6f746503352afafa0e0707070707"
		"0707070707070707070707f6100201f610f610f6100005010764c3a97461696c0378007928000004"
		"01d501000000000000000000000000000000000101f610f6100a7b226964223a2239227d";
	struct model_fixture k;
	rich(&k);
	uint8_t bytes[256];
	struct str old = bytes_of_hex(stored, bytes, sizeof bytes);
	struct saga *s = NULL;
	assert_int_equal(saga_codec_1_decode(7, k.plan, old, &s, NULL), 0);
	assert_int_equal(s->rows.count, 0);
	struct buf is AUTO_BUF = { 0 };
	struct buf was AUTO_BUF = { 0 };
	saga_rows_free(&k.saga->rows);
	saga_encode(s, &is);
	saga_encode(k.saga, &was);
	assert_true(str_eq(buf_str(&is), buf_str(&was)));
	saga_destroy(s);
	struct err err = { 0 };
	assert_int_equal(saga_codec_1_decode(7, k.plan, (struct str){ old.p, old.len - 1 }, &s, &err),
					 ERR_CORRUPT);
	assert_int_equal(saga_codec_1_decode(7, k.plan, buf_str(&is), &s, &err), ERR_CORRUPT);
	assert_null(decode(&k, old));
	fixture_finish(&k);
}

static void an_encrypted_saga_is_refused(void **state)
{
	(void)state;
	struct model_fixture k;
	rich(&k);
	struct buf bytes AUTO_BUF = { 0 };
	struct saga *s = NULL;
	struct saga_rows rows = { 0 };
	struct str core;
	struct err err = { 0 };
	saga_encode(k.saga, &bytes);
	bytes.data[0] = 1;
	assert_int_equal(saga_decode(7, k.plan, buf_str(&bytes), &s, &err), ERR_CORRUPT);
	assert_non_null(strstr(err.text, "saga 7"));
	assert_non_null(strstr(err.text, "encrypted"));
	assert_int_equal(saga_rows_of(buf_str(&bytes), &rows, &err), ERR_CORRUPT);
	assert_int_equal(saga_core_of(k.plan, buf_str(&bytes), &core, &err), ERR_CORRUPT);
	fixture_finish(&k);
}

static void a_happy_saga_is_small(void **state)
{
	(void)state;
	struct model_fixture k;
	fixture_init(&k, POLICY_CONTINUE, "a b c");
	for (unsigned i = 0; i < 3; i++)
		fixture_try(&k, i, OUTCOME_OK, true);
	struct buf bytes AUTO_BUF = { 0 };
	saga_encode(k.saga, &bytes);
	size_t texts = strlen("forms") + strlen("evt-1") + strlen("donation.created") + strlen("g-1") +
				   strlen("anna@example.org");
	assert_true(bytes.len < texts + 20 + 3 * 8);
	fixture_finish(&k);
}

static void a_saga_cut_short_is_refused(void **state)
{
	(void)state;
	struct model_fixture k;
	rich(&k);
	struct buf bytes AUTO_BUF = { 0 };
	saga_encode(k.saga, &bytes);
	for (size_t len = 0; len < bytes.len; len++) {
		char *cut =
			mem_strndup(bytes.data, len); /* a block of its own, so that a read past the end is found */
		assert_null(decode(&k, (struct str){ cut, len }));
		free(cut);
	}
	buf_byte(&bytes, 0);
	assert_null(decode(&k, buf_str(&bytes)));
	fixture_finish(&k);
}

static void a_saga_with_flipped_bits_is_refused_or_legal(void **state)
{
	(void)state;
	struct model_fixture k;
	rich(&k);
	struct buf bytes AUTO_BUF = { 0 };
	saga_encode(k.saga, &bytes);
	unsigned refused = 0;
	uint64_t seed = 1;
	for (size_t n = 0; n < bytes.len * 8 + 20000; n++) {
		char *bad = mem_strndup(bytes.data, bytes.len);
		bool single = n < bytes.len * 8;
		for (unsigned flips = single ? 1 : 1 + (unsigned)fixture_below(&seed, 4); flips > 0; flips--) {
			size_t bit = single ? n : fixture_below(&seed, bytes.len * 8);
			bad[bit / 8] = (char)((unsigned char)bad[bit / 8] ^ 1u << bit % 8);
		}
		struct saga *s = decode(&k, (struct str){ bad, bytes.len });
		if (s != NULL)
			assert_null(saga_check(s));
		refused += s == NULL ? 1 : 0;
		saga_destroy(s);
		free(bad);
	}
	assert_true(refused > 1000);
	fixture_finish(&k);
}

static void a_saga_of_another_plan_is_refused(void **state)
{
	(void)state;
	struct model_fixture k;
	struct model_fixture other;
	fixture_init(&k, POLICY_CONTINUE, "a b");
	fixture_init(&other, POLICY_CONTINUE, "a");
	struct buf bytes AUTO_BUF = { 0 };
	saga_encode(k.saga, &bytes);
	assert_null(decode(&other, buf_str(&bytes)));
	fixture_finish(&k);
	fixture_finish(&other);
}

static void results_are_given_to_later_steps(void **state)
{
	(void)state;
	struct model_fixture k;
	fixture_init(&k, POLICY_CONTINUE, "a b c");
	const struct outcome with = { .result = OUTCOME_OK, .result_json = "{\"id\":\"42\"}" };
	const struct outcome broken = { .result = OUTCOME_OK, .result_json = "{\"id\":" };
	assert_int_equal(decide_outcome(&k.d, fixture_begin(&k, 0), &with), 0);
	assert_int_equal(decide_outcome(&k.d, fixture_begin(&k, 1), &broken), 0);
	struct buf out AUTO_BUF = { 0 };
	saga_results_json(k.saga, &out);
	assert_string_equal(out.data, "{\"a\":{\"id\":\"42\"},\"b\":{}}");
	assert_non_null(strstr(fixture_step(&k, 1)->detail, "not a JSON object"));
	fixture_finish(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_saga_comes_back_as_it_was),
		cmocka_unit_test(details_and_lanes_come_back_as_they_were),
		cmocka_unit_test(the_core_lacks_only_what_changes_without_a_record),
		cmocka_unit_test(the_digest_of_a_value_covers_salt_and_plan_and_core),
		cmocka_unit_test(a_saga_of_version_1_is_read),
		cmocka_unit_test(an_encrypted_saga_is_refused),
		cmocka_unit_test(a_happy_saga_is_small),
		cmocka_unit_test(a_saga_cut_short_is_refused),
		cmocka_unit_test(a_saga_with_flipped_bits_is_refused_or_legal),
		cmocka_unit_test(a_saga_of_another_plan_is_refused),
		cmocka_unit_test(results_are_given_to_later_steps),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
