/* An operation: what a port function asks of the journal's thread. It is made on the caller's thread
 * (submit.c), waits in the queue, runs once inside the transaction of a batch, is answered after the commit,
 * and freed. */
#ifndef ALMONER_SAGA_JOURNAL_FRONT_OP_H
#define ALMONER_SAGA_JOURNAL_FRONT_OP_H

#include <sys/queue.h>

#include "saga/journal/intake_port.h"
#include "saga/journal/journal.h"
#include "saga/journal/operator_port.h"

enum op_kind {
	OP_ACCEPT,
	/* From OP_START to OP_BREAKER: reports of the engine (queue.c). */
	OP_START,
	OP_CONDITION_RESULT,
	OP_NOT_STARTED,
	OP_CHECKPOINT,
	OP_OUTCOME,
	OP_SPILL,
	OP_CLAIM,
	OP_BREAKER,
	OP_VERB,
	OP_REPROCESS,
	OP_TARGET_ACT,
	OP_SET_TARGETS,
	OP_ADD_RECORD,
	OP_JOB_CREATE,
	OP_JOB_SLICE, /* runs after all other queued operations */
	OP_JOB_CANCEL,
	OP_KEEP_REJECTED,
	OP_DROP_REJECTED,
	OP_KIND_COUNT
};

#define OP_TEXTS 4

/* The member of `u` that belongs to the kind holds its arguments and its result. Texts are copies in `text`;
 * the comment of each member says which text has which index. */
struct op {
	STAILQ_ENTRY(op) link;
	enum op_kind kind;
	char *text[OP_TEXTS]; /* owned; NULL: not given */
	void *ctx;            /* of the callback */
	union {
		struct {              /* OP_ACCEPT */
			struct accept *a; /* owned until it is answered */
			struct accept_result result;
			/* the number of the saga or related event that it becomes if it is no duplicate; 0: the next
			 * one (prepare.c) */
			int64_t number;
			size_t bytes; /* the memory that the operation counts for in the queue */
		} accept;
		struct { /* OP_START … OP_SPILL */
			/* the work that the operation returns to the journal, owned; NULL once it was handed back */
			struct work *w;
			bool condition_true;    /* OP_CONDITION_RESULT */
			struct outcome outcome; /* OP_OUTCOME; texts: detail, result, hold reason */
			char *bytes;            /* OP_CHECKPOINT; owned, NULL once the work has them */
			size_t bytes_len;
		} step;
		struct { /* OP_CLAIM, OP_BREAKER */
			uint32_t target;
			uint32_t max;               /* OP_CLAIM */
			enum breaker_state breaker; /* OP_BREAKER; text: note */
		} target;
		struct { /* OP_VERB, OP_REPROCESS, OP_TARGET_ACT */
			int64_t saga;
			struct verb_call call;    /* OP_VERB; texts: actor, note, result JSON */
			struct event *event;      /* OP_REPROCESS, down to `gift`; texts: actor, note. A reference */
			struct saga_start *start; /* the saga to start, owned, with its texts and lanes in one block */
			enum accept_kind kind;
			uint8_t dedup[STORE_KEY_BYTES];
			bool has_gift;
			uint8_t gift[STORE_KEY_BYTES];
			enum target_action action; /* OP_TARGET_ACT; texts: target, actor, note */
			struct verb_result result;
			verb_done_fn *done;
		} verb;
		struct {                            /* OP_SET_TARGETS */
			struct journal_target *targets; /* owned, with their names */
			size_t count;
			void (*done)(void *ctx, const struct journal_target *targets, size_t count);
		} set;
		struct {                      /* OP_JOB_CREATE, OP_JOB_SLICE, OP_JOB_CANCEL */
			struct job *job;          /* the job, owned: the draft, and afterwards the stored job */
			struct job_slice slice;   /* OP_JOB_SLICE; texts: held, error */
			struct job_saga *sagas;   /* OP_JOB_SLICE; owned: the result for each id */
			struct job_result result; /* texts of OP_JOB_CANCEL: actor, note */
			job_done *done;
		} job;
		struct { /* OP_KEEP_REJECTED, OP_DROP_REJECTED */
			/* the request, whose texts are in `block`; OP_DROP_REJECTED: only the id */
			struct rejected_row row;
			char *block; /* owned */
			size_t bytes;
			int64_t keep_bytes;
		} rejected;
		enum subject subject; /* OP_ADD_RECORD; texts: text, actor, note */
	} u;
};

STAILQ_HEAD(op_list, op);

/* Makes an operation that is zeroed but for its kind. Thread: any. */
struct op *op_new(enum op_kind kind);
/* Runs the operation in the open transaction. 0, or a store error; what the caller did wrong is in the
 * operation's result instead. */
int op_run(struct journal *j, struct op *op) MUST_CHECK;
/* Answers the caller and frees. `code`: 0 after the commit, else why nothing was recorded. */
void op_finish(struct op *op, int code);
/* Frees without an answer. */
void op_drop(struct op *op);

#endif
