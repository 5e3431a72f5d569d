#include "saga/model/saga_places.h"

#include "saga/model/codec.h"

/* A mask of the steps that have any of this, then for each of them one byte and, with PLACE_HAS_DUE, its due
 * time as a difference to the creation of the saga. A saga that is complete has an empty mask. */
enum place_bit {
	PLACE_WHY = 7, /* enum why */
	PLACE_LOCATION = 3 << 3,
	PLACE_CONDITION_PASSED = 1 << 5,
	PLACE_HAS_DUE = 1 << 6,
	PLACE_END = 1 << 7
};

static uint8_t place_of(const struct step *st)
{
	return (uint8_t)(st->why | st->location << 3 | (st->condition_passed ? PLACE_CONDITION_PASSED : 0) |
					 (st->due_ms != 0 ? PLACE_HAS_DUE : 0));
}

/* saga_places_decode reads in the same order. */
void saga_places_encode(const struct saga *s, struct buf *out)
{
	uint32_t mask = 0;
	for (unsigned i = 0; i < s->step_count; i++)
		mask |= place_of(&s->steps[i]) != 0 ? UINT32_C(1) << i : 0;
	buf_uint(out, mask);
	for (unsigned i = 0; i < s->step_count; i++) {
		const struct step *st = &s->steps[i];
		if (place_of(st) == 0)
			continue;
		buf_byte(out, place_of(st));
		if (st->due_ms != 0)
			buf_int(out, wrapping_sub(st->due_ms, s->created_ms));
	}
}

/* True if the step has a due time. It is kept as it is stored, as a difference: the time it counts from comes
 * later. */
static bool place_decode(struct reader *r, struct step *st)
{
	unsigned place = reader_byte(r);
	bool has_due = (place & PLACE_HAS_DUE) != 0;
	if (place == 0 || place >= PLACE_END)
		r->bad = true;
	st->why = (uint8_t)(place & PLACE_WHY);
	st->location = (uint8_t)((place & PLACE_LOCATION) >> 3);
	st->condition_passed = (place & PLACE_CONDITION_PASSED) != 0;
	st->due_ms = has_due ? reader_int(r) : 0;
	return has_due;
}

void saga_places_decode(struct reader *r, unsigned step_count, struct step *steps, uint32_t *ret_due)
{
	uint64_t mask = reader_uint(r);
	struct step unused = { 0 };
	*ret_due = 0;
	if (mask >> step_count != 0)
		r->bad = true;
	for (unsigned i = 0; i < step_count && !r->bad; i++) {
		bool has_place = (mask >> i & 1) != 0;
		if (has_place && place_decode(r, steps != NULL ? &steps[i] : &unused))
			*ret_due |= UINT32_C(1) << i;
	}
}
