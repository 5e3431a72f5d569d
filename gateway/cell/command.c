#include "gateway/cell/command.h"

#include "gateway/cell/cell_internal.h"

int command_run_on(struct journal *j, const struct command *command)
{
	const struct command *c = command;
	switch (c->kind) {
	case COMMAND_VERB:
		return journal_verb(j, c->u.verb.saga, c->u.verb.call, c->ctx, c->u.verb.done);
	case COMMAND_REPROCESS:
		return journal_reprocess(j, c->u.reprocess.saga, c->u.reprocess.mapped, c->actor, c->note, c->ctx,
								 c->u.reprocess.done);
	case COMMAND_TARGET:
		return journal_target_act(j, c->u.target.name, c->u.target.action, c->actor, c->note, c->ctx,
								  c->u.target.done);
	case COMMAND_JOB_CREATE:
		return journal_job_create(j, c->u.job.create, c->ctx, c->u.job.done);
	case COMMAND_JOB_SLICE:
		return journal_job_slice(j, c->u.job.slice, c->ctx, c->u.job.done);
	case COMMAND_JOB_CANCEL:
		return journal_job_cancel(j, c->u.job.cancel, c->actor, c->note, c->ctx, c->u.job.done);
	case COMMAND_REPLAY:
		return journal_accept(j, c->u.accept);
	case COMMAND_DROP_REJECTED:
		return journal_drop_rejected(j, c->u.rejected);
	case COMMAND_RECORD:
		return journal_add_record(j, c->u.record.subject, c->u.record.text, c->actor, c->note);
	case COMMAND_KINDS:
		break;
	}
	assert(false); /* every kind returns above */
	return ERR_INVALID;
}

int command_run(struct cell *cell, const struct command *command)
{
	if (!cell_gate_enter(cell))
		return ERR_CLOSED;
	int rc = command_run_on(cell->journal, command);
	cell_gate_leave(cell);
	return rc;
}
