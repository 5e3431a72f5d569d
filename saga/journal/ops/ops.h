/* Handlers of operations: run inside the transaction, return 0 or a store error. */
#ifndef ALMONER_SAGA_JOURNAL_OPS_OPS_H
#define ALMONER_SAGA_JOURNAL_OPS_OPS_H

#include "saga/journal/journal_internal.h"

int ops_start(struct journal *j, struct op *op);
int ops_condition_result(struct journal *j, struct op *op);
int ops_not_started(struct journal *j, struct op *op);
int ops_checkpoint(struct journal *j, struct op *op);
int ops_outcome(struct journal *j, struct op *op);
int ops_spill(struct journal *j, struct op *op);
int ops_claim(struct journal *j, struct op *op);
int ops_breaker(struct journal *j, struct op *op);
int ops_verb(struct journal *j, struct op *op);
int ops_target_act(struct journal *j, struct op *op);
int ops_set_targets(struct journal *j, struct op *op);
int ops_add_record(struct journal *j, struct op *op);
int ops_job_create(struct journal *j, struct op *op);
int ops_job_slice(struct journal *j, struct op *op);
int ops_job_cancel(struct journal *j, struct op *op);
/* One verb on one saga: fills the result. ERR_CORRUPT and cache_is_damaged(): that one cannot be read. */
int ops_verb_on(struct journal *j, int64_t saga, const struct verb_call *call, struct verb_result *result);
int ops_keep_rejected(struct journal *j, struct op *op);
int ops_drop_rejected(struct journal *j, struct op *op);

#endif
