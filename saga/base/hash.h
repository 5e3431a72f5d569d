/* A hash table whose entries belong to the caller. Each entry contains a `struct hash_link`, so the table
 * allocates its buckets, but nothing for an entry. The table neither copies nor compares keys: the caller
 * computes a 64-bit hash, and compares the keys of the entries that have this hash.
 *
 *     struct thing { struct hash_link link; int64_t id; };
 *
 *     static struct thing *thing_find(const struct hash_table *t, int64_t id)
 *     {
 *         for (struct hash_link *l = hash_first(t, (uint64_t)id); l != NULL; l = hash_next(l)) {
 *             struct thing *thing = HASH_ENTRY(l, struct thing, link);
 *             if (thing->id == id)
 *                 return thing;
 *         }
 *         return NULL;
 *     }
 *
 * A small number is a good hash, because the table spreads hashes over its buckets itself. If an attacker
 * chooses the keys, the hash must contain a secret; else all entries can be put into one
 * bucket. Not locked. */
#ifndef ALMONER_BASE_HASH_H
#define ALMONER_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* Belongs to the table from hash_insert to hash_remove: an entry must not be moved or freed in between. */
struct hash_link {
	/* the next entry of the bucket; free for the caller's use while the entry is in no table */
	struct hash_link *next;
	uint64_t hash;
};

/* A zeroed struct is a valid empty table. */
struct hash_table {
	struct hash_link **buckets; /* NULL until the first insert */
	size_t bucket_count;        /* the number of buckets: a power of two, at least `count` */
	unsigned shift;             /* 64 - log2(bucket_count) */
	size_t count;               /* entries */
};

/* The entry of type `type` whose member `member` is `*link`; `link` must not be NULL. */
#define HASH_ENTRY(link, type, member) ((type *)(void *)((char *)(link) - offsetof(type, member)))

/* Inserts an entry. Equal hashes, and even equal keys, may be inserted: hash_first finds the newest of
 * them. */
void hash_insert(struct hash_table *t, struct hash_link *link, uint64_t hash);

/* Removes an entry; asserts that the entry is in this table. */
void hash_remove(struct hash_table *t, struct hash_link *link);

/* Removes every entry without touching one of them (their memory may be gone already) and keeps the
 * buckets. */
void hash_clear(struct hash_table *t);

/* Frees the buckets and leaves a valid empty table. The entries stay the caller's. */
void hash_free(struct hash_table *t);

/* ---- finding ---- */

/* Where an entry with this hash would be; for this file and hash.c only. */
static inline size_t hash_bucket(const struct hash_table *t, uint64_t hash)
{
	/* 2^64 divided by the golden ratio: Knuth's multiplicative hashing. The high bits are the well mixed
	 * ones. */
	return (size_t)(hash * UINT64_C(0x9e3779b97f4a7c15) >> t->shift);
}

/* The next entry after `link` that has the same hash; NULL when there is none. */
static inline struct hash_link *hash_next(const struct hash_link *link)
{
	struct hash_link *l = link->next;
	while (l != NULL && l->hash != link->hash)
		l = l->next;
	return l;
}

/* The first entry with this hash; NULL when there is none. */
static inline struct hash_link *hash_first(const struct hash_table *t, uint64_t hash)
{
	if (t->count == 0)
		return NULL;
	struct hash_link *l = t->buckets[hash_bucket(t, hash)];
	while (l != NULL && l->hash != hash)
		l = l->next;
	return l;
}

/* ---- all entries ---- */

/* Where a walk over all entries stands; zeroed before the first call. */
struct hash_cursor {
	size_t bucket;          /* the first bucket that the walk has not entered */
	struct hash_link *next; /* in the bucket entered last */
};

/* The next entry in no particular order; NULL after the last one. During the walk the caller may remove, and
 * then free, the entry that was given last. It may also free each entry without removing it, if nothing but
 * hash_free or hash_clear follows the walk. It must not insert any. */
struct hash_link *hash_walk(const struct hash_table *t, struct hash_cursor *cursor);

#endif
