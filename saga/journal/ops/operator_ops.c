/* What people do: verbs on sagas, targets paused and resumed, configurations loaded. Each leaves a record
 * with actor and reason. */
#include <stdio.h>
#include <string.h>

#include "saga/journal/ops/ops.h"
#include "saga/journal/schedule/schedule.h"

/* Steps that could go on but for their target. */
static void count_held(const struct cache_entry *e, struct verb_result *r)
{
	for (unsigned i = 0; i < e->saga->step_count; i++) {
		const struct step *st = &e->saga->steps[i];
		const struct target_entry *t = e->plan->target[i];
		if ((st->state != STEP_READY && st->state != STEP_RETRY_WAIT) || (!t->row.paused && !t->row.held))
			continue;
		if (r->held++ == 0)
			snprintf(r->held_target, sizeof r->held_target, "%s", t->name);
	}
}

static int apply_verb(struct journal *j, struct cache_entry *e, const struct verb_call *call,
					  struct verb_result *r)
{
	struct decide d = cache_decide_context(j, e);
	r->code = decide_verb(&d, call, &r->changed, &r->in_doubt, &r->err);
	if (r->code == 0 && r->changed > 0) {
		e->changed = true;
		int rc = schedule_saga(j, e, (struct schedule_options){ .recheck = true });
		if (rc != 0)
			return rc;
	}
	r->state = e->saga->state;
	bool goes_on = call->verb == VERB_RESUME || call->verb == VERB_RETRY || call->verb == VERB_REDO;
	if (r->code == 0 && goes_on)
		count_held(e, r);
	return 0;
}

int ops_verb_on(struct journal *j, int64_t saga, const struct verb_call *call, struct verb_result *r)
{
	struct cache_entry *e;
	int rc = cache_load(j, saga, &e);
	if (rc == 0)
		return apply_verb(j, e, call, r);
	if (rc == ERR_NOT_FOUND) {
		r->code = err_set(&r->err, ERR_NOT_FOUND, "there is no saga %lld", (long long)saga);
		return 0;
	}
	return rc;
}

int ops_verb(struct journal *j, struct op *op)
{
	return ops_verb_on(j, op->u.verb.saga, &op->u.verb.call, &op->u.verb.result);
}

int ops_target_act(struct journal *j, struct op *op)
{
	struct verb_result *r = &op->u.verb.result;
	struct target_entry *t = target_of_name(j, op->text[0]);
	if (t == NULL) {
		r->code = err_set(&r->err, ERR_NOT_FOUND, "there is no target %s", op->text[0]);
		return 0;
	}
	struct target_row before = t->row;
	int rc = target_apply_action(j, t, op->u.verb.action, op->text[1], op->text[2]);
	r->changed = before.paused != t->row.paused || before.held != t->row.held ? 1 : 0;
	return rc;
}

int ops_set_targets(struct journal *j, struct op *op)
{
	return targets_set_rules(j, op->u.set.targets, op->u.set.count);
}

int ops_add_record(struct journal *j, struct op *op)
{
	enum record_kind kind = op->u.subject == SUBJECT_CONFIG ? RECORD_CONFIG : RECORD_DAEMON;
	records_add(log_records(j, op->u.subject, 0), &(struct record){ .kind = kind,
																	.at_ms = j->now_ms,
																	.step = RECORD_NO_STEP,
																	.text = str_of(op->text[0]),
																	.actor = str_of(op->text[1]),
																	.note = str_of(op->text[2]) });
	return 0;
}
