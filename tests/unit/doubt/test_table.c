/* The power fails at each point of a step with two effects, for each promise that a target can make about
 * repeats. The tables say how the step ends, what is sent after the restart, and how often each effect was
 * made in the end. Each cell runs with the real engine, journal and store. */
#include <stdio.h>
#include <string.h>

#include "tests/unit/doubt/doubt_fixture.h"

enum stop_point {
	ACCEPTED_STARTED, /* the event is durable, with its first intent if that may be in the same commit */
	INTENT_REQUESTED, /* event or verb `compensate` is durable; the intent is requested and not durable */
	INTENT,           /* the intent is durable, nothing was sent */
	FIRST_LOST,       /* the first effect was sent and never arrived */
	FIRST_SENT,       /* the first effect was sent and took effect; no reply arrived */
	FIRST_ANSWERED,   /* the reply to the first effect was read; the checkpoint is not durable */
	CHECKPOINT,       /* the checkpoint is durable, the second effect was not sent */
	SECOND_LOST,
	SECOND_SENT,
	SECOND_ANSWERED, /* the reply to the second effect was read; the outcome is not durable */
	OUTCOME,         /* the outcome is durable */
	POINTS
};

static const char *const point_names[POINTS] = {
	"accepted with intent", "intent requested", "intent durable",     "first effect lost",
	"first effect sent",    "first answered",   "checkpoint durable", "second effect lost",
	"second effect sent",   "second answered",  "outcome durable",
};

struct expected_end {
	const char *end;        /* of the step: "succeeded", or the reason of its attention */
	const char *sent;       /* requests after the restart, in this order */
	unsigned first, second; /* how often each effect was made, before and after the restart together */
};

/* clang-format off */
/* Direction do: first the contact, then the gift. If the target supports look-ups, `look` asks for the
 * gift, and `find` asks for the contact before one is created. */
static const struct expected_end do_table[POINTS][PROMISES] = {
	[ACCEPTED_STARTED] = {
		[IDEMPOTENT]        = { "succeeded", "contact gift", 1, 1 },
		[KEYED]             = { "succeeded", "contact gift", 1, 1 },
		/* nothing was sent, but the gateway cannot know that */
		[KEYED_LAPSED]      = { "in_doubt",  "", 0, 0 },
		[KEYED_LAPSED_LOOKUP] = { "succeeded", "look find contact gift", 1, 1 },
		/* its intent is never in the accepting commit, so there is no doubt */
		[QUERYABLE]         = { "succeeded", "find contact gift", 1, 1 },
		/* its intent is never in the accepting commit */
		[UNSAFE]            = { "succeeded", "contact gift", 1, 1 },
	},
	[INTENT_REQUESTED] = {
		[IDEMPOTENT]        = { "succeeded", "contact gift", 1, 1 },
		[KEYED]             = { "succeeded", "contact gift", 1, 1 },
		/* the time-to-live of a key begins with the first attempt */
		[KEYED_LAPSED]      = { "succeeded", "contact gift", 1, 1 },
		[KEYED_LAPSED_LOOKUP] = { "succeeded", "find contact gift", 1, 1 },
		[QUERYABLE]         = { "succeeded", "find contact gift", 1, 1 },
		[UNSAFE]            = { "succeeded", "contact gift", 1, 1 },
	},
	[INTENT] = {
		[IDEMPOTENT]        = { "succeeded", "contact gift", 1, 1 },
		[KEYED]             = { "succeeded", "contact gift", 1, 1 },
		[KEYED_LAPSED]      = { "in_doubt",  "", 0, 0 },
		[KEYED_LAPSED_LOOKUP] = { "succeeded", "look find contact gift", 1, 1 },
		[QUERYABLE]         = { "succeeded", "look find contact gift", 1, 1 },
		[UNSAFE]            = { "in_doubt",  "", 0, 0 },
	},
	[FIRST_LOST] = {
		[IDEMPOTENT]        = { "succeeded", "contact gift", 1, 1 },
		[KEYED]             = { "succeeded", "contact gift", 1, 1 },
		[KEYED_LAPSED]      = { "in_doubt",  "", 0, 0 },
		[KEYED_LAPSED_LOOKUP] = { "succeeded", "look find contact gift", 1, 1 },
		[QUERYABLE]         = { "succeeded", "look find contact gift", 1, 1 },
		[UNSAFE]            = { "in_doubt",  "", 0, 0 },
	},
	[FIRST_SENT] = {
		[IDEMPOTENT]        = { "succeeded", "contact gift", 1, 1 },
		[KEYED]             = { "succeeded", "contact gift", 1, 1 },
		[KEYED_LAPSED]      = { "in_doubt",  "", 1, 0 },
		[KEYED_LAPSED_LOOKUP] = { "succeeded", "look find gift", 1, 1 },
		[QUERYABLE]         = { "succeeded", "look find gift", 1, 1 },
		[UNSAFE]            = { "in_doubt",  "", 1, 0 },
	},
	[FIRST_ANSWERED] = {
		[IDEMPOTENT]        = { "succeeded", "contact gift", 1, 1 },
		[KEYED]             = { "succeeded", "contact gift", 1, 1 },
		[KEYED_LAPSED]      = { "in_doubt",  "", 1, 0 },
		[KEYED_LAPSED_LOOKUP] = { "succeeded", "look find gift", 1, 1 },
		[QUERYABLE]         = { "succeeded", "look find gift", 1, 1 },
		[UNSAFE]            = { "in_doubt",  "", 1, 0 },
	},
	[CHECKPOINT] = {
		[IDEMPOTENT]        = { "succeeded", "gift", 1, 1 }, /* continues after the checkpoint */
		[KEYED]             = { "succeeded", "gift", 1, 1 },
		[KEYED_LAPSED]      = { "in_doubt",  "", 1, 0 },
		[KEYED_LAPSED_LOOKUP] = { "succeeded", "look gift", 1, 1 },
		[QUERYABLE]         = { "succeeded", "look gift", 1, 1 },
		[UNSAFE]            = { "in_doubt",  "", 1, 0 },
	},
	[SECOND_LOST] = {
		[IDEMPOTENT]        = { "succeeded", "gift", 1, 1 },
		[KEYED]             = { "succeeded", "gift", 1, 1 },
		[KEYED_LAPSED]      = { "in_doubt",  "", 1, 0 },
		[KEYED_LAPSED_LOOKUP] = { "succeeded", "look gift", 1, 1 },
		[QUERYABLE]         = { "succeeded", "look gift", 1, 1 },
		[UNSAFE]            = { "in_doubt",  "", 1, 0 },
	},
	[SECOND_SENT] = {
		[IDEMPOTENT]        = { "succeeded", "gift", 1, 1 },
		[KEYED]             = { "succeeded", "gift", 1, 1 },
		[KEYED_LAPSED]      = { "in_doubt",  "", 1, 1 },
		[KEYED_LAPSED_LOOKUP] = { "succeeded", "look", 1, 1 },
		[QUERYABLE]         = { "succeeded", "look", 1, 1 },
		[UNSAFE]            = { "in_doubt",  "", 1, 1 },
	},
	[SECOND_ANSWERED] = {
		[IDEMPOTENT]        = { "succeeded", "gift", 1, 1 },
		[KEYED]             = { "succeeded", "gift", 1, 1 },
		[KEYED_LAPSED]      = { "in_doubt",  "", 1, 1 },
		[KEYED_LAPSED_LOOKUP] = { "succeeded", "look", 1, 1 },
		[QUERYABLE]         = { "succeeded", "look", 1, 1 },
		[UNSAFE]            = { "in_doubt",  "", 1, 1 },
	},
	[OUTCOME] = {
		[IDEMPOTENT]        = { "succeeded", "", 1, 1 },
		[KEYED]             = { "succeeded", "", 1, 1 },
		[KEYED_LAPSED]      = { "succeeded", "", 1, 1 },
		[KEYED_LAPSED_LOOKUP] = { "succeeded", "", 1, 1 },
		[QUERYABLE]         = { "succeeded", "", 1, 1 },
		[UNSAFE]            = { "succeeded", "", 1, 1 },
	},
};

/* Direction undo: first the gift is voided, then the contact removed. A look-up asks about the do, so it
 * never settles an undo: a target that offers only look-ups leaves the undo in doubt. The intent of an
 * undo has a commit of its own. */
static const struct expected_end undo_table[POINTS][PROMISES] = {
	[INTENT_REQUESTED] = {
		[IDEMPOTENT]        = { "succeeded", "void remove", 1, 1 },
		[KEYED]             = { "succeeded", "void remove", 1, 1 },
		[KEYED_LAPSED]      = { "succeeded", "void remove", 1, 1 },
		[KEYED_LAPSED_LOOKUP] = { "succeeded", "void remove", 1, 1 },
		[QUERYABLE]         = { "succeeded", "void remove", 1, 1 },
		[UNSAFE]            = { "succeeded", "void remove", 1, 1 },
	},
	[INTENT] = {
		[IDEMPOTENT]        = { "succeeded", "void remove", 1, 1 },
		[KEYED]             = { "succeeded", "void remove", 1, 1 },
		[KEYED_LAPSED]      = { "in_doubt",  "", 0, 0 },
		[KEYED_LAPSED_LOOKUP] = { "in_doubt",  "", 0, 0 },
		[QUERYABLE]         = { "in_doubt",  "", 0, 0 },
		[UNSAFE]            = { "in_doubt",  "", 0, 0 },
	},
	[FIRST_LOST] = {
		[IDEMPOTENT]        = { "succeeded", "void remove", 1, 1 },
		[KEYED]             = { "succeeded", "void remove", 1, 1 },
		[KEYED_LAPSED]      = { "in_doubt",  "", 0, 0 },
		[KEYED_LAPSED_LOOKUP] = { "in_doubt",  "", 0, 0 },
		[QUERYABLE]         = { "in_doubt",  "", 0, 0 },
		[UNSAFE]            = { "in_doubt",  "", 0, 0 },
	},
	[FIRST_SENT] = {
		[IDEMPOTENT]        = { "succeeded", "void remove", 1, 1 },
		[KEYED]             = { "succeeded", "void remove", 1, 1 },
		[KEYED_LAPSED]      = { "in_doubt",  "", 1, 0 },
		[KEYED_LAPSED_LOOKUP] = { "in_doubt",  "", 1, 0 },
		[QUERYABLE]         = { "in_doubt",  "", 1, 0 },
		[UNSAFE]            = { "in_doubt",  "", 1, 0 },
	},
	[FIRST_ANSWERED] = {
		[IDEMPOTENT]        = { "succeeded", "void remove", 1, 1 },
		[KEYED]             = { "succeeded", "void remove", 1, 1 },
		[KEYED_LAPSED]      = { "in_doubt",  "", 1, 0 },
		[KEYED_LAPSED_LOOKUP] = { "in_doubt",  "", 1, 0 },
		[QUERYABLE]         = { "in_doubt",  "", 1, 0 },
		[UNSAFE]            = { "in_doubt",  "", 1, 0 },
	},
	[CHECKPOINT] = {
		[IDEMPOTENT]        = { "succeeded", "remove", 1, 1 },
		[KEYED]             = { "succeeded", "remove", 1, 1 },
		[KEYED_LAPSED]      = { "in_doubt",  "", 1, 0 },
		[KEYED_LAPSED_LOOKUP] = { "in_doubt",  "", 1, 0 },
		[QUERYABLE]         = { "in_doubt",  "", 1, 0 },
		[UNSAFE]            = { "in_doubt",  "", 1, 0 },
	},
	[SECOND_LOST] = {
		[IDEMPOTENT]        = { "succeeded", "remove", 1, 1 },
		[KEYED]             = { "succeeded", "remove", 1, 1 },
		[KEYED_LAPSED]      = { "in_doubt",  "", 1, 0 },
		[KEYED_LAPSED_LOOKUP] = { "in_doubt",  "", 1, 0 },
		[QUERYABLE]         = { "in_doubt",  "", 1, 0 },
		[UNSAFE]            = { "in_doubt",  "", 1, 0 },
	},
	[SECOND_SENT] = {
		[IDEMPOTENT]        = { "succeeded", "remove", 1, 1 },
		[KEYED]             = { "succeeded", "remove", 1, 1 },
		[KEYED_LAPSED]      = { "in_doubt",  "", 1, 1 },
		[KEYED_LAPSED_LOOKUP] = { "in_doubt",  "", 1, 1 },
		[QUERYABLE]         = { "in_doubt",  "", 1, 1 },
		[UNSAFE]            = { "in_doubt",  "", 1, 1 },
	},
	[SECOND_ANSWERED] = {
		[IDEMPOTENT]        = { "succeeded", "remove", 1, 1 },
		[KEYED]             = { "succeeded", "remove", 1, 1 },
		[KEYED_LAPSED]      = { "in_doubt",  "", 1, 1 },
		[KEYED_LAPSED_LOOKUP] = { "in_doubt",  "", 1, 1 },
		[QUERYABLE]         = { "in_doubt",  "", 1, 1 },
		[UNSAFE]            = { "in_doubt",  "", 1, 1 },
	},
	[OUTCOME] = {
		[IDEMPOTENT]        = { "succeeded", "", 1, 1 },
		[KEYED]             = { "succeeded", "", 1, 1 },
		[KEYED_LAPSED]      = { "succeeded", "", 1, 1 },
		[KEYED_LAPSED_LOOKUP] = { "succeeded", "", 1, 1 },
		[QUERYABLE]         = { "succeeded", "", 1, 1 },
		[UNSAFE]            = { "succeeded", "", 1, 1 },
	},
};

/* The power fails a second time, during the look-up that follows the first failure. */
enum lookup_point { LOOKUP_SENT, LOOKUP_ANSWERED, LOOKUP_OUTCOME, LOOKUP_POINTS };
enum { EFFECT_PRESENT, EFFECT_ABSENT, FINDINGS };

static const char *const lookup_names[LOOKUP_POINTS] = { "look-up sent", "look-up answered", "its outcome durable" };

static const struct expected_end lookup_table[LOOKUP_POINTS][FINDINGS] = {
	[LOOKUP_SENT]     = { [EFFECT_PRESENT] = { "succeeded", "look", 1, 1 }, [EFFECT_ABSENT] = { "succeeded", "look gift", 1, 1 } },
	[LOOKUP_ANSWERED] = { [EFFECT_PRESENT] = { "succeeded", "look", 1, 1 }, [EFFECT_ABSENT] = { "succeeded", "look gift", 1, 1 } },
	[LOOKUP_OUTCOME]  = { [EFFECT_PRESENT] = { "succeeded", "", 1, 1 },     [EFFECT_ABSENT] = { "succeeded", "gift", 1, 1 } },
};
/* clang-format on */

/* ---- up to a point ---- */

/* If the target supports look-ups, exchanges that only read come first. */
static void advance_to_call(struct doubt_fixture *s, const char *label)
{
	for (unsigned turn = 0; turn < 40; turn++) {
		fixture_tick(s);
		if (s->call.pending && strcmp(s->call.label, label) == 0)
			return;
		if (s->call.pending)
			fixture_answer(s);
		else
			fixture_pump(s);
		s->now_ms += 200;
	}
	fail_msg("%s is not sent", label);
}

static void advance_to_intent(struct doubt_fixture *s)
{
	for (unsigned turn = 0; turn < 10 && fixture_state(s) != STEP_RUNNING; turn++) {
		fixture_tick(s);
		fixture_pump(s);
	}
	assert_string_equal(name_of_step_state(fixture_state(s)), "running");
	assert_string_equal(s->sent, "");
}

/* Runs one effect up to the stop point: sent, arrived, answered, durable. */
static void run_until_lost(struct doubt_fixture *s, const char *label, enum stop_point lost,
						   enum stop_point until)
{
	advance_to_call(s, label);
	if (until == lost)
		return;
	fixture_arrive(s);
	if (until == lost + 1)
		return;
	fixture_answer(s);
	fixture_tick(s);
	if (until == lost + 2)
		return;
	fixture_pump(s);
}

static void run_to_point(struct doubt_fixture *s, bool undo, enum stop_point until)
{
	fixture_pump(s);
	if (until == ACCEPTED_STARTED)
		return;
	fixture_tick(s);
	if (until == INTENT_REQUESTED)
		return;
	advance_to_intent(s);
	if (until == INTENT)
		return;
	run_until_lost(s, undo ? "void" : "contact", FIRST_LOST, until);
	if (until > CHECKPOINT)
		run_until_lost(s, undo ? "remove" : "gift", SECOND_LOST, until);
}

/* ---- afterwards ---- */

static void compare(struct doubt_fixture *s, const char *point, bool undo, const struct expected_end *wanted)
{
	const char *state = name_of_step_state(fixture_state(s));
	const char *end = fixture_state(s) == STEP_ATTENTION ? name_of_reason(fixture_reason(s)) : state;
	const unsigned *made = undo ? s->undone : s->applied;
	unsigned first = made[undo ? GIFT : CONTACT], second = made[undo ? CONTACT : GIFT];
	if (strcmp(end, wanted->end) == 0 && strcmp(s->sent, wanted->sent) == 0 && first == wanted->first &&
		second == wanted->second)
		return;
	fail_msg("%s, %s, %s: found { \"%s\", \"%s\", %u, %u }, wanted { \"%s\", \"%s\", %u, %u }",
			 undo ? "undo" : "do", point, promise_name(s->promise), end, s->sent, first, second, wanted->end,
			 wanted->sent, wanted->first, wanted->second);
}

static void run_cell(bool undo, enum stop_point point, enum promise promise,
					 const struct expected_end *wanted)
{
	struct doubt_fixture *s = fixture_open(promise, point == ACCEPTED_STARTED);
	fixture_accept(s);
	if (undo) {
		fixture_finish(s);
		s->sent[0] = '\0';
		fixture_undo(s);
	}
	run_to_point(s, undo, point);
	fixture_power_cut(s);
	fixture_finish(s);
	assert_int_equal(fixture_undoing(s), undo);
	compare(s, point_names[point], undo, wanted);
	bool part = promise == QUERYABLE_PARTS && !undo && point >= FIRST_SENT && point <= SECOND_LOST;
	assert_int_equal(s->partial, part ? 1 : 0);
	fixture_power_cut(s); /* a further restart changes nothing */
	fixture_finish(s);
	assert_string_equal(s->sent, "");
	fixture_close(s);
}

/* After "a part is there" the do sends what it sends after "absent", so this promise has no columns. */
static enum promise column_of(enum promise p)
{
	return p == QUERYABLE_PARTS ? QUERYABLE : p;
}

static void run_table(bool undo, const struct expected_end table[POINTS][PROMISES])
{
	for (enum stop_point point = 0; point < POINTS; point++) {
		for (enum promise promise = 0; promise < PROMISES; promise++) {
			const struct expected_end *wanted = &table[point][column_of(promise)];
			if (wanted->end != NULL)
				run_cell(undo, point, promise, wanted);
		}
	}
}

static void test_do(void **state)
{
	(void)state;
	run_table(false, do_table);
}

static void test_undo(void **state)
{
	(void)state;
	run_table(true, undo_table);
}

static void run_lookup(enum lookup_point point, unsigned finding, enum promise promise)
{
	struct doubt_fixture *s = fixture_open(promise, false);
	fixture_accept(s);
	run_to_point(s, false, finding == EFFECT_PRESENT ? SECOND_SENT : SECOND_LOST);
	fixture_power_cut(s);
	advance_to_call(s, "look");
	if (point != LOOKUP_SENT) {
		fixture_answer(s);
		fixture_tick(s);
	}
	if (point == LOOKUP_OUTCOME)
		fixture_pump(s);
	fixture_power_cut(s);
	fixture_finish(s);
	compare(s, lookup_names[point], false, &lookup_table[point][finding]);
	fixture_close(s);
}

static void test_lookup(void **state)
{
	(void)state;
	for (enum lookup_point point = 0; point < LOOKUP_POINTS; point++) {
		for (unsigned finding = 0; finding < FINDINGS; finding++) {
			run_lookup(point, finding, QUERYABLE);
			run_lookup(point, finding, QUERYABLE_PARTS);
			run_lookup(point, finding, KEYED_LAPSED_LOOKUP);
		}
	}
}

/* The do that goes on after a part was found is cut off too, at each point of its effect. */
static void test_cut_while_going_on(void **state)
{
	(void)state;
	static const struct expected_end ends[] = {
		{ "succeeded", "look gift", 1, 1 }, /* the gift was lost */
		{ "succeeded", "look", 1, 1 },      /* the gift arrived, no reply came */
		{ "succeeded", "look", 1, 1 },      /* the reply was read, the outcome is not durable */
		{ "succeeded", "", 1, 1 },          /* the outcome is durable */
	};
	for (unsigned cut = 0; cut < 4; cut++) {
		struct doubt_fixture *s = fixture_open(QUERYABLE_PARTS, false);
		fixture_accept(s);
		run_to_point(s, false, CHECKPOINT);
		fixture_power_cut(s);
		run_until_lost(s, "gift", SECOND_LOST, SECOND_LOST + cut);
		fixture_power_cut(s);
		fixture_finish(s);
		compare(s, "while going on", false, &ends[cut]);
		fixture_close(s);
	}
}

/* The process is killed and the template edited before the next start. A request that may have been sent
 * must never be sent again with other bytes; a request that cannot have been sent gets the new text. */
/* clang-format off */
static const struct expected_end edited_table[POINTS][PROMISES] = {
	[INTENT] = {
		[IDEMPOTENT] = { "succeeded",    "contact gift", 1, 1 },
		[KEYED]      = { "succeeded",    "contact gift", 1, 1 },
		[QUERYABLE]  = { "succeeded",    "look find contact gift", 1, 1 },
	},
	[FIRST_LOST] = {
		[IDEMPOTENT] = { "body_changed", "", 0, 0 },
		[KEYED]      = { "body_changed", "", 0, 0 },
		[QUERYABLE]  = { "body_changed", "look find", 0, 0 },
	},
	[FIRST_SENT] = {
		[IDEMPOTENT] = { "body_changed", "", 1, 0 },
		[KEYED]      = { "body_changed", "", 1, 0 },
		[QUERYABLE]  = { "succeeded",    "look find gift", 1, 1 },
	},
	[FIRST_ANSWERED] = {
		[IDEMPOTENT] = { "body_changed", "", 1, 0 },
		[KEYED]      = { "body_changed", "", 1, 0 },
		[QUERYABLE]  = { "succeeded",    "look find gift", 1, 1 },
	},
	[CHECKPOINT] = { /* the gift was not sent yet, so it is rendered from the edited template */
		[IDEMPOTENT] = { "succeeded",    "gift", 1, 1 },
		[KEYED]      = { "succeeded",    "gift", 1, 1 },
		[QUERYABLE]  = { "succeeded",    "look gift", 1, 1 },
	},
	[SECOND_LOST] = {
		[IDEMPOTENT] = { "body_changed", "", 1, 0 },
		[KEYED]      = { "body_changed", "", 1, 0 },
		[QUERYABLE]  = { "body_changed", "look", 1, 0 },
	},
	[SECOND_SENT] = {
		[IDEMPOTENT] = { "body_changed", "", 1, 1 },
		[KEYED]      = { "body_changed", "", 1, 1 },
		[QUERYABLE]  = { "succeeded",    "look", 1, 1 },
	},
	[SECOND_ANSWERED] = {
		[IDEMPOTENT] = { "body_changed", "", 1, 1 },
		[KEYED]      = { "body_changed", "", 1, 1 },
		[QUERYABLE]  = { "succeeded",    "look", 1, 1 },
	},
};
/* clang-format on */

static void run_edited(enum stop_point point, enum promise promise, bool twice)
{
	char what[80];
	snprintf(what, sizeof what, "%s, killed%s, edited", point_names[point], twice ? " twice" : "");
	struct doubt_fixture *s = fixture_open(promise, false);
	fixture_accept(s);
	run_to_point(s, false, point);
	fixture_kill(s);
	if (twice)
		fixture_kill(s);
	s->edited = true;
	fixture_finish(s);
	compare(s, what, false, &edited_table[point][column_of(promise)]);
	fixture_close(s);
}

static void test_edited(void **state)
{
	(void)state;
	for (enum stop_point point = 0; point < POINTS; point++) {
		for (enum promise promise = 0; promise < PROMISES; promise++) {
			if (edited_table[point][column_of(promise)].end == NULL)
				continue;
			run_edited(point, promise, false);
			run_edited(point, promise, true);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_do),     cmocka_unit_test(test_undo),
		cmocka_unit_test(test_lookup), cmocka_unit_test(test_cut_while_going_on),
		cmocka_unit_test(test_edited),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
