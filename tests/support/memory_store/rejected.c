/* Rejected requests, kept within a number of bytes for each source. */
#include <stddef.h>

#include "tests/support/memory_store/internal.h"

#define ROW_BYTES 256 /* what a row takes besides its texts: an estimate, as SQLite's */

static int64_t bytes_of(const struct rejected_row *row)
{
	return (int64_t)(row->source.len + row->address.len + row->url.len + row->headers.len + row->body.len) +
		   ROW_BYTES;
}

/* The oldest request of the source; *ret_total is what all of them take. */
static struct memory_slot *oldest_of(const struct memory_writer *w, struct str source, int64_t *ret_total)
{
	struct memory_slot *oldest = NULL;
	*ret_total = 0;
	struct memory_slot *slot = memory_writer_from(w, TABLE_REJECTED, memory_part_begin(w));
	for (; slot != NULL; slot = memory_writer_next(w, slot)) {
		const struct rejected_row *row = memory_writer_view(w, slot);
		if (!str_eq(row->source, source))
			continue;
		oldest = oldest == NULL ? slot : oldest;
		*ret_total += bytes_of(row);
	}
	return oldest;
}

static int evict(struct memory_writer *w, struct str source, int64_t room, struct err *err)
{
	int64_t total = 0;
	struct memory_slot *oldest = oldest_of(w, source, &total);
	while (oldest != NULL && total > room) {
		int rc = memory_writer_put(w, TABLE_REJECTED, oldest->key, NULL, err);
		if (rc != 0)
			return rc;
		oldest = oldest_of(w, source, &total);
	}
	return 0;
}

static struct memory_value *value_of(const struct rejected_row *row)
{
	static const size_t texts[] = { offsetof(struct rejected_row, source),
									offsetof(struct rejected_row, address),
									offsetof(struct rejected_row, url),
									offsetof(struct rejected_row, headers),
									offsetof(struct rejected_row, body) };
	return memory_value_new(row, sizeof *row, texts, sizeof texts / sizeof texts[0]);
}

static int rejected_put(void *ctx, const struct rejected_row *row, int64_t keep_bytes, bool *ret_kept,
						struct err *err)
{
	struct memory_writer *w = ctx;
	struct memory_guard AUTO_GUARD g = memory_write_begin(w, CALL_REJECTED_PUT, err);
	if (g.rc != 0)
		return g.rc;
	*ret_kept = bytes_of(row) <= keep_bytes;
	if (!*ret_kept)
		return 0;
	memory_trip_query(w, CALL_REJECTED_PUT, row->source.p, row->source.len);
	int rc = evict(w, row->source, keep_bytes - bytes_of(row), err);
	if (rc != 0)
		return rc;
	struct rejected_row kept = *row;
	kept.id = (int64_t)memory_part_begin(w).a + ++w->s->last_rejected;
	return memory_writer_put(w, TABLE_REJECTED, memory_key_of(kept.id, 0), value_of(&kept), err);
}

static int rejected_delete(void *ctx, int64_t id, bool *ret_deleted, struct err *err)
{
	struct memory_writer *w = ctx;
	struct memory_guard AUTO_GUARD g = memory_write_begin(w, CALL_REJECTED_DELETE, err);
	if (g.rc != 0)
		return g.rc;
	memory_trip_query(w, CALL_REJECTED_DELETE, &id, sizeof id);
	struct memory_key key = memory_key_of(id, 0);
	*ret_deleted = memory_writer_row(w, TABLE_REJECTED, key) != NULL;
	return *ret_deleted ? memory_writer_put(w, TABLE_REJECTED, key, NULL, err) : 0;
}

static int rejected_prune(void *ctx, int64_t now_ms, size_t limit, size_t *ret_deleted, struct err *err)
{
	struct memory_writer *w = ctx;
	struct memory_guard AUTO_GUARD g = memory_write_begin(w, CALL_REJECTED_PRUNE, err);
	if (g.rc != 0)
		return g.rc;
	memory_trip_ask(w, CALL_REJECTED_PRUNE);
	*ret_deleted = 0;
	struct memory_slot *slot = memory_writer_from(w, TABLE_REJECTED, memory_part_begin(w));
	while (slot != NULL && *ret_deleted < limit) {
		const struct rejected_row *row = memory_writer_view(w, slot);
		struct memory_slot *next = memory_writer_next(w, slot);
		if (row->until_ms <= now_ms) {
			int rc = memory_writer_put(w, TABLE_REJECTED, slot->key, NULL, err);
			if (rc != 0)
				return rc;
			*ret_deleted += 1;
		}
		slot = next;
	}
	return 0;
}

void memory_rejected_ops(struct store_writer *ops)
{
	ops->rejected_put = rejected_put;
	ops->rejected_delete = rejected_delete;
	ops->rejected_prune = rejected_prune;
}

/* ---- the reader ---- */

static int read_rejected(void *ctx, const char *source, int64_t after, size_t capacity, void *each_ctx,
						 int (*each)(void *each_ctx, const struct rejected_row *row), int64_t *ret_next,
						 struct err *err)
{
	struct memory_reader *r = ctx;
	struct memory_guard AUTO_GUARD g = memory_read_begin(r, CALL_REJECTED_LIST, err);
	if (g.rc != 0)
		return g.rc;
	struct memory_page page = { 0 };
	int64_t last = 0;
	struct memory_slot *slot =
		memory_table_from(&r->s->tables[TABLE_REJECTED], NULL, memory_key_of(after + 1, 0));
	for (; slot != NULL && page.count < capacity; slot = memory_table_next(slot, NULL)) {
		const struct rejected_row *row = memory_committed(slot);
		if (source != NULL && !str_is(row->source, source))
			continue;
		memory_page_add(&page, slot->committed);
		last = row->id;
	}
	*ret_next = page.count == capacity ? last : 0;
	memory_guard_end(&g);
	for (size_t i = 0; i < page.count; i++) {
		if (each(each_ctx, (const void *)page.values[i]->row) != 0)
			break;
	}
	memory_page_free(r->s, &page);
	return 0;
}

void memory_rejected_read_ops(struct store_reader *ops)
{
	ops->rejected_list = read_rejected;
}
