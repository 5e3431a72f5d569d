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

/* ---- reserving ---- */

static void rollback(struct store_fixture *f)
{
	must(W(f).rollback(W(f).ctx, &f->err), &f->err);
}

static struct key_reservation reservation(int64_t i, int64_t provisional)
{
	struct key_reservation r = { .provisional = provisional, .owner = -77 };
	many_key(i, r.key);
	return r;
}

static void transfer(struct store_fixture *f, int64_t i, int64_t from, int64_t to)
{
	uint8_t key[STORE_KEY_BYTES];
	many_key(i, key);
	must(W(f).key_transfer(W(f).ctx, key, from, to, &f->err), &f->err);
}

static void a_reservation_gives_the_owners(void **state)
{
	struct store_fixture *f = *state;
	begin(f);
	claim_many(f, 1, 5);
	claim_many(f, 2, -9);
	commit(f);
	begin(f);
	struct key_reservation keys[] = { reservation(3, 6), reservation(2, 7), reservation(1, 7),
									  reservation(3, 8), reservation(4, 0) };
	must(W(f).keys_reserve(W(f).ctx, keys, 5, &f->err), &f->err);
	assert_int_equal(keys[0].owner, 0);
	assert_int_equal(keys[1].owner, -9);
	assert_int_equal(keys[2].owner, 5);
	assert_int_equal(keys[3].owner, 0);
	assert_int_equal(keys[4].owner, 0);
	for (int64_t i = 1; i <= 5; i++)
		assert_int_equal(owner_of(f, i), i == 1 ? 5 : i == 2 ? -9 : 0);
	assert_int_equal(claim_many(f, 3, 6), 6);
	assert_int_equal(claim_many(f, 3, 8), 6); /* the second accept of the batch with this key */
	assert_int_equal(claim_many(f, 1, 7), 5);
	assert_int_equal(claim_many(f, 4, 8), 8);
	assert_int_equal(claim_many(f, 5, 9), 9); /* not reserved */
	for (int64_t i = 3; i <= 5; i++)
		assert_int_equal(owner_of(f, i), i == 3 ? 6 : i + 4);
	commit(f);
	fixture_reopen(f);
	for (int64_t i = 3; i <= 5; i++)
		assert_int_equal(owner_of(f, i), i == 3 ? 6 : i + 4);
}

/* A reservation knows the claim, also when the store has put the key elsewhere meanwhile. */
static void a_reserved_key_stays_claimed_in_a_large_transaction(void **state)
{
	struct store_fixture *f = *state;
	begin(f);
	struct key_reservation key = reservation(1, 6);
	must(W(f).keys_reserve(W(f).ctx, &key, 1, &f->err), &f->err);
	assert_int_equal(claim_many(f, 1, 6), 6);
	for (int64_t i = 2; i <= MANY; i++)
		(void)claim_many(f, i, i);
	assert_int_equal(owner_of(f, 1), 6);
	commit(f);
	begin(f);
	must(W(f).keys_reserve(W(f).ctx, &key, 1, &f->err), &f->err);
	assert_int_equal(key.owner, 6);
	transfer(f, 1, 6, 7);
	assert_int_equal(owner_of(f, 1), 7);
	rollback(f);
	assert_int_equal(owner_of(f, 1), 6);
}

/* The journal gives a repeat of a gift the owner of the gift, whatever number it had announced. */
static void a_reserved_key_may_get_another_owner_or_none(void **state)
{
	struct store_fixture *f = *state;
	for (int round = 0; round < 2; round++) {
		begin(f);
		struct key_reservation keys[] = { reservation(1, 6), reservation(2, 6), reservation(3, -1) };
		must(W(f).keys_reserve(W(f).ctx, keys, 3, &f->err), &f->err);
		assert_int_equal(claim_many(f, 1, 40), 40);
		if (round == 0)
			rollback(f);
		else
			commit(f);
		assert_int_equal(owner_of(f, 1), round == 0 ? 0 : 40);
		for (int64_t i = 2; i <= 3; i++)
			assert_int_equal(owner_of(f, i), 0);
	}
	begin(f);
	struct key_reservation again = reservation(3, -2);
	must(W(f).keys_reserve(W(f).ctx, &again, 1, &f->err), &f->err);
	assert_int_equal(again.owner, 0);
	assert_int_equal(claim_many(f, 3, -2), -2);
	rollback(f);
	assert_int_equal(owner_of(f, 3), 0);
	begin(f);
	must(W(f).keys_reserve(W(f).ctx, NULL, 0, &f->err), &f->err);
	assert_int_equal(claim_many(f, 3, -3), -3);
	commit(f);
}

/* What is remembered of a reservation follows the changes that the transaction makes. */
static void reserved_keys_are_transferred_and_pruned(void **state)
{
	struct store_fixture *f = *state;
	begin(f);
	for (int64_t i = 1; i <= 3; i++)
		claim_many(f, i, i);
	commit(f);
	begin(f);
	struct key_reservation keys[] = { reservation(1, 8), reservation(2, 8), reservation(4, 8) };
	must(W(f).keys_reserve(W(f).ctx, keys, 3, &f->err), &f->err);
	transfer(f, 1, 1, 8);
	claim_many(f, 4, 8);
	transfer(f, 4, 8, 9);
	assert_int_equal(owner_of(f, 1), 8);
	assert_int_equal(owner_of(f, 4), 9);
	size_t deleted = 0;
	must(W(f).key_prune(W(f).ctx, 1, 100, &deleted, &f->err), &f->err);
	assert_int_equal(deleted, 4);
	for (int64_t i = 1; i <= 4; i++)
		assert_int_equal(owner_of(f, i), 0);
	assert_int_equal(claim_many(f, 2, 10), 10);
	commit(f);
	assert_int_equal(owner_of(f, 2), 10);
}

/* The announcement changes no answer; a store without the function does not need it. */
static void expected_reads_give_the_same(void **state)
{
	struct store_fixture *f = *state;
	struct event *event = NULL;
	assert_int_equal(fixture_put(&f->l, &(struct sample_saga){ .event_id = "evt_7" }), 1);
	const int64_t ids[] = { 1, 99 };
	const struct expected_lane lane = { .target = 1, .lane = { 4 } };
	const struct store_expected expected = { .sagas = ids,
											 .saga_count = 2,
											 .events = ids,
											 .event_count = 2,
											 .related = &ids[1],
											 .related_count = 1,
											 .lanes = &lane,
											 .lane_count = 1,
											 .due_targets = &lane.target,
											 .due_count = 1 };
	struct saga_row row;
	struct related_row related;
	struct step_row step;
	begin(f);
	if (W(f).expect != NULL)
		W(f).expect(W(f).ctx, &expected);
	must(W(f).saga_get(W(f).ctx, 1, &row, &f->err), &f->err);
	assert_int_equal(row.id, 1);
	must(W(f).event_get(W(f).ctx, 1, &event, &f->err), &f->err);
	event_unref(event);
	assert_int_equal(W(f).saga_get(W(f).ctx, 99, &row, &f->err), ERR_NOT_FOUND);
	assert_int_equal(W(f).event_get(W(f).ctx, 99, &event, &f->err), ERR_NOT_FOUND);
	assert_int_equal(W(f).related_get(W(f).ctx, 99, &related, &f->err), ERR_NOT_FOUND);
	must(W(f).row_lane_first(W(f).ctx, 1, lane.lane, 0, &step, &f->err), &f->err);
	assert_int_equal(step.saga, 0);
	rollback(f);
}

/* ---- transfer ---- */

static void a_key_is_transferred_by_its_owner_only(void **state)
{
	struct store_fixture *f = *state;
	uint8_t key[STORE_KEY_BYTES];
	many_key(1, key);
	begin(f);
	assert_int_equal(W(f).key_transfer(W(f).ctx, key, 1, 2, &f->err), ERR_STALE); /* the key is free */
	claim_many(f, 1, 1);
	assert_int_equal(W(f).key_transfer(W(f).ctx, key, 2, 3, &f->err), ERR_STALE);
	assert_int_equal(owner_of(f, 1), 1);
	transfer(f, 1, 1, -4);
	assert_int_equal(owner_of(f, 1), -4);
	assert_int_equal(claim_many(f, 1, 9), -4);
	commit(f);
	begin(f);
	transfer(f, 1, -4, 5);
	rollback(f);
	assert_int_equal(owner_of(f, 1), -4);
	fixture_reopen(f);
	assert_int_equal(owner_of(f, 1), -4);
	assert_int_equal(prune(f, 0, 10), 0); /* the key keeps the day of its claim, 0 */
	assert_int_equal(prune(f, 1, 10), 1);
}

/* ---- search rows ---- */

typedef uint8_t search_term[STORE_TERM_BYTES];

static void add_search(struct store_fixture *f, int64_t saga, const search_term *terms, size_t count)
{
	must(W(f).key_add_search(W(f).ctx, saga, terms, count, &f->err), &f->err);
}

static void assert_found(struct store_fixture *f, const search_term term, int64_t before, size_t capacity,
						 const int64_t *sagas, size_t count)
{
	struct store_reader r = fixture_reader(f);
	int64_t ids[16];
	size_t got = 99;
	assert_true(capacity <= 16);
	must(r.key_search(r.ctx, term, before, ids, capacity, &got, &f->err), &f->err);
	r.close(r.ctx);
	assert_int_equal(got, count);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(ids[i], sagas[i]);
}
#define FOUND(...)                                                                                           \
	((const int64_t[]){ __VA_ARGS__ }), sizeof((const int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t)

static const search_term ada = { 1, [7] = 1 }, bob = { 1, [7] = 2 },
						 last = { 255, 255, 255, 255, 255, 255, 255, 255 };

static void a_term_finds_its_sagas_newest_first(void **state)
{
	struct store_fixture *f = *state;
	const int64_t far = (INT64_C(3) << 48) + 7; /* a saga of another partition */
	begin(f);
	for (int64_t saga = 250; saga <= 260; saga++)
		add_search(f, saga, saga % 2 == 0 ? &ada : &bob, 1);
	add_search(f, 300, (const search_term[]){ { 1, [7] = 1 }, { 1, [7] = 2 }, { 9 } }, 3);
	add_search(f, far, &last, 1);
	commit(f);
	assert_found(f, ada, INT64_MAX, 16, FOUND(300, 260, 258, 256, 254, 252, 250));
	assert_found(f, ada, INT64_MAX, 3, FOUND(300, 260, 258));
	assert_found(f, ada, 258, 3, FOUND(256, 254, 252));
	assert_found(f, ada, 252, 3, FOUND(250));
	assert_found(f, ada, 250, 3, NULL, 0);
	assert_found(f, bob, INT64_MAX, 2, FOUND(300, 259));
	assert_found(f, last, INT64_MAX, 2, FOUND(far));
	assert_found(f, (const search_term){ 1 }, INT64_MAX, 2, NULL, 0);
}

static void search_rows_go_with_their_saga_and_no_sooner(void **state)
{
	struct store_fixture *f = *state;
	const search_term both[] = { { 1, [7] = 1 }, { 1, [7] = 2 } };
	begin(f);
	for (int64_t saga = 1; saga <= 3; saga++)
		add_search(f, saga, both, 2);
	add_search(f, 2, both, 2); /* once more is as once */
	claim_many(f, 1, 1);
	commit(f);
	assert_int_equal(prune(f, INT64_MAX, 100), 1);
	assert_found(f, ada, INT64_MAX, 9, FOUND(3, 2, 1));
	begin(f);
	must(W(f).key_delete_search(W(f).ctx, 2, both, 2, &f->err), &f->err);
	must(W(f).key_delete_search(W(f).ctx, 3, &ada, 1, &f->err), &f->err);
	must(W(f).key_delete_search(W(f).ctx, 4, both, 2, &f->err), &f->err);
	rollback(f);
	assert_found(f, ada, INT64_MAX, 9, FOUND(3, 2, 1));
	begin(f);
	must(W(f).key_delete_search(W(f).ctx, 2, both, 2, &f->err), &f->err);
	must(W(f).key_delete_search(W(f).ctx, 3, &ada, 1, &f->err), &f->err);
	commit(f);
	fixture_reopen(f);
	assert_found(f, ada, INT64_MAX, 9, FOUND(1));
	assert_found(f, bob, INT64_MAX, 9, FOUND(3, 1));
	begin(f);
	add_search(f, 2, &ada, 1);
	rollback(f);
	assert_found(f, ada, INT64_MAX, 9, FOUND(1));
}

const struct contract_test contract_keys_tests[] = {
	CONTRACT_TEST(keys_are_claimed_once),
	CONTRACT_TEST(old_keys_are_pruned_others_stay),
	CONTRACT_TEST(a_hundred_thousand_keys_are_each_claimed_once),
	CONTRACT_TEST(a_rollback_brings_keys_back),
	CONTRACT_TEST(pruned_keys_can_be_claimed_again),
	CONTRACT_TEST(a_reservation_gives_the_owners),
	CONTRACT_TEST(a_reserved_key_may_get_another_owner_or_none),
	CONTRACT_TEST(a_reserved_key_stays_claimed_in_a_large_transaction),
	CONTRACT_TEST(reserved_keys_are_transferred_and_pruned),
	CONTRACT_TEST(expected_reads_give_the_same),
	CONTRACT_TEST(a_key_is_transferred_by_its_owner_only),
	CONTRACT_TEST(a_term_finds_its_sagas_newest_first),
	CONTRACT_TEST(search_rows_go_with_their_saga_and_no_sooner),
	{ NULL, NULL },
};
