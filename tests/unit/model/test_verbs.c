/* Each verb in each state of a step, and of a saga. */
#include <stdio.h>
#include <string.h>

#include "tests/unit/model/model_fixture.h"

/* ---- a step in every state, got there the way it happens ---- */

enum step_situation {
	AT_WAITING,
	AT_READY,
	AT_RUNNING,
	AT_RETRY_WAIT,
	AT_SUCCEEDED,
	AT_SKIPPED,
	AT_KEPT,
	AT_REJECTED,
	AT_EXHAUSTED,
	AT_IN_DOUBT,
	AT_FAULT,
	AT_BODY_CHANGED,
	AT_TARGET_MISSING,
	AT_UNDO_FAILED,
	AT_COUNT
};

static void until_undo(struct model_fixture *k)
{
	fixture_try(k, 0, OUTCOME_OK, true);
	assert_int_equal(fixture_verb(k, VERB_COMPENSATE, -1, NULL), 0);
}

static void until_missing(struct model_fixture *k)
{
	bool started = true;
	k->rules[0].missing = true;
	assert_int_equal(decide_intent(&k->d, 0, &started), 0);
	k->rules[0].missing = false;
}

/* An outcome that leads to the state; OUTCOME_NONE: something else leads to it. */
static const enum outcome_class ways[AT_COUNT] = {
	[AT_RETRY_WAIT] = OUTCOME_UNREACHABLE,    [AT_SUCCEEDED] = OUTCOME_OK,
	[AT_REJECTED] = OUTCOME_REJECTED,         [AT_EXHAUSTED] = OUTCOME_UNREACHABLE,
	[AT_IN_DOUBT] = OUTCOME_UNKNOWN,          [AT_FAULT] = OUTCOME_FAULT,
	[AT_BODY_CHANGED] = OUTCOME_BODY_CHANGED,
};

static const struct {
	enum step_state state;
	enum reason reason;
} places[AT_COUNT] = {
	[AT_WAITING] = { STEP_WAITING, REASON_NONE },
	[AT_READY] = { STEP_READY, REASON_NONE },
	[AT_RUNNING] = { STEP_RUNNING, REASON_NONE },
	[AT_RETRY_WAIT] = { STEP_RETRY_WAIT, REASON_NONE },
	[AT_SUCCEEDED] = { STEP_SUCCEEDED, REASON_NONE },
	[AT_SKIPPED] = { STEP_SKIPPED, REASON_NONE },
	[AT_KEPT] = { STEP_KEPT, REASON_NONE },
	[AT_REJECTED] = { STEP_ATTENTION, REASON_REJECTED },
	[AT_EXHAUSTED] = { STEP_ATTENTION, REASON_EXHAUSTED },
	[AT_IN_DOUBT] = { STEP_ATTENTION, REASON_IN_DOUBT },
	[AT_FAULT] = { STEP_ATTENTION, REASON_FAULT },
	[AT_BODY_CHANGED] = { STEP_ATTENTION, REASON_BODY_CHANGED },
	[AT_TARGET_MISSING] = { STEP_ATTENTION, REASON_TARGET_MISSING },
	[AT_UNDO_FAILED] = { STEP_ATTENTION, REASON_UNDO_FAILED },
};

/* Step 0 is in the state, and step 1 (b) prevents the end of the saga. For "waiting" the roles are
 * swapped. */
static void open_at(struct model_fixture *k, enum step_situation at)
{
	fixture_init(k, POLICY_CONTINUE, at == AT_WAITING ? "a>b b" : "a b");
	k->rules[0].repeat = at == AT_IN_DOUBT ? REPEAT_UNSAFE : REPEAT_IDEMPOTENT;
	k->rules[0].retry.attempts = at == AT_EXHAUSTED ? 1 : 0;
	k->rules[0].can_undo = at != AT_KEPT;
	if (at == AT_KEPT || at == AT_UNDO_FAILED)
		until_undo(k);
	if (at == AT_RUNNING)
		(void)fixture_begin(k, 0);
	if (at == AT_TARGET_MISSING)
		until_missing(k);
	if (at == AT_SKIPPED)
		assert_int_equal(fixture_verb(k, VERB_SKIP, 0, NULL), 0);
	if (at == AT_UNDO_FAILED)
		fixture_try(k, 0, OUTCOME_REJECTED, true);
	if (ways[at] != OUTCOME_NONE)
		fixture_try(k, 0, ways[at], ways[at] == OUTCOME_UNKNOWN);
	fixture_expect(k, 0, places[at].state, places[at].reason);
}

/* What the verb does there: - refused, = nothing to do, else the state it leads to: r ready, D done, S
 * skipped, K kept. The columns are the states in the order of enum step_situation: W r A R D S K J X ? F B M
 * U */
static const struct {
	enum verb verb;
	const char *cells;
} table[] = {
	{ VERB_RESUME, "===r===rr=rrrr" },
	{ VERB_RETRY, "-=-r---rr-rrrr" },
	{ VERB_REDO, "---rrr-rrrrrrr" },
	{ VERB_RESOLVE_DONE, "DD-D=D-DDDDDDD" },
	{ VERB_RESOLVE_NOT_DONE, "---S-==SSSSSSK" },
	{ VERB_SKIP, "SS-S-==SS-SSSK" },
};

static char cell_of(struct model_fixture *k, enum verb verb)
{
	static const char states[STEP_STATE_COUNT] = { 'W', 'r', 'A', 'R', 'D', '!', 'S', 'K' };
	unsigned changed = 0;
	size_t log = k->log.head.len;
	int rc = fixture_verb(k, verb, 0, &changed);
	if (rc != 0 || changed == 0)
		assert_int_equal(k->log.head.len, log); /* nothing changed, so nothing is logged */
	if (rc != 0) {
		assert_int_equal(rc, ERR_REFUSED);
		return '-';
	}
	if (changed == 0)
		return '=';
	assert_int_equal(changed, 1);
	assert_true(fixture_count(k, RECORD_VERB, name_of_verb(verb)) > 0);
	return states[k->saga->steps[0].state];
}

static void every_step_cell_holds(void **state)
{
	(void)state;
	for (size_t v = 0; v < sizeof table / sizeof table[0]; v++) {
		assert_int_equal(strlen(table[v].cells), AT_COUNT);
		for (unsigned at = 0; at < AT_COUNT; at++) {
			struct model_fixture k;
			open_at(&k, (enum step_situation)at);
			char is = cell_of(&k, table[v].verb);
			if (is != table[v].cells[at])
				fail_msg("%s of %s(%s): '%c', not '%c'", name_of_verb(table[v].verb),
						 name_of_step_state(places[at].state), name_of_reason(places[at].reason), is,
						 table[v].cells[at]);
			const char *text = verb_cell_text(table[v].verb, places[at].state, places[at].reason);
			assert_true(strlen(text) > 10);
			fixture_finish(&k);
		}
	}
}

/* ---- verbs on a saga ---- */

enum saga_situation {
	SAGA_AT_RUNNING,
	SAGA_AT_PAUSED,
	SAGA_AT_COMPENSATING,
	SAGA_AT_ATTENTION,
	SAGA_AT_COMPLETED,
	SAGA_AT_PARTIAL,
	SAGA_AT_COMPENSATED,
	SAGA_AT_CANCELLED,
	SAGA_AT_UNROUTED,
	SAGA_AT_QUARANTINED,
	SAGA_AT_COUNT
};

static void open_empty(struct model_fixture *k, enum saga_situation whole)
{
	*k = (struct model_fixture){ .plan = plan_empty() };
	struct saga_start start = { .plan = k->plan,
								.unrouted = whole == SAGA_AT_UNROUTED,
								.own_reason =
									whole == SAGA_AT_QUARANTINED ? REASON_QUARANTINED : REASON_NONE };
	static const uint8_t digest[32] = { 0 };
	k->saga = saga_create(&start);
	k->d = (struct decide){ .saga = k->saga, .now_ms = 1, .log = &k->log };
	decide_accepted(&k->d, &start, digest);
}

static void open_saga(struct model_fixture *k, enum saga_situation whole)
{
	static const enum verb last[SAGA_AT_COUNT] = { [SAGA_AT_PAUSED] = VERB_PAUSE,
												   [SAGA_AT_COMPENSATING] = VERB_COMPENSATE,
												   [SAGA_AT_PARTIAL] = VERB_SKIP,
												   [SAGA_AT_COMPENSATED] = VERB_COMPENSATE,
												   [SAGA_AT_CANCELLED] = VERB_CANCEL };
	if (whole == SAGA_AT_UNROUTED || whole == SAGA_AT_QUARANTINED) {
		open_empty(k, whole);
		return;
	}
	fixture_init(k, POLICY_CONTINUE, "a b");
	fixture_try(k, 0, OUTCOME_OK, true);
	if (whole == SAGA_AT_ATTENTION)
		fixture_try(k, 1, OUTCOME_REJECTED, true);
	if (whole == SAGA_AT_COMPLETED || whole == SAGA_AT_COMPENSATED)
		fixture_try(k, 1, OUTCOME_OK, true);
	if (last[whole] != VERB_RESUME)
		assert_int_equal(fixture_verb(k, last[whole], whole == SAGA_AT_PARTIAL ? 1 : -1, NULL), 0);
	for (unsigned i = 0; whole == SAGA_AT_COMPENSATED && i < 2; i++)
		fixture_try(k, i, OUTCOME_OK, true);
}

/* Columns: running paused compensating attention completed partial compensated cancelled unrouted
 * quarantined. Small letters: the saga's state afterwards, by its column's letter; - refused, = nothing to
 * do. */
static const char saga_letters[SAGA_AT_COUNT + 1] = "rpuacksxnq";
static const enum saga_state saga_states[SAGA_AT_COUNT] = {
	SAGA_RUNNING,           SAGA_PAUSED,      SAGA_COMPENSATING, SAGA_ATTENTION, SAGA_COMPLETED,
	SAGA_COMPLETED_PARTIAL, SAGA_COMPENSATED, SAGA_CANCELLED,    SAGA_UNROUTED,  SAGA_ATTENTION,
};
static const struct {
	enum verb verb;
	const char *cells;
} saga_table[] = {
	{ VERB_RESUME, "=r=r------" }, { VERB_PAUSE, "p=ua------" }, /* compensating and attention are said before
																	paused */
	{ VERB_CANCEL, "xx-x---=-x" }, { VERB_COMPENSATE, "uu=uuu=u--" }, { VERB_REPROCESS, "---------q" },
};

static void every_saga_cell_holds(void **state)
{
	(void)state;
	for (size_t v = 0; v < sizeof saga_table / sizeof saga_table[0]; v++) {
		for (unsigned whole = 0; whole < SAGA_AT_COUNT; whole++) {
			struct model_fixture k;
			open_saga(&k, (enum saga_situation)whole);
			fixture_expect_saga(&k, saga_states[whole]);
			unsigned changed = 0;
			int rc = fixture_verb(&k, saga_table[v].verb, -1, &changed);
			char expected = saga_table[v].cells[whole];
			char is = rc != 0 ? '-' : changed == 0 ? '=' : expected;
			if (is != expected || (rc != 0 && rc != ERR_REFUSED))
				fail_msg("%s of %s: '%c', not '%c'", name_of_verb(saga_table[v].verb),
						 name_of_saga_state(saga_states[whole]), is, expected);
			if (rc == 0 && changed > 0)
				fixture_expect_saga(&k, saga_states[strchr(saga_letters, expected) - saga_letters]);
			enum reason own = whole == SAGA_AT_QUARANTINED ? REASON_QUARANTINED : REASON_NONE;
			assert_true(strlen(verb_saga_text(saga_table[v].verb, saga_states[whole], own)) > 10);
			fixture_finish(&k);
		}
	}
}

/* Undoing it would leave a saga that is being undone without steps, and that no verb could end. */
static void a_cancelled_saga_without_steps_is_not_undone(void **state)
{
	(void)state;
	struct model_fixture k;
	open_saga(&k, SAGA_AT_QUARANTINED);
	assert_int_equal(fixture_verb(&k, VERB_CANCEL, -1, NULL), 0);
	fixture_expect_saga(&k, SAGA_CANCELLED);
	assert_int_equal(fixture_verb(&k, VERB_COMPENSATE, -1, NULL), ERR_REFUSED);
	fixture_expect_saga(&k, SAGA_CANCELLED);
	fixture_finish(&k);
}

static void a_pause_shows_when_nothing_goes_before_it(void **state)
{
	(void)state;
	struct model_fixture k;
	bool started;
	open_saga(&k, SAGA_AT_COMPENSATING);
	assert_int_equal(fixture_verb(&k, VERB_PAUSE, -1, NULL), 0);
	assert_int_equal(decide_intent(&k.d, 0, &started), ERR_REFUSED);
	assert_int_equal(fixture_verb(&k, VERB_RESUME, -1, NULL), 0);
	fixture_try(&k, 0, OUTCOME_OK, true);
	fixture_expect_saga(&k, SAGA_COMPENSATED);
	fixture_finish(&k);
}

/* ---- resume ---- */

static void resume_leaves_doubt_standing_and_counts_it(void **state)
{
	(void)state;
	for (int redo = 0; redo < 2; redo++) {
		struct model_fixture k;
		fixture_init(&k, POLICY_CONTINUE, "a b c d");
		k.rules[1].repeat = REPEAT_UNSAFE;
		fixture_try(&k, 0, OUTCOME_REJECTED, true);
		fixture_try(&k, 1, OUTCOME_UNKNOWN, true);
		fixture_try(&k, 2, OUTCOME_UNREACHABLE, false);
		struct verb_call call = { .verb = VERB_RESUME, .step = -1, .redo_in_doubt = redo != 0, .actor = "a" };
		unsigned changed = 0;
		unsigned doubt = 0;
		assert_int_equal(decide_verb(&k.d, &call, &changed, &doubt, NULL), 0);
		assert_int_equal(changed, redo ? 3 : 2);
		assert_int_equal(doubt, redo ? 0 : 1);
		fixture_expect(&k, 0, STEP_READY, REASON_NONE);
		fixture_expect(&k, 2, STEP_READY, REASON_NONE);
		fixture_expect(&k, 1, redo ? STEP_READY : STEP_ATTENTION, redo ? REASON_NONE : REASON_IN_DOUBT);
		assert_int_equal(fixture_step(&k, 1)->generation, redo ? 2 : 1);
		fixture_finish(&k);
	}
}

/* A body that was sent is bound to its key: rendered again only under a new one, and only where it certainly
 * had no effect. */
static void resume_renders_again_what_had_no_effect(void **state)
{
	(void)state;
	static const struct {
		enum outcome_class result;
		bool sent;
		bool has_body;
		unsigned generation;
	} rows[] = { { OUTCOME_REJECTED, true, true, 2 },
				 { OUTCOME_UNREACHABLE, false, true, 2 },
				 { OUTCOME_FAULT, false, false, 1 },
				 { OUTCOME_UNKNOWN, true, true, 1 } };
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct model_fixture k;
		fixture_init(&k, POLICY_CONTINUE, "a");
		const struct outcome o = {
			.result = rows[i].result, .effect_sent = rows[i].sent, .has_body = rows[i].has_body, .body = { 5 }
		};
		assert_int_equal(decide_outcome(&k.d, fixture_begin(&k, 0), &o), 0);
		assert_int_equal(fixture_verb(&k, VERB_RESUME, -1, NULL), 0);
		const struct step *st = fixture_step(&k, 0);
		assert_int_equal(st->generation, rows[i].generation);
		assert_int_equal(st->has_body, rows[i].result == OUTCOME_UNKNOWN);
		assert_int_equal(st->spent + st->waits, 0);
		assert_int_equal(st->waited_ms, 0);
		fixture_finish(&k);
	}
}

static void a_resumed_step_has_its_whole_budget_again(void **state)
{
	(void)state;
	struct model_fixture k;
	fixture_init(&k, POLICY_CONTINUE, "a");
	k.rules[0].retry.attempts = 2;
	for (unsigned round = 0; round < 2; round++) {
		fixture_try(&k, 0, OUTCOME_UNKNOWN, true);
		fixture_expect(&k, 0, STEP_RETRY_WAIT, REASON_NONE);
		fixture_try(&k, 0, OUTCOME_UNKNOWN, true);
		fixture_expect(&k, 0, STEP_ATTENTION, REASON_EXHAUSTED);
		assert_int_equal(fixture_verb(&k, VERB_RETRY, 0, NULL), 0);
	}
	assert_int_equal(fixture_step(&k, 0)->attempts, 4); /* one key, so the attempts are counted on */
	fixture_finish(&k);
}

static void a_retry_in_doubt_looks_where_it_can(void **state)
{
	(void)state;
	struct model_fixture k;
	fixture_init(&k, POLICY_CONTINUE, "a");
	k.rules[0].repeat = REPEAT_QUERYABLE;
	fixture_try(&k, 0, OUTCOME_UNKNOWN, true);
	fixture_expect(&k, 0, STEP_ATTENTION,
				   REASON_IN_DOUBT); /* the class is queryable, but this connector has no look-up */
	assert_int_equal(fixture_verb(&k, VERB_RETRY, 0, NULL), ERR_REFUSED);
	k.rules[0].can_lookup = true; /* the connector can look up now */
	assert_int_equal(fixture_verb(&k, VERB_RETRY, 0, NULL), 0);
	fixture_try(&k, 0, OUTCOME_OK, false);
	assert_int_equal(fixture_count(&k, RECORD_INTENT, "lookup"), 1);
	fixture_expect_saga(&k, SAGA_COMPLETED);
	fixture_finish(&k);
}

/* After the key has lapsed or the repeat class has changed, a resume must not send without a look-up. */
static void resuming_what_may_have_worked_asks_again(void **state)
{
	(void)state;
	struct model_fixture k;
	fixture_init(&k, POLICY_CONTINUE, "a");
	k.rules[0].retry.attempts = 1;
	fixture_try(&k, 0, OUTCOME_UNKNOWN, true);
	fixture_expect(&k, 0, STEP_ATTENTION, REASON_EXHAUSTED);
	k.rules[0].repeat = REPEAT_UNSAFE; /* the new configuration says that the target is unsafe */
	assert_int_equal(fixture_verb(&k, VERB_RESUME, -1, NULL), 0);
	bool started = true;
	assert_int_equal(decide_intent(&k.d, 0, &started), 0);
	assert_false(started);
	fixture_expect(&k, 0, STEP_ATTENTION, REASON_IN_DOUBT);
	fixture_finish(&k);
}

/* ---- the rest ---- */

static void an_operator_may_resolve(void **state)
{
	(void)state;
	struct model_fixture k;
	open_at(&k, AT_IN_DOUBT);
	const struct verb_call call = { .verb = VERB_RESOLVE_DONE,
									.step = 0,
									.actor = "uid 1000 (anna)",
									.note = "found in the CRM",
									.result_json = "{\"id\":\"77\"}" };
	unsigned changed = 0;
	unsigned doubt = 0;
	assert_int_equal(decide_verb(&k.d, &call, &changed, &doubt, NULL), 0);
	assert_string_equal(fixture_step(&k, 0)->result, "{\"id\":\"77\"}");
	assert_true(fixture_step(&k, 0)->by_operator);
	struct records_reader reader = records_read(buf_str(&k.log.head), buf_str(&k.log.personal), k.log.at_ms);
	struct record r;
	bool found = false;
	while (records_next(&reader, &r, NULL) == 1)
		found = found || (r.kind == RECORD_VERB && str_is(r.text, "resolve-done") &&
						  str_is(r.actor, "uid 1000 (anna)") && str_is(r.note, "found in the CRM"));
	assert_true(found);
	fixture_finish(&k);
}

static void redo_has_a_key_of_its_own(void **state)
{
	(void)state;
	struct model_fixture k;
	open_at(&k, AT_SUCCEEDED);
	assert_int_equal(fixture_verb(&k, VERB_REDO, 0, NULL), 0);
	const struct step *st = fixture_step(&k, 0);
	assert_int_equal(st->generation, 2);
	assert_int_equal(st->attempts, 0);
	assert_true(st->took_effect); /* the first generation took effect, whatever the second one does */
	assert_int_equal(fixture_verb(&k, VERB_SKIP, 0, NULL), 0);
	fixture_expect(&k, 0, STEP_SUCCEEDED, REASON_NONE);
	fixture_finish(&k);
}

static void verbs_name_what_they_need(void **state)
{
	(void)state;
	struct model_fixture k;
	fixture_init(&k, POLICY_CONTINUE, "a b");
	static const struct {
		enum verb verb;
		int step;
		int code;
		const char *text;
	} rows[] = {
		{ VERB_RETRY, -1, ERR_REFUSED, "name the step" },
		{ VERB_PAUSE, 0, ERR_REFUSED, "whole saga" },
		{ VERB_REPROCESS, 0, ERR_REFUSED, "whole saga" },
		{ VERB_SKIP, 2, ERR_NOT_FOUND, "no step number 2" },
		{ (enum verb)77, 0, ERR_INVALID, "no verb" },
		{ VERB_REDO, 0, ERR_REFUSED, "step \"a\" of saga 7 is ready" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct verb_call call = { .verb = rows[i].verb, .step = rows[i].step };
		unsigned changed = 0;
		unsigned doubt = 0;
		struct err err = { 0 };
		assert_int_equal(decide_verb(&k.d, &call, &changed, &doubt, &err), rows[i].code);
		if (strstr(err.text, rows[i].text) == NULL)
			fail_msg("\"%s\" does not say \"%s\"", err.text, rows[i].text);
	}
	assert_int_equal(k.log.count, 1);
	fixture_finish(&k);
}

static void a_paused_saga_retries_no_step(void **state)
{
	(void)state;
	struct model_fixture k;
	open_at(&k, AT_REJECTED);
	assert_int_equal(fixture_verb(&k, VERB_PAUSE, -1, NULL), 0);
	assert_int_equal(fixture_verb(&k, VERB_RETRY, 0, NULL), ERR_REFUSED);
	assert_int_equal(fixture_verb(&k, VERB_RESOLVE_DONE, 0, NULL), 0);
	fixture_finish(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_step_cell_holds),
		cmocka_unit_test(every_saga_cell_holds),
		cmocka_unit_test(a_cancelled_saga_without_steps_is_not_undone),
		cmocka_unit_test(a_pause_shows_when_nothing_goes_before_it),
		cmocka_unit_test(resume_leaves_doubt_standing_and_counts_it),
		cmocka_unit_test(resume_renders_again_what_had_no_effect),
		cmocka_unit_test(a_resumed_step_has_its_whole_budget_again),
		cmocka_unit_test(a_retry_in_doubt_looks_where_it_can),
		cmocka_unit_test(resuming_what_may_have_worked_asks_again),
		cmocka_unit_test(an_operator_may_resolve),
		cmocka_unit_test(redo_has_a_key_of_its_own),
		cmocka_unit_test(verbs_name_what_they_need),
		cmocka_unit_test(a_paused_saga_retries_no_step),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
