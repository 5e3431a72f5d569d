/* What a crash, a failed commit or a failing disk leaves behind. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/capture.h"
#include "tests/support/vfs_fault.h"
#include "tests/unit/journal/journal_fixture.h"

static void run_to_rest(struct journal_fixture *r, struct fixture_sends *sends)
{
	for (int quiet = 0; quiet < 10;) {
		if (fixture_engine_turn(r, sends))
			continue;
		fixture_wait(r, 2000);
		quiet++;
	}
}

#define SCENARIO "crm books mail<crm thanks<books"

/* A crash after the engine's nth action: nothing that was acknowledged is lost, no success is repeated, and
 * the unsafe step is sent at most once; if its end is unknown it is in doubt. */
static void crash_after_every_turn(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	fixture_use_plan(r, SCENARIO, POLICY_CONTINUE);
	for (int turns = 0; turns < 14; turns++) {
		char id[16];
		struct fixture_sends sends = { 0 };
		snprintf(id, sizeof id, "e%d", turns);
		int64_t saga = fixture_accept(r, &(struct fixture_event){ .id = id, .lane = "ada" });
		for (int i = 0; i < turns; i++)
			fixture_engine_turn(r, &sends);
		fixture_crash(r);
		fixture_pump(r);
		run_to_rest(r, &sends);
		assert_true(sends.first[THANKS] <= 1);
		struct saga *s = fixture_saga(r, saga);
		const struct step *thanks = &s->steps[3];
		assert_true(thanks->state == STEP_SUCCEEDED ||
					(thanks->state == STEP_ATTENTION && thanks->reason == REASON_IN_DOUBT));
		for (unsigned i = 0; i < 3; i++)
			assert_int_equal(s->steps[i].state, STEP_SUCCEEDED);
		bool doubt = thanks->state == STEP_ATTENTION;
		saga_destroy(s);
		if (doubt)
			assert_int_equal(fixture_verb(r, saga, VERB_RESOLVE_DONE, 3), 0);
	}
	fixture_verify(r);
}

static void crashes_in_a_row_lose_nothing(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	struct fixture_sends sends = { 0 };
	fixture_use_plan(r, SCENARIO, POLICY_CONTINUE);
	int64_t a = fixture_accept(r, &(struct fixture_event){ .id = "a", .lane = "ada" });
	int64_t b = fixture_accept(r, &(struct fixture_event){ .id = "b", .lane = "ada" });
	for (int i = 0; i < 5; i++)
		fixture_crash(r);
	fixture_pump(r);
	run_to_rest(r, &sends);
	fixture_assert_saga(r, a, SAGA_COMPLETED);
	fixture_assert_saga(r, b, SAGA_COMPLETED);
	fixture_verify(r);
}

/* ---- failed commits ---- */

static void copy_message(void *ctx, const struct verb_result *result)
{
	snprintf(ctx, sizeof result->err.text, "%s", result->err.text);
}

static void a_failed_commit_ends_everything_without_a_yes(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	int64_t id = fixture_accept_id(r, "a");
	struct work *w = fixture_take(r, WORK_START, id, CRM);
	struct work *other = fixture_take(r, WORK_START, id, BOOKS);
	assert_int_equal(fixture_submit(r, &(struct fixture_event){ .id = "b" }), 0);
	struct outcome o = { .result = OUTCOME_OK, .effect_sent = true };
	journal_outcome(r->j, w, &o, NULL);
	struct verb_call pause = { .verb = VERB_PAUSE, .step = -1, .actor = "", .note = "" };
	char words[sizeof((struct err *)NULL)->text] = "";
	assert_int_equal(journal_verb(r->j, id, &pause, words, copy_message), 0);
	r->commits_until_failure = 1;
	assert_true(journal_pump(r->j) < 0);
	assert_non_null(strstr(
		words,
		"nothing was changed: the saga log could not be written (input/output error); the daemon's log"));
	assert_int_equal(r->failures, 1);
	assert_string_equal(r->failed.text, "the disk is gone");
	assert_int_equal(r->answers, 2);
	assert_int_equal(r->accepted.code, ERR_IO);
	assert_int_equal(fixture_submit(r, &(struct fixture_event){ .id = "c" }), ERR_CLOSED);
	journal_outcome(r->j, other, &o, NULL); /* printed on stderr and freed */
	struct verb_call call = { .verb = VERB_RESUME, .step = -1, .actor = "", .note = "" };
	assert_int_equal(journal_verb(r->j, id, &call, NULL, NULL), ERR_CLOSED);
	assert_int_equal(journal_pump(r->j), ERR_CLOSED);
	assert_int_equal(r->failures, 1);
	journal_stop(r->j, "failed");
	r->commits_until_failure = 0;
	fixture_crash(r);
	assert_int_equal(fixture_counts(r).accepted, 1);
	fixture_verify(r);
}

/* Another owner has taken the store over: every caller that waits learns it, so that the owner of this journal can
 * end the journal without ending the process. */
static void a_lost_store_reaches_every_caller(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	int64_t id = fixture_accept_id(r, "a");
	assert_int_equal(fixture_submit(r, &(struct fixture_event){ .id = "b" }), 0);
	struct verb_call pause = { .verb = VERB_PAUSE, .step = -1, .actor = "", .note = "" };
	char words[sizeof((struct err *)NULL)->text] = "";
	assert_int_equal(journal_verb(r->j, id, &pause, words, copy_message), 0);
	r->commits_until_failure = 1;
	r->failure_code = ERR_LOST;
	assert_int_equal(journal_pump(r->j), ERR_LOST);
	assert_int_equal(r->failures, 1);
	assert_int_equal(r->failed.code, ERR_LOST);
	assert_int_equal(r->accepted.code, ERR_LOST);
	assert_non_null(strstr(words, "(taken over by another process)"));
	assert_int_equal(journal_pump(r->j), ERR_CLOSED);
	r->commits_until_failure = r->failure_code = 0;
	fixture_crash(r);
	assert_int_equal(fixture_counts(r).accepted, 1);
}

/* What the target did is known only here: the outcomes that can no longer be stored go to stderr, each with all that an
 * operator needs to record it by hand. */
static void lost_outcomes_are_printed(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	static struct capture printed;
	static const struct {
		enum fixture_target target;
		struct outcome outcome;
		const char *line;
	} cases[] = {
		{ CRM,
		  { .result = OUTCOME_OK, .effect_sent = true },
		  "almoner: outcome not on disk: saga 1, step 0, do, generation 1, attempt 1: ok, effect sent\n" },
		{ BOOKS,
		  { .result = OUTCOME_UNREACHABLE },
		  "almoner: outcome not on disk: saga 1, step 1, do, generation 1, attempt 1: unreachable\n" },
	};
	int64_t id = fixture_accept_id(r, "a");
	r->commits_until_failure = 1;
	capture_begin(&printed);
	for (size_t i = 0; i < 2; i++)
		journal_outcome(r->j, fixture_take(r, WORK_START, id, cases[i].target), &cases[i].outcome, NULL);
	int rc = journal_pump(r->j);
	capture_end(&printed);
	assert_true(rc < 0);
	assert_string_equal(printed.out, "");
	for (size_t i = 0; i < 2; i++)
		assert_non_null(strstr(printed.err, cases[i].line));
}

static void the_queue_behind_a_failed_commit_is_answered(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	for (int i = 0; i < 600; i++) {
		char id[16];
		snprintf(id, sizeof id, "e%d", i);
		assert_int_equal(fixture_submit(r, &(struct fixture_event){ .id = id }), 0);
	}
	r->commits_until_failure = 1;
	assert_true(journal_pump(r->j) < 0);
	assert_int_equal(r->answers, 600);
	assert_int_not_equal(r->accepted.code, 0);
	assert_int_equal(fixture_work_count(r), 0);
}

/* The engine's scenario again, with the nth commit failing and a restart: only events that were not
 * acknowledged may be missing. */
static void fail_every_commit_once(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	fixture_use_plan(r, SCENARIO, POLICY_CONTINUE);
	for (long n = 1; n < 14; n++) {
		char id[16];
		struct fixture_sends sends = { 0 };
		snprintf(id, sizeof id, "e%ld", n);
		r->commits_until_failure = n;
		assert_int_equal(fixture_submit(r, &(struct fixture_event){ .id = id, .lane = "ada" }), 0);
		fixture_pump(r);
		bool acknowledged = r->accepted.code == 0;
		int64_t saga = r->accepted.saga;
		for (int i = 0; i < 20 && r->failures == 0; i++)
			fixture_engine_turn(r, &sends);
		r->commits_until_failure = 0;
		r->failures = 0;
		fixture_crash(r);
		fixture_pump(r);
		run_to_rest(r, &sends);
		assert_true(sends.first[THANKS] <= 1);
		if (!acknowledged)
			continue;
		struct saga *s = fixture_saga(r, saga);
		assert_string_equal(s->event_id, id);
		bool doubt = s->state == SAGA_ATTENTION;
		saga_destroy(s);
		if (doubt)
			assert_int_equal(fixture_verb(r, saga, VERB_RESOLVE_DONE, 3), 0);
		fixture_assert_saga(r, saga, SAGA_COMPLETED);
	}
	fixture_verify(r);
}

/* ---- a sick disk ---- */

static struct vfs_fault *disk_fault;

static int faulty_disk_setup(void **state)
{
	int rc = fixture_setup(state);
	struct journal_fixture *r = *state;
	if (r->memory != NULL)
		return rc;
	disk_fault = vfs_fault_install("sick");
	r->vfs = "sick";
	fixture_crash(r);
	return rc;
}

static int faulty_disk_teardown(void **state)
{
	const struct journal_fixture *r = *state;
	bool on_memory = r->memory != NULL;
	if (!on_memory)
		disk_fault->fail = 0;
	int rc = fixture_teardown(state);
	if (!on_memory)
		vfs_fault_remove("sick");
	return rc;
}

static void with_disk_error(struct journal_fixture *r, unsigned op, int system_error)
{
	if (r->memory != NULL)
		skip(); /* it has no disk */
	int64_t id = fixture_accept_id(r, "a");
	fixture_drop_works(r);
	disk_fault->fail = op;
	disk_fault->suffix = "-wal";
	disk_fault->system_error = system_error;
	disk_fault->countdown = 0;
	assert_int_equal(fixture_submit(r, &(struct fixture_event){ .id = "b" }), 0);
	assert_true(journal_pump(r->j) < 0);
	assert_int_equal(r->failures, 1);
	assert_int_not_equal(r->accepted.code, 0);
	assert_true(strlen(r->failed.text) > 10);
	disk_fault->fail = 0;
	fixture_crash(r);
	fixture_assert_saga(r, id, SAGA_RUNNING);
	/* The sender repeats the event: whether or not the failed commit reached the disk, there is one saga. */
	int64_t again = fixture_accept_id(r, "b");
	assert_int_equal(fixture_accept_id(r, "b"), again);
	fixture_verify(r);
}

static void a_sync_that_fails(void **state)
{
	with_disk_error(fixture_of(state), VFS_SYNC, EIO);
}

static void a_write_that_fails(void **state)
{
	with_disk_error(fixture_of(state), VFS_WRITE, EIO);
}

static void a_disk_that_is_full(void **state)
{
	with_disk_error(fixture_of(state), VFS_WRITE, ENOSPC);
}

int main(void)
{
#define CASE(name)             cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
#define FAULTY_DISK_CASE(name) cmocka_unit_test_setup_teardown(name, faulty_disk_setup, faulty_disk_teardown)
	const struct CMUnitTest tests[] = {
		CASE(crash_after_every_turn),
		CASE(crashes_in_a_row_lose_nothing),
		CASE(a_failed_commit_ends_everything_without_a_yes),
		CASE(a_lost_store_reaches_every_caller),
		CASE(lost_outcomes_are_printed),
		CASE(the_queue_behind_a_failed_commit_is_answered),
		CASE(fail_every_commit_once),
		FAULTY_DISK_CASE(a_sync_that_fails),
		FAULTY_DISK_CASE(a_write_that_fails),
		FAULTY_DISK_CASE(a_disk_that_is_full),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
