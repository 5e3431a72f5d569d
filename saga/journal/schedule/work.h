/* What passes between the journal and the engine: one step's share of work, owned by whoever holds it. */
#ifndef ALMONER_SAGA_JOURNAL_SCHEDULE_WORK_H
#define ALMONER_SAGA_JOURNAL_SCHEDULE_WORK_H

#include <sys/queue.h>

#include "saga/model/decide.h"
#include "saga/model/event.h"
#include "saga/model/plan.h"

enum work_kind {
	WORK_START,        /* its intent is durable and a slot is held for it: begin the attempt */
	WORK_READY,        /* no intent yet: keep it in the window; when a slot is free, journal_start() */
	WORK_CHECKPOINTED, /* answer to journal_checkpoint: the next effect may go out */
	WORK_GONE /* answer to journal_start or journal_checkpoint: must not run now; free slot and work */
};

struct work {
	STAILQ_ENTRY(work) link; /* the holder's, for its queues */
	enum work_kind kind;
	int64_t saga;
	uint32_t target;        /* id, as in journal_target */
	struct attempt_ref ref; /* ref.attempt is set once the intent is durable */
	struct event *event;    /* a reference */
	struct plan *plan;      /* a reference */
	bool lookup;            /* the attempt is a look-up (ALMONER_LOOKUP) */
	bool needs_condition;   /* READY: `when` must be evaluated first, journal_condition_result() */
	bool slot; /* READY from journal_claim: its slot is held and no window memory is reserved for it */
	bool effect_before; /* an earlier attempt of this generation may have taken effect */
	bool has_body;
	uint8_t body[16];       /* digest the request must have, when has_body */
	int64_t expire_at_ms;   /* 0: never */
	int64_t ready_ms;       /* since when it waits */
	char *results;          /* JSON of earlier steps, never NULL */
	char *own_result;       /* JSON or NULL */
	uint32_t do_generation; /* of an undo: the last one of the do it reverses; 0: the first */
	char *checkpoint;       /* or NULL */
	uint32_t checkpoint_len;
	uint32_t inflight; /* its slot in inflight.h; 0: none */
	size_t bytes;      /* memory it stands for, for windows */
	void *engine;      /* the engine's own */
};

STAILQ_HEAD(work_list, work);

/* Drops the references and frees. NULL is accepted. */
void work_destroy(struct work *w);

#endif
