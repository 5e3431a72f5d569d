#include "saga/model/step.h"

#include <stdlib.h>
#include <string.h>

#include "saga/base/mem.h"

/* What a repeat class allows after a possible effect: to send again, to send again while the target remembers
 * the key, or only to ask. */
enum repeat_rule { REPEAT_RULE_ASK, REPEAT_RULE_RESEND, REPEAT_RULE_RESEND_IN_TTL };

static const uint8_t repeat_rules[REPEAT_COUNT] = {
	[REPEAT_NONE] = REPEAT_RULE_ASK,
	[REPEAT_IDEMPOTENT] = REPEAT_RULE_RESEND,
	[REPEAT_KEYED] = REPEAT_RULE_RESEND_IN_TTL,
	[REPEAT_QUERYABLE] = REPEAT_RULE_ASK,
	[REPEAT_UNSAFE] = REPEAT_RULE_ASK,
};

bool step_can_lookup(const struct step *st, const struct step_rules *rules)
{
	return rules->can_lookup && st->direction == DIRECTION_DO && rules->repeat != REPEAT_UNSAFE;
}

/* A repeat class outside the table, from a connector, counts as the most careful one. After a look-up that
 * found a part (OUTCOME_PARTIAL) the connector promises that the do makes nothing twice. The promise holds
 * for the next attempt only: any other outcome replaces `last`, and the class decides again. */
enum send_rule step_send_rule(const struct step *st, const struct step_rules *rules, int64_t now_ms)
{
	if (!st->effect_possible)
		return SEND_PLAIN;
	bool can_lookup = step_can_lookup(st, rules);
	if (st->lookup_first && can_lookup)
		return SEND_LOOKUP;
	if (st->last == OUTCOME_PARTIAL && st->direction == DIRECTION_DO)
		return SEND_PLAIN;
	bool undo_repeatable = st->direction == DIRECTION_UNDO && rules->undo_idempotent;
	uint8_t rule = undo_repeatable                ? (uint8_t)REPEAT_RULE_RESEND
				   : rules->repeat < REPEAT_COUNT ? repeat_rules[rules->repeat]
												  : (uint8_t)REPEAT_RULE_ASK;
	if (rule == REPEAT_RULE_RESEND ||
		(rule == REPEAT_RULE_RESEND_IN_TTL && now_ms - st->effect_possible_ms < rules->repeat_ttl_ms))
		return SEND_PLAIN;
	return can_lookup ? SEND_LOOKUP : SEND_NEVER;
}

static void set_state(struct step *st, enum step_state state, enum why why)
{
	st->state = (uint8_t)state;
	st->why = (uint8_t)why;
	st->reason = REASON_NONE;
	st->skip = SKIP_NONE;
}

/* Ends a step: whatever belonged to an attempt in progress is dropped, and the digest of the request bytes,
 * which only a further attempt would need. The log keeps it with the outcome. */
static void set_ended(struct step *st, enum step_state state)
{
	set_state(st, state, WHY_NONE);
	st->by_operator = false;
	st->due_ms = 0;
	st->has_body = false;
	step_clear_doubt(st);
	mem_set_text(&st->checkpoint, NULL);
	st->checkpoint_len = 0;
}

void step_to_waiting(struct step *st)
{
	assert(st->state != STEP_RUNNING && st->state != STEP_KEPT);
	set_state(st, STEP_WAITING, WHY_AFTER);
}

void step_to_ready(struct step *st, int64_t now_ms)
{
	assert(st->state != STEP_KEPT);
	set_state(st, STEP_READY, WHY_SLOT);
	st->due_ms = now_ms;
}

void step_to_running(struct step *st, int64_t now_ms)
{
	assert(st->state == STEP_READY || st->state == STEP_RETRY_WAIT);
	set_state(st, STEP_RUNNING, WHY_CALL);
	st->begun_ms = now_ms;
	st->attempts++;
}

void step_to_retry(struct step *st, int64_t due_ms)
{
	assert(step_is_open(st) || st->state == STEP_ATTENTION);
	set_state(st, STEP_RETRY_WAIT, WHY_DUE);
	st->due_ms = due_ms;
}

void step_to_attention(struct step *st, enum reason reason)
{
	assert(reason > REASON_NONE && reason <= REASON_UNDO_FAILED);
	assert(reason != REASON_UNDO_FAILED || st->direction == DIRECTION_UNDO);
	assert(reason != REASON_IN_DOUBT || st->effect_possible || st->doubt_before);
	set_state(st, STEP_ATTENTION, WHY_ATTENTION);
	st->reason = (uint8_t)reason;
}

void step_to_succeeded(struct step *st)
{
	assert(st->state != STEP_KEPT);
	set_ended(st, STEP_SUCCEEDED);
	if (st->direction == DIRECTION_DO)
		st->took_effect = true;
}

void step_to_kept(struct step *st)
{
	assert(st->took_effect || st->direction == DIRECTION_UNDO);
	set_ended(st, STEP_KEPT);
}

void step_end_without_effect(struct step *st, enum skip skip)
{
	assert(skip > SKIP_NONE && skip < SKIP_COUNT);
	assert(st->direction == DIRECTION_DO);
	if (st->took_effect) {
		set_ended(st, STEP_SUCCEEDED);
		return;
	}
	set_ended(st, STEP_SKIPPED);
	st->skip = (uint8_t)skip;
}

/* effect_possible_ms is never 0 beside effect_possible, because 0 means "no effect possible". */
void step_mark_doubt(struct step *st, int64_t since_ms)
{
	if (st->effect_possible)
		return;
	st->effect_possible = true;
	st->effect_possible_ms = since_ms != 0 ? since_ms : 1;
}

void step_clear_doubt(struct step *st)
{
	st->effect_possible = false;
	st->effect_possible_ms = 0;
	st->lookup_first = false;
	st->doubt_before = false;
}

void step_reset_budget(struct step *st)
{
	st->spent = 0;
	st->waits = 0;
	st->waited_ms = 0;
}

void step_set_body(struct step *st, const uint8_t digest[16])
{
	st->has_body = true;
	memcpy(st->body, digest, sizeof st->body);
}

void step_new_generation(struct step *st)
{
	assert(st->state != STEP_RUNNING);
	bool doubt_before = st->doubt_before || st->effect_possible;
	st->generation++;
	st->attempts = 0;
	st->has_body = false;
	step_reset_budget(st);
	step_clear_doubt(st);
	st->doubt_before = doubt_before;
	mem_set_text(&st->checkpoint, NULL);
	st->checkpoint_len = 0;
}

/* Doubt of the do does not carry over: an undo begins only where undoing nothing is safe, or where the do
 * took effect. */
void step_begin_undo(struct step *st)
{
	assert(st->direction == DIRECTION_DO);
	st->do_generation = st->generation > 1 ? st->generation : 0;
	step_new_generation(st);
	st->doubt_before = false;
	st->direction = DIRECTION_UNDO;
	st->generation = 1;
	st->last = OUTCOME_NONE;
	st->by_operator = false;
	st->due_ms = 0;
	step_to_waiting(st);
}

/* The cut goes back to the first byte of a UTF-8 character, so that the detail stays valid UTF-8. */
void step_set_detail(struct step *st, const char *detail)
{
	if (detail == NULL || strlen(detail) <= STEP_DETAIL_BYTES) {
		mem_set_text(&st->detail, detail);
		return;
	}
	size_t len = STEP_DETAIL_BYTES;
	while (len > 0 && ((unsigned char)detail[len] & 0xc0) == 0x80)
		len--;
	char *shortened = mem_strndup(detail, len);
	free(st->detail);
	st->detail = shortened;
}

bool step_is_open(const struct step *st)
{
	return st->state <= STEP_RETRY_WAIT;
}
