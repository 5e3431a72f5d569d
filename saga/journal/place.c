/* After a decision: every step gets the seat its state asks for. */
#include <string.h>

#include "saga/journal/journal_internal.h"

struct decide decide_of(struct journal *j, struct entry *e)
{
	return (struct decide){ .saga = e->saga,
							.now_ms = j->now_ms,
							.rnd = j->entropy,
							.rules = targets_rules(j),
							.log = entry_log(j, e) };
}

int place_lane_blocked(struct journal *j, const struct entry *e, unsigned i, bool *ret)
{
	const struct step *st = &e->saga->steps[i];
	const struct jtarget *t = e->plan->target[i];
	*ret = st->has_lane && lanes_blocked(&j->lanes, t->id, st->lane, e->id);
	if (!st->has_lane || *ret || t->with_lane == 0)
		return 0;
	struct step_row first = { 0 };
	int rc = j->store.row_lane_first(j->store.ctx, t->id, st->lane, 0, &first, &j->err);
	*ret = rc == 0 && first.saga != 0 && first.saga < e->id;
	return rc;
}

static bool ends_instead(struct journal *j, struct entry *e, unsigned i)
{
	struct decide d = decide_of(j, e);
	return decide_ends_instead(&d, (uint16_t)i);
}

int place_gate(struct journal *j, struct entry *e, unsigned i, bool probe, bool *ret_open)
{
	const struct step *st = &e->saga->steps[i];
	const struct jtarget *t = e->plan->target[i];
	bool due = st->state == STEP_READY || (st->state == STEP_RETRY_WAIT && st->due_ms <= j->now_ms);
	*ret_open = false;
	if (!due || !decide_may_start(e->saga, (uint16_t)i) || !target_open(j, t, probe) || ends_instead(j, e, i))
		return 0;
	bool blocked;
	int rc = place_lane_blocked(j, e, i, &blocked);
	*ret_open = rc == 0 && !blocked;
	return rc;
}

enum why seat_row_why(const struct saga *s, unsigned i)
{
	const struct step *st = &s->steps[i];
	switch ((enum step_state)st->state) {
	case STEP_WAITING:
		return WHY_AFTER;
	case STEP_ATTENTION:
		return WHY_ATTENTION;
	case STEP_READY:
		return st->why == WHY_LANE || !decide_may_start(s, (uint16_t)i) ? WHY_LANE : WHY_SLOT;
	case STEP_RETRY_WAIT:
		return st->why == WHY_LANE || !decide_may_start(s, (uint16_t)i) ? WHY_LANE : WHY_DUE;
	case STEP_RUNNING:
	case STEP_SUCCEEDED:
	case STEP_SKIPPED:
	case STEP_KEPT:
	case STEP_STATE_COUNT:
	default:
		return WHY_NONE;
	}
}

static void set_why(struct entry *e, unsigned i, enum why why)
{
	struct step *st = &e->saga->steps[i];
	if (st->why == why)
		return;
	st->why = (uint8_t)why;
	e->changed = true;
}

/* ---- steps that only a person can move on
 */

static bool moves(const struct saga *s, unsigned i)
{
	uint8_t state = s->steps[i].state;
	return state == STEP_RUNNING || decide_may_start(s, (uint16_t)i);
}

/* An undo waits for the undo of what was built on it: somebody must be under way. */
static bool undo_stuck(const struct saga *s)
{
	if (s->paused)
		return false;
	for (unsigned i = 0; i < s->step_count; i++) {
		if (moves(s, i))
			return false;
	}
	return true;
}

/* Plans have no cycles, and at most PLAN_STEPS_MAX steps. */
static uint32_t waited_for(const struct saga *s, unsigned i)
{
	uint32_t all = 0;
	uint32_t fresh = s->plan->steps[i].after;
	while (fresh != 0) {
		unsigned k = (unsigned)__builtin_ctz(fresh);
		all |= 1u << k;
		if (s->steps[k].state == STEP_WAITING)
			fresh |= s->plan->steps[k].after & ~all;
		fresh &= ~(1u << k);
	}
	return all;
}

/* In attention, or stopped by the policy. A pause is a person's own doing and keeps the line. */
static bool needs_person(const struct saga *s, unsigned i)
{
	uint8_t state = s->steps[i].state;
	return state == STEP_ATTENTION || ((state == STEP_READY || state == STEP_RETRY_WAIT) && !s->paused &&
									   !decide_may_start(s, (uint16_t)i));
}

bool place_stuck(const struct saga *s, unsigned i)
{
	if (s->steps[i].state != STEP_WAITING)
		return needs_person(s, i);
	if (s->steps[i].direction == DIRECTION_UNDO)
		return undo_stuck(s);
	uint32_t for_whom = waited_for(s, i);
	for (unsigned k = 0; k < s->step_count; k++) {
		if ((for_whom >> k & 1) != 0 && needs_person(s, k))
			return true;
	}
	return false;
}

/* Has it a place in a line, and keeps it? What needs a person is passed, unless the target says it holds; what a
 * cancelled saga leaves in doubt is passed always: nobody is shown it as work to do. */
static bool keeps_line(const struct entry *e, unsigned i)
{
	bool holds = e->plan->target[i]->rules.attention_holds && !e->saga->cancelled;
	return e->saga->steps[i].has_lane && (holds || !place_stuck(e->saga, i));
}

/* ---- seats for each state
 */

/* A saga that may not start keeps its places in the lines, nothing else. Its `why` no longer says `lane`:
 * once it may start again, it looks for itself. */
static int place_stopped(struct journal *j, struct entry *e, unsigned i)
{
	const struct step *st = &e->saga->steps[i];
	set_why(e, i, st->state == STEP_READY ? WHY_SLOT : WHY_DUE);
	return keeps_line(e, i) ? seat_row(j, e, i, WHY_LANE, st->due_ms) : seat_none(j, e, i);
}

/* Too late, or nowhere to go: the decision says what becomes of it, and others may move by it. */
static int place_ended(struct journal *j, struct entry *e, unsigned i, bool *ret_again)
{
	struct decide d = decide_of(j, e);
	bool started;
	seat_returned(e, i);
	int rc = decide_intent(&d, (uint16_t)i, &started);
	assert(rc == 0 && !started);
	e->changed = *ret_again = true;
	return rc;
}

static int place_ready(struct journal *j, struct entry *e, unsigned i, struct how how, bool *ret_again)
{
	const struct step *st = &e->saga->steps[i];
	const struct placed *p = &e->placed[i];
	if (p->place == PLACE_HOT && p->generation == st->generation && p->direction == st->direction)
		return 0; /* in the engine's window */
	if (!decide_may_start(e->saga, (uint16_t)i))
		return place_stopped(j, e, i);
	bool row = p->place == PLACE_ROW;
	if (row && p->row_why == WHY_LANE && st->why == WHY_LANE && !how.recheck)
		return 0; /* it is told when its turn comes */
	if (ends_instead(j, e, i))
		return place_ended(j, e, i, ret_again);
	bool blocked;
	int rc = place_lane_blocked(j, e, i, &blocked);
	if (rc != 0)
		return rc;
	set_why(e, i, blocked ? WHY_LANE : WHY_SLOT);
	if (blocked)
		return seat_row(j, e, i, WHY_LANE, st->due_ms);
	if (row && p->row_why == WHY_SLOT)
		return seat_row(j, e, i, WHY_SLOT, st->due_ms); /* it is claimed in its turn */
	return admit_step(j, e, i, how);
}

static int place_retry(struct journal *j, struct entry *e, unsigned i, struct how how, bool *ret_again)
{
	const struct step *st = &e->saga->steps[i];
	const struct placed *p = &e->placed[i];
	if (!decide_may_start(e->saga, (uint16_t)i))
		return place_stopped(j, e, i);
	if (p->place == PLACE_ROW && p->row_why == WHY_LANE && st->why == WHY_LANE && !how.recheck)
		return 0;
	if (st->due_ms <= j->now_ms && ends_instead(j, e, i))
		return place_ended(j, e, i, ret_again);
	e->changed = target_near_due(j, e->plan->target[i], &e->saga->steps[i]) || e->changed;
	/* Before it is due it needs no look at the line: the claim looks. */
	bool blocked = false;
	int rc = st->due_ms <= j->now_ms ? place_lane_blocked(j, e, i, &blocked) : 0;
	if (rc != 0)
		return rc;
	set_why(e, i, blocked ? WHY_LANE : WHY_DUE);
	return seat_row(j, e, i, blocked ? WHY_LANE : WHY_DUE, st->due_ms);
}

static int place_attention(struct journal *j, struct entry *e, unsigned i)
{
	return keeps_line(e, i) ? seat_row(j, e, i, WHY_ATTENTION, 0) : seat_none(j, e, i);
}

static int place_step(struct journal *j, struct entry *e, unsigned i, struct how how, bool *ret_again)
{
	switch ((enum step_state)e->saga->steps[i].state) {
	case STEP_WAITING:
		return keeps_line(e, i) ? seat_waiting(j, e, i) : seat_none(j, e, i);
	case STEP_READY:
		return place_ready(j, e, i, how, ret_again);
	case STEP_RUNNING:
		return seat_hot(j, e, i, true);
	case STEP_RETRY_WAIT:
		return place_retry(j, e, i, how, ret_again);
	case STEP_ATTENTION:
		return place_attention(j, e, i);
	case STEP_SUCCEEDED:
	case STEP_SKIPPED:
	case STEP_KEPT:
	case STEP_STATE_COUNT:
	default:
		return seat_none(j, e, i);
	}
}

int place_saga(struct journal *j, struct entry *e, struct how how)
{
	bool again;
	unsigned rounds = 0;
	do {
		again = false;
		assert(rounds++ <= 2 * PLAN_STEPS_MAX); /* each round ends a step */
		for (unsigned i = 0; i < e->saga->step_count; i++) {
			int rc = place_step(j, e, i, how, &again);
			if (rc != 0)
				return rc;
		}
	} while (again);
	return 0;
}

static int promote(struct journal *j, struct freed_lane freed)
{
	struct step_row first = { 0 };
	int rc = j->store.row_lane_first(j->store.ctx, freed.target->id, freed.lane, 0, &first, &j->err);
	if (rc != 0 || first.saga == 0)
		return rc;
	/* Whatever this row says: the saga may have another step in the lane. */
	struct entry *e;
	rc = entry_load(j, first.saga, &e);
	if (entry_damaged(j, rc))
		return seat_aside(j, &first); /* which frees the lane for the next, unless the target holds */
	if (rc != 0 || (j->recovering && saga_is_live(e->saga)))
		return rc; /* its own turn is still to come */
	return place_saga(j, e, (struct how){ .recheck = true, .to_disk = j->recovering });
}

int place_promote(struct journal *j)
{
	struct batch *b = &j->batch;
	while (b->freed_count > 0) {
		int rc = promote(j, b->freed[--b->freed_count]);
		if (rc != 0)
			return rc;
	}
	return 0;
}
