/* Pruning: keys older than a day are deleted, a bounded number of rows in each call. */
#include <string.h>

#include "saga/store/sqlite/write.h"

/* The most rows of the sorted table that one key_prune examines: a few milliseconds of work. */
#define PRUNE_SCAN_ROWS 16384

/* Deletes old keys that are still in key_new. Their copies that were moved already are pruned in the
 * sorted table. */
static int prune_new(struct sqlite_writer *w, int64_t day, size_t limit, size_t *deleted, struct err *err)
{
	struct store_recent *recent = &w->keys.recent;
	*deleted = 0;
	for (size_t i = 0; i < recent->count && *deleted < limit; i++) {
		struct recent_key *key = &recent->keys[i];
		if (key->owner == 0 || key->id == 0 || key->day >= day)
			continue;
		int rc = key_new_delete(w, key, err);
		if (rc != 0)
			return rc;
		++*deleted;
	}
	return 0;
}

static int delete_sorted(struct sqlite_writer *w, struct str digests, struct err *err)
{
	for (size_t at = 0; at < digests.len; at += STORE_KEY_BYTES) {
		struct db_query AUTO_QUERY q = query_begin(&w->db, W_KEY_DELETE);
		query_blob(&q, digests.p + at, STORE_KEY_BYTES);
		int rc = query_run(&q, err);
		if (rc != 0)
			return rc;
	}
	return 0;
}

/* Collects old keys of the sorted table, from prune_after on, and advances prune_after. */
static int collect_old(struct sqlite_writer *w, int64_t day, size_t limit, struct buf *old, struct err *err)
{
	struct key_table *table = &w->keys;
	uint8_t after[STORE_KEY_BYTES];
	bool seen = false;
	struct db_query AUTO_QUERY q = query_begin(&w->db, W_KEY_SCAN);
	query_blob(&q, table->prune_after, table->prune_in_progress ? sizeof table->prune_after : 0);
	query_int(&q, PRUNE_SCAN_ROWS);
	int rc = 1;
	while (old->len < limit * STORE_KEY_BYTES && (rc = query_next(&q, err)) == 1) {
		column_fixed(&q, 0, after, sizeof after);
		seen = true;
		bool search = column_int(&q, 2) == 0;
		if (!search && column_int(&q, 1) < day)
			buf_add(old, after, sizeof after);
	}
	if (rc < 0)
		return rc;
	table->prune_in_progress =
		seen; /* no rows are left behind prune_after: the next call starts from the first row */
	if (seen)
		memcpy(table->prune_after, after, sizeof after);
	return 0;
}

/* First the keys in memory, then a bounded part of the sorted table, with what is left of `limit`. */
static int key_prune_run(void *ctx, int64_t day, size_t limit, size_t *ret_deleted, struct err *err)
{
	struct sqlite_writer *w = ctx;
	struct buf AUTO_BUF old = { 0 };
	size_t recent = 0;
	w->keys.reserved_count = 0; /* one of these keys may be deleted here */
	int rc = prune_new(w, day, limit, &recent, err);
	size_t left = limit - recent < PRUNE_SCAN_ROWS ? limit - recent : PRUNE_SCAN_ROWS;
	if (rc == 0 && left > 0)
		rc = collect_old(w, day, left, &old, err);
	if (rc == 0)
		rc = delete_sorted(w, buf_str(&old), err);
	if (rc == 0)
		*ret_deleted = recent + old.len / STORE_KEY_BYTES;
	return rc;
}

void key_prune_ops(struct store_writer *ops)
{
	ops->key_prune = key_prune_run;
}
