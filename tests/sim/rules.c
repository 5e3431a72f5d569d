/* Invariants of the log: what one record allows, what one commit allows, and that the rows of the store are what
 * the records say.
 */
#include <string.h>

#include "tests/sim/log_replay.h"

#define SIM_FAIL(s, i, what) sim_fail(w, "saga %lld step %d: %s", (long long)(s)->id, (int)(i), what)

/* ---- an intent ---- */

static bool terminal(uint8_t state)
{
	return state == STEP_SUCCEEDED || state == STEP_SKIPPED || state == STEP_KEPT;
}

static uint32_t dependants(const struct plan *p, unsigned step)
{
	uint32_t found = 0;
	for (unsigned round = 0; round < p->step_count; round++) {
		for (unsigned i = 0; i < p->step_count; i++) {
			if ((p->steps[i].after & (found | 1u << step)) != 0)
				found |= 1u << i;
		}
	}
	return found;
}

/* By the history of the sinks: a request was sent whose effect is not excluded. */
static bool may_have_effect(const struct simulation *w, const struct replay_saga *s, unsigned i)
{
	for (size_t k = 0; k < w->sink_request_count; k++) {
		const struct sink_request *h = &w->sink_requests[k];
		if (h->saga == s->id && h->step == i && h->direction == DIRECTION_DO && h->possible_effect)
			return true;
	}
	return false;
}

/* Only a step that took effect, or may have, is undone, and only after all steps that depend on it. */
static void check_undo(struct simulation *w, const struct replay_saga *s, unsigned i)
{
	const struct replay_step *st = &s->steps[i];
	if (!st->took_effect && !st->possible_effect && !may_have_effect(w, s, i))
		SIM_FAIL(s, i, "a step is undone that cannot have taken effect");
	uint32_t after = dependants(s->plan, i);
	for (unsigned j = 0; j < s->plan->step_count; j++) {
		const struct replay_step *d = &s->steps[j];
		if ((after >> j & 1) == 0)
			continue;
		if (d->open)
			SIM_FAIL(s, i, "the step is undone while a step that depends on it is running");
		if (d->took_effect && d->direction == DIRECTION_DO && d->state != STEP_KEPT)
			SIM_FAIL(s, i, "the step is undone before a step that depends on it");
		if (d->direction == DIRECTION_UNDO && !terminal(d->state))
			SIM_FAIL(s, i, "the step is undone before the undo of a step that depends on it has ended");
	}
}

static void check_after_steps(struct simulation *w, const struct replay_saga *s, unsigned i)
{
	for (unsigned j = 0; j < s->plan->step_count; j++) {
		const struct replay_step *d = &s->steps[j];
		bool done = d->state == STEP_SUCCEEDED || (d->state == STEP_SKIPPED && d->skip == SKIP_WHEN);
		bool generation_one = s->steps[i].generation == 1 && s->verbs == 0;
		if ((s->plan->steps[i].after >> j & 1) != 0 && !done && generation_one)
			SIM_FAIL(s, i, "the step started before a step that it depends on was done");
	}
}

void rules_intent(struct simulation *w, struct replay_saga *s, unsigned i, const struct record *r)
{
	struct replay_step *st = &s->steps[i];
	bool same = r->direction == st->direction && r->generation == st->generation;
	bool lookup = str_is(r->text, "lookup");
	if (w->disk.low_all_turn)
		SIM_FAIL(s, i, "an attempt starts while the disk is low");
	if (st->open)
		SIM_FAIL(s, i, "there is a second intent while one is open");
	if (r->attempt != (same ? st->attempt + 1 : 1))
		SIM_FAIL(s, i, "the number of the attempt is not the next one");
	if (st->ok_generation[r->direction] == r->generation)
		SIM_FAIL(s, i, "an attempt starts after the step's success was recorded");
	if (r->direction == DIRECTION_DO && s->compensating && !lookup)
		SIM_FAIL(s, i, "the step is done while its saga is being undone");
	if (r->direction == DIRECTION_UNDO)
		check_undo(w, s, i);
	else if (!lookup)
		check_after_steps(w, s, i);
	if (st->waited_in_lane)
		coverage_point_hit(w->coverage, COVER_LANE_PROMOTED);
	st->open = st->started = true;
	st->lookup = lookup;
	st->waited_in_lane = false;
	st->state = STEP_RUNNING;
	st->direction = (uint8_t)r->direction;
	st->generation = r->generation;
	st->attempt = r->attempt;
}

/* ---- a commit: lanes ---- */

static bool moves(const struct replay_saga *s, const struct replay_step *st)
{
	if (st->state == STEP_RUNNING)
		return true;
	bool held = s->state == SAGA_ATTENTION && s->plan->policy == POLICY_HOLD;
	return (st->state == STEP_READY || st->state == STEP_RETRY_WAIT) && !held;
}

static bool any_step_moves(const struct replay_saga *s)
{
	for (unsigned k = 0; k < s->plan->step_count; k++) {
		if (moves(s, &s->steps[k]))
			return true;
	}
	return false;
}

/* Does the step wait, directly or through other steps, for a step that only an operator can unblock? */
static bool waits_for_operator(const struct replay_saga *s, unsigned i)
{
	for (unsigned k = 0; k < s->plan->step_count; k++) {
		const struct replay_step *st = &s->steps[k];
		if ((s->plan->steps[i].after >> k & 1) == 0 || terminal(st->state))
			continue;
		if (st->state == STEP_WAITING ? waits_for_operator(s, k) : !moves(s, st))
			return true;
	}
	return false;
}

/* Do later sagas in the lane have to wait for this step? A step that needs an operator is passed, unless its
 * target is configured to hold the lane. */
static bool blocks(const struct simulation *w, const struct replay_saga *s, unsigned i)
{
	const struct replay_step *st = &s->steps[i];
	if (terminal(st->state))
		return false;
	if (st->state == STEP_ATTENTION && saga_state_at_rest((enum saga_state)s->state))
		return false; /* the failure that started an undo, after the undo has ended */
	if (w->targets[st->target].rules.attention_holds)
		return true;
	if (st->state != STEP_WAITING)
		return moves(s, st);
	return st->direction == DIRECTION_UNDO ? any_step_moves(s) : !waits_for_operator(s, i);
}

/* A lower saga that blocked the lane before this commit, and still blocks it, was overtaken. */
static void check_pair(struct simulation *w, const struct replay_saga *s, const struct replay_step *st,
					   const struct replay_saga *o, unsigned j)
{
	const struct replay_step *ot = &o->steps[j];
	bool same_lane = ot->has_lane && ot->target == st->target && memcmp(ot->lane, st->lane, LANE_BYTES) == 0;
	if (!same_lane)
		return;
	if (st->open && ot->open)
		sim_fail(w, "sagas %lld and %lld both run in one lane of %s", (long long)s->id, (long long)o->id,
				 w->targets[st->target].name);
	if (o->id > s->id || w->targets[st->target].was_ever_missing)
		return;
	if (ot->blocked && blocks(w, o, j) && !o->verb_now && !ot->moved)
		sim_fail(w, "saga %lld overtook saga %lld in a lane of %s", (long long)s->id, (long long)o->id,
				 w->targets[st->target].name);
	if (ot->state == STEP_ATTENTION && !ot->blocked)
		coverage_point_hit(w->coverage, COVER_LANE_PASSED);
}

static void check_lane(struct simulation *w, const struct replay_saga *s, const struct replay_step *st)
{
	const struct log_replay *f = w->log_replay;
	for (size_t k = 0; k < f->count; k++) {
		const struct replay_saga *o = f->sagas[k];
		if (o->id == s->id || o->plan == NULL)
			continue;
		for (unsigned j = 0; j < o->plan->step_count; j++)
			check_pair(w, s, st, o, j);
	}
}

/* ---- a commit: rows agree with the log ---- */

static void check_step_row(struct simulation *w, const struct replay_saga *s, unsigned i,
						   const struct step *row)
{
	struct replay_step *st = &w->log_replay->sagas[s->id - 1]->steps[i];
	if (row->state != st->state || row->direction != st->direction || row->generation != st->generation)
		sim_fail(w, "saga %lld step %u: the row has %s %s generation %u, but the log has %s %s generation %u",
				 (long long)s->id, i, name_of_direction((enum direction)row->direction),
				 name_of_step_state((enum step_state)row->state), row->generation,
				 name_of_direction((enum direction)st->direction),
				 name_of_step_state((enum step_state)st->state), st->generation);
	if (row->state == STEP_ATTENTION && row->reason != st->reason)
		SIM_FAIL(s, i, "the row has another reason than the log");
	bool ended = terminal(row->state);
	if (ended != (row->why == WHY_NONE))
		SIM_FAIL(s, i,
				 ended ? "the step has ended, and still waits for something"
					   : "the step waits for nothing, so it never continues");
	if (row->state == STEP_RUNNING && row->why != WHY_CALL)
		SIM_FAIL(s, i, "the step is running, but does not wait for a request");
	if (row->why == WHY_LANE && !st->waited_in_lane) {
		st->waited_in_lane = true;
		coverage_point_hit(w->coverage, COVER_LANE_WAIT);
	}
}

static void check_row(struct simulation *w, const struct replay_saga *s)
{
	struct saga *row = NULL;
	struct err err;
	if (w->reader.saga_get(w->reader.ctx, s->id, &row, &err) != 0)
		sim_fail(w, "saga %lld: %s", (long long)s->id, err.text);
	const char *unsound = saga_check(row);
	if (unsound != NULL)
		sim_fail(w, "saga %lld: %s", (long long)s->id, unsound);
	if (row->state != s->state)
		sim_fail(w, "saga %lld: the row has state %s, but the log has %s", (long long)s->id,
				 name_of_saga_state((enum saga_state)row->state),
				 name_of_saga_state((enum saga_state)s->state));
	for (unsigned i = 0; s->plan != NULL && i < s->plan->step_count; i++)
		check_step_row(w, s, i, &row->steps[i]);
	saga_destroy(row);
}

static void end_commit(const struct simulation *w, struct replay_saga *s)
{
	for (unsigned i = 0; s->plan != NULL && i < s->plan->step_count; i++) {
		s->steps[i].blocked = blocks(w, s, i);
		s->steps[i].started = s->steps[i].moved = false;
	}
	s->touched = s->verb_now = s->new_now = false;
}

static void check_lanes(struct simulation *w, const struct replay_saga *s)
{
	for (unsigned i = 0; s->plan != NULL && i < s->plan->step_count; i++) {
		if (s->steps[i].started && s->steps[i].has_lane)
			check_lane(w, s, &s->steps[i]);
	}
}

/* `latest`: this is the last commit of the log, so the rows of the store are those of this commit. */
void rules_commit(struct simulation *w, bool latest)
{
	struct log_replay *f = w->log_replay;
	for (size_t k = 0; k < f->count; k++) {
		if (f->sagas[k]->touched)
			check_lanes(w, f->sagas[k]);
	}
	for (size_t k = 0; k < f->count; k++) {
		struct replay_saga *s = f->sagas[k];
		s->stale = s->stale || s->touched;
		if (s->touched)
			end_commit(w, s);
		if (latest && s->stale)
			check_row(w, s);
		s->stale = s->stale && !latest;
	}
}
