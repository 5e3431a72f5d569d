/* Outcome class × repeat class × direction, and the decisions around an attempt. */
#include <stdio.h>
#include <string.h>

#include "saga/model/record.h"
#include "saga/model/step.h"
#include "tests/unit/model/model_fixture.h"

/* Where a step stands, in one letter: D done, R waits to send again, L waits to look, ? in doubt, and the
 * other reasons J rejected, X exhausted, F fault, B body_changed, M target_missing, U undo_failed; r ready, W
 * waiting, S skipped, K kept, A running. */
static char letter_of(const struct step *st)
{
	static const char states[STEP_STATE_COUNT] = { 'W', 'r', 'A', 'R', 'D', '!', 'S', 'K' };
	static const char reasons[REASON_COUNT] = { '!', 'J', 'X', '?', 'F', 'B', 'M', 'U', '!', '!' };
	if (st->state == STEP_ATTENTION)
		return reasons[st->reason];
	return st->state == STEP_RETRY_WAIT && st->lookup_first ? 'L' : states[st->state];
}

static void expect_letter(const struct model_fixture *k, const char *what, char expected)
{
	char is = letter_of(&k->saga->steps[0]);
	if (is != expected)
		fail_msg("%s: '%c', not '%c'", what, is, expected);
}

static void open_at(struct model_fixture *k, enum repeat repeat, enum direction direction)
{
	fixture_init(k, POLICY_CONTINUE, "a");
	k->rules[0].repeat = repeat;
	k->rules[0].repeat_ttl_ms = 60000;
	k->rules[0].can_lookup = repeat == REPEAT_QUERYABLE;
	if (direction == DIRECTION_UNDO) {
		fixture_try(k, 0, OUTCOME_OK, true);
		assert_int_equal(fixture_verb(k, VERB_COMPENSATE, -1, NULL), 0);
	}
}

/* One letter per repeat class: idempotent, keyed, queryable, unsafe. */
static const struct {
	enum outcome_class result;
	bool sent;
	const char *in_do;
	const char *in_undo;
} first_outcomes[] = {
	{ OUTCOME_OK, true, "DDDD", "DDDD" },
	{ OUTCOME_UNREACHABLE, false, "RRRR", "RRRR" },
	{ OUTCOME_UNREACHABLE, true, "RRRR",
	  "RRRR" }, /* `unreachable` says that the whole attempt had no effect */
	{ OUTCOME_BUSY, true, "RRRR", "RRRR" },
	{ OUTCOME_UNKNOWN, true, "RRL?", "RR??" },
	{ OUTCOME_UNKNOWN, false, "RRRR", "RRRR" }, /* no request with effects was sent */
	{ OUTCOME_EXISTS, true, "JJL?", "UU??" },
	{ OUTCOME_REJECTED, true, "JJJJ", "UUUU" },
	{ OUTCOME_DENIED, true, "RRRR", "RRRR" },
	{ OUTCOME_FAULT, false, "FFFF", "UUUU" },
	{ OUTCOME_FAULT, true, "????", "????" },
	{ OUTCOME_ABSENT, false, "FFFF", "UUUU" }, /* no look-up was asked for, so the connector is wrong */
	{ OUTCOME_PARTIAL, false, "FFFF", "UUUU" },
	{ OUTCOME_BODY_CHANGED, false, "BBBB", "UUUU" },
};

static void the_first_outcome_decides_by_class(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof first_outcomes / sizeof first_outcomes[0]; i++) {
		for (int repeat = REPEAT_IDEMPOTENT; repeat <= REPEAT_UNSAFE; repeat++) {
			for (int direction = DIRECTION_DO; direction <= DIRECTION_UNDO; direction++) {
				struct model_fixture k;
				char what[80];
				open_at(&k, (enum repeat)repeat, (enum direction)direction);
				fixture_try(&k, 0, first_outcomes[i].result, first_outcomes[i].sent);
				snprintf(what, sizeof what, "%s %s %s sent=%d", name_of_repeat((enum repeat)repeat),
						 name_of_direction((enum direction)direction),
						 name_of_outcome(first_outcomes[i].result), first_outcomes[i].sent);
				const char *row =
					direction == DIRECTION_DO ? first_outcomes[i].in_do : first_outcomes[i].in_undo;
				expect_letter(&k, what, row[repeat - 1]);
				fixture_finish(&k);
			}
		}
	}
}

static void exhaustion_yields_to_doubt(void **state)
{
	(void)state;
	static const char after_unknown[] =
		"XXX?"; /* the queryable target is looked up when the step is resumed */
	static const char after_unreachable[] = "XXXX";
	for (int repeat = REPEAT_IDEMPOTENT; repeat <= REPEAT_UNSAFE; repeat++) {
		struct model_fixture k;
		open_at(&k, (enum repeat)repeat, DIRECTION_DO);
		k.rules[0].retry.attempts = 1;
		fixture_try(&k, 0, OUTCOME_UNKNOWN, true);
		expect_letter(&k, name_of_repeat((enum repeat)repeat), after_unknown[repeat - 1]);
		fixture_finish(&k);
		open_at(&k, (enum repeat)repeat, DIRECTION_DO);
		k.rules[0].retry.attempts = 1;
		fixture_try(&k, 0, OUTCOME_UNREACHABLE, false);
		expect_letter(&k, name_of_repeat((enum repeat)repeat), after_unreachable[repeat - 1]);
		fixture_finish(&k);
	}
}

static void busy_and_denied_spend_nothing(void **state)
{
	(void)state;
	struct model_fixture k;
	open_at(&k, REPEAT_IDEMPOTENT, DIRECTION_DO);
	k.rules[0].retry = (struct retry_policy){ .first_ms = 100, .factor = 2, .cap_ms = 400, .attempts = 1 };
	const struct step *st = fixture_step(&k, 0);
	for (unsigned i = 0; i < 10; i++)
		fixture_try(&k, 0, i % 2 == 0 ? OUTCOME_BUSY : OUTCOME_DENIED, true);
	fixture_expect(&k, 0, STEP_RETRY_WAIT, REASON_NONE);
	assert_int_equal(st->spent, 0);
	assert_int_equal(st->attempts, 10);
	/* Five outcomes `busy`: their time and their waits count: 100, 200, 400, 400, 400 ms, each with up to
	 * half as much jitter. */
	assert_in_range(st->waited_ms, 5 * 10 + 1500, 5 * 10 + 2250);
	fixture_try(&k, 0, OUTCOME_UNREACHABLE, false);
	fixture_expect(&k, 0, STEP_ATTENTION, REASON_EXHAUSTED);
	fixture_finish(&k);
}

/* A reload has lowered the limit of attempts. Wrong credentials (`denied`) must still not exhaust the
 * step. */
static void denied_never_exhausts(void **state)
{
	(void)state;
	struct model_fixture k;
	open_at(&k, REPEAT_IDEMPOTENT, DIRECTION_DO);
	fixture_try(&k, 0, OUTCOME_UNREACHABLE, false);
	k.rules[0].retry.attempts = 1;
	fixture_try(&k, 0, OUTCOME_DENIED, true);
	fixture_expect(&k, 0, STEP_RETRY_WAIT, REASON_NONE);
	fixture_finish(&k);
}

static void retry_after_is_kept(void **state)
{
	(void)state;
	struct model_fixture k;
	open_at(&k, REPEAT_UNSAFE, DIRECTION_DO);
	const struct outcome busy = { .result = OUTCOME_BUSY, .retry_after_ms = 8000 };
	assert_int_equal(decide_outcome(&k.d, fixture_begin(&k, 0), &busy), 0);
	assert_in_range(fixture_step(&k, 0)->due_ms - k.d.now_ms, 8000, 8500);
	bool started = false;
	k.d.now_ms += 7999;
	assert_int_equal(decide_intent(&k.d, 0, &started), ERR_REFUSED);
	fixture_finish(&k);
}

static void giving_up_by_age_counts_only_own_time(void **state)
{
	(void)state;
	struct model_fixture k;
	open_at(&k, REPEAT_IDEMPOTENT, DIRECTION_DO);
	k.rules[0].retry.give_up_after_ms = 5000;
	k.d.now_ms += 1000000; /* time behind an open breaker */
	fixture_try(&k, 0, OUTCOME_UNREACHABLE, false);
	fixture_expect(&k, 0, STEP_RETRY_WAIT, REASON_NONE);
	k.d.now_ms += 1000000; /* paused */
	fixture_try(&k, 0, OUTCOME_UNREACHABLE, false);
	fixture_expect(&k, 0, STEP_RETRY_WAIT, REASON_NONE);
	fixture_try(&k, 0, OUTCOME_UNREACHABLE, false); /* waits of 1, 2 and 4 s, each with jitter */
	fixture_try(&k, 0, OUTCOME_UNREACHABLE, false);
	fixture_expect(&k, 0, STEP_ATTENTION, REASON_EXHAUSTED);
	fixture_finish(&k);
}

static void a_key_is_trusted_within_its_time_only(void **state)
{
	(void)state;
	for (int can_look = 0; can_look < 2; can_look++) {
		struct model_fixture k;
		open_at(&k, REPEAT_KEYED, DIRECTION_DO);
		k.rules[0].can_lookup = can_look != 0;
		fixture_try(&k, 0, OUTCOME_UNKNOWN, true);
		int64_t since = fixture_step(&k, 0)->effect_possible_ms;
		assert_int_equal(since, k.d.now_ms - 10); /* doubt counts from the begin of the attempt */
		fixture_try(&k, 0, OUTCOME_UNKNOWN, true);
		assert_int_equal(fixture_step(&k, 0)->effect_possible_ms, since);
		expect_letter(&k, "inside", 'R');
		k.d.now_ms = since + 59999; /* the target is held until just before the key lapses */
		assert_false(decide_intent_would_end(&k.d, 0));
		k.d.now_ms = since + 60000;
		assert_int_equal(decide_intent_would_end(&k.d, 0), !can_look);
		bool started = true;
		assert_int_equal(decide_intent(&k.d, 0, &started), 0);
		assert_int_equal(started, can_look);
		assert_int_equal(fixture_count(&k, RECORD_INTENT, "lookup"), can_look ? 1 : 0);
		expect_letter(&k, "lapsed", can_look ? 'A' : '?');
		fixture_finish(&k);
	}
}

/* What each outcome of a look-up leads to. */
static const struct {
	enum outcome_class result;
	char letter;
} look_ups[] = {
	{ OUTCOME_OK, 'D' },      { OUTCOME_ABSENT, 'r' },   { OUTCOME_UNREACHABLE, 'L' },
	{ OUTCOME_BUSY, 'L' },    { OUTCOME_UNKNOWN, 'L' },  { OUTCOME_DENIED, 'L' },
	{ OUTCOME_EXISTS, '?' },  { OUTCOME_REJECTED, '?' }, { OUTCOME_FAULT, '?' },
	{ OUTCOME_PARTIAL, 'r' },
};

static void a_look_up_decides(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof look_ups / sizeof look_ups[0]; i++) {
		struct model_fixture k;
		open_at(&k, REPEAT_QUERYABLE, DIRECTION_DO);
		fixture_try(&k, 0, OUTCOME_UNKNOWN, true);
		assert_true(decide_wants_lookup(fixture_step(&k, 0), &k.rules[0], k.d.now_ms));
		fixture_try(&k, 0, look_ups[i].result, false);
		expect_letter(&k, name_of_outcome(look_ups[i].result), look_ups[i].letter);
		fixture_finish(&k);
	}
}

/* A look-up that gives `absent` would lead to a second request with the same key. */
static void unsafe_is_not_looked_up(void **state)
{
	(void)state;
	static const enum outcome_class doubtful[] = { OUTCOME_UNKNOWN, OUTCOME_EXISTS };
	for (size_t i = 0; i < 2; i++) {
		struct model_fixture k;
		open_at(&k, REPEAT_UNSAFE, DIRECTION_DO);
		k.rules[0].can_lookup = true;
		fixture_try(&k, 0, doubtful[i], true);
		expect_letter(&k, name_of_outcome(doubtful[i]), '?');
		assert_int_equal(fixture_verb(&k, VERB_RETRY, 0, NULL), ERR_REFUSED);
		fixture_finish(&k);
	}
}

static void exists_without_a_look_up_keeps_its_key(void **state)
{
	(void)state;
	struct model_fixture k;
	open_at(&k, REPEAT_KEYED, DIRECTION_DO);
	const struct outcome o = { .result = OUTCOME_EXISTS, .effect_sent = true, .has_body = true };
	assert_int_equal(decide_outcome(&k.d, fixture_begin(&k, 0), &o), 0);
	fixture_expect(&k, 0, STEP_ATTENTION, REASON_REJECTED);
	assert_non_null(strstr(fixture_step(&k, 0)->detail, "this step is already done there"));
	assert_int_equal(fixture_verb(&k, VERB_RESUME, -1, NULL), 0);
	assert_int_equal(fixture_step(&k, 0)->generation, 1); /* a new key could make a second object */
	fixture_finish(&k);
}

/* The target reports `exists`, the look-up reports `absent`: sending again would repeat this for days. */
static void exists_not_found_needs_an_operator(void **state)
{
	(void)state;
	struct model_fixture k;
	open_at(&k, REPEAT_KEYED, DIRECTION_DO);
	k.rules[0].can_lookup = true;
	fixture_outcome(&k, fixture_begin(&k, 0), OUTCOME_EXISTS, true);
	fixture_expect(&k, 0, STEP_RETRY_WAIT, REASON_NONE);
	fixture_outcome(&k, fixture_begin(&k, 0), OUTCOME_ABSENT, false);
	fixture_expect(&k, 0, STEP_ATTENTION, REASON_IN_DOUBT);
	assert_non_null(strstr(fixture_step(&k, 0)->detail, "a look-up does not find it"));
	fixture_finish(&k);
}

static void what_is_stale_changes_nothing(void **state)
{
	(void)state;
	struct model_fixture k;
	open_at(&k, REPEAT_IDEMPOTENT, DIRECTION_DO);
	struct attempt_ref old = fixture_begin(&k, 0);
	fixture_outcome(&k, old, OUTCOME_UNREACHABLE, false);
	struct attempt_ref now = fixture_begin(&k, 0);
	const struct outcome ok = { .result = OUTCOME_OK };
	size_t log = k.log.head.len;
	struct attempt_ref others[] = { old, now, now, now };
	others[1].generation = 2;
	others[2].direction = DIRECTION_UNDO;
	others[3].step = 1;
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(decide_outcome(&k.d, others[i], &ok), ERR_STALE);
		assert_int_equal(decide_not_started(&k.d, others[i]), ERR_STALE);
		assert_int_equal(decide_checkpoint(&k.d, others[i], STR("x")), ERR_STALE);
	}
	assert_int_equal(k.log.head.len, log);
	fixture_expect(&k, 0, STEP_RUNNING, REASON_NONE);
	fixture_finish(&k);
}

static void an_unused_intent_leaves_no_doubt(void **state)
{
	(void)state;
	struct model_fixture k;
	open_at(&k, REPEAT_UNSAFE, DIRECTION_DO);
	k.rules[0].retry.attempts = 1;
	assert_int_equal(decide_not_started(&k.d, fixture_begin(&k, 0)), 0);
	fixture_expect(&k, 0, STEP_READY, REASON_NONE);
	assert_int_equal(fixture_step(&k, 0)->spent, 0);
	assert_int_equal(fixture_begin(&k, 0).attempt, 2); /* the number of an attempt is not used twice */
	assert_int_equal(fixture_count(&k, RECORD_NOT_STARTED, NULL), 1);
	fixture_finish(&k);
}

/* For each repeat class: an interrupted do, and an interrupted look-up, which only reads. */
static void a_crash_is_decided_by_class(void **state)
{
	(void)state;
	static const char in_do[] = "RRL?";
	static const char in_undo[] = "RR??";
	for (int repeat = REPEAT_IDEMPOTENT; repeat <= REPEAT_UNSAFE; repeat++) {
		for (int undo = 0; undo < 2; undo++) {
			struct model_fixture k;
			open_at(&k, (enum repeat)repeat, undo ? DIRECTION_UNDO : DIRECTION_DO);
			(void)fixture_begin(&k, 0);
			k.d.now_ms += 5;
			assert_int_equal(decide_recover(&k.d, 0, NULL), 0);
			expect_letter(&k, name_of_repeat((enum repeat)repeat), (undo ? in_undo : in_do)[repeat - 1]);
			const struct step *st = fixture_step(&k, 0);
			assert_int_equal(st->spent, 0);
			if (st->state == STEP_RETRY_WAIT)
				assert_in_range(st->due_ms - k.d.now_ms, 0, 1000);
			assert_int_equal(decide_recover(&k.d, 0, NULL), ERR_STALE);
			fixture_finish(&k);
		}
	}
}

/* If the bytes of an interrupted request are known, later attempts must send the same bytes. */
static void a_crash_freezes_the_body_that_was_sent(void **state)
{
	(void)state;
	static const uint8_t body[16] = "as it was sent!";
	struct model_fixture k;
	open_at(&k, REPEAT_KEYED, DIRECTION_DO);
	(void)fixture_begin(&k, 0);
	assert_int_equal(decide_recover(&k.d, 0, body), 0);
	assert_true(fixture_step(&k, 0)->has_body);
	assert_memory_equal(fixture_step(&k, 0)->body, body, sizeof body);
	fixture_finish(&k);
	open_at(&k, REPEAT_KEYED, DIRECTION_DO);
	(void)fixture_begin(&k, 0);
	assert_int_equal(decide_recover(&k.d, 0, NULL), 0);
	assert_false(fixture_step(&k, 0)->has_body);
	fixture_finish(&k);
}

static void a_crash_beyond_the_keys_life_asks(void **state)
{
	(void)state;
	struct model_fixture k;
	open_at(&k, REPEAT_KEYED, DIRECTION_DO);
	(void)fixture_begin(&k, 0);
	k.d.now_ms += 60000;
	assert_int_equal(decide_recover(&k.d, 0, NULL), 0);
	expect_letter(&k, "keyed, an hour later", '?');
	fixture_finish(&k);
}

static void only_the_black_box_decides_fault(void **state)
{
	(void)state;
	static const char blamed[] = "FFF?";
	for (int repeat = REPEAT_IDEMPOTENT; repeat <= REPEAT_UNSAFE; repeat++) {
		for (int recovered = 0; recovered < 2; recovered++) {
			struct model_fixture k;
			open_at(&k, (enum repeat)repeat, DIRECTION_DO);
			(void)fixture_begin(&k, 0);
			if (recovered)
				assert_int_equal(decide_recover(&k.d, 0, NULL), 0);
			assert_int_equal(decide_blame(&k.d, 0, "the connector \"crm\" crashed (SIGSEGV)"), 0);
			expect_letter(&k, name_of_repeat((enum repeat)repeat), blamed[repeat - 1]);
			assert_non_null(strstr(fixture_step(&k, 0)->detail, "SIGSEGV"));
			fixture_finish(&k);
		}
	}
	struct model_fixture k;
	open_at(&k, REPEAT_IDEMPOTENT, DIRECTION_DO);
	fixture_try(&k, 0, OUTCOME_OK, true);
	assert_int_equal(decide_blame(&k.d, 0, "late"), ERR_STALE);
	fixture_finish(&k);
}

static void a_checkpoint_lives_until_the_step_is_done(void **state)
{
	(void)state;
	struct model_fixture k;
	open_at(&k, REPEAT_IDEMPOTENT, DIRECTION_DO);
	struct attempt_ref ref = fixture_begin(&k, 0);
	assert_int_equal(decide_checkpoint(&k.d, ref, STR("contact 9")), 0);
	fixture_outcome(&k, ref, OUTCOME_UNKNOWN, true);
	assert_string_equal(fixture_step(&k, 0)->checkpoint, "contact 9");
	fixture_try(&k, 0, OUTCOME_OK, true);
	assert_null(fixture_step(&k, 0)->checkpoint);
	assert_int_equal(fixture_count(&k, RECORD_CHECKPOINT, NULL), 1);
	fixture_finish(&k);
}

static void the_first_body_stands(void **state)
{
	(void)state;
	struct model_fixture k;
	open_at(&k, REPEAT_IDEMPOTENT, DIRECTION_DO);
	struct outcome o = { .result = OUTCOME_UNKNOWN, .effect_sent = true, .has_body = true, .body = { 1 } };
	assert_int_equal(decide_outcome(&k.d, fixture_begin(&k, 0), &o), 0);
	o = (struct outcome){ .result = OUTCOME_BODY_CHANGED, .has_body = true, .body = { 2 } };
	assert_int_equal(decide_outcome(&k.d, fixture_begin(&k, 0), &o), 0);
	fixture_expect(&k, 0, STEP_ATTENTION, REASON_BODY_CHANGED);
	assert_int_equal(fixture_step(&k, 0)->body[0], 1);
	assert_int_equal(fixture_step(&k, 0)->spent, 1); /* the second attempt sent nothing */
	fixture_finish(&k);
}

static void long_details_are_cut_between_characters(void **state)
{
	(void)state;
	struct model_fixture k;
	open_at(&k, REPEAT_IDEMPOTENT, DIRECTION_DO);
	char text[1001];
	for (size_t i = 0; i < 1000; i += 2)
		memcpy(text + i, "\xc3\xa9", 2);
	memmove(text + 1, text, 999);
	text[0] = 'x';
	text[1000] = '\0';
	const struct outcome o = { .result = OUTCOME_REJECTED, .detail = text };
	assert_int_equal(decide_outcome(&k.d, fixture_begin(&k, 0), &o), 0);
	assert_int_equal(strlen(fixture_step(&k, 0)->detail), 499);
	memset(text, '\x80', 1000); /* no character begins anywhere */
	step_set_detail(fixture_step(&k, 0), text);
	assert_string_equal(fixture_step(&k, 0)->detail, "");
	text[1] = 'x';
	step_set_detail(fixture_step(&k, 0), text);
	assert_string_equal(fixture_step(&k, 0)->detail, "\x80");
	fixture_finish(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_outcome_decides_by_class),
		cmocka_unit_test(exhaustion_yields_to_doubt),
		cmocka_unit_test(busy_and_denied_spend_nothing),
		cmocka_unit_test(denied_never_exhausts),
		cmocka_unit_test(unsafe_is_not_looked_up),
		cmocka_unit_test(retry_after_is_kept),
		cmocka_unit_test(giving_up_by_age_counts_only_own_time),
		cmocka_unit_test(a_key_is_trusted_within_its_time_only),
		cmocka_unit_test(a_look_up_decides),
		cmocka_unit_test(exists_without_a_look_up_keeps_its_key),
		cmocka_unit_test(exists_not_found_needs_an_operator),
		cmocka_unit_test(what_is_stale_changes_nothing),
		cmocka_unit_test(an_unused_intent_leaves_no_doubt),
		cmocka_unit_test(a_crash_is_decided_by_class),
		cmocka_unit_test(a_crash_freezes_the_body_that_was_sent),
		cmocka_unit_test(a_crash_beyond_the_keys_life_asks),
		cmocka_unit_test(only_the_black_box_decides_fault),
		cmocka_unit_test(a_checkpoint_lives_until_the_step_is_done),
		cmocka_unit_test(the_first_body_stands),
		cmocka_unit_test(long_details_are_cut_between_characters),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
