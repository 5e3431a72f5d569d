/* The stored form of log records: what was added is read again, and damaged bytes give an error, never a
 * crash. */
#include <stdlib.h>
#include <string.h>

#include "saga/base/hex.h"
#include "saga/base/mem.h"
#include "saga/model/record_json.h"
#include "tests/unit/model/model_fixture.h"

static struct str bytes_of_hex(const char *hex, uint8_t *out, size_t capacity)
{
	size_t len = 0;
	assert_true(hex_decode(str_of(hex), out, capacity, &len));
	return (struct str){ (const char *)out, len };
}

static const uint8_t digest[32] = { 9, 8, 7 };

static const uint8_t value_digest[16] = { 1, 2, 3 };

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
		struct records_reader reader = records_read(buf_str(&log.head), personal, log.at_ms);
		struct record r;
		for (size_t i = 0; i < SAMPLES; i++) {
			assert_int_equal(records_next(&reader, &r, NULL), 1);
			expect_same(&r, &samples[i], forgotten != 0);
		}
		assert_int_equal(records_next(&reader, &r, NULL), 0);
	}
	records_clear(&log);
	struct records_reader empty = records_read(buf_str(&log.head), buf_str(&log.personal), log.at_ms);
	struct record r;
	assert_int_equal(records_next(&empty, &r, NULL), 0);
	records_add(&log, &samples[1]);
	empty = records_read(buf_str(&log.head), buf_str(&log.personal), log.at_ms);
	assert_int_equal(records_next(&empty, &r, NULL), 1);
	assert_int_equal(r.at_ms, FIXTURE_START_MS);
	records_free(&log);
}

/* Reads records until the end or the first damaged one. */
static int read_all(struct str head, struct str personal)
{
	struct records_reader reader = records_read(head, personal, FIXTURE_START_MS);
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
	static const uint8_t newer_version[] = { 3, 1, 0 };
	static const uint8_t newer_kind[] = { 2, RECORD_KIND_END, 0 };
	static const uint8_t newer_member[] = { 2, 1, 0x80, 0x80, 0x08 };
	static const uint8_t step_32[] = { 2, 6, 2, 32 };
	static const uint8_t value_in_version_1[18] = { 1, RECORD_VALUE };
	static const uint8_t short_value[17] = { 2, RECORD_VALUE };
	static const uint8_t status_without_status[] = { 2, 0x80 | RECORD_OUTCOME, 0 };
	assert_int_equal(read_all((struct str){ (const char *)newer_version, 3 }, STR("")), ERR_CORRUPT);
	assert_int_equal(read_all((struct str){ (const char *)newer_kind, 3 }, STR("")), ERR_CORRUPT);
	assert_int_equal(read_all((struct str){ (const char *)newer_member, 5 }, STR("")), ERR_CORRUPT);
	assert_int_equal(read_all((struct str){ (const char *)step_32, 4 }, STR("")), ERR_CORRUPT);
	assert_int_equal(read_all((struct str){ (const char *)value_in_version_1, 18 }, STR("")), ERR_CORRUPT);
	assert_int_equal(read_all((struct str){ (const char *)short_value, 17 }, STR("")), ERR_CORRUPT);
	assert_int_equal(read_all((struct str){ (const char *)status_without_status, 3 }, STR("")), ERR_CORRUPT);
	assert_int_equal(read_all((struct str){ "\x02\x03\x04\x02", 4 }, STR("")), 0);
	assert_int_equal(read_all((struct str){ "\x02\x03\x80\x04", 4 }, STR("\x01\x01x")), ERR_CORRUPT);
}

/* A record of 17 bytes, behind any other. */
static void the_digest_of_a_value_comes_back(void **state)
{
	(void)state;
	struct records log = { 0 };
	struct record r;
	records_add(&log, &samples[1]);
	size_t before = log.head.len;
	records_add(&log, &(struct record){ .kind = RECORD_VALUE,
										.at_ms = FIXTURE_START_MS,
										.step = RECORD_NO_STEP,
										.digest = { (const char *)value_digest, sizeof value_digest } });
	assert_int_equal(log.head.len, before + 1 + sizeof value_digest);
	struct records_reader reader = records_read(buf_str(&log.head), STR(""), log.at_ms);
	assert_int_equal(records_next(&reader, &r, NULL), 1);
	assert_int_equal(records_next(&reader, &r, NULL), 1);
	assert_int_equal(r.kind, RECORD_VALUE);
	assert_int_equal(r.at_ms, FIXTURE_START_MS);
	assert_true(str_eq(r.digest, (struct str){ (const char *)value_digest, sizeof value_digest }));
	assert_int_equal(records_next(&reader, &r, NULL), 0);
	records_free(&log);
}

/* A row that the program before version 2 wrote. */
static void records_of_version_1_are_read(void **state)
{
	(void)state;
	static const char stored[] =
		"0101810280a0abfef9622009080700000000000000000000000000000000000000000000000000000000000606000109bf1e"
		"0e1f"
		"ffffffff0f04f803feffffffffffffffff011009080700000000000000000000000000030bc3c8011b010300028ee0d48186"
		"9dff"
		"ffff010d8189068ce0d481869dffffff0106726573756d65040575696420300566697865640a830402020bc220020601";
	static const char personal[] = "00"
								   "096e6f20616e73776572087b226964223a317d";
	uint8_t head_bytes[256], personal_bytes[64];
	struct str head = bytes_of_hex(stored, head_bytes, sizeof head_bytes);
	struct records_reader reader =
		records_read(head, bytes_of_hex(personal, personal_bytes, sizeof personal_bytes), FIXTURE_START_MS);
	struct record r;
	for (size_t i = 0; i < SAMPLES; i++) {
		assert_int_equal(records_next(&reader, &r, NULL), 1);
		expect_same(&r, &samples[i], false);
	}
	assert_int_equal(records_next(&reader, &r, NULL), 0);
}

static void an_encrypted_personal_part_is_refused(void **state)
{
	(void)state;
	struct records log = { 0 };
	struct err err = { 0 };
	struct record r;
	records_add(&log, &samples[5]);
	assert_int_equal(log.personal.data[0], 0);
	log.personal.data[0] = 1;
	struct records_reader reader = records_read(buf_str(&log.head), buf_str(&log.personal), log.at_ms);
	assert_int_equal(records_next(&reader, &r, &err), ERR_CORRUPT);
	assert_non_null(strstr(err.text, "encrypted"));
	records_free(&log);
}

/* The usual outcome has no personal part, so its row needs no salt and no digest of one. */
static void a_detail_that_is_the_status_is_no_personal_data(void **state)
{
	(void)state;
	static const struct {
		uint32_t status;
		struct str detail;
		bool personal;
	} cases[] = { { 200, { "200", 3 }, false }, { 999999999, { "999999999", 9 }, false },
				  { 200, { "201", 3 }, true },  { 200, { "0200", 4 }, true },
				  { 0, { "0", 1 }, true },      { 0, { "200", 3 }, true },
				  { 200, { "", 0 }, false } };
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct record outcome = { .kind = RECORD_OUTCOME,
										.at_ms = FIXTURE_START_MS + 3,
										.outcome = OUTCOME_OK,
										.generation = 1,
										.status = cases[i].status,
										.personal = cases[i].detail };
		struct records log = { 0 };
		struct record r;
		records_add(&log, &samples[1]);
		records_add(&log, &outcome);
		assert_int_equal(log.at_ms, FIXTURE_START_MS);
		assert_int_equal(log.personal.len > 0, cases[i].personal);
		struct records_reader reader = records_read(buf_str(&log.head), buf_str(&log.personal), log.at_ms);
		assert_int_equal(records_next(&reader, &r, NULL), 1);
		assert_int_equal(records_next(&reader, &r, NULL), 1);
		assert_int_equal(r.at_ms, FIXTURE_START_MS + 3);
		assert_int_equal(r.status, cases[i].status);
		assert_true(str_eq(r.personal, cases[i].detail));
		assert_false(r.forgotten);
		records_free(&log);
	}
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

/* Every record about a step names the attempt that it is about, and when. */
static void records_name_their_attempt(void **state)
{
	(void)state;
	struct model_fixture k;
	fixture_init(&k, POLICY_CONTINUE, "a");
	const unsigned before = k.log.count;
	for (unsigned attempt = 1; attempt <= 3; attempt++)
		fixture_outcome(&k, fixture_begin(&k, 0), attempt < 3 ? OUTCOME_UNREACHABLE : OUTCOME_OK, false);
	struct records_reader reader = records_read(buf_str(&k.log.head), buf_str(&k.log.personal), k.log.at_ms);
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
		cmocka_unit_test(records_come_back_as_they_were),
		cmocka_unit_test(damaged_records_are_refused_or_legal),
		cmocka_unit_test(unknown_records_are_refused),
		cmocka_unit_test(records_of_version_1_are_read),
		cmocka_unit_test(an_encrypted_personal_part_is_refused),
		cmocka_unit_test(a_detail_that_is_the_status_is_no_personal_data),
		cmocka_unit_test(the_digest_of_a_value_comes_back),
		cmocka_unit_test(records_read_well_as_json),
		cmocka_unit_test(records_name_their_attempt),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
