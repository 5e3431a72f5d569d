/* The state of a saga, derived from its flags and steps, and the rules that every saga obeys. */
#include <assert.h>
#include <stddef.h>

#include "saga/model/saga.h"
#include "saga/model/step.h"

/* ---- the saga's state ---- */

/* What the flags and steps of a saga say, as bits. */
enum saga_fact {
	FACT_CANCELLED = 1 << 0,
	FACT_UNROUTED = 1 << 1,
	FACT_OWN_REASON = 1 << 2,
	FACT_COMPENSATING = 1 << 3,
	FACT_OPEN = 1 << 4,           /* some step has not ended and needs no operator */
	FACT_NEEDS_OPERATOR = 1 << 5, /* some step is in attention, and the saga shows it */
	FACT_PAUSED = 1 << 6,
	FACT_PARTIAL = 1 << 7 /* some step was skipped for another reason than its `when` */
};

/* The state is that of the first row whose required facts are all present and whose excluded facts are all
 * absent. */
static const struct {
	unsigned required;
	unsigned excluded;
	enum saga_state state;
} precedence[] = {
	{ FACT_CANCELLED, 0, SAGA_CANCELLED },
	{ FACT_UNROUTED, 0, SAGA_UNROUTED },
	{ FACT_OWN_REASON, 0, SAGA_ATTENTION },
	{ FACT_COMPENSATING, FACT_OPEN | FACT_NEEDS_OPERATOR, SAGA_COMPENSATED },
	{ FACT_NEEDS_OPERATOR, 0, SAGA_ATTENTION },
	{ FACT_COMPENSATING, 0, SAGA_COMPENSATING },
	{ FACT_PAUSED | FACT_OPEN, 0, SAGA_PAUSED }, /* a paused saga without open steps is complete */
	{ FACT_OPEN, 0, SAGA_RUNNING },
	{ FACT_PARTIAL, 0, SAGA_COMPLETED_PARTIAL },
	{ 0, 0, SAGA_COMPLETED },
};

/* In a saga that is being undone, the failure that started the undo does not count: the undo is the answer to
 * it. */
static bool attention_counts(const struct saga *s, const struct step *st)
{
	return st->state == STEP_ATTENTION &&
		   (!s->compensating || st->reason == REASON_IN_DOUBT || st->reason == REASON_UNDO_FAILED);
}

static unsigned step_facts(const struct saga *s, const struct step *st)
{
	static const uint8_t by_state[STEP_STATE_COUNT] = {
		[STEP_WAITING] = FACT_OPEN,
		[STEP_READY] = FACT_OPEN,
		[STEP_RUNNING] = FACT_OPEN,
		[STEP_RETRY_WAIT] = FACT_OPEN,
	};
	if (st->state == STEP_SKIPPED && st->skip != SKIP_WHEN)
		return FACT_PARTIAL;
	if (attention_counts(s, st))
		return FACT_NEEDS_OPERATOR;
	return by_state[st->state];
}

/* Gives the facts of a saga as bits, and the reason that the saga shows in attention: its own, or that of
 * the first such step. */
static unsigned saga_facts(const struct saga *s, enum reason *ret_reason)
{
	unsigned facts = (s->cancelled ? (unsigned)FACT_CANCELLED : 0u) | (s->unrouted ? FACT_UNROUTED : 0u) |
					 (s->own_reason != REASON_NONE ? FACT_OWN_REASON : 0u) | (s->paused ? FACT_PAUSED : 0u) |
					 (s->compensating ? FACT_COMPENSATING : 0u);
	enum reason reason = (enum reason)s->own_reason;
	for (unsigned i = 0; i < s->step_count; i++) {
		facts |= step_facts(s, &s->steps[i]);
		if (reason == REASON_NONE && attention_counts(s, &s->steps[i]))
			reason = (enum reason)s->steps[i].reason;
	}
	*ret_reason = reason;
	return facts;
}

/* The last row of the table requires nothing, so a row is always found. */
enum saga_state saga_derive_state(const struct saga *s, enum reason *ret_reason)
{
	enum reason reason;
	unsigned facts = saga_facts(s, &reason);
	size_t row = 0;
	while ((facts & precedence[row].required) != precedence[row].required ||
		   (facts & precedence[row].excluded) != 0)
		row++;
	if (ret_reason != NULL)
		*ret_reason = precedence[row].state == SAGA_ATTENTION ? reason : REASON_NONE;
	return precedence[row].state;
}

bool saga_state_at_rest(enum saga_state s)
{
	assert((unsigned)s < SAGA_STATE_COUNT);
	return s >= SAGA_COMPLETED && s < SAGA_STATE_COUNT;
}

bool saga_step_needs_operator(const struct saga *s, const struct step *st)
{
	assert(st >= s->steps && st < s->steps + s->step_count);
	return s->state == SAGA_ATTENTION && attention_counts(s, st);
}

bool saga_step_is_open(const struct saga *s, const struct step *st)
{
	return step_is_open(st) || saga_step_needs_operator(s, st);
}

/* ---- rules ---- */

#define WHY_BIT(why) (1u << (why))

/* Which `why` each state allows. A step that has not ended has exactly one cause to go on. */
static const uint8_t allowed_why[STEP_STATE_COUNT] = {
	[STEP_WAITING] = WHY_BIT(WHY_AFTER),  [STEP_READY] = WHY_BIT(WHY_SLOT) | WHY_BIT(WHY_LANE),
	[STEP_RUNNING] = WHY_BIT(WHY_CALL),   [STEP_RETRY_WAIT] = WHY_BIT(WHY_DUE) | WHY_BIT(WHY_LANE),
	[STEP_SUCCEEDED] = WHY_BIT(WHY_NONE), [STEP_ATTENTION] = WHY_BIT(WHY_ATTENTION),
	[STEP_SKIPPED] = WHY_BIT(WHY_NONE),   [STEP_KEPT] = WHY_BIT(WHY_NONE),
};

/* Enums and counters. The tables of this file are indexed with these values, so this check comes first. */
static const char *check_bounds(const struct step *st)
{
	if (st->state >= STEP_STATE_COUNT || st->why >= WHY_COUNT || st->direction > DIRECTION_UNDO ||
		st->reason > REASON_UNDO_FAILED || st->skip >= SKIP_COUNT || st->last >= OUTCOME_COUNT ||
		st->location > LOCATION_DISK)
		return "a step holds a value outside its table";
	if (st->generation == 0)
		return "a step has no generation";
	if (st->spent > st->attempts)
		return "a step has spent more attempts than it began";
	return NULL;
}

/* The members that belong to a state are set in this state and in no other. */
static const char *check_companions(const struct step *st)
{
	if ((allowed_why[st->state] & WHY_BIT(st->why)) == 0)
		return "what a step waits for (why) does not fit its state";
	if ((st->state == STEP_ATTENTION) != (st->reason != REASON_NONE))
		return "a step has a reason but is not in attention, or the reverse";
	if ((st->state == STEP_SKIPPED) != (st->skip != SKIP_NONE))
		return "a step has a cause for a skip but is not skipped, or the reverse";
	if (st->reason == REASON_UNDO_FAILED && st->direction != DIRECTION_UNDO)
		return "a step in direction do has the reason undo_failed";
	if (st->state == STEP_RUNNING && st->attempts == 0)
		return "a step is running but has no attempt";
	if (st->state == STEP_SUCCEEDED && st->direction == DIRECTION_DO && !st->took_effect)
		return "a step succeeded without having taken effect";
	if (st->state == STEP_SKIPPED && (st->took_effect || st->direction == DIRECTION_UNDO))
		return "a step that took effect counts as skipped";
	return NULL;
}

/* Doubt exists exactly while it is not known whether an attempt took effect; a step that ended has none. */
static const char *check_doubt(const struct step *st)
{
	if (st->effect_possible != (st->effect_possible_ms != 0))
		return "a step has a possible effect but not its time, or the reverse";
	if (st->reason == REASON_IN_DOUBT && !st->effect_possible && !st->doubt_before)
		return "a step is in doubt about nothing";
	if (st->lookup_first && (!st->effect_possible || st->direction == DIRECTION_UNDO))
		return "a step begins with a look-up that has nothing to find out";
	if (st->effect_possible &&
		(st->state == STEP_SUCCEEDED || st->state == STEP_SKIPPED || st->state == STEP_KEPT))
		return "a step has ended, but it is still in doubt";
	return NULL;
}

const char *saga_check_step(const struct step *st)
{
	const char *broken = check_bounds(st);
	if (broken == NULL)
		broken = check_companions(st);
	if (broken == NULL)
		broken = check_doubt(st);
	return broken;
}

static bool open_state(const struct step *st)
{
	return st->state < STEP_STATE_COUNT && (step_facts(&(const struct saga){ 0 }, st) & FACT_OPEN) != 0;
}

/* A waiting step must wait for a step that can still go on or is in attention. Otherwise the saga would be
 * "running" for ever, with nothing scheduled. */
static const char *check_waiting(const struct saga *s, unsigned i)
{
	for (unsigned j = 0; j < s->step_count; j++) {
		const struct step *other = &s->steps[j];
		bool ordered =
			s->steps[i].direction == DIRECTION_DO ? (s->plan->steps[i].after >> j & 1) != 0 : j != i;
		if (ordered && (open_state(other) || other->state == STEP_ATTENTION))
			return NULL;
	}
	return "a step waits for steps that are all at their end";
}

/* What the flags of the saga (cancelled, compensating) forbid its steps. */
static const char *check_against_flags(const struct saga *s, const struct step *st)
{
	if (st->direction == DIRECTION_UNDO && !s->compensating)
		return "a step is being undone, but the saga is not";
	if (st->state == STEP_KEPT && !s->compensating)
		return "a step is in state kept, but the saga is not being undone";
	if (s->cancelled && open_state(st) && st->state != STEP_RUNNING)
		return "the saga is cancelled, but a step could still start";
	if (!s->compensating || st->direction == DIRECTION_UNDO)
		return NULL;
	if (st->state == STEP_WAITING || st->state == STEP_READY || st->state == STEP_SUCCEEDED ||
		(st->state == STEP_RETRY_WAIT && !st->lookup_first))
		return "the saga is being undone, but a step still goes in direction do";
	return NULL;
}

/* The flags fit each other and the plan, and the stored state is the derived one. */
static const char *check_whole(const struct saga *s)
{
	enum reason reason;
	if (s->step_count != s->plan->step_count)
		return "the saga does not have the steps of its plan";
	if ((s->unrouted || s->own_reason != REASON_NONE) && s->step_count > 0)
		return "the saga has steps, but no route took its event";
	if (s->cancelled && s->compensating)
		return "the saga is cancelled and being undone at once";
	if (s->state != saga_derive_state(s, &reason) || s->reason != reason)
		return "the saga's state does not follow from the states of its steps";
	return NULL;
}

const char *saga_check(const struct saga *s)
{
	const char *broken = NULL;
	for (unsigned i = 0; broken == NULL && i < s->step_count; i++) {
		const struct step *st = &s->steps[i];
		broken = saga_check_step(st);
		if (broken == NULL)
			broken = check_against_flags(s, st);
		if (broken == NULL && st->state == STEP_WAITING)
			broken = check_waiting(s, i);
	}
	return broken != NULL ? broken : check_whole(s);
}
