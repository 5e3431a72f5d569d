/* Requests that were refused as not verified: kept beside the saga log, never in it. Nobody waits for them,
 * and they are the first to go without room. */
#include <stdlib.h>
#include <string.h>

#include "saga/base/mem.h"
#include "saga/journal/ops/ops.h"

#define WAITING_BYTES_MAX (4 << 20) /* of those on their way to the store */

/* One block holds all its texts. */
static struct rejected_row copy_row(const struct rejected_row *row, char **ret_block, size_t *ret_bytes)
{
	struct rejected_row copy = *row;
	struct str *const texts[] = { &copy.source, &copy.address, &copy.url, &copy.headers, &copy.body };
	size_t count = sizeof texts / sizeof texts[0], bytes = 0;
	for (size_t i = 0; i < count; i++)
		bytes += texts[i]->len;
	char *at = *ret_block = mem_alloc(bytes + 1);
	*ret_bytes = bytes;
	for (size_t i = 0; i < count; i++) {
		if (texts[i]->len > 0)
			memcpy(at, texts[i]->p, texts[i]->len);
		texts[i]->p = at;
		at += texts[i]->len;
	}
	return copy;
}

int journal_keep_rejected(struct journal *j, const struct rejected_row *row, int64_t keep_bytes)
{
	if (atomic_load_explicit(&j->disk_low, memory_order_relaxed) ||
		atomic_load(&j->rejected_bytes) > WAITING_BYTES_MAX)
		return ERR_FULL;
	struct op *op = op_new(OP_KEEP_REJECTED);
	op->u.rejected.row = copy_row(row, &op->u.rejected.block, &op->u.rejected.bytes);
	op->u.rejected.keep_bytes = keep_bytes;
	size_t bytes = op->u.rejected.bytes; /* once it is queued it is the thread's */
	(void)atomic_fetch_add(&j->rejected_bytes, bytes);
	int rc = queue_push(&j->queue, op);
	if (rc != 0) {
		(void)atomic_fetch_sub(&j->rejected_bytes, bytes);
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

int ops_keep_rejected(struct journal *j, struct op *op)
{
	bool kept = false;
	if (atomic_load_explicit(&j->disk_low, memory_order_relaxed))
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
