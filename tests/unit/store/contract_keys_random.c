/* Contract: keys and search rows under random operations, rollbacks, crashes and new starts, against a simple
 * model. Many keys are claimed, so that whatever a store does with them inside (SQLite moves them from one
 * table to another in slices) is cut off at many points. A failing run prints its seed: repeat it with
 * ALMONER_SEED. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "saga/base/array.h"
#include "tests/unit/store/cmocka_all.h"
#include "tests/unit/store/contract_internal.h"

enum { RUNS = 2, TRANSACTIONS = 200, BULK = 900, TERMS = 6, SAGAS = 40, NOW = 500, FAVOURITES = 8 };

#define W(m) ((m)->f->l.w)

struct model_key {
	int64_t owner; /* 0: free */
	int64_t day;
};

struct model_undo {
	size_t index;
	struct model_key before;
};

/* What the store must answer: keys by number, and which saga has which term. */
struct model {
	struct store_fixture *f;
	uint64_t chance;
	struct model_key *keys;
	size_t count, capacity;
	size_t favourites[FAVOURITES]; /* keys that are picked more often */
	struct model_undo *undo;       /* of the open transaction */
	size_t undo_count, undo_capacity;
	bool terms[TERMS][SAGAS], committed_terms[TERMS][SAGAS];
};

static uint64_t below(struct model *m, uint64_t bound)
{
	m->chance = m->chance * 6364136223846793005u + 1442695040888963407u;
	return (m->chance >> 33) % bound;
}

static void key_of(size_t index, uint8_t key[STORE_KEY_BYTES])
{
	char id[24];
	snprintf(id, sizeof id, "evt_%zu", index);
	store_event_key("random", id, key);
}

static void set_key(struct model *m, size_t index, struct model_key key)
{
	ARRAY_GROW(m->undo, m->undo_count, m->undo_capacity);
	m->undo[m->undo_count++] = (struct model_undo){ index, m->keys[index] };
	m->keys[index] = key;
}

/* ---- operations ---- */

static int64_t find_key(struct model *m, size_t index)
{
	uint8_t key[STORE_KEY_BYTES];
	int64_t owner = -999;
	key_of(index, key);
	must(W(m).key_find(W(m).ctx, key, &owner, &m->f->err), &m->f->err);
	return owner;
}

static void check_key(struct model *m, size_t index)
{
	assert_int_equal(find_key(m, index), m->keys[index].owner);
}

/* Few keys are old enough for key_prune. */
static int64_t some_day(struct model *m)
{
	return below(m, 60) == 0 ? (int64_t)below(m, 100) : NOW;
}

static void claim_key(struct model *m, size_t index)
{
	uint8_t key[STORE_KEY_BYTES];
	int64_t had = 0;
	struct model_key wanted = { .owner = (int64_t)index + 1, .day = some_day(m) };
	key_of(index, key);
	must(W(m).key_claim(W(m).ctx, key, wanted.owner, wanted.day, &had, &m->f->err), &m->f->err);
	if (m->keys[index].owner == 0)
		set_key(m, index, wanted);
	assert_int_equal(had, m->keys[index].owner);
}

static void claim_fresh(struct model *m)
{
	for (uint64_t left = below(m, BULK); left > 0; left--) {
		ARRAY_GROW(m->keys, m->count, m->capacity);
		m->keys[m->count++] = (struct model_key){ 0 };
		claim_key(m, m->count - 1);
	}
}

/* Often a favourite, so that several operations meet at one key; else half of the time one of the newest
 * keys, since a store may keep those elsewhere. */
static size_t pick(struct model *m)
{
	size_t *favourite = &m->favourites[below(m, FAVOURITES)];
	if (below(m, 3) == 0)
		return *favourite;
	uint64_t range = below(m, 2) == 0 && m->count > 3000 ? 3000 : m->count;
	*favourite = m->count - 1 - (size_t)below(m, range);
	return *favourite;
}

static void transfer_key(struct model *m, size_t index)
{
	uint8_t key[STORE_KEY_BYTES];
	struct model_key now = m->keys[index];
	bool right = now.owner != 0 && below(m, 4) != 0;
	int64_t from = right ? now.owner : now.owner + 1000000;
	int64_t to = below(m, 2) == 0 ? 1 + (int64_t)below(m, 1000) : -1 - (int64_t)below(m, 1000);
	key_of(index, key);
	int rc = W(m).key_transfer(W(m).ctx, key, from, to, &m->f->err);
	assert_int_equal(rc, right ? 0 : ERR_STALE);
	now.owner = right ? to : now.owner;
	set_key(m, index, now);
}

/* Which of the old keys a call deletes is the store's choice: the model asks for each of them. */
static void prune_keys(struct model *m)
{
	int64_t day = (int64_t)below(m, 100);
	size_t deleted = 0, gone = 0;
	must(W(m).key_prune(W(m).ctx, day, 1 + below(m, 200), &deleted, &m->f->err), &m->f->err);
	for (size_t i = 0; i < m->count; i++) {
		if (m->keys[i].owner == 0 || m->keys[i].day >= day || find_key(m, i) != 0)
			continue;
		set_key(m, i, (struct model_key){ 0 });
		gone++;
	}
	assert_true(gone <= deleted);
}

static void term_of(size_t term, uint8_t ret[STORE_TERM_BYTES])
{
	memset(ret, 0, STORE_TERM_BYTES);
	ret[0] = term < TERMS / 2 ? 0 : 200; /* some differ only in the last byte */
	ret[STORE_TERM_BYTES - 1] = (uint8_t)(term * 51);
}

static void change_search(struct model *m)
{
	size_t term = below(m, TERMS), saga = below(m, SAGAS);
	uint8_t bytes[1][STORE_TERM_BYTES];
	bool add = below(m, 3) != 0;
	term_of(term, bytes[0]);
	const uint8_t(*terms)[STORE_TERM_BYTES] = (const uint8_t(*)[STORE_TERM_BYTES])bytes;
	int rc = add ? W(m).key_add_search(W(m).ctx, (int64_t)saga + 1, terms, 1, &m->f->err)
				 : W(m).key_delete_search(W(m).ctx, (int64_t)saga + 1, terms, 1, &m->f->err);
	must(rc, &m->f->err);
	m->terms[term][saga] = add;
}

static void reserve_some(struct model *m)
{
	struct key_reservation keys[32];
	size_t index[32];
	size_t count = below(m, 32);
	for (size_t i = 0; i < count; i++) {
		index[i] = pick(m);
		keys[i] = (struct key_reservation){ .provisional = (int64_t)index[i] + 1, .owner = -999 };
		key_of(index[i], keys[i].key);
	}
	must(W(m).keys_reserve(W(m).ctx, keys, count, &m->f->err), &m->f->err);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(keys[i].owner, m->keys[index[i]].owner);
	for (size_t i = 0; i < count; i += 2)
		claim_key(m, index[i]);
}

static void act(struct model *m)
{
	uint64_t dice = below(m, 100);
	if (dice < 25)
		claim_fresh(m);
	else if (dice < 40)
		claim_key(m, pick(m));
	else if (dice < 55)
		check_key(m, pick(m));
	else if (dice < 80)
		transfer_key(m, pick(m));
	else if (dice < 82)
		prune_keys(m);
	else
		change_search(m);
}

/* ---- transactions ---- */

static void committed(struct model *m)
{
	m->undo_count = 0;
	memcpy(m->committed_terms, m->terms, sizeof m->terms);
}

static void undone(struct model *m)
{
	while (m->undo_count > 0) {
		const struct model_undo *u = &m->undo[--m->undo_count];
		m->keys[u->index] = u->before;
	}
	memcpy(m->terms, m->committed_terms, sizeof m->terms);
}

/* A read ends with ERR_BUSY after 250 ms. On a machine that does much else at once that is no fault of the store:
 * its callers ask again. */
static void search(struct model *m, const struct store_reader *r, const uint8_t term[STORE_TERM_BYTES],
				   int64_t before, int64_t ids[7], size_t *ret)
{
	int rc = ERR_BUSY;
	for (unsigned tries = 0; rc == ERR_BUSY && tries < 20; tries++)
		rc = r->key_search(r->ctx, term, before, ids, 7, ret, &m->f->err);
	must(rc, &m->f->err);
}

static void check_term(struct model *m, const struct store_reader *r, size_t term)
{
	uint8_t bytes[STORE_TERM_BYTES];
	int64_t before = INT64_MAX, ids[7];
	size_t got = 7, at = SAGAS;
	term_of(term, bytes);
	while (got == 7) {
		search(m, r, bytes, before, ids, &got);
		for (size_t i = 0; i < got; i++) {
			while (at > 0 && !m->terms[term][at - 1])
				at--;
			assert_int_equal(ids[i], (int64_t)at);
			at -= at > 0 ? 1 : 0;
		}
		before = got > 0 ? ids[got - 1] : 0;
	}
	while (at > 0)
		assert_false(m->terms[term][--at]);
}

static void check_committed(struct model *m)
{
	struct store_reader r = fixture_reader(m->f);
	for (size_t term = 0; term < TERMS; term++)
		check_term(m, &r, term);
	r.close(r.ctx);
	for (unsigned i = 0; i < 50; i++)
		check_key(m, pick(m));
}

/* A crash is a store that is closed with the transaction open. */
static void a_transaction(struct model *m)
{
	must(W(m).begin(W(m).ctx, &m->f->err), &m->f->err);
	if (m->count > 0 && below(m, 2) == 0)
		reserve_some(m);
	for (uint64_t left = below(m, 3) == 0 ? 1 : below(m, 16); left > 0; left--)
		m->count == 0 ? claim_fresh(m) : act(m);
	uint64_t dice = below(m, 20);
	if (dice < 15) {
		must(W(m).commit(W(m).ctx, &m->f->err), &m->f->err);
		committed(m);
	} else if (dice < 18) {
		must(W(m).rollback(W(m).ctx, &m->f->err), &m->f->err);
		undone(m);
	} else {
		undone(m);
		fixture_reopen(m->f);
	}
	if (below(m, 16) == 0)
		fixture_reopen(m->f);
	for (unsigned i = 0; m->count > 0 && i < FAVOURITES; i++)
		check_key(m, m->favourites[i]);
	if (m->count > 0 && below(m, 6) == 0)
		check_committed(m);
}

static void a_run(struct store_fixture *f, uint64_t seed)
{
	struct model m = { .f = f, .chance = seed * 7919 + 17 };
	fprintf(stderr, "seed %llu\n", (unsigned long long)seed);
	for (unsigned i = 0; i < TRANSACTIONS; i++)
		a_transaction(&m);
	fixture_reopen(f);
	for (size_t i = 0; i < m.count; i++)
		check_key(&m, i);
	check_committed(&m);
	free(m.keys);
	free(m.undo);
}

static void random_operations_agree_with_a_model(void **state)
{
	struct store_fixture *f = *state;
	const char *one = getenv("ALMONER_SEED");
	uint64_t first = one != NULL ? strtoull(one, NULL, 10) : 1;
	for (uint64_t seed = first; seed < first + (one != NULL ? 1 : RUNS); seed++) {
		fixture_close(f);
		f->factory->fresh(f->factory->ctx);
		fixture_reopen(f);
		a_run(f, seed);
	}
}

const struct contract_test contract_keys_random_tests[] = {
	CONTRACT_TEST(random_operations_agree_with_a_model),
	{ NULL, NULL },
};
