/* One step at one target, played by the real engine, journal and store in virtual time, so that a test can
 * stop between any two of its moves and take the power away. The connector has two effects (the contact, then
 * the gift; undone in reverse) and a checkpoint between them; the sink has a memory and does as its repeat
 * class promises. */
#ifndef ALMONER_TESTS_UNIT_DOUBT_DOUBT_FIXTURE_H
#define ALMONER_TESTS_UNIT_DOUBT_DOUBT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/engine/engine.h"
#include "saga/journal/journal.h"
#include "saga/store/store_sqlite.h"

#define FIXTURE_T0     INT64_C(1700000000000)
#define FIXTURE_TTL_MS INT64_C(3600000)

/* What a target promises about a repeat, and whether the gateway comes back while a key still counts. */
enum promise {
	IDEMPOTENT,
	KEYED,
	KEYED_LAPSED,        /* the key is forgotten when the gateway comes back */
	KEYED_LAPSED_LOOKUP, /* the same, and the target can be asked */
	QUERYABLE,
	UNSAFE,
	PROMISES
};
const char *promise_name(enum promise p);

enum effect_kind { CONTACT, GIFT, EFFECT_KINDS };

/* A request on the wire. */
struct fixture_call {
	struct transport_request request;
	bool pending;
	bool arrived;
	char label[16]; /* "contact", "gift", "void", "remove", "find", "look" */
	char key[33];
};

struct doubt_fixture {
	char dir[64], path[96], inflight_path[112];
	struct inflight_file *inflight;
	enum promise promise;
	int64_t now_ms;
	struct journal *journal;
	struct engine *engine;
	struct journal_target target;
	struct plan *plan;
	bool may_start_in_commit; /* first intents may ride in the accepting commit */
	int64_t saga;
	struct fixture_call call;
	char sent[200];                 /* labels, in the order of sending, since the last power cut or kill */
	bool edited;                    /* what the effects say is another text from now on */
	unsigned applied[EFFECT_KINDS]; /* times it was made */
	unsigned undone[EFFECT_KINDS];
	char keys[16][34]; /* label's first letter, then its key, as the sink first saw it */
	unsigned key_count;
	unsigned port_open;
};

struct doubt_fixture *fixture_open(enum promise promise, bool may_start_in_commit);
void fixture_close(struct doubt_fixture *s);

/* Moves. Each is one thing the process would do next. */
void fixture_accept(struct doubt_fixture *s); /* queues the event */
void fixture_undo(struct doubt_fixture *s);   /* queues a person's `compensate` */
void fixture_tick(struct doubt_fixture *s);
void fixture_pump(struct doubt_fixture *s);      /* what is queued becomes durable, and is handed out */
void fixture_arrive(struct doubt_fixture *s);    /* the request reaches its sink and takes effect */
void fixture_answer(struct doubt_fixture *s);    /* … and its reply the engine */
void fixture_power_cut(struct doubt_fixture *s); /* everything in memory is gone; the gateway starts again */
void fixture_kill(struct doubt_fixture *s);      /* … only what the process had of its own */
void fixture_finish(struct doubt_fixture *s);    /* until nothing moves any more; the sink answers all */

/* As stored. */
enum step_state fixture_state(struct doubt_fixture *s);
enum reason fixture_reason(struct doubt_fixture *s);
bool fixture_undoing(struct doubt_fixture *s);

/* pair_connector.c: the connector. */
struct connector_port pair_connector_port(struct doubt_fixture *s);

#endif
