#include "saga/model/record.h"

#include <assert.h>
#include <string.h>

#include "saga/base/reader.h"
#include "saga/model/codec.h"
#include "saga/model/plan.h"

/* The head: a version byte, then for each record its kind, a mask of the members that follow (a varint; the
 * members of an attempt without trouble have the low seven bits) and these members in the order of the mask.
 * The personal part: the personal texts of the records, each after its length. */
#define RECORDS_VERSION 1

enum record_member {
	HAS_AT = 1 << 0, /* the time of the record differs from the time of the record before */
	HAS_STEP = 1 << 1,
	HAS_ATTEMPT = 1 << 2,
	HAS_OUTCOME = 1 << 3,
	HAS_STATUS = 1 << 4,
	HAS_DURATION = 1 << 5,
	HAS_TO = 1 << 6,
	HAS_TEXT = 1 << 7,
	HAS_DIGEST = 1 << 8,
	HAS_PERSONAL = 1 << 9,
	HAS_GENERATION = 1 << 10, /* differs from default_generation() */
	HAS_DIRECTION = 1 << 11,  /* undo */
	HAS_REASON = 1 << 12,
	HAS_WHY = 1 << 13,
	HAS_DUE = 1 << 14, /* the due time is stored, as a difference to the time of the record */
	HAS_ACTOR = 1 << 15,
	HAS_NOTE = 1 << 16,
	HAS_END = 1 << 17
};

void records_free(struct records *r)
{
	buf_free(&r->head);
	buf_free(&r->personal);
	records_clear(r);
}

void records_clear(struct records *r)
{
	buf_clear(&r->head);
	buf_clear(&r->personal);
	r->count = 0;
	r->last_at_ms = 0;
}

static uint32_t default_generation(const struct record *rec)
{
	return rec->step >= 0 ? 1 : 0;
}

/* Which members differ from their default, and so are stored. */
static uint32_t mask_of(const struct record *rec, int64_t last_at_ms)
{
	const struct {
		bool has;
		uint32_t bit;
	} members[] = {
		{ rec->at_ms != last_at_ms, HAS_AT },
		{ rec->step >= 0, HAS_STEP },
		{ rec->attempt != 0, HAS_ATTEMPT },
		{ rec->outcome != 0, HAS_OUTCOME },
		{ rec->status != 0, HAS_STATUS },
		{ rec->duration_ms != 0, HAS_DURATION },
		{ rec->to != 0, HAS_TO },
		{ rec->text.len > 0, HAS_TEXT },
		{ rec->digest.len > 0, HAS_DIGEST },
		{ rec->personal.len > 0, HAS_PERSONAL },
		{ rec->generation != default_generation(rec), HAS_GENERATION },
		{ rec->direction == DIRECTION_UNDO, HAS_DIRECTION },
		{ rec->reason != 0, HAS_REASON },
		{ rec->why != 0, HAS_WHY },
		{ rec->due_ms != 0, HAS_DUE },
		{ rec->actor.len > 0, HAS_ACTOR },
		{ rec->note.len > 0, HAS_NOTE },
	};
	uint32_t mask = 0;
	for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
		mask |= members[i].has ? members[i].bit : 0;
	return mask;
}

static void add_uint(struct buf *b, uint32_t mask, enum record_member bit, uint64_t value)
{
	if ((mask & bit) != 0)
		buf_uint(b, value);
}

static void add_int(struct buf *b, uint32_t mask, enum record_member bit, int64_t value)
{
	if ((mask & bit) != 0)
		buf_int(b, value);
}

static void add_str(struct buf *b, uint32_t mask, enum record_member bit, struct str value)
{
	if ((mask & bit) != 0)
		buf_bytes(b, value.p, value.len);
}

/* take_members reads the members in the same order. */
void records_add(struct records *r, const struct record *rec)
{
	assert(rec->kind > 0 && rec->kind < RECORD_KIND_END);
	assert(rec->step >= RECORD_NO_STEP && rec->step < PLAN_STEPS_MAX);
	assert(rec->outcome < OUTCOME_COUNT && rec->why < WHY_COUNT);
	assert(rec->digest.len == 0 || rec->digest.len == 16 || rec->digest.len == 32);
	if (r->head.len == 0)
		buf_byte(&r->head, RECORDS_VERSION);
	uint32_t mask = mask_of(rec, r->last_at_ms);
	struct buf *b = &r->head;
	buf_byte(b, (uint8_t)rec->kind);
	buf_uint(b, mask);
	add_int(b, mask, HAS_AT, wrapping_sub(rec->at_ms, r->last_at_ms));
	add_uint(b, mask, HAS_STEP, (uint64_t)rec->step);
	add_uint(b, mask, HAS_ATTEMPT, rec->attempt);
	add_uint(b, mask, HAS_OUTCOME, rec->outcome);
	add_uint(b, mask, HAS_STATUS, rec->status);
	add_int(b, mask, HAS_DURATION, rec->duration_ms);
	add_uint(b, mask, HAS_TO, rec->to);
	add_str(b, mask, HAS_TEXT, rec->text);
	add_str(b, mask, HAS_DIGEST, rec->digest);
	add_str(&r->personal, mask, HAS_PERSONAL, rec->personal);
	add_uint(b, mask, HAS_GENERATION, rec->generation);
	add_uint(b, mask, HAS_REASON, rec->reason);
	add_uint(b, mask, HAS_WHY, rec->why);
	add_int(b, mask, HAS_DUE, wrapping_sub(rec->due_ms, rec->at_ms));
	add_str(b, mask, HAS_ACTOR, rec->actor);
	add_str(b, mask, HAS_NOTE, rec->note);
	r->last_at_ms = rec->at_ms;
	r->count++;
}

struct records_reader records_read(struct str head, struct str personal)
{
	assert((head.p != NULL || head.len == 0) && (personal.p != NULL || personal.len == 0));
	struct records_reader r = { .head = reader_of(head.p, head.len),
								.personal = personal,
								.forgotten = personal.len == 0 };
	if (head.len > 0 && reader_byte(&r.head) != RECORDS_VERSION)
		r.head.bad = true;
	return r;
}

static uint64_t take_uint(struct reader *r, uint64_t mask, enum record_member bit, uint64_t max_value)
{
	uint64_t value = (mask & bit) != 0 ? reader_uint(r) : 0;
	if (value > max_value)
		r->bad = true;
	return r->bad ? 0 : value;
}

static int64_t take_int(struct reader *r, uint64_t mask, enum record_member bit)
{
	return (mask & bit) != 0 ? reader_int(r) : 0;
}

static struct str take_str(struct reader *r, uint64_t mask, enum record_member bit)
{
	return (mask & bit) != 0 ? reader_bytes(r) : (struct str){ "", 0 };
}

/* Takes the next text of the personal part. If that part was forgotten, the text is empty, which is no
 * damage. */
static void take_personal(struct records_reader *r, uint64_t mask, struct record *rec)
{
	rec->personal = (struct str){ "", 0 };
	if ((mask & HAS_PERSONAL) == 0)
		return;
	if (r->forgotten) {
		rec->forgotten = true;
		return;
	}
	struct reader texts = reader_of(r->personal.p, r->personal.len);
	rec->personal = reader_bytes(&texts);
	if (texts.bad)
		r->head.bad = true;
	r->personal = (struct str){ (const char *)texts.p, (size_t)(texts.end - texts.p) };
}

/* Reads the members in the order of records_add. */
static void take_members(struct records_reader *r, uint64_t mask, struct record *rec)
{
	struct reader *h = &r->head;
	rec->at_ms = wrapping_add(r->last_at_ms, take_int(h, mask, HAS_AT));
	rec->step =
		(mask & HAS_STEP) != 0 ? (int)take_uint(h, mask, HAS_STEP, PLAN_STEPS_MAX - 1) : RECORD_NO_STEP;
	rec->attempt = (uint32_t)take_uint(h, mask, HAS_ATTEMPT, UINT32_MAX);
	rec->outcome = (uint8_t)take_uint(h, mask, HAS_OUTCOME, OUTCOME_COUNT - 1);
	rec->status = (uint32_t)take_uint(h, mask, HAS_STATUS, UINT32_MAX);
	rec->duration_ms = take_int(h, mask, HAS_DURATION);
	rec->to = (uint8_t)take_uint(h, mask, HAS_TO, UINT8_MAX);
	rec->text = take_str(h, mask, HAS_TEXT);
	rec->digest = take_str(h, mask, HAS_DIGEST);
	take_personal(r, mask, rec);
	rec->generation = (mask & HAS_GENERATION) != 0 ? (uint32_t)take_uint(h, mask, HAS_GENERATION, UINT32_MAX)
												   : default_generation(rec);
	rec->direction = (mask & HAS_DIRECTION) != 0 ? DIRECTION_UNDO : DIRECTION_DO;
	rec->reason = (uint8_t)take_uint(h, mask, HAS_REASON, UINT8_MAX);
	rec->why = (uint8_t)take_uint(h, mask, HAS_WHY, WHY_COUNT - 1);
	rec->due_ms = (mask & HAS_DUE) != 0 ? wrapping_add(rec->at_ms, take_int(h, mask, HAS_DUE)) : 0;
	rec->actor = take_str(h, mask, HAS_ACTOR);
	rec->note = take_str(h, mask, HAS_NOTE);
}

/* After the last record the personal part must be used up, unless it was forgotten. */
int records_next(struct records_reader *r, struct record *ret, struct err *err)
{
	if (!r->head.bad && r->head.p == r->head.end) {
		if (r->forgotten || r->personal.len == 0)
			return 0;
		return err_set(err, ERR_CORRUPT, "log record: personal texts are left over");
	}
	struct record rec = { 0 };
	unsigned kind = reader_byte(&r->head);
	uint64_t mask = reader_uint(&r->head);
	if (!r->head.bad && (kind == 0 || kind >= RECORD_KIND_END || mask >= HAS_END)) {
		r->head.bad = true;
		return err_set(err, ERR_CORRUPT, "log record: kind %u, or one of its members, is unknown", kind);
	}
	rec.kind = (enum record_kind)kind;
	take_members(r, mask, &rec);
	if (rec.digest.len != 0 && rec.digest.len != 16 && rec.digest.len != 32)
		r->head.bad = true;
	if (r->head.bad)
		return err_set(err, ERR_CORRUPT, "log record of kind \"%s\": cut short or out of bounds",
					   name_of_record_kind(rec.kind));
	r->last_at_ms = rec.at_ms;
	*ret = rec;
	return 1;
}
