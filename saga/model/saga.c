/* A saga as a value: made, freed, and its results. Its stored form is in saga_codec.c, its state in
 * saga_state.c. */
#include "saga/model/saga.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "saga/base/mem.h"

static char *text_copy(const char *text)
{
	return mem_strdup(text != NULL ? text : "");
}

static void step_init(struct step *st, const struct saga_start *start, unsigned i)
{
	*st = (struct step){ .state = STEP_WAITING, .why = WHY_AFTER, .generation = 1 };
	if (start->lanes != NULL && (start->lane_mask >> i & 1) != 0) {
		st->has_lane = true;
		memcpy(st->lane, start->lanes[i], LANE_BYTES);
	}
}

/* Only a plan without steps may come with a reason of its own or without a route. */
struct saga *saga_create(const struct saga_start *start)
{
	assert(start->own_reason == REASON_NONE || start->own_reason == REASON_QUARANTINED ||
		   start->own_reason == REASON_GIFT_MISSING);
	assert((!start->unrouted && start->own_reason == REASON_NONE) || start->plan->step_count == 0);
	assert((start->condition_true & ~start->condition_known) == 0);
	struct saga *s = mem_zalloc(sizeof *s);
	s->plan = plan_ref(start->plan);
	s->unrouted = start->unrouted;
	s->own_reason = (uint8_t)start->own_reason;
	s->created_ms = start->now_ms;
	s->source = text_copy(start->source);
	s->event_id = text_copy(start->event_id);
	s->type = text_copy(start->type);
	s->gift = text_copy(start->gift);
	s->donor = text_copy(start->donor);
	s->note = text_copy(start->note);
	s->step_count = start->plan->step_count;
	s->steps = mem_zalloc((s->step_count > 0 ? s->step_count : 1) * sizeof *s->steps);
	for (unsigned i = 0; i < s->step_count; i++)
		step_init(&s->steps[i], start, i);
	enum reason reason;
	s->state = (uint8_t)saga_derive_state(s, &reason);
	s->reason = (uint8_t)reason;
	return s;
}

/* Frees a saga, also one that saga_decode has filled only in part. */
void saga_destroy(struct saga *s)
{
	if (s == NULL)
		return;
	for (unsigned i = 0; s->steps != NULL && i < s->step_count; i++) {
		free(s->steps[i].detail);
		free(s->steps[i].result);
		free(s->steps[i].checkpoint);
	}
	free(s->steps);
	saga_rows_free(&s->rows);
	free(s->source);
	free(s->event_id);
	free(s->type);
	free(s->gift);
	free(s->donor);
	free(s->note);
	plan_unref(s->plan);
	free(s);
}

bool saga_is_live(const struct saga *s)
{
	for (unsigned i = 0; i < s->step_count; i++) {
		const struct step *st = &s->steps[i];
		if (st->state == STEP_RUNNING || (st->state == STEP_READY && st->location == LOCATION_ENGINE))
			return true;
	}
	return false;
}

/* Appends the name of a step as a JSON key. Names come from the configuration, so quotes and control
 * characters are escaped. */
static void json_key(struct buf *out, const char *name)
{
	buf_byte(out, '"');
	for (const char *p = name; *p != '\0'; p++) {
		if (*p == '"' || *p == '\\' || (unsigned char)*p < 0x20)
			buf_printf(out, "\\u%04x", (unsigned)(unsigned char)*p);
		else
			buf_byte(out, (uint8_t)*p);
	}
	buf_text(out, "\":");
}

/* The result of a step that was undone is left out: a later step must not use it. */
void saga_results_json(const struct saga *s, struct buf *out)
{
	bool first = true;
	buf_byte(out, '{');
	for (unsigned i = 0; i < s->step_count; i++) {
		const struct step *st = &s->steps[i];
		if (!st->took_effect || (st->direction == DIRECTION_UNDO && st->state == STEP_SUCCEEDED))
			continue;
		if (!first)
			buf_byte(out, ',');
		first = false;
		json_key(out, s->plan->steps[i].name);
		buf_text(out, st->result != NULL ? st->result : "{}");
	}
	buf_byte(out, '}');
}
