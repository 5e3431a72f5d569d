/* The hash table, growing arrays, and the text codecs: hexadecimal, percent signs, UTF-8, FNV. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "saga/base/array.h"
#include "saga/base/fnv.h"
#include "saga/base/hash.h"
#include "saga/base/hex.h"
#include "saga/base/percent.h"
#include "saga/base/utf8.h"

struct thing {
	int before; /* so that the link does not lie at the entry's address */
	struct hash_link link;
	unsigned id;
};

static struct thing *thing_find(const struct hash_table *t, uint64_t hash, unsigned id)
{
	for (struct hash_link *l = hash_first(t, hash); l != NULL; l = hash_next(l)) {
		struct thing *thing = HASH_ENTRY(l, struct thing, link);
		if (thing->id == id)
			return thing;
	}
	return NULL;
}

static void a_table_finds_what_was_inserted(void **state)
{
	(void)state;
	static struct thing things[1000];
	struct hash_table t = { 0 };
	assert_null(hash_first(&t, 0));
	for (unsigned i = 0; i < 1000; i++) {
		things[i].id = i;
		hash_insert(&t, &things[i].link, i / 3); /* three entries for each hash */
	}
	assert_int_equal(t.count, 1000);
	assert_true(t.bucket_count >= t.count);
	for (unsigned i = 0; i < 1000; i++)
		assert_ptr_equal(thing_find(&t, i / 3, i), &things[i]);
	assert_null(thing_find(&t, 5, 999));
	for (unsigned i = 0; i < 1000; i += 2)
		hash_remove(&t, &things[i].link);
	assert_int_equal(t.count, 500);
	for (unsigned i = 0; i < 1000; i++)
		assert_ptr_equal(thing_find(&t, i / 3, i), i % 2 == 0 ? NULL : &things[i]);
	hash_clear(&t);
	assert_int_equal(t.count, 0);
	assert_null(hash_first(&t, 1));
	hash_insert(&t, &things[0].link, 7);
	assert_non_null(hash_first(&t, 7));
	hash_free(&t);
	assert_null(hash_first(&t, 7));
}

static void the_newest_of_equal_hashes_comes_first(void **state)
{
	(void)state;
	static struct thing things[200];
	struct hash_table t = { 0 };
	for (unsigned i = 0; i < 200; i++) { /* the table grows twice meanwhile */
		things[i].id = i;
		hash_insert(&t, &things[i].link, 1);
		assert_ptr_equal(hash_first(&t, 1), &things[i].link);
	}
	unsigned expected = 200;
	for (struct hash_link *l = hash_first(&t, 1); l != NULL; l = hash_next(l))
		assert_int_equal(HASH_ENTRY(l, struct thing, link)->id, --expected);
	assert_int_equal(expected, 0);
	hash_free(&t);
}

static void small_numbers_spread_over_the_buckets(void **state)
{
	(void)state;
	static struct thing things[1024];
	static unsigned in_bucket[1024];
	struct hash_table t = { 0 };
	for (unsigned i = 0; i < 1024; i++)
		hash_insert(&t, &things[i].link, i);
	assert_int_equal(t.bucket_count, 1024);
	for (unsigned i = 0; i < 1024; i++)
		assert_true(++in_bucket[hash_bucket(&t, i)] <= 4);
	hash_free(&t);
}

static void a_walk_meets_each_entry_once_and_may_free_it(void **state)
{
	(void)state;
	struct hash_table t = { 0 };
	struct hash_cursor cursor = { 0 };
	assert_null(hash_walk(&t, &cursor));
	for (unsigned i = 0; i < 300; i++) {
		struct thing *thing = mem_zalloc(sizeof *thing);
		thing->id = i;
		hash_insert(&t, &thing->link, i % 7);
	}
	bool met[300] = { false };
	cursor = (struct hash_cursor){ 0 };
	for (struct hash_link *l = hash_walk(&t, &cursor); l != NULL; l = hash_walk(&t, &cursor)) {
		struct thing *thing = HASH_ENTRY(l, struct thing, link);
		assert_false(met[thing->id]);
		met[thing->id] = true;
		if (thing->id % 2 == 0) {
			hash_remove(&t, l);
			free(thing);
		}
	}
	for (unsigned i = 0; i < 300; i++)
		assert_true(met[i]);
	assert_int_equal(t.count, 150);
	cursor = (struct hash_cursor){ 0 };
	for (struct hash_link *l = hash_walk(&t, &cursor); l != NULL; l = hash_walk(&t, &cursor))
		free(HASH_ENTRY(l, struct thing, link));
	hash_free(&t);
}

static void arrays_grow(void **state)
{
	(void)state;
	unsigned *kept = NULL;
	unsigned kept_capacity = 0;
	size_t *plain = NULL;
	for (size_t i = 0; i < 1000; i++) {
		ARRAY_GROW(kept, i, kept_capacity);
		assert_true(kept_capacity > i);
		kept[i] = (unsigned)i;
		ARRAY_GROW_BY_COUNT(plain, i);
		plain[i] = i;
	}
	for (size_t i = 0; i < 1000; i++)
		assert_true(kept[i] == i && plain[i] == i);
	free(kept);
	free(plain);
}

static void hex_comes_and_goes(void **state)
{
	(void)state;
	static const uint8_t bytes[] = { 0x00, 0x7f, 0xab, 0xff };
	char text[9];
	uint8_t out[4];
	size_t len = 0;
	hex_encode(bytes, sizeof bytes, text);
	assert_string_equal(text, "007fabff");
	assert_true(hex_decode(STR("007fABff"), out, sizeof out, &len));
	assert_int_equal(len, 4);
	assert_memory_equal(out, bytes, sizeof bytes);
	assert_true(hex_decode(STR(""), out, 0, &len));
	assert_int_equal(len, 0);
	static const char *const bad[] = { "0",  "0g", "g0", "001", "0 ",        "/0",
									   ":0", "@0", "G0", "`0",  "0011223344" };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(hex_decode(str_of(bad[i]), out, sizeof out, &len));
}

static void percent_signs_are_decoded(void **state)
{
	(void)state;
	static const struct {
		const char *text, *decoded;
		bool whole;
	} rows[] = {
		{ "", "", true },      { "abc", "abc", true },  { "a+b", "a b", true },  { "%41%7a%2B", "Az+", true },
		{ "%", "%", false },   { "%4", "%4", false },   { "%4g", "%4g", false }, { "%g4", "%g4", false },
		{ "x%", "x%", false }, { "%%41", "%A", false }, { "%25", "%", true },    { "%2541", "%41", true },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char out[16] = "";
		size_t len = 99;
		assert_int_equal(percent_decode(str_of(rows[i].text), out, &len), rows[i].whole);
		assert_true(str_is((struct str){ out, len }, rows[i].decoded));
		char in_place[16] = "";
		strcpy(in_place, rows[i].text);
		assert_int_equal(percent_decode(str_of(in_place), in_place, &len), rows[i].whole);
		assert_true(str_is((struct str){ in_place, len }, rows[i].decoded));
	}
	char out[4];
	size_t len;
	assert_true(percent_decode(STR("a%00"), out, &len));
	assert_int_equal(len, 2);
	assert_int_equal(out[1], '\0');
}

/* The bounds of RFC 3629, each with the value just beyond it. */
static void utf8_is_what_the_rfc_says(void **state)
{
	(void)state;
	static const struct {
		const char *bytes;
		size_t len;
		int32_t code; /* -1: not valid */
	} rows[] = {
		{ "\x00", 1, 0 },
		{ "\x7f", 1, 0x7f },
		{ "\x80", 1, -1 },
		{ "\xc1\xbf", 2, -1 },
		{ "\xc2\x80", 2, 0x80 },
		{ "\xc2\x7f", 2, -1 },
		{ "\xc2\xc0", 2, -1 },
		{ "\xdf\xbf", 2, 0x7ff },
		{ "\xe0\x9f\xbf", 3, -1 },
		{ "\xe0\xa0\x80", 3, 0x800 },
		{ "\xe0\xa0\xc0", 3, -1 },
		{ "\xed\x9f\xbf", 3, 0xd7ff },
		{ "\xed\xa0\x80", 3, -1 },
		{ "\xee\x80\x80", 3, 0xe000 },
		{ "\xef\xbf\xbf", 3, 0xffff },
		{ "\xf0\x8f\xbf\xbf", 4, -1 },
		{ "\xf0\x90\x80\x80", 4, 0x10000 },
		{ "\xf0\x90\x80\x7f", 4, -1 },
		{ "\xf4\x8f\xbf\xbf", 4, 0x10ffff },
		{ "\xf4\x90\x80\x80", 4, -1 },
		{ "\xf5\x80\x80\x80", 4, -1 },
		{ "\xff", 1, -1 },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct str text = { rows[i].bytes, rows[i].len };
		assert_int_equal(utf8_length(text.p, text.len), rows[i].code < 0 ? 0 : rows[i].len);
		assert_int_equal(utf8_valid(text), rows[i].code >= 0);
		assert_int_equal(utf8_next(&text), rows[i].code);
		assert_int_equal(text.len, rows[i].code < 0 ? rows[i].len : 0);
		for (size_t cut = 1; rows[i].code >= 0 && cut < rows[i].len; cut++)
			assert_int_equal(utf8_length(rows[i].bytes, cut), 0);
	}
	assert_int_equal(utf8_length("", 0), 0);
	assert_true(utf8_valid(STR("")));
	assert_true(utf8_valid(STR("Spendé €5 😀")));
	assert_false(utf8_valid(STR("good \xff bad")));
	assert_int_equal(utf8_length("\xc2\xa0rest", 6), 2);
}

/* Test vectors of http://www.isthe.com/chongo/src/fnv/test_fnv.c */
static void fnv_matches_its_vectors(void **state)
{
	(void)state;
	assert_int_equal(fnv32(FNV32_BASIS, NULL, 0), 0x811c9dc5u);
	assert_int_equal(fnv32(FNV32_BASIS, "a", 1), 0xe40c292cu);
	assert_int_equal(fnv32(fnv32(FNV32_BASIS, "foo", 3), "bar", 3), 0xbf9cf968u);
	assert_true(fnv64(FNV64_BASIS, "a", 1) == UINT64_C(0xaf63dc4c8601ec8c));
	assert_true(fnv64(fnv64(FNV64_BASIS, "foo", 3), "bar", 3) == UINT64_C(0x85944171f73967e8));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_table_finds_what_was_inserted),
		cmocka_unit_test(the_newest_of_equal_hashes_comes_first),
		cmocka_unit_test(small_numbers_spread_over_the_buckets),
		cmocka_unit_test(a_walk_meets_each_entry_once_and_may_free_it),
		cmocka_unit_test(arrays_grow),
		cmocka_unit_test(hex_comes_and_goes),
		cmocka_unit_test(percent_signs_are_decoded),
		cmocka_unit_test(utf8_is_what_the_rfc_says),
		cmocka_unit_test(fnv_matches_its_vectors),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
