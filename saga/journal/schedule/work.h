/* A work: one step's share of work, passed between the journal and the engine. The holder of a work owns
 * it. */
#ifndef ALMONER_SAGA_JOURNAL_SCHEDULE_WORK_H
#define ALMONER_SAGA_JOURNAL_SCHEDULE_WORK_H

#include <sys/queue.h>

#include "saga/model/decide.h"
#include "saga/model/event.h"
#include "saga/model/plan.h"

enum work_kind {
	WORK_START, /* the step's intent is durable and a slot is reserved: begin the attempt */
	/* the step has no intent yet: keep it in the window, and call journal_start once a slot is free */
	WORK_READY,
	WORK_CHECKPOINTED, /* answer to journal_checkpoint: the next exchange with effects may go out */
	WORK_GONE /* answer to journal_start, _condition_result or _checkpoint: the step must not run now;
			   * free the slot and the work */
};

struct work {
	STAILQ_ENTRY(work) link; /* for lists of the holder */
	enum work_kind kind;
	int64_t saga;
	uint32_t target;        /* id, as in struct journal_target */
	struct attempt_ref ref; /* WORK_READY: without the number of the attempt, which comes with the intent */
	struct event *event;    /* a reference */
	struct plan *plan;      /* a reference */
	bool lookup;            /* the attempt begins with a look-up (ALMONER_LOOKUP) */
	bool needs_condition;   /* WORK_READY: evaluate `when` first, then call journal_condition_result */
	bool slot;              /* WORK_READY from a claim: a slot is reserved for it, and no window memory */
	bool effect_before;     /* an earlier attempt of this generation may have taken effect */
	bool has_body;
	uint8_t body[16];     /* with has_body: the digest that the request must have */
	int64_t expire_at_ms; /* 0: never */
	int64_t ready_ms;     /* the time from which the step waits to start */
	char *results;        /* JSON object of the earlier steps' results, owned, never NULL */
	char *own_result;     /* JSON of this step's own result, owned; NULL: none */
	/* for an undo: the last generation of the do that the undo reverses; 0: the first */
	uint32_t do_generation;
	char *checkpoint; /* owned; the connector's bytes, or NULL */
	uint32_t checkpoint_len;
	uint32_t inflight; /* the work's slot in the inflight file (saga/journal/state/inflight.h); 0: none */
	size_t bytes;      /* the memory that the work counts for in windows */
	void *engine;      /* a pointer for the engine; the journal does not use it */
};

STAILQ_HEAD(work_list, work);

/* Drops the references and frees. NULL is accepted. Thread: any. */
void work_destroy(struct work *w);

#endif
