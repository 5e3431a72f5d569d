/* Search rows: a term and a saga, in the tables of the keys. The digest of a search row is the term and the
 * saga's number with its highest byte first, so the rows of a term are neighbours in the order of their
 * sagas. Its owner is 0. */
#include <string.h>

#include "saga/store/sqlite/read.h"
#include "saga/store/sqlite/write.h"

_Static_assert(STORE_KEY_BYTES == STORE_TERM_BYTES + 8, "a term and a saga's number");

static void search_digest(const uint8_t term[STORE_TERM_BYTES], int64_t saga, uint8_t ret[STORE_KEY_BYTES])
{
	memcpy(ret, term, STORE_TERM_BYTES);
	for (unsigned i = 0; i < 8; i++)
		ret[STORE_TERM_BYTES + i] = (uint8_t)((uint64_t)saga >> (56 - 8 * i));
}

static int64_t saga_of(const uint8_t digest[STORE_KEY_BYTES])
{
	uint64_t saga = 0;
	for (unsigned i = STORE_TERM_BYTES; i < STORE_KEY_BYTES; i++)
		saga = saga << 8 | digest[i];
	return (int64_t)saga;
}

/* ---- writing ---- */

/* A row that is there already is added once more: the move makes one row of both. */
static int key_search_add(void *ctx, int64_t saga, const uint8_t (*terms)[STORE_TERM_BYTES], size_t count,
						  struct err *err)
{
	assert(saga > 0);
	for (size_t i = 0; i < count; i++) {
		uint8_t digest[STORE_KEY_BYTES];
		search_digest(terms[i], saga, digest);
		int rc = key_new_add(ctx, digest, 0, 0, err);
		if (rc != 0)
			return rc;
	}
	return 0;
}

static int delete_sorted(struct sqlite_writer *w, const uint8_t digest[STORE_KEY_BYTES], struct err *err)
{
	struct db_query AUTO_QUERY q = query_begin(&w->db, W_KEY_DELETE);
	query_blob(&q, digest, STORE_KEY_BYTES);
	return query_run(&q, err);
}

/* One pass over the rows in memory, which have no index for search rows. Sagas are forgotten long after their
 * rows were moved, so usually nothing is found. */
static int delete_new(struct sqlite_writer *w, int64_t saga, const uint8_t (*terms)[STORE_TERM_BYTES],
					  size_t count, struct err *err)
{
	struct store_recent *recent = &w->keys.recent;
	for (size_t i = 0; i < recent->count; i++) {
		struct recent_key *row = &recent->keys[i];
		if (row->owner != 0 || row->id == 0 || saga_of(row->digest) != saga)
			continue;
		for (size_t t = 0; t < count && row->id != 0; t++) {
			int rc = memcmp(row->digest, terms[t], STORE_TERM_BYTES) == 0 ? key_new_delete(w, row, err) : 0;
			if (rc != 0)
				return rc;
		}
	}
	return 0;
}

static int key_search_delete(void *ctx, int64_t saga, const uint8_t (*terms)[STORE_TERM_BYTES], size_t count,
							 struct err *err)
{
	struct sqlite_writer *w = ctx;
	int rc = delete_new(w, saga, terms, count, err);
	for (size_t i = 0; rc == 0 && i < count; i++) {
		uint8_t digest[STORE_KEY_BYTES];
		search_digest(terms[i], saga, digest);
		rc = delete_sorted(w, digest, err);
	}
	return rc;
}

void key_search_ops(struct store_writer *ops)
{
	ops->key_add_search = key_search_add;
	ops->key_delete_search = key_search_delete;
}

/* ---- reading ---- */

/* Descending ids, each once. */
struct found_sagas {
	int64_t *ids;
	size_t capacity, used;
};

/* When the array is full, the lowest id is dropped. */
static void add_found(struct found_sagas *found, int64_t id)
{
	size_t at = found->used;
	while (at > 0 && found->ids[at - 1] < id)
		at--;
	if (at == found->capacity || (at > 0 && found->ids[at - 1] == id))
		return;
	size_t last = found->used < found->capacity ? found->used++ : found->capacity - 1;
	memmove(&found->ids[at + 1], &found->ids[at], (last - at) * sizeof *found->ids);
	found->ids[at] = id;
}

static int read_found(struct sqlite_reader *r, enum reader_statement which,
					  const uint8_t term[STORE_TERM_BYTES], int64_t before, size_t limit,
					  struct found_sagas *found, struct err *err)
{
	uint8_t first[STORE_KEY_BYTES], end[STORE_KEY_BYTES];
	search_digest(term, 0, first);
	search_digest(term, before, end);
	read_slice(r);
	struct db_query AUTO_QUERY q = query_begin(&r->db, which);
	query_blob(&q, first, sizeof first);
	query_blob(&q, end, sizeof end);
	query_int(&q, (int64_t)limit);
	int rc = query_next(&q, err);
	for (; rc == 1; rc = query_next(&q, err)) {
		uint8_t digest[STORE_KEY_BYTES];
		column_fixed(&q, 0, digest, sizeof digest);
		add_found(found, saga_of(digest));
	}
	return rc;
}

/* The newest rows come first: a row that is moved meanwhile is then seen twice, not missed. */
static int key_search_read(void *ctx, const uint8_t term[STORE_TERM_BYTES], int64_t before, int64_t *ids,
						   size_t capacity, size_t *ret, struct err *err)
{
	struct found_sagas found = { .ids = ids, .capacity = capacity };
	int rc = read_found(ctx, R_SEARCH_NEW, term, before, KEY_NEW_ROWS_MAX, &found, err);
	if (rc == 0)
		rc = read_found(ctx, R_SEARCH, term, before, capacity, &found, err);
	if (rc == 0)
		*ret = found.used;
	return rc;
}

void key_search_read_ops(struct store_reader *ops)
{
	ops->key_search = key_search_read;
}
