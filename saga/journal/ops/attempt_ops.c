/* Reports and requests of the engine. A report about a past generation or attempt is normal, because
 * operators act at the same time: it changes nothing, and a work that is owed an answer returns as
 * WORK_GONE. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "saga/base/mem.h"
#include "saga/journal/ops/ops.h"
#include "saga/journal/schedule/claims.h"
#include "saga/journal/schedule/location.h"
#include "saga/journal/schedule/schedule.h"

static struct work *take_work(struct op *op)
{
	struct work *w = op->u.step.w;
	assert(w != NULL);
	op->u.step.w = NULL;
	return w;
}

static void answer_gone(struct journal *j, struct op *op)
{
	handout_answer(j, take_work(op), WORK_GONE);
}

/* Loads the saga of the work; its event comes with the work, so it need not be read. */
static int load_saga_of(struct journal *j, const struct op *op, struct cache_entry **ret)
{
	int rc = cache_load(j, op->u.step.w->saga, ret);
	if (rc == 0)
		cache_set_event(*ret, op->u.step.w->event);
	return rc;
}

/* Is this WORK_READY the last one that was handed out for its step? An operator may have paused or changed
 * the step since, and another work may be on its way. */
static bool ready_is_current(const struct cache_entry *e, const struct work *w)
{
	if (w->ref.step >= e->saga->step_count)
		return false;
	const struct step *st = &e->saga->steps[w->ref.step];
	const struct step_location *p = &e->locations[w->ref.step];
	return st->state == STEP_READY && p->location == LOCATION_ENGINE && st->generation == w->ref.generation &&
		   st->direction == w->ref.direction && p->generation == w->ref.generation &&
		   p->direction == w->ref.direction;
}

/* The engine holds a slot for the step: starts it, or schedules it again and answers WORK_GONE. */
static int start_or_reschedule(struct journal *j, struct cache_entry *e, struct op *op)
{
	unsigned i = op->u.step.w->ref.step;
	bool open;
	int rc = schedule_check_start(j, e, i, false, &open);
	if (rc != 0)
		return rc;
	if (open && !decide_needs_condition(e->saga, (uint16_t)i))
		return handout_start(j, e, i, take_work(op));
	answer_gone(j, op);
	return schedule_saga(j, e, (struct schedule_options){ .recheck = true });
}

int ops_start(struct journal *j, struct op *op)
{
	struct cache_entry *e;
	int rc = load_saga_of(j, op, &e);
	if (rc != 0)
		return rc;
	if (!ready_is_current(e, op->u.step.w)) {
		answer_gone(j, op);
		return 0;
	}
	location_leave_engine(e, op->u.step.w->ref.step);
	return start_or_reschedule(j, e, op);
}

/* A verdict that is true lets the step start at once, since its slot is reserved; one that is false skips the
 * step. */
int ops_condition_result(struct journal *j, struct op *op)
{
	struct cache_entry *e;
	int rc = load_saga_of(j, op, &e);
	if (rc != 0)
		return rc;
	uint16_t i = op->u.step.w->ref.step;
	if (!ready_is_current(e, op->u.step.w) || !decide_needs_condition(e->saga, i)) {
		answer_gone(j, op);
		return 0;
	}
	struct decide d = cache_decide_context(j, e);
	rc = decide_condition_result(&d, i, op->u.step.condition_true);
	if (rc != 0 && rc != ERR_STALE)
		return err_set(&j->err, rc, "saga %lld step %u: the verdict of `when` is for a step that has none",
					   (long long)e->id, i);
	e->changed = true;
	location_leave_engine(e, i);
	if (e->saga->steps[i].state == STEP_READY)
		return start_or_reschedule(j, e, op);
	answer_gone(j, op);
	return schedule_saga(j, e, (struct schedule_options){ 0 });
}

int ops_not_started(struct journal *j, struct op *op)
{
	struct cache_entry *e;
	int rc = load_saga_of(j, op, &e);
	if (rc != 0)
		return rc;
	struct decide d = cache_decide_context(j, e);
	struct attempt_ref ref = op->u.step.w->ref;
	if (decide_not_started(&d, ref) != 0)
		return 0;
	e->changed = true;
	location_leave_engine(e, ref.step);
	return schedule_saga(j, e, (struct schedule_options){ .no_start = true });
}

/* The work keeps the bytes too: the connector reads them back in the next exchange. */
int ops_checkpoint(struct journal *j, struct op *op)
{
	struct cache_entry *e;
	int rc = load_saga_of(j, op, &e);
	if (rc != 0)
		return rc;
	struct work *w = op->u.step.w;
	struct decide d = cache_decide_context(j, e);
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
	handout_answer(j, take_work(op), WORK_CHECKPOINTED);
	return 0;
}

/* The hold comes first, and also with an outcome that is stale: refused credentials are a fact about the
 * target, whatever became of the step. */
int ops_outcome(struct journal *j, struct op *op)
{
	const struct work *w = op->u.step.w;
	struct target_entry *t = target_of_id(j, w->target);
	int rc = 0;
	if (op->text[2] != NULL && t != NULL) /* text[2]: the hold reason */
		rc = target_apply_action(j, t, TARGET_HOLD, "almoner", op->text[2]);
	struct cache_entry *e;
	if (rc == 0)
		rc = load_saga_of(j, op, &e);
	if (rc != 0)
		return rc;
	struct decide d = cache_decide_context(j, e);
	if (decide_outcome(&d, w->ref, &op->u.step.outcome) != 0)
		return 0;
	e->changed = true;
	location_leave_engine(e, w->ref.step);
	return schedule_saga(j, e, (struct schedule_options){ 0 });
}

int ops_spill(struct journal *j, struct op *op)
{
	struct cache_entry *e;
	int rc = load_saga_of(j, op, &e);
	if (rc != 0 || !ready_is_current(e, op->u.step.w))
		return rc;
	location_leave_engine(e, op->u.step.w->ref.step);
	return schedule_saga(j, e, (struct schedule_options){ .to_disk = true });
}

int ops_claim(struct journal *j, struct op *op)
{
	struct target_entry *t = target_of_id(j, op->u.target.target);
	return t != NULL ? claims_grant(j, t, op->u.target.max) : 0;
}

/* Stored with the target, because the next process must begin with a probe when the breaker was not
 * closed. */
int ops_breaker(struct journal *j, struct op *op)
{
	struct target_entry *t = target_of_id(j, op->u.target.target);
	if (t == NULL)
		return 0;
	t->row.breaker_not_closed = op->u.target.breaker != BREAKER_CLOSED;
	int rc = j->store.target_put(j->store.ctx, &t->row, &j->err);
	if (rc != 0)
		return rc;
	char text[32];
	snprintf(text, sizeof text, "breaker_%s", name_of_breaker(op->u.target.breaker));
	log_add(j, SUBJECT_TARGET, t->id, RECORD_TARGET, text, NULL, op->text[0]);
	return 0;
}
