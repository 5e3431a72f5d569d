/* One attempt at a step: a machine of state × input, between a connector, the transport and whoever owns it.
 *
 *     begin ─► asking ──► sending ──reply──► asking ─► … ─► ended (outcome)
 *                 └─► checkpointing ──durable──► sending
 *
 * At most ATTEMPT_EXCHANGES exchanges. An effects exchange that is not the attempt's first one and carries a
 * checkpoint waits until that is durable. What a failure means follows from evidence: what was sent so far,
 * and whether it may have had an effect. Thread: one, the engine's. */
#ifndef ALMONER_ENGINE_ATTEMPT_H
#define ALMONER_ENGINE_ATTEMPT_H

#include <sys/queue.h>

#include "gateway/engine/ports.h"
#include "gateway/engine/request.h"
#include "saga/journal/schedule/work.h"
#include "saga/model/key.h"

#define ATTEMPT_EXCHANGES      16 /* calls of `next` */
#define ATTEMPT_DETAIL_BYTES   300
#define ATTEMPT_RESULT_BYTES   ((size_t)64 * 1024)
#define ATTEMPT_CHECKPOINT_MAX 4096

enum attempt_state {
	ATTEMPT_IN_CONNECTOR,
	ATTEMPT_SENDING,
	ATTEMPT_CHECKPOINTING,
	ATTEMPT_ENDED,
	ATTEMPT_STATES
};

enum attempt_input {
	ATTEMPT_REPLY,           /* a complete reply */
	ATTEMPT_EXCHANGE_FAILED, /* any other verdict of the transport */
	ATTEMPT_CHECKPOINTED,    /* what the journal answers … */
	ATTEMPT_GONE,            /* … or that the step has moved on */
	ATTEMPT_EXPIRED,         /* its time is over */
	ATTEMPT_ABORTED,         /* the daemon stops */
	ATTEMPT_INPUTS
};

struct attempt;

/* What an attempt needs of its owner. */
struct attempt_host {
	void *ctx;
	struct transport transport;
	int64_t (*now_ms)(void *ctx);
	/* Hands attempt_take_work() to the journal; `bytes` are borrowed for the call. */
	void (*checkpoint)(void *ctx, struct attempt *a, struct str bytes);
	/* Before each request with an effect: its digest is a->outcome.body. false: it must not go out now. */
	bool (*record_inflight)(void *ctx, struct attempt *a);
	/* a->outcome is filled, its texts live as long as `a`. From inside any call of this header. `outcome` is
	 * NULL when nothing is to be reported (GONE). */
	void (*ended)(void *ctx, struct attempt *a, const struct outcome *outcome);
};

struct attempt_settings {
	uint32_t target;
	enum repeat repeat;
	struct transport_limits limits; /* fresh_connection is set per exchange */
	int64_t deadline_ms;            /* of the whole attempt */
	int64_t wall_ms;                /* for the connector */
};

struct attempt {
	TAILQ_ENTRY(attempt) link; /* the owner's */
	void *owner;               /* likewise */
	uint32_t epoch;            /* likewise: of the breaker */
	uint32_t revision;         /* likewise: of the target */
	bool counted;              /* likewise: by the breaker */
	bool probe;                /* likewise: of a held target */
	const struct attempt_host *host;
	const struct connector_port *port;
	struct attempt_settings settings;
	enum attempt_state state;
	struct work *work; /* NULL while the journal has it */
	int64_t saga;
	struct attempt_ref ref;
	uint32_t do_generation; /* as in struct work */
	struct event *event;
	struct plan *plan;
	char *results, *own_result, *checkpoint; /* owned only once the work was handed to the journal */
	struct almoner_step step;
	void *connector_state; /* the connector's */
	struct almoner_action action;
	void *exchange;                  /* the transport's handle, while SENDING */
	uint32_t calls;                  /* of `next` */
	uint32_t exchanges;              /* handed to the transport */
	bool effects_submitted;          /* an EFFECTS exchange was submitted */
	bool effect_sent;                /* … and may have reached the target */
	bool effect_uncheckpointed;      /* … and no checkpoint says so yet */
	bool stop_expired, stop_aborted; /* came while CHECKPOINTING */
	int64_t started_ms;
	int64_t reply_retry_ms; /* Retry-After of the last reply */
	uint32_t reply_status;
	bool not_sendable; /* the transport would not send the request: nothing was heard of the target */
	bool forbidden;    /* the connector said FORBIDDEN; outcome.result is then OUTCOME_REJECTED */
	struct outcome outcome;
	char detail[ATTEMPT_DETAIL_BYTES + 1];
	char *result;
};

/* Takes the work (its intent is durable). May end at once, from inside the call. */
struct attempt *attempt_create(const struct attempt_host *host, const struct connector_port *port,
							   const struct attempt_settings *settings, struct work *work);
/* Asks the connector for the first action. */
void attempt_begin(struct attempt *a);
/* The journal's answers; the work is the attempt's again (CHECKPOINTED) or to be freed by it (GONE). */
void attempt_answer(struct attempt *a, enum attempt_input answer, struct work *work);
/* ATTEMPT_EXPIRED or ATTEMPT_ABORTED. Ends at once, or as soon as the journal has answered. */
void attempt_stop(struct attempt *a, enum attempt_input why);
/* The work leaves the attempt; what the connector still needs of it is kept. */
struct work *attempt_take_work(struct attempt *a);
/* Ends the connector's attempt, cancels the exchange, frees. */
void attempt_destroy(struct attempt *a);

#endif
