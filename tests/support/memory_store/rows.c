/* Rows of any table, as a connection sees them; values of the rows that are more than bytes. */
#include <stddef.h>
#include <stdlib.h>

#include "saga/base/array.h"
#include "tests/support/memory_store/internal.h"

/* ---- reading ---- */

static struct memory_table *table_of(struct memory_store *s, enum memory_table_id table)
{
	return &s->tables[table];
}

const void *memory_writer_row(const struct memory_writer *w, enum memory_table_id table,
							  struct memory_key key)
{
	const struct memory_value *v = memory_table_get(table_of(w->s, table), &w->change, key);
	return v != NULL ? v->row : NULL;
}

const void *memory_reader_row(const struct memory_reader *r, enum memory_table_id table,
							  struct memory_key key)
{
	const struct memory_value *v = memory_table_get(table_of(r->s, table), NULL, key);
	return v != NULL ? v->row : NULL;
}

static struct memory_slot *within_part(const struct memory_writer *w, struct memory_slot *slot)
{
	bool inside = slot != NULL && slot->key.a >= memory_part_begin(w).a && slot->key.a < memory_part_end(w).a;
	return inside ? slot : NULL;
}

struct memory_slot *memory_writer_from(const struct memory_writer *w, enum memory_table_id table,
									   struct memory_key key)
{
	struct memory_key low = memory_part_begin(w);
	struct memory_table *t = table_of(w->s, table);
	return within_part(w, memory_table_from(t, &w->change, key.a < low.a ? low : key));
}

struct memory_slot *memory_writer_next(const struct memory_writer *w, const struct memory_slot *slot)
{
	return within_part(w, memory_table_next(slot, &w->change));
}

struct memory_slot *memory_writer_last(const struct memory_writer *w, enum memory_table_id table)
{
	return within_part(w, memory_table_below(table_of(w->s, table), &w->change, memory_part_end(w)));
}

const void *memory_writer_view(const struct memory_writer *w, const struct memory_slot *slot)
{
	return memory_slot_view(slot, &w->change)->row;
}

int64_t memory_writer_next_id(const struct memory_writer *w, enum memory_table_id table)
{
	const struct memory_slot *last = memory_writer_last(w, table);
	return (int64_t)(last != NULL ? last->key.a : memory_part_begin(w).a) + 1;
}

/* ---- writing ---- */

int memory_writer_put(struct memory_writer *w, enum memory_table_id table, struct memory_key key,
					  struct memory_value *value, struct err *err)
{
	assert(w->open);
	if (memory_table_put(table_of(w->s, table), &w->change, key, value))
		return 0;
	memory_value_unref(value);
	return err_set(err, ERR_BUSY, "another writer of the memory store has changed row %lld",
				   (long long)key.a);
}

int memory_writer_add(struct memory_writer *w, enum memory_table_id table, struct memory_key key,
					  struct memory_value *value, struct err *err)
{
	if (memory_writer_row(w, table, key) == NULL)
		return memory_writer_put(w, table, key, value, err);
	memory_value_unref(value);
	return err_set(err, ERR_INVALID, "the memory store has a row %lld already", (long long)key.a);
}

/* ---- values ---- */

static void finish_event(void *row)
{
	struct event **event = row;
	event_unref(*event);
}

struct event *memory_event_ref(struct event *event)
{
	return event != NULL ? event_ref(event) : NULL;
}

struct event *memory_event_copy(const struct event *event)
{
	struct event *copy = NULL;
	int rc = event == NULL ? 0 : event_restore(event->payload, event->version, &copy, NULL);
	assert(rc == 0);
	return copy;
}

struct memory_value *memory_value_of_event(const struct event *event)
{
	struct event *own = memory_event_copy(event);
	struct memory_value *v = memory_value_new(&own, sizeof own, NULL, 0);
	v->finish = finish_event;
	return v;
}

struct memory_value *memory_value_of_saga(const struct saga_row *row)
{
	static const size_t texts[] = { offsetof(struct saga_row, value) };
	return memory_value_new(row, sizeof *row, texts, 1);
}

struct memory_value *memory_value_of_log(const struct log_row *row)
{
	static const size_t texts[] = { offsetof(struct log_row, head), offsetof(struct log_row, personal) };
	return memory_value_new(row, sizeof *row, texts, 2);
}

struct memory_value *memory_value_of_chain(const struct chain_row *row)
{
	static const size_t texts[] = { offsetof(struct chain_row, counters), offsetof(struct chain_row, marks) };
	return memory_value_new(row, sizeof *row, texts, 2);
}

uint16_t memory_lowest_part(struct memory_store *s)
{
	const struct memory_slot *first = memory_table_from(&s->tables[TABLE_CHAIN], NULL, memory_key_of(0, 0));
	return first != NULL ? (uint16_t)(first->key.a >> STORE_NUMBER_BITS) : 0;
}

int memory_figures(struct memory_store *s, const struct memory_change *by, uint16_t part,
				   struct store_figures *ret, struct chain_row *ret_last, struct err *err)
{
	int64_t begin = (int64_t)part << STORE_NUMBER_BITS;
	struct memory_key end = { (uint64_t)(part + 1) << STORE_NUMBER_BITS, 0 };
	struct memory_table *chain = &s->tables[TABLE_CHAIN];
	struct memory_slot *last = memory_table_below(chain, by, end);
	*ret = (struct store_figures){ 0 };
	*ret_last = (struct chain_row){ .commit = begin, .last = begin };
	if (last == NULL || (int64_t)last->key.a < begin)
		return 0;
	int64_t first = store_figures_first((int64_t)last->key.a);
	struct memory_slot *slot = memory_table_from(chain, by, memory_key_of(first, 0));
	for (; slot != NULL && slot->key.a < end.a; slot = memory_table_next(slot, by)) {
		const struct chain_row *row = (const void *)memory_slot_view(slot, by)->row;
		*ret_last = *row;
		int rc = store_figures_add(ret, ret_last, err);
		if (rc != 0) {
			store_figures_free(ret);
			return rc;
		}
	}
	ret_last->counters = ret_last->marks = (struct str){ 0 };
	return 0;
}

int memory_decode_saga(const struct memory_reader *r, const struct saga_row *row, struct saga **ret,
					   struct err *err)
{
	struct plan *const *plan = memory_reader_row(r, TABLE_PLAN, memory_key_of(row->plan, 0));
	if (plan == NULL)
		return err_set(err, ERR_CORRUPT, "memory store: saga %lld: plan %lld is missing", (long long)row->id,
					   (long long)row->plan);
	int rc = saga_decode(row->id, *plan, row->value, ret, err);
	return rc == 0 ? 0 : err_wrap(err, rc, "memory store: saga %lld", (long long)row->id);
}

/* ---- pages ---- */

void memory_page_add(struct memory_page *page, struct memory_value *v)
{
	ARRAY_GROW_BY_COUNT(page->values, page->count);
	page->values[page->count++] = memory_value_ref(v);
}

void memory_page_free(struct memory_store *s, struct memory_page *page)
{
	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < page->count; i++)
		memory_value_unref(page->values[i]);
	pthread_mutex_unlock(&s->lock);
	free(page->values);
	*page = (struct memory_page){ 0 };
}
