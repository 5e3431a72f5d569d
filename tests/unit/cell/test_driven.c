/* A cell in virtual time: what it answers in each state, how it drains, how it is lost, and that the next cell in
 * the same process continues with its store. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/capture.h"
#include "tests/support/wrong_call.h"
#include "tests/unit/cell/cell_fixture.h"

static int setup(void **state)
{
	*state = fixture_open(true);
	return 0;
}

static int teardown(void **state)
{
	fixture_close(*state);
	return 0;
}

static int64_t accepted(struct cell_fixture *f)
{
	struct journal_counts counts;
	assert_true(cell_counts(f->cell, &counts));
	int64_t n = counts.accepted;
	journal_counts_finish(&counts);
	return n;
}

/* ---- without a cell ---- */

static void must_not_come(void *ctx, struct accept *a, const struct accept_result *result)
{
	(void)ctx, (void)a, (void)result;
	fail_msg("an accept that was refused is answered");
}

static void rules_must_not_come(void *ctx, const struct journal_target *targets, size_t count)
{
	(void)ctx, (void)targets, (void)count;
	fail_msg("rules that were refused are answered");
}

static void count_release(void *ctx)
{
	(*(unsigned *)ctx)++;
}

static void check_refusals(struct cell_fixture *f)
{
	unsigned released = 0;
	struct journal_counts counts;
	struct engine_target_status status;
	struct accept *a = fixture_event(f, "e", NULL, must_not_come);
	const struct rejected_row row = { .source = STR("forms") };
	const struct command command = { .kind = COMMAND_RECORD, .u.record = { SUBJECT_DAEMON, "x" } };
	const struct engine_target_config target = {
		.id = 1, .name = "books", .port = { .ctx = &released }, .release = count_release
	};
	assert_int_equal(cell_accept(f->cell, a), ERR_CLOSED);
	fixture_event_free(a);
	assert_int_equal(cell_keep_rejected(f->cell, &row, 1000), ERR_CLOSED);
	assert_int_equal(command_run(f->cell, &command), ERR_CLOSED);
	assert_int_equal(cell_set_rules(f->cell, NULL, 0, NULL, rules_must_not_come), ERR_CLOSED);
	assert_false(cell_counts(f->cell, &counts));
	assert_int_equal(cell_target_status(f->cell, 0, &status, 1), 0);
	assert_int_equal(cell_set_targets(f->cell, &target, 1), ERR_CLOSED);
	assert_int_equal(released, 0); /* the port is still the caller's */
	assert_null(cell_engine(f->cell));
	assert_null(cell_journal(f->cell));
}

static void an_absent_cell_refuses_everything(void **state)
{
	struct cell_fixture *f = *state;
	assert_int_equal(cell_get_state(f->cell), CELL_ABSENT);
	check_refusals(f);
	cell_end(f->cell, "nothing to end");
	fixture_serve(f);
	cell_drain(f->cell, 0);
	cell_turn(f->cell);
	cell_end(f->cell, "done");
	assert_int_equal(cell_get_state(f->cell), CELL_ABSENT);
	check_refusals(f);
}

/* ---- making ---- */

static void a_cell_that_cannot_be_made_leaves_nothing(void **state)
{
	struct cell_fixture *f = *state;
	struct err err = { 0 };
	fixture_fail_head(ERR_CORRUPT);
	assert_int_equal(fixture_try_make(f, &err), ERR_CORRUPT);
	assert_string_equal(err.text, "the head cannot be read");
	fixture_fail_commit(0, ERR_LOST);
	assert_int_equal(fixture_try_make(f, &err), ERR_LOST);
	assert_int_equal(cell_get_state(f->cell), CELL_ABSENT);
	assert_int_equal(f->failures, 0);
	check_refusals(f);
	fixture_serve(f);
	assert_int_equal(cell_get_state(f->cell), CELL_SERVING);
}

/* The process died while the connector ran the step of saga 1. */
static void blamed_steps_go_to_attention(void **state)
{
	struct cell_fixture *f = *state;
	int code;
	fixture_serve(f);
	fixture_accept(f, "e1", &code);
	fixture_run(f);
	assert_int_equal(f->submitted, 1);
	cell_destroy(f->cell);
	f->cell = cell_create();
	struct cell_blame blames[] = { { .saga = 9, .step = "books", .detail = "gone" },
								   { .saga = 1, .step = "books", .detail = "the connector crashed" } };
	f->blames = blames;
	f->blame_count = 2;
	fixture_serve(f);
	assert_false(blames[0].moved);
	assert_true(blames[1].moved);
	assert_int_equal(fixture_step(f, 1), STEP_ATTENTION);
	fixture_run(f);
	assert_int_equal(f->submitted, 1);
}

/* Each commit of the beginning fails once. */
static void a_store_lost_while_steps_are_blamed(void **state)
{
	struct cell_fixture *f = *state;
	struct err err = { 0 };
	struct cell_blame blame = { .saga = 1, .step = "books", .detail = "the connector crashed" };
	int code;
	fixture_serve(f);
	fixture_accept(f, "e1", &code);
	fixture_run(f);
	cell_destroy(f->cell);
	f->cell = cell_create();
	f->blames = &blame;
	f->blame_count = 1;
	unsigned commits = 0;
	for (int rc = ERR_LOST; rc != 0; commits++) {
		fixture_fail_commit(commits, ERR_LOST);
		rc = fixture_try_make(f, &err);
		assert_true(rc == 0 || rc == ERR_LOST);
		assert_int_equal(cell_get_state(f->cell), rc == 0 ? CELL_STARTING : CELL_ABSENT);
		assert_int_equal(blame.moved, rc == 0);
	}
	assert_true(commits > 2);
	assert_int_equal(f->failures, 1); /* of the last one that failed, which was the blame's */
	fixture_fail_commit(0, 0);
	assert_int_equal(fixture_step(f, 1), STEP_ATTENTION);
}

/* ---- draining ---- */

static void a_drain_waits_for_attempts_and_starts_none(void **state)
{
	struct cell_fixture *f = *state;
	int first, second;
	fixture_serve(f);
	fixture_accept(f, "e1", &first);
	fixture_run(f);
	assert_int_equal(first, 0);
	assert_int_equal(f->submitted, 1);
	cell_drain(f->cell, 10000);
	assert_int_equal(cell_get_state(f->cell), CELL_DRAINING);
	fixture_accept(f, "e2", &second); /* still taken: its sender was let in before */
	fixture_run(f);
	assert_int_equal(second, 0);
	assert_int_equal(f->submitted, 1);
	assert_false(cell_is_over(f->cell));
	fixture_reply(f, 0, 200);
	fixture_run(f);
	assert_true(cell_is_over(f->cell));
	assert_int_equal(cell_next_ms(f->cell), -1);
	assert_int_equal(f->overs, 1);
	cell_drain(f->cell, 0); /* a second one changes nothing */
	cell_turn(f->cell);
	assert_int_equal(f->overs, 1);
	cell_end(f->cell, "done");
	assert_int_equal(fixture_step(f, 1), STEP_SUCCEEDED);
	fixture_serve(f);
	fixture_run(f);
	assert_int_equal(f->submitted, 2); /* the step of the second event */
	fixture_reply(f, 1, 200);
	fixture_run(f);
	assert_int_equal(fixture_step(f, 2), STEP_SUCCEEDED);
}

static void a_drain_cuts_attempts_off_when_its_time_is_over(void **state)
{
	struct cell_fixture *f = *state;
	int code;
	fixture_serve(f);
	fixture_accept(f, "e1", &code);
	fixture_run(f);
	cell_drain(f->cell, 100);
	fixture_run(f);
	assert_false(cell_is_over(f->cell));
	f->now_ms += 100;
	fixture_run(f);
	assert_true(cell_is_over(f->cell));
	assert_int_equal(f->cancelled, 1);
	cell_end(f->cell, "done");
	assert_int_equal(fixture_step(f, 1), STEP_RETRY_WAIT); /* it is idempotent, so it is tried once more */
}

/* ---- loss ---- */

/* Three sagas are complete. When the commit of e7 fails, the attempt of saga 4 has ended and its outcome is not
 * reported, that of saga 5 is under way, and that of saga 6 may start: its intent is durable. */
static void lose(struct cell_fixture *f, int code, int *ret_last)
{
	int answer;
	fixture_serve(f);
	for (unsigned i = 0; i < 3; i++) {
		char id[8];
		snprintf(id, sizeof id, "e%u", i + 1);
		fixture_accept(f, id, &answer);
		fixture_run(f);
		fixture_reply(f, i, 200);
		fixture_run(f);
	}
	fixture_accept(f, "e4", &answer);
	fixture_accept(f, "e5", &answer);
	fixture_run(f);
	fixture_accept(f, "e6", &answer);
	assert_true(cell_pump(f->cell) >= 0);
	assert_int_equal(answer, 0);
	assert_int_equal(fixture_step(f, 6), STEP_RUNNING);
	assert_int_equal(f->submitted, 5);
	fixture_reply(f, 3, 200);
	fixture_accept(f, "e7", ret_last);
	fixture_fail_commit(0, code);
	assert_int_equal(cell_pump(f->cell), code);
	assert_int_equal(f->failure, code);
	assert_int_equal(cell_get_state(f->cell), CELL_LOST);
	assert_true(f->wakes > 0);
}

static void a_lost_cell_is_made_again(void **state)
{
	struct cell_fixture *f = *state;
	struct capture c;
	int last, repeated;
	capture_begin(&c);
	lose(f, ERR_LOST, &last);
	struct accept *a = fixture_event(f, "e8", NULL, must_not_come);
	int refused = cell_accept(f->cell, a);
	cell_drain(f->cell, 0); /* a signal may come now */
	cell_turn(f->cell);
	capture_end(&c);
	fixture_event_free(a);
	assert_int_equal(refused, ERR_CLOSED);
	assert_int_equal(last, ERR_LOST);
	assert_non_null(
		strstr(c.err, "outcome not on disk: saga 4, step 0, do, generation 1, attempt 1: ok, effect sent"));
	assert_null(strstr(c.err, "saga 5"));
	assert_true(cell_is_over(f->cell));
	assert_int_equal(f->overs, 1);
	assert_int_equal(f->cancelled, 1); /* the request of saga 5 */
	assert_int_equal(f->submitted, 5); /* and saga 6 sends none */
	cell_end(f->cell, "lost");
	assert_int_equal(cell_get_state(f->cell), CELL_ABSENT);
	check_refusals(f);

	fixture_serve(f);
	assert_int_equal(accepted(f), 6); /* the last one was not recorded, and its sender knows */
	fixture_accept(f, "e7", &repeated);
	fixture_run(f);
	assert_int_equal(repeated, 0);
	for (unsigned i = 5; i < 9; i++) {
		fixture_reply(f, i, 200);
		fixture_run(f);
	}
	assert_int_equal(f->submitted, 9); /* sagas 4 to 6 are tried once more */
	for (int64_t saga = 1; saga <= 7; saga++)
		assert_int_equal(fixture_step(f, saga), STEP_SUCCEEDED);
}

static void a_cell_is_lost_before_it_serves_and_while_it_drains(void **state)
{
	struct cell_fixture *f = *state;
	struct err err = { 0 };
	int code;
	assert_int_equal(fixture_try_make(f, &err), 0);
	assert_int_equal(cell_get_state(f->cell), CELL_STARTING);
	fixture_accept(f, "e1", &code);
	fixture_fail_commit(0, ERR_LOST);
	assert_int_equal(cell_pump(f->cell), ERR_LOST);
	assert_int_equal(code, ERR_LOST);
	assert_int_equal(cell_serve(f->cell, &err), 0);
	cell_turn(f->cell);
	assert_true(cell_is_over(f->cell));
	cell_end(f->cell, "lost");

	fixture_serve(f);
	fixture_accept(f, "e1", &code);
	fixture_run(f);
	cell_drain(f->cell, 10000);
	fixture_accept(f, "e2", &code);
	fixture_fail_commit(0, ERR_LOST);
	assert_int_equal(cell_pump(f->cell), ERR_LOST);
	assert_int_equal(code, ERR_LOST);
	cell_turn(f->cell);
	assert_true(cell_is_over(f->cell));
	assert_int_equal(f->cancelled, 1);
	cell_end(f->cell, "lost");
	assert_int_equal(f->failures, 2);
}

static struct cell_fixture *broken;

static void make_anew(void)
{
	struct err err = { 0 };
	(void)!fixture_try_make(broken, &err);
}

/* After ERR_IO the system may report success for what is not on disk, so no cell may trust this process. */
static void a_broken_store_ends_the_process(void **state)
{
	struct cell_fixture *f = *state;
	struct capture c;
	int last;
	capture_begin(&c);
	lose(f, ERR_IO, &last);
	cell_turn(f->cell);
	capture_end(&c);
	assert_int_equal(last, ERR_IO);
	assert_non_null(strstr(c.err, "saga 4, step 0"));
	assert_int_equal(f->submitted, 5);
	cell_end(f->cell, "the store failed");
	broken = f;
	assert_true(wrong_call_ends_process(make_anew));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = { T(an_absent_cell_refuses_everything),
										T(a_cell_that_cannot_be_made_leaves_nothing),
										T(blamed_steps_go_to_attention),
										T(a_store_lost_while_steps_are_blamed),
										T(a_drain_waits_for_attempts_and_starts_none),
										T(a_drain_cuts_attempts_off_when_its_time_is_over),
										T(a_lost_cell_is_made_again),
										T(a_cell_is_lost_before_it_serves_and_while_it_drains),
										T(a_broken_store_ends_the_process) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
