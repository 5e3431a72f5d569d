/* Announcements: the keys of a batch, and what the next reads will ask. */
#include <string.h>

#include "saga/base/array.h"
#include "tests/support/memory_store/internal.h"

/* Memory is enough for the numbers: a process that ends takes the whole store with it. */
struct memory_numbers *memory_numbers_of(struct memory_store *s, uint16_t part)
{
	for (size_t i = 0; i < s->number_count; i++) {
		if (s->numbers[i].part == part)
			return &s->numbers[i];
	}
	ARRAY_GROW_BY_COUNT(s->numbers, s->number_count);
	struct memory_numbers *n = &s->numbers[s->number_count++];
	*n = (struct memory_numbers){ .part = part };
	return n;
}

static void note_number(struct memory_writer *w, int64_t provisional)
{
	struct memory_numbers *n = memory_numbers_of(w->s, w->options.part);
	if (!w->options.numbers_skip)
		return;
	if (provisional > n->last_saga)
		n->last_saga = provisional;
	if (-provisional > n->last_related)
		n->last_related = -provisional;
}

/* ---- what comes along ---- */

/* memory_trip_know or memory_trip_expect. */
typedef void note_item(struct memory_writer *w, enum memory_item_kind kind, const void *bytes, size_t len);

static void note_saga(struct memory_writer *w, int64_t id, note_item *note)
{
	note(w, ITEM_SAGA, &id, sizeof id);
	const struct saga_row *row = memory_writer_row(w, TABLE_SAGA, memory_key_of(id, 0));
	if (row != NULL)
		note(w, ITEM_PLAN, &row->plan, sizeof row->plan);
}

static void bring_saga(struct memory_writer *w, int64_t id)
{
	note_saga(w, id, memory_trip_know);
	memory_trip_know(w, ITEM_EVENT, &id, sizeof id);
}

static void bring_owner(struct memory_writer *w, int64_t owner)
{
	if (owner > 0) {
		bring_saga(w, owner);
		return;
	}
	int64_t id = -owner;
	memory_trip_know(w, ITEM_RELATED, &id, sizeof id);
	const struct related_row *row = memory_writer_row(w, TABLE_RELATED, memory_key_of(id, 0));
	if (row != NULL && row->saga != 0)
		bring_saga(w, row->saga);
}

/* ---- keys ---- */

/* Another writer that changes this key gets ERR_BUSY until the transaction ends. */
static int lock_key(struct memory_writer *w, const uint8_t key[STORE_KEY_BYTES], struct err *err)
{
	struct memory_key at = memory_key_of_digest(key);
	struct memory_value *v = memory_table_get(&w->s->tables[TABLE_KEY], &w->change, at);
	return memory_writer_put(w, TABLE_KEY, at, v != NULL ? memory_value_ref(v) : NULL, err);
}

static int reserve_keys(void *ctx, struct key_reservation *keys, size_t count, struct err *err)
{
	struct memory_writer *w = ctx;
	struct memory_guard AUTO_GUARD g = memory_write_begin(w, CALL_KEYS_RESERVE, err);
	if (g.rc != 0)
		return g.rc;
	assert(!w->reserved); /* once in a transaction */
	w->reserved = true;
	if (count > 0)
		memory_trip_ask(w, CALL_KEYS_RESERVE);
	for (size_t i = 0; i < count; i++) {
		int rc = keys[i].provisional != 0 ? lock_key(w, keys[i].key, err) : 0;
		if (rc != 0)
			return rc;
		keys[i].owner = memory_writer_owner(w, keys[i].key);
		note_number(w, keys[i].provisional);
		memory_trip_know(w, ITEM_KEY, keys[i].key, STORE_KEY_BYTES);
		memory_trip_know_query(w, CALL_RELATED_ATTACH, keys[i].key, STORE_KEY_BYTES);
		if (keys[i].owner != 0)
			bring_owner(w, keys[i].owner);
	}
	return 0;
}

/* ---- reads ---- */

static void expect_lane(struct memory_writer *w, const struct expected_lane *lane)
{
	struct memory_lane_question question = { .target = lane->target };
	memcpy(question.lane, lane->lane, LANE_BYTES);
	memory_trip_expect_query(w, CALL_ROW_LANE_FIRST, &question, sizeof question);
	int64_t saga = memory_lane_first(w, lane);
	if (saga == 0)
		return;
	note_saga(w, saga, memory_trip_expect);
	memory_trip_expect(w, ITEM_EVENT, &saga, sizeof saga);
}

static void expect_related(struct memory_writer *w, int64_t id)
{
	memory_trip_expect(w, ITEM_RELATED, &id, sizeof id);
	const struct related_row *row = memory_writer_row(w, TABLE_RELATED, memory_key_of(id, 0));
	for (size_t i = 0; row != NULL && i < row->name_count; i++)
		memory_trip_expect_query(w, CALL_RELATED_ATTACH, &row->names[i * STORE_KEY_BYTES], STORE_KEY_BYTES);
}

static void expect_reads(void *ctx, const struct store_expected *expected)
{
	struct memory_writer *w = ctx;
	struct memory_guard AUTO_GUARD g = { .s = w->s };
	pthread_mutex_lock(&w->s->lock);
	for (size_t i = 0; i < expected->saga_count; i++)
		note_saga(w, expected->sagas[i], memory_trip_expect);
	for (size_t i = 0; i < expected->event_count; i++)
		memory_trip_expect(w, ITEM_EVENT, &expected->events[i], sizeof(int64_t));
	for (size_t i = 0; i < expected->related_count; i++)
		expect_related(w, expected->related[i]);
	for (size_t i = 0; i < expected->lane_count; i++)
		expect_lane(w, &expected->lanes[i]);
	for (size_t i = 0; i < expected->due_count; i++)
		memory_trip_expect_query(w, CALL_ROW_NEXT_DUE, &expected->due_targets[i], sizeof(uint32_t));
}

void memory_reserve_ops(struct store_writer *ops)
{
	ops->keys_reserve = reserve_keys;
	ops->expect = expect_reads;
}
