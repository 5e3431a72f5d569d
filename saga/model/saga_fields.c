#include "saga/model/saga_fields.h"

#include "saga/base/mem.h"
#include "saga/model/codec.h"

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

void saga_fields_encode(const struct saga *s, struct buf *out)
{
	bool has_reason = s->reason != 0 || s->own_reason != 0;
	buf_byte(out,
			 (uint8_t)((s->paused ? SAGA_HAS_PAUSED : 0) | (s->cancelled ? SAGA_HAS_CANCELLED : 0) |
					   (s->compensating ? SAGA_HAS_COMPENSATING : 0) | (s->unrouted ? SAGA_HAS_UNROUTED : 0) |
					   (s->finished_ms != 0 ? SAGA_HAS_FINISHED : 0) | (has_reason ? SAGA_HAS_REASON : 0) |
					   (s->note[0] != '\0' ? SAGA_HAS_NOTE : 0)));
	buf_byte(out, s->state);
	if (has_reason)
		buf_byte(out, (uint8_t)(s->reason | s->own_reason << 4));
	buf_int(out, s->created_ms);
	if (s->finished_ms != 0)
		buf_int(out, wrapping_sub(s->finished_ms, s->created_ms));
	buf_string(out, s->source);
	buf_string(out, s->event_id);
	buf_string(out, s->type);
	buf_string(out, s->gift);
	buf_string(out, s->donor);
	if (s->note[0] != '\0')
		buf_string(out, s->note);
}

const char *saga_fields_decode(struct reader *r, struct saga *s)
{
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
	s->finished_ms = codec_take_time(r, (flags & SAGA_HAS_FINISHED) != 0, s->created_ms);
	s->source = codec_take_text(r, true);
	s->event_id = codec_take_text(r, true);
	s->type = codec_take_text(r, true);
	s->gift = codec_take_text(r, true);
	s->donor = codec_take_text(r, true);
	s->note = (flags & SAGA_HAS_NOTE) != 0 ? codec_take_text(r, true) : mem_strdup("");
	if (r->bad)
		return "fields";
	if (flags >= SAGA_HAS_END || s->state >= SAGA_STATE_COUNT)
		return "state or flags";
	if (s->reason >= REASON_COUNT || (s->own_reason != REASON_NONE && s->own_reason != REASON_QUARANTINED &&
									  s->own_reason != REASON_GIFT_MISSING))
		return "reason";
	return NULL;
}
