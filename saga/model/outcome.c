#include <assert.h>
#include <jansson.h>
#include <string.h>

#include "saga/base/mem.h"
#include "saga/model/settle.h"
#include "saga/model/step.h"

/* What an outcome class means (DESIGN §7). What a possible effect then means, by repeat class, is
 * step_send_rule's table. */
enum move {
	MOVE_DONE,
	MOVE_AGAIN, /* wait and try again: send or look, as step_send_rule says */
	MOVE_LOOK,  /* look, where the target can; else trouble */
	MOVE_ABSENT,
	MOVE_TROUBLE
};

enum doubt { DOUBT_AS_BEFORE, DOUBT_IF_SENT, DOUBT_ARISES };

struct rule {
	uint8_t move;
	uint8_t doubt;
	uint8_t reason;
	bool spends;   /* counts against `attempts` of the retry policy */
	bool timeless; /* counts not even by its time: nothing is burnt while credentials are wrong */
};

static const struct rule rules_of[OUTCOME_COUNT] = {
	[OUTCOME_OK] = { MOVE_DONE, DOUBT_AS_BEFORE, REASON_NONE, true, false },
	[OUTCOME_UNREACHABLE] = { MOVE_AGAIN, DOUBT_AS_BEFORE, REASON_NONE, true, false },
	[OUTCOME_BUSY] = { MOVE_AGAIN, DOUBT_AS_BEFORE, REASON_NONE, false, false },
	[OUTCOME_UNKNOWN] = { MOVE_AGAIN, DOUBT_IF_SENT, REASON_NONE, true, false },
	/* Somebody has it; whether that was us is doubt until it is looked up, and a new key would double it. */
	[OUTCOME_EXISTS] = { MOVE_LOOK, DOUBT_ARISES, REASON_REJECTED, true, false },
	[OUTCOME_REJECTED] = { MOVE_TROUBLE, DOUBT_AS_BEFORE, REASON_REJECTED, true, false },
	[OUTCOME_DENIED] = { MOVE_AGAIN, DOUBT_AS_BEFORE, REASON_NONE, false, true },
	[OUTCOME_FAULT] = { MOVE_TROUBLE, DOUBT_IF_SENT, REASON_FAULT, true, false },
	[OUTCOME_ABSENT] = { MOVE_ABSENT, DOUBT_AS_BEFORE, REASON_FAULT, false, false },
	[OUTCOME_BODY_CHANGED] = { MOVE_TROUBLE, DOUBT_AS_BEFORE, REASON_BODY_CHANGED, false, false },
};

struct attempt {
	struct decide *d;
	unsigned index;
	struct step *st;
	const struct step_rules *rules; /* of the target */
	const struct outcome *o;
	const struct rule *rule; /* of the class */
	bool lookup;
	bool after_exists; /* the attempt before it ended so */
};

static int64_t add_time(int64_t a, int64_t b)
{
	int64_t sum;
	return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

static int64_t duration(const struct outcome *o)
{
	return o->duration_ms > 0 ? o->duration_ms : 0;
}

/* Doubt that stands beats any other reason where a person's `resume` would send blindly:
 *  - the target cannot tell a repeat (also when the attempts are exhausted: "exhausted" invites a resume);
 *  - a fault, or a look-up that ended in trouble, leaves the question open;
 *  - the saga is being undone: then what counts is whether there is something to undo.
 * An exhausted step whose target can tell a repeat, or be asked, stays "exhausted": resuming it is safe. */
static bool doubt_beats(const struct attempt *a, enum reason reason)
{
	if (!a->st->effect_possible)
		return false;
	if (a->d->saga->compensating && a->st->direction == DIRECTION_DO)
		return true;
	if (reason == REASON_FAULT || (a->lookup && reason != REASON_EXHAUSTED))
		return true;
	return step_send_rule(a->st, a->rules, a->d->now_ms) == SEND_NEVER;
}

static void trouble(struct attempt *a, enum reason reason)
{
	if (doubt_beats(a, reason))
		reason = REASON_IN_DOUBT;
	else if (a->st->direction == DIRECTION_UNDO)
		reason = REASON_UNDO_FAILED;
	step_to_attention(a->st, reason);
}

static void again(struct attempt *a)
{
	struct step *st = a->st;
	const struct retry_policy *policy = &a->rules->retry;
	enum send_rule rule = step_send_rule(st, a->rules, a->d->now_ms);
	if (rule == SEND_NEVER) {
		trouble(a, REASON_IN_DOUBT);
		return;
	}
	st->look_first = rule == SEND_LOOK;
	if (!a->rule->timeless && retry_exhausted(policy, st->spent, st->waited_ms)) {
		trouble(a, REASON_EXHAUSTED);
		return;
	}
	if (!a->rule->timeless && st->waits < UINT32_MAX)
		st->waits++;
	int64_t delay =
		retry_delay_ms(policy, a->rule->timeless ? 1 : st->waits, a->o->retry_after_ms, a->d->rnd);
	if (!a->rule->timeless)
		st->waited_ms = add_time(st->waited_ms, delay);
	step_to_retry(st, add_time(a->d->now_ms, delay));
}

static void look(struct attempt *a)
{
	if (!a->lookup && step_can_look(a->st, a->rules)) {
		a->st->look_first = true;
		again(a);
		return;
	}
	if (!a->lookup) {
		char *detail AUTO_FREE = mem_printf("the target says it has this already%s%s",
											a->st->detail != NULL ? ": " : "; it cannot be looked up",
											a->st->detail != NULL ? a->st->detail : "");
		step_set_detail(a->st, detail);
	}
	trouble(a, (enum reason)a->rule->reason);
}

/* It did not happen: the same generation may be sent. Doubt about an earlier generation is not answered by
 * it. Where the target has just said that it has it, the two contradict each other: sending again would only
 * be told so again. */
static void absent(struct attempt *a)
{
	if (a->lookup && a->after_exists)
		step_set_detail(a->st, "the target says it has this already, and the look-up does not find it");
	if (!a->lookup || a->after_exists) {
		trouble(a, (enum reason)a->rule->reason);
		return;
	}
	bool doubt_before = a->st->doubt_before;
	step_clear_doubt(a->st);
	a->st->doubt_before = doubt_before;
	step_to_ready(a->st, a->d->now_ms);
}

static bool is_object(const char *text)
{
	json_t *value = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	bool object = json_is_object(value);
	json_decref(value);
	return object;
}

/* What was done stays done whatever the connector says about it; a result nobody could read is dropped. */
static void keep_result(struct attempt *a)
{
	if (a->o->result_json == NULL || a->st->direction == DIRECTION_UNDO)
		return;
	if (!is_object(a->o->result_json)) {
		step_set_detail(a->st, "done; the connector's result was not a JSON object and was dropped");
		return;
	}
	saga_set_text(&a->st->result, a->o->result_json);
	struct record r = settle_record(a->d, RECORD_RESULT, (int)a->index);
	r.personal = str_of(a->o->result_json);
	records_add(a->d->log, &r);
}

static void done(struct attempt *a)
{
	keep_result(a);
	step_to_succeeded(a->st);
}

static void failed(struct attempt *a)
{
	trouble(a, (enum reason)a->rule->reason);
}

static void (*const moves[])(struct attempt *a) = {
	[MOVE_DONE] = done,     [MOVE_AGAIN] = again,    [MOVE_LOOK] = look,
	[MOVE_ABSENT] = absent, [MOVE_TROUBLE] = failed,
};

static void log_outcome(const struct attempt *a)
{
	const struct outcome *o = a->o;
	struct record r = settle_record(a->d, RECORD_OUTCOME, (int)a->index);
	r.outcome = (uint8_t)o->result;
	r.status = o->status;
	r.duration_ms = duration(o);
	r.digest = (struct str){ (const char *)o->body, o->has_body ? sizeof o->body : 0 };
	r.personal = str_of(a->st->detail);
	records_add(a->d->log, &r);
}

/* The clock of keyed(ttl) runs from the attempt's begin, not from its end. */
static void note_doubt(const struct attempt *a)
{
	bool arises = a->rule->doubt == DOUBT_ARISES && !a->lookup;
	if (arises || (a->rule->doubt == DOUBT_IF_SENT && a->o->effect_sent))
		step_mark_doubt(a->st, a->d->now_ms - duration(a->o));
}

static void note_outcome(const struct attempt *a)
{
	struct step *st = a->st;
	const struct outcome *o = a->o;
	st->last = (uint8_t)o->result;
	st->last_ms = a->d->now_ms;
	if (a->rule->spends && st->spent < st->attempts)
		st->spent++;
	if (!a->rule->timeless)
		st->waited_ms = add_time(st->waited_ms, duration(o));
	/* The digest names its exchange too: of a step with several effects the last one counts from now on. */
	if (o->has_body && !a->lookup && o->result != OUTCOME_BODY_CHANGED)
		step_set_body(st, o->body);
	step_set_detail(st, o->detail);
	note_doubt(a);
}

/* Running, and this attempt; or ready, its `when` a fault. */
static bool speaks_of(const struct decide *d, struct attempt_ref ref, const struct outcome *o)
{
	if (ref.step >= d->saga->step_count)
		return false;
	const struct step *st = &d->saga->steps[ref.step];
	bool when_fault = o->result == OUTCOME_FAULT && !o->effect_sent && decide_needs_when(d->saga, ref.step);
	return (st->state == STEP_RUNNING || when_fault) && st->direction == ref.direction &&
		   st->generation == ref.generation && st->attempts == ref.attempt;
}

int decide_outcome(struct decide *d, struct attempt_ref ref, const struct outcome *o)
{
	assert(o->result > OUTCOME_NONE && o->result < OUTCOME_COUNT);
	if (!speaks_of(d, ref, o))
		return ERR_STALE;
	struct step *st = &d->saga->steps[ref.step];
	struct attempt a = { .d = d,
						 .index = ref.step,
						 .st = st,
						 .rules = settle_rules(d, ref.step),
						 .o = o,
						 .rule = &rules_of[o->result],
						 .lookup = st->look_first,
						 .after_exists = st->last == OUTCOME_EXISTS };
	struct settle turn;
	settle_begin(&turn, d);
	note_outcome(&a);
	log_outcome(&a);
	moves[a.rule->move](&a);
	settle_end(&turn, o->result == OUTCOME_OK ? (int)ref.step : -1);
	return 0;
}
