#include "saga/model/saga_codec_1.h"

#include <assert.h>
#include <string.h>

#include "saga/base/mem.h"
#include "saga/base/reader.h"
#include "saga/model/codec.h"
#include "saga/model/saga_fields.h"

/* A version byte, the flags and fields of the saga, then its steps. A step is one byte with state, why and
 * direction, one byte with the last outcome class and the location, a varint of flags (its booleans, and
 * which members follow), and these members. Times are stored as differences to the creation of the saga, so
 * they need few bytes. */
#define SAGA_VERSION 1

/* A step that succeeds without trouble has only the first seven, so that its varint of flags takes one
 * byte. */
enum step_flag_1 {
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

/* Reads the members in the order in which they were stored. An enum outside its table is kept as it is: saga_check_step
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
	st->due_ms = codec_take_time(r, (flags & STEP_HAS_DUE) != 0, base_ms);
	st->attempts = codec_take_u32(r, (flags & STEP_HAS_ATTEMPTS) != 0);
	st->spent = codec_take_u32(r, (flags & STEP_HAS_ATTEMPTS) != 0);
	st->begun_ms = codec_take_time(r, (flags & STEP_HAS_ATTEMPTS) != 0, base_ms);
	st->waited_ms = (flags & STEP_HAS_WAITED) != 0 ? reader_int(r) : 0;
	st->last_ms = codec_take_time(r, (flags & STEP_HAS_LAST) != 0, base_ms);
	st->result = codec_take_text(r, (flags & STEP_HAS_RESULT) != 0);
	st->effect_possible_ms = codec_take_time(r, st->effect_possible, base_ms);
	uint32_t reasons = codec_take_u32(r, (flags & STEP_HAS_REASON) != 0);
	st->reason = reasons & 15;
	st->skip = reasons >> 4 < SKIP_COUNT ? (uint8_t)(reasons >> 4) : (uint8_t)SKIP_COUNT;
	st->generation = (flags & STEP_HAS_GENERATION) != 0 ? codec_take_u32(r, true) : 1;
	st->waits = codec_take_u32(r, (flags & STEP_HAS_WAITS) != 0);
	st->detail = codec_take_text(r, (flags & STEP_HAS_DETAIL) != 0);
	st->checkpoint = codec_take_bytes(r, (flags & STEP_HAS_CHECKPOINT) != 0, &st->checkpoint_len);
	st->do_generation = codec_take_u32(r, (flags & STEP_HAS_DO_GENERATION) != 0);
	if (st->state == STEP_SUCCEEDED || st->state == STEP_SKIPPED || st->state == STEP_KEPT)
		st->has_body = false; /* a step that has ended does not keep it any more */
}

/* NULL if the whole saga is sound, else what is wrong. saga_check is asked here because a decision about a
 * saga that breaks a rule would end the process. */
static const char *saga_decode_from(struct reader *r, struct saga *s)
{
	const char *broken = reader_byte(r) != SAGA_VERSION ? "version" : saga_fields_decode(r, s);
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
int saga_codec_1_decode(int64_t id, struct plan *plan, struct str bytes, struct saga **ret, struct err *err)
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
