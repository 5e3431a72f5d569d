#include "saga/model/record.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "saga/base/reader.h"
#include "saga/model/codec.h"
#include "saga/model/envelope.h"
#include "saga/model/plan.h"

/* The head: a version byte, then for each record its kind, a mask of the members that follow (a varint; the
 * members of an attempt without trouble have the low seven bits) and these members in the order of the mask.
 * The high bit of the kind: the personal text is the status, as a number. The kind RECORD_VALUE is followed by
 * its digest alone. The first time is stored as a difference to the time of the row.
 * The personal part: an envelope byte, then the personal texts of the records, each after its length.
 *
 * Version 1, which schema 1 to 4 wrote, has no such bit and no such kind, and its first time is absolute. */
#define RECORDS_VERSION   2
#define RECORDS_VERSION_1 1

#define KIND_STATUS_IS_PERSONAL 0x80

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
	r->at_ms = r->last_at_ms = 0;
}

static uint32_t default_generation(const struct record *rec)
{
	return rec->step >= 0 ? 1 : 0;
}

/* The usual detail of an outcome is its status, which is no personal data. */
static bool personal_is_status(const struct record *rec)
{
	uint32_t number;
	return rec->status != 0 && codec_decimal(rec->personal.p, rec->personal.len, &number) &&
		   number == rec->status;
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
		{ rec->personal.len > 0 && !personal_is_status(rec), HAS_PERSONAL },
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

static void add_personal(struct records *r, uint32_t mask, struct str text)
{
	if ((mask & HAS_PERSONAL) != 0 && r->personal.len == 0)
		buf_byte(&r->personal, ENVELOPE_PLAIN);
	add_str(&r->personal, mask, HAS_PERSONAL, text);
}

/* The first record gives the row its time. */
static void begin_record(struct records *r, const struct record *rec)
{
	if (r->head.len == 0) {
		buf_byte(&r->head, RECORDS_VERSION);
		r->at_ms = r->last_at_ms = rec->at_ms;
	}
	buf_byte(&r->head, (uint8_t)(rec->kind | (personal_is_status(rec) ? KIND_STATUS_IS_PERSONAL : 0)));
}

static void add_value(struct records *r, const struct record *rec)
{
	assert(rec->digest.len == 16);
	buf_add(&r->head, rec->digest.p, rec->digest.len);
}

/* take_members reads the members in the same order. */
static void add_members(struct records *r, const struct record *rec)
{
	uint32_t mask = mask_of(rec, r->last_at_ms);
	struct buf *b = &r->head;
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
	add_personal(r, mask, rec->personal);
	add_uint(b, mask, HAS_GENERATION, rec->generation);
	add_uint(b, mask, HAS_REASON, rec->reason);
	add_uint(b, mask, HAS_WHY, rec->why);
	add_int(b, mask, HAS_DUE, wrapping_sub(rec->due_ms, rec->at_ms));
	add_str(b, mask, HAS_ACTOR, rec->actor);
	add_str(b, mask, HAS_NOTE, rec->note);
}

void records_add(struct records *r, const struct record *rec)
{
	assert(rec->kind > 0 && rec->kind < RECORD_KIND_END);
	assert(rec->step >= RECORD_NO_STEP && rec->step < PLAN_STEPS_MAX);
	assert(rec->outcome < OUTCOME_COUNT && rec->why < WHY_COUNT);
	assert(rec->digest.len == 0 || rec->digest.len == 16 || rec->digest.len == 32);
	begin_record(r, rec);
	if (rec->kind == RECORD_VALUE)
		add_value(r, rec);
	else
		add_members(r, rec);
	r->last_at_ms = rec->at_ms;
	r->count++;
}

struct records_reader records_read(struct str head, struct str personal, int64_t at_ms)
{
	assert((head.p != NULL || head.len == 0) && (personal.p != NULL || personal.len == 0));
	struct records_reader r = { .head = reader_of(head.p, head.len),
								.personal = personal,
								.forgotten = personal.len == 0 };
	r.sealed = !r.forgotten && envelope_open(personal, &r.personal, NULL) != 0;
	r.version = head.len > 0 ? reader_byte(&r.head) : RECORDS_VERSION;
	if (r.version != RECORDS_VERSION && r.version != RECORDS_VERSION_1)
		r.head.bad = true;
	r.last_at_ms = r.version == RECORDS_VERSION_1 ? 0 : at_ms;
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

static void take_status(struct records_reader *r, struct record *rec)
{
	if (rec->status == 0 || rec->status > CODEC_DECIMAL_MAX || rec->personal.len > 0)
		r->head.bad = true;
	snprintf(r->status, sizeof r->status, "%u", rec->status);
	rec->personal = str_of(r->status);
}

/* Takes the next text of the personal part. If that part was forgotten, the text is empty, which is no
 * damage. */
static void take_personal(struct records_reader *r, uint64_t mask, struct record *rec)
{
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

/* Reads the members in the order of add_members. */
static void take_members(struct records_reader *r, struct record *rec)
{
	struct reader *h = &r->head;
	uint64_t mask = reader_uint(h);
	if (mask >= HAS_END)
		h->bad = true;
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

static void take_value(struct records_reader *r, struct record *rec)
{
	enum { DIGEST = 16 };
	rec->at_ms = r->last_at_ms;
	rec->step = RECORD_NO_STEP;
	rec->digest = (struct str){ (const char *)r->head.p, DIGEST };
	if (r->head.end - r->head.p < DIGEST)
		r->head.bad = true;
	else
		r->head.p += DIGEST;
}

static int take_kind(struct records_reader *r, struct record *rec, bool *ret_status, struct err *err)
{
	unsigned byte = reader_byte(&r->head);
	bool old = r->version == RECORDS_VERSION_1;
	unsigned kind = old ? byte : byte & ~(unsigned)KIND_STATUS_IS_PERSONAL;
	bool known = kind > 0 && kind < RECORD_KIND_END && !(old && record_is_internal((enum record_kind)kind));
	rec->kind = known ? (enum record_kind)kind : RECORD_ACCEPTED;
	*ret_status = kind != byte;
	if (known || r->head.bad)
		return 0;
	r->head.bad = true;
	return err_set(err, ERR_CORRUPT, "log record: kind %u is unknown", kind);
}

/* After the last record the personal part must be used up, unless it was forgotten. */
static int end_of_row(const struct records_reader *r, struct err *err)
{
	if (r->forgotten || r->personal.len == 0)
		return 0;
	return err_set(err, ERR_CORRUPT, "log record: personal texts are left over");
}

int records_next(struct records_reader *r, struct record *ret, struct err *err)
{
	if (r->sealed)
		return envelope_open(r->personal, &r->personal, err);
	if (!r->head.bad && r->head.p == r->head.end)
		return end_of_row(r, err);
	static const struct str none = { "", 0 };
	struct record rec = { .digest = none, .text = none, .actor = none, .note = none, .personal = none };
	bool status = false;
	int rc = take_kind(r, &rec, &status, err);
	if (rc != 0)
		return rc;
	if (rec.kind == RECORD_VALUE)
		take_value(r, &rec);
	else
		take_members(r, &rec);
	if (status)
		take_status(r, &rec);
	if (rec.digest.len != 0 && rec.digest.len != 16 && rec.digest.len != 32)
		r->head.bad = true;
	if (r->head.bad)
		return err_set(err, ERR_CORRUPT, "log record of kind \"%s\": cut short or out of bounds",
					   name_of_record_kind(rec.kind));
	r->last_at_ms = rec.at_ms;
	*ret = rec;
	return 1;
}
