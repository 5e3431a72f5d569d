/* The whole engine with one target, "crm", and a journal that only records the engine's calls. */
#ifndef ALMONER_TESTS_UNIT_ENGINE_WHOLE_ENGINE_H
#define ALMONER_TESTS_UNIT_ENGINE_WHOLE_ENGINE_H

#include "gateway/engine/engine.h"
#include "gateway/engine/engine_internal.h"
#include "saga/journal/engine_port.h"
#include "tests/unit/engine/engine_fixture.h"

#define WHOLE_T0 ((int64_t)1000000)

struct journal {
	unsigned releases, claims, starts, spills, not_started, outcomes;
	bool breaker_not_closed;
	char breaker_note[96]; /* of the last journal_breaker */
	uint32_t claimed;      /* by the last journal_claim */
	struct work *asked;    /* by the last journal_start or journal_condition_result */
};

struct whole_engine {
	struct journal journal;
	struct engine *engine;
	struct engine_target_config config;
	int64_t now_ms;
	unsigned began[4];    /* attempts of each connector; its address is the connector */
	uint32_t every_class; /* the class with which each attempt of whole_let_attempts_end ends */
	bool sends;
	bool when_fails;                  /* a condition cannot be evaluated */
	struct transport_request request; /* the last one */
	struct buf log;                   /* the lines for the gateway's log, each as "level target: text" */
};

extern const struct target_news whole_one_waits, whole_granted;

int whole_set_up(void **state);
int whole_tear_down(void **state);
/* The journal delivers a work and news, either of which may be NULL; then the engine ticks. */
void whole_deliver(struct whole_engine *r, struct work *w, const struct target_news *news);
/* A work of the target, with a slot. */
struct work *whole_work(enum work_kind kind);
/* The journal answers journal_start or journal_condition_result. */
void whole_answer(struct whole_engine *r, struct work *w, enum work_kind kind);
void whole_wait(struct whole_engine *r, int64_t ms);
void whole_reload(struct whole_engine *r, unsigned port);
struct target_news whole_held_news(int64_t backlog);
struct target_news whole_state_news(bool paused, bool breaker_not_closed);
enum breaker_state whole_breaker(const struct whole_engine *r);
/* The target's attempts now end with the class `ends_as`, after one exchange if `sends` is set. */
void whole_let_attempts_end(struct whole_engine *r, uint32_t ends_as, bool sends);
/* Starts an attempt whose exchange ends with this verdict. */
void whole_exchange(struct whole_engine *r, enum transport_verdict verdict);

#endif
