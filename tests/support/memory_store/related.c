/* Related events: events about a gift whose saga another event starts. */
#include <stdlib.h>
#include <string.h>

#include "saga/base/mem.h"
#include "tests/support/memory_store/internal.h"

static void finish_related(void *ctx)
{
	struct related_row *row = ctx;
	event_unref(row->event);
	free((void *)(uintptr_t)row->names);
}

struct memory_value *memory_value_of_related(const struct related_row *row)
{
	struct related_row own = *row;
	own.event = memory_event_copy(row->event);
	own.names = (const uint8_t *)mem_strndup((const char *)row->names, row->name_count * STORE_KEY_BYTES);
	struct memory_value *v = memory_value_new(&own, sizeof own, NULL, 0);
	v->finish = finish_related;
	return v;
}

static int related_insert(void *ctx, const struct related_row *row, struct err *err)
{
	struct memory_writer *w = ctx;
	struct memory_guard AUTO_GUARD g = memory_write_begin(w, CALL_RELATED_INSERT, err);
	if (g.rc != 0)
		return g.rc;
	memory_trip_know(w, ITEM_RELATED, &row->id, sizeof row->id);
	return memory_writer_add(w, TABLE_RELATED, memory_key_of(row->id, 0), memory_value_of_related(row), err);
}

static int related_get(void *ctx, int64_t id, struct related_row *ret, struct err *err)
{
	struct memory_writer *w = ctx;
	struct memory_guard AUTO_GUARD g = memory_write_begin(w, CALL_RELATED_GET, err);
	if (g.rc != 0)
		return g.rc;
	memory_trip_read(w, CALL_RELATED_GET, ITEM_RELATED, &id, sizeof id);
	struct memory_value *v = memory_table_get(&w->s->tables[TABLE_RELATED], &w->change, memory_key_of(id, 0));
	if (v == NULL)
		return err_set(err, ERR_NOT_FOUND, "memory store: no related event %lld", (long long)id);
	memory_value_unref(w->borrowed);
	w->borrowed = memory_value_ref(v);
	const struct related_row *row = memory_writer_row(w, TABLE_RELATED, memory_key_of(id, 0));
	*ret = *row;
	ret->event = memory_event_ref(row->event);
	return 0;
}

static bool has_name(const struct related_row *row, const uint8_t name[STORE_KEY_BYTES])
{
	for (size_t i = 0; i < row->name_count; i++)
		if (memcmp(row->names + i * STORE_KEY_BYTES, name, STORE_KEY_BYTES) == 0)
			return true;
	return false;
}

static int attach(struct memory_writer *w, const struct related_row *row, int64_t saga, void *each_ctx,
				  void (*each)(void *each_ctx, const struct related_row *row), struct err *err)
{
	struct related_row attached = *row;
	attached.saga = saga;
	struct memory_value *v = memory_value_of_related(&attached);
	int rc = memory_writer_put(w, TABLE_RELATED, memory_key_of(row->id, 0), v, err);
	if (rc == 0)
		each(each_ctx, memory_writer_row(w, TABLE_RELATED, memory_key_of(attached.id, 0)));
	return rc;
}

static int related_attach(void *ctx, const uint8_t gift[STORE_KEY_BYTES], int64_t saga, void *each_ctx,
						  void (*each)(void *each_ctx, const struct related_row *row), struct err *err)
{
	struct memory_writer *w = ctx;
	struct memory_guard AUTO_GUARD g = memory_write_begin(w, CALL_RELATED_ATTACH, err);
	if (g.rc != 0)
		return g.rc;
	memory_trip_query(w, CALL_RELATED_ATTACH, gift, STORE_KEY_BYTES);
	struct memory_slot *slot = memory_writer_from(w, TABLE_RELATED, memory_part_begin(w));
	for (; slot != NULL; slot = memory_writer_next(w, slot)) {
		const struct related_row *row = memory_writer_view(w, slot);
		if (row->saga != 0 || !has_name(row, gift))
			continue;
		int rc = attach(w, row, saga, each_ctx, each, err);
		if (rc != 0)
			return rc;
	}
	return 0;
}

/* The waiting event that is due first, behind (due_ms, id). */
static const struct related_row *next_due(const struct memory_writer *w, int64_t due_ms, int64_t id)
{
	const struct related_row *first = NULL;
	struct memory_slot *slot = memory_writer_from(w, TABLE_RELATED, memory_part_begin(w));
	for (; slot != NULL; slot = memory_writer_next(w, slot)) {
		const struct related_row *row = memory_writer_view(w, slot);
		bool behind = row->due_ms > due_ms || (row->due_ms == due_ms && row->id > id);
		if (row->saga == 0 && behind && (first == NULL || row->due_ms < first->due_ms))
			first = row;
	}
	return first;
}

static int related_due(void *ctx, int64_t now_ms, int64_t *ids, size_t capacity, size_t *ret,
					   int64_t *ret_next_ms, struct err *err)
{
	struct memory_writer *w = ctx;
	struct memory_guard AUTO_GUARD g = memory_write_begin(w, CALL_RELATED_DUE, err);
	if (g.rc != 0)
		return g.rc;
	memory_trip_ask(w, CALL_RELATED_DUE);
	size_t used = 0;
	const struct related_row *row = next_due(w, INT64_MIN, 0);
	while (row != NULL && used < capacity && row->due_ms <= now_ms) {
		ids[used++] = row->id;
		row = next_due(w, row->due_ms, row->id);
	}
	*ret = used;
	*ret_next_ms = row != NULL ? row->due_ms : INT64_MAX;
	return 0;
}

void memory_related_ops(struct store_writer *ops)
{
	ops->related_insert = related_insert;
	ops->related_get = related_get;
	ops->related_attach = related_attach;
	ops->related_due = related_due;
}
