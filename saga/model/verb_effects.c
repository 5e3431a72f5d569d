#include "saga/model/verb_effects.h"

#include <assert.h>

#include "saga/base/mem.h"
#include "saga/model/settle.h"
#include "saga/model/step.h"

void verb_effect_none(struct decide *d, unsigned step, const struct verb_call *call, struct verb_effect *ret)
{
	(void)d, (void)step, (void)call, (void)ret;
}

static const char *missing_refusal(struct decide *d, unsigned step)
{
	return settle_rules(d, step)->missing
			   ? "the configuration has no such target any more: add it again and reload, or skip the step"
			   : NULL;
}

/* A target may remember a key together with the body it was sent with. After attempts that certainly had no
 * effect the body is rendered again with the current templates, so it needs a new key: a new generation,
 * unless no body was ever made. After a possible effect key and body must stay the same. */
void verb_effect_restart(struct decide *d, unsigned step, const struct verb_call *call,
						 struct verb_effect *ret)
{
	(void)call;
	struct step *st = &d->saga->steps[step];
	assert(st->state == STEP_RETRY_WAIT || st->state == STEP_ATTENTION);
	ret->refusal = missing_refusal(d, step);
	if (ret->refusal != NULL)
		return;
	if (!st->effect_possible && st->has_body)
		step_new_generation(st);
	else
		step_reset_budget(st);
	step_to_ready(st, d->now_ms);
	ret->changed++;
}

void verb_effect_keep_doubt(struct decide *d, unsigned step, const struct verb_call *call,
							struct verb_effect *ret)
{
	assert(d->saga->steps[step].reason == REASON_IN_DOUBT);
	unsigned before = ret->changed;
	if (call->redo_in_doubt)
		verb_effect_redo(d, step, call, ret);
	ret->doubt += ret->changed == before ? 1 : 0;
}

/* A step in doubt can be retried only if the target can be asked, or recognises a repeat of the same key. */
void verb_effect_retry_doubt(struct decide *d, unsigned step, const struct verb_call *call,
							 struct verb_effect *ret)
{
	(void)call;
	struct step *st = &d->saga->steps[step];
	assert(st->reason == REASON_IN_DOUBT);
	const struct step_rules *rules = settle_rules(d, step);
	enum send_rule rule = step_send_rule(st, rules, d->now_ms);
	if (rules->missing || rule == SEND_NEVER || !st->effect_possible) {
		ret->refusal = "the step may have taken effect, and its target can neither recognise a repeat nor be "
					   "asked: look at the "
					   "target, then resolve the step as done or not done, or redo it";
		return;
	}
	step_reset_budget(st);
	st->lookup_first = rule == SEND_LOOKUP;
	step_to_ready(st, d->now_ms);
	ret->changed++;
}

/* The steps that were skipped because this step was not done wait for it again. */
static void revive_dependants(struct decide *d, unsigned step)
{
	uint32_t dependants = settle_dependants(d->saga->plan, step);
	for (unsigned i = 0; i < d->saga->step_count; i++) {
		struct step *st = &d->saga->steps[i];
		if ((dependants >> i & 1) != 0 && st->state == STEP_SKIPPED && st->skip == SKIP_DEPENDENCY)
			step_to_waiting(st);
	}
}

void verb_effect_redo(struct decide *d, unsigned step, const struct verb_call *call, struct verb_effect *ret)
{
	(void)call;
	struct step *st = &d->saga->steps[step];
	assert(st->state != STEP_RUNNING && st->state != STEP_KEPT);
	ret->refusal = missing_refusal(d, step);
	if (ret->refusal != NULL)
		return;
	step_new_generation(st);
	step_to_ready(st, d->now_ms);
	st->by_operator = true;
	ret->changed++;
}

/* Why a step that was skipped for this reason cannot be done after all; NULL: it can. */
static const char *const skipped_refusals[SKIP_COUNT] = {
	[SKIP_WHEN] = "the condition (when) of the step says that the step is not for this event",
	[SKIP_DEPENDENCY] =
		"a step that this step comes after was not done: redo or resolve that step, and this step follows",
	[SKIP_CANCELLED] = "its saga was cancelled or is being undone",
};

void verb_effect_redo_skipped(struct decide *d, unsigned step, const struct verb_call *call,
							  struct verb_effect *ret)
{
	assert(d->saga->steps[step].state == STEP_SKIPPED);
	ret->refusal = skipped_refusals[d->saga->steps[step].skip];
	if (ret->refusal != NULL)
		return;
	verb_effect_redo(d, step, call, ret);
	if (ret->refusal == NULL)
		revive_dependants(d, step);
}

/* The result is that of the do; what an operator says about an undo has none. */
static void keep_result(struct decide *d, unsigned step, const char *result_json)
{
	if (result_json == NULL || d->saga->steps[step].direction == DIRECTION_UNDO)
		return;
	mem_set_text(&d->saga->steps[step].result, result_json);
	struct record r = settle_record(d, RECORD_RESULT, (int)step);
	r.personal = str_of(result_json);
	records_add(d->log, &r);
}

void verb_effect_resolve_done(struct decide *d, unsigned step, const struct verb_call *call,
							  struct verb_effect *ret)
{
	struct step *st = &d->saga->steps[step];
	assert(st->state != STEP_RUNNING && st->state != STEP_SUCCEEDED);
	step_to_succeeded(st);
	st->by_operator = true;
	keep_result(d, step, call->result_json);
	ret->changed++;
}

void verb_effect_resolve_skipped(struct decide *d, unsigned step, const struct verb_call *call,
								 struct verb_effect *ret)
{
	assert(d->saga->steps[step].state == STEP_SKIPPED);
	ret->refusal = skipped_refusals[d->saga->steps[step].skip];
	if (ret->refusal != NULL)
		return;
	verb_effect_resolve_done(d, step, call, ret);
	revive_dependants(d, step);
}

/* An operator ends the step as it is: not done; or, in direction undo, not undone, so its effect is kept. */
static void leave_as_is(struct step *st, enum skip skip)
{
	if (st->direction == DIRECTION_UNDO)
		step_to_kept(st);
	else
		step_end_without_effect(st, skip);
	st->by_operator = true;
}

void verb_effect_resolve_not_done(struct decide *d, unsigned step, const struct verb_call *call,
								  struct verb_effect *ret)
{
	(void)call;
	assert(d->saga->steps[step].state == STEP_RETRY_WAIT || d->saga->steps[step].state == STEP_ATTENTION);
	leave_as_is(&d->saga->steps[step], SKIP_NOT_DONE);
	ret->changed++;
}

void verb_effect_skip(struct decide *d, unsigned step, const struct verb_call *call, struct verb_effect *ret)
{
	(void)call;
	struct step *st = &d->saga->steps[step];
	assert(st->state != STEP_RUNNING && st->reason != REASON_IN_DOUBT);
	if (st->effect_possible || st->doubt_before) {
		ret->refusal =
			"the step may have taken effect: look at its target, then resolve it as done or not done";
		return;
	}
	leave_as_is(st, SKIP_OPERATOR);
	ret->changed++;
}

void verb_effect_pause(struct decide *d, unsigned step, const struct verb_call *call, struct verb_effect *ret)
{
	(void)step, (void)call;
	assert(!saga_state_at_rest((enum saga_state)d->saga->state));
	ret->changed = d->saga->paused ? 0 : 1;
	d->saga->paused = true;
}

void verb_effect_cancel(struct decide *d, unsigned step, const struct verb_call *call,
						struct verb_effect *ret)
{
	(void)step, (void)call;
	assert(!saga_state_at_rest((enum saga_state)d->saga->state));
	if (d->saga->compensating) {
		ret->refusal = "the saga is being undone: resolve the steps that need attention, or skip them";
		return;
	}
	d->saga->cancelled = true;
	d->saga->paused = false;
	ret->changed = 1;
}

/* A cancelled saga may be undone too: it is then no longer cancelled but compensated. */
void verb_effect_compensate(struct decide *d, unsigned step, const struct verb_call *call,
							struct verb_effect *ret)
{
	(void)step, (void)call;
	assert(d->saga->own_reason == REASON_NONE && !d->saga->unrouted);
	ret->changed = d->saga->compensating ? 0 : 1;
	d->saga->compensating = true;
	d->saga->cancelled = false;
	d->saga->paused = ret->changed == 0 && d->saga->paused;
}

/* The effect of `reprocess` only counts: the journal replaces the saga by what the event maps to now. */
void verb_effect_reprocess(struct decide *d, unsigned step, const struct verb_call *call,
						   struct verb_effect *ret)
{
	(void)step, (void)call;
	assert(d->saga->own_reason != REASON_NONE);
	ret->changed = 1;
}
