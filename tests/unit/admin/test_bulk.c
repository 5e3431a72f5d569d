/* Bulk verbs of the admin API: jobs, their followers, and what they leave unchanged. */
#include <stdio.h>
#include <string.h>

#include "saga/base/mem.h"
#include "tests/unit/admin/admin_fixture.h"

static json_t *bulk(struct admin_fixture *a, const char *path, const char *body, size_t lines)
{
	json_t *all = admin_fixture_lines(a, 200, "POST", path, body);
	assert_int_equal(json_array_size(all), lines + 1);
	json_t *summary = json_incref(json_array_get(all, lines));
	assert_true(json_is_true(json_object_get(summary, "done")));
	json_decref(all);
	return summary;
}

static void in_bulk(void **state)
{
	struct admin_fixture *a = *state;
	admin_fixture_sagas(a, 99); /* 50 rejected */
	fixture_accept(a->journal_fixture, &(struct fixture_event){ .id = "odd", .quarantined = true });
	admin_fixture_thread(a);
	admin_fixture_error(a, 400, "POST", "/v1/bulk/skip", "{}", "no bulk verb");
	admin_fixture_error(a, 400, "POST", "/v1/bulk/resume?stat=attention", "{}", "unknown filter");
	json_t *summary = bulk(a, "/v1/bulk/resume", "{\"dry_run\":true}", 0);
	assert_int_equal(admin_fixture_number(summary, "matched"), 50);
	assert_int_equal(admin_fixture_number(summary, "moved"), 0);
	assert_int_equal(admin_fixture_number(summary, "passed_over"), 1); /* the quarantined one */
	json_decref(summary);
	/* A pause does not match sagas at rest. Each saga is changed once, although its state changes during the
	 * job. */
	summary = bulk(a, "/v1/bulk/pause", "{}", 50);
	assert_int_equal(admin_fixture_number(summary, "matched"), 50);
	assert_int_equal(admin_fixture_number(summary, "moved"), 50);
	json_decref(summary);
	summary = bulk(a, "/v1/bulk/pause", "{}", 0);
	assert_int_equal(admin_fixture_number(summary, "matched"), 0);
	json_decref(summary);
	summary = bulk(a, "/v1/bulk/cancel?event_id=ev%2F7", "{}", 1);
	assert_int_equal(admin_fixture_number(summary, "moved"), 1);
	json_decref(summary);
	summary = bulk(a, "/v1/bulk/compensate?state=completed", "{\"dry_run\":true}", 0);
	assert_int_equal(admin_fixture_number(summary, "matched"), 49);
	json_decref(summary);
	assert_int_equal(a->commands[COMMAND_VERB], 0); /* jobs change sagas by slices */
	assert_true(a->commands[COMMAND_JOB_SLICE] >= a->commands[COMMAND_JOB_CREATE]);
}

/* A job can be left alone, followed, listed and cancelled; a job that has ended can still be read. */
static void jobs_of_the_api(void **state)
{
	struct admin_fixture *a = *state;
	admin_fixture_sagas(a, 99); /* 50 rejected */
	json_t *none = admin_fixture_lines(a, 200, "GET", "/v1/jobs", NULL);
	assert_int_equal(json_array_size(none), 0);
	json_decref(none);
	admin_fixture_thread(a);
	admin_fixture_error(a, 400, "POST", "/v1/bulk/pause", "{\"rate\":\"fast\"}", "rate");
	admin_fixture_error(a, 400, "POST", "/v1/bulk/pause", "{\"rate\":5}", "rate");
	admin_fixture_error(a, 404, "GET", "/v1/jobs/1", NULL, "no job 1");
	admin_fixture_error(a, 404, "GET", "/v1/jobs/1/lines", NULL, "no job 1");
	admin_fixture_error(a, 404, "POST", "/v1/jobs/1/cancel", "{}", "no job 1");
	admin_fixture_error(a, 400, "GET", "/v1/jobs/one", NULL, "number");
	admin_fixture_error(a, 400, "POST", "/v1/jobs/1/pause", "{}", "cancel");
	admin_fixture_error(a, 400, "GET", "/v1/jobs?state=running", NULL, "state");
	json_t *made = admin_fixture_one(a, 200, "POST", "/v1/bulk/pause",
									 "{\"wait\":false,\"rate\":\"1/h\",\"expected\":50,\"reason\":\"why\"}");
	assert_int_equal(admin_fixture_number(made, "job"), 1);
	assert_string_equal(admin_fixture_text(made, "state"), "running");
	assert_string_equal(admin_fixture_text(made, "rate"), "1/h");
	assert_string_equal(admin_fixture_text(made, "actor"), "uid 7 (tester)");
	assert_string_equal(admin_fixture_text(made, "reason"), "why");
	assert_int_equal(admin_fixture_number(made, "expected"), 50);
	json_decref(made);
	made = admin_fixture_one(a, 200, "POST", "/v1/bulk/pause", "{\"wait\":false}");
	assert_int_equal(admin_fixture_number(made, "job"), 1);
	assert_true(json_is_true(json_object_get(made, "already")));
	json_decref(made);
	json_t *job = admin_fixture_one(a, 200, "POST", "/v1/jobs/1/cancel", "{\"reason\":\"no\"}");
	assert_string_equal(admin_fixture_text(job, "state"), "cancelled");
	json_decref(job);
	admin_fixture_error(a, 409, "POST", "/v1/jobs/1/cancel", "{}", "cancelled");
	assert_int_equal(a->commands[COMMAND_JOB_CANCEL], 3); /* the first was before the job */
	json_t *lines = admin_fixture_lines(a, 200, "GET", "/v1/jobs/1/lines", NULL);
	const json_t *summary = json_array_get(lines, json_array_size(lines) - 1);
	assert_string_equal(admin_fixture_text(summary, "state"), "cancelled");
	assert_true(admin_fixture_number(summary, "moved") <= 1);
	json_decref(lines);
	summary = bulk(a, "/v1/bulk/cancel", "{}", 50); /* a second job runs beside the first */
	assert_int_equal(admin_fixture_number(summary, "job"), 2);
	assert_int_equal(admin_fixture_number(summary, "moved"), 50);
	json_decref((json_t *)(uintptr_t)summary);
	json_t *list = admin_fixture_lines(a, 200, "GET", "/v1/jobs?limit=1", NULL);
	assert_int_equal(json_array_size(list), 1);
	assert_int_equal(admin_fixture_number(json_array_get(list, 0), "id"), 2);
	json_decref(list);
	list = admin_fixture_lines(a, 200, "GET", "/v1/jobs?before=2", NULL);
	assert_int_equal(admin_fixture_number(json_array_get(list, 0), "id"), 1);
	json_decref(list);
}

/* A job is cancelled while its first slice runs: the answer for the slice does not make the job running
 * again. */
static void a_cancelled_job_stays_so(void **state)
{
	struct admin_fixture *a = *state;
	admin_fixture_sagas(a, 99);
	admin_fixture_thread(a);
	for (int i = 1; i <= 40; i++) {
		char path[64];
		json_decref(admin_fixture_one(a, 200, "POST", "/v1/bulk/pause", "{\"wait\":false,\"rate\":\"1/h\"}"));
		snprintf(path, sizeof path, "/v1/jobs/%d/cancel", i);
		json_decref(admin_fixture_one(a, 200, "POST", path, "{}"));
		snprintf(path, sizeof path, "/v1/jobs/%d/lines", i);
		json_t *lines = admin_fixture_lines(a, 200, "GET", path, NULL);
		assert_string_equal(admin_fixture_text(json_array_get(lines, json_array_size(lines) - 1), "state"),
							"cancelled");
		json_decref(lines);
	}
}

static void held_targets(void **state)
{
	struct admin_fixture *a = *state;
	admin_fixture_sagas(a, 5);
	fixture_target_act(a->journal_fixture, "crm", TARGET_HOLD);
	fixture_use_plan(a->journal_fixture, "crm books", POLICY_CONTINUE);
	int64_t waits = fixture_accept_id(a->journal_fixture, "waits");
	fixture_target_act(a->journal_fixture, "books", TARGET_PAUSE);
	fixture_finish(a->journal_fixture, waits, BOOKS, OUTCOME_OK);
	admin_fixture_thread(a);
	json_t *summary = bulk(a, "/v1/bulk/resume", "{}", 3);
	assert_int_equal(admin_fixture_number(summary, "moved"), 3);
	assert_int_equal(admin_fixture_number(summary, "held"),
					 4); /* three sagas were changed; a fourth already waited */
	assert_string_equal(admin_fixture_text(summary, "held_target"), "crm");
	assert_int_equal(admin_fixture_number(json_object_get(summary, "held_targets"), "crm"), 4);
	assert_null(json_object_get(json_object_get(summary, "held_targets"), "books"));
	json_decref(summary);
	summary = bulk(a, "/v1/bulk/resume", "{}", 0); /* no saga matches, but four steps wait */
	assert_int_equal(admin_fixture_number(summary, "held"), 4);
	json_decref(summary);
	json_t *one = admin_fixture_one(a, 200, "POST", "/v1/sagas/1/resume", "{}");
	assert_int_equal(admin_fixture_number(json_object_get(one, "held_targets"), "crm"), 1);
	json_decref(one);
}

static void doubt_stands(void **state)
{
	struct admin_fixture *a = *state;
	fixture_use_plan(a->journal_fixture, "thanks",
					 POLICY_CONTINUE); /* the repeat class of this target is unsafe */
	int64_t saga = fixture_accept_id(a->journal_fixture, "e");
	journal_start(a->journal_fixture->j, fixture_take(a->journal_fixture, WORK_READY, saga, THANKS));
	fixture_pump(a->journal_fixture);
	fixture_finish(a->journal_fixture, saga, THANKS, OUTCOME_UNKNOWN);
	fixture_assert_step(a->journal_fixture, saga, "thanks", STEP_ATTENTION, REASON_IN_DOUBT);
	admin_fixture_thread(a);
	json_t *summary = bulk(a, "/v1/bulk/resume", "{}", 0);
	assert_int_equal(admin_fixture_number(summary, "matched"), 0);
	assert_int_equal(admin_fixture_number(summary, "in_doubt"), 1);
	json_decref(summary);
	summary = bulk(a, "/v1/bulk/resume", "{\"redo_in_doubt\":true}", 1);
	assert_int_equal(admin_fixture_number(summary, "moved"), 1);
	json_decref(summary);
}

#define T(name) cmocka_unit_test_setup_teardown(name, admin_fixture_setup, admin_fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(in_bulk), T(jobs_of_the_api), T(a_cancelled_job_stays_so), T(held_targets), T(doubt_stands),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
