/* The end after a store error: the journal writes nothing more, every waiting caller is answered, and
 * outcomes that are known but not on disk go to stderr with their numbers (op.c). A failed sync must not be
 * repeated: the next one may succeed although the data is lost (saga/store/README.md "Hazards of SQLite"). */
#include "saga/journal/journal_internal.h"

int journal_waiting_code(int code)
{
	return code == 0 || code == ERR_LOST ? code : ERR_IO;
}

int journal_fail(struct journal *j, int code)
{
	assert(code < 0);
	if (j->failed)
		return ERR_CLOSED;
	j->failed = true;
	if (j->err.code == 0)
		err_set(&j->err, code, "the saga log failed: %s", err_code_text(code));
	j->err.code = code; /* hooks.failed tells a lost store from a broken one */
	struct err ignored;
	if (j->batch.open && j->store.rollback(j->store.ctx, &ignored) != 0)
		j->batch.open = false; /* the store cannot roll back either; the first error is the one to report */
	queue_close(&j->queue);
	struct op_list left = STAILQ_HEAD_INITIALIZER(left);
	queue_take(&j->queue, &left, SIZE_MAX);
	struct op *op;
	while ((op = STAILQ_FIRST(&left)) != NULL) {
		STAILQ_REMOVE_HEAD(&left, link);
		op_finish(op, journal_waiting_code(code));
	}
	if (j->hooks.failed != NULL)
		j->hooks.failed(j->hooks.ctx, &j->err);
	return code;
}
