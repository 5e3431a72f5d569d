/* Stored forms: what was encoded decodes to the same value, and damaged bytes give an error, never a
 * crash. */
#include <stdlib.h>
#include <string.h>

#include "saga/base/mem.h"
#include "saga/model/record_json.h"
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
	assert_null(saga_check(s));
	saga_destroy(s);
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
	assert_true(bytes.len < texts + 20 + 3 * 16);
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

/* ---- records ---- */

static const uint8_t digest[32] = { 9, 8, 7 };

static const struct record samples[] = {
	{ .kind = RECORD_ACCEPTED,
	  .at_ms = FIXTURE_START_MS,
	  .step = -1,
	  .digest = { (const char *)digest, 32 } },
	{ .kind = RECORD_INTENT, .at_ms = FIXTURE_START_MS, .step = 0, .generation = 1, .attempt = 1 },
	{ .kind = RECORD_OUTCOME,
	  .at_ms = FIXTURE_START_MS + 7,
	  .step = 31,
	  .direction = DIRECTION_UNDO,
	  .generation = 3,
	  .attempt = UINT32_MAX,
	  .outcome = OUTCOME_UNKNOWN,
	  .status = 504,
	  .duration_ms = INT64_MAX,
	  .digest = { (const char *)digest, 16 },
	  .personal = { "no answer", 9 } },
	{ .kind = RECORD_STEP,
	  .at_ms = FIXTURE_START_MS - 7,
	  .step = 1,
	  .generation = 0,
	  .to = STEP_RETRY_WAIT,
	  .why = WHY_DUE,
	  .due_ms = INT64_MIN },
	{ .kind = RECORD_VERB,
	  .at_ms = INT64_MAX,
	  .step = -1,
	  .generation = 4,
	  .text = { "resume", 6 },
	  .actor = { "uid 0", 5 },
	  .note = { "fixed", 5 } },
	{ .kind = RECORD_RESULT,
	  .at_ms = INT64_MIN,
	  .step = 2,
	  .generation = 1,
	  .personal = { "{\"id\":1}", 8 } },
	{ .kind = RECORD_STEP,
	  .at_ms = INT64_MIN,
	  .step = 2,
	  .generation = 1,
	  .to = STEP_SKIPPED,
	  .reason = SKIP_WHEN },
};
enum { SAMPLES = sizeof samples / sizeof samples[0] };

static void fill(struct records *log)
{
	for (size_t i = 0; i < SAMPLES; i++)
		records_add(log, &samples[i]);
	assert_int_equal(log->count, SAMPLES);
}

static void expect_same(const struct record *a, const struct record *b, bool forgotten)
{
	assert_int_equal(a->kind, b->kind);
	assert_int_equal(a->at_ms, b->at_ms);
	assert_int_equal(a->step, b->step);
	assert_int_equal(a->direction, b->direction);
	assert_int_equal(a->generation, b->generation);
	assert_int_equal(a->attempt, b->attempt);
	assert_int_equal(a->to, b->to);
	assert_int_equal(a->reason, b->reason);
	assert_int_equal(a->why, b->why);
	assert_int_equal(a->outcome, b->outcome);
	assert_int_equal(a->status, b->status);
	assert_int_equal(a->duration_ms, b->duration_ms);
	assert_int_equal(a->due_ms, b->due_ms);
	assert_true(str_eq(a->digest, b->digest) && str_eq(a->text, b->text) && str_eq(a->actor, b->actor) &&
				str_eq(a->note, b->note));
	assert_true(forgotten ? a->personal.len == 0 : str_eq(a->personal, b->personal));
	assert_int_equal(a->forgotten, forgotten && b->personal.len > 0);
}

static void records_come_back_as_they_were(void **state)
{
	(void)state;
	struct records log = { 0 };
	fill(&log);
	for (int forgotten = 0; forgotten < 2; forgotten++) {
		struct str personal = forgotten ? (struct str){ "", 0 } : buf_str(&log.personal);
		struct records_reader reader = records_read(buf_str(&log.head), personal);
		struct record r;
		for (size_t i = 0; i < SAMPLES; i++) {
			assert_int_equal(records_next(&reader, &r, NULL), 1);
			expect_same(&r, &samples[i], forgotten != 0);
		}
		assert_int_equal(records_next(&reader, &r, NULL), 0);
	}
	records_clear(&log);
	struct records_reader empty = records_read(buf_str(&log.head), buf_str(&log.personal));
	struct record r;
	assert_int_equal(records_next(&empty, &r, NULL), 0);
	records_add(&log, &samples[1]);
	empty = records_read(buf_str(&log.head), buf_str(&log.personal));
	assert_int_equal(records_next(&empty, &r, NULL), 1);
	assert_int_equal(r.at_ms, FIXTURE_START_MS);
	records_free(&log);
}

/* Reads records until the end or the first damaged one. */
static int read_all(struct str head, struct str personal)
{
	struct records_reader reader = records_read(head, personal);
	struct record r;
	struct err err = { 0 };
	int rc;
	unsigned count = 0;
	while ((rc = records_next(&reader, &r, &err)) == 1) {
		assert_true(r.step >= RECORD_NO_STEP && r.step < PLAN_STEPS_MAX);
		assert_true(r.outcome < OUTCOME_COUNT && r.kind > 0 && r.kind < RECORD_KIND_END);
		json_t *json = record_json(&r, SUBJECT_SAGA, 1, 2, 3, NULL);
		char *text = json_dumps(json, JSON_COMPACT);
		assert_non_null(text);
		free(text);
		json_decref(json);
		assert_true(++count < 1000);
	}
	assert_true(rc == 0 || (rc == ERR_CORRUPT && err.text[0] != '\0'));
	return rc;
}

static void damaged_records_are_refused_or_legal(void **state)
{
	(void)state;
	struct records log = { 0 };
	fill(&log);
	struct str personal = buf_str(&log.personal);
	for (size_t len = 0; len <= log.head.len; len++) {
		char *cut = mem_strndup(log.head.data, len);
		(void)read_all((struct str){ cut, len }, personal);
		free(cut);
	}
	for (size_t len = 1; len < personal.len; len++) {
		char *cut = mem_strndup(personal.p, len);
		assert_int_equal(read_all(buf_str(&log.head), (struct str){ cut, len }), ERR_CORRUPT);
		free(cut);
	}
	uint64_t seed = 3;
	for (size_t n = 0; n < log.head.len * 8 + 20000; n++) {
		char *bad = mem_strndup(log.head.data, log.head.len);
		bool single = n < log.head.len * 8;
		for (unsigned flips = single ? 1 : 3; flips > 0; flips--) {
			size_t bit = single ? n : fixture_below(&seed, log.head.len * 8);
			bad[bit / 8] = (char)((unsigned char)bad[bit / 8] ^ 1u << bit % 8);
		}
		(void)read_all((struct str){ bad, log.head.len }, personal);
		free(bad);
	}
	records_free(&log);
}

static void unknown_records_are_refused(void **state)
{
	(void)state;
	static const uint8_t newer_version[] = { 2, 1, 0 };
	static const uint8_t newer_kind[] = { 1, RECORD_KIND_END, 0 };
	static const uint8_t newer_member[] = { 1, 1, 0x80, 0x80, 0x08 };
	static const uint8_t step_32[] = { 1, 6, 2, 32 };
	assert_int_equal(read_all((struct str){ (const char *)newer_version, 3 }, STR("")), ERR_CORRUPT);
	assert_int_equal(read_all((struct str){ (const char *)newer_kind, 3 }, STR("")), ERR_CORRUPT);
	assert_int_equal(read_all((struct str){ (const char *)newer_member, 5 }, STR("")), ERR_CORRUPT);
	assert_int_equal(read_all((struct str){ (const char *)step_32, 4 }, STR("")), ERR_CORRUPT);
}

static void expect_json(const struct record *r, const struct plan *plan, const char *expected)
{
	json_t *json = record_json(r, SUBJECT_SAGA, 7, 12, 3, plan);
	char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
	assert_string_equal(text, expected);
	free(text);
	json_decref(json);
}

static void records_read_well_as_json(void **state)
{
	(void)state;
	struct plan *plan = fixture_plan(POLICY_CONTINUE, "a b c");
	const struct record outcome = { .kind = RECORD_OUTCOME,
									.at_ms = FIXTURE_START_MS,
									.step = 1,
									.generation = 1,
									.attempt = 2,
									.outcome = OUTCOME_REJECTED,
									.status = 422,
									.duration_ms = 31,
									.personal = { "no such fund", 12 } };
	expect_json(&outcome, plan,
				"{\"at\":\"2023-11-14T22:13:20.000Z\",\"attempt\":2,\"commit\":3,\"detail\":\"no such fund\","
				"\"direction\":\"do\",\"duration_ms\":31,\"generation\":1,\"id\":7,\"outcome\":\"rejected\","
				"\"record\":\"outcome\",\"seq\":12,\"status\":422,\"step\":\"b\",\"subject\":\"saga\"}");
	const struct record skipped = { .kind = RECORD_STEP,
									.at_ms = FIXTURE_START_MS,
									.step = 2,
									.generation = 1,
									.to = STEP_SKIPPED,
									.reason = SKIP_OPERATOR };
	expect_json(
		&skipped, NULL,
		"{\"at\":\"2023-11-14T22:13:20.000Z\",\"commit\":3,\"direction\":\"do\",\"generation\":1,\"id\":7,"
		"\"reason\":\"skipped\",\"record\":\"step\",\"seq\":12,\"step\":2,\"subject\":\"saga\","
		"\"to\":\"skipped\"}");
	const struct record result = {
		.kind = RECORD_RESULT, .at_ms = FIXTURE_START_MS, .step = -1, .personal = { "{\"id\":5}", 8 }
	};
	expect_json(&result, NULL,
				"{\"at\":\"2023-11-14T22:13:20.000Z\",\"commit\":3,\"id\":7,\"record\":\"result\","
				"\"result\":{\"id\":5},\"seq\":12,\"subject\":\"saga\"}");
	const struct record bytes = { .kind = RECORD_CHECKPOINT,
								  .at_ms = FIXTURE_START_MS,
								  .step = -1,
								  .personal = { "\xff\x01", 2 },
								  .forgotten = true };
	expect_json(&bytes, NULL,
				"{\"at\":\"2023-11-14T22:13:20.000Z\",\"bytes\":\"hex:ff01\",\"commit\":3,\"forgotten\":true,"
				"\"id\":7,\"record\":\"checkpoint\",\"seq\":12,\"subject\":\"saga\"}");
	plan_unref(plan);
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

/* Every record about a step names the attempt that it is about, and when. */
static void records_name_their_attempt(void **state)
{
	(void)state;
	struct model_fixture k;
	fixture_init(&k, POLICY_CONTINUE, "a");
	const unsigned before = k.log.count;
	for (unsigned attempt = 1; attempt <= 3; attempt++)
		fixture_outcome(&k, fixture_begin(&k, 0), attempt < 3 ? OUTCOME_UNREACHABLE : OUTCOME_OK, false);
	struct records_reader reader = records_read(buf_str(&k.log.head), buf_str(&k.log.personal));
	struct record record;
	unsigned seen = 0, of_attempt[4] = { 0 };
	while (records_next(&reader, &record, NULL) == 1) {
		if (seen++ < before || record.step != 0)
			continue;
		assert_int_equal(record.direction, DIRECTION_DO);
		assert_int_equal(record.generation, 1);
		assert_in_range(record.attempt, 1, 3);
		assert_true(record.at_ms >= FIXTURE_START_MS && record.at_ms <= k.d.now_ms);
		of_attempt[record.attempt]++;
	}
	for (unsigned attempt = 1; attempt <= 3; attempt++)
		assert_true(of_attempt[attempt] >= 2); /* its intent and its outcome */
	fixture_finish(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_saga_comes_back_as_it_was),
		cmocka_unit_test(a_happy_saga_is_small),
		cmocka_unit_test(a_saga_cut_short_is_refused),
		cmocka_unit_test(a_saga_with_flipped_bits_is_refused_or_legal),
		cmocka_unit_test(a_saga_of_another_plan_is_refused),
		cmocka_unit_test(records_come_back_as_they_were),
		cmocka_unit_test(damaged_records_are_refused_or_legal),
		cmocka_unit_test(unknown_records_are_refused),
		cmocka_unit_test(records_read_well_as_json),
		cmocka_unit_test(records_name_their_attempt),
		cmocka_unit_test(results_are_given_to_later_steps),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
