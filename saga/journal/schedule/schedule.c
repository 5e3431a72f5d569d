#include "saga/journal/schedule/schedule.h"

#include "saga/journal/journal_internal.h"
#include "saga/journal/schedule/location.h"

/* ---- may it start? ---- */

/* Sagas with a lower id are found in `lanes` when they are in memory, and in the first row of the lane
 * when they wait on disk. */
int schedule_lane_blocked(struct journal *j, const struct cache_entry *e, unsigned i, bool *ret)
{
	assert(e->saga != NULL && i < e->saga->step_count);
	const struct step *st = &e->saga->steps[i];
	const struct target_entry *t = e->plan->target[i];
	*ret = st->has_lane && lanes_blocked(&j->lanes, t->id, st->lane, e->id);
	if (!st->has_lane || *ret || t->with_lane == 0)
		return 0;
	struct step_row first = { 0 };
	int rc = j->store.row_lane_first(j->store.ctx, t->id, st->lane, 0, &first, &j->err);
	*ret = rc == 0 && first.saga != 0 && first.saga < e->id;
	return rc;
}

/* Would an attempt now end the step (it has expired, its target is missing) instead of starting it? */
static bool ends_instead(struct journal *j, struct cache_entry *e, unsigned i)
{
	struct decide d = cache_decide_context(j, e);
	return decide_intent_would_end(&d, (uint16_t)i);
}

/* The lane is examined last, because that may read from the store. */
int schedule_check_start(struct journal *j, struct cache_entry *e, unsigned i, bool probe, bool *ret_open)
{
	assert(e->saga != NULL && i < e->saga->step_count);
	const struct step *st = &e->saga->steps[i];
	const struct target_entry *t = e->plan->target[i];
	bool due = st->state == STEP_READY || (st->state == STEP_RETRY_WAIT && st->due_ms <= j->now_ms);
	*ret_open = false;
	if (!due || !decide_may_start(e->saga, (uint16_t)i) || !target_is_open(j, t, probe) ||
		ends_instead(j, e, i))
		return 0;
	bool blocked;
	int rc = schedule_lane_blocked(j, e, i, &blocked);
	*ret_open = rc == 0 && !blocked;
	return rc;
}

static void set_why(struct cache_entry *e, unsigned i, enum why why)
{
	struct step *st = &e->saga->steps[i];
	if (st->why == why)
		return;
	st->why = (uint8_t)why;
	e->changed = true;
}

/* ---- steps that only an operator can unblock ---- */

static bool can_progress(const struct saga *s, unsigned i)
{
	uint8_t state = s->steps[i].state;
	return state == STEP_RUNNING || decide_may_start(s, (uint16_t)i);
}

/* An undo waits for the undo of the steps that came after it. As long as a step of the saga runs or may
 * start, the saga progresses by itself. */
static bool undo_needs_operator(const struct saga *s)
{
	if (s->paused)
		return false;
	for (unsigned i = 0; i < s->step_count; i++) {
		if (can_progress(s, i))
			return false;
	}
	return true;
}

/* The steps, as a bit mask, that must end before step i is ready: those it comes after, and, for each of them
 * that waits too, those it comes after. Ends because plans have no cycles. */
static uint32_t steps_waited_for(const struct saga *s, unsigned i)
{
	uint32_t all = 0;
	uint32_t unvisited = s->plan->steps[i].after;
	while (unvisited != 0) {
		unsigned k = (unsigned)__builtin_ctz(unvisited);
		all |= 1u << k;
		if (s->steps[k].state == STEP_WAITING)
			unvisited |= s->plan->steps[k].after & ~all;
		unvisited &= ~(1u << k);
	}
	return all;
}

/* Is this step itself in attention, or stopped by its saga's policy? A paused saga does not count: the
 * operator who paused it will resume it, and until then it keeps its lanes. */
static bool step_needs_operator(const struct saga *s, unsigned i)
{
	uint8_t state = s->steps[i].state;
	return state == STEP_ATTENTION || ((state == STEP_READY || state == STEP_RETRY_WAIT) && !s->paused &&
									   !decide_may_start(s, (uint16_t)i));
}

/* A step that waits for other steps needs an operator when one of those does. */
bool schedule_needs_operator(const struct saga *s, unsigned i)
{
	assert(i < s->step_count);
	if (s->steps[i].state != STEP_WAITING)
		return step_needs_operator(s, i);
	if (s->steps[i].direction == DIRECTION_UNDO)
		return undo_needs_operator(s);
	uint32_t waits_for = steps_waited_for(s, i);
	for (unsigned k = 0; k < s->step_count; k++) {
		if ((waits_for >> k & 1) != 0 && step_needs_operator(s, k))
			return true;
	}
	return false;
}

/* Does the step keep its place in its lane? A step that needs an operator is passed by later sagas, unless
 * the target's rules say that it holds the lane. What a cancelled saga leaves in doubt is always passed,
 * because no view shows it to operators as work to do. */
static bool keeps_lane(const struct cache_entry *e, unsigned i)
{
	bool holds = e->plan->target[i]->rules.attention_holds && !e->saga->cancelled;
	return e->saga->steps[i].has_lane && (holds || !schedule_needs_operator(e->saga, i));
}

/* ---- the location for each state ---- */

/* A step that its saga does not allow to start keeps its place in its lane and nothing else. Its `why` no
 * longer says that it waits for the lane: once the saga allows it to start, it looks at the lane itself. */
static int schedule_stopped(struct journal *j, struct cache_entry *e, unsigned i)
{
	const struct step *st = &e->saga->steps[i];
	set_why(e, i, st->state == STEP_READY ? WHY_SLOT : WHY_DUE);
	return keeps_lane(e, i) ? location_set_disk(j, e, i, WHY_LANE, st->due_ms) : location_set_none(j, e, i);
}

/* The step has expired or its target is missing: the decision ends it. *ret_repeat: other steps of the saga
 * may be ready now, so the saga must be scheduled once more. */
static int schedule_ended(struct journal *j, struct cache_entry *e, unsigned i, bool *ret_repeat)
{
	struct decide d = cache_decide_context(j, e);
	bool started;
	location_leave_engine(e, i);
	int rc = decide_intent(&d, (uint16_t)i, &started);
	assert(rc == 0 && !started);
	e->changed = *ret_repeat = true;
	return rc;
}

/* A ready step is with the engine, waits for its lane, or can start; a row that can be claimed stays as it
 * is, so that older rows of the target start before it. */
static int schedule_ready(struct journal *j, struct cache_entry *e, unsigned i,
						  struct schedule_options options, bool *ret_repeat)
{
	const struct step *st = &e->saga->steps[i];
	const struct step_location *p = &e->locations[i];
	if (p->location == LOCATION_ENGINE && p->generation == st->generation && p->direction == st->direction)
		return 0; /* the step is in the engine's window already */
	if (!decide_may_start(e->saga, (uint16_t)i))
		return schedule_stopped(j, e, i);
	bool row = p->location == LOCATION_DISK;
	if (row && p->row_why == WHY_LANE && st->why == WHY_LANE && !options.recheck)
		return 0; /* schedule_next_in_lane will come to it */
	if (ends_instead(j, e, i))
		return schedule_ended(j, e, i, ret_repeat);
	bool blocked;
	int rc = schedule_lane_blocked(j, e, i, &blocked);
	if (rc != 0)
		return rc;
	set_why(e, i, blocked ? WHY_LANE : WHY_SLOT);
	if (blocked)
		return location_set_disk(j, e, i, WHY_LANE, st->due_ms);
	if (row && p->row_why == WHY_SLOT)
		return location_set_disk(j, e, i, WHY_SLOT, st->due_ms);
	return handout_step(j, e, i, options);
}

/* A step in retry_wait. Before it is due, its lane is not examined: the claim that takes the step examines
 * it. */
static int schedule_retry(struct journal *j, struct cache_entry *e, unsigned i,
						  struct schedule_options options, bool *ret_repeat)
{
	const struct step *st = &e->saga->steps[i];
	const struct step_location *p = &e->locations[i];
	if (!decide_may_start(e->saga, (uint16_t)i))
		return schedule_stopped(j, e, i);
	if (p->location == LOCATION_DISK && p->row_why == WHY_LANE && st->why == WHY_LANE && !options.recheck)
		return 0;
	if (st->due_ms <= j->now_ms && ends_instead(j, e, i))
		return schedule_ended(j, e, i, ret_repeat);
	e->changed = target_limit_due(j, e->plan->target[i], &e->saga->steps[i]) || e->changed;
	bool blocked = false;
	int rc = st->due_ms <= j->now_ms ? schedule_lane_blocked(j, e, i, &blocked) : 0;
	if (rc != 0)
		return rc;
	set_why(e, i, blocked ? WHY_LANE : WHY_DUE);
	return location_set_disk(j, e, i, blocked ? WHY_LANE : WHY_DUE, st->due_ms);
}

static int schedule_attention(struct journal *j, struct cache_entry *e, unsigned i)
{
	return keeps_lane(e, i) ? location_set_disk(j, e, i, WHY_ATTENTION, 0) : location_set_none(j, e, i);
}

static int schedule_step(struct journal *j, struct cache_entry *e, unsigned i,
						 struct schedule_options options, bool *ret_repeat)
{
	switch ((enum step_state)e->saga->steps[i].state) {
	case STEP_WAITING:
		return keeps_lane(e, i) ? location_set_waiting(j, e, i) : location_set_none(j, e, i);
	case STEP_READY:
		return schedule_ready(j, e, i, options, ret_repeat);
	case STEP_RUNNING:
		return location_set_engine(j, e, i, true);
	case STEP_RETRY_WAIT:
		return schedule_retry(j, e, i, options, ret_repeat);
	case STEP_ATTENTION:
		return schedule_attention(j, e, i);
	case STEP_SUCCEEDED:
	case STEP_SKIPPED:
	case STEP_KEPT:
	case STEP_STATE_COUNT:
	default:
		return location_set_none(j, e, i);
	}
}

/* A step that ends can make others ready or skip them, so the saga is walked until no step ends. */
int schedule_saga(struct journal *j, struct cache_entry *e, struct schedule_options options)
{
	assert(e->touched && e->saga != NULL && j->batch.open);
	assert(!j->recovering || options.to_disk);
	bool repeat;
	unsigned rounds = 0;
	do {
		repeat = false;
		rounds++;
		assert(rounds <= 2 * PLAN_STEPS_MAX + 1); /* each round before the last ends a step */
		for (unsigned i = 0; i < e->saga->step_count; i++) {
			int rc = schedule_step(j, e, i, options, &repeat);
			if (rc != 0)
				return rc;
		}
	} while (repeat);
	e->scheduled = true;
	return 0;
}

/* ---- lanes that became free ---- */

/* Schedules the saga of the lane's first row, whatever the row waits for: another step of that saga may be
 * the one that the lane blocked. A damaged saga gets a row that is not claimed, which frees the lane for the
 * next saga, unless the target holds. During recovery a live saga is left alone: recover_sagas will come to
 * it. */
static int promote(struct journal *j, struct freed_lane freed)
{
	struct step_row first = { 0 };
	int rc = j->store.row_lane_first(j->store.ctx, freed.target->id, freed.lane, 0, &first, &j->err);
	if (rc != 0 || first.saga == 0)
		return rc;
	struct cache_entry *e;
	rc = cache_load(j, first.saga, &e);
	if (cache_is_damaged(j, rc))
		return location_set_quarantine(j, &first);
	if (rc != 0 || (j->recovering && saga_is_live(e->saga)))
		return rc;
	return schedule_saga(j, e, (struct schedule_options){ .recheck = true, .to_disk = j->recovering });
}

int schedule_next_in_lane(struct journal *j)
{
	struct batch *b = &j->batch;
	assert(b->open);
	while (b->freed_count > 0) {
		int rc = promote(j, b->freed[--b->freed_count]);
		if (rc != 0)
			return rc;
	}
	return 0;
}

/* ---- for checks ---- */

bool schedule_location_fits(const struct saga *s, unsigned i, bool live)
{
	assert(i < s->step_count);
	const struct step *st = &s->steps[i];
	bool holds_lane = st->has_lane && !schedule_needs_operator(s, i);
	bool stopped = !decide_may_start(s, (uint16_t)i) && !holds_lane;
	switch ((enum step_state)st->state) {
	case STEP_RUNNING:
		return st->location == LOCATION_ENGINE;
	case STEP_READY:
		return st->location != LOCATION_NONE || stopped;
	case STEP_RETRY_WAIT:
		return st->location == LOCATION_DISK || (st->location == LOCATION_NONE && stopped);
	case STEP_WAITING: /* the place in its lane is in memory, as long as the saga is */
		return st->location == LOCATION_DISK ? st->has_lane
											 : st->location == LOCATION_NONE && (live || !holds_lane);
	case STEP_ATTENTION:
		return st->location == LOCATION_NONE || (st->location == LOCATION_DISK && st->has_lane);
	case STEP_SUCCEEDED:
	case STEP_SKIPPED:
	case STEP_KEPT:
	case STEP_STATE_COUNT:
	default:
		return st->location == LOCATION_NONE;
	}
}
