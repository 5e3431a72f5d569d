/* What the engine reports and asks. A completion that speaks of a past generation or attempt is normal
 * (people act at the same time): it changes nothing, and an answer that is due is GONE. */
#include <stdlib.h>
#include <string.h>

#include "saga/base/mem.h"
#include "saga/journal/ops.h"

static struct work *take_work(struct op *op)
{
	struct work *w = op->u.step.w;
	op->u.step.w = NULL;
	return w;
}

static void answer_gone(struct journal *j, struct op *op)
{
	admit_answer(j, take_work(op), WORK_GONE);
}

/* The saga a work speaks of, with the event at hand. */
static int saga_of(struct journal *j, const struct op *op, struct entry **ret)
{
	int rc = entry_load(j, op->u.step.w->saga, ret);
	if (rc == 0)
		entry_give_event(*ret, op->u.step.w->event);
	return rc;
}

/* Is this READY work the one that was handed out last for its step? */
static bool ready_is_current(const struct entry *e, const struct work *w)
{
	if (w->ref.step >= e->saga->step_count)
		return false;
	const struct step *st = &e->saga->steps[w->ref.step];
	const struct placed *p = &e->placed[w->ref.step];
	return st->state == STEP_READY && p->place == PLACE_HOT && st->generation == w->ref.generation &&
		   st->direction == w->ref.direction && p->generation == w->ref.generation &&
		   p->direction == w->ref.direction;
}

/* READY and its slot are here: begin, or seat it anew and say GONE. */
static int begin_or_seat(struct journal *j, struct entry *e, struct op *op)
{
	unsigned i = op->u.step.w->ref.step;
	bool open;
	int rc = place_gate(j, e, i, false, &open);
	if (rc != 0)
		return rc;
	if (open && !decide_needs_when(e->saga, (uint16_t)i))
		return admit_start(j, e, i, take_work(op));
	answer_gone(j, op);
	return place_saga(j, e, (struct how){ .recheck = true });
}

int ops_start(struct journal *j, struct op *op)
{
	struct entry *e;
	int rc = saga_of(j, op, &e);
	if (rc != 0)
		return rc;
	if (!ready_is_current(e, op->u.step.w)) {
		answer_gone(j, op);
		return 0;
	}
	seat_returned(e, op->u.step.w->ref.step);
	return begin_or_seat(j, e, op);
}

int ops_when(struct journal *j, struct op *op)
{
	struct entry *e;
	int rc = saga_of(j, op, &e);
	if (rc != 0)
		return rc;
	uint16_t i = op->u.step.w->ref.step;
	if (!ready_is_current(e, op->u.step.w) || !decide_needs_when(e->saga, i)) {
		answer_gone(j, op);
		return 0;
	}
	struct decide d = decide_of(j, e);
	rc = decide_when(&d, i, op->u.step.verdict);
	if (rc != 0 && rc != ERR_STALE)
		return err_set(&j->err, rc, "saga %lld step %u: the verdict of `when` does not fit", (long long)e->id,
					   i);
	e->changed = true;
	seat_returned(e, i);
	if (e->saga->steps[i].state == STEP_READY)
		return begin_or_seat(j, e, op);
	answer_gone(j, op);
	return place_saga(j, e, (struct how){ 0 });
}

int ops_not_started(struct journal *j, struct op *op)
{
	struct entry *e;
	int rc = saga_of(j, op, &e);
	if (rc != 0)
		return rc;
	struct decide d = decide_of(j, e);
	struct attempt_ref ref = op->u.step.w->ref;
	if (decide_not_started(&d, ref) != 0)
		return 0;
	e->changed = true;
	seat_returned(e, ref.step);
	return place_saga(j, e, (struct how){ .no_ride = true });
}

int ops_checkpoint(struct journal *j, struct op *op)
{
	struct entry *e;
	int rc = saga_of(j, op, &e);
	if (rc != 0)
		return rc;
	struct work *w = op->u.step.w;
	struct decide d = decide_of(j, e);
	struct str bytes = { op->u.step.bytes, op->u.step.bytes_len };
	if (decide_checkpoint(&d, w->ref, bytes) != 0) {
		answer_gone(j, op);
		return 0;
	}
	e->changed = true;
	free(w->checkpoint);
	w->checkpoint = op->u.step.bytes;
	w->checkpoint_len = (uint32_t)op->u.step.bytes_len;
	op->u.step.bytes = NULL;
	admit_answer(j, take_work(op), WORK_CHECKPOINTED);
	return 0;
}

int ops_outcome(struct journal *j, struct op *op)
{
	const struct work *w = op->u.step.w;
	struct jtarget *t = target_of_id(j, w->target);
	int rc = 0;
	if (op->text[2] != NULL && t != NULL)
		rc = target_set(j, t, TARGET_HOLD, "almoner", op->text[2]);
	struct entry *e;
	if (rc == 0)
		rc = saga_of(j, op, &e);
	if (rc != 0)
		return rc;
	struct decide d = decide_of(j, e);
	if (decide_outcome(&d, w->ref, &op->u.step.outcome) != 0)
		return 0;
	e->changed = true;
	seat_returned(e, w->ref.step);
	return place_saga(j, e, (struct how){ 0 });
}

int ops_spill(struct journal *j, struct op *op)
{
	struct entry *e;
	int rc = saga_of(j, op, &e);
	if (rc != 0 || !ready_is_current(e, op->u.step.w))
		return rc;
	seat_returned(e, op->u.step.w->ref.step);
	return place_saga(j, e, (struct how){ .to_disk = true });
}

int ops_claim(struct journal *j, struct op *op)
{
	struct jtarget *t = target_of_id(j, op->u.target.target);
	return t != NULL ? admit_claim(j, t, op->u.target.max) : 0;
}

int ops_breaker(struct journal *j, struct op *op)
{
	struct jtarget *t = target_of_id(j, op->u.target.target);
	if (t == NULL)
		return 0;
	t->row.breaker_away = op->u.target.away;
	int rc = j->store.target_put(j->store.ctx, &t->row, &j->err);
	if (rc != 0)
		return rc;
	records_add(batch_log(j, SUBJECT_TARGET, op->u.target.target),
				&(struct record){ .kind = RECORD_TARGET,
								  .at_ms = j->now_ms,
								  .step = RECORD_NO_STEP,
								  .text = str_of(op->text[0]),
								  .note = str_of(op->text[1]) });
	return 0;
}
