#include "saga/journal/front/op.h"

#include <stdio.h>
#include <stdlib.h>

#include "saga/base/mem.h"
#include "saga/journal/journal_internal.h"
#include "saga/journal/ops/accept.h"
#include "saga/journal/ops/ops.h"
#include "saga/journal/schedule/schedule.h"

/* The answer to a verb or job whose commit failed. */
#define TEXT_LOG_FAILED                                                                                      \
	"nothing was changed: the saga log could not be written (%s); the daemon's log has the details"

struct op *op_new(enum op_kind kind)
{
	assert(kind >= OP_ACCEPT && kind < OP_KIND_COUNT);
	struct op *op = mem_zalloc(sizeof *op);
	op->kind = kind;
	return op;
}

static int run_accept(struct journal *j, struct op *op)
{
	return accept_run(j, op->u.accept.a, op->u.accept.number, &op->u.accept.result);
}

/* A saga that cannot be decoded concerns only the caller who asked for it: a verb loads the saga before it
 * does anything else, so the batch can continue. */
static bool answer_if_damaged(struct journal *j, struct op *op, int rc)
{
	bool verb = op->kind == OP_VERB || op->kind == OP_REPROCESS;
	return verb && ops_answer_damaged(j, op->u.verb.saga, rc, &op->u.verb.result);
}

/* When the operation has freed a lane, the next saga of the lane is scheduled at once, so that the next
 * operation finds every lane in its final state. */
int op_run(struct journal *j, struct op *op)
{
	assert(j->batch.open);
	static int (*const run[])(struct journal *, struct op *) = {
		[OP_ACCEPT] = run_accept,
		[OP_START] = ops_start,
		[OP_CONDITION_RESULT] = ops_condition_result,
		[OP_NOT_STARTED] = ops_not_started,
		[OP_CHECKPOINT] = ops_checkpoint,
		[OP_OUTCOME] = ops_outcome,
		[OP_SPILL] = ops_spill,
		[OP_CLAIM] = ops_claim,
		[OP_BREAKER] = ops_breaker,
		[OP_VERB] = ops_verb,
		[OP_REPROCESS] = accept_reprocess,
		[OP_TARGET_ACT] = ops_target_act,
		[OP_SET_TARGETS] = ops_set_targets,
		[OP_ADD_RECORD] = ops_add_record,
		[OP_JOB_CREATE] = ops_job_create,
		[OP_JOB_SLICE] = ops_job_slice,
		[OP_JOB_CANCEL] = ops_job_cancel,
		[OP_KEEP_REJECTED] = ops_keep_rejected,
		[OP_DROP_REJECTED] = ops_drop_rejected,
	};
	int rc = run[op->kind](j, op);
	if (answer_if_damaged(j, op, rc))
		rc = 0;
	return rc != 0 ? rc : schedule_next_in_lane(j);
}

/* ---- answers ---- */

static void answer_accept(struct op *op, int code)
{
	struct accept_result *r = &op->u.accept.result;
	if (code != 0)
		*r = (struct accept_result){ .code = code };
	struct accept *a = op->u.accept.a;
	op->u.accept.a = NULL;
	a->done(a->ctx, a, r);
}

/* Only this process knows what the target has done, and the store can no longer record it: stderr is the last
 * place where an operator can find it. */
static void print_lost_outcome(const struct op *op)
{
	const struct work *w = op->u.step.w;
	const struct outcome *o = &op->u.step.outcome;
	fprintf(stderr, "almoner: outcome not on disk: saga %lld, step %u, %s, generation %u, attempt %u: %s%s\n",
			(long long)w->saga, w->ref.step, name_of_direction(w->ref.direction), w->ref.generation,
			w->ref.attempt, name_of_outcome(o->result), o->effect_sent ? ", effect sent" : "");
}

static void answer_step(struct op *op, int code)
{
	if (code != 0 && op->kind == OP_OUTCOME && op->u.step.w != NULL)
		print_lost_outcome(op);
}

static void answer_verb(struct op *op, int code)
{
	struct verb_result *r = &op->u.verb.result;
	if (code != 0) {
		*r = (struct verb_result){ .code = code };
		err_set(&r->err, code, TEXT_LOG_FAILED, err_code_text(code));
	}
	if (op->u.verb.done != NULL)
		op->u.verb.done(op->ctx, r);
}

static void answer_set(struct op *op, int code)
{
	if (op->u.set.done != NULL)
		op->u.set.done(op->ctx, op->u.set.targets, code == 0 ? op->u.set.count : 0);
}

/* The counts and results of a slice belong to the answer only when the slice was applied. */
static void answer_job(struct op *op, int code)
{
	struct job_result *r = &op->u.job.result;
	if (code != 0) {
		*r = (struct job_result){ .code = code };
		err_set(&r->err, code, TEXT_LOG_FAILED, err_code_text(code));
	}
	if (r->code == 0)
		r->job = op->u.job.job;
	r->sagas = op->u.job.sagas;
	r->count = r->code == 0 ? op->u.job.slice.count : 0;
	op->u.job.done(op->ctx, r);
}

/* ---- freeing ---- */

static void free_accept(struct op *op)
{
	struct accept *a = op->u.accept.a;
	if (a == NULL)
		return;
	if (a->drop != NULL) {
		a->drop(a);
		return;
	}
	event_unref(a->event);
	free(a);
}

static void free_step(struct op *op)
{
	work_destroy(op->u.step.w);
	free(op->u.step.bytes);
}

static void free_verb(struct op *op)
{
	event_unref(op->u.verb.event);
	if (op->u.verb.start != NULL)
		plan_unref(op->u.verb.start->plan);
	free(op->u.verb.start);
}

static void free_set(struct op *op)
{
	for (size_t i = 0; i < op->u.set.count; i++)
		free((void *)(uintptr_t)op->u.set.targets[i].name);
	free(op->u.set.targets);
}

static void free_job(struct op *op)
{
	job_destroy(op->u.job.job);
	free(op->u.job.sagas);
}

static void free_rejected(struct op *op)
{
	free(op->u.rejected.block);
}

/* How each kind of operation is answered and freed. NULL: no caller waits for an answer; nothing but the
 * texts is owned. */
static const struct op_end {
	void (*answer)(struct op *op, int code);
	void (*free)(struct op *op);
} ends[] = {
	[OP_ACCEPT] = { answer_accept, free_accept },
	[OP_START] = { answer_step, free_step },
	[OP_CONDITION_RESULT] = { answer_step, free_step },
	[OP_NOT_STARTED] = { answer_step, free_step },
	[OP_CHECKPOINT] = { answer_step, free_step },
	[OP_OUTCOME] = { answer_step, free_step },
	[OP_SPILL] = { answer_step, free_step },
	[OP_CLAIM] = { NULL, NULL },
	[OP_BREAKER] = { NULL, NULL },
	[OP_VERB] = { answer_verb, free_verb },
	[OP_REPROCESS] = { answer_verb, free_verb },
	[OP_TARGET_ACT] = { answer_verb, free_verb },
	[OP_SET_TARGETS] = { answer_set, free_set },
	[OP_ADD_RECORD] = { NULL, NULL },
	[OP_JOB_CREATE] = { answer_job, free_job },
	[OP_JOB_SLICE] = { answer_job, free_job },
	[OP_JOB_CANCEL] = { answer_job, free_job },
	[OP_KEEP_REJECTED] = { NULL, free_rejected },
	[OP_DROP_REJECTED] = { NULL, NULL },
};

void op_drop(struct op *op)
{
	if (ends[op->kind].free != NULL)
		ends[op->kind].free(op);
	for (size_t i = 0; i < OP_TEXTS; i++)
		free(op->text[i]);
	free(op);
}

void op_finish(struct op *op, int code)
{
	assert(code <= 0);
	if (ends[op->kind].answer != NULL)
		ends[op->kind].answer(op, code);
	op_drop(op);
}
