/* Random operations from many seeds: events, outcomes, claims, verbs, pauses, missing targets, crashes. The
 * audit runs after every pump, reserved slots and window memory must be returned, and unsafe steps are sent
 * once. At the end all targets work, and each step must come to its end or to attention. A failing run prints
 * its seed: repeat it with ALMONER_SEED. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "saga/base/mem.h"
#include "tests/unit/journal/journal_fixture.h"

#define RANDOM_RUNS 150
#define ACTS        160

struct sent_request {
	int64_t saga;
	uint16_t step;
	uint8_t direction;
	uint32_t generation;
};

struct random_run {
	struct journal_fixture *r;
	uint64_t state;
	uint32_t claimed[FIXTURE_TARGETS_END];
	struct sent_request sent[4096]; /* the requests of unsafe steps */
	size_t sent_count;
	unsigned events;
	unsigned verbs_answered;
};

static uint64_t below(struct random_run *l, uint64_t bound)
{
	l->state = l->state * 6364136223846793005u + 1442695040888963407u;
	return (l->state >> 33) % bound;
}

static const char *const plans[] = { "crm",
									 "crm books thanks<books",
									 "crm books<crm mail<books thanks<crm",
									 "books crm?<books mail?<books",
									 "crm crm2 crm3<crm",
									 "thanks~ mail~ crm~<thanks",
									 "crm books!<crm thanks<books" };

/* ---- the engine ---- */

/* Outcomes after which the request may have taken effect. */
static void note_sent(struct random_run *l, const struct work *w)
{
	if (w->target != THANKS || w->lookup)
		return;
	for (size_t i = 0; i < l->sent_count; i++) {
		const struct sent_request *s = &l->sent[i];
		assert_false(s->saga == w->saga && s->step == w->ref.step && s->direction == w->ref.direction &&
					 s->generation == w->ref.generation);
	}
	assert_true(l->sent_count < sizeof l->sent / sizeof l->sent[0]);
	l->sent[l->sent_count++] =
		(struct sent_request){ w->saga, w->ref.step, (uint8_t)w->ref.direction, w->ref.generation };
}

static struct work *pick(struct random_run *l)
{
	unsigned count = fixture_work_count(l->r);
	if (count == 0)
		return NULL;
	uint64_t nth = below(l, count);
	struct work *w = STAILQ_FIRST(&l->r->works);
	while (nth-- > 0)
		w = STAILQ_NEXT(w, link);
	STAILQ_REMOVE(&l->r->works, w, work, link);
	return w;
}

static void settle_start(struct random_run *l, struct work *w, bool healthy)
{
	static const enum outcome_class classes[] = { OUTCOME_OK,          OUTCOME_OK,    OUTCOME_OK,
												  OUTCOME_UNREACHABLE, OUTCOME_BUSY,  OUTCOME_UNKNOWN,
												  OUTCOME_REJECTED,    OUTCOME_FAULT, OUTCOME_DENIED,
												  OUTCOME_EXISTS };
	l->r->slots[w->target]--;
	if (!healthy && below(l, 8) == 0) {
		journal_not_started(l->r->j, w);
		return;
	}
	enum outcome_class result = healthy ? OUTCOME_OK : classes[below(l, sizeof classes / sizeof classes[0])];
	if (w->lookup)
		result = below(l, 2) == 0 ? OUTCOME_ABSENT : OUTCOME_OK;
	struct outcome o = { .result = result,
						 .effect_sent =
							 !w->lookup && result != OUTCOME_UNREACHABLE && result != OUTCOME_DENIED,
						 .detail = result == OUTCOME_OK ? NULL : "by chance",
						 .result_json = result == OUTCOME_OK ? "{\"id\":\"7\"}" : NULL };
	if (result == OUTCOME_OK || result == OUTCOME_UNKNOWN || result == OUTCOME_EXISTS ||
		result == OUTCOME_FAULT)
		note_sent(l, w);
	bool hold = result == OUTCOME_DENIED && below(l, 4) == 0;
	journal_outcome(l->r->j, w, &o, hold ? "credentials: 401" : NULL);
}

static void settle_ready(struct random_run *l, struct work *w, bool healthy)
{
	if (w->slot)
		l->r->slots[w->target]--;
	else
		l->r->window_bytes[w->target] -= (int64_t)w->bytes;
	if (!healthy && below(l, 6) == 0) {
		journal_spill(l->r->j, w);
		return;
	}
	l->r->slots[w->target]++;
	if (w->needs_condition)
		journal_condition_result(l->r->j, w, below(l, 3) != 0);
	else
		journal_start(l->r->j, w);
}

static bool engine_acts(struct random_run *l, bool healthy)
{
	struct work *w = pick(l);
	if (w == NULL)
		return false;
	if (w->kind == WORK_START && !healthy && below(l, 10) == 0) {
		journal_checkpoint(l->r->j, w, STR("half way"));
	} else if (w->kind == WORK_START || w->kind == WORK_CHECKPOINTED) {
		settle_start(l, w, healthy);
	} else if (w->kind == WORK_READY) {
		settle_ready(l, w, healthy);
	} else {
		l->r->slots[w->target]--;
		work_destroy(w);
	}
	return true;
}

static bool claims(struct random_run *l, unsigned t)
{
	struct target_news *n = &l->r->news[t];
	if (l->claimed[t] > 0 || n->backlog == 0 || n->next_due_ms > l->r->now_ms)
		return false;
	l->claimed[t] = 1 + (uint32_t)below(l, 4);
	l->r->slots[t] += l->claimed[t];
	n->claim_done = false;
	n->claim_granted = 0;
	journal_claim(l->r->j, t, l->claimed[t]);
	return true;
}

static void pump(struct random_run *l)
{
	assert_true(fixture_pump(l->r) >= 0);
	for (unsigned t = 1; t < FIXTURE_TARGETS_END; t++) {
		if (l->claimed[t] == 0)
			continue;
		assert_true(l->r->news[t].claim_done);
		assert_true(l->r->news[t].claim_granted <= l->claimed[t]);
		l->r->slots[t] -= l->claimed[t] - l->r->news[t].claim_granted;
		l->claimed[t] = 0;
		l->r->news[t].claim_done = false;
		l->r->news[t].claim_granted = 0;
	}
}

/* ---- the world ---- */

static void an_event(struct random_run *l)
{
	static const char *const lanes[] = { NULL, "ada", "ada", "bob" };
	static const char *const gifts[] = { NULL, NULL, "g1", "g2", "g3" };
	char id[16];
	unsigned n = below(l, 6) == 0 ? (unsigned)below(l, l->events + 1) : l->events++;
	snprintf(id, sizeof id, "e%u", n);
	uint64_t kind = below(l, 12);
	struct fixture_event ev = { .id = id, .lane = lanes[below(l, 4)], .gift = gifts[below(l, 5)] };
	ev.related = kind == 0 && ev.gift != NULL;
	ev.quarantined = kind == 1;
	ev.unrouted = kind == 2;
	fixture_use_plan(l->r, plans[below(l, sizeof plans / sizeof plans[0])], (enum policy)below(l, 3));
	assert_int_equal(fixture_submit(l->r, &ev), 0);
}

static void verb_done(void *ctx, const struct verb_result *result)
{
	struct random_run *l = ctx;
	assert_true(result->code == 0 || result->code == ERR_REFUSED || result->code == ERR_NOT_FOUND);
	l->verbs_answered++;
}

static void a_verb(struct random_run *l)
{
	int64_t last = fixture_counts(l->r).accepted;
	struct verb_call call = { .verb = (enum verb)below(l, VERB_REPROCESS),
							  .step = (int)below(l, 5) - 1,
							  .redo_in_doubt = false,
							  .actor = "uid 7",
							  .note = "by chance" };
	/* An unsafe step is sent again only by an operator's verb, which makes a new generation. */
	assert_int_equal(journal_verb(l->r->j, 1 + (int64_t)below(l, (uint64_t)last + 1), &call, l, verb_done),
					 0);
}

static void a_target_act(struct random_run *l)
{
	static const char *const names[] = { "crm", "books", "thanks", "mail" };
	const char *name = names[below(l, 4)];
	enum target_action action = (enum target_action)below(l, 4);
	assert_int_equal(journal_target_act(l->r->j, name, action, "uid 7", "x", l, verb_done), 0);
}

static void some_targets(struct random_run *l, uint64_t mask)
{
	struct journal_target left[FIXTURE_TARGETS_END];
	size_t count = 0;
	for (unsigned i = 0; i < FIXTURE_TARGETS_END - 1; i++) {
		if ((mask >> i & 1) != 0)
			left[count++] = l->r->targets[i];
	}
	assert_int_equal(journal_set_targets(l->r->j, left, count, NULL, NULL), 0);
}

static void a_crash(struct random_run *l)
{
	fixture_crash(l->r);
	memset(l->claimed, 0, sizeof l->claimed);
	pump(l);
}

static void act(struct random_run *l)
{
	uint64_t dice = below(l, 100);
	if (dice < 22)
		an_event(l);
	else if (dice < 60)
		(void)engine_acts(l, false);
	else if (dice < 72)
		(void)claims(l, 1 + (unsigned)below(l, FIXTURE_TARGETS_END - 1));
	else if (dice < 80)
		a_verb(l);
	else if (dice < 83)
		a_target_act(l);
	else if (dice < 85)
		l->r->admission[1 + below(l, FIXTURE_TARGETS_END - 1)] = (enum admission)below(l, 3);
	else if (dice < 87)
		some_targets(l, below(l, 4) == 0 ? below(l, 16) : 15);
	else if (dice < 93)
		l->r->now_ms += (int64_t)below(l, 40000);
	else if (dice < 95)
		a_crash(l);
	if (below(l, 3) == 0)
		pump(l);
}

/* ---- numbers with gaps ---- */

static int (*head_without_gaps)(void *ctx, struct store_head *ret, struct err *err);

static int head_with_gaps(void *ctx, struct store_head *ret, struct err *err)
{
	int rc = head_without_gaps(ctx, ret, err);
	ret->numbers_skip = true;
	return rc;
}

static void let_numbers_skip(struct store_writer *store)
{
	head_without_gaps = store->head;
	store->head = head_with_gaps;
}

/* No saga has a higher number: each event took one number at most. */
static int64_t numbers_given(struct random_run *l)
{
	struct journal_counts c = fixture_counts(l->r);
	return c.accepted + c.duplicates;
}

/* ---- the end ---- */

static void recover(struct random_run *l)
{
	static const char *const names[] = { "crm", "books", "thanks", "mail" };
	some_targets(l, 15);
	for (unsigned t = 1; t < FIXTURE_TARGETS_END; t++) {
		l->r->admission[t] = ADMISSION_SLOT;
		assert_int_equal(journal_target_act(l->r->j, names[t - 1], TARGET_RESUME, "uid 7", "", l, verb_done),
						 0);
	}
	/* A paused saga keeps its lanes, so sagas behind it would wait: all are resumed. */
	struct verb_call resume = { .verb = VERB_RESUME, .step = -1, .actor = "uid 7", .note = "" };
	for (int64_t id = 1; id <= numbers_given(l); id++)
		assert_int_equal(journal_verb(l->r->j, id, &resume, l, verb_done), 0);
	pump(l);
	for (unsigned quiet = 0; quiet < 40;) {
		bool busy = engine_acts(l, true);
		for (unsigned t = 1; t < FIXTURE_TARGETS_END; t++)
			busy = claims(l, t) || busy;
		if (!busy) {
			l->r->now_ms += 30000;
			quiet++;
		}
		pump(l);
	}
}

static void check_rest(struct random_run *l)
{
	struct journal_counts c = fixture_counts(l->r);
	assert_int_equal(c.sagas[SAGA_RUNNING], 0);
	assert_int_equal(c.sagas[SAGA_COMPENSATING], 0);
	for (unsigned t = 1; t < FIXTURE_TARGETS_END; t++) {
		assert_int_equal(l->r->slots[t], 0);
		assert_int_equal(l->r->window_bytes[t], 0);
		assert_int_equal(l->r->news[t].backlog, 0);
	}
	fixture_verify(l->r);
}

static void run_random(uint64_t seed)
{
	struct random_run l = { .state = seed * 7919 + 17 };
	void *state = NULL;
	assert_int_equal(fixture_setup(&state), 0);
	l.r = state;
	if (seed % 4 == 0) {
		l.r->wrap = let_numbers_skip;
		fixture_crash(l.r);
	}
	for (unsigned i = 0; i < ACTS; i++)
		act(&l);
	pump(&l);
	recover(&l);
	check_rest(&l);
	assert_int_equal(fixture_teardown(&state), 0);
}

static void every_run_comes_to_rest(void **state)
{
	(void)state;
	const char *one = getenv("ALMONER_SEED");
	if (one != NULL) {
		run_random(strtoull(one, NULL, 10));
		return;
	}
	for (uint64_t seed = 1; seed <= RANDOM_RUNS; seed++) {
		fprintf(stderr, "seed %llu\r", (unsigned long long)seed);
		run_random(seed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(every_run_comes_to_rest) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
