/* One step at one target, run by the real engine, journal and store in virtual time, so that a test can
 * stop between any two actions and cut the power. The connector has two effects (it creates a contact,
 * then a gift; undo reverses them) and a checkpoint between them. The target is simulated: it remembers
 * what it did and behaves as its repeat class promises. */
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

/* What a target promises about repeats, and whether the gateway restarts before the target forgets a key. */
enum promise {
	IDEMPOTENT,
	KEYED,
	KEYED_LAPSED,        /* the target has forgotten the key when the gateway restarts */
	KEYED_LAPSED_LOOKUP, /* as KEYED_LAPSED, and the target supports look-ups */
	QUERYABLE,
	QUERYABLE_PARTS, /* as QUERYABLE, and a look-up says when only the first effect is there */
	UNSAFE,
	PROMISES
};
const char *promise_name(enum promise p);

enum effect_kind { CONTACT, GIFT, EFFECT_KINDS };

/* A request in flight. */
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
	bool may_start_in_commit; /* the first intent may be in the commit that accepts the event */
	int64_t saga;
	struct fixture_call call;
	char sent[200];   /* labels of the requests sent since the last power cut or kill, in order */
	bool edited;      /* the template was edited: effects have another body from now on */
	unsigned partial; /* how many look-ups found only the first effect */
	unsigned applied[EFFECT_KINDS]; /* how often each effect was made */
	unsigned undone[EFFECT_KINDS];
	char keys[16][34]; /* first letter of a label, then the key that first came with it */
	unsigned key_count;
	unsigned port_open;
};

struct doubt_fixture *fixture_open(enum promise promise, bool may_start_in_commit);
void fixture_close(struct doubt_fixture *s);

/* Actions. Each one is a single thing that the process does next. */
void fixture_accept(struct doubt_fixture *s); /* queues the event */
void fixture_undo(struct doubt_fixture *s);   /* queues an operator's `compensate` */
void fixture_tick(struct doubt_fixture *s);
void fixture_pump(struct doubt_fixture *s);      /* commits what is queued and hands out the works */
void fixture_arrive(struct doubt_fixture *s);    /* the request reaches the target and takes effect */
void fixture_answer(struct doubt_fixture *s);    /* the reply reaches the engine */
void fixture_power_cut(struct doubt_fixture *s); /* all memory is lost; the gateway starts again */
void fixture_kill(struct doubt_fixture *s); /* only the memory of the process is lost; mapped files survive */
void fixture_finish(
	struct doubt_fixture *s); /* runs until nothing is left to do; the target answers everything */

/* The step as the store has it. */
enum step_state fixture_state(struct doubt_fixture *s);
enum reason fixture_reason(struct doubt_fixture *s);
bool fixture_undoing(struct doubt_fixture *s);

/* The connector (pair_connector.c). */
struct connector_port pair_connector_port(struct doubt_fixture *s);

#endif
