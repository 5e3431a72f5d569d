/* The admin API on a real store and journal: routes, lists, and verbs on one saga. */
#include "tests/unit/admin/admin_fixture.h"

#include <stdio.h>
#include <string.h>

#include "gateway/admin/verbs/act.h"
#include "saga/base/mem.h"

/* ---- routes ---- */

static void routes(void **state)
{
	struct admin_fixture *a = *state;
	admin_fixture_error(a, 404, "GET", "/", NULL, "no such path");
	admin_fixture_error(a, 404, "GET", "/v1/nothing", NULL, "no such path");
	admin_fixture_error(a, 404, "GET", "/v1/sagas/", NULL, "no such path");
	admin_fixture_error(a, 404, "GET", "/v1/sagas/1/2/3", NULL, "no such path");
	admin_fixture_error(a, 405, "POST", "/v1/sagas", "{}", "does not accept this method");
	admin_fixture_error(a, 405, "DELETE", "/v1/sagas/1", NULL, "does not accept this method");
	admin_fixture_error(a, 405, "GET", "/v1/bulk/resume", NULL, "does not accept this method");
	admin_fixture_error(a, 400, "GET", "/v1/sagas?state=%", NULL, "percent");
	admin_fixture_error(a, 400, "GET", "/v1/sagas/%zz", NULL, "percent");
	admin_fixture_error(a, 400, "GET", "/v1/sagas/one", NULL, "number");
	admin_fixture_error(a, 400, "GET", "/v1/sagas/-1", NULL, "number");
	admin_fixture_error(a, 400, "GET", "/v1/sagas/99999999999999999999", NULL, "number");
	admin_fixture_error(a, 404, "GET", "/v1/sagas/1", NULL, "no saga");
	admin_fixture_error(a, 400, "GET", "/v1/log?befor=1", NULL, "befor");
	json_t *all = admin_fixture_lines(a, 200, "GET", "/v1", NULL);
	assert_true(json_array_size(all) > 10);
	json_decref(all);
}

/* Text that is not UTF-8 must not end the process: json_dumps would get NULL. */
static void hostile_bytes(void **state)
{
	struct admin_fixture *a = *state;
	admin_fixture_error(a, 400, "GET", "/v1/sagas?state=%ff", NULL, "UTF-8");
	admin_fixture_error(a, 400, "POST", "/v1/targets/%ff/pause", "{}", "UTF-8");
	admin_fixture_error(a, 400, "POST", "/v1/targets/crm/%ff", "{}", "UTF-8");
	admin_fixture_error(a, 400, "GET", "/v1/events/a/b%00c", NULL, "percent");
	admin_fixture_error(a, 400, "POST", "/v1/sagas/1/resume", "{\"reason\":\"\xff\"}", "JSON");
	admin_fixture_error(a, 400, "POST", "/v1/sagas/1/resume", "[]", "JSON object");
	admin_fixture_error(a, 400, "POST", "/v1/sagas/1/resume", "{\"reason\":\"a\",\"reason\":\"b\"}", "JSON");
	admin_fixture_error(a, 400, "POST", "/v1/sagas/1/resume", "{\"reason\":5}", "must be a text");
	/* An error text repeats a long word and is cut inside a character. */
	struct buf path AUTO_BUF = { 0 };
	buf_text(&path, "/v1/sagas?state=x");
	for (int i = 0; i < 400; i++)
		buf_text(&path, "%C3%A9");
	admin_fixture_error(a, 400, "GET", path.data, NULL, "unknown");
	struct buf body AUTO_BUF = { 0 };
	buf_text(&body, "{\"reason\":\"");
	for (int i = 0; i < 2001; i++)
		buf_byte(&body, 'r');
	buf_text(&body, "\"}");
	admin_fixture_error(a, 400, "POST", "/v1/sagas/1/resume", body.data, "longer");
	json_t *targets = admin_fixture_lines(a, 200, "GET", "/v1/targets", NULL);
	assert_string_equal(admin_fixture_text(json_array_get(targets, 0), "last_error"), "unknown: ?");
	json_decref(targets);
}

static void names_in_paths(void **state)
{
	struct admin_fixture *a = *state;
	admin_fixture_sagas(a, 1);
	int64_t odd = fixture_accept_id(a->journal_fixture, "with / slash+and space");
	json_t *event =
		admin_fixture_one(a, 200, "GET", "/v1/events/forms/with%20%2F%20slash%2Band%20space", NULL);
	if (admin_fixture_number(event, "saga") != odd)
		fail_msg("found saga %lld", admin_fixture_number(event, "saga"));
	json_decref(event);
	admin_fixture_error(a, 404, "GET", "/v1/events/forms/with%20%2F%20slash", NULL, "no ");
	admin_fixture_error(a, 404, "GET", "/v1/events/777", NULL, "no such event");
	admin_fixture_error(a, 400, "GET", "/v1/events/abc", NULL, "SOURCE/EVENT_ID");
}

/* ---- reading ---- */

static void list_and_count(void **state)
{
	struct admin_fixture *a = *state;
	admin_fixture_sagas(a, 150); /* more than one page of the list */
	json_t *all = admin_fixture_lines(a, 200, "GET", "/v1/sagas", NULL);
	assert_int_equal(json_array_size(all), 150);
	long long before = 1000;
	size_t i;
	json_t *saga;
	json_array_foreach(all, i, saga)
	{
		assert_true(admin_fixture_number(saga, "id") < before);
		before = admin_fixture_number(saga, "id");
	}
	static const char *const members[] = { "id",   "state", "reason", "source",     "event_id",
										   "type", "gift",  "key",    "created_at", "steps" };
	for (size_t m = 0; m < sizeof members / sizeof members[0]; m++)
		assert_non_null(json_object_get(json_array_get(all, 0), members[m]));
	static const char *const step_members[] = { "name",    "target",  "state",  "reason", "attempts",
												"next_at", "outcome", "detail", "result" };
	const json_t *step = json_array_get(json_object_get(json_array_get(all, 1), "steps"), 0);
	for (size_t m = 0; m < sizeof step_members / sizeof step_members[0]; m++)
		assert_non_null(json_object_get(step, step_members[m]));
	json_decref(all);
	static const struct {
		const char *query;
		int wanted;
	} counts[] = { { "", 150 },
				   { "?state=attention", 75 },
				   { "?state=completed", 75 },
				   { "?state=paused", 0 },
				   { "?outcome=rejected", 75 },
				   { "?target=crm&reason=rejected", 75 },
				   { "?target=books", 0 },
				   { "?older=1h", 0 } };
	for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
		char *path AUTO_FREE = mem_printf("/v1/sagas/count%s", counts[c].query);
		json_t *count = admin_fixture_one(a, 200, "GET", path, NULL);
		assert_int_equal(admin_fixture_number(count, "count"), counts[c].wanted);
		json_decref(count);
		char *list_path AUTO_FREE = mem_printf("/v1/sagas%s", counts[c].query);
		json_t *list = admin_fixture_lines(a, 200, "GET", list_path, NULL);
		assert_int_equal(json_array_size(list), counts[c].wanted);
		json_decref(list);
	}
	json_t *few = admin_fixture_lines(a, 200, "GET", "/v1/sagas?limit=70&before=100", NULL);
	assert_int_equal(json_array_size(few), 70);
	assert_int_equal(admin_fixture_number(json_array_get(few, 0), "id"), 99);
	json_decref(few);
	few = admin_fixture_lines(a, 200, "GET", "/v1/sagas?limit=0", NULL);
	assert_int_equal(json_array_size(few), 0);
	json_decref(few);
}

static void log_with_names(void **state)
{
	struct admin_fixture *a = *state;
	fixture_use_plan(a->journal_fixture, "crm books<crm", POLICY_CONTINUE);
	int64_t saga = fixture_accept_id(a->journal_fixture, "e");
	fixture_finish(a->journal_fixture, saga, CRM, OUTCOME_OK);
	fixture_finish(a->journal_fixture, saga, BOOKS, OUTCOME_OK);
	fixture_target_act(a->journal_fixture, "books", TARGET_PAUSE);
	json_t *log = admin_fixture_lines(a, 200, "GET", "/v1/log", NULL);
	unsigned named = 0;
	unsigned targets = 0;
	size_t i;
	json_t *record;
	json_array_foreach(log, i, record)
	{
		const json_t *step = json_object_get(record, "step");
		if (step != NULL) {
			assert_string_equal(admin_fixture_text(record, "step_name"),
								json_integer_value(step) == 0 ? "crm" : "books");
			named++;
		}
		if (strcmp(admin_fixture_text(record, "subject"), "target") == 0) {
			assert_string_equal(admin_fixture_text(record, "target"), "books");
			targets++;
		}
	}
	assert_true(named >= 4);
	assert_int_equal(targets, 1);
	json_int_t last = admin_fixture_number(json_array_get(log, json_array_size(log) - 1), "seq");
	json_decref(log);
	char *path AUTO_FREE = mem_printf("/v1/log?after=%lld", (long long)last - 1);
	log = admin_fixture_lines(a, 200, "GET", path, NULL);
	json_array_foreach(log, i, record) assert_int_equal(admin_fixture_number(record, "seq"), last);
	json_decref(log);
}

/* The list that begins at the cursor of a row continues with the next row, for every list. */
static void continues_behind_its_cursor(struct admin_fixture *a, const char *path, const char *parameter)
{
	json_t *all = admin_fixture_lines(a, 200, "GET", path, NULL);
	assert_true(json_array_size(all) >= 3);
	char *next AUTO_FREE =
		mem_printf("%s?%s=%s", path, parameter, admin_fixture_text(json_array_get(all, 1), "cursor"));
	json_t *rest = admin_fixture_lines(a, 200, "GET", next, NULL);
	assert_true(json_array_size(rest) > 0 && json_array_size(rest) < json_array_size(all));
	const json_t *tail = json_array_get(all, json_array_size(all) - json_array_size(rest));
	assert_string_equal(admin_fixture_text(json_array_get(rest, 0), "cursor"),
						admin_fixture_text(tail, "cursor"));
	assert_string_not_equal(admin_fixture_text(tail, "cursor"),
							admin_fixture_text(json_array_get(all, 1), "cursor"));
	json_decref(all);
	json_decref(rest);
}

static void lists_continue_behind_a_cursor(void **state)
{
	struct admin_fixture *a = *state;
	fixture_use_plan(a->journal_fixture, "crm", POLICY_CONTINUE);
	for (unsigned i = 0; i < 4; i++)
		(void)fixture_accept_id(a->journal_fixture, (const char *[]){ "a", "b", "c", "d" }[i]);
	continues_behind_its_cursor(a, "/v1/sagas", "before");
	continues_behind_its_cursor(a, "/v1/log", "after");
	json_t *log = admin_fixture_lines(a, 200, "GET", "/v1/log", NULL);
	char *foreign AUTO_FREE =
		mem_printf("/v1/sagas?before=%s", admin_fixture_text(json_array_get(log, 0), "cursor"));
	admin_fixture_error(a, 400, "GET", foreign, NULL, "no position in this list");
	admin_fixture_error(a, 400, "GET", "/v1/refused?after=-1", NULL, "no position in this list");
	json_decref(log);
}

static void targets_and_backlog(void **state)
{
	struct admin_fixture *a = *state;
	admin_fixture_targets(
		a, "\"books\":{\"connector\":\"http\",\"paused\":true},\"crm\":{\"connector\":\"http\"}");
	fixture_use_plan(a->journal_fixture, "thanks", POLICY_CONTINUE);
	(void)fixture_accept_id(a->journal_fixture, "one");
	fixture_target_act(a->journal_fixture, "crm", TARGET_HOLD);
	a->live_asked = 0;
	json_t *targets = admin_fixture_lines(a, 200, "GET", "/v1/targets", NULL);
	assert_int_equal(json_array_size(targets), 3);
	const json_t *books = json_array_get(targets, 0);
	const json_t *crm = json_array_get(targets, 1);
	const json_t *thanks = json_array_get(targets, 2);
	assert_string_equal(admin_fixture_text(books, "state"), "paused");
	assert_non_null(strstr(admin_fixture_text(books, "reason"), "configuration"));
	assert_string_equal(admin_fixture_text(crm, "state"), "held");
	assert_string_equal(admin_fixture_text(crm, "breaker"), "open");
	assert_int_equal(admin_fixture_number(crm, "in_flight"), 3);
	assert_int_equal(admin_fixture_number(crm, "backlog"), 7);
	assert_string_equal(admin_fixture_text(thanks, "name"), "thanks");
	assert_string_equal(admin_fixture_text(thanks, "state"), "missing");
	assert_true(a->live_asked <= 3);
	json_decref(targets);
	json_t *backlog = admin_fixture_lines(a, 200, "GET", "/v1/backlog", NULL);
	assert_true(json_array_size(backlog) >= 3);
	json_decref(backlog);
	json_t *status = admin_fixture_one(a, 200, "GET", "/v1/status", NULL);
	assert_true(json_is_true(json_object_get(status, "daemon")));
	assert_int_equal(admin_fixture_number(status, "accepted"), 1);
	json_decref(status);
}

static void verify_and_show(void **state)
{
	struct admin_fixture *a = *state;
	admin_fixture_sagas(a, 2);
	json_t *report = admin_fixture_one(a, 200, "GET", "/v1/verify", NULL);
	assert_true(json_is_true(json_object_get(report, "sound")));
	json_decref(report);
	json_t *saga = admin_fixture_one(a, 200, "GET", "/v1/sagas/1", NULL);
	assert_string_equal(admin_fixture_text(saga, "reason"), "rejected");
	assert_string_equal(admin_fixture_text(json_array_get(json_object_get(saga, "log"), 0), "record"),
						"accepted");
	json_decref(saga);
}

/* ---- changing ---- */

static void without_a_daemon(void **state)
{
	struct admin_fixture *a = *state;
	admin_fixture_sagas(a, 3);
	a->api.command = NULL;
	a->api.figures = NULL;
	a->api.target_live = NULL;
	admin_fixture_error(a, 503, "POST", "/v1/sagas/1/resume", "{}", "almoner serve");
	admin_fixture_error(a, 503, "POST", "/v1/bulk/resume", "{}", "almoner serve");
	admin_fixture_error(a, 503, "POST", "/v1/targets/crm/pause", "{}", "almoner serve");
	admin_fixture_error(a, 503, "POST", "/v1/reprocess/1", "{}", "almoner serve");
	static const char *const reads[] = { "/v1/sagas",   "/v1/sagas/2", "/v1/sagas/count",
										 "/v1/log",     "/v1/verify",  "/v1/status",
										 "/v1/backlog", "/v1/targets", "/v1/events/1" };
	for (size_t i = 0; i < sizeof reads / sizeof reads[0]; i++)
		json_decref(admin_fixture_lines(a, 200, "GET", reads[i], NULL));
}

static void verbs(void **state)
{
	struct admin_fixture *a = *state;
	admin_fixture_sagas(a, 3);
	admin_fixture_thread(a);
	admin_fixture_error(a, 400, "POST", "/v1/sagas/1/dance", "{}", "resume, retry");
	admin_fixture_error(a, 400, "POST", "/v1/sagas/1/reprocess", "{}", "unknown verb");
	admin_fixture_error(a, 404, "POST", "/v1/reprocess/999", "{}", "there is no such event");
	admin_fixture_error(a, 400, "POST", "/v1/sagas/1/resolve", "{\"step\":\"crm\"}", "not_done");
	admin_fixture_error(a, 400, "POST", "/v1/sagas/1/resolve", "{\"step\":\"crm\",\"as\":\"maybe\"}",
						"not_done");
	admin_fixture_error(a, 400, "POST", "/v1/sagas/1/resolve",
						"{\"step\":\"crm\",\"as\":\"done\",\"result\":\"7\"}", "must be an object");
	char *padding AUTO_FREE = mem_alloc(70001);
	memset(padding, 'x', 70000);
	padding[70000] = '\0';
	char *long_result AUTO_FREE =
		mem_printf("{\"step\":\"crm\",\"as\":\"done\",\"result\":{\"id\":\"%s\"}}", padding);
	admin_fixture_error(a, 400, "POST", "/v1/sagas/1/resolve", long_result, "64 KiB");
	admin_fixture_error(a, 404, "POST", "/v1/sagas/1/retry", "{\"step\":\"bokos\"}", "its steps: crm");
	admin_fixture_error(a, 404, "POST", "/v1/sagas/99/retry", "{\"step\":\"crm\"}", "no saga 99");
	admin_fixture_error(a, 404, "POST", "/v1/sagas/99/resume", "{}", "no saga 99");
	admin_fixture_error(a, 409, "POST", "/v1/sagas/2/retry", "{\"step\":\"crm\"}", "redo");
	admin_fixture_error(a, 409, "POST", "/v1/sagas/2/pause", "{\"dry_run\":true}", "complete");
	admin_fixture_error(a, 404, "POST", "/v1/sagas/99/resume", "{\"dry_run\":true}", "no saga 99");
	json_t *tried = admin_fixture_one(a, 200, "POST", "/v1/sagas/1/resume", "{\"dry_run\":true}");
	assert_int_equal(admin_fixture_number(tried, "changed"), 1);
	json_decref(tried);
	json_t *saga = admin_fixture_one(a, 200, "GET", "/v1/sagas/1", NULL);
	assert_string_equal(admin_fixture_text(saga, "state"),
						"attention"); /* unchanged, because it was a dry run */
	json_decref(saga);
	json_t *done = admin_fixture_one(
		a, 200, "POST", "/v1/sagas/1/resolve",
		"{\"step\":\"crm\",\"as\":\"done\",\"result\":{\"id\":\"7\"},\"reason\":\"saw it\"}");
	assert_string_equal(admin_fixture_text(done, "state"), "completed");
	json_decref(done);
	assert_int_equal(a->commands[COMMAND_VERB], 3); /* retry of saga 2, resume of saga 99, resolve */
	saga = admin_fixture_one(a, 200, "GET", "/v1/sagas/1", NULL);
	char *all AUTO_FREE = json_dumps(saga, 0);
	assert_non_null(strstr(all, "uid 7 (tester)"));
	assert_non_null(strstr(all, "saw it"));
	json_decref(saga);
}

static void target_verbs(void **state)
{
	struct admin_fixture *a = *state;
	admin_fixture_targets(a, "\"crm\":{\"connector\":\"http\",\"paused\":true}");
	admin_fixture_thread(a);
	admin_fixture_error(a, 404, "POST", "/v1/targets/nobody/pause", "{}", "nobody");
	admin_fixture_error(a, 400, "POST", "/v1/targets/crm/hold", "{}", "pause and resume");
	json_t *one = admin_fixture_one(a, 200, "POST", "/v1/targets/crm/pause", "{\"reason\":\"month's end\"}");
	assert_int_equal(admin_fixture_number(one, "changed"), 1);
	json_decref(one);
	one = admin_fixture_one(a, 200, "GET", "/v1/targets", NULL);
	assert_string_equal(admin_fixture_text(one, "reason"), "month's end");
	json_decref(one);
	one = admin_fixture_one(a, 200, "POST", "/v1/targets/crm/resume", "{}");
	assert_string_equal(admin_fixture_text(one, "paused_by"), "configuration");
	json_decref(one);
	assert_int_equal(a->commands[COMMAND_TARGET], 3);
}

static void stopped_journal(void **state)
{
	struct admin_fixture *a = *state;
	admin_fixture_sagas(a, 3);
	admin_fixture_thread(a);
	journal_stop(a->journal_fixture->j, "early");
	admin_fixture_error(a, 503, "POST", "/v1/sagas/1/resume", "{}", "closed");
	admin_fixture_error(a, 503, "POST", "/v1/targets/crm/pause", "{}", "closed");
}

#define T(name) cmocka_unit_test_setup_teardown(name, admin_fixture_setup, admin_fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(routes),           T(hostile_bytes),   T(names_in_paths),      T(list_and_count),
		T(log_with_names),   T(verify_and_show), T(targets_and_backlog), T(lists_continue_behind_a_cursor),
		T(without_a_daemon), T(verbs),           T(target_verbs),        T(stopped_journal),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
