/* The keys claimed last, in memory: a hash table over an array that keeps the order of their claims.
 * keys.c loads it from the table claim_new. */
#ifndef ALMONER_SAGA_STORE_RECENT_H
#define ALMONER_SAGA_STORE_RECENT_H

#include "saga/base/hash.h"
#include "saga/store/store.h"

struct recent_key {
	struct hash_link link; /* set by store_recent_add */
	uint8_t digest[STORE_KEY_BYTES];
	int64_t owner; /* the owner of the key, as in key_claim; 0 marks a key for store_recent_sweep */
	int64_t id;    /* of its row in claim_new */
	int64_t day;
};

struct store_recent {
	struct recent_key *keys; /* ascending by id */
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
/* NULL when the key is not in the table; else borrowed until the next change of the table. */
const struct recent_key *store_recent_find(const struct store_recent *r,
										   const uint8_t digest[STORE_KEY_BYTES]);
/* `key` must not be in the table yet, and its id must be above the ids in it. A damaged store may give it the
 * owner 0; the key then counts as unclaimed. */
void store_recent_add(struct store_recent *r, const struct recent_key *key);
/* Removes the keys that the caller has marked in `keys` with owner 0. */
void store_recent_sweep(struct store_recent *r);

#endif
