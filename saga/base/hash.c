#include "saga/base/hash.h"

#include <stdlib.h>
#include <string.h>

#include "saga/base/check.h"
#include "saga/base/mem.h"

#define FIRST_BUCKETS 64 /* chosen; no measurement */
#define FIRST_SHIFT   58 /* 64 - log2(FIRST_BUCKETS) */

static void push(struct hash_table *t, struct hash_link *link)
{
	struct hash_link **bucket = &t->buckets[hash_bucket(t, link->hash)];
	link->next = *bucket;
	*bucket = link;
}

/* Doubles the number of buckets. Entries of one bucket change their order, so entries with equal hashes are
 * pushed back to front: the newest stays first. */
static void grow(struct hash_table *t)
{
	struct hash_link **old = t->buckets;
	size_t old_count = t->bucket_count;
	t->bucket_count = old_count == 0 ? FIRST_BUCKETS : old_count * 2;
	t->shift = old_count == 0 ? FIRST_SHIFT : t->shift - 1;
	t->buckets = mem_zalloc(t->bucket_count * sizeof(struct hash_link *));
	for (size_t i = 0; i < old_count; i++) {
		struct hash_link *reversed = NULL;
		while (old[i] != NULL) {
			struct hash_link *link = old[i];
			old[i] = link->next;
			link->next = reversed;
			reversed = link;
		}
		while (reversed != NULL) {
			struct hash_link *link = reversed;
			reversed = link->next;
			push(t, link);
		}
	}
	free(old);
}

void hash_insert(struct hash_table *t, struct hash_link *link, uint64_t hash)
{
	if (t->count >= t->bucket_count)
		grow(t);
	link->hash = hash;
	push(t, link);
	t->count++;
}

void hash_remove(struct hash_table *t, struct hash_link *link)
{
	assert(t->count > 0);
	struct hash_link **at = &t->buckets[hash_bucket(t, link->hash)];
	while (*at != link) {
		assert(*at != NULL);
		at = &(*at)->next;
	}
	*at = link->next;
	link->next = NULL;
	t->count--;
}

void hash_clear(struct hash_table *t)
{
	if (t->count > 0)
		memset(t->buckets, 0, t->bucket_count * sizeof(struct hash_link *));
	t->count = 0;
}

void hash_free(struct hash_table *t)
{
	free(t->buckets);
	*t = (struct hash_table){ 0 };
}

struct hash_link *hash_walk(const struct hash_table *t, struct hash_cursor *cursor)
{
	while (cursor->next == NULL) {
		if (cursor->bucket == t->bucket_count)
			return NULL;
		cursor->next = t->buckets[cursor->bucket++];
	}
	struct hash_link *link = cursor->next;
	cursor->next = link->next;
	return link;
}
