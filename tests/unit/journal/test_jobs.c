/* Jobs: the position of a job and the sagas that it changed always agree, also after a crash; slices run
 * after all other operations. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/journal/journal_fixture.h"

#define SAGAS 6

/* The last answer about a job. */
struct job_answer {
	unsigned count;
	int code;
	bool already;
	size_t sagas;
	struct job job; /* only its figures are valid: the texts were freed after the answer */
	char error[512];
};

static void on_done(void *ctx, const struct job_result *result)
{
	struct job_answer *a = ctx;
	a->count++;
	a->code = result->code;
	a->already = result->already;
	a->sagas = result->count;
	if (result->job != NULL)
		a->job = *result->job;
	snprintf(a->error, sizeof a->error, "%s", result->err.text);
}

static void make_sagas(struct journal_fixture *r)
{
	fixture_use_plan(r, "crm", POLICY_CONTINUE);
	for (int n = 1; n <= SAGAS; n++) {
		char id[8];
		snprintf(id, sizeof id, "e%d", n);
		fixture_finish(r, fixture_accept_id(r, id), CRM, OUTCOME_REJECTED);
	}
}

static struct job *draft_of(enum verb verb, const char *filter)
{
	struct job *job = job_new();
	job->verb = verb;
	free(job->filter);
	job->filter = strdup(filter);
	free(job->actor);
	job->actor = strdup("uid 7 (tester)");
	return job;
}

static int64_t create(struct journal_fixture *r, enum verb verb, const char *filter, struct job_answer *ret)
{
	struct job *draft = draft_of(verb, filter);
	assert_int_equal(journal_job_create(r->j, draft, ret, on_done), 0);
	job_destroy(draft);
	fixture_pump(r);
	return ret->job.id;
}

/* Queues a slice with two sagas: `first`, and the one below it. */
static void queue_slice(struct journal_fixture *r, int64_t job, int64_t first, struct job_answer *ret)
{
	struct job_slice slice = { .job = job, .ids = { first, first - 1 }, .count = 2, .position = first - 1 };
	slice.finished = slice.position == 1;
	assert_int_equal(journal_job_slice(r->j, &slice, ret, on_done), 0);
}

static struct job *stored(struct journal_fixture *r, int64_t id)
{
	struct store_reader reader = fixture_reader(r);
	struct err err = { 0 };
	struct job *job = NULL;
	assert_int_equal(reader.job_get(reader.ctx, id, &job, &err), 0);
	reader.close(reader.ctx);
	return job;
}

static void assert_paused(struct journal_fixture *r, int64_t id, bool wanted)
{
	struct saga *saga = fixture_saga(r, id);
	assert_int_equal(saga->paused, wanted);
	saga_destroy(saga);
}

/* Compares the job's stored figures with the states of the sagas. */
static void assert_job(struct journal_fixture *r, int64_t id, enum job_state state, int64_t moved)
{
	struct job *job = stored(r, id);
	assert_int_equal(job->state, state);
	assert_int_equal(job->moved, moved);
	assert_int_equal(job->upto, SAGAS);
	assert_int_equal(job->position, SAGAS + 1 - moved);
	for (int64_t saga = 1; saga <= SAGAS; saga++)
		assert_paused(r, saga, saga > SAGAS - moved);
	job_destroy(job);
}

static void a_job_from_end_to_end(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	make_sagas(r);
	struct job_answer a = { 0 };
	int64_t id = create(r, VERB_PAUSE, "state=attention", &a);
	assert_int_equal(id, 1);
	assert_job(r, id, JOB_RUNNING, 0);
	for (int64_t at = SAGAS; at > 0; at -= 2) {
		queue_slice(r, id, at, &a);
		fixture_pump(r);
		assert_int_equal(a.code, 0);
		assert_int_equal(a.sagas, 2);
	}
	assert_job(r, id, JOB_DONE, SAGAS);
	assert_int_equal(fixture_records(r, 0, RECORD_JOB), 2); /* one when the job began, one when it ended */
	assert_int_equal(fixture_records(r, 0, RECORD_VERB), SAGAS);
	queue_slice(r, id, SAGAS, &a);
	fixture_pump(r);
	assert_int_equal(a.code, ERR_REFUSED);
	fixture_verify(r);
}

/* Crashes between slices, with a slice in the queue, and in the commit of a slice. */
static void a_crash_neither_skips_nor_repeats(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	make_sagas(r);
	struct job_answer a = { 0 };
	int64_t id = create(r, VERB_PAUSE, "", &a);
	queue_slice(r, id, 6, &a);
	fixture_crash(r); /* the queued slice is lost */
	assert_job(r, id, JOB_RUNNING, 0);
	queue_slice(r, id, 6, &a);
	fixture_pump(r);
	fixture_crash(r);
	assert_job(r, id, JOB_RUNNING, 2);
	r->commits_until_failure = 1;
	queue_slice(r, id, 4, &a);
	assert_true(journal_pump(r->j) < 0);
	assert_int_equal(a.code, ERR_IO);
	r->commits_until_failure = 0;
	fixture_crash(r);
	assert_job(r, id, JOB_RUNNING, 2);
	queue_slice(r, id, 4, &a);
	queue_slice(r, id, 2, &a);
	fixture_pump(r);
	assert_job(r, id, JOB_DONE, SAGAS);
	assert_int_equal(fixture_records(r, 0, RECORD_VERB), SAGAS);
}

/* Slices run after operations that were queued later, and a batch runs only one of them. */
static void behind_everything_else(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	make_sagas(r);
	struct job_answer a = { 0 };
	int64_t id = create(r, VERB_PAUSE, "", &a);
	unsigned before = a.count;
	queue_slice(r, id, 6, &a);
	queue_slice(r, id, 4, &a);
	for (int n = 0; n < 3; n++) {
		char event[8];
		snprintf(event, sizeof event, "live%d", n);
		assert_int_equal(fixture_submit(r, &(struct fixture_event){ .id = event }), 0);
	}
	assert_int_equal(journal_pump(r->j), 4);
	assert_int_equal(a.count - before, 1);
	assert_int_equal(r->accepted.saga, SAGAS + 3);
	assert_int_equal(journal_pump(r->j), 1);
	assert_int_equal(a.count - before, 2);
	fixture_audit(r);
}

static void the_same_twice_is_one_job(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	make_sagas(r);
	struct job_answer a = { 0 };
	int64_t id = create(r, VERB_PAUSE, "state=attention", &a);
	assert_false(a.already);
	fixture_crash(r);
	assert_int_equal(create(r, VERB_PAUSE, "state=attention", &a), id);
	assert_true(a.already);
	int64_t other = create(r, VERB_PAUSE, "state=running", &a);
	assert_true(other != id && !a.already);
	other = create(r, VERB_RESUME, "state=attention", &a);
	assert_true(other != id && !a.already);
	assert_int_equal(fixture_records(r, 0, RECORD_JOB), 3);
	/* Once the job has ended, an equal request makes a new job. */
	assert_int_equal(journal_job_cancel(r->j, id, "uid 7", "no", &a, on_done), 0);
	fixture_pump(r);
	assert_int_equal(a.code, 0);
	assert_int_equal(a.job.state, JOB_CANCELLED);
	assert_true(create(r, VERB_PAUSE, "state=attention", &a) > other);
}

static void cancelled(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	make_sagas(r);
	struct job_answer a = { 0 };
	int64_t id = create(r, VERB_PAUSE, "", &a);
	queue_slice(r, id, 6, &a);
	fixture_pump(r);
	assert_int_equal(journal_job_cancel(r->j, id, "uid 7", "enough", &a, on_done), 0);
	queue_slice(r, id, 4, &a); /* a slice that was queued before the cancel */
	fixture_pump(r);
	assert_int_equal(a.code, ERR_REFUSED);
	assert_non_null(strstr(a.error, "cancelled"));
	assert_job(r, id, JOB_CANCELLED, 2);
	assert_int_equal(journal_job_cancel(r->j, id, "uid 7", "", &a, on_done), 0);
	fixture_pump(r);
	assert_int_equal(a.code, ERR_REFUSED);
	assert_int_equal(journal_job_cancel(r->j, 99, "uid 7", "", &a, on_done), 0);
	fixture_pump(r);
	assert_int_equal(a.code, ERR_NOT_FOUND);
}

static void not_too_many(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	make_sagas(r);
	struct job_answer a = { 0 };
	for (int n = 0; n <= JOBS_RUNNING_MAX; n++) {
		char filter[16];
		snprintf(filter, sizeof filter, "donor=d%d", n);
		(void)create(r, VERB_PAUSE, filter, &a);
		assert_int_equal(a.code, n < JOBS_RUNNING_MAX ? 0 : ERR_BUSY);
	}
	assert_non_null(strstr(a.error, "job list"));
}

/* A slice with a damaged saga and a missing one: the verb is applied to the others. */
static void unmovable_sagas_are_reported(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	make_sagas(r);
	struct job_answer a = { 0 };
	int64_t id = create(r, VERB_PAUSE, "", &a);
	r->damaged_saga = 5;
	struct job_slice slice = { .job = id, .ids = { 99, 5, 4 }, .count = 3, .position = 4 };
	assert_int_equal(journal_job_slice(r->j, &slice, &a, on_done), 0);
	fixture_pump(r);
	assert_int_equal(a.code, 0);
	assert_int_equal(a.job.matched, 3);
	assert_int_equal(a.job.refused, 2);
	assert_int_equal(a.job.moved, 1);
	r->damaged_saga = 0;
	assert_paused(r, 4, true);
}

/* A slice adds its figures to those of the job; its error ends the job as failed and is recorded. */
static void a_slice_adds_its_figures(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	make_sagas(r);
	struct job_answer a = { 0 };
	int64_t id = create(r, VERB_PAUSE, "", &a);
	struct job_slice slice = { .job = id,
							   .position = 5,
							   .matched = 1,
							   .moved = 2,
							   .steps = 3,
							   .in_doubt = 4,
							   .refused = 5,
							   .passed_over = 6,
							   .held = (char[]){ "{\"crm\":1}" } };
	for (int n = 0; n < 2; n++) {
		assert_int_equal(journal_job_slice(r->j, &slice, &a, on_done), 0);
		fixture_pump(r);
		assert_int_equal(a.code, 0);
	}
	slice = (struct job_slice){ .job = id, .position = 4, .held = (char[]){ "{}" }, .finished = true };
	slice.error = (char[]){ "the filter is no longer valid" };
	assert_int_equal(journal_job_slice(r->j, &slice, &a, on_done), 0);
	fixture_pump(r);
	struct job *job = stored(r, id);
	assert_int_equal(job->state, JOB_FAILED);
	assert_string_equal(job->error, "the filter is no longer valid");
	assert_string_equal(job->held, "{}");
	assert_int_equal(job->position, 4);
	assert_int_equal(job->matched, 2);
	assert_int_equal(job->moved, 4);
	assert_int_equal(job->steps, 6);
	assert_int_equal(job->in_doubt, 8);
	assert_int_equal(job->refused, 10);
	assert_int_equal(job->passed_over, 12);
	assert_int_equal(job->created_ms, FIXTURE_T0);
	assert_int_equal(job->finished_ms, r->now_ms);
	job_destroy(job);
}

#define T(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = { T(a_job_from_end_to_end),
										T(a_crash_neither_skips_nor_repeats),
										T(behind_everything_else),
										T(the_same_twice_is_one_job),
										T(cancelled),
										T(not_too_many),
										T(unmovable_sagas_are_reported),
										T(a_slice_adds_its_figures) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
