/* Search rows: which sagas a term finds. */
#include "tests/support/memory_store/internal.h"

static struct memory_key key_of(const uint8_t term[STORE_TERM_BYTES], int64_t saga)
{
	struct memory_key key = { .b = (uint64_t)saga };
	for (size_t i = 0; i < STORE_TERM_BYTES; i++)
		key.a = key.a << 8 | term[i];
	return key;
}

static int change_terms(struct memory_writer *w, int64_t saga, const uint8_t (*terms)[STORE_TERM_BYTES],
						size_t count, bool add, struct err *err)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < count; i++) {
		struct memory_value *v = add ? memory_value_new("", 0, NULL, 0) : NULL;
		rc = memory_writer_put(w, TABLE_SEARCH, key_of(terms[i], saga), v, err);
	}
	return rc;
}

static int search_add(void *ctx, int64_t saga, const uint8_t (*terms)[STORE_TERM_BYTES], size_t count,
					  struct err *err)
{
	struct memory_guard AUTO_GUARD g = memory_write_begin(ctx, CALL_KEY_ADD_SEARCH, err);
	return g.rc != 0 ? g.rc : change_terms(ctx, saga, terms, count, true, err);
}

static int search_delete(void *ctx, int64_t saga, const uint8_t (*terms)[STORE_TERM_BYTES], size_t count,
						 struct err *err)
{
	struct memory_guard AUTO_GUARD g = memory_write_begin(ctx, CALL_KEY_DELETE_SEARCH, err);
	return g.rc != 0 ? g.rc : change_terms(ctx, saga, terms, count, false, err);
}

void memory_search_ops(struct store_writer *ops)
{
	ops->key_add_search = search_add;
	ops->key_delete_search = search_delete;
}

static int read_search(void *ctx, const uint8_t term[STORE_TERM_BYTES], int64_t before, int64_t *ids,
					   size_t capacity, size_t *ret, struct err *err)
{
	struct memory_reader *r = ctx;
	struct memory_guard AUTO_GUARD g = memory_read_begin(r, CALL_KEY_SEARCH, err);
	if (g.rc != 0)
		return g.rc;
	struct memory_table *t = &r->s->tables[TABLE_SEARCH];
	struct memory_key key = key_of(term, before);
	const struct memory_slot *slot = memory_table_below(t, NULL, key);
	size_t used = 0;
	for (; slot != NULL && slot->key.a == key.a && used < capacity;
		 slot = memory_table_below(t, NULL, slot->key))
		ids[used++] = (int64_t)slot->key.b;
	*ret = used;
	return 0;
}

void memory_search_read_ops(struct store_reader *ops)
{
	ops->key_search = read_search;
}
