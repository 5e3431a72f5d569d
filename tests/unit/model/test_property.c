/* Random inputs to random sagas, from a seed. After each input the checker below asserts the rules of the
 * model. */
#include <stdio.h>
#include <string.h>

#include "saga/model/settle.h"
#include "tests/unit/model/model_fixture.h"

#define RUNS_STEPS 20000

/* What the checker knows about a step from the inputs alone; it does not read the model's own flags. */
struct step_history {
	bool possible;    /* the present generation may have taken effect … */
	int64_t since_ms; /* … since then */
	int64_t begun_ms;
	bool ever_sent; /* an effect was sent, in direction do */
	bool succeeded; /* in the present generation the target reported success */
	bool undo_began;
	bool part_found; /* the last attempt was a look-up that found a part: the next one may send */
	uint32_t generation;
	uint8_t direction;
	uint8_t state;
};

struct property_fixture {
	struct model_fixture k;
	struct step_history seen[PLAN_STEPS_MAX];
	uint64_t began_with;
	uint64_t seed;
	uint8_t saga_state;
};

static unsigned pick(struct property_fixture *w, unsigned sides)
{
	return (unsigned)fixture_below(&w->seed, sides);
}

static struct plan *random_plan(struct property_fixture *w)
{
	static const char *const shapes[] = { "a",
										  "a b",
										  "a b c",
										  "a b>a c>b d>c",
										  "a b>a c>a d>bc",
										  "a b>a c d>c",
										  "a>c b>a c d>ab",
										  "a b c>ab d>c e>c f>de",
										  "a b>a c>a d>bc e>d f g>f h>eg" };
	unsigned shape = pick(w, sizeof shapes / sizeof shapes[0]);
	return fixture_plan((enum policy)pick(w, POLICY_COUNT), shapes[shape]);
}

static void random_rules(struct property_fixture *w)
{
	for (unsigned i = 0; i < w->k.plan->step_count; i++) {
		struct step_rules *r = &w->k.rules[i];
		r->repeat = (enum repeat)(1 + pick(w, REPEAT_COUNT - 1));
		r->repeat_ttl_ms = pick(w, 2) == 0 ? 3000 : 600000;
		r->retry.attempts = pick(w, 3) == 0 ? 0 : 1 + pick(w, 4);
		r->can_undo = pick(w, 4) != 0;
		r->can_undo_nothing = pick(w, 3) == 0;
		r->can_lookup = r->repeat == REPEAT_QUERYABLE ? pick(w, 4) != 0 : pick(w, 3) == 0;
	}
}

static void fixture_open(struct property_fixture *w, uint64_t seed)
{
	*w = (struct property_fixture){ .began_with = seed, .seed = seed };
	struct plan *plan = random_plan(w);
	fixture_init_plan(&w->k, plan, 0, 0);
	w->k.seed = seed ^ 0x5555;
	random_rules(w);
	for (unsigned i = 0; i < plan->step_count; i++)
		w->seen[i] = (struct step_history){ .generation = 1, .state = w->k.saga->steps[i].state };
	w->saga_state = w->k.saga->state;
}

#define HOLD(condition, text)                                                                                \
	do {                                                                                                     \
		if (!(condition))                                                                                    \
			fail_msg("seed %llu, step %s: %s", (unsigned long long)w->began_with, w->k.plan->steps[i].name,  \
					 text);                                                                                  \
	} while (0)

static bool undone_or_never(const struct property_fixture *w, unsigned j)
{
	const struct step *st = &w->k.saga->steps[j];
	bool never =
		st->direction == DIRECTION_DO && (st->state == STEP_SKIPPED || st->state == STEP_KEPT ||
										  (st->state == STEP_ATTENTION && st->reason != REASON_IN_DOUBT));
	return never ||
		   (st->direction == DIRECTION_UNDO && (st->state == STEP_SUCCEEDED || st->state == STEP_KEPT));
}

/* Before an intent: asserts that this step may be sent. */
static void check_start(struct property_fixture *w, unsigned i)
{
	const struct step *st = &w->k.saga->steps[i];
	HOLD(st->state != STEP_SUCCEEDED && st->state != STEP_SKIPPED, "a step at its end was started");
	if (st->direction == DIRECTION_DO) {
		HOLD(!w->k.saga->compensating || st->lookup_first, "done again in a saga that is being undone");
		for (unsigned j = 0; j < w->k.plan->step_count; j++) {
			const struct step *before = &w->k.saga->steps[j];
			bool ordered = (w->k.plan->steps[i].after >> j & 1) != 0;
			HOLD(!ordered || st->generation > 1 || w->k.saga->compensating ||
					 before->state == STEP_SUCCEEDED || before->generation > 1 || before->skip == SKIP_WHEN,
				 "started before a step it comes after");
		}
		return;
	}
	w->seen[i].undo_began = true;
	HOLD(w->seen[i].ever_sent || st->took_effect, "undone without having been done or tried");
	uint32_t dependants = settle_dependants(w->k.plan, i);
	for (unsigned j = 0; j < w->k.plan->step_count; j++)
		HOLD((dependants >> j & 1) == 0 || undone_or_never(w, j), "undone before one of its dependants");
}

/* Asserts that a step that may have taken effect is sent again only if the target recognises a repeat. */
static void check_send(struct property_fixture *w, unsigned i)
{
	const struct step *st = &w->k.saga->steps[i];
	const struct step_rules *r = &w->k.rules[i];
	struct step_history *seen = &w->seen[i];
	seen->begun_ms = w->k.d.now_ms;
	if (st->lookup_first)
		return;
	HOLD(!seen->succeeded, "a recorded success was sent again");
	if (!seen->possible || seen->part_found)
		return;
	HOLD(r->repeat == REPEAT_IDEMPOTENT ||
			 (r->repeat == REPEAT_KEYED && w->k.d.now_ms - seen->since_ms < r->repeat_ttl_ms),
		 "sent again though it may have worked");
}

static void note_possible(struct step_history *seen, int64_t since_ms)
{
	if (!seen->possible)
		seen->since_ms = since_ms;
	seen->possible = true;
}

/* After each input: asserts that nothing changed that only an operator may change. */
static void check_moves(struct property_fixture *w, bool by_operator)
{
	const char *broken = saga_check(w->k.saga);
	if (broken != NULL)
		fail_msg("seed %llu: %s", (unsigned long long)w->began_with, broken);
	for (unsigned i = 0; i < w->k.plan->step_count; i++) {
		const struct step *st = &w->k.saga->steps[i];
		struct step_history *seen = &w->seen[i];
		bool turned = seen->direction != st->direction;
		HOLD(by_operator || turned || seen->generation == st->generation,
			 "a generation grew without a person");
		HOLD(!turned || st->direction == DIRECTION_UNDO, "turned back from undo to do");
		HOLD(by_operator || seen->state != STEP_SKIPPED || st->state == STEP_SKIPPED,
			 "came back from skipped");
		HOLD(by_operator || seen->state != STEP_KEPT || st->state == STEP_KEPT, "came back from kept");
		HOLD(by_operator || seen->state != STEP_SUCCEEDED || st->state == STEP_SUCCEEDED || turned ||
				 (st->state == STEP_KEPT && w->k.saga->compensating),
			 "came back from succeeded");
		if (turned || seen->generation != st->generation)
			seen->succeeded = seen->possible = seen->part_found = false;
		seen->direction = st->direction;
		seen->generation = st->generation;
		seen->state = st->state;
	}
	if (!by_operator && saga_state_at_rest((enum saga_state)w->saga_state))
		assert_int_equal(w->k.saga->state, w->saga_state);
	w->saga_state = w->k.saga->state;
}

static void do_start(struct property_fixture *w, unsigned i)
{
	const struct step *st = &w->k.saga->steps[i];
	bool started = false;
	if (!decide_may_start(w->k.saga, (uint16_t)i))
		return;
	if (st->state == STEP_RETRY_WAIT && w->k.d.now_ms < st->due_ms && pick(w, 2) == 0)
		w->k.d.now_ms = st->due_ms;
	bool ends = decide_intent_would_end(&w->k.d, (uint16_t)i);
	uint32_t attempts = st->attempts;
	int rc = decide_intent(&w->k.d, (uint16_t)i, &started);
	assert_true(rc == 0 || rc == ERR_REFUSED);
	if (rc != 0)
		return;
	HOLD(started != ends, "decide_ends_instead foretold something else");
	if (started) {
		check_start(w, i);
		HOLD(st->attempts == attempts + 1, "attempts are not numbered one by one");
		check_send(w, i);
	}
}

/* A random outcome that the rules allow: a look-up never sends an effect. */
static struct outcome random_outcome(struct property_fixture *w, unsigned i)
{
	const struct step *st = &w->k.saga->steps[i];
	static const enum outcome_class of_send[] = { OUTCOME_OK,       OUTCOME_OK,           OUTCOME_OK,
												  OUTCOME_OK,       OUTCOME_UNKNOWN,      OUTCOME_UNKNOWN,
												  OUTCOME_BUSY,     OUTCOME_EXISTS,       OUTCOME_UNREACHABLE,
												  OUTCOME_REJECTED, OUTCOME_DENIED,       OUTCOME_FAULT,
												  OUTCOME_ABSENT,   OUTCOME_BODY_CHANGED, OUTCOME_PARTIAL };
	struct outcome o = { .result = of_send[pick(w, sizeof of_send / sizeof of_send[0])],
						 .duration_ms = pick(w, 500),
						 .retry_after_ms = pick(w, 4) == 0 ? pick(w, 60000) : 0,
						 .detail = pick(w, 2) == 0 ? "a line" : NULL,
						 .result_json = pick(w, 3) == 0 ? "{\"id\":1}" : NULL };
	bool may_send = !st->lookup_first && o.result != OUTCOME_BODY_CHANGED && o.result != OUTCOME_UNREACHABLE;
	o.effect_sent = may_send && (o.result == OUTCOME_OK || pick(w, 3) != 0);
	o.has_body = !st->lookup_first && pick(w, 2) == 0;
	memset(o.body, (int)(st->generation & 0x7f), sizeof o.body);
	return o;
}

static struct attempt_ref ref_of(const struct property_fixture *w, unsigned i)
{
	const struct step *st = &w->k.saga->steps[i];
	return (struct attempt_ref){ (uint16_t)i, (enum direction)st->direction, st->generation, st->attempts };
}

static void note_effect(struct property_fixture *w, unsigned i, const struct outcome *o)
{
	const struct step *st = &w->k.saga->steps[i];
	bool maybe = (o->result == OUTCOME_UNKNOWN || o->result == OUTCOME_FAULT) && o->effect_sent;
	/* The object that the target has already can be from this step. */
	if (!maybe && o->result != OUTCOME_OK && o->result != OUTCOME_EXISTS)
		return;
	note_possible(&w->seen[i], w->k.d.now_ms - o->duration_ms);
	if (st->direction == DIRECTION_DO)
		w->seen[i].ever_sent = true;
}

static void do_outcome(struct property_fixture *w, unsigned i)
{
	const struct step *st = &w->k.saga->steps[i];
	struct outcome o = random_outcome(w, i);
	struct attempt_ref ref = ref_of(w, i);
	bool running = st->state == STEP_RUNNING;
	bool lookup = st->lookup_first;
	uint8_t direction = st->direction;
	if (running && !lookup)
		note_effect(w, i, &o);
	int rc = decide_outcome(&w->k.d, ref, &o);
	assert_int_equal(rc, running ? 0 : ERR_STALE);
	if (rc == 0 && o.result == OUTCOME_OK && direction == DIRECTION_DO && st->direction == DIRECTION_DO)
		w->seen[i].succeeded = true;
	if (rc == 0 && o.result == OUTCOME_ABSENT && lookup)
		w->seen[i].possible = false;
	if (rc == 0)
		w->seen[i].part_found = o.result == OUTCOME_PARTIAL && lookup;
}

/* A crash: the request of a running attempt was sent, or it was not. */
static void do_crash(struct property_fixture *w)
{
	for (unsigned i = 0; i < w->k.plan->step_count; i++) {
		const struct step *st = &w->k.saga->steps[i];
		if (st->state != STEP_RUNNING)
			continue;
		if (!st->lookup_first)
			note_possible(&w->seen[i], w->seen[i].begun_ms);
		if (st->direction == DIRECTION_DO && !st->lookup_first)
			w->seen[i].ever_sent = true;
		w->seen[i].part_found = false;
		assert_int_equal(decide_recover(&w->k.d, (uint16_t)i, NULL), 0);
		if (pick(w, 8) == 0) {
			int rc = decide_blame(&w->k.d, (uint16_t)i, "it died here");
			assert_true(rc == 0 || rc == ERR_STALE);
		}
	}
}

static void do_verb(struct property_fixture *w)
{
	enum verb verb = (enum verb)pick(w, VERB_COUNT);
	const struct verb_call call = { .verb = verb,
									.step = pick(w, 4) == 0 ? -1 : (int)pick(w, w->k.plan->step_count),
									.redo_in_doubt = pick(w, 3) == 0,
									.actor = "uid 1",
									.note = "" };
	unsigned changed = 0;
	unsigned doubt = 0;
	struct err err = { 0 };
	uint64_t before = w->k.log.head.len;
	int rc = decide_verb(&w->k.d, &call, &changed, &doubt, &err);
	if (rc != 0)
		assert_true(err.text[0] != '\0');
	if (rc != 0 || changed == 0)
		assert_int_equal(w->k.log.head.len, before);
}

static void do_stale(struct property_fixture *w, unsigned i)
{
	struct attempt_ref ref = ref_of(w, i);
	static const struct outcome ok = { .result = OUTCOME_OK };
	ref.attempt += 1 + pick(w, 3);
	assert_int_equal(decide_outcome(&w->k.d, ref, &ok), ERR_STALE);
	assert_int_equal(decide_not_started(&w->k.d, ref), ERR_STALE);
	assert_int_equal(decide_checkpoint(&w->k.d, ref, STR("x")), ERR_STALE);
}

static void do_not_started(struct property_fixture *w, unsigned i)
{
	const struct step *st = &w->k.saga->steps[i];
	if (st->state != STEP_RUNNING)
		return;
	assert_int_equal(decide_not_started(&w->k.d, ref_of(w, i)), 0);
}

/* Applies one random input; true if it was one of an operator. */
static bool turn(struct property_fixture *w)
{
	unsigned i = pick(w, w->k.plan->step_count);
	unsigned what = pick(w, 100);
	if (what < 45)
		do_start(w, i);
	else if (what < 85)
		do_outcome(w, i);
	else if (what < 88)
		do_not_started(w, i);
	else if (what < 90)
		do_crash(w);
	else if (what < 92)
		do_stale(w, i);
	else if (what < 95)
		w->k.d.now_ms += pick(w, 20000);
	else
		do_verb(w);
	return what >= 95;
}

static void round_trip(struct property_fixture *w)
{
	struct buf bytes AUTO_BUF = { 0 };
	struct buf again AUTO_BUF = { 0 };
	struct saga *s = NULL;
	struct err err = { 0 };
	saga_encode(w->k.saga, &bytes);
	if (saga_decode(7, w->k.plan, buf_str(&bytes), &s, &err) != 0)
		fail_msg("%s", err.text);
	assert_null(saga_check(s));
	saga_encode(s, &again);
	assert_true(str_eq(buf_str(&bytes), buf_str(&again)));
	saga_destroy(s);
}

static void fixture_run(uint64_t seed, unsigned turns, unsigned *rests)
{
	struct property_fixture world;
	struct property_fixture *w = &world;
	fixture_open(w, seed);
	for (unsigned n = 0; n < turns; n++) {
		bool by_operator = turn(w);
		check_moves(w, by_operator);
		if (n % 16 == 0)
			round_trip(w);
		if (w->k.log.head.len > 4096)
			records_clear(&w->k.log);
	}
	(*rests) += saga_state_at_rest((enum saga_state)w->k.saga->state) ? 1 : 0;
	fixture_finish(&w->k);
}

static void random_sagas_keep_their_rules(void **state)
{
	(void)state;
	unsigned rests = 0;
	unsigned runs = 0;
	for (unsigned done = 0; done < RUNS_STEPS; done += 100)
		fixture_run(1000 + runs++, 100, &rests);
	/* If no saga ever ended, the rules would hold without being tested. */
	assert_true(rests > runs / 10);
}

/* When the faults end and no operator acts, every saga comes to rest or to attention. */
static void healed_sagas_end(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 300; seed++) {
		struct property_fixture world;
		struct property_fixture *w = &world;
		fixture_open(w, seed);
		for (unsigned n = 0; n < 60; n++)
			check_moves(w, turn(w));
		if (w->k.saga->paused)
			assert_int_equal(fixture_verb(&w->k, VERB_RESUME, -1, NULL), 0);
		bool moved = true;
		for (unsigned round = 0; moved && round < 1000; round++) {
			moved = false;
			for (unsigned i = 0; i < w->k.plan->step_count; i++) {
				struct step *st = fixture_step(&w->k, i);
				bool started = false;
				if (st->state == STEP_RETRY_WAIT && w->k.d.now_ms < st->due_ms)
					w->k.d.now_ms = st->due_ms;
				if (st->state != STEP_RUNNING && decide_may_start(w->k.saga, (uint16_t)i)) {
					assert_int_equal(decide_intent(&w->k.d, (uint16_t)i, &started), 0);
					moved = true;
				}
				if (st->state == STEP_RUNNING) {
					fixture_outcome(&w->k, ref_of(w, i), OUTCOME_OK, true);
					moved = true;
				}
			}
		}
		assert_false(moved);
		assert_true(w->k.saga->state == SAGA_ATTENTION ||
					saga_state_at_rest((enum saga_state)w->k.saga->state));
		fixture_finish(&w->k);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_sagas_keep_their_rules),
		cmocka_unit_test(healed_sagas_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
