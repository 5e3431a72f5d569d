/* The handlers of operations: each runs inside the transaction of a batch and returns 0 or a store error.
 * What the caller did wrong goes into the operation's result, and the handler returns 0. */
#ifndef ALMONER_SAGA_JOURNAL_OPS_OPS_H
#define ALMONER_SAGA_JOURNAL_OPS_OPS_H

#include "saga/journal/journal_internal.h"

/* attempt_ops.c: reports and requests of the engine, as engine_port.h describes them */
int ops_start(struct journal *j, struct op *op);
int ops_condition_result(struct journal *j, struct op *op);
int ops_not_started(struct journal *j, struct op *op);
int ops_checkpoint(struct journal *j, struct op *op);
int ops_outcome(struct journal *j, struct op *op);
int ops_spill(struct journal *j, struct op *op);
int ops_claim(struct journal *j, struct op *op);
int ops_breaker(struct journal *j, struct op *op);

/* operator_ops.c: what operators and the daemon ask, as operator_port.h describes it */
int ops_verb(struct journal *j, struct op *op);
int ops_target_act(struct journal *j, struct op *op);
int ops_set_targets(struct journal *j, struct op *op);
int ops_add_record(struct journal *j, struct op *op);
/* One verb on one saga: fills the result. ERR_CORRUPT with cache_is_damaged: this saga cannot be decoded, and
 * nothing was changed. */
int ops_verb_on(struct journal *j, int64_t saga, const struct verb_call *call,
				struct verb_result *result) MUST_CHECK;

/* When `rc` says that this saga cannot be decoded, makes that the verb's result, clears j->err and returns
 * true. */
bool ops_answer_damaged(struct journal *j, int64_t saga, int rc, struct verb_result *r);

/* job_ops.c: jobs, as operator_port.h describes them */
int ops_job_create(struct journal *j, struct op *op);
int ops_job_slice(struct journal *j, struct op *op);
int ops_job_cancel(struct journal *j, struct op *op);

/* rejected_ops.c: rejected requests, as intake_port.h describes them */
int ops_keep_rejected(struct journal *j, struct op *op);
int ops_drop_rejected(struct journal *j, struct op *op);

#endif
