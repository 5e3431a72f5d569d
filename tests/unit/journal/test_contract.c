/* Wrong calls end the process: each runs in a child, which must die by SIGABRT. Also how often the checks of
 * whole structures run. */
#include "tests/unit/journal/journal_fixture.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "saga/journal/journal_internal.h"
#include "saga/journal/state/targets.h"

typedef void wrong_call(struct journal_fixture *r);

/* The signal that ended a child which made the call; 0: the call returned. Each child has a store of its
 * own. */
static int signal_of(wrong_call *call)
{
	void *state = NULL;
	assert_int_equal(fixture_setup(&state), 0);
	struct journal_fixture *r = fixture_of(&state);
	r->admission[THANKS] = ADMISSION_WINDOW;
	fixture_use_plan(r, "crm thanks", POLICY_CONTINUE);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		const struct rlimit none = { 0 };
		setrlimit(RLIMIT_CORE, &none);
		if (freopen("/dev/null", "w", stderr) == NULL)
			_exit(2);
		signal(SIGABRT, SIG_DFL); /* cmocka catches it */
		call(r);
		_exit(0);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	fixture_teardown(&state);
	if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
		fail_msg("the child failed before its wrong call");
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void no_done(void *ctx, const struct job_result *result)
{
	(void)ctx, (void)result;
}

static void accept_without_event(struct journal_fixture *r)
{
	struct accept a = { .kind = ACCEPT_SAGA };
	(void)!journal_accept(r->j, &a);
}

static void related_without_gift(struct journal_fixture *r)
{
	struct fixture_event ev = { .id = "a" };
	struct accept a = { .kind = ACCEPT_RELATED, .event = fixture_event(r, &ev) };
	(void)!journal_accept(r->j, &a);
}

static void claim_of_nothing(struct journal_fixture *r)
{
	journal_claim(r->j, CRM, 0);
}

static void start_of_a_started_work(struct journal_fixture *r)
{
	int64_t id = fixture_accept_id(r, "a");
	journal_start(r->j, fixture_take(r, WORK_START, id, CRM));
}

static void outcome_without_attempt(struct journal_fixture *r)
{
	int64_t id = fixture_accept_id(r, "a");
	struct outcome o = { .result = OUTCOME_OK };
	journal_outcome(r->j, fixture_take(r, WORK_READY, id, THANKS), &o, NULL);
}

static void verdict_for_a_step_without_condition(struct journal_fixture *r)
{
	int64_t id = fixture_accept_id(r, "a");
	journal_condition_result(r->j, fixture_take(r, WORK_READY, id, THANKS), true);
}

static void verb_on_a_negative_step(struct journal_fixture *r)
{
	struct verb_call call = { .verb = VERB_RETRY, .step = -2 };
	(void)!journal_verb(r->j, 1, &call, NULL, NULL);
}

static void slice_that_is_too_long(struct journal_fixture *r)
{
	struct job_slice slice = { .job = 1, .count = JOB_SLICE_SAGAS + 1 };
	(void)!journal_job_slice(r->j, &slice, NULL, no_done);
}

static void slice_that_fails_and_goes_on(struct journal_fixture *r)
{
	struct job_slice slice = { .job = 1, .error = "the filter" };
	(void)!journal_job_slice(r->j, &slice, NULL, no_done);
}

static void record_about_a_saga(struct journal_fixture *r)
{
	(void)!journal_add_record(r->j, SUBJECT_SAGA, "loaded", NULL, NULL);
}

static void destroy_with_a_thread(struct journal_fixture *r)
{
	struct err err;
	assert_int_equal(journal_start_thread(r->j, &err), 0);
	journal_destroy(r->j);
}

static void pump_with_a_thread(struct journal_fixture *r)
{
	struct err err;
	assert_int_equal(journal_start_thread(r->j, &err), 0);
	(void)!journal_pump(r->j);
}

static void load_outside_a_batch(struct journal_fixture *r)
{
	struct cache_entry *e;
	(void)!cache_load_to_record(r->j, 1, &e);
}

static void wrong_calls_end_the_process(void **state)
{
	static wrong_call *const calls[] = {
		accept_without_event,    related_without_gift,    claim_of_nothing,
		start_of_a_started_work, outcome_without_attempt, verdict_for_a_step_without_condition,
		verb_on_a_negative_step, slice_that_is_too_long,  slice_that_fails_and_goes_on,
		record_about_a_saga,     destroy_with_a_thread,   pump_with_a_thread,
		load_outside_a_batch,
	};
	(void)state;
	for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
		if (signal_of(calls[i]) != SIGABRT)
			fail_msg("wrong call number %zu did not end the process", i);
	}
}

/* Counts an event that does not exist, and commits. Each pump with an event is one commit. */
static void commits_with_wrong_counters(struct journal_fixture *r, unsigned commits)
{
	r->j->check_every = 4;
	r->j->batch.unchecked = 0;
	r->j->totals.accepted++;
	for (unsigned i = 0; i < commits; i++) {
		struct fixture_event ev = { .id = (const char *[]){ "a", "b", "c", "d" }[i] };
		assert_int_equal(fixture_submit(r, &ev), 0);
		if (journal_pump(r->j) < 0)
			_exit(3);
	}
}

static void three_commits(struct journal_fixture *r)
{
	commits_with_wrong_counters(r, 3);
}

static void four_commits(struct journal_fixture *r)
{
	commits_with_wrong_counters(r, 4);
}

static void whole_structures_are_checked_at_each_nth_commit(void **state)
{
	(void)state;
	assert_int_equal(signal_of(three_commits), 0);
	assert_int_equal(signal_of(four_commits), SIGABRT);
}

static void a_pause_without_a_note_shows_none(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	assert_int_equal(journal_target_act(r->j, "crm", TARGET_PAUSE, NULL, NULL, NULL, NULL), 0);
	fixture_pump(r);
	assert_true(r->news[CRM].state.paused);
	assert_string_equal(target_of_name(r->j, "crm")->row.held_reason, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_calls_end_the_process),
		cmocka_unit_test(whole_structures_are_checked_at_each_nth_commit),
		cmocka_unit_test_setup_teardown(a_pause_without_a_note_shows_none, fixture_setup, fixture_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
