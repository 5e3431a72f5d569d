/* Requests that were rejected as not verified. They are kept beside the saga log, never in it; no caller
 * waits for them, and while the disk is low they are dropped. */
#include "saga/journal/ops/ops.h"

int ops_keep_rejected(struct journal *j, struct op *op)
{
	bool kept = false;
	if (atomic_load_explicit(&j->disk.low, memory_order_relaxed))
		return 0;
	int rc =
		j->store.rejected_put(j->store.ctx, &op->u.rejected.row, op->u.rejected.keep_bytes, &kept, &j->err);
	j->batch.wrote = j->batch.wrote || kept;
	return rc;
}

int ops_drop_rejected(struct journal *j, struct op *op)
{
	bool deleted = false;
	int rc = j->store.rejected_delete(j->store.ctx, op->u.rejected.row.id, &deleted, &j->err);
	j->batch.wrote = j->batch.wrote || deleted;
	return rc;
}
