#include "saga/model/verb_effects.h"

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

/* Attempts that definitely had no effect are rendered again with today's templates, and their body was bound
 * to their key: so a new generation, unless no body was ever made. After a possible effect key and body
 * stand. */
void verb_effect_restart(struct decide *d, unsigned step, const struct verb_call *call,
						 struct verb_effect *ret)
{
	(void)call;
	struct step *st = &d->saga->steps[step];
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
	unsigned before = ret->changed;
	if (call->redo_in_doubt)
		verb_effect_redo(d, step, call, ret);
	ret->doubt += ret->changed == before ? 1 : 0;
}

void verb_effect_retry_doubt(struct decide *d, unsigned step, const struct verb_call *call,
							 struct verb_effect *ret)
{
	(void)call;
	struct step *st = &d->saga->steps[step];
	const struct step_rules *rules = settle_rules(d, step);
	enum send_rule rule = step_send_rule(st, rules, d->now_ms);
	if (rules->missing || rule == SEND_NEVER || !st->effect_possible) {
		ret->refusal =
			"it may have taken effect and its target can neither tell a repeat nor be asked: look there "
			"yourself, then resolve it as done or not done, or redo it";
		return;
	}
	step_reset_budget(st);
	st->lookup_first = rule == SEND_LOOKUP;
	step_to_ready(st, d->now_ms);
	ret->changed++;
}

/* Those that were skipped because this step was not done wait for it again. */
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
	ret->refusal = missing_refusal(d, step);
	if (ret->refusal != NULL)
		return;
	step_new_generation(st);
	step_to_ready(st, d->now_ms);
	st->by_operator = true;
	ret->changed++;
}

static const char *const skipped_refusals[SKIP_COUNT] = {
	[SKIP_WHEN] = "its condition (when) says it is not for this event",
	[SKIP_DEPENDENCY] = "a step it comes after was not done: redo or resolve that one, and this one follows",
	[SKIP_CANCELLED] = "its saga was cancelled or is being undone",
};

void verb_effect_redo_skipped(struct decide *d, unsigned step, const struct verb_call *call,
							  struct verb_effect *ret)
{
	ret->refusal = skipped_refusals[d->saga->steps[step].skip];
	if (ret->refusal != NULL)
		return;
	verb_effect_redo(d, step, call, ret);
	if (ret->refusal == NULL)
		revive_dependants(d, step);
}

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
	step_to_succeeded(st);
	st->by_operator = true;
	keep_result(d, step, call->result_json);
	ret->changed++;
}

void verb_effect_resolve_skipped(struct decide *d, unsigned step, const struct verb_call *call,
								 struct verb_effect *ret)
{
	ret->refusal = skipped_refusals[d->saga->steps[step].skip];
	if (ret->refusal != NULL)
		return;
	verb_effect_resolve_done(d, step, call, ret);
	revive_dependants(d, step);
}

/* Left as it is by a person: not done, or, in direction undo, not undone. */
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
	leave_as_is(&d->saga->steps[step], SKIP_NOT_DONE);
	ret->changed++;
}

void verb_effect_skip(struct decide *d, unsigned step, const struct verb_call *call, struct verb_effect *ret)
{
	(void)call;
	struct step *st = &d->saga->steps[step];
	if (st->effect_possible || st->doubt_before) {
		ret->refusal = "it may have taken effect: look at its target, then resolve it as done or not done";
		return;
	}
	leave_as_is(st, SKIP_OPERATOR);
	ret->changed++;
}

void verb_effect_pause(struct decide *d, unsigned step, const struct verb_call *call, struct verb_effect *ret)
{
	(void)step, (void)call;
	ret->changed = d->saga->paused ? 0 : 1;
	d->saga->paused = true;
}

void verb_effect_cancel(struct decide *d, unsigned step, const struct verb_call *call,
						struct verb_effect *ret)
{
	(void)step, (void)call;
	if (d->saga->compensating) {
		ret->refusal = "it is being undone: settle the steps that need attention, or leave them (skip)";
		return;
	}
	d->saga->cancelled = true;
	d->saga->paused = false;
	ret->changed = 1;
}

/* Also what was cancelled may be undone: the saga is then no longer cancelled but compensated. */
void verb_effect_compensate(struct decide *d, unsigned step, const struct verb_call *call,
							struct verb_effect *ret)
{
	(void)step, (void)call;
	ret->changed = d->saga->compensating ? 0 : 1;
	d->saga->compensating = true;
	d->saga->cancelled = false;
	d->saga->paused = ret->changed == 0 && d->saga->paused;
}

/* The journal puts what the event maps to now in the saga's place. */
void verb_effect_reprocess(struct decide *d, unsigned step, const struct verb_call *call,
						   struct verb_effect *ret)
{
	(void)d, (void)step, (void)call;
	ret->changed = 1;
}
