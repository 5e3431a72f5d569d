#include "saga/journal/schedule/location.h"

#include <string.h>

#include "saga/base/array.h"
#include "saga/journal/journal_internal.h"

static bool claimable(uint8_t why)
{
	return why == WHY_SLOT || why == WHY_DUE;
}

/* Waiting, but not claimable: blocked by its lane or by an earlier step of its saga. */
static bool blocked(uint8_t why)
{
	return why == WHY_LANE || why == WHY_AFTER;
}

static struct target_entry *target_at(const struct cache_entry *e, unsigned i)
{
	return e->plan->target[i];
}

static bool loaded(const struct cache_entry *e, unsigned i)
{
	return e->touched && e->saga != NULL && i < e->saga->step_count;
}

/* ---- lanes that become free ---- */

static void mark_lane_freed(struct journal *j, struct target_entry *t, const uint8_t lane[LANE_BYTES])
{
	struct batch *b = &j->batch;
	if (t->with_lane == 0)
		return; /* no saga waits on disk for a lane of this target */
	ARRAY_GROW(b->freed, b->freed_count, b->freed_capacity);
	struct freed_lane *f = &b->freed[b->freed_count++];
	f->target = t;
	memcpy(f->lane, lane, LANE_BYTES);
}

static bool in_lane(const struct step *st, const struct step_location *p)
{
	return st->has_lane && (p->node.lane != NULL || p->location == LOCATION_DISK);
}

/* A step's place in its lane before a change, to be compared with its place after the change. */
struct lane_state {
	bool in_lane;
	bool running;
};

static struct lane_state lane_state_of(const struct cache_entry *e, unsigned i)
{
	const struct step_location *p = &e->locations[i];
	return (struct lane_state){ in_lane(&e->saga->steps[i], p), p->node.running };
}

/* The lane may be free when the step left it, and also when the step only stopped running: the undo of a
 * lower saga may have come to the lane meanwhile, and waits for the end of that attempt. */
static void mark_freed_if_left(struct journal *j, struct cache_entry *e, unsigned i, struct lane_state was)
{
	const struct step *st = &e->saga->steps[i];
	const struct step_location *p = &e->locations[i];
	if ((was.in_lane && !in_lane(st, p)) || (was.running && !p->node.running))
		mark_lane_freed(j, target_at(e, i), st->lane);
}

static void set_location(struct cache_entry *e, unsigned i, enum location location)
{
	struct step *st = &e->saga->steps[i];
	if (st->location != location)
		e->changed = true;
	st->location = e->locations[i].location = (uint8_t)location;
}

/* ---- rows ---- */

static void uncount_row(struct target_entry *t, const struct step *st, const struct step_location *p)
{
	if (st->has_lane)
		t->with_lane--;
	t->blocked -= blocked(p->row_why) ? 1 : 0;
	if (!claimable(p->row_why))
		return;
	t->claimable--;
	t->news = true;
	if (p->row_due_ms <= t->next_due_ms)
		t->due_unknown = true; /* the removed row was perhaps the first one that is due */
}

static void count_row(struct target_entry *t, const struct step *st, const struct step_location *p)
{
	if (st->has_lane)
		t->with_lane++;
	t->blocked += blocked(p->row_why) ? 1 : 0;
	if (!claimable(p->row_why))
		return;
	t->claimable++;
	t->news = true;
	if (p->row_due_ms < t->next_due_ms)
		t->next_due_ms = p->row_due_ms;
}

static int delete_row(struct journal *j, struct cache_entry *e, unsigned i)
{
	struct step_location *p = &e->locations[i];
	if (p->location != LOCATION_DISK)
		return 0;
	int rc = j->store.row_delete(j->store.ctx, e->id, (uint16_t)i, &j->err);
	if (rc != 0)
		return rc;
	j->batch.wrote = true;
	uncount_row(target_at(e, i), &e->saga->steps[i], p);
	set_location(e, i, LOCATION_NONE);
	return 0;
}

/* Since when the step waits: the age that `almoner backlog` shows. */
static int64_t since_ms(const struct cache_entry *e, const struct step *st)
{
	if (st->state == STEP_READY)
		return st->due_ms;
	return st->last_ms != 0 ? st->last_ms : e->saga->created_ms;
}

/* Writes nothing when the row is on disk as it should be: a saga is scheduled more often than its rows
 * change. */
static int put_row(struct journal *j, struct cache_entry *e, unsigned i, enum why why, int64_t due_ms)
{
	const struct step *st = &e->saga->steps[i];
	struct step_location *p = &e->locations[i];
	struct target_entry *t = target_at(e, i);
	if (p->location == LOCATION_DISK && p->row_why == why && p->row_due_ms == due_ms)
		return 0;
	struct step_row row = { .saga = e->id,
							.step = (uint16_t)i,
							.target = t->id,
							.why = (uint8_t)why,
							.has_lane = st->has_lane,
							.due_ms = due_ms,
							.since_ms = since_ms(e, st) };
	memcpy(row.lane, st->lane, LANE_BYTES);
	int rc = j->store.row_put(j->store.ctx, &row, &j->err);
	if (rc != 0)
		return rc;
	j->batch.wrote = true;
	if (p->location == LOCATION_DISK)
		uncount_row(t, st, p);
	p->row_why = (uint8_t)why;
	p->row_due_ms = due_ms;
	count_row(t, st, p);
	set_location(e, i, LOCATION_DISK);
	return 0;
}

enum why location_row_why(const struct saga *s, unsigned i)
{
	assert(i < s->step_count);
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

/* ---- the locations ---- */

int location_set_disk(struct journal *j, struct cache_entry *e, unsigned i, enum why why, int64_t due_ms)
{
	assert(loaded(e, i));
	assert(claimable((uint8_t)why) || blocked((uint8_t)why) || why == WHY_ATTENTION);
	struct lane_state was = lane_state_of(e, i);
	int rc = put_row(j, e, i, why, due_ms);
	if (rc != 0)
		return rc;
	/* the row on disk keeps the step's place in the lane from now on */
	lanes_leave(&j->lanes, &e->locations[i].node);
	mark_freed_if_left(j, e, i, was);
	return 0;
}

static void enter_lane(struct journal *j, struct cache_entry *e, unsigned i, bool running)
{
	const struct step *st = &e->saga->steps[i];
	struct lane_node *node = &e->locations[i].node;
	if (!st->has_lane)
		return;
	if (node->lane == NULL)
		lanes_enter(&j->lanes, target_at(e, i)->id, st->lane, node);
	lanes_set_running(node, running);
}

int location_set_engine(struct journal *j, struct cache_entry *e, unsigned i, bool running)
{
	assert(loaded(e, i));
	const struct step *st = &e->saga->steps[i];
	struct step_location *p = &e->locations[i];
	assert(running ? st->state == STEP_RUNNING : st->state == STEP_READY);
	struct lane_state was = lane_state_of(e, i);
	int rc = delete_row(j, e, i);
	if (rc != 0)
		return rc;
	enter_lane(j, e, i, running);
	set_location(e, i, LOCATION_ENGINE);
	p->generation = st->generation;
	p->direction = st->direction;
	mark_freed_if_left(j, e, i, was);
	return 0;
}

int location_set_none(struct journal *j, struct cache_entry *e, unsigned i)
{
	assert(loaded(e, i));
	struct lane_state was = lane_state_of(e, i);
	int rc = delete_row(j, e, i);
	if (rc != 0)
		return rc;
	lanes_leave(&j->lanes, &e->locations[i].node);
	set_location(e, i, LOCATION_NONE);
	mark_freed_if_left(j, e, i, was);
	return 0;
}

/* A step that has a row keeps it; one that has none keeps its place in memory, which is cheaper as long as
 * the saga is live (see location_lanes_to_disk). */
int location_set_waiting(struct journal *j, struct cache_entry *e, unsigned i)
{
	assert(loaded(e, i));
	const struct step *st = &e->saga->steps[i];
	struct step_location *p = &e->locations[i];
	assert(st->has_lane && st->state == STEP_WAITING);
	if (p->location == LOCATION_DISK)
		return location_set_disk(j, e, i, WHY_AFTER, 0);
	struct lane_state was = lane_state_of(e, i);
	enter_lane(j, e, i, false);
	set_location(e, i, LOCATION_NONE);
	mark_freed_if_left(j, e, i, was);
	return 0;
}

void location_leave_engine(struct cache_entry *e, unsigned i)
{
	assert(loaded(e, i));
	if (e->locations[i].location == LOCATION_ENGINE)
		set_location(e, i, LOCATION_NONE);
}

void location_restore_lanes(struct journal *j, struct cache_entry *e)
{
	assert(j->recovering && e->saga != NULL);
	for (unsigned i = 0; i < e->saga->step_count; i++) {
		const struct step *st = &e->saga->steps[i];
		bool in_memory =
			st->location == LOCATION_ENGINE || (st->state == STEP_WAITING && st->location == LOCATION_NONE);
		if (in_memory)
			enter_lane(j, e, i, st->state == STEP_RUNNING);
	}
}

int location_lanes_to_disk(struct journal *j, struct cache_entry *e)
{
	assert(e->saga != NULL && !saga_is_live(e->saga));
	for (unsigned i = 0; i < e->saga->step_count; i++) {
		if (e->locations[i].node.lane == NULL)
			continue;
		assert(e->saga->steps[i].state == STEP_WAITING);
		int rc = location_set_disk(j, e, i, WHY_AFTER, 0);
		if (rc != 0)
			return rc;
	}
	return 0;
}

/* ---- sagas that cannot be decoded ---- */

/* Only the row is changed: the saga's own value stays as it is, for a repair or a backup. Counts are
 * corrected by made-up steps, since the real ones cannot be read. */
int location_set_quarantine(struct journal *j, const struct step_row *row)
{
	struct target_entry *t = target_of_id(j, row->target);
	assert(t != NULL && j->err.code != 0);
	struct step_row quarantined = *row;
	quarantined.why = WHY_ATTENTION;
	quarantined.due_ms = 0;
	quarantined.has_lane = row->has_lane && t->rules.attention_holds;
	if (row->why == WHY_ATTENTION && quarantined.has_lane == row->has_lane)
		return 0; /* an earlier attempt to read the saga has done this already */
	log_add(j, SUBJECT_TARGET, row->target, RECORD_TARGET, "set_aside", "almoner", j->err.text);
	j->err = (struct err){ 0 };
	int rc = j->store.row_put(j->store.ctx, &quarantined, &j->err);
	if (rc != 0)
		return rc;
	j->batch.wrote = true;
	const struct step st = { .has_lane = row->has_lane };
	const struct step left = { .has_lane = quarantined.has_lane };
	const struct step_location was = { .row_why = row->why, .row_due_ms = row->due_ms };
	const struct step_location is = { .row_why = quarantined.why };
	uncount_row(t, &st, &was);
	count_row(t, &left, &is);
	if (row->has_lane && !quarantined.has_lane)
		mark_lane_freed(j, t, row->lane);
	return 0;
}
