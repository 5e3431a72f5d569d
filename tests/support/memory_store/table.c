#include "tests/support/memory_store/table.h"

#include <stdlib.h>
#include <string.h>

#include "saga/base/check.h"
#include "saga/base/mem.h"
#include "saga/base/str.h"

/* ---- values ---- */

struct memory_value *memory_value_new(const void *row, size_t bytes, const size_t *texts, size_t text_count)
{
	size_t total = sizeof(struct memory_value) + bytes;
	for (size_t i = 0; i < text_count; i++)
		total += ((const struct str *)(const void *)((const char *)row + texts[i]))->len + 1;
	struct memory_value *v = mem_zalloc(total);
	v->refs = 1;
	memcpy(v->row, row, bytes);
	char *at = (char *)v->row + bytes;
	for (size_t i = 0; i < text_count; i++) {
		struct str *text = (struct str *)(void *)((char *)v->row + texts[i]);
		if (text->len > 0)
			memcpy(at, text->p, text->len);
		text->p = at;
		at += text->len + 1;
	}
	return v;
}

struct memory_value *memory_value_ref(struct memory_value *v)
{
	assert(v->refs > 0);
	v->refs++;
	return v;
}

void memory_value_unref(struct memory_value *v)
{
	if (v == NULL || --v->refs > 0)
		return;
	if (v->finish != NULL)
		v->finish(v->row);
	free(v);
}

/* ---- the skip list ---- */

static bool is_less(struct memory_key x, struct memory_key y)
{
	return x.a != y.a ? x.a < y.a : x.b < y.b;
}

static bool is_equal(struct memory_key x, struct memory_key y)
{
	return x.a == y.a && x.b == y.b;
}

/* links[level]: the link of this level that leads to the first slot at or above `key`. Returns the last slot
 * below `key`; NULL without one. */
static struct memory_slot *seek(struct memory_table *t, struct memory_key key,
								struct memory_slot **links[MEMORY_HEIGHT])
{
	struct memory_slot *last = NULL;
	struct memory_slot **at = t->first;
	for (unsigned level = MEMORY_HEIGHT; level-- > 0;) {
		while (at[level] != NULL && is_less(at[level]->key, key)) {
			last = at[level];
			at = last->next;
		}
		links[level] = &at[level];
	}
	return last;
}

/* Half of the slots are higher than 1, a quarter higher than 2, and so on: by their keys, so that a table
 * always has the same shape. */
static unsigned height_of(struct memory_key key)
{
	uint64_t mixed = (key.a ^ key.b << 32 ^ key.b >> 32) * UINT64_C(0x9e3779b97f4a7c15);
	mixed = (mixed ^ mixed >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
	unsigned height = 1;
	for (mixed >>= 32; height < MEMORY_HEIGHT && (mixed & 1) != 0; mixed >>= 1)
		height++;
	return height;
}

static struct memory_slot *slot_of(struct memory_table *t, struct memory_key key)
{
	struct memory_slot **links[MEMORY_HEIGHT];
	(void)seek(t, key, links);
	struct memory_slot *slot = *links[0];
	if (slot != NULL && is_equal(slot->key, key))
		return slot;
	unsigned height = height_of(key);
	slot = mem_zalloc(sizeof *slot + height * sizeof(struct memory_slot *));
	slot->key = key;
	slot->table = t;
	slot->height = height;
	for (unsigned level = 0; level < height; level++) {
		slot->next[level] = *links[level];
		*links[level] = slot;
	}
	return slot;
}

static void remove_slot(struct memory_slot *slot)
{
	struct memory_slot **links[MEMORY_HEIGHT];
	(void)seek(slot->table, slot->key, links);
	for (unsigned level = 0; level < slot->height; level++) {
		assert(*links[level] == slot);
		*links[level] = slot->next[level];
	}
	free(slot);
}

void memory_table_clear(struct memory_table *t)
{
	struct memory_slot *slot = t->first[0];
	while (slot != NULL) {
		struct memory_slot *next = slot->next[0];
		assert(slot->changed_by == NULL);
		memory_value_unref(slot->committed);
		free(slot);
		slot = next;
	}
	*t = (struct memory_table){ 0 };
}

/* ---- changes ---- */

bool memory_table_put(struct memory_table *t, struct memory_change *by, struct memory_key key,
					  struct memory_value *value)
{
	struct memory_slot *slot = slot_of(t, key);
	if (slot->changed_by != NULL && slot->changed_by != by)
		return false;
	if (slot->changed_by == NULL) {
		slot->changed_by = by;
		slot->next_changed = by->slots;
		by->slots = slot;
	}
	memory_value_unref(slot->pending);
	slot->pending = value;
	return true;
}

static void end_change(struct memory_change *c, bool keep)
{
	struct memory_slot *slot;
	while ((slot = c->slots) != NULL) {
		c->slots = slot->next_changed;
		memory_value_unref(keep ? slot->committed : slot->pending);
		if (keep)
			slot->committed = slot->pending;
		slot->pending = NULL;
		slot->changed_by = NULL;
		slot->next_changed = NULL;
		if (slot->committed == NULL)
			remove_slot(slot);
	}
}

void memory_change_commit(struct memory_change *c)
{
	end_change(c, true);
}

void memory_change_rollback(struct memory_change *c)
{
	end_change(c, false);
}

/* ---- reading ---- */

struct memory_value *memory_slot_view(const struct memory_slot *slot, const struct memory_change *by)
{
	return by != NULL && slot->changed_by == by ? slot->pending : slot->committed;
}

static struct memory_slot *first_visible(struct memory_slot *slot, const struct memory_change *by)
{
	while (slot != NULL && memory_slot_view(slot, by) == NULL)
		slot = slot->next[0];
	return slot;
}

struct memory_slot *memory_table_from(struct memory_table *t, const struct memory_change *by,
									  struct memory_key key)
{
	struct memory_slot **links[MEMORY_HEIGHT];
	(void)seek(t, key, links);
	return first_visible(*links[0], by);
}

struct memory_slot *memory_table_next(const struct memory_slot *slot, const struct memory_change *by)
{
	return first_visible(slot->next[0], by);
}

struct memory_slot *memory_table_below(struct memory_table *t, const struct memory_change *by,
									   struct memory_key key)
{
	struct memory_slot **links[MEMORY_HEIGHT];
	struct memory_slot *slot = seek(t, key, links);
	while (slot != NULL && memory_slot_view(slot, by) == NULL)
		slot = seek(t, slot->key, links);
	return slot;
}

struct memory_value *memory_table_get(struct memory_table *t, const struct memory_change *by,
									  struct memory_key key)
{
	struct memory_slot **links[MEMORY_HEIGHT];
	(void)seek(t, key, links);
	struct memory_slot *slot = *links[0];
	return slot != NULL && is_equal(slot->key, key) ? memory_slot_view(slot, by) : NULL;
}
