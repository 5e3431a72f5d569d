/* Keys (of events, gifts and refunds): claimed once, found again until store.dedup_keep has passed (400 days
 * by default). The newest rows are in key_new and in memory (key_new.c), the others in the sorted table
 * key. */
#include <stdlib.h>
#include <string.h>

#include "saga/base/mem.h"
#include "saga/store/sqlite/write.h"

void keys_finish(struct sqlite_writer *w)
{
	key_new_finish(w);
	free(w->keys.reserved);
	w->keys.reserved = NULL;
}

/* Reservations end with the transaction. */
void keys_committed(struct sqlite_writer *w)
{
	w->keys.reserved_count = 0;
	w->keys.changed = false;
}

int keys_rolled_back(struct sqlite_writer *w, struct err *err)
{
	w->keys.reserved_count = 0;
	return w->keys.changed ? key_new_load(w, err) : 0;
}

/* ---- finding ---- */

/* For qsort and bsearch: the digest comes first in both kinds of elements. */
static int compare_keys(const void *a, const void *b)
{
	_Static_assert(offsetof(struct reserved_key, digest) == 0, "also compared with a bare digest");
	return memcmp(a, b, STORE_KEY_BYTES);
}

static struct reserved_key *reserved_find(const struct sqlite_writer *w, const uint8_t key[STORE_KEY_BYTES])
{
	const struct key_table *table = &w->keys;
	if (table->reserved_count == 0)
		return NULL;
	return bsearch(key, table->reserved, table->reserved_count, sizeof *table->reserved, compare_keys);
}

static int find_sorted(struct sqlite_writer *w, const uint8_t key[STORE_KEY_BYTES], int64_t *ret_owner,
					   struct err *err)
{
	struct db_query AUTO_QUERY q = query_begin(&w->db, W_KEY_GET);
	query_blob(&q, key, STORE_KEY_BYTES);
	int rc = query_next(&q, err);
	if (rc < 0)
		return rc;
	*ret_owner = rc == 1 ? column_int(&q, 0) : 0;
	return 0;
}

static int keys_find(void *ctx, const uint8_t key[STORE_KEY_BYTES], int64_t *ret_owner, struct err *err)
{
	struct sqlite_writer *w = ctx;
	const struct recent_key *recent = store_recent_find(&w->keys.recent, key);
	const struct reserved_key *reserved = recent == NULL ? reserved_find(w, key) : NULL;
	if (recent == NULL && reserved == NULL)
		return find_sorted(w, key, ret_owner, err);
	*ret_owner = recent != NULL ? recent->owner : reserved->owner;
	return 0;
}

/* ---- reserving ---- */

/* Copies the keys in the order of their digests, each once. */
static void collect_reserved(struct key_table *table, const struct key_reservation *keys, size_t count)
{
	if (table->reserved_capacity < count) {
		table->reserved_capacity = count;
		table->reserved = mem_grow_array(table->reserved, count, sizeof *table->reserved);
	}
	for (size_t i = 0; i < count; i++)
		memcpy(table->reserved[i].digest, keys[i].key, STORE_KEY_BYTES);
	if (count > 1)
		qsort(table->reserved, count, sizeof *table->reserved, compare_keys);
	size_t kept = 0;
	for (size_t i = 0; i < count; i++) {
		if (kept == 0 || compare_keys(&table->reserved[kept - 1], &table->reserved[i]) != 0)
			table->reserved[kept++] = table->reserved[i];
	}
	table->reserved_count = kept;
}

/* Only looks up: SQLite has one writer. What is found is remembered for keys_find, so each key is looked up
 * once in a batch. */
static int keys_reserve(void *ctx, struct key_reservation *keys, size_t count, struct err *err)
{
	struct sqlite_writer *w = ctx;
	struct key_table *table = &w->keys;
	assert(table->reserved_count == 0); /* once in a transaction */
	collect_reserved(table, keys, count);
	for (size_t i = 0; i < table->reserved_count; i++) {
		struct reserved_key *key = &table->reserved[i];
		const struct recent_key *recent = store_recent_find(&table->recent, key->digest);
		int rc = 0;
		if (recent != NULL)
			key->owner = recent->owner;
		else
			rc = find_sorted(w, key->digest, &key->owner, err);
		if (rc != 0) {
			table->reserved_count = 0;
			return rc;
		}
	}
	for (size_t i = 0; i < count; i++)
		keys[i].owner = reserved_find(w, keys[i].key)->owner;
	return 0;
}

static void set_reserved(struct sqlite_writer *w, const uint8_t key[STORE_KEY_BYTES], int64_t owner)
{
	struct reserved_key *reserved = reserved_find(w, key);
	if (reserved != NULL)
		reserved->owner = owner;
}

/* ---- changing ---- */

static int keys_claim(void *ctx, const uint8_t key[STORE_KEY_BYTES], int64_t owner, int64_t day,
					  int64_t *ret_owner, struct err *err)
{
	struct sqlite_writer *w = ctx;
	assert(owner != 0);
	int64_t before = 0;
	int rc = keys_find(w, key, &before, err);
	if (rc == 0 && before == 0)
		rc = key_new_add(w, key, owner, day, err);
	if (rc != 0)
		return rc;
	if (before == 0)
		set_reserved(w, key, owner);
	*ret_owner = before != 0 ? before : owner;
	return 0;
}

static int transfer_sorted(struct sqlite_writer *w, const uint8_t key[STORE_KEY_BYTES], int64_t from,
						   int64_t to, bool *ret_done, struct err *err)
{
	struct db_query AUTO_QUERY q = query_begin(&w->db, W_KEY_TRANSFER);
	query_blob(&q, key, STORE_KEY_BYTES);
	query_int(&q, from);
	query_int(&q, to);
	int rc = query_run(&q, err);
	if (rc == 0)
		*ret_done = db_changes(&w->db) > 0;
	return rc;
}

/* During a move the key may be in both tables: then both rows get the new owner. */
static int keys_transfer(void *ctx, const uint8_t key[STORE_KEY_BYTES], int64_t from, int64_t to,
						 struct err *err)
{
	struct sqlite_writer *w = ctx;
	assert(from != 0 && to != 0);
	struct recent_key *recent = store_recent_find(&w->keys.recent, key);
	bool done = false;
	int rc = 0;
	if (recent == NULL || recent->owner == from)
		rc = transfer_sorted(w, key, from, to, &done, err);
	if (rc == 0 && recent != NULL && recent->owner == from) {
		rc = key_new_transfer(w, recent, to, err);
		done = true;
	}
	if (rc != 0)
		return rc;
	if (!done)
		return err_set(err, ERR_STALE, "store %s: %lld does not own the key", w->db.path, (long long)from);
	set_reserved(w, key, to);
	return 0;
}

void keys_ops(struct store_writer *ops)
{
	ops->keys_reserve = keys_reserve;
	ops->key_claim = keys_claim;
	ops->key_find = keys_find;
	ops->key_transfer = keys_transfer;
	key_search_ops(ops);
	key_prune_ops(ops);
}
