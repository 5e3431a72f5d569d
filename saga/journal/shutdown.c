/* The end after a store error: nothing is written any more, everybody waiting is told, and what is known of
 * the outside world but not on disk goes to stderr by number (DESIGN §4). */
#include "saga/journal/journal_internal.h"

int journal_fail(struct journal *j, int code)
{
	if (j->failed)
		return ERR_CLOSED;
	j->failed = true;
	if (j->err.code == 0)
		err_set(&j->err, code, "the saga log failed: %s", err_code_text(code));
	struct err ignored;
	if (j->batch.open && j->store.rollback(j->store.ctx, &ignored) != 0)
		j->batch.open = false; /* the store is beyond it; the first error is the one that matters */
	queue_close(&j->queue);
	struct op_list left = STAILQ_HEAD_INITIALIZER(left);
	queue_take(&j->queue, &left, SIZE_MAX);
	struct op *op;
	while ((op = STAILQ_FIRST(&left)) != NULL) {
		STAILQ_REMOVE_HEAD(&left, link);
		op_finish(op, ERR_IO);
	}
	if (j->hooks.failed != NULL)
		j->hooks.failed(j->hooks.ctx, &j->err);
	return code;
}
