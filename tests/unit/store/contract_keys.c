/* Contract: a key is claimed once, however a store organises its keys. */
#include "tests/unit/store/contract_internal.h"

#include <stdio.h>

#include "tests/unit/store/cmocka_all.h"

#define W(f) ((f)->l.w)

static void keys_are_claimed_once(void **state)
{
	struct store_fixture *f = *state;
	uint8_t a[STORE_KEY_BYTES] = { 1 };
	uint8_t b[STORE_KEY_BYTES] = { 1, [15] = 1 };
	int64_t owner = 0;
	must(W(f).key_find(W(f).ctx, a, &owner, &f->err), &f->err);
	assert_int_equal(owner, 0);
	must(W(f).begin(W(f).ctx, &f->err), &f->err);
	must(W(f).key_claim(W(f).ctx, a, 5, 100, &owner, &f->err), &f->err);
	assert_int_equal(owner, 5);
	must(W(f).key_claim(W(f).ctx, a, 6, 100, &owner, &f->err), &f->err);
	assert_int_equal(owner, 5);
	must(W(f).key_claim(W(f).ctx, b, -9, 100, &owner, &f->err), &f->err);
	assert_int_equal(owner, -9);
	must(W(f).commit(W(f).ctx, &f->err), &f->err);
	fixture_reopen(f);
	must(W(f).key_find(W(f).ctx, a, &owner, &f->err), &f->err);
	assert_int_equal(owner, 5);
	must(W(f).key_find(W(f).ctx, b, &owner, &f->err), &f->err);
	assert_int_equal(owner, -9);
}

static void claim_key(struct store_fixture *f, unsigned i, int64_t day)
{
	uint8_t key[STORE_KEY_BYTES] = { (uint8_t)(i * 37), (uint8_t)(i >> 8), (uint8_t)i };
	int64_t owner = 0;
	must(W(f).key_claim(W(f).ctx, key, (int64_t)i + 1, day, &owner, &f->err), &f->err);
}

static void old_keys_are_pruned_others_stay(void **state)
{
	struct store_fixture *f = *state;
	must(W(f).begin(W(f).ctx, &f->err), &f->err);
	for (unsigned i = 0; i < 1000; i++)
		claim_key(f, i, i % 2 == 0 ? 10 : 20);
	must(W(f).commit(W(f).ctx, &f->err), &f->err);
	size_t gone = 0;
	for (int call = 0; call < 100 && gone < 500; call++) {
		size_t deleted = 0;
		must(W(f).begin(W(f).ctx, &f->err), &f->err);
		must(W(f).key_prune(W(f).ctx, 20, 60, &deleted, &f->err), &f->err);
		must(W(f).commit(W(f).ctx, &f->err), &f->err);
		assert_true(deleted <= 60);
		gone += deleted;
	}
	assert_int_equal(gone, 500);
	for (unsigned i = 0; i < 1000; i++) {
		uint8_t key[STORE_KEY_BYTES] = { (uint8_t)(i * 37), (uint8_t)(i >> 8), (uint8_t)i };
		int64_t owner = 0;
		must(W(f).key_find(W(f).ctx, key, &owner, &f->err), &f->err);
		assert_int_equal(owner, i % 2 == 0 ? 0 : (int64_t)i + 1);
	}
}

/* ---- many ---- */

enum { MANY = 100000, BATCH = 1000 };

static void many_key(int64_t i, uint8_t key[STORE_KEY_BYTES])
{
	char id[24];
	snprintf(id, sizeof id, "evt_%lld", (long long)i);
	store_event_key("many", id, key);
}

static int64_t claim_many(struct store_fixture *f, int64_t i, int64_t owner)
{
	uint8_t key[STORE_KEY_BYTES];
	int64_t had = 0;
	many_key(i, key);
	must(W(f).key_claim(W(f).ctx, key, owner, i / 10, &had, &f->err), &f->err);
	return had;
}

static int64_t owner_of(struct store_fixture *f, int64_t i)
{
	uint8_t key[STORE_KEY_BYTES];
	int64_t owner = 0;
	many_key(i, key);
	must(W(f).key_find(W(f).ctx, key, &owner, &f->err), &f->err);
	return owner;
}

static void begin(struct store_fixture *f)
{
	must(W(f).begin(W(f).ctx, &f->err), &f->err);
}

static void commit(struct store_fixture *f)
{
	must(W(f).commit(W(f).ctx, &f->err), &f->err);
}

/* In batches; every fifth is rolled back and done again, and now and then the store is closed: whatever is
 * under way inside must neither lose nor double a key. */
static void a_hundred_thousand_keys_are_each_claimed_once(void **state)
{
	struct store_fixture *f = *state;
	for (int64_t first = 1; first <= MANY; first += BATCH) {
		int64_t number = first / BATCH;
		for (int attempt = number % 5 == 4 ? 0 : 1; attempt < 2; attempt++) {
			begin(f);
			for (int64_t i = first; i < first + BATCH; i++)
				assert_int_equal(claim_many(f, i, i), i);
			assert_int_equal(claim_many(f, first, MANY * 2), first);
			assert_int_equal(claim_many(f, 1 + first / 2, MANY * 2), 1 + first / 2);
			if (attempt == 1)
				commit(f);
			else
				must(W(f).rollback(W(f).ctx, &f->err), &f->err);
		}
		assert_int_equal(owner_of(f, first + BATCH), 0);
		if (number % 23 == 22)
			fixture_reopen(f);
	}
	for (int round = 0; round < 2; round++) {
		for (int64_t i = 1; i <= MANY; i += 7)
			assert_int_equal(owner_of(f, i), i);
		fixture_reopen(f);
	}
}

static size_t prune(struct store_fixture *f, int64_t day, size_t limit)
{
	size_t deleted = 0;
	begin(f);
	must(W(f).key_prune(W(f).ctx, day, limit, &deleted, &f->err), &f->err);
	commit(f);
	assert_true(deleted <= limit);
	return deleted;
}

/* Prunes until ten calls in a row delete nothing, because one call examines a bounded number of keys. */
static void prune_all(struct store_fixture *f, int64_t day)
{
	size_t idle = 0;
	for (int call = 0; call < 10000 && idle < 10; call++)
		idle = prune(f, day, 600) == 0 ? idle + 1 : 0;
	assert_int_equal(idle, 10);
}

/* Pruned at several stages of what a store may do with them inside; key i is of day i / 10. */
static void pruned_keys_can_be_claimed_again(void **state)
{
	struct store_fixture *f = *state;
	int64_t cut = 0;
	for (int64_t i = 1; i <= MANY; i++) {
		if (i % 500 == 1)
			begin(f);
		(void)claim_many(f, i, i);
		if (i % 500 == 0)
			commit(f);
		if (i == 20000 || i == 45000 || i == 60000 || i == 90000) {
			cut = i / 10 - 1500;
			prune_all(f, cut);
			assert_int_equal(owner_of(f, cut * 10 - 1), 0);
			assert_int_equal(owner_of(f, cut * 10), cut * 10);
		}
	}
	fixture_reopen(f);
	for (int64_t i = 1; i <= MANY; i++)
		assert_int_equal(owner_of(f, i), i / 10 < cut ? 0 : i);
	begin(f);
	assert_int_equal(claim_many(f, 1, 5), 5);
	assert_int_equal(claim_many(f, MANY, 5), MANY);
	commit(f);
}

/* A rollback undoes a claim and a deletion alike. */
static void a_rollback_brings_keys_back(void **state)
{
	struct store_fixture *f = *state;
	size_t deleted = 0;
	begin(f);
	for (int64_t i = 1; i <= 20; i++)
		claim_many(f, i, i);
	commit(f);
	begin(f);
	claim_many(f, 21, 21);
	must(W(f).key_prune(W(f).ctx, 1, 100, &deleted, &f->err), &f->err);
	assert_int_equal(deleted, 9);
	assert_int_equal(owner_of(f, 1), 0);
	must(W(f).rollback(W(f).ctx, &f->err), &f->err);
	begin(f);
	must(W(f).key_prune(W(f).ctx, 2, 100, &deleted, &f->err), &f->err);
	assert_int_equal(deleted, 19);
	must(W(f).rollback(W(f).ctx, &f->err), &f->err);
	for (int64_t i = 1; i <= 20; i++)
		assert_int_equal(owner_of(f, i), i);
	assert_int_equal(owner_of(f, 21), 0);
}

const struct contract_test contract_keys_tests[] = {
	CONTRACT_TEST(keys_are_claimed_once),
	CONTRACT_TEST(old_keys_are_pruned_others_stay),
	CONTRACT_TEST(a_hundred_thousand_keys_are_each_claimed_once),
	CONTRACT_TEST(a_rollback_brings_keys_back),
	CONTRACT_TEST(pruned_keys_can_be_claimed_again),
	{ NULL, NULL },
};
