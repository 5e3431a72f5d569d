/* The power goes at each point of a step with two effects, for each promise a target can make about a repeat:
 * what becomes of the step, what is sent after the restart, and how often each effect was made in the end.
 * Tables of the real thing: engine, journal and store run, each cell is played. */
#include <stdio.h>
#include <string.h>

#include "tests/unit/doubt/stage.h"

enum point {
	ACCEPTED_RIDING, /* durable, with its first intent where that may ride in the same commit */
	ASKED,      /* durable (the event, or the verb `compensate`); its intent is asked for, and not durable */
	INTENT,     /* the intent is durable, nothing was sent */
	FIRST_LOST, /* the first effect was sent and never got there */
	FIRST_SENT, /* … it took effect; nothing has come back */
	FIRST_ANSWERED, /* … its answer is read; the checkpoint is not durable */
	CHECKPOINT,     /* the checkpoint is durable, the second effect was not sent */
	SECOND_LOST,
	SECOND_SENT,
	SECOND_ANSWERED, /* the outcome is not durable */
	OUTCOME,         /* it is */
	POINTS
};

static const char *const point_names[POINTS] = {
	"accepted, intents riding", "asked for, no intent", "intent durable",     "first effect lost",
	"first effect sent",        "first answered",       "checkpoint durable", "second effect lost",
	"second effect sent",       "second answered",      "outcome durable",
};

struct cell {
	const char *end;        /* of the step: "succeeded", or the reason of its attention */
	const char *sent;       /* after the restart, in this order */
	unsigned first, second; /* how often each effect was made, before and after */
};

/* clang-format off */
/* Direction do: first the contact, then the gift. Where a target can be asked, `look` asks for the gift, and `find` for the
 * contact before one is made. */
static const struct cell do_table[POINTS][PROMISES] = {
	[ACCEPTED_RIDING] = {
		[IDEMPOTENT]        = { "succeeded", "contact gift", 1, 1 },
		[KEYED]             = { "succeeded", "contact gift", 1, 1 },
		[KEYED_LAPSED]      = { "in_doubt",  "", 0, 0 }, /* nothing was sent, and nobody can know it */
		[KEYED_LAPSED_LOOK] = { "succeeded", "look find contact gift", 1, 1 },
		[QUERYABLE]         = { "succeeded", "find contact gift", 1, 1 }, /* never rides: no doubt arises */
		[UNSAFE]            = { "succeeded", "contact gift", 1, 1 },      /* never rides */
	},
	[ASKED] = {
		[IDEMPOTENT]        = { "succeeded", "contact gift", 1, 1 },
		[KEYED]             = { "succeeded", "contact gift", 1, 1 },
		[KEYED_LAPSED]      = { "succeeded", "contact gift", 1, 1 }, /* the clock has not begun */
		[KEYED_LAPSED_LOOK] = { "succeeded", "find contact gift", 1, 1 },
		[QUERYABLE]         = { "succeeded", "find contact gift", 1, 1 },
		[UNSAFE]            = { "succeeded", "contact gift", 1, 1 },
	},
	[INTENT] = {
		[IDEMPOTENT]        = { "succeeded", "contact gift", 1, 1 },
		[KEYED]             = { "succeeded", "contact gift", 1, 1 },
		[KEYED_LAPSED]      = { "in_doubt",  "", 0, 0 },
		[KEYED_LAPSED_LOOK] = { "succeeded", "look find contact gift", 1, 1 },
		[QUERYABLE]         = { "succeeded", "look find contact gift", 1, 1 },
		[UNSAFE]            = { "in_doubt",  "", 0, 0 },
	},
	[FIRST_LOST] = {
		[IDEMPOTENT]        = { "succeeded", "contact gift", 1, 1 },
		[KEYED]             = { "succeeded", "contact gift", 1, 1 },
		[KEYED_LAPSED]      = { "in_doubt",  "", 0, 0 },
		[KEYED_LAPSED_LOOK] = { "succeeded", "look find contact gift", 1, 1 },
		[QUERYABLE]         = { "succeeded", "look find contact gift", 1, 1 },
		[UNSAFE]            = { "in_doubt",  "", 0, 0 },
	},
	[FIRST_SENT] = {
		[IDEMPOTENT]        = { "succeeded", "contact gift", 1, 1 },
		[KEYED]             = { "succeeded", "contact gift", 1, 1 },
		[KEYED_LAPSED]      = { "in_doubt",  "", 1, 0 },
		[KEYED_LAPSED_LOOK] = { "succeeded", "look find gift", 1, 1 },
		[QUERYABLE]         = { "succeeded", "look find gift", 1, 1 },
		[UNSAFE]            = { "in_doubt",  "", 1, 0 },
	},
	[FIRST_ANSWERED] = {
		[IDEMPOTENT]        = { "succeeded", "contact gift", 1, 1 },
		[KEYED]             = { "succeeded", "contact gift", 1, 1 },
		[KEYED_LAPSED]      = { "in_doubt",  "", 1, 0 },
		[KEYED_LAPSED_LOOK] = { "succeeded", "look find gift", 1, 1 },
		[QUERYABLE]         = { "succeeded", "look find gift", 1, 1 },
		[UNSAFE]            = { "in_doubt",  "", 1, 0 },
	},
	[CHECKPOINT] = {
		[IDEMPOTENT]        = { "succeeded", "gift", 1, 1 }, /* goes on where it was */
		[KEYED]             = { "succeeded", "gift", 1, 1 },
		[KEYED_LAPSED]      = { "in_doubt",  "", 1, 0 },
		[KEYED_LAPSED_LOOK] = { "succeeded", "look gift", 1, 1 },
		[QUERYABLE]         = { "succeeded", "look gift", 1, 1 },
		[UNSAFE]            = { "in_doubt",  "", 1, 0 },
	},
	[SECOND_LOST] = {
		[IDEMPOTENT]        = { "succeeded", "gift", 1, 1 },
		[KEYED]             = { "succeeded", "gift", 1, 1 },
		[KEYED_LAPSED]      = { "in_doubt",  "", 1, 0 },
		[KEYED_LAPSED_LOOK] = { "succeeded", "look gift", 1, 1 },
		[QUERYABLE]         = { "succeeded", "look gift", 1, 1 },
		[UNSAFE]            = { "in_doubt",  "", 1, 0 },
	},
	[SECOND_SENT] = {
		[IDEMPOTENT]        = { "succeeded", "gift", 1, 1 },
		[KEYED]             = { "succeeded", "gift", 1, 1 },
		[KEYED_LAPSED]      = { "in_doubt",  "", 1, 1 },
		[KEYED_LAPSED_LOOK] = { "succeeded", "look", 1, 1 },
		[QUERYABLE]         = { "succeeded", "look", 1, 1 },
		[UNSAFE]            = { "in_doubt",  "", 1, 1 },
	},
	[SECOND_ANSWERED] = {
		[IDEMPOTENT]        = { "succeeded", "gift", 1, 1 },
		[KEYED]             = { "succeeded", "gift", 1, 1 },
		[KEYED_LAPSED]      = { "in_doubt",  "", 1, 1 },
		[KEYED_LAPSED_LOOK] = { "succeeded", "look", 1, 1 },
		[QUERYABLE]         = { "succeeded", "look", 1, 1 },
		[UNSAFE]            = { "in_doubt",  "", 1, 1 },
	},
	[OUTCOME] = {
		[IDEMPOTENT]        = { "succeeded", "", 1, 1 },
		[KEYED]             = { "succeeded", "", 1, 1 },
		[KEYED_LAPSED]      = { "succeeded", "", 1, 1 },
		[KEYED_LAPSED_LOOK] = { "succeeded", "", 1, 1 },
		[QUERYABLE]         = { "succeeded", "", 1, 1 },
		[UNSAFE]            = { "succeeded", "", 1, 1 },
	},
};

/* Direction undo: first the gift is voided, then the contact removed. A look-up asks about the do, so it never settles an undo:
 * what can only be looked up is in doubt. An undo's intent never rides. */
static const struct cell undo_table[POINTS][PROMISES] = {
	[ASKED] = {
		[IDEMPOTENT]        = { "succeeded", "void remove", 1, 1 },
		[KEYED]             = { "succeeded", "void remove", 1, 1 },
		[KEYED_LAPSED]      = { "succeeded", "void remove", 1, 1 },
		[KEYED_LAPSED_LOOK] = { "succeeded", "void remove", 1, 1 },
		[QUERYABLE]         = { "succeeded", "void remove", 1, 1 },
		[UNSAFE]            = { "succeeded", "void remove", 1, 1 },
	},
	[INTENT] = {
		[IDEMPOTENT]        = { "succeeded", "void remove", 1, 1 },
		[KEYED]             = { "succeeded", "void remove", 1, 1 },
		[KEYED_LAPSED]      = { "in_doubt",  "", 0, 0 },
		[KEYED_LAPSED_LOOK] = { "in_doubt",  "", 0, 0 },
		[QUERYABLE]         = { "in_doubt",  "", 0, 0 },
		[UNSAFE]            = { "in_doubt",  "", 0, 0 },
	},
	[FIRST_LOST] = {
		[IDEMPOTENT]        = { "succeeded", "void remove", 1, 1 },
		[KEYED]             = { "succeeded", "void remove", 1, 1 },
		[KEYED_LAPSED]      = { "in_doubt",  "", 0, 0 },
		[KEYED_LAPSED_LOOK] = { "in_doubt",  "", 0, 0 },
		[QUERYABLE]         = { "in_doubt",  "", 0, 0 },
		[UNSAFE]            = { "in_doubt",  "", 0, 0 },
	},
	[FIRST_SENT] = {
		[IDEMPOTENT]        = { "succeeded", "void remove", 1, 1 },
		[KEYED]             = { "succeeded", "void remove", 1, 1 },
		[KEYED_LAPSED]      = { "in_doubt",  "", 1, 0 },
		[KEYED_LAPSED_LOOK] = { "in_doubt",  "", 1, 0 },
		[QUERYABLE]         = { "in_doubt",  "", 1, 0 },
		[UNSAFE]            = { "in_doubt",  "", 1, 0 },
	},
	[FIRST_ANSWERED] = {
		[IDEMPOTENT]        = { "succeeded", "void remove", 1, 1 },
		[KEYED]             = { "succeeded", "void remove", 1, 1 },
		[KEYED_LAPSED]      = { "in_doubt",  "", 1, 0 },
		[KEYED_LAPSED_LOOK] = { "in_doubt",  "", 1, 0 },
		[QUERYABLE]         = { "in_doubt",  "", 1, 0 },
		[UNSAFE]            = { "in_doubt",  "", 1, 0 },
	},
	[CHECKPOINT] = {
		[IDEMPOTENT]        = { "succeeded", "remove", 1, 1 },
		[KEYED]             = { "succeeded", "remove", 1, 1 },
		[KEYED_LAPSED]      = { "in_doubt",  "", 1, 0 },
		[KEYED_LAPSED_LOOK] = { "in_doubt",  "", 1, 0 },
		[QUERYABLE]         = { "in_doubt",  "", 1, 0 },
		[UNSAFE]            = { "in_doubt",  "", 1, 0 },
	},
	[SECOND_LOST] = {
		[IDEMPOTENT]        = { "succeeded", "remove", 1, 1 },
		[KEYED]             = { "succeeded", "remove", 1, 1 },
		[KEYED_LAPSED]      = { "in_doubt",  "", 1, 0 },
		[KEYED_LAPSED_LOOK] = { "in_doubt",  "", 1, 0 },
		[QUERYABLE]         = { "in_doubt",  "", 1, 0 },
		[UNSAFE]            = { "in_doubt",  "", 1, 0 },
	},
	[SECOND_SENT] = {
		[IDEMPOTENT]        = { "succeeded", "remove", 1, 1 },
		[KEYED]             = { "succeeded", "remove", 1, 1 },
		[KEYED_LAPSED]      = { "in_doubt",  "", 1, 1 },
		[KEYED_LAPSED_LOOK] = { "in_doubt",  "", 1, 1 },
		[QUERYABLE]         = { "in_doubt",  "", 1, 1 },
		[UNSAFE]            = { "in_doubt",  "", 1, 1 },
	},
	[SECOND_ANSWERED] = {
		[IDEMPOTENT]        = { "succeeded", "remove", 1, 1 },
		[KEYED]             = { "succeeded", "remove", 1, 1 },
		[KEYED_LAPSED]      = { "in_doubt",  "", 1, 1 },
		[KEYED_LAPSED_LOOK] = { "in_doubt",  "", 1, 1 },
		[QUERYABLE]         = { "in_doubt",  "", 1, 1 },
		[UNSAFE]            = { "in_doubt",  "", 1, 1 },
	},
	[OUTCOME] = {
		[IDEMPOTENT]        = { "succeeded", "", 1, 1 },
		[KEYED]             = { "succeeded", "", 1, 1 },
		[KEYED_LAPSED]      = { "succeeded", "", 1, 1 },
		[KEYED_LAPSED_LOOK] = { "succeeded", "", 1, 1 },
		[QUERYABLE]         = { "succeeded", "", 1, 1 },
		[UNSAFE]            = { "succeeded", "", 1, 1 },
	},
};

/* A second cut while the look-up after the first one is under way. */
enum look_point { LOOK_SENT, LOOK_ANSWERED, LOOK_OUTCOME, LOOK_POINTS };
enum { THERE, NOT_THERE, FINDINGS };

static const char *const look_names[LOOK_POINTS] = { "look-up sent", "look-up answered", "its outcome durable" };

static const struct cell look_table[LOOK_POINTS][FINDINGS] = {
	[LOOK_SENT]     = { [THERE] = { "succeeded", "look", 1, 1 }, [NOT_THERE] = { "succeeded", "look gift", 1, 1 } },
	[LOOK_ANSWERED] = { [THERE] = { "succeeded", "look", 1, 1 }, [NOT_THERE] = { "succeeded", "look gift", 1, 1 } },
	[LOOK_OUTCOME]  = { [THERE] = { "succeeded", "", 1, 1 },     [NOT_THERE] = { "succeeded", "gift", 1, 1 } },
};
/* clang-format on */

/* ---- up to a point ---------------------------------------------------------------------------------------
 */

/* Reads come first where the target can be asked. */
static void go_to_call(struct stage *s, const char *label)
{
	for (unsigned turn = 0; turn < 40; turn++) {
		stage_tick(s);
		if (s->call.pending && strcmp(s->call.label, label) == 0)
			return;
		if (s->call.pending)
			stage_answer(s);
		else
			stage_pump(s);
		s->now_ms += 200;
	}
	fail_msg("%s is not sent", label);
}

static void go_to_intent(struct stage *s)
{
	for (unsigned turn = 0; turn < 10 && stage_state(s) != STEP_RUNNING; turn++) {
		stage_tick(s);
		stage_pump(s);
	}
	assert_string_equal(step_state_name(stage_state(s)), "running");
	assert_string_equal(s->sent, "");
}

/* Plays one half: sent, arrived, answered (and what that made the engine ask for queued), durable. */
static void play_half(struct stage *s, const char *label, enum point lost, enum point until)
{
	go_to_call(s, label);
	if (until == lost)
		return;
	stage_arrive(s);
	if (until == lost + 1)
		return;
	stage_answer(s);
	stage_tick(s);
	if (until == lost + 2)
		return;
	stage_pump(s);
}

static void play(struct stage *s, bool undo, enum point until)
{
	stage_pump(s);
	if (until == ACCEPTED_RIDING)
		return;
	stage_tick(s);
	if (until == ASKED)
		return;
	go_to_intent(s);
	if (until == INTENT)
		return;
	play_half(s, undo ? "void" : "contact", FIRST_LOST, until);
	if (until > CHECKPOINT)
		play_half(s, undo ? "remove" : "gift", SECOND_LOST, until);
}

/* ---- afterwards ------------------------------------------------------------------------------------------
 */

static void compare(struct stage *s, const char *point, bool undo, const struct cell *wanted)
{
	const char *state = step_state_name(stage_state(s));
	const char *end = stage_state(s) == STEP_ATTENTION ? reason_name(stage_reason(s)) : state;
	const unsigned *made = undo ? s->undone : s->applied;
	unsigned first = made[undo ? GIFT : CONTACT], second = made[undo ? CONTACT : GIFT];
	if (strcmp(end, wanted->end) == 0 && strcmp(s->sent, wanted->sent) == 0 && first == wanted->first &&
		second == wanted->second)
		return;
	fail_msg("%s, %s, %s: found { \"%s\", \"%s\", %u, %u }, wanted { \"%s\", \"%s\", %u, %u }",
			 undo ? "undo" : "do", point, promise_name(s->promise), end, s->sent, first, second, wanted->end,
			 wanted->sent, wanted->first, wanted->second);
}

static void play_cell(bool undo, enum point point, enum promise promise, const struct cell *wanted)
{
	struct stage *s = stage_open(promise, point == ACCEPTED_RIDING);
	stage_accept(s);
	if (undo) {
		stage_finish(s);
		s->sent[0] = '\0';
		stage_undo(s);
	}
	play(s, undo, point);
	stage_power_cut(s);
	stage_finish(s);
	assert_int_equal(stage_undoing(s), undo);
	compare(s, point_names[point], undo, wanted);
	stage_power_cut(s); /* and it stays so */
	stage_finish(s);
	assert_string_equal(s->sent, "");
	stage_close(s);
}

static void play_table(bool undo, const struct cell table[POINTS][PROMISES])
{
	for (enum point point = 0; point < POINTS; point++) {
		for (enum promise promise = 0; promise < PROMISES; promise++) {
			if (table[point][promise].end != NULL)
				play_cell(undo, point, promise, &table[point][promise]);
		}
	}
}

static void test_do(void **state)
{
	(void)state;
	play_table(false, do_table);
}

static void test_undo(void **state)
{
	(void)state;
	play_table(true, undo_table);
}

static void play_look(enum look_point point, unsigned finding, enum promise promise)
{
	struct stage *s = stage_open(promise, false);
	stage_accept(s);
	play(s, false, finding == THERE ? SECOND_SENT : SECOND_LOST);
	stage_power_cut(s);
	go_to_call(s, "look");
	if (point != LOOK_SENT) {
		stage_answer(s);
		stage_tick(s);
	}
	if (point == LOOK_OUTCOME)
		stage_pump(s);
	stage_power_cut(s);
	stage_finish(s);
	compare(s, look_names[point], false, &look_table[point][finding]);
	stage_close(s);
}

static void test_look(void **state)
{
	(void)state;
	for (enum look_point point = 0; point < LOOK_POINTS; point++) {
		for (unsigned finding = 0; finding < FINDINGS; finding++) {
			play_look(point, finding, QUERYABLE);
			play_look(point, finding, KEYED_LAPSED_LOOK);
		}
	}
}

/* Killed, and the template edited before the next start: what may have been sent goes out with other bytes under no
 * circumstances; what cannot have been sent does. */
/* clang-format off */
static const struct cell edited_table[POINTS][PROMISES] = {
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
	[CHECKPOINT] = { /* the gift was not sent yet: it is rendered today */
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

static void play_edited(enum point point, enum promise promise, bool twice)
{
	char what[80];
	(void)snprintf(what, sizeof what, "%s, killed%s, edited", point_names[point], twice ? " twice" : "");
	struct stage *s = stage_open(promise, false);
	stage_accept(s);
	play(s, false, point);
	stage_kill(s);
	if (twice)
		stage_kill(s);
	s->edited = true;
	stage_finish(s);
	compare(s, what, false, &edited_table[point][promise]);
	stage_close(s);
}

static void test_edited(void **state)
{
	(void)state;
	for (enum point point = 0; point < POINTS; point++) {
		for (enum promise promise = 0; promise < PROMISES; promise++) {
			if (edited_table[point][promise].end == NULL)
				continue;
			play_edited(point, promise, false);
			play_edited(point, promise, true);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_do),
		cmocka_unit_test(test_undo),
		cmocka_unit_test(test_look),
		cmocka_unit_test(test_edited),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
