/* The end of an attempt: what each outcome class does to its step, as a table. */
#include <assert.h>
#include <jansson.h>
#include <string.h>

#include "saga/base/mem.h"
#include "saga/model/settle.h"
#include "saga/model/step.h"

/* What happens to the step: saga/DESIGN.md "Outcome classes". Whether a retry sends or looks up follows from
 * the repeat class: step_send_rule() in step.c. */
enum outcome_action {
	ACTION_DONE,
	ACTION_RETRY,   /* wait, then send or look up */
	ACTION_LOOKUP,  /* look up if the target can be asked; else as ACTION_FAIL */
	ACTION_ABSENT,  /* the look-up found no effect: send */
	ACTION_PARTIAL, /* the look-up found a part of the effect: the do goes on */
	ACTION_FAIL     /* to attention */
};

/* Whether the step may have taken effect after this outcome: as before, if a request was sent, or in any
 * case. */
enum outcome_doubt { DOUBT_UNCHANGED, DOUBT_IF_SENT, DOUBT_ARISES };

struct outcome_rule {
	uint8_t action;    /* enum outcome_action */
	uint8_t doubt;     /* enum outcome_doubt */
	uint8_t reason;    /* enum reason if the action leads to attention */
	bool uses_attempt; /* the outcome counts against `attempts` of the retry policy */
	/* the time does not count against give_up_after: wrong credentials must not exhaust a step */
	bool uses_no_time;
};

static const struct outcome_rule outcome_rules[OUTCOME_COUNT] = {
	[OUTCOME_OK] = { ACTION_DONE, DOUBT_UNCHANGED, REASON_NONE, true, false },
	[OUTCOME_UNREACHABLE] = { ACTION_RETRY, DOUBT_UNCHANGED, REASON_NONE, true, false },
	[OUTCOME_BUSY] = { ACTION_RETRY, DOUBT_UNCHANGED, REASON_NONE, false, false },
	[OUTCOME_UNKNOWN] = { ACTION_RETRY, DOUBT_IF_SENT, REASON_NONE, true, false },
	/* The target has such an object. It may be from this step, so there is doubt until a look-up; a new key
	 * could make a second one. */
	[OUTCOME_EXISTS] = { ACTION_LOOKUP, DOUBT_ARISES, REASON_REJECTED, true, false },
	[OUTCOME_REJECTED] = { ACTION_FAIL, DOUBT_UNCHANGED, REASON_REJECTED, true, false },
	[OUTCOME_DENIED] = { ACTION_RETRY, DOUBT_UNCHANGED, REASON_NONE, false, true },
	[OUTCOME_FAULT] = { ACTION_FAIL, DOUBT_IF_SENT, REASON_FAULT, true, false },
	[OUTCOME_ABSENT] = { ACTION_ABSENT, DOUBT_UNCHANGED, REASON_FAULT, false, false },
	[OUTCOME_PARTIAL] = { ACTION_PARTIAL, DOUBT_UNCHANGED, REASON_FAULT, false, false },
	[OUTCOME_BODY_CHANGED] = { ACTION_FAIL, DOUBT_UNCHANGED, REASON_BODY_CHANGED, false, false },
};

/* The attempt that has ended, with everything that the functions below need. */
struct outcome_attempt {
	struct decide *d;
	unsigned index;
	struct step *st;
	const struct step_rules *rules; /* of the target */
	const struct outcome *o;
	const struct outcome_rule *rule; /* of the class */
	bool lookup;                     /* this attempt was a look-up */
	bool previous_exists;            /* the attempt before this one ended with `exists` */
};

static int64_t add_saturating(int64_t a, int64_t b)
{
	int64_t sum;
	return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

static int64_t duration_ms_of(const struct outcome *o)
{
	return o->duration_ms > 0 ? o->duration_ms : 0;
}

/* True if the reason shown must be in_doubt because resuming the step could take effect a second time: the
 * target does not recognise a repeat; a fault or a failed look-up left the question open; or the saga is
 * being undone, so it matters whether there is something to undo. An exhausted step whose target recognises
 * repeats or can be asked stays exhausted, because resuming it is safe. */
static bool doubt_overrides(const struct outcome_attempt *a, enum reason reason)
{
	if (!a->st->effect_possible)
		return false;
	if (a->d->saga->compensating && a->st->direction == DIRECTION_DO)
		return true;
	if (reason == REASON_FAULT || (a->lookup && reason != REASON_EXHAUSTED))
		return true;
	return step_send_rule(a->st, a->rules, a->d->now_ms) == SEND_NEVER;
}

/* Moves the step to attention with this reason, or with in_doubt or undo_failed if one of them says more. */
static void fail_to_attention(struct outcome_attempt *a, enum reason reason)
{
	if (doubt_overrides(a, reason))
		reason = REASON_IN_DOUBT;
	else if (a->st->direction == DIRECTION_UNDO)
		reason = REASON_UNDO_FAILED;
	step_to_attention(a->st, reason);
}

/* Waits before the next attempt, unless the retry policy is exhausted or sending again is not allowed. A
 * `denied` outcome waits the first delay only and changes no counter. */
static void plan_retry(struct outcome_attempt *a)
{
	struct step *st = a->st;
	const struct retry_policy *policy = &a->rules->retry;
	enum send_rule rule = step_send_rule(st, a->rules, a->d->now_ms);
	if (rule == SEND_NEVER) {
		fail_to_attention(a, REASON_IN_DOUBT);
		return;
	}
	st->lookup_first = rule == SEND_LOOKUP;
	if (!a->rule->uses_no_time && retry_exhausted(policy, st->spent, st->waited_ms)) {
		fail_to_attention(a, REASON_EXHAUSTED);
		return;
	}
	if (!a->rule->uses_no_time && st->waits < UINT32_MAX)
		st->waits++;
	int64_t delay =
		retry_delay_ms(policy, a->rule->uses_no_time ? 1 : st->waits, a->o->retry_after_ms, a->d->rnd);
	if (!a->rule->uses_no_time)
		st->waited_ms = add_saturating(st->waited_ms, delay);
	step_to_retry(st, add_saturating(a->d->now_ms, delay));
}

/* The target said `exists`. If it can be asked, the next attempt is a look-up. A look-up that itself ends so
 * is a failure. */
static void handle_lookup(struct outcome_attempt *a)
{
	if (!a->lookup && step_can_lookup(a->st, a->rules)) {
		a->st->lookup_first = true;
		plan_retry(a);
		return;
	}
	if (!a->lookup) {
		char *detail AUTO_FREE =
			mem_printf("the target reports that this step is already done there%s%s",
					   a->st->detail != NULL ? ": " : "; almoner cannot look this up there",
					   a->st->detail != NULL ? a->st->detail : "");
		step_set_detail(a->st, detail);
	}
	fail_to_attention(a, (enum reason)a->rule->reason);
}

/* A look-up found no effect, so this generation may be sent; doubt about an earlier generation stays. If the
 * attempt before the look-up ended with `exists`, the two answers contradict each other, and sending again
 * would only give `exists` again: an operator must look. */
static void handle_absent(struct outcome_attempt *a)
{
	if (a->lookup && a->previous_exists)
		step_set_detail(a->st, "the target reports that this step is already done there, but a look-up "
							   "does not find it");
	if (!a->lookup || a->previous_exists) {
		fail_to_attention(a, (enum reason)a->rule->reason);
		return;
	}
	bool doubt_before = a->st->doubt_before;
	step_clear_doubt(a->st);
	a->st->doubt_before = doubt_before;
	step_to_ready(a->st, a->d->now_ms);
}

/* A part of the effect is there. The same generation goes on from its checkpoint, with its keys. The doubt
 * stays: the step has an effect at the target, so it can neither be skipped nor cancelled as if it had none.
 * In a saga that is being undone the part is undone, if the target can undo; otherwise an operator must look.
 * */
static void handle_partial(struct outcome_attempt *a)
{
	bool undoing = a->d->saga->compensating;
	bool can_undo = a->rules->can_undo && !a->d->saga->plan->steps[a->index].undo_none;
	if (!a->lookup)
		a->st->last = OUTCOME_FAULT; /* only a look-up can find a part; `last` must not let a repeat go out */
	if (!a->lookup || (undoing && !can_undo)) {
		fail_to_attention(a, (enum reason)a->rule->reason);
		return;
	}
	a->st->lookup_first = false;
	step_to_ready(a->st, a->d->now_ms);
	if (undoing)
		step_begin_undo(a->st);
}

static bool is_object(const char *text)
{
	json_t *value = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	bool object = json_is_object(value);
	json_decref(value);
	return object;
}

/* A success counts even if the connector's result is unusable: a result that is not a JSON object is dropped
 * with a detail that says so. */
static void keep_result(struct outcome_attempt *a)
{
	if (a->o->result_json == NULL || a->st->direction == DIRECTION_UNDO)
		return;
	if (!is_object(a->o->result_json)) {
		step_set_detail(a->st, "done; the connector's result was not a JSON object and was dropped");
		return;
	}
	mem_set_text(&a->st->result, a->o->result_json);
	struct record r = settle_record(a->d, RECORD_RESULT, (int)a->index);
	r.personal = str_of(a->o->result_json);
	records_add(a->d->log, &r);
}

static void handle_done(struct outcome_attempt *a)
{
	keep_result(a);
	step_to_succeeded(a->st);
}

static void handle_failed(struct outcome_attempt *a)
{
	fail_to_attention(a, (enum reason)a->rule->reason);
}

static void (*const outcome_actions[])(struct outcome_attempt *a) = {
	[ACTION_DONE] = handle_done,     [ACTION_RETRY] = plan_retry,       [ACTION_LOOKUP] = handle_lookup,
	[ACTION_ABSENT] = handle_absent, [ACTION_PARTIAL] = handle_partial, [ACTION_FAIL] = handle_failed,
};

static void log_outcome(const struct outcome_attempt *a)
{
	const struct outcome *o = a->o;
	struct record r = settle_record(a->d, RECORD_OUTCOME, (int)a->index);
	r.outcome = (uint8_t)o->result;
	r.status = o->status;
	r.duration_ms = duration_ms_of(o);
	r.digest = (struct str){ (const char *)o->body, o->has_body ? sizeof o->body : 0 };
	r.text = str_of(o->code);
	r.personal = str_of(a->st->detail);
	records_add(a->d->log, &r);
}

/* The effect is possible from the begin of the attempt, not from its end: from then on keyed(ttl) counts. */
static void record_doubt(const struct outcome_attempt *a)
{
	bool doubt_arises = a->rule->doubt == DOUBT_ARISES && !a->lookup;
	if (doubt_arises || (a->rule->doubt == DOUBT_IF_SENT && a->o->effect_sent))
		step_mark_doubt(a->st, a->d->now_ms - duration_ms_of(a->o));
}

/* What every outcome changes before its own action: counters, times, digest of the body, detail and doubt. */
static void apply_outcome(const struct outcome_attempt *a)
{
	struct step *st = a->st;
	const struct outcome *o = a->o;
	st->last = (uint8_t)o->result;
	st->last_ms = a->d->now_ms;
	if (a->rule->uses_attempt && st->spent < st->attempts)
		st->spent++;
	if (!a->rule->uses_no_time)
		st->waited_ms = add_saturating(st->waited_ms, duration_ms_of(o));
	/* The digest covers the exchange too. If a step has several requests with effects, the last one is
	 * kept. */
	if (o->has_body && !a->lookup && o->result != OUTCOME_BODY_CHANGED)
		step_set_body(st, o->body);
	step_set_detail(st, o->detail);
	record_doubt(a);
}

/* True if the outcome is of the attempt that runs, or is the fault of a ready step whose `when` failed. */
static bool matches_attempt(const struct decide *d, struct attempt_ref ref, const struct outcome *o)
{
	if (ref.step >= d->saga->step_count)
		return false;
	const struct step *st = &d->saga->steps[ref.step];
	bool condition_fault =
		o->result == OUTCOME_FAULT && !o->effect_sent && decide_needs_condition(d->saga, ref.step);
	return (st->state == STEP_RUNNING || condition_fault) && st->direction == ref.direction &&
		   st->generation == ref.generation && st->attempts == ref.attempt;
}

/* An outcome `ok` implies the record of the step, so settle_end does not log it again. */
int decide_outcome(struct decide *d, struct attempt_ref ref, const struct outcome *o)
{
	assert(o->result > OUTCOME_NONE && o->result < OUTCOME_COUNT);
	if (!matches_attempt(d, ref, o))
		return ERR_STALE;
	struct step *st = &d->saga->steps[ref.step];
	struct outcome_attempt a = { .d = d,
								 .index = ref.step,
								 .st = st,
								 .rules = settle_rules(d, ref.step),
								 .o = o,
								 .rule = &outcome_rules[o->result],
								 .lookup = st->lookup_first,
								 .previous_exists = st->last == OUTCOME_EXISTS };
	struct settle settling;
	settle_begin(&settling, d);
	apply_outcome(&a);
	log_outcome(&a);
	outcome_actions[a.rule->action](&a);
	settle_end(&settling, o->result == OUTCOME_OK ? (int)ref.step : -1);
	return 0;
}
