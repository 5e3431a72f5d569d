/* What operators ask: verbs on sagas, pauses of targets, new configurations. Each leaves a record with its
 * actor and reason. */
#include <stdio.h>
#include <string.h>

#include "saga/journal/ops/ops.h"
#include "saga/journal/schedule/schedule.h"

/* Counts the steps that would start if their target were neither paused nor held, so that the operator learns
 * why the verb has no effect yet. */
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

/* A refusal of the model is the operator's answer, not an error of the batch. */
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
	bool starts_steps = call->verb == VERB_RESUME || call->verb == VERB_RETRY || call->verb == VERB_REDO;
	if (r->code == 0 && starts_steps)
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

bool ops_answer_damaged(struct journal *j, int64_t saga, int rc, struct verb_result *r)
{
	if (!cache_is_damaged(j, rc) || j->cache.damaged_saga != saga)
		return false;
	r->code = err_set(&r->err, ERR_CORRUPT, "%s; run `almoner verify`, restore a backup", j->err.text);
	j->err = (struct err){ 0 };
	return true;
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
	log_add(j, op->u.subject, 0, kind, op->text[0], op->text[1], op->text[2]);
	return 0;
}
