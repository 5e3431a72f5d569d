#include "saga/journal/ops/prepare.h"

#include <stdlib.h>
#include <string.h>

#include "saga/base/array.h"
#include "saga/journal/state/prefetch.h"

static void add_key(struct journal *j, const uint8_t key[STORE_KEY_BYTES], int64_t provisional)
{
	struct reserved_keys *r = &j->reserved;
	ARRAY_GROW(r->keys, r->count, r->capacity);
	struct key_reservation *reservation = &r->keys[r->count++];
	reservation->provisional = provisional;
	memcpy(reservation->key, key, STORE_KEY_BYTES);
}

/* ---- accepts ---- */

/* The numbers that the accepts of the batch would get if none of them were a duplicate. */
struct next_numbers {
	int64_t saga, related;
};

/* The number that the event will have, if it is no duplicate. Only with numbers_skip is that final. */
static int64_t take_number(struct journal *j, struct op *op, struct next_numbers *next)
{
	bool related = op->u.accept.a->kind == ACCEPT_RELATED;
	int64_t *number = related ? &next->related : &next->saga;
	*number += j->stride;
	if (j->numbers_skip)
		op->u.accept.number = *number;
	return *number;
}

/* The lanes of the steps whose first rows decide whether the step may start. */
static void expect_lanes(struct journal *j, const struct saga_start *start)
{
	for (unsigned i = 0; i < start->plan->step_count; i++) {
		if ((start->lane_mask >> i & 1) != 0)
			prefetch_lane(j, start->plan->steps[i].target, start->lanes[i]);
	}
}

/* A related event never gets the key of its gift. */
static void prepare_accept(struct journal *j, struct op *op, struct next_numbers *next)
{
	const struct accept *a = op->u.accept.a;
	if (atomic_load_explicit(&j->disk.low, memory_order_relaxed))
		return; /* it will be refused */
	int64_t number = take_number(j, op, next);
	bool related = a->kind == ACCEPT_RELATED;
	add_key(j, a->dedup, related ? -number : number);
	if (a->has_gift)
		add_key(j, a->gift, related ? 0 : number);
	if (!related)
		expect_lanes(j, &a->start);
}

static void prepare_reprocess(struct journal *j, const struct op *op)
{
	int64_t saga = op->u.verb.kind == ACCEPT_RELATED ? 0 : op->u.verb.saga;
	prefetch_saga(j, op->u.verb.saga, false);
	add_key(j, op->u.verb.dedup, saga);
	if (op->u.verb.has_gift)
		add_key(j, op->u.verb.gift, saga);
}

/* ---- the others ---- */

static void prepare_job_slice(struct journal *j, const struct op *op)
{
	for (size_t i = 0; i < op->u.job.slice.count; i++)
		prefetch_saga(j, op->u.job.slice.ids[i], true);
}

static void prepare_report(struct journal *j, const struct op *op)
{
	prefetch_saga(j, op->u.step.w->saga, false); /* its event comes with the work */
	prefetch_lanes_of(j, op->u.step.w->saga);
}

static void prepare_op(struct journal *j, struct op *op, struct next_numbers *next)
{
	switch (op->kind) {
	case OP_ACCEPT:
		prepare_accept(j, op, next);
		break;
	case OP_START:
	case OP_CONDITION_RESULT:
	case OP_NOT_STARTED:
	case OP_CHECKPOINT:
	case OP_OUTCOME:
	case OP_SPILL:
		prepare_report(j, op);
		break;
	case OP_VERB:
		prefetch_saga(j, op->u.verb.saga, true);
		break;
	case OP_REPROCESS:
		prepare_reprocess(j, op);
		break;
	case OP_JOB_SLICE:
		prepare_job_slice(j, op);
		break;
	case OP_CLAIM: /* claims.c tells the store what it expects */
	case OP_BREAKER:
	case OP_TARGET_ACT:
	case OP_SET_TARGETS:
	case OP_ADD_RECORD:
	case OP_JOB_CREATE:
	case OP_JOB_CANCEL:
	case OP_KEEP_REJECTED:
	case OP_DROP_REJECTED:
	case OP_KIND_COUNT:
	default:
		break;
	}
}

/* First the journal announces to the store what it will read. Then it reserves the keys: this call goes to the
 * database, and brings the announced rows too. */
int prepare_ops(struct journal *j, const struct op_list *ops)
{
	assert(j->batch.open);
	struct reserved_keys *r = &j->reserved;
	struct next_numbers next = { j->last_saga, j->last_related };
	struct op *op;
	r->count = 0;
	STAILQ_FOREACH(op, ops, link)
	prepare_op(j, op, &next);
	if (j->numbers_skip) {
		j->last_saga = next.saga;
		j->last_related = next.related;
	}
	prefetch_send(j);
	return r->count > 0 ? j->store.keys_reserve(j->store.ctx, r->keys, r->count, &j->err) : 0;
}

void prepare_free(struct reserved_keys *r)
{
	free(r->keys);
	*r = (struct reserved_keys){ 0 };
}
