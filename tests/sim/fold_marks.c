/* Which rare branches a record bears witness to. */
#include <string.h>

#include "tests/sim/fold.h"

static void mark_doubt(struct world *w, const struct sim_target *t)
{
	static const enum mark marks[REPEAT_COUNT] = { [REPEAT_IDEMPOTENT] = MARK_DOUBT_IDEMPOTENT,
												   [REPEAT_KEYED] = MARK_DOUBT_KEYED,
												   [REPEAT_QUERYABLE] = MARK_DOUBT_QUERYABLE,
												   [REPEAT_UNSAFE] = MARK_DOUBT_UNSAFE };
	mark(w->marks, marks[t->repeat]);
}

static void mark_outcome(struct world *w, const struct fold_step *st, const struct record *r)
{
	switch ((enum outcome_class)r->outcome) {
	case OUTCOME_OK:
		if (st->lookup)
			mark(w->marks, MARK_LOOKUP_PRESENT);
		else if (r->direction == DIRECTION_UNDO)
			mark(w->marks, MARK_UNDONE);
		break;
	case OUTCOME_ABSENT:
		mark(w->marks, MARK_LOOKUP_ABSENT);
		break;
	case OUTCOME_UNKNOWN:
		mark_doubt(w, &w->targets[st->target]);
		break;
	case OUTCOME_BUSY:
		mark(w->marks, r->status == 403 ? MARK_FORBIDDEN_WAIT : MARK_BUSY);
		break;
	case OUTCOME_EXISTS:
		mark(w->marks, MARK_EXISTS);
		break;
	case OUTCOME_FAULT:
		mark(w->marks, r->attempt == 0 ? MARK_WHEN_FAULT : MARK_FAULT);
		break;
	case OUTCOME_BODY_CHANGED:
		mark(w->marks, MARK_BODY_CHANGED);
		break;
	case OUTCOME_NONE:
	case OUTCOME_UNREACHABLE:
	case OUTCOME_REJECTED:
	case OUTCOME_DENIED:
	case OUTCOME_COUNT:
		break;
	}
	if (r->personal.len > 7 && memcmp(r->personal.p, "cut off", 7) == 0)
		mark(w->marks, MARK_CUT);
}

static void mark_attention(struct world *w, const struct fold_step *st)
{
	if (st->reason == REASON_REJECTED)
		mark(w->marks, MARK_REJECTED);
	if (st->reason == REASON_TARGET_MISSING)
		mark(w->marks, MARK_TARGET_MISSING);
	if (st->reason == REASON_EXHAUSTED)
		mark(w->marks, MARK_EXHAUSTED);
	if (st->reason == REASON_UNDO_FAILED)
		mark(w->marks, MARK_UNDO_FAILED);
	if (st->reason == REASON_IN_DOUBT && w->targets[st->target].repeat == REPEAT_KEYED)
		mark(w->marks, MARK_DOUBT_TTL);
}

static void mark_step(struct world *w, const struct fold_saga *s, const struct fold_step *st)
{
	if (st->state == STEP_ATTENTION)
		mark_attention(w, st);
	if (st->state == STEP_KEPT)
		mark(w->marks, MARK_KEPT);
	if (st->state == STEP_SKIPPED && st->skip == SKIP_EXPIRED)
		mark(w->marks, MARK_EXPIRED);
	if (st->state == STEP_SKIPPED && st->skip == SKIP_WHEN && s->plan->steps[st - s->steps].after != 0)
		mark(w->marks, MARK_WHEN_FALSE);
}

static void mark_verb(struct world *w, const struct record *r)
{
	if (str_is(r->text, "redo"))
		mark(w->marks, MARK_REDO);
	if (str_is(r->text, "resolve-done") || str_is(r->text, "resolve-not-done"))
		mark(w->marks, MARK_RESOLVED);
	if (str_is(r->text, "cancel"))
		mark(w->marks, MARK_CANCELLED);
	if (str_is(r->text, "pause"))
		mark(w->marks, MARK_PAUSED);
}

void fold_mark(struct world *w, const struct fold_saga *s, const struct record *r)
{
	const struct fold_step *st = r->step >= 0 && s->plan != NULL ? &s->steps[r->step] : NULL;
	if (r->kind == RECORD_OUTCOME && st != NULL)
		mark_outcome(w, st, r);
	if (r->kind == RECORD_STEP && st != NULL)
		mark_step(w, s, st);
	if (r->kind == RECORD_NOT_STARTED)
		mark(w->marks, MARK_NOT_STARTED);
	if (r->kind == RECORD_CHECKPOINT)
		mark(w->marks, MARK_CHECKPOINT);
	if (r->kind == RECORD_UNROUTED)
		mark(w->marks, MARK_UNROUTED);
	if (r->kind == RECORD_GIFT_MISSING)
		mark(w->marks, MARK_GIFT_MISSING);
	if (r->kind == RECORD_VERB)
		mark_verb(w, r);
	if (r->kind == RECORD_DECISION)
		mark(w->marks, str_is(r->text, "hold") ? MARK_HELD_POLICY : MARK_COMPENSATE);
}

static void mark_held(struct world *w, const struct record *r)
{
	if (r->note.len >= 11 && memcmp(r->note.p, "credentials", 11) == 0)
		mark(w->marks, MARK_HELD_CREDENTIALS);
	if (r->note.len >= 5 && memcmp(r->note.p, "looks", 5) == 0)
		mark(w->marks, MARK_HELD_MISCONFIGURED);
}

static void mark_released(struct world *w, const struct record *r)
{
	if (!str_is(r->actor, "almoner"))
		return;
	bool settings = r->note.len >= 12 && memcmp(r->note.p, "its settings", 12) == 0;
	mark(w->marks, settings ? MARK_RELOAD_RELEASED : MARK_PROBE_RELEASED);
}

/* A new process begins with closed breakers, and asks first where the last one left them otherwise. */
void fold_breakers_anew(struct world *w)
{
	for (unsigned i = 0; i < SIM_TARGETS; i++) {
		w->fold->left_away[i] = w->fold->left_away[i] || w->fold->breaker[i] != BREAKER_CLOSED;
		w->fold->breaker[i] = BREAKER_CLOSED;
	}
}

static void breaker_noted(struct world *w, unsigned target, enum breaker_state now)
{
	static const bool legal[BREAKER_STATES][BREAKER_STATES] = {
		[BREAKER_CLOSED][BREAKER_OPEN] = true,
		[BREAKER_OPEN][BREAKER_HALF_OPEN] = true,
		[BREAKER_HALF_OPEN][BREAKER_OPEN] = true,
		[BREAKER_HALF_OPEN][BREAKER_CLOSED] = true,
	};
	uint8_t *was = &w->fold->breaker[target];
	bool found = w->fold->left_away[target] && *was == BREAKER_CLOSED && now == BREAKER_HALF_OPEN;
	if (w->fold->left_away[target] && !found)
		world_fail(w, "%s: its breaker was left open and not asked first", w->targets[target].name);
	w->fold->left_away[target] = false;
	if (found)
		mark(w->marks, MARK_BREAKER_LEFT_OPEN);
	if (!found && !legal[*was][now])
		world_fail(w, "%s: the breaker went from %s to %s", w->targets[target].name,
				   breaker_state_name((enum breaker_state) * was), breaker_state_name(now));
	if (*was == BREAKER_HALF_OPEN && now == BREAKER_OPEN)
		mark(w->marks, MARK_BREAKER_REOPENED);
	mark(w->marks, now == BREAKER_OPEN     ? MARK_BREAKER_OPEN
				   : now == BREAKER_CLOSED ? MARK_BREAKER_CLOSED
										   : MARK_BREAKER_HALF_OPEN);
	*was = (uint8_t)now;
}

void fold_mark_target(struct world *w, int64_t id, const struct record *r)
{
	for (unsigned i = 0; i < SIM_TARGETS; i++) {
		if (w->targets[i].id != id)
			continue;
		for (int b = 0; b < BREAKER_STATES; b++) {
			char text[32] = "breaker_";
			(void)strncat(text, breaker_state_name((enum breaker_state)b), sizeof text - 9);
			if (str_is(r->text, text))
				breaker_noted(w, i, (enum breaker_state)b);
		}
	}
	if (str_is(r->text, "held"))
		mark_held(w, r);
	if (str_is(r->text, "released"))
		mark_released(w, r);
}
