/* A saga to decide about, in one line: plans written as "a b>a c>a d>bc" (d comes after b and c; letters in
 * the order of the alphabet), rules per step, a clock that is set by hand and random numbers from a seed. */
#ifndef ALMONER_TESTS_UNIT_MODEL_KIT_H
#define ALMONER_TESTS_UNIT_MODEL_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "saga/model/decide.h"

#define KIT_START_MS INT64_C(1700000000000)

struct kit {
	struct plan *plan;
	struct saga *saga;
	struct step_rules rules[PLAN_STEPS_MAX]; /* of step i's target, which is named like the step */
	struct records log;
	struct decide d;
	uint64_t seed;
};

struct plan *kit_plan(enum policy policy, const char *steps);
/* Policy continue; step i expires after so long, or has a condition. */
struct plan *kit_plan_with(const char *steps, unsigned i, int64_t expire_ms, bool when);
/* Accepted, with every target idempotent, undoable, retrying after 1 s, ×2, at most 10 s, for ever. */
void kit_init(struct kit *k, enum policy policy, const char *steps);
/* As above with a plan of the caller's (taken over) and verdicts of `when`. */
void kit_init_plan(struct kit *k, struct plan *plan, uint32_t when_known, uint32_t when_true);
void kit_finish(struct kit *k);

struct step *kit_step(struct kit *k, unsigned i);
/* Waits until it is due, then begins an attempt; fails the test when it does not start. */
struct attempt_ref kit_begin(struct kit *k, unsigned i);
/* One whole attempt that ends like this. */
void kit_try(struct kit *k, unsigned i, enum outcome_class result, bool effect_sent);
void kit_outcome(struct kit *k, struct attempt_ref ref, enum outcome_class result, bool effect_sent);
/* Returns decide_verb's code; step -1: the saga. */
int kit_verb(struct kit *k, enum verb verb, int step, unsigned *ret_changed);
/* Fails the test unless step i is in this state, for this reason. */
void kit_expect(struct kit *k, unsigned i, enum step_state state, enum reason reason);
void kit_expect_saga(struct kit *k, enum saga_state state);
/* How many records of a kind the log has; `text` NULL: any. */
unsigned kit_count(struct kit *k, enum record_kind kind, const char *text);

/* A small generator that gives the same numbers everywhere. */
uint64_t kit_random(uint64_t *seed);
uint64_t kit_below(uint64_t *seed, uint64_t bound);

#endif
