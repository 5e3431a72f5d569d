/* One attempt at a step: a state machine between a connector, the transport and the owner (delivery.c).
 *
 *     begin ─► in connector ──► sending ──reply──► in connector ─► … ─► ended (outcome)
 *                    └─► checkpointing ──durable──► sending
 *
 * The connector is asked for an action at most ATTEMPT_EXCHANGES times. An exchange with effects that is
 * not the first one of the attempt and carries a checkpoint waits until the checkpoint is durable. What a
 * failure means follows from what was sent so far and whether it may have had an effect (saga/DESIGN.md
 * "Outcome classes"). Thread: the engine's. */
#ifndef ALMONER_ENGINE_ATTEMPT_H
#define ALMONER_ENGINE_ATTEMPT_H

#include <sys/queue.h>

#include "gateway/engine/ports.h"
#include "gateway/engine/request.h"
#include "saga/journal/schedule/work.h"
#include "saga/model/key.h"

/* the most calls of the connector's `next` in one attempt; promised by the connector header */
#define ATTEMPT_EXCHANGES    16
#define ATTEMPT_DETAIL_BYTES 300 /* the longest detail text of an outcome; chosen, no measurement */
#define ATTEMPT_CODE_BYTES   64  /* the longest code of a target; promised by the connector header */
#define ATTEMPT_RESULT_BYTES ((size_t)64 * 1024) /* the longest result of a step; chosen, no measurement */
/* the longest checkpoint, in bytes; promised by the connector header */
#define ATTEMPT_CHECKPOINT_MAX 4096

enum attempt_state {
	ATTEMPT_IN_CONNECTOR,  /* inside a call of the connector: it ends or decides what to send */
	ATTEMPT_SENDING,       /* the transport has an exchange */
	ATTEMPT_CHECKPOINTING, /* the journal has the work and makes its checkpoint durable */
	ATTEMPT_ENDED,
	ATTEMPT_STATES
};

enum attempt_input {
	ATTEMPT_REPLY,           /* the transport has a complete reply */
	ATTEMPT_EXCHANGE_FAILED, /* the transport has any other verdict */
	ATTEMPT_CHECKPOINTED,    /* the journal made the checkpoint durable */
	ATTEMPT_GONE,            /* the journal answered that the step must not run any more */
	ATTEMPT_EXPIRED,         /* the attempt's deadline has passed */
	ATTEMPT_ABORTED,         /* the daemon stops */
	ATTEMPT_INPUTS
};

struct attempt;

/* What an attempt asks of its owner. */
struct attempt_host {
	void *ctx;
	struct transport transport;
	int64_t (*now_ms)(void *ctx);
	/* Takes the work with attempt_take_work and passes it to the journal; `bytes` are borrowed for the
	 * call. */
	void (*checkpoint)(void *ctx, struct attempt *a, struct str bytes);
	/* Called before each exchange with effects; a->outcome.body is the digest of its request. Returns
	 * false when the request must not be sent now, because the record of requests in flight is full. */
	bool (*record_inflight)(void *ctx, struct attempt *a);
	/* Called once, from inside any function of this header. a->outcome is filled in, and its texts live as
	 * long as `a`. `outcome` is NULL after ATTEMPT_GONE: there is nothing to report. */
	void (*ended)(void *ctx, struct attempt *a, const struct outcome *outcome);
};

struct attempt_settings {
	uint32_t target;
	enum repeat repeat;
	struct transport_limits limits; /* fresh_connection is set for each exchange */
	int64_t deadline_ms;            /* of the whole attempt, by attempt_host.now_ms */
	int64_t wall_ms;                /* the time of day, for the connector */
};

struct attempt {
	/* The next six members belong to the owner of the attempt; attempt.c does not use them. */
	TAILQ_ENTRY(attempt) link;
	void *owner;
	uint32_t epoch;    /* the epoch of the target's breaker when the attempt began */
	uint32_t revision; /* the revision of the target's settings when the attempt began */
	bool counted;      /* the breaker counts this attempt as in flight */
	bool probe;        /* this attempt probes whether a held target accepts our credentials again */
	const struct attempt_host *host;
	const struct connector_port *port;
	struct attempt_settings settings;
	enum attempt_state state;
	struct work *work; /* NULL while the journal has it */
	int64_t saga;
	struct attempt_ref ref;
	uint32_t do_generation; /* see struct work */
	struct event *event;
	struct plan *plan;
	/* the work's texts, once attempt_take_work has moved them here; NULL before */
	char *results, *own_result, *checkpoint;
	struct almoner_step step;
	void *connector_state; /* what the connector's `begin` returned; NULL: not begun, or ended */
	struct almoner_action action;
	void *exchange;         /* the transport's handle in ATTEMPT_SENDING, else NULL */
	uint32_t calls;         /* of the connector's `next` */
	uint32_t exchanges;     /* handed to the transport */
	bool effects_submitted; /* an exchange with effects was handed to the transport */
	bool effect_sent;       /* an exchange with effects may have reached the target */
	/* an effect that may have reached the target stands in no checkpoint yet */
	bool effect_uncheckpointed;
	bool stop_expired, stop_aborted; /* attempt_stop was called in ATTEMPT_CHECKPOINTING */
	int64_t started_ms;
	int64_t reply_retry_ms;   /* Retry-After of the last reply, 0 for none */
	struct almoner_rate rate; /* what the connector reported with the outcome */
	uint32_t reply_status;
	bool not_sendable; /* TRANSPORT_NOT_SENDABLE: this attempt says nothing about the target */
	bool forbidden;    /* the connector reported ALMONER_FORBIDDEN; outcome.result is then OUTCOME_REJECTED */
	struct outcome outcome;
	char code[ATTEMPT_CODE_BYTES + 1];
	char detail[ATTEMPT_DETAIL_BYTES + 1];
	char *result;
};

/* Takes the work, whose intent is durable. Host and port are borrowed and outlive the attempt. */
struct attempt *attempt_create(const struct attempt_host *host, const struct connector_port *port,
							   const struct attempt_settings *settings, struct work *work);
/* Asks the connector for the first action. The attempt may end inside this call. */
void attempt_begin(struct attempt *a);
/* The journal answers host.checkpoint with ATTEMPT_CHECKPOINTED or ATTEMPT_GONE and gives the work back. */
void attempt_answer(struct attempt *a, enum attempt_input answer, struct work *work);
/* `why` is ATTEMPT_EXPIRED or ATTEMPT_ABORTED. The attempt ends inside this call; in ATTEMPT_CHECKPOINTING
 * it ends when the journal has answered. */
void attempt_stop(struct attempt *a, enum attempt_input why);
/* Gives the work to the caller. The attempt keeps what the connector may still look at. Requires that the
 * attempt has the work. */
struct work *attempt_take_work(struct attempt *a);
/* Ends the connector's attempt, cancels the exchange and frees everything, the work included. NULL is
 * accepted. */
void attempt_destroy(struct attempt *a);

#endif
