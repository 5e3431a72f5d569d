/* Plans, sagas and events. */
#include <string.h>

#include "tests/support/memory_store/internal.h"

static int not_found(const char *what, int64_t id, struct err *err)
{
	return err_set(err, ERR_NOT_FOUND, "memory store: no %s %lld", what, (long long)id);
}

/* ---- plans ---- */

static void finish_plan(void *row)
{
	struct plan **plan = row;
	plan_unref(*plan);
}

/* There are few plans, so a walk over all of them is fast enough. */
static int64_t find_plan(const struct memory_writer *w, const uint8_t digest[32])
{
	struct memory_slot *slot = memory_writer_from(w, TABLE_PLAN, memory_part_begin(w));
	for (; slot != NULL; slot = memory_writer_next(w, slot)) {
		struct plan *const *plan = memory_writer_view(w, slot);
		if (memcmp((*plan)->digest, digest, sizeof(*plan)->digest) == 0)
			return (int64_t)slot->key.a;
	}
	return 0;
}

static int sagas_plan_put(void *ctx, const struct plan *plan, int64_t *ret, struct err *err)
{
	struct memory_writer *w = ctx;
	struct memory_guard AUTO_GUARD g = memory_write_begin(w, CALL_PLAN_PUT, err);
	if (g.rc != 0)
		return g.rc;
	memory_trip_read(w, CALL_PLAN_PUT, ITEM_PLAN_DIGEST, plan->digest, sizeof plan->digest);
	int64_t number = find_plan(w, plan->digest);
	if (number == 0) {
		struct plan *own = NULL;
		int rc = plan_parse(str_of(plan->json), &own, err);
		if (rc != 0)
			return rc;
		number = memory_writer_next_id(w, TABLE_PLAN);
		struct memory_value *v = memory_value_new(&own, sizeof own, NULL, 0);
		v->finish = finish_plan;
		rc = memory_writer_put(w, TABLE_PLAN, memory_key_of(number, 0), v, err);
		if (rc != 0)
			return rc;
	}
	memory_trip_know(w, ITEM_PLAN, &number, sizeof number);
	*ret = number;
	return 0;
}

static int sagas_plan_get(void *ctx, int64_t number, struct plan **ret, struct err *err)
{
	struct memory_writer *w = ctx;
	struct memory_guard AUTO_GUARD g = memory_write_begin(w, CALL_PLAN_GET, err);
	if (g.rc != 0)
		return g.rc;
	memory_trip_read(w, CALL_PLAN_GET, ITEM_PLAN, &number, sizeof number);
	struct plan *const *plan = memory_writer_row(w, TABLE_PLAN, memory_key_of(number, 0));
	if (plan == NULL)
		return err_set(err, ERR_CORRUPT, "memory store: plan %lld is missing", (long long)number);
	*ret = plan_ref(*plan);
	return 0;
}

/* ---- sagas ---- */

static int sagas_insert(void *ctx, const struct saga_row *row, struct err *err)
{
	struct memory_writer *w = ctx;
	struct memory_guard AUTO_GUARD g = memory_write_begin(w, CALL_SAGA_INSERT, err);
	if (g.rc != 0)
		return g.rc;
	memory_trip_know(w, ITEM_SAGA, &row->id, sizeof row->id);
	return memory_writer_add(w, TABLE_SAGA, memory_key_of(row->id, 0), memory_value_of_saga(row), err);
}

static int sagas_update(void *ctx, const struct saga_row *row, struct err *err)
{
	struct memory_writer *w = ctx;
	struct memory_guard AUTO_GUARD g = memory_write_begin(w, CALL_SAGA_UPDATE, err);
	if (g.rc != 0)
		return g.rc;
	if (memory_writer_row(w, TABLE_SAGA, memory_key_of(row->id, 0)) == NULL)
		return not_found("saga", row->id, err);
	memory_trip_know(w, ITEM_SAGA, &row->id, sizeof row->id);
	return memory_writer_put(w, TABLE_SAGA, memory_key_of(row->id, 0), memory_value_of_saga(row), err);
}

static int sagas_get(void *ctx, int64_t id, struct saga_row *ret, struct err *err)
{
	struct memory_writer *w = ctx;
	struct memory_guard AUTO_GUARD g = memory_write_begin(w, CALL_SAGA_GET, err);
	if (g.rc != 0)
		return g.rc;
	memory_trip_read(w, CALL_SAGA_GET, ITEM_SAGA, &id, sizeof id);
	struct memory_value *v = memory_table_get(&w->s->tables[TABLE_SAGA], &w->change, memory_key_of(id, 0));
	if (v == NULL)
		return not_found("saga", id, err);
	memory_value_unref(w->borrowed);
	w->borrowed = memory_value_ref(v);
	const struct saga_row *row = memory_writer_row(w, TABLE_SAGA, memory_key_of(id, 0));
	*ret = *row;
	return 0;
}

static int sagas_live(void *ctx, int64_t after, int64_t *ids, size_t capacity, size_t *ret, struct err *err)
{
	struct memory_writer *w = ctx;
	struct memory_guard AUTO_GUARD g = memory_write_begin(w, CALL_SAGA_LIVE, err);
	if (g.rc != 0)
		return g.rc;
	memory_trip_query(w, CALL_SAGA_LIVE, &after, sizeof after);
	size_t used = 0;
	struct memory_slot *slot = memory_writer_from(w, TABLE_SAGA, memory_key_of(after + 1, 0));
	for (; slot != NULL && used < capacity; slot = memory_writer_next(w, slot)) {
		const struct saga_row *row = memory_writer_view(w, slot);
		if (row->index == SAGA_INDEX_LIVE)
			ids[used++] = row->id;
	}
	*ret = used;
	return 0;
}

static int sagas_range(void *ctx, int64_t after, struct saga_row *rows, size_t capacity, struct buf *values,
					   size_t *ret, struct err *err)
{
	struct memory_writer *w = ctx;
	struct memory_guard AUTO_GUARD g = memory_write_begin(w, CALL_SAGA_RANGE, err);
	if (g.rc != 0)
		return g.rc;
	memory_trip_query(w, CALL_SAGA_RANGE, &after, sizeof after);
	size_t used = 0, at = values->len;
	struct memory_slot *slot = memory_writer_from(w, TABLE_SAGA, memory_key_of(after + 1, 0));
	for (; slot != NULL && used < capacity; slot = memory_writer_next(w, slot)) {
		const struct saga_row *row = memory_writer_view(w, slot);
		rows[used++] = *row;
		buf_add(values, row->value.p, row->value.len);
		memory_trip_know(w, ITEM_SAGA, &row->id, sizeof row->id);
	}
	for (size_t i = 0; i < used; at += rows[i++].value.len)
		rows[i].value.p = buf_str(values).p + at;
	*ret = used;
	return 0;
}

/* ---- events ---- */

static int sagas_event_insert(void *ctx, int64_t saga, const struct event *event, struct err *err)
{
	struct memory_writer *w = ctx;
	struct memory_guard AUTO_GUARD g = memory_write_begin(w, CALL_EVENT_INSERT, err);
	if (g.rc != 0)
		return g.rc;
	memory_trip_know(w, ITEM_EVENT, &saga, sizeof saga);
	return memory_writer_add(w, TABLE_EVENT, memory_key_of(saga, 0), memory_value_of_event(event), err);
}

static int sagas_event_replace(void *ctx, int64_t saga, const struct event *event, struct err *err)
{
	struct memory_writer *w = ctx;
	struct memory_guard AUTO_GUARD g = memory_write_begin(w, CALL_EVENT_REPLACE, err);
	if (g.rc != 0)
		return g.rc;
	if (memory_writer_row(w, TABLE_EVENT, memory_key_of(saga, 0)) == NULL)
		return not_found("event of saga", saga, err);
	memory_trip_know(w, ITEM_EVENT, &saga, sizeof saga);
	return memory_writer_put(w, TABLE_EVENT, memory_key_of(saga, 0), memory_value_of_event(event), err);
}

static int sagas_event_get(void *ctx, int64_t saga, struct event **ret, struct err *err)
{
	struct memory_writer *w = ctx;
	struct memory_guard AUTO_GUARD g = memory_write_begin(w, CALL_EVENT_GET, err);
	if (g.rc != 0)
		return g.rc;
	memory_trip_read(w, CALL_EVENT_GET, ITEM_EVENT, &saga, sizeof saga);
	struct event *const *event = memory_writer_row(w, TABLE_EVENT, memory_key_of(saga, 0));
	if (event == NULL)
		return not_found("event of saga", saga, err);
	*ret = memory_event_ref(*event);
	return 0;
}

static int sagas_event_many(void *ctx, const int64_t *sagas, size_t count, struct event **events,
							struct err *err)
{
	struct memory_writer *w = ctx;
	struct memory_guard AUTO_GUARD g = memory_write_begin(w, CALL_EVENT_MANY, err);
	if (g.rc != 0)
		return g.rc;
	memory_trip_query(w, CALL_EVENT_MANY, sagas, count * sizeof *sagas);
	for (size_t i = 0; i < count; i++) {
		struct event *const *event = memory_writer_row(w, TABLE_EVENT, memory_key_of(sagas[i], 0));
		events[i] = event != NULL ? event_ref(*event) : NULL;
		memory_trip_know(w, ITEM_EVENT, &sagas[i], sizeof sagas[i]);
	}
	return 0;
}

void memory_saga_ops(struct store_writer *ops)
{
	ops->plan_put = sagas_plan_put;
	ops->plan_get = sagas_plan_get;
	ops->saga_insert = sagas_insert;
	ops->saga_update = sagas_update;
	ops->saga_get = sagas_get;
	ops->saga_live = sagas_live;
	ops->saga_range = sagas_range;
	ops->event_insert = sagas_event_insert;
	ops->event_replace = sagas_event_replace;
	ops->event_get = sagas_event_get;
	ops->event_many = sagas_event_many;
}
