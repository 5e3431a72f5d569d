/* Where a step waits: in the engine's hands, in a row of its own on disk, in line without either, or nowhere.
 * Each change here keeps rows, lanes and the counts of rows true together. */
#include <string.h>

#include "saga/base/mem.h"
#include "saga/journal/journal_internal.h"

static bool claimable(uint8_t why)
{
	return why == WHY_SLOT || why == WHY_DUE;
}

/* It waits as well, but others come first: those before it in its lane, or steps of its own saga. */
static bool blocked(uint8_t why)
{
	return why == WHY_LANE || why == WHY_AFTER;
}

static struct jtarget *target_at(const struct entry *e, unsigned i)
{
	return e->plan->target[i];
}

static void lane_freed(struct journal *j, struct jtarget *t, const uint8_t lane[LANE_BYTES])
{
	struct batch *b = &j->batch;
	if (t->with_lane == 0)
		return; /* nobody waits on disk */
	if (b->freed_count == b->freed_room) {
		b->freed_room = b->freed_room * 2 + 16;
		b->freed = mem_grow(b->freed, b->freed_room * sizeof *b->freed);
	}
	struct freed_lane *f = &b->freed[b->freed_count++];
	f->target = t;
	memcpy(f->lane, lane, LANE_BYTES);
}

static bool in_line(const struct step *st, const struct placed *p)
{
	return st->has_lane && (p->node.lane != NULL || p->place == PLACE_ROW);
}

/* What the line looked like before a change; compared after it. */
struct before {
	bool in_line;
	bool running;
};

static struct before look(const struct entry *e, unsigned i)
{
	const struct placed *p = &e->placed[i];
	return (struct before){ in_line(&e->saga->steps[i], p), p->node.running };
}

static void compare(struct journal *j, struct entry *e, unsigned i, struct before was)
{
	const struct step *st = &e->saga->steps[i];
	const struct placed *p = &e->placed[i];
	if ((was.in_line && !in_line(st, p)) || (was.running && !p->node.running))
		lane_freed(j, target_at(e, i), st->lane);
}

static void set_place(struct entry *e, unsigned i, enum place place)
{
	struct step *st = &e->saga->steps[i];
	if (st->place != place)
		e->changed = true;
	st->place = e->placed[i].place = (uint8_t)place;
}

static void uncount_row(struct journal *j, struct jtarget *t, const struct step *st, const struct placed *p)
{
	(void)j;
	if (st->has_lane)
		t->with_lane--;
	t->blocked -= blocked(p->row_why) ? 1 : 0;
	if (!claimable(p->row_why))
		return;
	t->claimable--;
	t->news = true;
	if (p->row_due_ms <= t->next_due_ms)
		t->due_unknown = true;
}

static void count_row(struct jtarget *t, const struct step *st, const struct placed *p)
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

static int row_off(struct journal *j, struct entry *e, unsigned i)
{
	struct placed *p = &e->placed[i];
	if (p->place != PLACE_ROW)
		return 0;
	int rc = j->store.row_delete(j->store.ctx, e->id, (uint16_t)i, &j->err);
	if (rc != 0)
		return rc;
	j->batch.wrote = true;
	uncount_row(j, target_at(e, i), &e->saga->steps[i], p);
	set_place(e, i, PLACE_NONE);
	return 0;
}

static int64_t since_ms(const struct entry *e, const struct step *st)
{
	if (st->state == STEP_READY)
		return st->due_ms;
	return st->last_ms != 0 ? st->last_ms : e->saga->created_ms;
}

static int row_on(struct journal *j, struct entry *e, unsigned i, enum why why, int64_t due_ms)
{
	const struct step *st = &e->saga->steps[i];
	struct placed *p = &e->placed[i];
	struct jtarget *t = target_at(e, i);
	if (p->place == PLACE_ROW && p->row_why == why && p->row_due_ms == due_ms)
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
	if (p->place == PLACE_ROW)
		uncount_row(j, t, st, p);
	p->row_why = (uint8_t)why;
	p->row_due_ms = due_ms;
	count_row(t, st, p);
	set_place(e, i, PLACE_ROW);
	return 0;
}

int seat_row(struct journal *j, struct entry *e, unsigned i, enum why why, int64_t due_ms)
{
	struct before was = look(e, i);
	int rc = row_on(j, e, i, why, due_ms);
	if (rc != 0)
		return rc;
	lanes_leave(&j->lanes, &e->placed[i].node);
	compare(j, e, i, was);
	return 0;
}

static void record_aside(struct journal *j, const struct step_row *row)
{
	records_add(batch_log(j, SUBJECT_TARGET, row->target), &(struct record){ .kind = RECORD_TARGET,
																			 .at_ms = j->now_ms,
																			 .step = RECORD_NO_STEP,
																			 .text = STR("set_aside"),
																			 .actor = STR("almoner"),
																			 .note = str_of(j->err.text) });
}

int seat_aside(struct journal *j, const struct step_row *row)
{
	struct jtarget *t = target_of_id(j, row->target);
	struct step_row aside = *row;
	aside.why = WHY_ATTENTION;
	aside.due_ms = 0;
	aside.has_lane = row->has_lane && t->rules.attention_holds;
	if (row->why == WHY_ATTENTION && aside.has_lane == row->has_lane)
		return 0; /* it was met before */
	record_aside(j, row);
	j->err = (struct err){ 0 };
	int rc = j->store.row_put(j->store.ctx, &aside, &j->err);
	if (rc != 0)
		return rc;
	j->batch.wrote = true;
	const struct step st = { .has_lane = row->has_lane };
	const struct step left = { .has_lane = aside.has_lane };
	const struct placed was = { .row_why = row->why, .row_due_ms = row->due_ms };
	const struct placed is = { .row_why = aside.why };
	uncount_row(j, t, &st, &was);
	count_row(t, &left, &is);
	if (row->has_lane && !aside.has_lane)
		lane_freed(j, t, row->lane);
	return 0;
}

static void stand_in_line(struct journal *j, struct entry *e, unsigned i, bool running)
{
	const struct step *st = &e->saga->steps[i];
	struct lane_node *node = &e->placed[i].node;
	if (!st->has_lane)
		return;
	if (node->lane == NULL)
		lanes_enter(&j->lanes, target_at(e, i)->id, st->lane, node);
	lanes_set_running(node, running);
}

int seat_hot(struct journal *j, struct entry *e, unsigned i, bool running)
{
	const struct step *st = &e->saga->steps[i];
	struct placed *p = &e->placed[i];
	struct before was = look(e, i);
	int rc = row_off(j, e, i);
	if (rc != 0)
		return rc;
	stand_in_line(j, e, i, running);
	set_place(e, i, PLACE_HOT);
	p->generation = st->generation;
	p->direction = st->direction;
	compare(j, e, i, was);
	return 0;
}

int seat_none(struct journal *j, struct entry *e, unsigned i)
{
	struct before was = look(e, i);
	int rc = row_off(j, e, i);
	if (rc != 0)
		return rc;
	lanes_leave(&j->lanes, &e->placed[i].node);
	set_place(e, i, PLACE_NONE);
	compare(j, e, i, was);
	return 0;
}

int seat_waiting(struct journal *j, struct entry *e, unsigned i)
{
	const struct step *st = &e->saga->steps[i];
	struct placed *p = &e->placed[i];
	assert(st->has_lane);
	if (p->place == PLACE_ROW)
		return seat_row(j, e, i, WHY_AFTER, 0);
	struct before was = look(e, i);
	stand_in_line(j, e, i, false);
	set_place(e, i, PLACE_NONE);
	compare(j, e, i, was);
	return 0;
}

void seat_again(struct journal *j, struct entry *e)
{
	for (unsigned i = 0; i < e->saga->step_count; i++) {
		const struct step *st = &e->saga->steps[i];
		bool in_hand = st->place == PLACE_HOT || (st->state == STEP_WAITING && st->place == PLACE_NONE);
		if (in_hand)
			stand_in_line(j, e, i, st->state == STEP_RUNNING);
	}
}

void seat_returned(struct entry *e, unsigned i)
{
	if (e->placed[i].place == PLACE_HOT)
		set_place(e, i, PLACE_NONE);
}

int seat_cool(struct journal *j, struct entry *e)
{
	for (unsigned i = 0; i < e->saga->step_count; i++) {
		if (e->placed[i].node.lane == NULL)
			continue;
		assert(e->saga->steps[i].state == STEP_WAITING);
		int rc = seat_row(j, e, i, WHY_AFTER, 0);
		if (rc != 0)
			return rc;
	}
	return 0;
}
