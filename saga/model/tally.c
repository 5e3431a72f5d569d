#include "saga/model/tally.h"

#include <stdlib.h>
#include <string.h>

#include "saga/base/array.h"
#include "saga/base/reader.h"

#define KIND_FULL       1
#define KIND_DIFFERENCE 2

void tally_free(struct tally *t)
{
	free(t->figures);
	*t = (struct tally){ 0 };
}

void tally_clear(struct tally *t)
{
	t->count = 0;
	t->complete = false;
}

void tally_add(struct tally *t, uint64_t id, int64_t value)
{
	assert(t->count == 0 || t->figures[t->count - 1].id < id);
	ARRAY_GROW(t->figures, t->count, t->capacity);
	t->figures[t->count++] = (struct tally_figure){ id, value };
}

/* The position of the first figure whose number is not below `id`. */
static size_t position_of(const struct tally *t, uint64_t id)
{
	size_t low = 0, high = t->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (t->figures[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int64_t tally_value(const struct tally *t, uint64_t id)
{
	size_t at = position_of(t, id);
	return at < t->count && t->figures[at].id == id ? t->figures[at].value : 0;
}

/* ---- walking two tallies at once ---- */

struct pair {
	uint64_t id;
	int64_t a, b;
};

/* The next number that either tally has; *i and *k are the positions in a and b. */
static bool next_pair(const struct tally *a, const struct tally *b, size_t *i, size_t *k, struct pair *ret)
{
	bool has_a = *i < a->count, has_b = *k < b->count;
	if (!has_a && !has_b)
		return false;
	bool take_a = has_a && (!has_b || a->figures[*i].id <= b->figures[*k].id);
	bool take_b = has_b && (!has_a || b->figures[*k].id <= a->figures[*i].id);
	ret->id = take_a ? a->figures[*i].id : b->figures[*k].id;
	ret->a = take_a ? a->figures[(*i)++].value : 0;
	ret->b = take_b ? b->figures[(*k)++].value : 0;
	return true;
}

bool tally_same(const struct tally *a, const struct tally *b)
{
	size_t i = 0, k = 0;
	struct pair p;
	while (next_pair(a, b, &i, &k, &p)) {
		if (p.a != p.b)
			return false;
	}
	return true;
}

/* ---- stored form ---- */

static void add_figure(struct buf *out, uint64_t *last_id, uint64_t id, int64_t value)
{
	if (value == 0)
		return;
	buf_uint(out, id - *last_id);
	buf_int(out, value);
	*last_id = id;
}

void tally_full(const struct tally *t, struct buf *out)
{
	uint64_t last_id = 0;
	buf_byte(out, KIND_FULL);
	for (size_t i = 0; i < t->count; i++)
		add_figure(out, &last_id, t->figures[i].id, t->figures[i].value);
}

/* Both directions wrap around in the same way, so even values at the ends of their range come back. */
static int64_t wrapping_sum(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)a + (uint64_t)b);
}

static int64_t wrapping_difference(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)a - (uint64_t)b);
}

void tally_difference(const struct tally *before, const struct tally *now, struct buf *out)
{
	size_t i = 0, k = 0;
	uint64_t last_id = 0;
	struct pair p;
	buf_byte(out, KIND_DIFFERENCE);
	while (next_pair(before, now, &i, &k, &p))
		add_figure(out, &last_id, p.id, wrapping_difference(p.b, p.a));
}

/* A full copy has the numbers in order, so each is added at the end. */
static void change(struct tally *t, uint64_t id, int64_t by)
{
	size_t at = position_of(t, id);
	if (at < t->count && t->figures[at].id == id) {
		t->figures[at].value = wrapping_sum(t->figures[at].value, by);
		return;
	}
	ARRAY_GROW(t->figures, t->count, t->capacity);
	memmove(&t->figures[at + 1], &t->figures[at], (t->count - at) * sizeof *t->figures);
	t->figures[at] = (struct tally_figure){ id, by };
	t->count++;
}

/* The distance is 0 only for the figure with the number 0, which can only be the first. */
static bool next_id(struct reader *r, bool first, uint64_t *id)
{
	uint64_t distance = reader_uint(r);
	if ((distance == 0 && !first) || *id + distance < *id)
		r->bad = true;
	*id += distance;
	return !r->bad;
}

int tally_apply(struct tally *t, struct str bytes, struct err *err)
{
	if (bytes.len == 0)
		return 0;
	struct reader r = reader_of(bytes.p, bytes.len);
	uint8_t kind = reader_byte(&r);
	if (kind != KIND_FULL && kind != KIND_DIFFERENCE)
		return err_set(err, ERR_CORRUPT, "figures: unknown form %u", kind);
	if (kind == KIND_DIFFERENCE && !t->complete)
		return err_set(err, ERR_CORRUPT, "figures: a difference without a full copy before it");
	if (kind == KIND_FULL)
		t->count = 0;
	uint64_t id = 0;
	for (bool first = true; !reader_done(&r) && next_id(&r, first, &id); first = false) {
		int64_t value = reader_int(&r);
		if (!r.bad)
			change(t, id, value);
	}
	if (r.bad)
		return err_set(err, ERR_CORRUPT, "figures: damaged");
	t->complete = true;
	return 0;
}
