#include "saga/store/recent.h"

#include <stdlib.h>
#include <string.h>

#include "saga/base/entropy.h"
#include "saga/base/mem.h"

#define FIRST_CAPACITY 64 /* chosen; no measurement */

void store_recent_init(struct store_recent *r)
{
	*r = (struct store_recent){ 0 };
	entropy_bytes(&r->seed, sizeof r->seed);
	r->seed |= 1;
}

void store_recent_finish(struct store_recent *r)
{
	free(r->keys);
	free(r->slots);
	*r = (struct store_recent){ 0 };
}

static size_t slot_of(const struct store_recent *r, const uint8_t *digest)
{
	uint64_t bits;
	memcpy(&bits, digest, sizeof bits);
	return (size_t)((bits * r->seed) >> 32) & r->slot_mask;
}

static void link_key(struct store_recent *r, size_t index)
{
	size_t slot = slot_of(r, r->keys[index].digest);
	while (r->slots[slot] != 0)
		slot = (slot + 1) & r->slot_mask;
	r->slots[slot] = (uint32_t)index + 1;
}

static void link_all(struct store_recent *r)
{
	if (r->slots == NULL)
		return;
	memset(r->slots, 0, (r->slot_mask + 1) * sizeof *r->slots);
	for (size_t i = 0; i < r->count; i++)
		link_key(r, i);
}

/* There are twice as many slots as keys, so a search ends soon at a free slot. */
static void grow(struct store_recent *r)
{
	r->capacity = r->capacity == 0 ? FIRST_CAPACITY : r->capacity * 2;
	r->keys = mem_grow(r->keys, r->capacity * sizeof *r->keys);
	free(r->slots);
	r->slots = mem_zalloc(r->capacity * 2 * sizeof *r->slots);
	r->slot_mask = r->capacity * 2 - 1;
	link_all(r);
}

void store_recent_clear(struct store_recent *r)
{
	r->count = 0;
	link_all(r);
}

const struct recent_key *store_recent_find(const struct store_recent *r,
										   const uint8_t digest[STORE_KEY_BYTES])
{
	if (r->count == 0)
		return NULL;
	for (size_t slot = slot_of(r, digest); r->slots[slot] != 0; slot = (slot + 1) & r->slot_mask) {
		const struct recent_key *key = &r->keys[r->slots[slot] - 1];
		if (memcmp(key->digest, digest, STORE_KEY_BYTES) == 0)
			return key;
	}
	return NULL;
}

void store_recent_add(struct store_recent *r, const struct recent_key *key)
{
	if (r->count == r->capacity)
		grow(r);
	r->keys[r->count] = *key;
	link_key(r, r->count++);
}

/* Keeps the order of the other keys; the indexes of keys change, so the table is built again. */
void store_recent_sweep(struct store_recent *r)
{
	size_t kept = 0;
	for (size_t i = 0; i < r->count; i++)
		if (r->keys[i].owner != 0)
			r->keys[kept++] = r->keys[i];
	r->count = kept;
	link_all(r);
}
