#include "saga/model/settle.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "saga/model/step.h"

struct record settle_record(const struct decide *d, enum record_kind kind, int step)
{
	assert(kind > 0 && kind < RECORD_KIND_END);
	assert(step >= RECORD_NO_STEP && step < (int)d->saga->step_count);
	struct record r = { .kind = kind, .at_ms = d->now_ms, .step = step };
	if (step >= 0) {
		const struct step *st = &d->saga->steps[step];
		r.direction = (enum direction)st->direction;
		r.generation = st->generation;
		r.attempt = st->attempts;
	}
	return r;
}

const struct step_rules *settle_rules(const struct decide *d, unsigned step)
{
	assert(step < d->saga->step_count);
	const struct step_rules *rules = d->rules.of(d->rules.ctx, d->saga->plan->steps[step].target);
	assert(rules != NULL);
	return rules;
}

uint32_t settle_dependants(const struct plan *p, unsigned step)
{
	assert(step < p->step_count);
	uint32_t dependants = 0;
	for (uint32_t last = UINT32_MAX; last != dependants;) {
		last = dependants;
		for (unsigned i = 0; i < p->step_count; i++) {
			if ((p->steps[i].after & (dependants | UINT32_C(1) << step)) != 0)
				dependants |= UINT32_C(1) << i;
		}
	}
	return dependants;
}

/* ---- forward: steps that come after others ---- */

/* What a step in `after` means to the step that waits: still open, done, or never to be done. */
enum predecessor { PREDECESSOR_OPEN, PREDECESSOR_DONE, PREDECESSOR_MISSED };

static enum predecessor predecessor_of(const struct step *st)
{
	if (st->state == STEP_SUCCEEDED || (st->state == STEP_SKIPPED && st->skip == SKIP_WHEN))
		return PREDECESSOR_DONE;
	return st->state == STEP_SKIPPED ? PREDECESSOR_MISSED : PREDECESSOR_OPEN;
}

/* Makes a waiting step ready if all steps in its `after` are done, and skips it if one of them never will be.
 * True if the step changed. */
static bool release_dependant(struct decide *d, unsigned i)
{
	struct saga *s = d->saga;
	bool any_open = false;
	for (unsigned j = 0; j < s->step_count; j++) {
		if ((s->plan->steps[i].after >> j & 1) == 0)
			continue;
		enum predecessor p = predecessor_of(&s->steps[j]);
		if (p == PREDECESSOR_MISSED) {
			step_end_without_effect(&s->steps[i], SKIP_DEPENDENCY);
			return true;
		}
		any_open = any_open || p == PREDECESSOR_OPEN;
	}
	if (!any_open)
		step_to_ready(&s->steps[i], d->now_ms);
	return !any_open;
}

/* Repeats the loop over the steps until no step changes, because a step that is skipped here can be in the
 * `after` of a step earlier in the list. */
static void settle_forward(struct decide *d)
{
	for (bool moved = true; moved;) {
		moved = false;
		for (unsigned i = 0; i < d->saga->step_count; i++) {
			if (d->saga->steps[i].state == STEP_WAITING)
				moved = release_dependant(d, i) || moved;
		}
	}
}

/* ---- cancelled: no further step starts ---- */

/* Skips everything that has not begun. A step that may have taken effect goes to in_doubt instead: the
 * operator can still resolve it. What runs is left to finish. */
static void settle_cancelled(struct decide *d)
{
	for (unsigned i = 0; i < d->saga->step_count; i++) {
		struct step *st = &d->saga->steps[i];
		bool definite = st->state == STEP_ATTENTION && st->reason != REASON_IN_DOUBT;
		if ((!step_is_open(st) && !definite) || st->state == STEP_RUNNING)
			continue;
		if (st->effect_possible || st->doubt_before)
			step_to_attention(st, REASON_IN_DOUBT);
		else
			step_end_without_effect(st, SKIP_CANCELLED);
	}
}

/* ---- backward: compensation ---- */

/* The reasons that start the policy `compensate`: definite failures only. After doubt an undo could be
 * wrong. */
static const bool triggers[REASON_COUNT] = {
	[REASON_REJECTED] = true,
	[REASON_EXHAUSTED] = true,
	[REASON_FAULT] = true,
};

static bool is_trigger(const struct step *st)
{
	return st->state == STEP_ATTENTION && st->direction == DIRECTION_DO && triggers[st->reason];
}

/* The first step that failed definitely turns the saga to compensation; the log says which one. */
static void trigger_compensation(struct decide *d)
{
	struct saga *s = d->saga;
	if (s->plan->policy != POLICY_COMPENSATE || s->compensating || s->cancelled)
		return;
	for (unsigned i = 0; i < s->step_count; i++) {
		if (!is_trigger(&s->steps[i]))
			continue;
		s->compensating = true;
		struct record r = settle_record(d, RECORD_DECISION, (int)i);
		r.reason = s->steps[i].reason;
		r.text = STR("compensate");
		records_add(d->log, &r);
		return;
	}
}

/* For a step that may have taken effect. It is undone if its connector says that undoing nothing is safe.
 * Else it is looked up, which sends nothing with effects. If neither is possible, an operator must decide. */
static void undo_in_doubt(struct decide *d, unsigned i)
{
	struct step *st = &d->saga->steps[i];
	const struct step_rules *rules = settle_rules(d, i);
	bool was_in_doubt = st->state == STEP_ATTENTION && st->reason == REASON_IN_DOUBT;
	bool can_lookup = !rules->missing && step_can_lookup(st, rules);
	if (rules->can_undo && rules->can_undo_nothing && !d->saga->plan->steps[i].undo_none) {
		step_begin_undo(st);
	} else if (st->state == STEP_RETRY_WAIT && st->lookup_first && can_lookup) {
		return;
	} else if (!was_in_doubt && !st->doubt_before && can_lookup) {
		step_reset_budget(st);
		step_to_retry(st, st->state == STEP_RETRY_WAIT ? st->due_ms : d->now_ms);
		st->lookup_first = true;
	} else {
		step_to_attention(st, REASON_IN_DOUBT);
	}
}

/* For a step that took effect. Without an undo its effect is kept. If the target is missing, it is not known
 * whether it has an undo, so the undo begins and fails, and an operator sees it. */
static void undo_effect(struct decide *d, unsigned i)
{
	const struct step_rules *rules = settle_rules(d, i);
	if (d->saga->plan->steps[i].undo_none || (!rules->can_undo && !rules->missing))
		step_to_kept(&d->saga->steps[i]);
	else
		step_begin_undo(&d->saga->steps[i]);
}

/* Decides what compensation means for one step that is still in direction do. A running step is left until
 * its outcome is known. */
static void begin_step_undo(struct decide *d, unsigned i)
{
	struct step *st = &d->saga->steps[i];
	if (st->direction == DIRECTION_UNDO || st->state == STEP_RUNNING || st->state == STEP_SKIPPED ||
		st->state == STEP_KEPT)
		return;
	if (st->effect_possible || st->doubt_before)
		undo_in_doubt(d, i);
	else if (st->took_effect)
		undo_effect(d, i);
	else if (!is_trigger(st))
		step_end_without_effect(st, SKIP_CANCELLED);
}

/* True if nothing of this step is left to undo, so that the steps before it may be undone. */
static bool undo_is_over(const struct step *st)
{
	return st->state == STEP_SKIPPED || st->state == STEP_KEPT ||
		   (st->state == STEP_SUCCEEDED && st->direction == DIRECTION_UNDO) ||
		   (is_trigger(st) && !st->effect_possible);
}

/* The reverse of `after`: a step is undone once every step that comes after it, also through others, has
 * nothing left to undo. */
static bool undo_may_begin(const struct saga *s, unsigned i)
{
	uint32_t dependants = settle_dependants(s->plan, i);
	for (unsigned j = 0; j < s->step_count; j++) {
		if ((dependants >> j & 1) != 0 && !undo_is_over(&s->steps[j]))
			return false;
	}
	return true;
}

/* First each step is turned to undo or ended, then the undos that may begin become ready. */
static void settle_backward(struct decide *d)
{
	struct saga *s = d->saga;
	for (unsigned i = 0; i < s->step_count; i++)
		begin_step_undo(d, i);
	for (unsigned i = 0; i < s->step_count; i++) {
		struct step *st = &s->steps[i];
		if (st->state == STEP_WAITING && undo_may_begin(s, i))
			step_to_ready(st, d->now_ms);
		else if (st->direction == DIRECTION_UNDO &&
				 (st->state == STEP_READY || st->state == STEP_RETRY_WAIT) && !undo_may_begin(s, i))
			step_to_waiting(st); /* an operator resolved a later step as done, so that step is undone first */
	}
}

/* ---- one decision ---- */

void settle_begin(struct settle *t, struct decide *d)
{
	const struct saga *s = d->saga;
	assert(s->step_count == s->plan->step_count && d->log != NULL);
	t->d = d;
	t->saga_state = s->state;
	t->saga_reason = s->reason;
	for (unsigned i = 0; i < s->step_count; i++) {
		const struct step *st = &s->steps[i];
		t->before[i] = (struct settle_snapshot){ st->state, st->direction,  st->reason,
												 st->skip,  st->generation, st->due_ms };
	}
}

static bool moved(const struct settle_snapshot *b, const struct step *st)
{
	return b->state != st->state || b->direction != st->direction || b->reason != st->reason ||
		   b->skip != st->skip || b->generation != st->generation ||
		   (st->state == STEP_RETRY_WAIT && b->due_ms != st->due_ms);
}

/* True if the step is still in the state that its intent, not_started or outcome record implies. If settling
 * changed it once more, it needs a record of its own. */
static bool is_recorded(const struct settle_snapshot *b, const struct step *st)
{
	return b->direction == st->direction &&
		   (st->state == STEP_RUNNING || st->state == STEP_READY || st->state == STEP_SUCCEEDED);
}

static void log_step(struct decide *d, unsigned i)
{
	const struct step *st = &d->saga->steps[i];
	struct record r = settle_record(d, RECORD_STEP, (int)i);
	r.to = st->state;
	r.reason = st->state == STEP_SKIPPED ? st->skip : st->reason;
	r.why = st->why;
	r.due_ms = st->state == STEP_RETRY_WAIT ? st->due_ms : 0;
	records_add(d->log, &r);
}

/* When the saga comes to attention under the policy `hold`, a decision record says why no further step
 * starts. */
static void log_saga(const struct settle *t)
{
	const struct saga *s = t->d->saga;
	struct record r = settle_record(t->d, RECORD_SAGA, RECORD_NO_STEP);
	if (s->plan->policy == POLICY_HOLD && s->state == SAGA_ATTENTION && t->saga_state != SAGA_ATTENTION) {
		struct record hold = settle_record(t->d, RECORD_DECISION, RECORD_NO_STEP);
		hold.reason = s->reason;
		hold.text = STR("hold");
		records_add(t->d->log, &hold);
	}
	r.to = s->state;
	r.reason = s->reason;
	records_add(t->d->log, &r);
}

/* Derives the state of the saga, and ends a pause when the saga comes to rest: a redo later must not find
 * the saga paused. */
static void derive_state(struct saga *s, int64_t now_ms)
{
	enum reason reason;
	bool was_at_rest = saga_state_at_rest((enum saga_state)s->state);
	s->state = (uint8_t)saga_derive_state(s, &reason);
	s->reason = (uint8_t)reason;
	if (!saga_state_at_rest((enum saga_state)s->state))
		return;
	s->paused = false;
	if (!was_at_rest || s->finished_ms == 0)
		s->finished_ms = now_ms;
}

/* A saga that breaks a rule must not be stored: every later decision would build on it. */
static void check_or_abort(const struct saga *s)
{
	const char *broken = saga_check(s);
	if (broken == NULL)
		return;
	fprintf(stderr, "almoner: saga %lld broke a rule of the model: %s; stopping\n", (long long)s->id, broken);
	abort();
}

/* The order matters: the policy may start a compensation, which decides how the steps settle, and only then
 * is the state derived. */
void settle_end(struct settle *t, int recorded_step)
{
	struct decide *d = t->d;
	struct saga *s = d->saga;
	assert(recorded_step >= -1 && recorded_step < (int)s->step_count);
	trigger_compensation(d);
	if (s->cancelled)
		settle_cancelled(d);
	else if (s->compensating)
		settle_backward(d);
	else
		settle_forward(d);
	derive_state(s, d->now_ms);
	for (unsigned i = 0; i < s->step_count; i++) {
		if (moved(&t->before[i], &s->steps[i]) &&
			!((int)i == recorded_step && is_recorded(&t->before[i], &s->steps[i])))
			log_step(d, i);
	}
	if (s->state != t->saga_state || s->reason != t->saga_reason)
		log_saga(t);
	check_or_abort(s);
}
