/* The functions of the ports: each copies its arguments into an operation and queues it. Thread: any. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "saga/base/mem.h"
#include "saga/journal/engine_port.h"
#include "saga/journal/journal_internal.h"

static char *copy(const char *text)
{
	return text != NULL ? mem_strdup(text) : NULL;
}

void journal_event_key(const char *source, const char *event_id, uint8_t out[STORE_KEY_BYTES])
{
	store_event_key(source, event_id, out);
}

void journal_gift_key(const char *source, const char *gift, uint8_t out[STORE_KEY_BYTES])
{
	store_gift_key(source, gift, out);
}

int journal_accept(struct journal *j, struct accept *a)
{
	assert(a->event != NULL && a->done != NULL && a->gift_wait_ms >= 0);
	assert(a->kind == ACCEPT_SAGA ? a->start.plan != NULL : a->has_gift);
	if (atomic_load_explicit(&j->disk.low, memory_order_relaxed))
		return ERR_FULL;
	struct op *op = op_new(OP_ACCEPT);
	op->u.accept.a = a;
	op->u.accept.bytes = sizeof *op + sizeof *a + event_bytes(a->event);
	int rc = queue_push(&j->queue, op);
	if (rc != 0)
		free(op); /* not op_drop: `a` stays the caller's */
	return rc;
}

/* ---- rejected requests ---- */

#define WAITING_BYTES_MAX                                                                                    \
	(4 << 20) /* the most bytes of rejected requests in the queue; chosen: they must not crowd out events */

/* Rejected requests have a bound of their own, since their senders need no valid signature. */
int journal_keep_rejected(struct journal *j, const struct rejected_row *row, int64_t keep_bytes)
{
	assert(keep_bytes >= 0);
	if (atomic_load_explicit(&j->disk.low, memory_order_relaxed) ||
		atomic_load(&j->rejected_bytes) > WAITING_BYTES_MAX)
		return ERR_FULL;
	struct op *op = op_new(OP_KEEP_REJECTED);
	op->u.rejected.row = store_rejected_copy(row, &op->u.rejected.block, &op->u.rejected.bytes);
	op->u.rejected.keep_bytes = keep_bytes;
	size_t bytes = op->u.rejected.bytes; /* once queued, the operation belongs to the journal's thread */
	atomic_fetch_add(&j->rejected_bytes, bytes);
	int rc = queue_push(&j->queue, op);
	if (rc != 0) {
		atomic_fetch_sub(&j->rejected_bytes, bytes);
		op_drop(op);
	}
	return rc;
}

int journal_drop_rejected(struct journal *j, int64_t id)
{
	struct op *op = op_new(OP_DROP_REJECTED);
	op->u.rejected.row.id = id;
	int rc = queue_push(&j->queue, op);
	if (rc != 0)
		op_drop(op);
	return rc;
}

/* ---- engine ---- */

/* The engine's reports have no error code: after the journal's end the operation is answered as failed, which
 * frees the work. */
static void push_or_fail(struct journal *j, struct op *op)
{
	if (queue_push(&j->queue, op) != 0)
		op_finish(op, ERR_CLOSED);
}

static struct op *step_op(enum op_kind kind, struct work *w)
{
	assert(w != NULL && w->saga > 0 && w->ref.step < PLAN_STEPS_MAX);
	struct op *op = op_new(kind);
	op->u.step.w = w;
	return op;
}

void journal_start(struct journal *j, struct work *w)
{
	assert(w->kind == WORK_READY);
	push_or_fail(j, step_op(OP_START, w));
}

void journal_condition_result(struct journal *j, struct work *w, bool condition_true)
{
	assert(w->kind == WORK_READY && w->needs_condition);
	struct op *op = step_op(OP_CONDITION_RESULT, w);
	op->u.step.condition_true = condition_true;
	push_or_fail(j, op);
}

void journal_not_started(struct journal *j, struct work *w)
{
	assert(w->ref.attempt > 0); /* its intent is durable */
	push_or_fail(j, step_op(OP_NOT_STARTED, w));
}

void journal_checkpoint(struct journal *j, struct work *w, struct str bytes)
{
	assert(w->ref.attempt > 0 && (bytes.p != NULL || bytes.len == 0) && bytes.len <= UINT32_MAX);
	struct op *op = step_op(OP_CHECKPOINT, w);
	op->u.step.bytes = mem_strndup(bytes.len > 0 ? bytes.p : "", bytes.len);
	op->u.step.bytes_len = bytes.len;
	push_or_fail(j, op);
}

int journal_record_inflight(struct journal *j, struct work *w, const uint8_t body[INFLIGHT_BODY_BYTES])
{
	return j->inflight != NULL ? inflight_record(j->inflight, w->saga, w->ref, body, &w->inflight) : 0;
}

void journal_clear_inflight(struct journal *j, struct work *w)
{
	if (j->inflight != NULL)
		inflight_clear(j->inflight, w->inflight);
	w->inflight = 0;
}

void journal_outcome(struct journal *j, struct work *w, const struct outcome *o, const char *hold_reason)
{
	assert(w->ref.attempt > 0 ||
		   o->result == OUTCOME_FAULT); /* a `when` that fails is a FAULT without attempt */
	assert(o->retry_after_ms >= 0 && o->duration_ms >= 0);
	struct op *op = step_op(OP_OUTCOME, w);
	op->u.step.outcome = *o;
	op->u.step.outcome.detail = op->text[0] = copy(o->detail);
	op->u.step.outcome.result_json = op->text[1] = copy(o->result_json);
	op->text[2] = copy(hold_reason);
	op->u.step.outcome.code = op->text[3] = copy(o->code);
	push_or_fail(j, op);
}

void journal_spill(struct journal *j, struct work *w)
{
	push_or_fail(j, step_op(OP_SPILL, w));
}

void journal_claim(struct journal *j, uint32_t target, uint32_t max)
{
	assert(target > 0 && max > 0);
	struct op *op = op_new(OP_CLAIM);
	op->u.target.target = target;
	op->u.target.max = max;
	push_or_fail(j, op);
}

void journal_breaker(struct journal *j, uint32_t target, enum breaker_state state, const char *note)
{
	assert(target > 0 && state < BREAKER_STATES);
	struct op *op = op_new(OP_BREAKER);
	op->u.target.target = target;
	op->u.target.breaker = state;
	op->text[0] = copy(note);
	push_or_fail(j, op);
}

/* ---- operators ---- */

static int push_or_drop(struct journal *j, struct op *op)
{
	int rc = queue_push(&j->queue, op);
	if (rc != 0)
		op_drop(op);
	return rc;
}

int journal_verb(struct journal *j, int64_t saga, const struct verb_call *call, void *ctx,
				 void (*done)(void *ctx, const struct verb_result *result))
{
	assert(call->verb < VERB_COUNT && call->step >= -1);
	struct op *op = op_new(OP_VERB);
	op->ctx = ctx;
	op->u.verb.done = done;
	op->u.verb.saga = saga;
	op->u.verb.call = *call;
	op->u.verb.call.actor = op->text[0] = mem_strdup(call->actor != NULL ? call->actor : "");
	op->u.verb.call.note = op->text[1] = mem_strdup(call->note != NULL ? call->note : "");
	op->u.verb.call.result_json = op->text[2] = copy(call->result_json);
	return push_or_drop(j, op);
}

/* Copies the start with its lanes and texts into one block, since `mapped` is the caller's; takes a reference
 * on the plan. */
static struct saga_start *copy_start(const struct saga_start *start)
{
	const char *const texts[] = { start->source, start->event_id, start->type,
								  start->gift,   start->donor,    start->note };
	size_t lanes = start->lanes != NULL ? start->plan->step_count * (size_t)LANE_BYTES : 0;
	size_t bytes = sizeof *start + lanes;
	for (size_t i = 0; i < 6; i++)
		bytes += str_of(texts[i]).len + 1;
	struct saga_start *to = mem_alloc(bytes);
	*to = *start;
	to->plan = plan_ref(start->plan);
	char *at = (char *)(to + 1);
	if (lanes > 0) {
		uint8_t(*copy_of)[LANE_BYTES] = (void *)at;
		memcpy(copy_of, start->lanes, lanes);
		to->lanes = (const uint8_t(*)[LANE_BYTES])copy_of;
		at += lanes;
	}
	const char **const slots[] = { &to->source, &to->event_id, &to->type, &to->gift, &to->donor, &to->note };
	for (size_t i = 0; i < 6; i++) {
		struct str text = str_of(texts[i]);
		memcpy(at, text.p, text.len);
		at[text.len] = '\0';
		*slots[i] = at;
		at += text.len + 1;
	}
	return to;
}

/* Of `mapped` everything is copied but its callbacks: the answer goes to `done`. */
int journal_reprocess(struct journal *j, int64_t saga, const struct accept *mapped, const char *actor,
					  const char *note, void *ctx, void (*done)(void *ctx, const struct verb_result *result))
{
	assert(mapped->event != NULL && mapped->start.plan != NULL);
	struct op *op = op_new(OP_REPROCESS);
	op->ctx = ctx;
	op->u.verb.done = done;
	op->u.verb.saga = saga;
	op->u.verb.event = event_ref(mapped->event);
	op->u.verb.start = copy_start(&mapped->start);
	op->u.verb.kind = mapped->kind;
	memcpy(op->u.verb.dedup, mapped->dedup, STORE_KEY_BYTES);
	op->u.verb.has_gift = mapped->has_gift;
	if (mapped->has_gift)
		memcpy(op->u.verb.gift, mapped->gift, STORE_KEY_BYTES);
	op->text[0] = copy(actor);
	op->text[1] = copy(note);
	return push_or_drop(j, op);
}

int journal_target_act(struct journal *j, const char *target, enum target_action action, const char *actor,
					   const char *note, void *ctx, void (*done)(void *ctx, const struct verb_result *result))
{
	assert(target != NULL && action >= TARGET_PAUSE && action <= TARGET_RELEASE);
	struct op *op = op_new(OP_TARGET_ACT);
	op->ctx = ctx;
	op->u.verb.done = done;
	op->u.verb.action = action;
	op->text[0] = copy(target);
	op->text[1] = copy(actor);
	op->text[2] = copy(note);
	return push_or_drop(j, op);
}

/* ---- jobs ---- */

static struct op *job_op(enum op_kind kind, void *ctx, job_done *done)
{
	assert(done != NULL);
	struct op *op = op_new(kind);
	op->ctx = ctx;
	op->u.job.done = done;
	return op;
}

int journal_job_create(struct journal *j, const struct job *draft, void *ctx, job_done *done)
{
	struct op *op = job_op(OP_JOB_CREATE, ctx, done);
	op->u.job.job = job_copy(draft);
	return push_or_drop(j, op);
}

int journal_job_slice(struct journal *j, const struct job_slice *slice, void *ctx, job_done *done)
{
	assert(slice->count <= JOB_SLICE_SAGAS && slice->position >= 0);
	assert(slice->error == NULL || slice->finished);
	struct op *op = job_op(OP_JOB_SLICE, ctx, done);
	op->u.job.slice = *slice;
	op->u.job.slice.held = op->text[0] = mem_strdup(slice->held != NULL ? slice->held : "");
	op->u.job.slice.error = op->text[1] = copy(slice->error);
	op->u.job.sagas = mem_zalloc((slice->count + 1) * sizeof *op->u.job.sagas);
	return push_or_drop(j, op);
}

int journal_job_cancel(struct journal *j, int64_t job, const char *actor, const char *note, void *ctx,
					   job_done *done)
{
	struct op *op = job_op(OP_JOB_CANCEL, ctx, done);
	op->u.job.slice.job = job;
	op->text[0] = copy(actor);
	op->text[1] = copy(note);
	return push_or_drop(j, op);
}

int journal_set_targets(struct journal *j, const struct journal_target *targets, size_t count, void *ctx,
						void (*done)(void *ctx, const struct journal_target *targets, size_t count))
{
	assert(targets != NULL || count == 0);
	struct op *op = op_new(OP_SET_TARGETS);
	op->ctx = ctx;
	op->u.set.done = done;
	op->u.set.targets = mem_zalloc((count + 1) * sizeof *targets);
	op->u.set.count = count;
	for (size_t i = 0; i < count; i++) {
		op->u.set.targets[i] = targets[i];
		op->u.set.targets[i].name = mem_strdup(targets[i].name);
	}
	return push_or_drop(j, op);
}

int journal_add_record(struct journal *j, enum subject subject, const char *text, const char *actor,
					   const char *note)
{
	assert((subject == SUBJECT_DAEMON || subject == SUBJECT_CONFIG) && text != NULL);
	struct op *op = op_new(OP_ADD_RECORD);
	op->u.subject = subject;
	op->text[0] = copy(text);
	op->text[1] = copy(actor);
	op->text[2] = copy(note);
	return push_or_drop(j, op);
}
