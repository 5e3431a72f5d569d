/* Keys (of events and gifts): claimed once, found again until store.dedup_keep has passed (400 days by
 * default).
 *
 * A key is a digest, so its position in a sorted table is random. Inserting keys one by one would rewrite
 * one page for each event, first in the write-ahead log and then in the main file. New keys are therefore
 * appended to the table claim_new and kept in memory. When there are many of them, they are moved to the
 * sorted table claim, one slice at a time: a rewritten page then takes many keys, and no single commit
 * does much of the work. A crash during a move leaves keys in both tables with the same owner, and the
 * move starts again. Figures: saga/store/README.md. */
#include <stdlib.h>
#include <string.h>

#include "saga/base/mem.h"
#include "saga/store/sqlite/write.h"

/* The number of keys in claim_new that starts a move. During the move the same number can be added, so the
 * keys in memory take at most 4 MiB. */
#define RECENT_KEYS 32768
/* The number of claims after which a slice of keys is moved, and the number of keys in the slice: under a
 * millisecond of work. */
#define MOVE_SLICE_KEYS 256
/* The most keys of claim that one key_prune examines: a few milliseconds of work. */
#define PRUNE_SCAN_KEYS 16384

/* ---- in memory ---- */

static void move_stop(struct key_table *table)
{
	free(table->move_order);
	table->move_order = NULL;
	table->claims_since_move = 0;
}

void keys_finish(struct sqlite_writer *w)
{
	move_stop(&w->keys);
	store_recent_finish(&w->keys.recent);
}

/* Memory mirrors claim_new: loaded at start, and again when a rollback undid claims. */
int keys_load(struct sqlite_writer *w, struct err *err)
{
	struct key_table *table = &w->keys;
	move_stop(table);
	store_recent_clear(&table->recent);
	struct db_query AUTO_QUERY q = query_begin(&w->db, W_KEY_LOAD);
	int rc = query_next(&q, err);
	for (; rc == 1; rc = query_next(&q, err)) {
		struct recent_key key = { .id = column_int(&q, 0),
								  .owner = column_int(&q, 2),
								  .day = column_int(&q, 3) };
		column_fixed(&q, 1, key.digest, sizeof key.digest);
		store_recent_add(&table->recent, &key);
	}
	table->changed = false;
	return rc;
}

void keys_committed(struct sqlite_writer *w)
{
	w->keys.changed = false;
}

int keys_rolled_back(struct sqlite_writer *w, struct err *err)
{
	return w->keys.changed ? keys_load(w, err) : 0;
}

/* ---- moving ---- */

/* For qsort_r: orders indexes into the array `keys` by the digests of the keys. */
static int compare_digests(const void *a, const void *b, void *keys)
{
	const struct recent_key *all = keys;
	const uint32_t *x = a;
	const uint32_t *y = b;
	return memcmp(all[*x].digest, all[*y].digest, STORE_KEY_BYTES);
}

/* Sorts the keys of now by digest. Keys claimed later are behind move_count and wait for the next move. */
static void move_begin(struct key_table *table)
{
	table->move_count = table->recent.count;
	table->move_at = 0;
	table->move_order = mem_alloc(table->move_count * sizeof *table->move_order);
	for (size_t i = 0; i < table->move_count; i++)
		table->move_order[i] = (uint32_t)i;
	qsort_r(table->move_order, table->move_count, sizeof *table->move_order, compare_digests,
			table->recent.keys);
}

static int move_one(struct sqlite_writer *w, const struct recent_key *key, struct err *err)
{
	struct db_query AUTO_QUERY q = query_begin(&w->db, W_KEY_MOVE);
	query_blob(&q, key->digest, sizeof key->digest);
	query_int(&q, key->owner);
	query_int(&q, key->day);
	return query_run(&q, err);
}

/* Every key of the move is in claim now: deletes their rows in claim_new and removes them from memory. */
static int move_end(struct sqlite_writer *w, struct err *err)
{
	struct key_table *table = &w->keys;
	struct db_query AUTO_QUERY q = query_begin(&w->db, W_KEY_MOVED);
	query_int(&q, table->recent.keys[table->move_count - 1].id);
	int rc = query_run(&q, err);
	for (size_t i = 0; i < table->move_count; i++)
		table->recent.keys[i].owner = 0;
	store_recent_sweep(&table->recent);
	move_stop(table);
	return rc;
}

/* Called after each claim: does nothing for MOVE_SLICE_KEYS - 1 claims, then moves a slice. */
static int move_slice(struct sqlite_writer *w, struct err *err)
{
	struct key_table *table = &w->keys;
	if (table->move_order == NULL && table->recent.count < RECENT_KEYS)
		return 0;
	if (table->move_order == NULL)
		move_begin(table);
	if (++table->claims_since_move < MOVE_SLICE_KEYS)
		return 0;
	table->claims_since_move = 0;
	size_t end = table->move_at + MOVE_SLICE_KEYS;
	for (; table->move_at < end && table->move_at < table->move_count; table->move_at++) {
		int rc = move_one(w, &table->recent.keys[table->move_order[table->move_at]], err);
		if (rc != 0)
			return rc;
	}
	return table->move_at == table->move_count ? move_end(w, err) : 0;
}

/* ---- the operations ---- */

static int keys_find(void *ctx, const uint8_t key[STORE_KEY_BYTES], int64_t *ret_owner, struct err *err)
{
	struct sqlite_writer *w = ctx;
	const struct recent_key *recent = store_recent_find(&w->keys.recent, key);
	if (recent != NULL) {
		*ret_owner = recent->owner;
		return 0;
	}
	struct db_query AUTO_QUERY q = query_begin(&w->db, W_KEY_GET);
	query_blob(&q, key, STORE_KEY_BYTES);
	int rc = query_next(&q, err);
	if (rc < 0)
		return rc;
	*ret_owner = rc == 1 ? column_int(&q, 0) : 0;
	return 0;
}

static int keys_add(struct sqlite_writer *w, const struct recent_key *key, struct err *err)
{
	struct db_query AUTO_QUERY q = query_begin(&w->db, W_KEY_ADD);
	query_int(&q, key->id);
	query_blob(&q, key->digest, sizeof key->digest);
	query_int(&q, key->owner);
	query_int(&q, key->day);
	int rc = query_run(&q, err);
	if (rc != 0)
		return rc;
	w->keys.changed = true;
	store_recent_add(&w->keys.recent, key);
	return move_slice(w, err);
}

/* A key's id continues from the newest key in memory; with an empty memory claim_new is empty too. */
static int keys_claim(void *ctx, const uint8_t key[STORE_KEY_BYTES], int64_t owner, int64_t day,
					  int64_t *ret_owner, struct err *err)
{
	struct sqlite_writer *w = ctx;
	assert(owner != 0);
	int64_t before = 0;
	int rc = keys_find(w, key, &before, err);
	if (rc == 0 && before == 0) {
		const struct store_recent *recent = &w->keys.recent;
		struct recent_key fresh = { .owner = owner, .day = day };
		fresh.id = recent->count > 0 ? recent->keys[recent->count - 1].id + 1 : 1;
		memcpy(fresh.digest, key, sizeof fresh.digest);
		rc = keys_add(w, &fresh, err);
	}
	if (rc == 0)
		*ret_owner = before != 0 ? before : owner;
	return rc;
}

/* ---- pruning ---- */

static int delete_by(struct sqlite_writer *w, enum writer_statement which, const uint8_t *digest, int64_t id,
					 struct err *err)
{
	struct db_query AUTO_QUERY q = query_begin(&w->db, which);
	if (digest != NULL)
		query_blob(&q, digest, STORE_KEY_BYTES);
	else
		query_int(&q, id);
	return query_run(&q, err);
}

/* Deletes old keys that are still in claim_new. */
static int prune_recent(struct sqlite_writer *w, int64_t day, size_t limit, size_t *deleted, struct err *err)
{
	struct key_table *table = &w->keys; /* copies already moved to claim are pruned there */
	size_t removed = 0;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < table->recent.count && removed < limit; i++) {
		struct recent_key *key = &table->recent.keys[i];
		if (key->day >= day)
			continue;
		rc = delete_by(w, W_KEY_DELETE_NEW, NULL, key->id, err);
		key->owner = 0;
		removed++;
	}
	if (removed > 0) {
		table->changed = true;
		move_stop(table); /* the sweep below changes the indexes in move_order; the move starts again */
		store_recent_sweep(&table->recent);
	}
	*deleted = removed;
	return rc;
}

static int keys_delete(struct sqlite_writer *w, struct str digests, struct err *err)
{
	int rc = 0;
	for (size_t at = 0; rc == 0 && at < digests.len; at += STORE_KEY_BYTES)
		rc = delete_by(w, W_KEY_DELETE, (const uint8_t *)digests.p + at, 0, err);
	return rc;
}

/* Collects old keys of claim, from prune_after on, and advances prune_after. */
static int keys_collect_old(struct sqlite_writer *w, int64_t day, size_t limit, struct buf *old,
							struct err *err)
{
	struct key_table *table = &w->keys;
	uint8_t after[STORE_KEY_BYTES];
	bool seen = false;
	struct db_query AUTO_QUERY q = query_begin(&w->db, W_KEY_SCAN);
	query_blob(&q, table->prune_after, table->prune_in_progress ? sizeof table->prune_after : 0);
	query_int(&q, PRUNE_SCAN_KEYS);
	int rc = 1;
	while (old->len < limit * STORE_KEY_BYTES && (rc = query_next(&q, err)) == 1) {
		column_fixed(&q, 0, after, sizeof after);
		seen = true;
		if (column_int(&q, 1) < day)
			buf_add(old, after, sizeof after);
	}
	if (rc < 0)
		return rc;
	table->prune_in_progress =
		seen; /* no keys are left behind prune_after: the next call starts from the first key */
	if (seen)
		memcpy(table->prune_after, after, sizeof after);
	return 0;
}

/* First the keys in memory, then a bounded part of claim, with what is left of `limit`. */
static int keys_prune(void *ctx, int64_t day, size_t limit, size_t *ret_deleted, struct err *err)
{
	struct sqlite_writer *w = ctx;
	struct buf AUTO_BUF old = { 0 };
	size_t recent = 0;
	int rc = prune_recent(w, day, limit, &recent, err);
	size_t left = limit - recent < PRUNE_SCAN_KEYS ? limit - recent : PRUNE_SCAN_KEYS;
	if (rc == 0 && left > 0)
		rc = keys_collect_old(w, day, left, &old, err);
	if (rc == 0)
		rc = keys_delete(w, buf_str(&old), err);
	if (rc == 0)
		*ret_deleted = recent + old.len / STORE_KEY_BYTES;
	return rc;
}

void keys_ops(struct store_writer *ops)
{
	ops->key_claim = keys_claim;
	ops->key_find = keys_find;
	ops->key_prune = keys_prune;
}
