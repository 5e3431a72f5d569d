#include "tests/unit/model/kit.h"

#include <string.h>

#include "saga/base/mem.h"

uint64_t kit_random(uint64_t *seed)
{
	uint64_t z = (*seed += 0x9e3779b97f4a7c15ULL);
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

uint64_t kit_below(uint64_t *seed, uint64_t bound)
{
	return bound == 0 ? 0 : kit_random(seed) % bound;
}

static uint64_t entropy_below(void *ctx, uint64_t bound)
{
	return kit_below(ctx, bound);
}

static const struct step_rules *rules_of(void *ctx, const char *target)
{
	struct kit *k = ctx;
	int i = plan_find_step(k->plan, target);
	assert_true(i >= 0);
	return &k->rules[i];
}

struct plan *kit_plan(enum policy policy, const char *steps)
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

struct plan *kit_plan_with(const char *steps, unsigned i, int64_t expire_ms, bool when)
{
	struct plan *p = kit_plan(POLICY_CONTINUE, steps);
	struct plan draft = *p;
	char program[] = ".x";
	struct plan *with = NULL;
	draft.steps[i].expire_ms = expire_ms;
	draft.steps[i].when = when ? program : NULL;
	assert_int_equal(plan_create(&draft, &with, NULL), 0);
	plan_unref(p);
	return with;
}

void kit_init_plan(struct kit *k, struct plan *plan, uint32_t when_known, uint32_t when_true)
{
	*k = (struct kit){ .plan = plan, .seed = 42 };
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
								.now_ms = KIT_START_MS,
								.when_known = when_known,
								.when_true = when_true };
	static const uint8_t digest[32] = { 1, 2, 3 };
	k->saga = saga_create(&start);
	k->saga->id = 7;
	k->d = (struct decide){ .saga = k->saga,
							.now_ms = KIT_START_MS,
							.rnd = { &k->seed, entropy_below },
							.rules = { k, rules_of },
							.log = &k->log };
	decide_accepted(&k->d, &start, digest);
}

void kit_init(struct kit *k, enum policy policy, const char *steps)
{
	kit_init_plan(k, kit_plan(policy, steps), 0, 0);
}

void kit_finish(struct kit *k)
{
	saga_destroy(k->saga);
	plan_unref(k->plan);
	records_free(&k->log);
}

struct step *kit_step(struct kit *k, unsigned i)
{
	assert_true(i < k->saga->step_count);
	return &k->saga->steps[i];
}

struct attempt_ref kit_begin(struct kit *k, unsigned i)
{
	struct step *st = kit_step(k, i);
	if (st->state == STEP_RETRY_WAIT && k->d.now_ms < st->due_ms)
		k->d.now_ms = st->due_ms;
	bool started = false;
	assert_int_equal(decide_intent(&k->d, (uint16_t)i, &started), 0);
	assert_true(started);
	return (struct attempt_ref){ (uint16_t)i, (enum direction)st->direction, st->generation, st->attempts };
}

void kit_outcome(struct kit *k, struct attempt_ref ref, enum outcome_class result, bool effect_sent)
{
	k->d.now_ms += 10;
	const struct outcome o = { .result = result, .effect_sent = effect_sent, .duration_ms = 10 };
	assert_int_equal(decide_outcome(&k->d, ref, &o), 0);
}

void kit_try(struct kit *k, unsigned i, enum outcome_class result, bool effect_sent)
{
	kit_outcome(k, kit_begin(k, i), result, effect_sent);
}

int kit_verb(struct kit *k, enum verb verb, int step, unsigned *ret_changed)
{
	const struct verb_call call = {
		.verb = verb, .step = step, .actor = "uid 1000 (anna)", .note = "checked"
	};
	unsigned changed = 0;
	unsigned doubt = 0;
	struct err err = { 0 };
	int rc = decide_verb(&k->d, &call, &changed, &doubt, &err);
	if (rc != 0 && err.text[0] == '\0')
		fail_msg("%s refused without a word", verb_name(verb));
	if (ret_changed != NULL)
		*ret_changed = changed;
	return rc;
}

void kit_expect(struct kit *k, unsigned i, enum step_state state, enum reason reason)
{
	const struct step *st = kit_step(k, i);
	if (st->state != state || st->reason != reason)
		fail_msg("step %s is %s(%s), not %s(%s)", k->plan->steps[i].name,
				 step_state_name((enum step_state)st->state), reason_name((enum reason)st->reason),
				 step_state_name(state), reason_name(reason));
}

void kit_expect_saga(struct kit *k, enum saga_state state)
{
	if (k->saga->state != state)
		fail_msg("the saga is %s, not %s", saga_state_name((enum saga_state)k->saga->state),
				 saga_state_name(state));
}

unsigned kit_count(struct kit *k, enum record_kind kind, const char *text)
{
	struct records_reader reader = records_read(buf_str(&k->log.head), buf_str(&k->log.personal));
	struct record r;
	unsigned count = 0;
	int rc;
	while ((rc = records_next(&reader, &r, NULL)) == 1)
		count += r.kind == kind && (text == NULL || str_is(r.text, text)) ? 1 : 0;
	assert_int_equal(rc, 0);
	return count;
}
