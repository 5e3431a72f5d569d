/* The keys claimed last, in memory: found by digest, kept in the order of their claim. */
#ifndef ALMONER_SAGA_STORE_RECENT_H
#define ALMONER_SAGA_STORE_RECENT_H

#include "saga/store/store.h"

struct recent_key {
	uint8_t digest[STORE_KEY_BYTES];
	int64_t owner;
	int64_t id; /* its row */
	int64_t day;
};

struct store_recent {
	struct recent_key *keys; /* by rising id */
	size_t count;
	size_t capacity;
	uint32_t *slots; /* open addressing; index + 1 into keys, 0: free */
	size_t slot_mask;
	uint64_t seed; /* nobody outside can aim at one slot */
};

void store_recent_init(struct store_recent *r);
void store_recent_finish(struct store_recent *r);
void store_recent_clear(struct store_recent *r);
/* NULL when it is not there; valid until the next change. */
const struct recent_key *store_recent_find(const struct store_recent *r,
										   const uint8_t digest[STORE_KEY_BYTES]);
/* `key` must not be there yet. */
void store_recent_add(struct store_recent *r, const struct recent_key *key);
/* Removes those whose owner is 0: the caller marks them so in `keys`. */
void store_recent_sweep(struct store_recent *r);

#endif
