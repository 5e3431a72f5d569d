/* Commands: everything that an operator, a job or the configuration asks the saga log to change. Every verb of
 * the admin API goes through one function, command_run. Today it gives the command to the journal of this
 * process; an owner in another process may answer later, and then only this function changes. So no caller
 * may assume that the journal is in its process:
 *
 * - The answer comes through a callback, on any thread, perhaps seconds later.
 * - A command that was sent may be carried out although its answer is an error (ERR_CLOSED, ERR_LOST, ERR_IO:
 *   nobody knows whether its commit took place). A caller reads the state again instead of guessing.
 * - Everything that a command refers to is copied before command_run returns, except an accept, which is
 *   handed over. */
#ifndef ALMONER_GATEWAY_CELL_COMMAND_H
#define ALMONER_GATEWAY_CELL_COMMAND_H

#include "saga/journal/intake_port.h"
#include "saga/journal/operator_port.h"

enum command_kind {
	COMMAND_VERB,          /* a verb on a saga or on one of its steps */
	COMMAND_REPROCESS,     /* a stored event, mapped anew, takes the place of the old one */
	COMMAND_TARGET,        /* pauses or resumes a target */
	COMMAND_JOB_CREATE,    /* one verb on many sagas */
	COMMAND_JOB_SLICE,     /* the next sagas of a job */
	COMMAND_JOB_CANCEL,    /* ends a job */
	COMMAND_REPLAY,        /* accepts the event of a rejected request */
	COMMAND_DROP_REJECTED, /* deletes a rejected request; not answered */
	COMMAND_RECORD,        /* adds a record about the daemon or the configuration; not answered */
	COMMAND_KINDS
};

/* The members have the meaning of the arguments of the functions in saga/journal/operator_port.h and
 * intake_port.h. */
struct command {
	enum command_kind kind;
	const char *actor; /* who asks; COMMAND_VERB and COMMAND_JOB_CREATE: in the call and in the draft */
	const char *note;  /* why; as `actor`; may be NULL */
	void *ctx;         /* of `done` */
	union {
		struct {
			int64_t saga;
			const struct verb_call *call;
			verb_done_fn *done;
		} verb;
		struct {
			int64_t saga;
			const struct accept *mapped;
			verb_done_fn *done;
		} reprocess;
		struct {
			const char *name;
			enum target_action action;
			verb_done_fn *done;
		} target;
		struct { /* each kind of job command uses the member of its name, and `done` */
			const struct job *create;
			const struct job_slice *slice;
			int64_t cancel;
			job_done *done;
		} job;
		struct accept *accept; /* COMMAND_REPLAY: with its own ctx, `done`, actor and note */
		int64_t rejected;      /* COMMAND_DROP_REJECTED: the number of the request */
		struct {
			enum subject subject; /* SUBJECT_DAEMON or SUBJECT_CONFIG */
			const char *text;
		} record;
	} u;
};

struct cell;

/* 0: the command is on its way, and its `done` is called exactly once, after the commit or when it is known
 * that there will be none. Any other result: nothing happens and `done` is not called; an accept stays the
 * caller's. ERR_CLOSED: there is no cell, or it ends; ERR_FULL: of COMMAND_REPLAY, the queue or the disk is
 * full. Thread: any; also inside a `done`. */
int command_run(struct cell *cell, const struct command *command) MUST_CHECK;
/* The same on a journal, which the caller keeps alive: what command_run does here when there is a cell. */
int command_run_on(struct journal *j, const struct command *command) MUST_CHECK;

#endif
