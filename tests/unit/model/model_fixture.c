#include "tests/unit/model/model_fixture.h"

#include <string.h>

#include "saga/base/mem.h"

uint64_t fixture_random(uint64_t *seed)
{
	uint64_t z = (*seed += 0x9e3779b97f4a7c15ULL);
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

uint64_t fixture_below(uint64_t *seed, uint64_t bound)
{
	return bound == 0 ? 0 : fixture_random(seed) % bound;
}

static uint64_t entropy_below(void *ctx, uint64_t bound)
{
	return fixture_below(ctx, bound);
}

static const struct step_rules *rules_of(void *ctx, const char *target)
{
	struct model_fixture *k = ctx;
	int i = plan_find_step(k->plan, target);
	assert_true(i >= 0);
	return &k->rules[i];
}

struct plan *fixture_plan(enum policy policy, const char *steps)
{
	static char names[26][2];
	char route[] = "donations";
	struct plan draft = { .route = route, .policy = policy };
	struct plan_step *st = NULL;
	for (const char *p = steps; *p != '\0'; p++) {
		if (*p == ' ' || *p == '>')
			continue;
		unsigned letter = (unsigned)(*p - 'a');
		assert_true(letter < 26);
		if (p == steps || p[-1] == ' ') {
			assert_int_equal(letter, draft.step_count); /* letters are positions */
			names[letter][0] = *p;
			st = &draft.steps[draft.step_count++];
			st->name = st->target = names[letter];
		} else {
			st->after |= UINT32_C(1) << letter;
		}
	}
	struct plan *plan = NULL;
	struct err err = { 0 };
	if (plan_create(&draft, &plan, &err) != 0)
		fail_msg("plan \"%s\": %s", steps, err.text);
	return plan;
}

struct plan *fixture_plan_with(const char *steps, unsigned i, int64_t expire_ms, bool when)
{
	struct plan *p = fixture_plan(POLICY_CONTINUE, steps);
	struct plan draft = *p;
	char program[] = ".x";
	struct plan *with = NULL;
	draft.steps[i].expire_ms = expire_ms;
	draft.steps[i].when = when ? program : NULL;
	assert_int_equal(plan_create(&draft, &with, NULL), 0);
	plan_unref(p);
	return with;
}

void fixture_init_plan(struct model_fixture *k, struct plan *plan, uint32_t condition_known,
					   uint32_t condition_true)
{
	*k = (struct model_fixture){ .plan = plan, .seed = 42 };
	for (unsigned i = 0; i < plan->step_count; i++)
		k->rules[i] = (struct step_rules){ .repeat = REPEAT_IDEMPOTENT,
										   .retry = { .first_ms = 1000, .factor = 2, .cap_ms = 10000 },
										   .can_undo = true };
	struct saga_start start = { .plan = plan,
								.source = "forms",
								.event_id = "evt-1",
								.type = "donation.created",
								.gift = "g-1",
								.donor = "anna@example.org",
								.now_ms = FIXTURE_START_MS,
								.condition_known = condition_known,
								.condition_true = condition_true };
	static const uint8_t digest[32] = { 1, 2, 3 };
	k->saga = saga_create(&start);
	k->saga->id = 7;
	k->d = (struct decide){ .saga = k->saga,
							.now_ms = FIXTURE_START_MS,
							.rnd = { &k->seed, entropy_below },
							.rules = { k, rules_of },
							.log = &k->log };
	decide_accepted(&k->d, &start, digest);
}

void fixture_init(struct model_fixture *k, enum policy policy, const char *steps)
{
	fixture_init_plan(k, fixture_plan(policy, steps), 0, 0);
}

void fixture_finish(struct model_fixture *k)
{
	saga_destroy(k->saga);
	plan_unref(k->plan);
	records_free(&k->log);
}

struct step *fixture_step(struct model_fixture *k, unsigned i)
{
	assert_true(i < k->saga->step_count);
	return &k->saga->steps[i];
}

struct attempt_ref fixture_begin(struct model_fixture *k, unsigned i)
{
	struct step *st = fixture_step(k, i);
	if (st->state == STEP_RETRY_WAIT && k->d.now_ms < st->due_ms)
		k->d.now_ms = st->due_ms;
	bool started = false;
	assert_int_equal(decide_intent(&k->d, (uint16_t)i, &started), 0);
	assert_true(started);
	return (struct attempt_ref){ (uint16_t)i, (enum direction)st->direction, st->generation, st->attempts };
}

void fixture_outcome(struct model_fixture *k, struct attempt_ref ref, enum outcome_class result,
					 bool effect_sent)
{
	k->d.now_ms += 10;
	const struct outcome o = { .result = result, .effect_sent = effect_sent, .duration_ms = 10 };
	assert_int_equal(decide_outcome(&k->d, ref, &o), 0);
}

void fixture_try(struct model_fixture *k, unsigned i, enum outcome_class result, bool effect_sent)
{
	fixture_outcome(k, fixture_begin(k, i), result, effect_sent);
}

int fixture_verb(struct model_fixture *k, enum verb verb, int step, unsigned *ret_changed)
{
	const struct verb_call call = {
		.verb = verb, .step = step, .actor = "uid 1000 (anna)", .note = "checked"
	};
	unsigned changed = 0;
	unsigned doubt = 0;
	struct err err = { 0 };
	int rc = decide_verb(&k->d, &call, &changed, &doubt, &err);
	if (rc != 0 && err.text[0] == '\0')
		fail_msg("%s refused without a word", name_of_verb(verb));
	if (ret_changed != NULL)
		*ret_changed = changed;
	return rc;
}

void fixture_expect(struct model_fixture *k, unsigned i, enum step_state state, enum reason reason)
{
	const struct step *st = fixture_step(k, i);
	if (st->state != state || st->reason != reason)
		fail_msg("step %s is %s(%s), not %s(%s)", k->plan->steps[i].name,
				 name_of_step_state((enum step_state)st->state), name_of_reason((enum reason)st->reason),
				 name_of_step_state(state), name_of_reason(reason));
}

void fixture_expect_saga(struct model_fixture *k, enum saga_state state)
{
	if (k->saga->state != state)
		fail_msg("the saga is %s, not %s", name_of_saga_state((enum saga_state)k->saga->state),
				 name_of_saga_state(state));
}

unsigned fixture_count(struct model_fixture *k, enum record_kind kind, const char *text)
{
	struct records_reader reader =
		records_read(buf_str(&k->log.head), buf_str(&k->log.personal), k->log.at_ms);
	struct record r;
	unsigned count = 0;
	int rc;
	while ((rc = records_next(&reader, &r, NULL)) == 1)
		count += r.kind == kind && (text == NULL || str_is(r.text, text)) ? 1 : 0;
	assert_int_equal(rc, 0);
	return count;
}
