/* Keys of events and gifts. */
#include <string.h>

#include "tests/support/memory_store/internal.h"

/* The most keys that one key_prune examines: chosen like SQLite's, so that one call takes milliseconds. */
#define PRUNE_SCAN_KEYS 16384

struct memory_key_row {
	int64_t owner;
	int64_t day;
};

/* The digest as two numbers that sort like its bytes. */
struct memory_key memory_key_of_digest(const uint8_t digest[STORE_KEY_BYTES])
{
	struct memory_key key = { 0 };
	for (size_t i = 0; i < 8; i++) {
		key.a = key.a << 8 | digest[i];
		key.b = key.b << 8 | digest[i + 8];
	}
	return key;
}

int64_t memory_writer_owner(const struct memory_writer *w, const uint8_t key[STORE_KEY_BYTES])
{
	const struct memory_key_row *row = memory_writer_row(w, TABLE_KEY, memory_key_of_digest(key));
	return row != NULL ? row->owner : 0;
}

int64_t memory_key_owner(const struct memory_reader *r, const uint8_t key[STORE_KEY_BYTES])
{
	const struct memory_key_row *row = memory_reader_row(r, TABLE_KEY, memory_key_of_digest(key));
	return row != NULL ? row->owner : 0;
}

static int keys_claim(void *ctx, const uint8_t key[STORE_KEY_BYTES], int64_t owner, int64_t day,
					  int64_t *ret_owner, struct err *err)
{
	struct memory_writer *w = ctx;
	struct memory_guard AUTO_GUARD g = memory_write_begin(w, CALL_KEY_CLAIM, err);
	if (g.rc != 0)
		return g.rc;
	assert(owner != 0);
	memory_trip_read(w, CALL_KEY_CLAIM, ITEM_KEY, key, STORE_KEY_BYTES);
	int64_t before = memory_writer_owner(w, key);
	if (before == 0) {
		const struct memory_key_row row = { .owner = owner, .day = day };
		struct memory_value *v = memory_value_new(&row, sizeof row, NULL, 0);
		int rc = memory_writer_put(w, TABLE_KEY, memory_key_of_digest(key), v, err);
		if (rc != 0)
			return rc;
	}
	*ret_owner = before != 0 ? before : owner;
	return 0;
}

static int keys_transfer(void *ctx, const uint8_t key[STORE_KEY_BYTES], int64_t from, int64_t to,
						 struct err *err)
{
	struct memory_writer *w = ctx;
	struct memory_guard AUTO_GUARD g = memory_write_begin(w, CALL_KEY_TRANSFER, err);
	if (g.rc != 0)
		return g.rc;
	assert(from != 0 && to != 0);
	memory_trip_read(w, CALL_KEY_TRANSFER, ITEM_KEY, key, STORE_KEY_BYTES);
	const struct memory_key_row *row = memory_writer_row(w, TABLE_KEY, memory_key_of_digest(key));
	if (row == NULL || row->owner != from)
		return err_set(err, ERR_STALE, "memory store: the key does not belong to %lld", (long long)from);
	const struct memory_key_row transferred = { .owner = to, .day = row->day };
	struct memory_value *v = memory_value_new(&transferred, sizeof transferred, NULL, 0);
	return memory_writer_put(w, TABLE_KEY, memory_key_of_digest(key), v, err);
}

static int keys_find(void *ctx, const uint8_t key[STORE_KEY_BYTES], int64_t *ret_owner, struct err *err)
{
	struct memory_writer *w = ctx;
	struct memory_guard AUTO_GUARD g = memory_write_begin(w, CALL_KEY_FIND, err);
	if (g.rc != 0)
		return g.rc;
	memory_trip_read(w, CALL_KEY_FIND, ITEM_KEY, key, STORE_KEY_BYTES);
	*ret_owner = memory_writer_owner(w, key);
	return 0;
}

/* Examines keys from prune_after on, so the calls together come past every key. */
static int keys_prune(void *ctx, int64_t day, size_t limit, size_t *ret_deleted, struct err *err)
{
	struct memory_writer *w = ctx;
	struct memory_guard AUTO_GUARD g = memory_write_begin(w, CALL_KEY_PRUNE, err);
	if (g.rc != 0)
		return g.rc;
	memory_trip_query(w, CALL_KEY_PRUNE, &day, sizeof day);
	size_t deleted = 0;
	struct memory_slot *slot = memory_table_from(&w->s->tables[TABLE_KEY], &w->change, w->prune_after);
	for (size_t n = 0; slot != NULL && n < PRUNE_SCAN_KEYS && deleted < limit; n++) {
		const struct memory_key_row *row = memory_writer_view(w, slot);
		struct memory_slot *next = memory_table_next(slot, &w->change);
		if (row->day < day) {
			int rc = memory_writer_put(w, TABLE_KEY, slot->key, NULL, err);
			if (rc != 0)
				return rc;
			deleted++;
		}
		slot = next;
	}
	w->prune_after = slot != NULL ? slot->key : (struct memory_key){ 0 };
	*ret_deleted = deleted;
	return 0;
}

void memory_key_ops(struct store_writer *ops)
{
	ops->key_claim = keys_claim;
	ops->key_find = keys_find;
	ops->key_transfer = keys_transfer;
	ops->key_prune = keys_prune;
}
