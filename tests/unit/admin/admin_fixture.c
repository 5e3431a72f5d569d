#include "tests/unit/admin/admin_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "saga/base/mem.h"

#define STANDARD_TARGETS                                                                                     \
	"\"crm\":{\"connector\":\"http\"},\"books\":{\"connector\":\"http\"},"                                   \
	"\"thanks\":{\"connector\":\"http\"},\"mail\":{\"connector\":\"http\"}"

/* ---- the functions of struct api_context ---- */

static int open_reader(void *ctx, struct store_reader *ret, struct err *err)
{
	struct admin_fixture *a = ctx;
	return store_sqlite_open_reader(a->journal_fixture->path, NULL, ret, err);
}

static int run_command(void *ctx, const struct command *command)
{
	struct admin_fixture *a = ctx;
	a->commands[command->kind]++;
	return command_run_on(a->journal_fixture->j, command);
}

static bool figures(void *ctx, struct journal_counts *ret)
{
	struct admin_fixture *a = ctx;
	journal_counts(a->journal_fixture->j, ret);
	return true;
}

static int64_t now_ms(void *ctx)
{
	struct admin_fixture *a = ctx;
	return a->journal_fixture->now_ms;
}

static struct config *get_config(void *ctx)
{
	struct admin_fixture *a = ctx;
	return config_ref(a->config);
}

static bool target_live(void *ctx, uint32_t id, struct target_live *ret)
{
	struct admin_fixture *a = ctx;
	a->live_asked++;
	if (id != CRM)
		return false;
	*ret = (struct target_live){ .breaker = BREAKER_OPEN, .in_flight = 3, .window = 1, .ready = 7 };
	snprintf(ret->last_error, sizeof ret->last_error, "unknown: \xc3"); /* ends inside a UTF-8 character */
	return true;
}

/* ---- life ---- */

void admin_fixture_targets(struct admin_fixture *a, const char *targets)
{
	char *path AUTO_FREE = mem_printf("%s/almoner.json", a->journal_fixture->dir);
	FILE *out = fopen(path, "w");
	assert_non_null(out);
	fprintf(out,
			"{\"listen\":{\"intake\":\"127.0.0.1:0\"},\"store\":{\"url\":\"sqlite:j.db\"},\"targets\":{%s},"
			"\"sources\":{},\"routes\":[]}",
			targets);
	assert_int_equal(fclose(out), 0);
	struct diagnostics found AUTO_DIAGNOSTICS = { 0 };
	struct config *config = NULL;
	if (config_load(path, NULL, &config, &found) != 0) {
		struct buf text AUTO_BUF = { 0 };
		diagnostics_print(&found, &text);
		fail_msg("%s", text.data);
	}
	config_unref(a->config);
	a->config = config;
}

int admin_fixture_setup(void **state)
{
	struct admin_fixture *a = mem_zalloc(sizeof *a);
	void *journal_fixture = NULL;
	if (fixture_setup(&journal_fixture) != 0)
		return -1;
	a->journal_fixture = journal_fixture;
	*state = a;
	admin_fixture_targets(a, STANDARD_TARGETS);
	a->api = (struct api_context){ .ctx = a,
								   .command = run_command,
								   .figures = figures,
								   .open_reader = open_reader,
								   .now_ms = now_ms,
								   .config = get_config,
								   .target_live = target_live };
	return 0;
}

void admin_fixture_thread(struct admin_fixture *a)
{
	struct err err = { 0 };
	assert_int_equal(journal_start_thread(a->journal_fixture->j, &err), 0);
	a->threaded = true;
	assert_int_equal(jobs_start(&a->api, &a->jobs, &err), 0);
	a->api.jobs = a->jobs;
}

int admin_fixture_teardown(void **state)
{
	struct admin_fixture *a = *state;
	jobs_stop(a->jobs);
	jobs_destroy(a->jobs);
	if (a->threaded)
		journal_stop(a->journal_fixture->j, "the test is over");
	config_unref(a->config);
	char *path AUTO_FREE = mem_printf("%s/almoner.json", a->journal_fixture->dir);
	remove(path);
	void *journal_fixture = a->journal_fixture;
	free(a);
	return fixture_teardown(&journal_fixture);
}

/* ---- calling ---- */

static void add_lines(json_t *list, const struct buf *bytes)
{
	size_t from = 0;
	for (size_t i = 0; i < bytes->len; i++) {
		if (bytes->data[i] != '\n')
			continue;
		json_t *line = json_loadb(bytes->data + from, i - from, 0, NULL);
		if (line == NULL)
			fail_msg("not JSON: \"%.*s\"", (int)(i - from), bytes->data + from);
		json_array_append_new(list, line);
		from = i + 1;
	}
	assert_int_equal(from, bytes->len); /* the last line ends with a line end, too */
}

json_t *admin_fixture_lines(struct admin_fixture *a, unsigned status, const char *method, const char *path,
							const char *body)
{
	char *copy AUTO_FREE = mem_strdup(path);
	char *question = strchr(copy, '?');
	if (question != NULL)
		*question = '\0';
	struct api_request request = { .method = method,
								   .path = copy,
								   .query = question != NULL ? question + 1 : "",
								   .body = str_of(body),
								   .actor = "uid 7 (tester)" };
	struct api_reply reply;
	api_handle(&a->api, &request, &reply);
	json_t *list = json_array();
	add_lines(list, &reply.body);
	int more = reply.more != NULL ? 1 : 0;
	for (unsigned calls = 0; more > 0; calls++) {
		struct err err = { 0 };
		assert_true(calls < 10000);
		buf_clear(&reply.body);
		more = reply.more(reply.stream, &reply.body, &err);
		assert_true(more >= 0);
		add_lines(list, &reply.body);
	}
	unsigned got = reply.status;
	api_reply_finish(&reply);
	if (got != status) {
		char *text AUTO_FREE = json_dumps(list, 0);
		fail_msg("%s %s: status %u, wanted %u: %s", method, path, got, status, text);
	}
	return list;
}

json_t *admin_fixture_one(struct admin_fixture *a, unsigned status, const char *method, const char *path,
						  const char *body)
{
	json_t *list = admin_fixture_lines(a, status, method, path, body);
	assert_int_equal(json_array_size(list), 1);
	json_t *one = json_incref(json_array_get(list, 0));
	json_decref(list);
	return one;
}

void admin_fixture_error(struct admin_fixture *a, unsigned status, const char *method, const char *path,
						 const char *body, const char *text)
{
	json_t *answer = admin_fixture_one(a, status, method, path, body);
	const char *error = json_string_value(json_object_get(answer, "error"));
	assert_non_null(error);
	if (strstr(error, text) == NULL)
		fail_msg("%s %s: \"%s\" does not contain \"%s\"", method, path, error, text);
	json_decref(answer);
}

/* ---- members of answers, and sagas ---- */

const char *admin_fixture_text(const json_t *object, const char *member)
{
	const char *text = json_string_value(json_object_get(object, member));
	return text != NULL ? text : "";
}

long long admin_fixture_number(const json_t *object, const char *member)
{
	return json_integer_value(json_object_get(object, member));
}

void admin_fixture_sagas(struct admin_fixture *a, int count)
{
	fixture_use_plan(a->journal_fixture, "crm", POLICY_CONTINUE);
	for (int n = 1; n <= count; n++) {
		char id[16];
		snprintf(id, sizeof id, "ev/%d", n);
		int64_t saga = fixture_accept_id(a->journal_fixture, id);
		fixture_finish(a->journal_fixture, saga, CRM, n % 2 == 1 ? OUTCOME_REJECTED : OUTCOME_OK);
	}
}
