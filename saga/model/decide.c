/* Acceptance of an event, intents, the end of attempts without an outcome, and recovery after a crash.
 * Outcomes are in outcome.c and verbs in verbs.c. */
#include "saga/model/decide.h"

#include <stdlib.h>
#include <string.h>

#include "saga/base/mem.h"
#include "saga/model/settle.h"
#include "saga/model/step.h"

/* ---- acceptance ---- */

/* One record says what became of the event: accepted by a route, or why the saga has no steps. */
static void log_accepted(struct decide *d, const struct saga_start *start, const uint8_t event_digest[32])
{
	const struct saga *s = d->saga;
	struct record r = settle_record(d, RECORD_ACCEPTED, RECORD_NO_STEP);
	if (start->own_reason == REASON_QUARANTINED)
		r.kind = RECORD_QUARANTINED;
	else if (start->own_reason == REASON_GIFT_MISSING)
		r.kind = RECORD_GIFT_MISSING;
	else if (start->unrouted)
		r.kind = RECORD_UNROUTED;
	r.digest = (struct str){ (const char *)event_digest, 32 };
	r.text = str_of(s->plan->route);
	r.personal = str_of(s->note);
	records_add(d->log, &r);
}

/* Steps without `after` become ready at once, or are skipped by their `when`. The record `accepted` implies
 * that they are ready, so settle_end must log only the steps for which that is not true: `before` is set
 * accordingly. */
void decide_accepted(struct decide *d, const struct saga_start *start, const uint8_t event_digest[32])
{
	struct saga *s = d->saga;
	struct settle settling;
	assert(s->plan == start->plan && s->finished_ms == 0);
	settle_begin(&settling, d);
	for (unsigned i = 0; i < s->step_count; i++) {
		struct step *st = &s->steps[i];
		const struct plan_step *p = &s->plan->steps[i];
		bool known = (start->condition_known >> i & 1) != 0;
		st->condition_passed = p->when != NULL && known && (start->condition_true >> i & 1) != 0;
		if (p->when != NULL && known && !st->condition_passed)
			step_end_without_effect(st, SKIP_WHEN);
		else if (p->after == 0)
			step_to_ready(st, d->now_ms);
		settling.before[i].state = p->after == 0 ? (uint8_t)STEP_READY : (uint8_t)STEP_WAITING;
	}
	log_accepted(d, start, event_digest);
	settle_end(&settling, -1);
}

/* ---- starting ---- */

/* The policy `hold` starts no further step. A step that had an outcome, that an operator sent again, or that
 * is an undo has begun already and is not held. */
static bool has_begun(const struct step *st)
{
	return st->last != OUTCOME_NONE || st->generation > 1 || st->direction == DIRECTION_UNDO;
}

bool decide_may_start(const struct saga *s, uint16_t step)
{
	if (step >= s->step_count || s->paused || s->cancelled)
		return false;
	const struct step *st = &s->steps[step];
	if (st->state != STEP_READY && st->state != STEP_RETRY_WAIT)
		return false;
	return s->plan->policy != POLICY_HOLD || s->state != SAGA_ATTENTION || has_begun(st);
}

bool decide_needs_condition(const struct saga *s, uint16_t step)
{
	assert(step < s->step_count);
	const struct step *st = &s->steps[step];
	return st->state == STEP_READY && st->direction == DIRECTION_DO && s->plan->steps[step].when != NULL &&
		   !st->condition_passed;
}

int decide_condition_result(struct decide *d, uint16_t step, bool verdict)
{
	if (step >= d->saga->step_count || !decide_needs_condition(d->saga, step))
		return ERR_STALE;
	struct settle settling;
	settle_begin(&settling, d);
	if (verdict)
		d->saga->steps[step].condition_passed = true;
	else
		step_end_without_effect(&d->saga->steps[step], SKIP_WHEN);
	settle_end(&settling, -1);
	return 0;
}

bool decide_wants_lookup(const struct step *st, const struct step_rules *rules, int64_t now_ms)
{
	return step_send_rule(st, rules, now_ms) == SEND_LOOKUP;
}

/* A target that an older configuration had. Its step waits for an operator, who adds the target again or
 * skips it. */
static void attention_target_missing(struct decide *d, unsigned i)
{
	struct step *st = &d->saga->steps[i];
	char *detail AUTO_FREE =
		mem_printf("the configuration has no target \"%s\" any more", d->saga->plan->steps[i].target);
	step_set_detail(st, detail);
	step_to_attention(st, st->direction == DIRECTION_UNDO ? REASON_UNDO_FAILED : REASON_TARGET_MISSING);
}

/* True if the step's `expire` has passed. A step that an operator asked for does not expire, and an undo does
 * not. */
static bool is_expired(const struct decide *d, unsigned i)
{
	const struct step *st = &d->saga->steps[i];
	int64_t expire_ms = d->saga->plan->steps[i].expire_ms;
	return expire_ms > 0 && st->direction == DIRECTION_DO && !st->by_operator &&
		   d->now_ms - d->saga->created_ms >= expire_ms;
}

/* Whether a step can be sent now, and if not, why: the reason decides where the step goes instead. */
enum intent_verdict {
	INTENT_STARTS,
	INTENT_TARGET_MISSING,
	INTENT_IN_DOUBT,
	INTENT_EXPIRED_IN_DOUBT,
	INTENT_EXPIRED,
	INTENT_COMPENSATING
};

/* The detail that an operator reads when the verdict sends the step to attention(in_doubt). */
static const char *const doubt_texts[] = {
	[INTENT_IN_DOUBT] = "the step may have taken effect, and its target cannot recognise a repeat",
	[INTENT_EXPIRED_IN_DOUBT] = "the step may have taken effect, and its expire time has passed",
	[INTENT_COMPENSATING] = "the step may have taken effect, and a look-up is no longer possible",
};

/* A look-up is allowed even if the step has expired or its saga is being undone, because it only reads. A
 * request with effects is not. */
static enum intent_verdict intent_verdict_of(const struct decide *d, unsigned i)
{
	const struct step *st = &d->saga->steps[i];
	const struct step_rules *rules = settle_rules(d, i);
	enum send_rule rule = step_send_rule(st, rules, d->now_ms);
	if (rules->missing)
		return INTENT_TARGET_MISSING;
	if (rule == SEND_LOOKUP)
		return INTENT_STARTS;
	if (rule == SEND_NEVER)
		return INTENT_IN_DOUBT;
	if (is_expired(d, i))
		return st->effect_possible ? INTENT_EXPIRED_IN_DOUBT : INTENT_EXPIRED;
	return d->saga->compensating && st->direction == DIRECTION_DO ? INTENT_COMPENSATING : INTENT_STARTS;
}

/* For every verdict but INTENT_STARTS: skips an expired step and moves the others to attention. */
static void apply_intent_verdict(struct decide *d, unsigned i, enum intent_verdict intent_verdict)
{
	struct step *st = &d->saga->steps[i];
	assert(intent_verdict != INTENT_STARTS);
	if (intent_verdict == INTENT_TARGET_MISSING) {
		attention_target_missing(d, i);
	} else if (intent_verdict == INTENT_EXPIRED) {
		step_end_without_effect(st, SKIP_EXPIRED);
	} else {
		step_set_detail(st, doubt_texts[intent_verdict]);
		step_to_attention(st, REASON_IN_DOUBT);
	}
}

bool decide_intent_would_end(const struct decide *d, uint16_t step)
{
	assert(step < d->saga->step_count);
	enum intent_verdict intent_verdict = intent_verdict_of(d, step);
	/* An unevaluated `when` comes first, except for a missing target: there the engine cannot evaluate it. */
	return intent_verdict == INTENT_TARGET_MISSING ||
		   (intent_verdict != INTENT_STARTS && !decide_needs_condition(d->saga, step));
}

static void begin_attempt(struct decide *d, unsigned i)
{
	struct step *st = &d->saga->steps[i];
	st->lookup_first = decide_wants_lookup(st, settle_rules(d, i), d->now_ms);
	step_to_running(st, d->now_ms);
	struct record r = settle_record(d, RECORD_INTENT, (int)i);
	r.text = st->lookup_first ? STR("lookup") : STR("");
	records_add(d->log, &r);
}

/* A retry that is not due and a `when` that was not evaluated are refused without a change. Everything else
 * either starts the step or moves it to where the verdict says. */
int decide_intent(struct decide *d, uint16_t step, bool *ret_started)
{
	struct saga *s = d->saga;
	if (!decide_may_start(s, step))
		return ERR_REFUSED;
	enum intent_verdict intent_verdict = intent_verdict_of(d, step);
	if (decide_needs_condition(s, step) && intent_verdict != INTENT_TARGET_MISSING)
		return ERR_REFUSED;
	if (s->steps[step].state == STEP_RETRY_WAIT && d->now_ms < s->steps[step].due_ms)
		return ERR_REFUSED;
	struct settle settling;
	settle_begin(&settling, d);
	if (intent_verdict == INTENT_STARTS)
		begin_attempt(d, step);
	else
		apply_intent_verdict(d, step, intent_verdict);
	settle_end(&settling, intent_verdict == INTENT_STARTS ? step : -1);
	*ret_started = intent_verdict == INTENT_STARTS;
	return 0;
}

/* ---- what happens to a running attempt ---- */

/* The step if exactly this attempt is running; NULL if the attempt is over or never existed. */
static struct step *running_attempt(struct decide *d, struct attempt_ref ref)
{
	if (ref.step >= d->saga->step_count)
		return NULL;
	struct step *st = &d->saga->steps[ref.step];
	bool is_same_attempt = st->state == STEP_RUNNING && st->direction == ref.direction &&
						   st->generation == ref.generation && st->attempts == ref.attempt;
	return is_same_attempt ? st : NULL;
}

int decide_not_started(struct decide *d, struct attempt_ref ref)
{
	struct step *st = running_attempt(d, ref);
	if (st == NULL)
		return ERR_STALE;
	struct settle settling;
	settle_begin(&settling, d);
	struct record r = settle_record(d, RECORD_NOT_STARTED, ref.step);
	records_add(d->log, &r);
	step_to_ready(st, st->due_ms); /* the attempt's number is used up, but its retry budget is not */
	settle_end(&settling, ref.step);
	return 0;
}

/* The step does not change its state, so nothing has to be settled. */
int decide_checkpoint(struct decide *d, struct attempt_ref ref, struct str bytes)
{
	assert(bytes.p != NULL || bytes.len == 0);
	struct step *st = running_attempt(d, ref);
	if (st == NULL)
		return ERR_STALE;
	char *copy = mem_strndup(bytes.p, bytes.len);
	free(st->checkpoint);
	st->checkpoint = copy;
	st->checkpoint_len = (uint32_t)bytes.len;
	struct record r = settle_record(d, RECORD_CHECKPOINT, ref.step);
	r.personal = bytes;
	records_add(d->log, &r);
	return 0;
}

/* ---- after a crash ---- */

/* Writes an outcome record for an attempt whose real outcome was not reported. `body` may be NULL: not
 * known. */
static void log_unknown_outcome(struct decide *d, unsigned step, enum outcome_class outcome,
								const char *detail, const uint8_t *body)
{
	struct step *st = &d->saga->steps[step];
	step_set_detail(st, detail);
	st->last = (uint8_t)outcome;
	st->last_ms = d->now_ms;
	struct record r = settle_record(d, RECORD_OUTCOME, (int)step);
	r.outcome = (uint8_t)outcome;
	r.digest = (struct str){ (const char *)body, body != NULL ? sizeof st->body : 0 };
	r.personal = str_of(st->detail);
	records_add(d->log, &r);
}

/* Up to one second from now, at random: after a restart the interrupted steps do not all start at once. */
static int64_t recovery_due_ms(const struct decide *d, const struct step_rules *rules)
{
	int64_t spread = rules->retry.first_ms < 1000 ? rules->retry.first_ms : 1000;
	return d->now_ms + (int64_t)d->rnd.below(d->rnd.ctx, spread > 0 ? (uint64_t)spread : 1);
}

/* The interrupted attempt may have taken effect, unless it was a look-up. It uses no attempt of the retry
 * policy, because the target did not cause the interruption. */
int decide_recover(struct decide *d, uint16_t step, const uint8_t body[16])
{
	if (step >= d->saga->step_count || d->saga->steps[step].state != STEP_RUNNING)
		return ERR_STALE;
	struct step *st = &d->saga->steps[step];
	const struct step_rules *rules = settle_rules(d, step);
	struct settle settling;
	settle_begin(&settling, d);
	/* for a look-up the call changes nothing: the step is in doubt already */
	step_mark_doubt(st, st->begun_ms);
	if (body != NULL)
		step_set_body(st, body);
	log_unknown_outcome(d, step, OUTCOME_UNKNOWN, "the gateway stopped during this attempt", body);
	enum send_rule rule = step_send_rule(st, rules, d->now_ms);
	if (rules->missing) {
		attention_target_missing(d, step);
	} else if (rule == SEND_NEVER) {
		step_to_attention(st, REASON_IN_DOUBT);
	} else {
		st->lookup_first = rule == SEND_LOOKUP;
		step_to_retry(st, recovery_due_ms(d, rules));
	}
	settle_end(&settling, -1);
	return 0;
}

/* A crash of the connector says nothing about the effect, so the send rule decides between in_doubt and
 * fault. A step that decide_recover already moved to in_doubt stays there with the new detail. */
int decide_blame(struct decide *d, uint16_t step, const char *detail)
{
	assert(detail != NULL);
	if (step >= d->saga->step_count)
		return ERR_STALE;
	struct step *st = &d->saga->steps[step];
	bool in_doubt = st->state == STEP_ATTENTION && st->reason == REASON_IN_DOUBT;
	if ((!step_is_open(st) && !in_doubt) || st->state == STEP_WAITING)
		return ERR_STALE;
	struct settle settling;
	settle_begin(&settling, d);
	if (st->state == STEP_RUNNING)
		step_mark_doubt(st, st->begun_ms);
	log_unknown_outcome(d, step, OUTCOME_FAULT, detail, NULL);
	if (in_doubt || step_send_rule(st, settle_rules(d, step), d->now_ms) == SEND_NEVER)
		step_to_attention(st, REASON_IN_DOUBT);
	else
		step_to_attention(st, st->direction == DIRECTION_UNDO ? REASON_UNDO_FAILED : REASON_FAULT);
	settle_end(&settling, -1);
	return 0;
}
