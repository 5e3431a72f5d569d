/* The counters of stores of schema 4: three versions of one value. */
#include <string.h>

#include "saga/base/buf.h"
#include "saga/model/figure_ids.h"
#include "saga/model/state.h"
#include "saga/store/sqlite/upgrade/old_counters.h"
#include "tests/unit/store/cmocka_all.h"

#define STATES (SAGA_STATE_COUNT + 1) /* one more than this version knows */

struct old {
	uint8_t version;
	int64_t in_unknown_state;
	uint64_t targets;
};

/* Totals 1 to 6, 100 and more sagas in the states, and two targets. */
static void encode(const struct old *o, struct buf *out)
{
	buf_byte(out, o->version);
	for (int64_t i = 1; i <= 6; i++)
		buf_int(out, i);
	buf_uint(out, STATES);
	for (int64_t i = 0; i < SAGA_STATE_COUNT; i++)
		buf_int(out, 100 + i);
	buf_int(out, o->in_unknown_state);
	buf_uint(out, o->targets);
	for (int64_t t = 1; t <= 2; t++) {
		buf_string(out, t == 1 ? "crm" : "books");
		buf_int(out, t * 1000);     /* open */
		buf_int(out, t * 1000 + 1); /* claimable */
		if (o->version >= 2)
			buf_int(out, t * 1000 + 2); /* blocked */
		buf_int(out, t * 1000 + 3);     /* with_lane */
		buf_int(out, t * 1000 + 4);     /* attention */
		buf_int(out, t * 1000 + 5);     /* succeeded */
		if (o->version >= 3)
			buf_byte(out, 5); /* lane_rules */
	}
}

static void each_version_is_read(void **state)
{
	(void)state;
	for (uint8_t version = 1; version <= 3; version++) {
		struct old o = { .version = version, .targets = 2 };
		struct buf AUTO_BUF bytes = { 0 };
		struct tally t = { 0 };
		encode(&o, &bytes);
		assert_int_equal(old_counters_decode(buf_str(&bytes), &t, NULL), 0);
		assert_int_equal(tally_value(&t, FIGURE_ACCEPTED), 1);
		assert_int_equal(tally_value(&t, FIGURE_RELATED), 2);
		assert_int_equal(tally_value(&t, FIGURE_WAITING), 3);
		assert_int_equal(tally_value(&t, FIGURE_DUPLICATES), 4);
		for (int64_t i = 0; i < SAGA_STATE_COUNT; i++)
			assert_int_equal(tally_value(&t, FIGURE_SAGAS + (uint64_t)i), 100 + i);
		for (uint32_t target = 1; target <= 2; target++) {
			int64_t base = target * 1000;
			assert_int_equal(tally_value(&t, figure_of_target(target, FIGURE_OPEN)), base);
			assert_int_equal(tally_value(&t, figure_of_target(target, FIGURE_CLAIMABLE)), base + 1);
			assert_int_equal(tally_value(&t, figure_of_target(target, FIGURE_BLOCKED)),
							 version == 1 ? -1 : base + 2);
			assert_int_equal(tally_value(&t, figure_of_target(target, FIGURE_WITH_LANE)), base + 3);
			assert_int_equal(tally_value(&t, figure_of_target(target, FIGURE_ATTENTION)), base + 4);
			assert_int_equal(tally_value(&t, figure_of_target(target, FIGURE_SUCCEEDED)), base + 5);
			assert_int_equal(tally_value(&t, figure_of_target(target, FIGURE_LANE_RULES)),
							 version < 3 ? 0 : 5);
		}
		tally_free(&t);
	}
}

static void damage_is_reported(void **state)
{
	(void)state;
	struct buf AUTO_BUF whole = { 0 };
	encode(&(struct old){ .version = 3, .targets = 2 }, &whole);
	for (size_t len = 0; len < whole.len; len++) {
		struct tally t = { 0 };
		assert_int_equal(old_counters_decode((struct str){ whole.data, len }, &t, NULL), ERR_CORRUPT);
		tally_free(&t);
	}
	static const struct old damages[] = { { .version = 0, .targets = 2 },
										  { .version = 4, .targets = 2 },
										  { .version = 3, .targets = 3 },
										  { .version = 3, .targets = 1 },
										  { .version = 3, .targets = 2, .in_unknown_state = 1 } };
	for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
		struct buf AUTO_BUF bytes = { 0 };
		struct tally t = { 0 };
		encode(&damages[i], &bytes);
		assert_int_equal(old_counters_decode(buf_str(&bytes), &t, NULL), ERR_CORRUPT);
		tally_free(&t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(each_version_is_read),
										cmocka_unit_test(damage_is_reported) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
