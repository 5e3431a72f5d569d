/* Invariants over the log: of one record (I4, I8, I11, I12), of one commit (I7, fold = rows), see DESIGN §14.
 */
#include <string.h>

#include "tests/sim/fold.h"

#define BROKEN(s, i, what) world_fail(w, "saga %lld step %d: %s", (long long)(s)->id, (int)(i), what)

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

/* As the sinks' history has it. */
static bool may_have_effect(const struct world *w, const struct fold_saga *s, unsigned i)
{
	for (size_t k = 0; k < w->hit_count; k++) {
		const struct hit *h = &w->hits[k];
		if (h->saga == s->id && h->step == i && h->direction == DIRECTION_DO && h->maybe)
			return true;
	}
	return false;
}

/* I11: only what happened or may have happened is undone, and after all that came after it. */
static void check_undo(struct world *w, const struct fold_saga *s, unsigned i)
{
	const struct fold_step *st = &s->steps[i];
	if (!st->did && !st->maybe && !may_have_effect(w, s, i))
		BROKEN(s, i, "an undo of what never happened");
	uint32_t after = dependants(s->plan, i);
	for (unsigned j = 0; j < s->plan->step_count; j++) {
		const struct fold_step *d = &s->steps[j];
		if ((after >> j & 1) == 0)
			continue;
		if (d->open)
			BROKEN(s, i, "undone while a step after it runs");
		if (d->did && d->direction == DIRECTION_DO && d->state != STEP_KEPT)
			BROKEN(s, i, "undone before a step after it");
		if (d->direction == DIRECTION_UNDO && !terminal(d->state))
			BROKEN(s, i, "undone before the undo of a step after it");
	}
}

static void check_after_steps(struct world *w, const struct fold_saga *s, unsigned i)
{
	for (unsigned j = 0; j < s->plan->step_count; j++) {
		const struct fold_step *d = &s->steps[j];
		bool done = d->state == STEP_SUCCEEDED || (d->state == STEP_SKIPPED && d->skip == SKIP_WHEN);
		bool generation_one = s->steps[i].generation == 1 && s->verbs == 0;
		if ((s->plan->steps[i].after >> j & 1) != 0 && !done && generation_one)
			BROKEN(s, i, "started before a step it comes after");
	}
}

void rules_intent(struct world *w, struct fold_saga *s, unsigned i, const struct record *r)
{
	struct fold_step *st = &s->steps[i];
	bool same = r->direction == st->direction && r->generation == st->generation;
	bool lookup = str_is(r->text, "lookup");
	if (st->open)
		BROKEN(s, i, "a second intent while one is open"); /* I8 */
	if (r->attempt != (same ? st->attempt + 1 : 1))
		BROKEN(s, i, "attempts are not counted one by one"); /* I8 */
	if (st->ok_generation[r->direction] == r->generation)
		BROKEN(s, i, "an attempt after its recorded success"); /* I4 */
	if (r->direction == DIRECTION_DO && s->compensating && !lookup)
		BROKEN(s, i, "done while its saga is being undone"); /* I12 */
	if (r->direction == DIRECTION_UNDO)
		check_undo(w, s, i);
	else if (!lookup)
		check_after_steps(w, s, i);
	if (st->waited_in_lane)
		mark(w->marks, MARK_LANE_PROMOTED);
	st->open = st->started = true;
	st->lookup = lookup;
	st->waited_in_lane = false;
	st->state = STEP_RUNNING;
	st->direction = (uint8_t)r->direction;
	st->generation = r->generation;
	st->attempt = r->attempt;
}

/* ---- a commit: lanes ---- */

static bool moves(const struct fold_saga *s, const struct fold_step *st)
{
	if (st->state == STEP_RUNNING)
		return true;
	bool held = s->state == SAGA_ATTENTION && s->plan->policy == POLICY_HOLD;
	return (st->state == STEP_READY || st->state == STEP_RETRY_WAIT) && !held;
}

static bool anybody_moves(const struct fold_saga *s)
{
	for (unsigned k = 0; k < s->plan->step_count; k++) {
		if (moves(s, &s->steps[k]))
			return true;
	}
	return false;
}

/* Does it wait, directly or through others, for a step that only a person can move? */
static bool waits_for_person(const struct fold_saga *s, unsigned i)
{
	for (unsigned k = 0; k < s->plan->step_count; k++) {
		const struct fold_step *st = &s->steps[k];
		if ((s->plan->steps[i].after >> k & 1) == 0 || terminal(st->state))
			continue;
		if (st->state == STEP_WAITING ? waits_for_person(s, k) : !moves(s, st))
			return true;
	}
	return false;
}

/* Later events of the key wait for it. What needs a person is passed, unless its target holds. */
static bool blocks(const struct world *w, const struct fold_saga *s, unsigned i)
{
	const struct fold_step *st = &s->steps[i];
	if (terminal(st->state))
		return false;
	if (st->state == STEP_ATTENTION && saga_state_at_rest((enum saga_state)s->state))
		return false; /* what set off an undo, now that all is undone */
	if (w->targets[st->target].rules.attention_holds)
		return true;
	if (st->state != STEP_WAITING)
		return moves(s, st);
	return st->direction == DIRECTION_UNDO ? anybody_moves(s) : !waits_for_person(s, i);
}

/* I7, as far as one commit's records can tell: who blocked before it and still blocks was overtaken. */
static void check_pair(struct world *w, const struct fold_saga *s, const struct fold_step *st,
					   const struct fold_saga *o, unsigned j)
{
	const struct fold_step *ot = &o->steps[j];
	bool same_lane = ot->has_lane && ot->target == st->target && memcmp(ot->lane, st->lane, LANE_BYTES) == 0;
	if (!same_lane)
		return;
	if (st->open && ot->open)
		world_fail(w, "sagas %lld and %lld are both under way in one lane of %s", (long long)s->id,
				   (long long)o->id, w->targets[st->target].name);
	if (o->id > s->id || w->targets[st->target].was_missing)
		return;
	if (ot->blocked && blocks(w, o, j) && !o->verb_now && !ot->moved)
		world_fail(w, "saga %lld overtook saga %lld in a lane of %s", (long long)s->id, (long long)o->id,
				   w->targets[st->target].name);
	if (ot->state == STEP_ATTENTION && !ot->blocked)
		mark(w->marks, MARK_LANE_PASSED);
}

static void check_lane(struct world *w, const struct fold_saga *s, const struct fold_step *st)
{
	const struct fold *f = w->fold;
	for (size_t k = 0; k < f->count; k++) {
		const struct fold_saga *o = f->sagas[k];
		if (o->id == s->id || o->plan == NULL)
			continue;
		for (unsigned j = 0; j < o->plan->step_count; j++)
			check_pair(w, s, st, o, j);
	}
}

/* ---- a commit: the rows are what the log says ---- */

static void check_step_row(struct world *w, const struct fold_saga *s, unsigned i, const struct step *row)
{
	struct fold_step *st = &w->fold->sagas[s->id - 1]->steps[i];
	if (row->state != st->state || row->direction != st->direction || row->generation != st->generation)
		world_fail(w, "saga %lld step %u: the row says %s %s generation %u, the log %s %s generation %u",
				   (long long)s->id, i, direction_name((enum direction)row->direction),
				   step_state_name((enum step_state)row->state), row->generation,
				   direction_name((enum direction)st->direction), step_state_name((enum step_state)st->state),
				   st->generation);
	if (row->state == STEP_ATTENTION && row->reason != st->reason)
		BROKEN(s, i, "the row has another reason than the log");
	bool ended = terminal(row->state);
	if (ended != (row->why == WHY_NONE))
		BROKEN(s, i,
			   ended ? "ended, and yet it waits for something" : "nothing will make it go on"); /* I15 */
	if (row->state == STEP_RUNNING && row->why != WHY_CALL)
		BROKEN(s, i, "runs without a call"); /* I15 */
	if (row->why == WHY_LANE && !st->waited_in_lane) {
		st->waited_in_lane = true;
		mark(w->marks, MARK_LANE_WAIT);
	}
}

static void check_row(struct world *w, const struct fold_saga *s)
{
	struct saga *row = NULL;
	struct err err;
	if (w->reader.saga_get(w->reader.ctx, s->id, &row, &err) != 0)
		world_fail(w, "saga %lld: %s", (long long)s->id, err.text);
	const char *unsound = saga_check(row);
	if (unsound != NULL)
		world_fail(w, "saga %lld: %s", (long long)s->id, unsound);
	if (row->state != s->state)
		world_fail(w, "saga %lld: the row says %s, the log %s", (long long)s->id,
				   saga_state_name((enum saga_state)row->state), saga_state_name((enum saga_state)s->state));
	for (unsigned i = 0; s->plan != NULL && i < s->plan->step_count; i++)
		check_step_row(w, s, i, &row->steps[i]);
	saga_destroy(row);
}

static void end_commit(const struct world *w, struct fold_saga *s)
{
	for (unsigned i = 0; s->plan != NULL && i < s->plan->step_count; i++) {
		s->steps[i].blocked = blocks(w, s, i);
		s->steps[i].started = s->steps[i].moved = false;
	}
	s->touched = s->verb_now = s->new_now = false;
}

static void check_lanes(struct world *w, const struct fold_saga *s)
{
	for (unsigned i = 0; s->plan != NULL && i < s->plan->step_count; i++) {
		if (s->steps[i].started && s->steps[i].has_lane)
			check_lane(w, s, &s->steps[i]);
	}
}

/* `latest`: no commit has come after this one, so that the rows hold what it left. */
void rules_commit(struct world *w, bool latest)
{
	struct fold *f = w->fold;
	for (size_t k = 0; k < f->count; k++) {
		if (f->sagas[k]->touched)
			check_lanes(w, f->sagas[k]);
	}
	for (size_t k = 0; k < f->count; k++) {
		struct fold_saga *s = f->sagas[k];
		s->stale = s->stale || s->touched;
		if (s->touched)
			end_commit(w, s);
		if (latest && s->stale)
			check_row(w, s);
		s->stale = s->stale && !latest;
	}
}
