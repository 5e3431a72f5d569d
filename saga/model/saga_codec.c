/* The stored form of a saga, version 2. Version 1 is in saga_codec_1.c. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "saga/base/digest.h"
#include "saga/base/mem.h"
#include "saga/model/codec.h"
#include "saga/model/envelope.h"
#include "saga/model/saga_fields.h"
#include "saga/model/saga_places.h"

/* An envelope byte, a version byte, the numbers of the log rows, the places, the core.
 *
 * The places hold what changes without a record in the log (saga_places.h). All else is the core, which goes
 * to the end: the flags and fields of the saga, then its steps. A step is one byte with state,
 * direction and last outcome class, a varint of flags (its booleans, and which members follow), and these
 * members. Times are differences to the creation of the saga, so they need few bytes. */
#define SAGA_VERSION 2

/* A step that succeeds without trouble has only the first seven, so that its varint of flags takes one
 * byte. */
enum step_flag {
	STEP_HAS_LANE = 1 << 0,
	STEP_HAS_SAME_LANE = 1 << 1, /* the lane of the nearest step before it that has one */
	STEP_HAS_BODY = 1 << 2,
	STEP_HAS_BEGUN = 1 << 3,
	STEP_HAS_LAST = 1 << 4,
	STEP_HAS_STATUS = 1 << 5, /* the detail is a number, as the detail of most outcomes is */
	STEP_HAS_WAITED = 1 << 6,
	STEP_HAS_RESULT = 1 << 7,
	STEP_HAS_ATTEMPTS = 1 << 8,         /* attempts or spent differ from usual_attempts, usual_spent */
	STEP_HAS_EFFECT = 1 << 9,           /* took_effect differs from usual_effect */
	STEP_HAS_POSSIBLE_EFFECT = 1 << 10, /* effect possible, and since when */
	STEP_HAS_LOOKUP = 1 << 11,
	STEP_HAS_OPERATOR = 1 << 12,
	STEP_HAS_EARLIER_DOUBT = 1 << 13,
	STEP_HAS_REASON = 1 << 14, /* reason and skip */
	STEP_HAS_GENERATION = 1 << 15,
	STEP_HAS_WAITS = 1 << 16,
	STEP_HAS_DETAIL = 1 << 17,
	STEP_HAS_CHECKPOINT = 1 << 18,
	STEP_HAS_DO_GENERATION = 1 << 19,
	STEP_HAS_END = 1 << 20
};

/* ---- what the members of a step usually are ---- */

static uint32_t usual_attempts(const struct step *st)
{
	return st->begun_ms != 0 ? 1 : 0;
}

static uint32_t usual_spent(const struct step *st)
{
	return st->last != OUTCOME_NONE ? 1 : 0;
}

static bool usual_effect(const struct step *st)
{
	return st->state == STEP_SUCCEEDED && st->direction == DIRECTION_DO;
}

/* The last outcome is seldom far from the begin of its attempt. */
static int64_t last_base_ms(const struct step *st, int64_t created_ms)
{
	return st->begun_ms != 0 ? st->begun_ms : created_ms;
}

/* ---- encoding ---- */

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

/* Which members differ from their default, and so are stored. `lane`: of the steps before; NULL: none has
 * one. */
static uint32_t step_flags(const struct step *st, const uint8_t *lane)
{
	uint32_t status;
	bool same = st->has_lane && lane != NULL && memcmp(st->lane, lane, LANE_BYTES) == 0;
	bool number = st->detail != NULL && codec_decimal(st->detail, strlen(st->detail), &status);
	const struct {
		bool has;
		uint32_t bit;
	} members[] = {
		{ st->has_lane && !same, STEP_HAS_LANE },
		{ same, STEP_HAS_SAME_LANE },
		{ st->has_body, STEP_HAS_BODY },
		{ st->begun_ms != 0, STEP_HAS_BEGUN },
		{ st->last_ms != 0, STEP_HAS_LAST },
		{ number, STEP_HAS_STATUS },
		{ st->waited_ms != 0, STEP_HAS_WAITED },
		{ st->result != NULL, STEP_HAS_RESULT },
		{ st->attempts != usual_attempts(st) || st->spent != usual_spent(st), STEP_HAS_ATTEMPTS },
		{ st->took_effect != usual_effect(st), STEP_HAS_EFFECT },
		{ st->effect_possible, STEP_HAS_POSSIBLE_EFFECT },
		{ st->lookup_first, STEP_HAS_LOOKUP },
		{ st->by_operator, STEP_HAS_OPERATOR },
		{ st->doubt_before, STEP_HAS_EARLIER_DOUBT },
		{ st->reason != 0 || st->skip != 0, STEP_HAS_REASON },
		{ st->generation != 1, STEP_HAS_GENERATION },
		{ st->waits != 0, STEP_HAS_WAITS },
		{ st->detail != NULL && !number, STEP_HAS_DETAIL },
		{ st->checkpoint != NULL, STEP_HAS_CHECKPOINT },
		{ st->do_generation != 0, STEP_HAS_DO_GENERATION },
	};
	uint32_t flags = 0;
	for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
		flags |= members[i].has ? members[i].bit : 0;
	return flags;
}

static void status_encode(const char *detail, struct buf *out)
{
	uint32_t status = 0;
	bool number = codec_decimal(detail, strlen(detail), &status);
	assert(number);
	buf_uint(out, status);
}

/* step_decode reads the members in the same order. */
static void step_encode(const struct step *st, int64_t base_ms, const uint8_t *lane, struct buf *out)
{
	assert(st->state < STEP_STATE_COUNT && st->why < WHY_COUNT && st->direction <= DIRECTION_UNDO);
	assert(st->last < OUTCOME_COUNT && st->location <= LOCATION_DISK);
	assert(st->checkpoint != NULL || st->checkpoint_len == 0);
	uint32_t flags = step_flags(st, lane);
	buf_byte(out, (uint8_t)(st->state | st->direction << 3 | st->last << 4));
	buf_uint(out, flags);
	if ((flags & STEP_HAS_LANE) != 0)
		buf_add(out, st->lane, sizeof st->lane);
	if (st->has_body)
		buf_add(out, st->body, sizeof st->body);
	add_int(out, (flags & STEP_HAS_BEGUN) != 0, wrapping_sub(st->begun_ms, base_ms));
	add_int(out, (flags & STEP_HAS_LAST) != 0, wrapping_sub(st->last_ms, last_base_ms(st, base_ms)));
	if ((flags & STEP_HAS_STATUS) != 0)
		status_encode(st->detail, out);
	add_int(out, (flags & STEP_HAS_WAITED) != 0, st->waited_ms);
	if (st->result != NULL)
		buf_string(out, st->result);
	add_uint(out, (flags & STEP_HAS_ATTEMPTS) != 0, st->attempts);
	add_uint(out, (flags & STEP_HAS_ATTEMPTS) != 0, st->spent);
	add_int(out, st->effect_possible, wrapping_sub(st->effect_possible_ms, base_ms));
	add_uint(out, (flags & STEP_HAS_REASON) != 0, (uint64_t)st->reason | (uint64_t)st->skip << 4);
	add_uint(out, (flags & STEP_HAS_GENERATION) != 0, st->generation);
	add_uint(out, (flags & STEP_HAS_WAITS) != 0, st->waits);
	if ((flags & STEP_HAS_DETAIL) != 0)
		buf_string(out, st->detail);
	if (st->checkpoint != NULL)
		buf_bytes(out, st->checkpoint, st->checkpoint_len);
	add_uint(out, st->do_generation != 0, st->do_generation);
}

size_t saga_encode(const struct saga *s, struct buf *out)
{
	assert(s->step_count == s->plan->step_count);
	assert(s->state < SAGA_STATE_COUNT && s->reason < REASON_COUNT && s->own_reason < REASON_COUNT);
	const uint8_t *lane = NULL;
	buf_byte(out, ENVELOPE_PLAIN);
	buf_byte(out, SAGA_VERSION);
	saga_rows_encode(&s->rows, out);
	saga_places_encode(s, out);
	size_t core = out->len;
	saga_fields_encode(s, out);
	buf_uint(out, s->step_count);
	for (unsigned i = 0; i < s->step_count; i++) {
		step_encode(&s->steps[i], s->created_ms, lane, out);
		lane = s->steps[i].has_lane ? s->steps[i].lane : lane;
	}
	return core;
}

static void step_set_flags(struct step *st, uint64_t flags)
{
	st->has_lane = (flags & (STEP_HAS_LANE | STEP_HAS_SAME_LANE)) != 0;
	st->has_body = (flags & STEP_HAS_BODY) != 0;
	st->took_effect = usual_effect(st) != ((flags & STEP_HAS_EFFECT) != 0);
	st->effect_possible = (flags & STEP_HAS_POSSIBLE_EFFECT) != 0;
	st->lookup_first = (flags & STEP_HAS_LOOKUP) != 0;
	st->by_operator = (flags & STEP_HAS_OPERATOR) != 0;
	st->doubt_before = (flags & STEP_HAS_EARLIER_DOUBT) != 0;
}

static void take_lane(struct reader *r, struct step *st, uint64_t flags, const uint8_t *lane)
{
	bool same = (flags & STEP_HAS_SAME_LANE) != 0;
	if ((flags & STEP_HAS_LANE) != 0)
		reader_fixed(r, st->lane, sizeof st->lane);
	if (same && (lane == NULL || (flags & STEP_HAS_LANE) != 0))
		r->bad = true;
	else if (same)
		memcpy(st->lane, lane, sizeof st->lane);
}

static char *take_status(struct reader *r, bool has)
{
	uint32_t status = codec_take_u32(r, has);
	if (has && (status == 0 || status > CODEC_DECIMAL_MAX))
		r->bad = true;
	return has && !r->bad ? mem_printf("%u", status) : NULL;
}

/* The varint of flags of a step whose places are known already. */
static uint64_t take_head(struct reader *r, struct step *st)
{
	unsigned head = reader_byte(r);
	uint64_t flags = reader_uint(r);
	st->state = head & 7;
	st->direction = head >> 3 & 1;
	st->last = (uint8_t)(head >> 4);
	bool two_details = (flags & STEP_HAS_STATUS) != 0 && (flags & STEP_HAS_DETAIL) != 0;
	if (flags >= STEP_HAS_END || two_details)
		r->bad = true;
	return flags;
}

/* Reads the members in the order of step_encode. An enum outside its table is kept as it is: saga_check_step
 * reports it. `lane`: of the steps before; NULL: none has one. */
static void step_decode(struct reader *r, int64_t base_ms, const uint8_t *lane, struct step *st)
{
	uint64_t flags = take_head(r, st);
	step_set_flags(st, flags);
	take_lane(r, st, flags, lane);
	if (st->has_body)
		reader_fixed(r, st->body, sizeof st->body);
	st->begun_ms = codec_take_time(r, (flags & STEP_HAS_BEGUN) != 0, base_ms);
	st->last_ms = codec_take_time(r, (flags & STEP_HAS_LAST) != 0, last_base_ms(st, base_ms));
	st->detail = take_status(r, (flags & STEP_HAS_STATUS) != 0);
	st->waited_ms = (flags & STEP_HAS_WAITED) != 0 ? reader_int(r) : 0;
	st->result = codec_take_text(r, (flags & STEP_HAS_RESULT) != 0);
	bool attempts = (flags & STEP_HAS_ATTEMPTS) != 0;
	st->attempts = attempts ? codec_take_u32(r, true) : usual_attempts(st);
	st->spent = attempts ? codec_take_u32(r, true) : usual_spent(st);
	st->effect_possible_ms = codec_take_time(r, st->effect_possible, base_ms);
	uint32_t reasons = codec_take_u32(r, (flags & STEP_HAS_REASON) != 0);
	st->reason = reasons & 15;
	st->skip = reasons >> 4 < SKIP_COUNT ? (uint8_t)(reasons >> 4) : (uint8_t)SKIP_COUNT;
	st->generation = (flags & STEP_HAS_GENERATION) != 0 ? codec_take_u32(r, true) : 1;
	st->waits = codec_take_u32(r, (flags & STEP_HAS_WAITS) != 0);
	if (st->detail == NULL)
		st->detail = codec_take_text(r, (flags & STEP_HAS_DETAIL) != 0);
	st->checkpoint = codec_take_bytes(r, (flags & STEP_HAS_CHECKPOINT) != 0, &st->checkpoint_len);
	st->do_generation = codec_take_u32(r, (flags & STEP_HAS_DO_GENERATION) != 0);
}

static const char *steps_decode(struct reader *r, struct saga *s, uint32_t due)
{
	const uint8_t *lane = NULL;
	if (reader_uint(r) != s->step_count || r->bad)
		return "number of steps";
	for (unsigned i = 0; i < s->step_count; i++) {
		struct step *st = &s->steps[i];
		step_decode(r, s->created_ms, lane, st);
		if ((due >> i & 1) != 0)
			st->due_ms = wrapping_add(s->created_ms, st->due_ms);
		const char *broken = r->bad ? "a step is cut short" : saga_check_step(st);
		if (broken != NULL)
			return broken;
		lane = st->has_lane ? st->lane : lane;
	}
	return NULL;
}

/* NULL if the whole saga is sound, else what is wrong. saga_check is asked here because a decision about a
 * saga that breaks a rule would end the process. */
static const char *decode_from(struct reader *r, struct saga *s)
{
	uint32_t due = 0;
	if (reader_byte(r) != SAGA_VERSION)
		return "version";
	saga_rows_decode(r, &s->rows);
	s->step_count = s->plan->step_count;
	s->steps = mem_zalloc((s->step_count > 0 ? s->step_count : 1) * sizeof *s->steps);
	saga_places_decode(r, s->step_count, s->steps, &due);
	if (r->bad)
		return "log rows or places";
	const char *broken = saga_fields_decode(r, s);
	if (broken == NULL)
		broken = steps_decode(r, s, due);
	if (broken == NULL && !reader_done(r))
		broken = "bytes are left over";
	return broken != NULL ? broken : saga_check(s);
}

/* The error names the saga and the field, so that an operator can find the damaged row. */
int saga_decode(int64_t id, struct plan *plan, struct str bytes, struct saga **ret, struct err *err)
{
	assert(bytes.p != NULL || bytes.len == 0);
	struct str content;
	int rc = envelope_open(bytes, &content, err);
	if (rc != 0)
		return err_wrap(err, rc, "stored saga %lld", (long long)id);
	struct reader r = reader_of(content.p, content.len);
	struct saga *s = mem_zalloc(sizeof *s);
	s->id = id;
	s->plan = plan_ref(plan);
	const char *broken = decode_from(&r, s);
	if (broken != NULL) {
		saga_destroy(s);
		return err_set(err, ERR_CORRUPT, "stored saga %lld does not decode: %s", (long long)id, broken);
	}
	*ret = s;
	return 0;
}

/* ---- parts of a stored value ---- */

static int begin_value(struct str value, struct reader *ret, struct err *err)
{
	struct str content;
	int rc = envelope_open(value, &content, err);
	if (rc != 0)
		return rc;
	*ret = reader_of(content.p, content.len);
	return reader_byte(ret) == SAGA_VERSION
			   ? 0
			   : err_set(err, ERR_CORRUPT, "the stored saga has an unknown version");
}

int saga_rows_of(struct str value, struct saga_rows *ret, struct err *err)
{
	struct reader r;
	ret->count = 0;
	int rc = begin_value(value, &r, err);
	if (rc != 0)
		return rc;
	saga_rows_decode(&r, ret);
	return r.bad ? err_set(err, ERR_CORRUPT, "the stored saga's list of log rows is damaged") : 0;
}

int saga_core_of(const struct plan *plan, struct str value, struct str *ret, struct err *err)
{
	struct reader r;
	struct saga_rows rows = { 0 };
	uint32_t due;
	int rc = begin_value(value, &r, err);
	if (rc != 0)
		return rc;
	saga_rows_decode(&r, &rows);
	saga_rows_free(&rows);
	saga_places_decode(&r, plan->step_count, NULL, &due);
	if (r.bad)
		return err_set(err, ERR_CORRUPT, "the stored saga is damaged");
	*ret = (struct str){ (const char *)r.p, (size_t)(r.end - r.p) };
	return 0;
}

void saga_value_digest(const uint8_t salt[SAGA_SALT_BYTES], const struct plan *plan, struct str core,
					   uint8_t ret[SAGA_DIGEST_BYTES])
{
	const struct str parts[] = { { (const char *)salt, SAGA_SALT_BYTES },
								 { (const char *)plan->digest, sizeof plan->digest },
								 core };
	uint8_t digest[DIGEST_BYTES];
	digest_parts(parts, sizeof parts / sizeof parts[0], digest);
	memcpy(ret, digest, SAGA_DIGEST_BYTES);
}
