/* Every call of the store fails once: the journal ends, and every caller has its answer. */
#include <stdio.h>
#include <string.h>

#include "tests/unit/journal/journal_fixture.h"

static unsigned owed; /* answers to verbs and jobs */

/* Answers that the journal owes: to verbs and jobs, and how many events it was given. */
static unsigned owed, events;

static void owe(int rc)
{
	assert_int_equal(rc, 0);
	owed++;
}

static void on_verb(void *ctx, const struct verb_result *result)
{
	(void)ctx, (void)result;
	owed--;
}

/* Serves the engine until it has nothing to do or the journal has failed. */
static void serve(struct journal_fixture *r)
{
	struct fixture_sends sends = { 0 };
	for (int i = 0; i < 40 && r->failures == 0 && fixture_engine_turn(r, &sends); i++)
		;
}

static void act(struct journal_fixture *r, int64_t saga, enum verb verb, int step)
{
	struct verb_call call = { .verb = verb, .step = step, .actor = "uid 7 (ada)", .note = "" };
	if (r->failures == 0)
		owe(journal_verb(r->j, saga, &call, NULL, on_verb));
	fixture_pump(r);
}

static void act_on_target(struct journal_fixture *r, enum target_action action)
{
	if (r->failures == 0)
		owe(journal_target_act(r->j, "crm", action, "uid 7 (ada)", "", NULL, on_verb));
	fixture_pump(r);
}

static void send_in(struct journal_fixture *r, const struct fixture_event *ev)
{
	if (r->failures == 0) {
		assert_int_equal(fixture_submit(r, ev), 0);
		events++;
	}
	fixture_pump(r);
}

/* Reports the outcome of the first work that was handed out, if there is one. */
static void end_first(struct journal_fixture *r, enum outcome_class result)
{
	struct work *w = STAILQ_FIRST(&r->works);
	if (w == NULL || w->kind != WORK_START)
		return;
	STAILQ_REMOVE_HEAD(&r->works, link);
	fixture_outcome(r, w, result);
}

static void on_job(void *ctx, const struct job_result *result)
{
	(void)ctx, (void)result;
	owed--;
}

/* One job from its beginning to its end, and one that is cancelled. */
static void run_jobs(struct journal_fixture *r)
{
	const struct job draft = { .verb = VERB_PAUSE,
							   .filter = (char[]){ "" },
							   .actor = (char[]){ "uid 7" },
							   .note = (char[]){ "" },
							   .held = (char[]){ "" },
							   .error = (char[]){ "" } };
	static const struct job_slice slice = {
		.job = 1, .ids = { 2, 1 }, .count = 2, .position = 1, .finished = true
	};
	for (int64_t job = 1; job <= 2; job++) {
		if (r->failures == 0)
			owe(journal_job_create(r->j, &draft, NULL, on_job));
		fixture_pump(r);
		if (r->failures == 0 && job == 1)
			owe(journal_job_slice(r->j, &slice, NULL, on_job));
		else if (r->failures == 0)
			owe(journal_job_cancel(r->j, job, "uid 7", "", NULL, on_job));
		fixture_pump(r);
	}
}

static void keep_and_drop_rejected(struct journal_fixture *r)
{
	static const struct rejected_row row = { .source = STR("forms"),
											 .until_ms = INT64_MAX,
											 .address = STR("a"),
											 .url = STR("u"),
											 .headers = STR("h"),
											 .body = STR("b") };
	if (r->failures == 0)
		assert_int_equal(journal_keep_rejected(r->j, &row, 100000), 0);
	fixture_pump(r);
	if (r->failures == 0)
		assert_int_equal(journal_drop_rejected(r->j, 1), 0);
	fixture_pump(r);
}

/* Something of everything that the journal does. */
static void everything(struct journal_fixture *r)
{
	struct fixture_event first = { .id = "a", .lane = "ada", .gift = "g" };
	owed = events = r->answers = 0;
	send_in(r, &first);
	send_in(r, &first);                                                           /* a duplicate … */
	send_in(r, &(struct fixture_event){ .id = "a", .body = "b", .lane = "ada" }); /* … with another body */
	send_in(r, &(struct fixture_event){ .id = "b", .lane = "ada" });
	send_in(r, &(struct fixture_event){ .id = "early", .gift = "h", .related = true });
	send_in(r, &(struct fixture_event){ .id = "c", .gift = "h" });
	send_in(r, &(struct fixture_event){ .id = "late", .gift = "g", .related = true });
	send_in(r, &(struct fixture_event){ .id = "never", .gift = "i", .related = true });
	send_in(r, &(struct fixture_event){ .id = "q", .quarantined = true });
	end_first(r, OUTCOME_UNREACHABLE);
	if (r->failures == 0)
		fixture_wait(r, 120000); /* a retry is due and is not claimed */
	end_first(r, OUTCOME_UNKNOWN);
	end_first(r, OUTCOME_REJECTED);
	act(r, 1, VERB_PAUSE, -1);
	act(r, 1, VERB_RESUME, -1);
	act_on_target(r, TARGET_PAUSE);
	r->admission[CRM] = ADMISSION_DISK;
	send_in(r, &(struct fixture_event){ .id = "d", .lane = "eve" });
	act_on_target(r, TARGET_RESUME);
	r->admission[CRM] = ADMISSION_SLOT;
	serve(r);
	for (int i = 0; i < 4 && r->failures == 0; i++) {
		fixture_wait(r, 60000);
		serve(r);
	}
	act(r, 1, VERB_RETRY, 0);
	act(r, 2, VERB_CANCEL, -1);
	act(r, 3, VERB_COMPENSATE, -1);
	serve(r);
	run_jobs(r);
	keep_and_drop_rejected(r);
	if (r->failures == 0)
		fixture_wait(r, 4000000); /* the gift of a related event never came */
	serve(r);
}

/* The nth call of the store fails: the journal reports it, ends, and acknowledges nothing that a restart does not
 * find. */
static void fail_every_store_call_once(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	bool failed = true;
	for (long n = 1; failed; n++) {
		r->store_calls_until_failure = n;
		everything(r);
		failed = r->store_calls_until_failure == 0;
		assert_int_equal(r->failures, failed ? 1 : 0);
		if (failed)
			assert_non_null(strstr(r->failed.text, "the store cannot "));
		r->store_calls_until_failure = 0;
		r->failures = 0;
		fixture_close(r);
		fixture_remove_store(r);
		fixture_open(r);
	}
}

static void plan_loss(struct journal_fixture *r, unsigned call)
{
	memory_store_fail(r->memory, &(struct memory_store_failure){ CALL_ANY, call, ERR_LOST, false });
}

/* Another owner has taken the store over, and the journal learns it from its nth call, whichever that is: it
 * reports the loss once, asks the store for nothing more, and owes no answer. */
static void a_lost_store_ends_the_journal_at_every_call(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	if (r->memory == NULL)
		skip(); /* only the memory store can lose its owner */
	bool failed = true;
	unsigned call = 1;
	for (; failed; call++) {
		plan_loss(r, call);
		everything(r);
		failed = r->failures > 0;
		assert_int_equal(r->failures, failed ? 1 : 0);
		assert_int_equal(r->failed.code, failed ? ERR_LOST : 0);
		assert_int_equal(memory_store_calls_after_failure(r->memory), 0);
		assert_int_equal(owed, 0);
		assert_int_equal(r->answers, events);
		if (failed)
			assert_int_equal(journal_pump(r->j), ERR_CLOSED);
		plan_loss(r, 0);
		r->failures = 0;
		r->failed = (struct err){ 0 };
		fixture_close(r);
		fixture_remove_store(r);
		fixture_open(r);
	}
	assert_true(call > 200); /* the number of calls of the store that were made to fail, one in each run */
}

/* The same at a start that has to recover sagas. */
static void a_lost_store_ends_a_start_at_every_call(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	if (r->memory == NULL)
		skip();
	for (int i = 0; i < 70; i++) { /* more than a slice of the recovery */
		char id[16];
		snprintf(id, sizeof id, "e%d", i);
		fixture_accept(r, &(struct fixture_event){ .id = id, .lane = i % 2 == 0 ? "ada" : NULL });
	}
	struct err err = { 0 };
	int rc = ERR_LOST;
	unsigned call = 1;
	for (; rc == ERR_LOST; call++) {
		fixture_close(r);
		plan_loss(r, call);
		rc = fixture_try_open(r, &err);
		plan_loss(r, 0);
		assert_int_equal(memory_store_calls_after_failure(r->memory), 0);
	}
	assert_int_equal(rc, 0);
	assert_true(call > 100);
	fixture_audit(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(fail_every_store_call_once, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(a_lost_store_ends_the_journal_at_every_call, fixture_setup,
										fixture_teardown),
		cmocka_unit_test_setup_teardown(a_lost_store_ends_a_start_at_every_call, fixture_setup,
										fixture_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
