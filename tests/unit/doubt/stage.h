/* One step at one target, played by the real engine, journal and store in virtual time, so that a test can
 * stop between any two of its moves and take the power away. The connector has two effects (the contact, then
 * the gift; undone in reverse) and a checkpoint between them; the sink has a memory and does as its repeat
 * class promises. */
#ifndef ALMONER_TESTS_UNIT_DOUBT_STAGE_H
#define ALMONER_TESTS_UNIT_DOUBT_STAGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/engine/engine.h"
#include "saga/journal/journal.h"
#include "saga/store/store_sqlite.h"

#define STAGE_T0     INT64_C(1700000000000)
#define STAGE_TTL_MS INT64_C(3600000)

/* What a target promises about a repeat, and whether the gateway comes back while a key still counts. */
enum promise {
	IDEMPOTENT,
	KEYED,
	KEYED_LAPSED,      /* the key is forgotten when the gateway comes back */
	KEYED_LAPSED_LOOK, /* the same, and the target can be asked */
	QUERYABLE,
	UNSAFE,
	PROMISES
};
const char *promise_name(enum promise p);

enum thing { CONTACT, GIFT, THINGS };

/* A request on the wire. */
struct stage_call {
	struct transport_request request;
	bool pending;
	bool arrived;
	char label[16]; /* "contact", "gift", "void", "remove", "find", "look" */
	char key[33];
};

struct stage {
	char dir[64], path[96], sending_path[112];
	struct sending *sending;
	enum promise promise;
	int64_t now_ms;
	struct journal *journal;
	struct engine *engine;
	struct journal_target target;
	struct plan *plan;
	bool may_ride; /* first intents may ride in the accepting commit */
	int64_t saga;
	struct stage_call call;
	char sent[200];           /* labels, in the order of sending, since the last power cut or kill */
	bool edited;              /* what the effects say is another text from now on */
	unsigned applied[THINGS]; /* times it was made */
	unsigned undone[THINGS];
	char keys[16][34]; /* label's first letter, then its key, as the sink first saw it */
	unsigned key_count;
	unsigned port_open;
};

struct stage *stage_open(enum promise promise, bool may_ride);
void stage_close(struct stage *s);

/* Moves. Each is one thing the process would do next. */
void stage_accept(struct stage *s); /* queues the event */
void stage_undo(struct stage *s);   /* queues a person's `compensate` */
void stage_tick(struct stage *s);
void stage_pump(struct stage *s);      /* what is queued becomes durable, and is handed out */
void stage_arrive(struct stage *s);    /* the request reaches its sink and takes effect */
void stage_answer(struct stage *s);    /* … and its reply the engine */
void stage_power_cut(struct stage *s); /* everything in memory is gone; the gateway starts again */
void stage_kill(struct stage *s);      /* … only what the process had of its own */
void stage_finish(struct stage *s);    /* until nothing moves any more; the sink answers all */

/* As stored. */
enum step_state stage_state(struct stage *s);
enum reason stage_reason(struct stage *s);
bool stage_undoing(struct stage *s);

/* two.c: the connector. */
struct connector_port two_port(struct stage *s);

#endif
