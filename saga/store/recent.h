/* The rows of the table key_new in memory: a hash table of keys over an array that keeps the order in which
 * the rows were added. Search rows are only in the array: no writer looks them up. */
#ifndef ALMONER_SAGA_STORE_RECENT_H
#define ALMONER_SAGA_STORE_RECENT_H

#include "saga/base/hash.h"
#include "saga/store/store.h"

struct recent_key {
	struct hash_link link; /* set by store_recent_add */
	uint8_t digest[STORE_KEY_BYTES];
	int64_t owner; /* the owner of the key, as in key_claim; 0: a search row */
	int64_t id;    /* of its row in key_new; 0: removed, until store_recent_drop the entry only takes place */
	int64_t day;
};

struct store_recent {
	struct recent_key *keys; /* ascending by id, except for removed ones */
	size_t count;
	size_t capacity;
	struct hash_table table; /* of the keys, by digest */
	/* the seed of the hash, random and odd: a sender cannot choose event ids whose keys all share one
	 * bucket */
	uint64_t seed;
};

void store_recent_init(struct store_recent *r);
void store_recent_finish(struct store_recent *r);
void store_recent_clear(struct store_recent *r);
/* NULL when no row has this digest and an owner. Borrowed until the next add or drop; the caller may change
 * the owner, but not to 0. */
struct recent_key *store_recent_find(const struct store_recent *r, const uint8_t digest[STORE_KEY_BYTES]);
/* A key must not be in the table yet. The owner 0 makes it a search row; a damaged store may give a key the
 * owner 0: the key then counts as unclaimed. */
void store_recent_add(struct store_recent *r, const struct recent_key *key);
/* The row is found no more. Its entry stays in the array, with the id 0. */
void store_recent_remove(struct store_recent *r, struct recent_key *key);
/* Drops the first `count` entries of the array. */
void store_recent_drop(struct store_recent *r, size_t count);

#endif
