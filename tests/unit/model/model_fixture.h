/* A saga to decide about, in one line: plans written as "a b>a c>a d>bc" (d comes after b and c; letters in
 * the order of the alphabet), rules per step, a clock that is set by hand and random numbers from a seed. */
#ifndef ALMONER_TESTS_UNIT_MODEL_MODEL_FIXTURE_H
#define ALMONER_TESTS_UNIT_MODEL_MODEL_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "saga/model/decide.h"

#define FIXTURE_START_MS INT64_C(1700000000000)

struct model_fixture {
	struct plan *plan;
	struct saga *saga;
	struct step_rules rules[PLAN_STEPS_MAX]; /* of step i's target, which is named like the step */
	struct records log;
	struct decide d;
	uint64_t seed;
};

struct plan *fixture_plan(enum policy policy, const char *steps);
/* Like fixture_init with policy continue; step i expires after this time, or has a condition. */
struct plan *fixture_plan_with(const char *steps, unsigned i, int64_t expire_ms, bool when);
/* An accepted saga; every target is idempotent, can undo, and retries after 1 s, doubled up to 10 s, without
 * giving up. */
void fixture_init(struct model_fixture *k, enum policy policy, const char *steps);
/* Like fixture_init, with a plan of the caller (whose reference it takes) and results of `when`. */
void fixture_init_plan(struct model_fixture *k, struct plan *plan, uint32_t condition_known,
					   uint32_t condition_true);
void fixture_finish(struct model_fixture *k);

struct step *fixture_step(struct model_fixture *k, unsigned i);
/* Moves the clock until the step is due, then begins an attempt; fails the test if the attempt does not
 * start. */
struct attempt_ref fixture_begin(struct model_fixture *k, unsigned i);
/* Begins an attempt and ends it with this outcome. */
void fixture_try(struct model_fixture *k, unsigned i, enum outcome_class result, bool effect_sent);
void fixture_outcome(struct model_fixture *k, struct attempt_ref ref, enum outcome_class result,
					 bool effect_sent);
/* Applies a verb and returns the code of decide_verb; step -1: the whole saga. */
int fixture_verb(struct model_fixture *k, enum verb verb, int step, unsigned *ret_changed);
/* Fails the test unless step i is in this state, for this reason. */
void fixture_expect(struct model_fixture *k, unsigned i, enum step_state state, enum reason reason);
void fixture_expect_saga(struct model_fixture *k, enum saga_state state);
/* The number of records of this kind in the log; `text` NULL: with any text. */
unsigned fixture_count(struct model_fixture *k, enum record_kind kind, const char *text);

/* A pseudo-random generator that gives the same numbers on every machine. */
uint64_t fixture_random(uint64_t *seed);
uint64_t fixture_below(uint64_t *seed, uint64_t bound);

#endif
