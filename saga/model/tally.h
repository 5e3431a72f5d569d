/* A tally: figures by number. The chain stores one with each commit, as the difference to the commit before or
 * as a full copy, so that a commit costs a few bytes whatever the number of figures.
 *
 * Stored form: a byte for the kind, then for each figure the distance of its number from the number before
 * (varint) and its value, in a difference the change of its value (zig-zag varint). A figure that is not
 * stored is 0 in a full copy and unchanged in a difference. Thread: any (one tally, one thread). */
#ifndef ALMONER_MODEL_TALLY_H
#define ALMONER_MODEL_TALLY_H

#include <stdbool.h>
#include <stdint.h>

#include "saga/base/buf.h"
#include "saga/base/err.h"

struct tally_figure {
	uint64_t id;
	int64_t value;
};

/* Zeroed, it is empty and every figure is 0. Freed by tally_free. */
struct tally {
	struct tally_figure *figures; /* ascending by id */
	size_t count, capacity;
	bool complete; /* tally_apply has read a full copy */
};

void tally_free(struct tally *t);
void tally_clear(struct tally *t); /* keeps the memory */
/* Adds a figure behind all others: `id` is higher than every id of the tally. */
void tally_add(struct tally *t, uint64_t id, int64_t value);
/* 0 for a figure that the tally does not have. */
int64_t tally_value(const struct tally *t, uint64_t id);
/* True when every figure has the same value in both. */
bool tally_same(const struct tally *a, const struct tally *b);

/* Appends the full copy. */
void tally_full(const struct tally *t, struct buf *out);
/* Appends what leads from `before` to `now`. */
void tally_difference(const struct tally *before, const struct tally *now, struct buf *out);
/* Applies a stored form: a full copy replaces the tally, a difference changes it; empty bytes change nothing.
 * ERR_CORRUPT: the bytes are damaged, or a difference comes before the first full copy. */
int tally_apply(struct tally *t, struct str bytes, struct err *err) MUST_CHECK;

#endif
