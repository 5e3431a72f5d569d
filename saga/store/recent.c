#include "saga/store/recent.h"

#include <stdlib.h>
#include <string.h>

#include "saga/base/array.h"
#include "saga/base/check.h"
#include "saga/base/entropy.h"

void store_recent_init(struct store_recent *r)
{
	*r = (struct store_recent){ 0 };
	entropy_bytes(&r->seed, sizeof r->seed);
	r->seed |= 1;
}

void store_recent_finish(struct store_recent *r)
{
	free(r->keys);
	hash_free(&r->table);
	*r = (struct store_recent){ 0 };
}

/* A digest is uniform, but a sender who knows the source can try event ids until their digests share some
 * bits. The product with a secret odd number does not reveal which. */
static uint64_t hash_of(const struct store_recent *r, const uint8_t *digest)
{
	uint64_t bits;
	memcpy(&bits, digest, sizeof bits);
	return bits * r->seed >> 32;
}

static void insert(struct store_recent *r, struct recent_key *key)
{
	if (key->owner == 0 || key->id == 0)
		return; /* a search row, or removed */
	hash_insert(&r->table, &key->link, hash_of(r, key->digest));
}

/* After the keys have moved in memory, which the table does not allow for an entry in it. */
static void insert_all(struct store_recent *r)
{
	hash_clear(&r->table);
	for (size_t i = 0; i < r->count; i++)
		insert(r, &r->keys[i]);
}

void store_recent_clear(struct store_recent *r)
{
	r->count = 0;
	hash_clear(&r->table);
}

struct recent_key *store_recent_find(const struct store_recent *r, const uint8_t digest[STORE_KEY_BYTES])
{
	for (struct hash_link *l = hash_first(&r->table, hash_of(r, digest)); l != NULL; l = hash_next(l)) {
		struct recent_key *key = HASH_ENTRY(l, struct recent_key, link);
		if (memcmp(key->digest, digest, STORE_KEY_BYTES) == 0)
			return key;
	}
	return NULL;
}

void store_recent_add(struct store_recent *r, const struct recent_key *key)
{
	if (r->count == r->capacity) {
		ARRAY_GROW(r->keys, r->count, r->capacity);
		insert_all(r);
	}
	r->keys[r->count] = *key;
	insert(r, &r->keys[r->count++]);
}

void store_recent_remove(struct store_recent *r, struct recent_key *key)
{
	if (key->owner != 0)
		hash_remove(&r->table, &key->link);
	key->id = 0;
}

void store_recent_drop(struct store_recent *r, size_t count)
{
	assert(count <= r->count);
	r->count -= count;
	if (r->count > 0)
		memmove(r->keys, r->keys + count, r->count * sizeof *r->keys);
	insert_all(r);
}
