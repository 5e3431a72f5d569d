/* Tallies: what full copies and differences decode to, whatever the changes were and wherever a crash cut them
 * off. */
#include <stdlib.h>
#include <string.h>

#include "saga/base/mem.h"
#include "saga/model/tally.h"
#include "tests/unit/model/model_fixture.h"

#define COMMITS 400
#define IDS     64

/* The figures as plain numbers, and the stored forms of all commits. */
struct history {
	uint64_t seed;
	uint64_t ids[IDS]; /* ascending */
	int64_t values[COMMITS][IDS];
	struct buf stored[COMMITS];
	bool full[COMMITS];
};

static void plan_ids(struct history *h)
{
	uint64_t id = 0;
	for (unsigned i = 0; i < IDS; i++) {
		h->ids[i] = id;
		id += 1 + fixture_below(&h->seed, i % 8 == 7 ? UINT64_C(1) << 40 : 20);
	}
}

static int64_t random_value(struct history *h, int64_t old)
{
	static const int64_t ends[] = { INT64_MIN, INT64_MAX, -1, 0, 1 };
	if (fixture_below(&h->seed, 40) == 0)
		return ends[fixture_below(&h->seed, 5)];
	uint64_t change = fixture_below(&h->seed, 100);
	return (int64_t)((uint64_t)old + change - 50);
}

static struct tally tally_of(const struct history *h, const int64_t values[IDS], bool with_zeros)
{
	struct tally t = { 0 };
	for (unsigned i = 0; i < IDS; i++) {
		if (with_zeros || values[i] != 0)
			tally_add(&t, h->ids[i], values[i]);
	}
	return t;
}

static struct history *random_history(uint64_t seed)
{
	struct history *h = mem_zalloc(sizeof *h);
	h->seed = seed;
	plan_ids(h);
	struct tally before = { 0 };
	for (unsigned c = 0; c < COMMITS; c++) {
		if (c > 0)
			memcpy(h->values[c], h->values[c - 1], sizeof h->values[c]);
		uint64_t changes = fixture_below(&h->seed, 12);
		for (uint64_t k = 0; k < changes; k++) {
			size_t i = fixture_below(&h->seed, IDS);
			h->values[c][i] = random_value(h, h->values[c][i]);
		}
		struct tally now = tally_of(h, h->values[c], fixture_below(&h->seed, 2) == 0);
		h->full[c] = c == 0 || fixture_below(&h->seed, 30) == 0;
		if (h->full[c])
			tally_full(&now, &h->stored[c]);
		else
			tally_difference(&before, &now, &h->stored[c]);
		tally_free(&before);
		before = now;
	}
	tally_free(&before);
	return h;
}

static void free_history(struct history *h)
{
	for (unsigned c = 0; c < COMMITS; c++)
		buf_free(&h->stored[c]);
	free(h);
}

/* What a start finds that reads from the newest full copy at or before `last`. */
static struct tally read_back(const struct history *h, unsigned last)
{
	struct tally t = { 0 };
	unsigned from = last;
	while (!h->full[from])
		from--;
	for (unsigned c = from; c <= last; c++)
		assert_int_equal(tally_apply(&t, buf_str(&h->stored[c]), NULL), 0);
	return t;
}

/* A crash drops the last commits, so each commit is in turn the last one. */
static void every_commit_reads_back(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct history *h = random_history(seed);
		for (unsigned last = 0; last < COMMITS; last++) {
			struct tally found = read_back(h, last);
			struct tally expected = tally_of(h, h->values[last], true);
			assert_true(tally_same(&found, &expected));
			for (unsigned i = 0; i < IDS; i++)
				assert_int_equal(tally_value(&found, h->ids[i]), h->values[last][i]);
			tally_free(&found);
			tally_free(&expected);
		}
		free_history(h);
	}
}

static void same_means_every_figure(void **state)
{
	(void)state;
	struct tally a = { 0 }, b = { 0 };
	assert_true(tally_same(&a, &b));
	tally_add(&a, 3, 0);
	assert_true(tally_same(&a, &b)); /* 0 and not there are the same */
	tally_add(&a, 5, 7);
	assert_false(tally_same(&a, &b));
	assert_false(tally_same(&b, &a));
	tally_add(&b, 5, 7);
	assert_true(tally_same(&a, &b));
	tally_add(&b, 6, -1);
	assert_false(tally_same(&a, &b));
	assert_int_equal(tally_value(&a, 4), 0);
	assert_int_equal(tally_value(&a, 6), 0);
	tally_clear(&a);
	assert_int_equal(tally_value(&a, 5), 0);
	tally_free(&a);
	tally_free(&b);
}

/* One changed figure costs three bytes, none costs one. */
static void a_difference_is_short(void **state)
{
	(void)state;
	struct tally before = { 0 }, now = { 0 };
	struct buf AUTO_BUF out = { 0 };
	for (uint64_t id = 0; id < 200; id++) {
		tally_add(&before, id, 1000000 + (int64_t)id);
		tally_add(&now, id, 1000000 + (int64_t)id + (id == 90 ? 1 : 0));
	}
	tally_difference(&before, &now, &out);
	assert_int_equal(out.len, 3);
	buf_clear(&out);
	tally_difference(&now, &now, &out);
	assert_int_equal(out.len, 1);
	tally_free(&before);
	tally_free(&now);
}

static int apply(struct tally *t, const char *bytes, size_t len, struct err *err)
{
	return tally_apply(t, (struct str){ bytes, len }, err);
}

static void damage_is_reported(void **state)
{
	(void)state;
	struct err err = { 0 };
	static const struct {
		const char *bytes;
		size_t len;
		const char *text;
	} damages[] = {
		{ "\x02\x01\x02", 3, "without a full copy" },
		{ "\x03\x01\x02", 3, "unknown form 3" },
		{ "\x00", 1, "unknown form 0" },
		{ "\x01\x01", 2, "damaged" },             /* a figure without a value */
		{ "\x01\x01\x02\x00\x02", 5, "damaged" }, /* the same number twice */
		{ "\x01\x01\x02\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x02", 14, "damaged" }, /* numbers overflow */
		{ "\x01\x01\x80", 3, "damaged" }, /* a value that is cut off */
	};
	for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
		struct tally t = { 0 };
		assert_int_equal(apply(&t, damages[i].bytes, damages[i].len, &err), ERR_CORRUPT);
		assert_non_null(strstr(err.text, damages[i].text));
		tally_free(&t);
	}
	struct tally t = { 0 };
	assert_int_equal(apply(&t, "", 0, &err), 0); /* a commit of an older schema has none */
	assert_int_equal(apply(&t, "\x02", 1, &err), ERR_CORRUPT);
	assert_int_equal(apply(&t, "\x01\x00\x04", 3, &err), 0);
	assert_int_equal(tally_value(&t, 0), 2);
	assert_int_equal(apply(&t, "\x02\x00\x01", 3, &err), 0);
	assert_int_equal(tally_value(&t, 0), 1);
	tally_free(&t);
}

/* Random bytes give an error or a tally that can be stored again; they never crash. */
static void random_bytes_do_no_harm(void **state)
{
	(void)state;
	uint64_t seed = 7;
	for (int round = 0; round < 20000; round++) {
		char bytes[24];
		size_t len = fixture_below(&seed, sizeof bytes + 1);
		for (size_t i = 0; i < len; i++)
			bytes[i] = (char)fixture_below(&seed, i == 0 ? 4 : 256);
		struct tally t = { 0 }, again = { 0 };
		struct buf AUTO_BUF out = { 0 };
		if (apply(&t, bytes, len, NULL) == 0) {
			tally_full(&t, &out);
			assert_int_equal(tally_apply(&again, buf_str(&out), NULL), 0);
			assert_true(tally_same(&t, &again));
		}
		tally_free(&t);
		tally_free(&again);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_commit_reads_back), cmocka_unit_test(same_means_every_figure),
		cmocka_unit_test(a_difference_is_short),   cmocka_unit_test(damage_is_reported),
		cmocka_unit_test(random_bytes_do_no_harm),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
