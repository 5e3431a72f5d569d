/* The stored form of a saga. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "saga/base/mem.h"
#include "saga/base/reader.h"
#include "saga/model/codec.h"
#include "saga/model/saga.h"

/* A version byte, the flags and fields of the saga, then its steps. A step is one byte with state, why and
 * direction, one byte with the last outcome class and the location, a varint of flags (its booleans, and
 * which members follow), and these members. Times are stored as differences to the creation of the saga, so
 * they need few bytes. */
#define SAGA_VERSION 1

enum saga_flag {
	SAGA_HAS_PAUSED = 1 << 0,
	SAGA_HAS_CANCELLED = 1 << 1,
	SAGA_HAS_COMPENSATING = 1 << 2,
	SAGA_HAS_UNROUTED = 1 << 3,
	SAGA_HAS_FINISHED = 1 << 4,
	SAGA_HAS_REASON = 1 << 5, /* reason and own_reason are not both NONE */
	SAGA_HAS_NOTE = 1 << 6,
	SAGA_HAS_END = 1 << 7
};

/* A step that succeeds without trouble has only the first seven, so that its varint of flags takes one
 * byte. */
enum step_flag {
	STEP_HAS_TAKEN_EFFECT = 1 << 0,
	STEP_HAS_LANE = 1 << 1,
	STEP_HAS_BODY = 1 << 2,
	STEP_HAS_DUE = 1 << 3,
	STEP_HAS_ATTEMPTS = 1 << 4, /* attempts, spent, begun */
	STEP_HAS_WAITED = 1 << 5,
	STEP_HAS_LAST = 1 << 6,
	STEP_HAS_RESULT = 1 << 7,
	STEP_HAS_POSSIBLE_EFFECT = 1 << 8, /* effect possible, and since when */
	STEP_HAS_LOOKUP = 1 << 9,
	STEP_HAS_OPERATOR = 1 << 10,
	STEP_HAS_CONDITION = 1 << 11,
	STEP_HAS_EARLIER_DOUBT = 1 << 12,
	STEP_HAS_REASON = 1 << 13, /* reason and skip */
	STEP_HAS_GENERATION = 1 << 14,
	STEP_HAS_WAITS = 1 << 15,
	STEP_HAS_DETAIL = 1 << 16,
	STEP_HAS_CHECKPOINT = 1 << 17,
	STEP_HAS_DO_GENERATION = 1 << 18,
	STEP_HAS_END = 1 << 19
};

/* Which members differ from their default, and so are stored. */
static uint32_t step_flags(const struct step *st)
{
	const struct {
		bool has;
		uint32_t bit;
	} members[] = {
		{ st->took_effect, STEP_HAS_TAKEN_EFFECT },
		{ st->has_lane, STEP_HAS_LANE },
		{ st->has_body, STEP_HAS_BODY },
		{ st->due_ms != 0, STEP_HAS_DUE },
		{ st->attempts != 0 || st->begun_ms != 0, STEP_HAS_ATTEMPTS },
		{ st->waited_ms != 0, STEP_HAS_WAITED },
		{ st->last_ms != 0, STEP_HAS_LAST },
		{ st->result != NULL, STEP_HAS_RESULT },
		{ st->effect_possible, STEP_HAS_POSSIBLE_EFFECT },
		{ st->lookup_first, STEP_HAS_LOOKUP },
		{ st->by_operator, STEP_HAS_OPERATOR },
		{ st->condition_passed, STEP_HAS_CONDITION },
		{ st->doubt_before, STEP_HAS_EARLIER_DOUBT },
		{ st->reason != 0 || st->skip != 0, STEP_HAS_REASON },
		{ st->generation != 1, STEP_HAS_GENERATION },
		{ st->waits != 0, STEP_HAS_WAITS },
		{ st->detail != NULL, STEP_HAS_DETAIL },
		{ st->checkpoint != NULL, STEP_HAS_CHECKPOINT },
		{ st->do_generation != 0, STEP_HAS_DO_GENERATION },
	};
	uint32_t flags = 0;
	for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
		flags |= members[i].has ? members[i].bit : 0;
	return flags;
}

static void add_uint(struct buf *out, bool has, uint64_t value)
{
	if (has)
		buf_uint(out, value);
}

static void add_int(struct buf *out, bool has, int64_t value)
{
	if (has)
		buf_int(out, value);
}

/* step_decode reads the members in the same order. */
static void step_encode(const struct step *st, int64_t base_ms, struct buf *out)
{
	assert(st->state < STEP_STATE_COUNT && st->why < WHY_COUNT && st->direction <= DIRECTION_UNDO);
	assert(st->last < OUTCOME_COUNT && st->location <= LOCATION_DISK);
	assert(st->checkpoint != NULL || st->checkpoint_len == 0);
	uint32_t flags = step_flags(st);
	buf_byte(out, (uint8_t)(st->state | st->why << 3 | st->direction << 6));
	buf_byte(out, (uint8_t)(st->last | st->location << 4));
	buf_uint(out, flags);
	if (st->has_lane)
		buf_add(out, st->lane, sizeof st->lane);
	if (st->has_body)
		buf_add(out, st->body, sizeof st->body);
	add_int(out, (flags & STEP_HAS_DUE) != 0, wrapping_sub(st->due_ms, base_ms));
	add_uint(out, (flags & STEP_HAS_ATTEMPTS) != 0, st->attempts);
	add_uint(out, (flags & STEP_HAS_ATTEMPTS) != 0, st->spent);
	add_int(out, (flags & STEP_HAS_ATTEMPTS) != 0, wrapping_sub(st->begun_ms, base_ms));
	add_int(out, (flags & STEP_HAS_WAITED) != 0, st->waited_ms);
	add_int(out, (flags & STEP_HAS_LAST) != 0, wrapping_sub(st->last_ms, base_ms));
	if (st->result != NULL)
		buf_string(out, st->result);
	add_int(out, st->effect_possible, wrapping_sub(st->effect_possible_ms, base_ms));
	add_uint(out, (flags & STEP_HAS_REASON) != 0, (uint64_t)st->reason | (uint64_t)st->skip << 4);
	add_uint(out, (flags & STEP_HAS_GENERATION) != 0, st->generation);
	add_uint(out, (flags & STEP_HAS_WAITS) != 0, st->waits);
	if (st->detail != NULL)
		buf_string(out, st->detail);
	if (st->checkpoint != NULL)
		buf_bytes(out, st->checkpoint, st->checkpoint_len);
	add_uint(out, st->do_generation != 0, st->do_generation);
}

/* saga_decode_fields reads the fields in the same order. */
void saga_encode(const struct saga *s, struct buf *out)
{
	assert(s->step_count == s->plan->step_count);
	assert(s->state < SAGA_STATE_COUNT && s->reason < REASON_COUNT && s->own_reason < REASON_COUNT);
	bool has_reason = s->reason != 0 || s->own_reason != 0;
	buf_byte(out, SAGA_VERSION);
	buf_byte(out,
			 (uint8_t)((s->paused ? SAGA_HAS_PAUSED : 0) | (s->cancelled ? SAGA_HAS_CANCELLED : 0) |
					   (s->compensating ? SAGA_HAS_COMPENSATING : 0) | (s->unrouted ? SAGA_HAS_UNROUTED : 0) |
					   (s->finished_ms != 0 ? SAGA_HAS_FINISHED : 0) | (has_reason ? SAGA_HAS_REASON : 0) |
					   (s->note[0] != '\0' ? SAGA_HAS_NOTE : 0)));
	buf_byte(out, s->state);
	if (has_reason)
		buf_byte(out, (uint8_t)(s->reason | s->own_reason << 4));
	buf_int(out, s->created_ms);
	add_int(out, s->finished_ms != 0, wrapping_sub(s->finished_ms, s->created_ms));
	buf_string(out, s->source);
	buf_string(out, s->event_id);
	buf_string(out, s->type);
	buf_string(out, s->gift);
	buf_string(out, s->donor);
	if (s->note[0] != '\0')
		buf_string(out, s->note);
	buf_uint(out, s->step_count);
	for (unsigned i = 0; i < s->step_count; i++)
		step_encode(&s->steps[i], s->created_ms, out);
}

static uint32_t take_u32(struct reader *r, bool has)
{
	uint64_t value = has ? reader_uint(r) : 0;
	if (value > UINT32_MAX)
		r->bad = true;
	return r->bad ? 0 : (uint32_t)value;
}

static int64_t take_time(struct reader *r, bool has, int64_t base_ms)
{
	return has ? wrapping_add(base_ms, reader_int(r)) : 0;
}

static char *take_text(struct reader *r, bool has)
{
	struct str text = has ? reader_bytes(r) : (struct str){ NULL, 0 };
	if (!has || r->bad)
		return NULL;
	if (text.len > 0 && memchr(text.p, '\0', text.len) != NULL)
		r->bad = true;
	return mem_strndup(text.p, text.len);
}

static void step_set_flags(struct step *st, uint64_t flags)
{
	st->took_effect = (flags & STEP_HAS_TAKEN_EFFECT) != 0;
	st->has_lane = (flags & STEP_HAS_LANE) != 0;
	st->has_body = (flags & STEP_HAS_BODY) != 0;
	st->effect_possible = (flags & STEP_HAS_POSSIBLE_EFFECT) != 0;
	st->lookup_first = (flags & STEP_HAS_LOOKUP) != 0;
	st->by_operator = (flags & STEP_HAS_OPERATOR) != 0;
	st->condition_passed = (flags & STEP_HAS_CONDITION) != 0;
	st->doubt_before = (flags & STEP_HAS_EARLIER_DOUBT) != 0;
}

static void take_checkpoint(struct reader *r, struct step *st, bool has)
{
	struct str bytes = has ? reader_bytes(r) : (struct str){ NULL, 0 };
	if (!has || r->bad)
		return;
	st->checkpoint = mem_strndup(bytes.p, bytes.len);
	st->checkpoint_len = (uint32_t)bytes.len;
}

/* Reads the members in the order of step_encode. An enum outside its table is kept as it is: saga_check_step
 * reports it. */
static void step_decode(struct reader *r, int64_t base_ms, struct step *st)
{
	unsigned head = reader_byte(r);
	unsigned second = reader_byte(r);
	uint64_t flags = reader_uint(r);
	if (flags >= STEP_HAS_END || (head & 0x80) != 0 || (second & 0xc0) != 0)
		r->bad = true;
	*st = (struct step){ .state = head & 7, .why = head >> 3 & 7, .direction = head >> 6 & 1 };
	st->last = second & 15;
	st->location = (uint8_t)(second >> 4);
	step_set_flags(st, flags);
	if (st->has_lane)
		reader_fixed(r, st->lane, sizeof st->lane);
	if (st->has_body)
		reader_fixed(r, st->body, sizeof st->body);
	st->due_ms = take_time(r, (flags & STEP_HAS_DUE) != 0, base_ms);
	st->attempts = take_u32(r, (flags & STEP_HAS_ATTEMPTS) != 0);
	st->spent = take_u32(r, (flags & STEP_HAS_ATTEMPTS) != 0);
	st->begun_ms = take_time(r, (flags & STEP_HAS_ATTEMPTS) != 0, base_ms);
	st->waited_ms = (flags & STEP_HAS_WAITED) != 0 ? reader_int(r) : 0;
	st->last_ms = take_time(r, (flags & STEP_HAS_LAST) != 0, base_ms);
	st->result = take_text(r, (flags & STEP_HAS_RESULT) != 0);
	st->effect_possible_ms = take_time(r, st->effect_possible, base_ms);
	uint32_t reasons = take_u32(r, (flags & STEP_HAS_REASON) != 0);
	st->reason = reasons & 15;
	st->skip = reasons >> 4 < SKIP_COUNT ? (uint8_t)(reasons >> 4) : (uint8_t)SKIP_COUNT;
	st->generation = (flags & STEP_HAS_GENERATION) != 0 ? take_u32(r, true) : 1;
	st->waits = take_u32(r, (flags & STEP_HAS_WAITS) != 0);
	st->detail = take_text(r, (flags & STEP_HAS_DETAIL) != 0);
	take_checkpoint(r, st, (flags & STEP_HAS_CHECKPOINT) != 0);
	st->do_generation = take_u32(r, (flags & STEP_HAS_DO_GENERATION) != 0);
}

/* NULL if the fields are sound, else what is wrong. Every text is set unless the result is "version", so that
 * the caller can free the saga. */
static const char *saga_decode_fields(struct reader *r, struct saga *s)
{
	if (reader_byte(r) != SAGA_VERSION)
		return "version";
	unsigned flags = reader_byte(r);
	s->state = reader_byte(r);
	unsigned reasons = (flags & SAGA_HAS_REASON) != 0 ? reader_byte(r) : 0;
	s->reason = reasons & 15;
	s->own_reason = (uint8_t)(reasons >> 4);
	s->paused = (flags & SAGA_HAS_PAUSED) != 0;
	s->cancelled = (flags & SAGA_HAS_CANCELLED) != 0;
	s->compensating = (flags & SAGA_HAS_COMPENSATING) != 0;
	s->unrouted = (flags & SAGA_HAS_UNROUTED) != 0;
	s->created_ms = reader_int(r);
	s->finished_ms = take_time(r, (flags & SAGA_HAS_FINISHED) != 0, s->created_ms);
	s->source = take_text(r, true);
	s->event_id = take_text(r, true);
	s->type = take_text(r, true);
	s->gift = take_text(r, true);
	s->donor = take_text(r, true);
	s->note = (flags & SAGA_HAS_NOTE) != 0 ? take_text(r, true) : mem_strdup("");
	if (r->bad)
		return "fields";
	if (flags >= SAGA_HAS_END || s->state >= SAGA_STATE_COUNT)
		return "state or flags";
	if (s->reason >= REASON_COUNT || (s->own_reason != REASON_NONE && s->own_reason != REASON_QUARANTINED &&
									  s->own_reason != REASON_GIFT_MISSING))
		return "reason";
	return NULL;
}

/* NULL if the whole saga is sound, else what is wrong. saga_check is asked here because a decision about a
 * saga that breaks a rule would end the process. */
static const char *saga_decode_from(struct reader *r, struct saga *s)
{
	const char *broken = saga_decode_fields(r, s);
	if (broken != NULL)
		return broken;
	if (reader_uint(r) != s->plan->step_count || r->bad)
		return "number of steps";
	s->steps = mem_zalloc((s->plan->step_count > 0 ? s->plan->step_count : 1) * sizeof *s->steps);
	for (unsigned i = 0; broken == NULL && i < s->plan->step_count; i++) {
		s->step_count = i + 1; /* saga_destroy frees this many steps */
		step_decode(r, s->created_ms, &s->steps[i]);
		broken = r->bad ? "a step is cut short" : saga_check_step(&s->steps[i]);
	}
	if (broken == NULL && !reader_done(r))
		broken = "bytes are left over";
	return broken != NULL ? broken : saga_check(s);
}

/* The error names the saga and the field, so that an operator can find the damaged row. */
int saga_decode(int64_t id, struct plan *plan, struct str bytes, struct saga **ret, struct err *err)
{
	assert(bytes.p != NULL || bytes.len == 0);
	struct reader r = reader_of(bytes.p, bytes.len);
	struct saga *s = mem_zalloc(sizeof *s);
	s->id = id;
	s->plan = plan_ref(plan);
	const char *broken = saga_decode_from(&r, s);
	if (broken != NULL) {
		saga_destroy(s);
		return err_set(err, ERR_CORRUPT, "stored saga %lld does not decode: %s", (long long)id, broken);
	}
	*ret = s;
	return 0;
}
