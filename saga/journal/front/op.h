/* Operations on their way to the journal's thread, and the queue they wait in. */
#ifndef ALMONER_SAGA_JOURNAL_FRONT_OP_H
#define ALMONER_SAGA_JOURNAL_FRONT_OP_H

#include <pthread.h>
#include <sys/queue.h>

#include "saga/journal/journal.h"

enum op_kind {
	OP_ACCEPT,
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
	OP_JOB_SLICE, /* waits behind everything else */
	OP_JOB_CANCEL,
	OP_KEEP_REJECTED,
	OP_DROP_REJECTED
};

#define OP_TEXTS 4

struct op {
	STAILQ_ENTRY(op) link;
	enum op_kind kind;
	char *text[OP_TEXTS]; /* owned; what they are, each kind says */
	void *ctx;            /* of the callback */
	union {
		struct {
			struct accept *a;
			struct accept_result result;
			size_t bytes;
		} accept;
		struct {
			struct work *w; /* NULL once it went back or was freed */
			bool condition_true;
			struct outcome outcome; /* texts: detail, result, hold reason */
			char *bytes;            /* checkpoint */
			size_t bytes_len;
		} step;
		struct {
			uint32_t target; /* texts of a breaker's move: text, note */
			uint32_t max;    /* of a claim */
			bool not_closed; /* of a breaker's move */
		} target;
		struct {
			int64_t saga;
			struct verb_call call; /* texts: actor, note, result_json */
			struct event *event;   /* reprocess, with all down to `gift` */
			struct saga_start *start;
			enum accept_kind kind;
			uint8_t dedup[STORE_KEY_BYTES];
			bool has_gift;
			uint8_t gift[STORE_KEY_BYTES];
			enum target_action action; /* texts: target, actor, note */
			struct verb_result result;
			void (*done)(void *ctx, const struct verb_result *result);
		} verb;
		struct {
			struct journal_target *targets; /* names owned */
			size_t count;
			void (*done)(void *ctx, const struct journal_target *targets, size_t count);
		} set;
		struct {
			struct job *job;          /* the draft; then as it is after the operation */
			struct job_slice slice;   /* texts: held, error */
			struct job_saga *sagas;   /* of the slice */
			struct job_result result; /* texts of a cancel: actor, note */
			job_done *done;
		} job;
		struct {
			struct rejected_row row; /* texts in `block`; to drop: only the id */
			char *block;
			size_t bytes;
			int64_t keep_bytes;
		} rejected;
		enum subject subject; /* of a note; texts: text, actor, note */
	} u;
};

STAILQ_HEAD(op_list, op);

struct op_queue {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct op_list ops;
	struct op_list job_slices; /* slices of jobs: one a batch, after the others */
	size_t records, bytes;     /* accepts that wait for their commit */
	size_t records_cap, bytes_cap;
	bool closed;   /* takes nothing more */
	bool pushed;   /* something since the thread looked last */
	bool sleeping; /* the thread waits: wake it */
};

int queue_init(struct op_queue *q, size_t bytes_cap, size_t records_cap, struct err *err);
void queue_finish(struct op_queue *q);
/* ERR_CLOSED, or ERR_FULL for an accept: `op` stays with the caller. Thread: any. */
int queue_push(struct op_queue *q, struct op *op) MUST_CHECK;
/* Moves up to `max` operations out, and one of those behind; gives how many. */
size_t queue_take(struct op_queue *q, struct op_list *to, size_t max);
/* The same, but at most so many accepts: the engine's reports go past those that wait. Unless there is an
 * operation of anybody else, for those keep their order among the accepts. */
size_t queue_take_limited(struct op_queue *q, struct op_list *to, size_t max, size_t accepts,
						  bool *ret_delayed);
bool queue_empty(struct op_queue *q);
/* Waits for an operation or the close, at most `wait_ms` (-1: as long as it takes). `more`: what is in the queue
 * is held back, so for one more. */
void queue_wait(struct op_queue *q, int64_t wait_ms, bool new_only);
void queue_close(struct op_queue *q);
bool queue_closed(struct op_queue *q);
/* These accepts have their commit. */
void queue_committed(struct op_queue *q, size_t records, size_t bytes);

struct op *op_new(enum op_kind kind);
/* Runs inside the transaction. */
int op_run(struct journal *j, struct op *op);
/* Answers: `code` 0 after the commit, else why nothing was recorded. Then frees. */
void op_finish(struct op *op, int code);
/* Frees without a word. */
void op_drop(struct op *op);

#endif
