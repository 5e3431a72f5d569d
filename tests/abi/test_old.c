/* Plugins that were built with an old header, run by the engine through whole attempts: do, undo and look-up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gateway/engine/attempt.h"
#include "saga/base/mem.h"
#include "tests/support/connector_driver.h"

/* One attempt of an old plugin, with the target played by the test. */
struct old_run {
	struct catalog *catalog;
	struct driver d; /* only its instance and port are used */
	struct attempt_host host;
	struct transport_request request;
	bool pending;
	char sent[400]; /* "METHOD KEY" of each request, "mail" for each mail */
	char checkpoint[64];
	struct work *held; /* while the journal makes a checkpoint durable */
	struct outcome outcome;
	char detail[100], result[100];
	bool ended;
};

/* ---- the host of the attempt ---- */

static void *submit(void *ctx, const struct transport_request *request)
{
	struct old_run *r = ctx;
	size_t len = strlen(r->sent);
	r->request = *request;
	r->pending = true;
	if (request->kind == ALMONER_SEND_MAIL)
		snprintf(r->sent + len, sizeof r->sent - len, "mail;");
	else
		snprintf(r->sent + len, sizeof r->sent - len, "%s %s;", request->http->method.p,
				 request->http->headers[0].value.p);
	return r;
}

static void cancel(void *ctx, void *exchange)
{
	(void)exchange;
	((struct old_run *)ctx)->pending = false;
}

static int64_t now(void *ctx)
{
	(void)ctx;
	return 1000;
}

static void checkpoint(void *ctx, struct attempt *a, struct str bytes)
{
	struct old_run *r = ctx;
	snprintf(r->checkpoint, sizeof r->checkpoint, "%.*s", (int)bytes.len, bytes.p);
	r->held = attempt_take_work(a);
}

static bool record_inflight(void *ctx, struct attempt *a)
{
	(void)ctx, (void)a;
	return true;
}

static void ended(void *ctx, struct attempt *a, const struct outcome *outcome)
{
	(void)a;
	struct old_run *r = ctx;
	assert_non_null(outcome);
	r->ended = true;
	r->outcome = *outcome;
	snprintf(r->detail, sizeof r->detail, "%s", outcome->detail != NULL ? outcome->detail : "");
	snprintf(r->result, sizeof r->result, "%s", outcome->result_json != NULL ? outcome->result_json : "");
}

/* ---- one run ---- */

static struct work *make_work(uint32_t purpose)
{
	struct event_fields f = {
		.source = STR("forms"), .event_id = STR("e1"), .raw = STR("{}"), .canonical = STR("{\"id\":\"e1\"}")
	};
	struct plan draft = { .route = (char[]){ "r" }, .policy = POLICY_CONTINUE, .step_count = 1 };
	draft.steps[0] = (struct plan_step){ .name = (char[]){ "old" }, .target = (char[]){ "old" } };
	struct work *w = mem_zalloc(sizeof *w);
	w->kind = WORK_START;
	w->saga = 42;
	w->target = 1;
	w->lookup = purpose == ALMONER_LOOKUP;
	w->ref = (struct attempt_ref){ 0, purpose == ALMONER_UNDO ? DIRECTION_UNDO : DIRECTION_DO, 1, 1 };
	w->event = event_create(&f, 1000);
	assert_int_equal(plan_create(&draft, &w->plan, NULL), 0);
	w->results = mem_strdup("{}");
	return w;
}

/* Runs the attempt to its end; the target answers with the statuses in order. */
static void run_attempt(struct old_run *r, uint32_t purpose, const uint32_t *statuses)
{
	struct attempt_settings settings = {
		.target = 1, .repeat = REPEAT_KEYED, .limits = { .timeout_ms = 30000 }, .deadline_ms = INT64_MAX
	};
	r->host = (struct attempt_host){ r, { r, submit, cancel }, now, checkpoint, record_inflight, ended };
	r->sent[0] = r->checkpoint[0] = '\0';
	r->ended = false;
	struct attempt *a = attempt_create(&r->host, &r->d.port, &settings, make_work(purpose));
	attempt_begin(a);
	while (!r->ended) {
		struct work *held = r->held;
		r->held = NULL;
		if (held != NULL) {
			attempt_answer(a, ATTEMPT_CHECKPOINTED, held);
			continue;
		}
		assert_true(r->pending);
		r->pending = false;
		struct transport_result result = { .verdict = TRANSPORT_REPLY,
										   .reply = { .size = sizeof result.reply, .status = *statuses++ } };
		r->request.done(r->request.ctx, &result);
	}
	attempt_destroy(a);
}

static void expect(const struct old_run *r, enum outcome_class result, uint32_t status, const char *sent)
{
	assert_string_equal(name_of_outcome(r->outcome.result), name_of_outcome(result));
	assert_int_equal(r->outcome.status, status);
	assert_string_equal(r->sent, sent);
	assert_string_equal(r->detail, "old and well");
	assert_string_equal(r->result, "{\"id\":\"7\"}");
}

/* "METHOD KEY;" with the key of this direction. */
static char *request_text(const char *method, enum direction direction)
{
	char key[KEY_TEXT_BYTES];
	key_derive("forms", "e1", "old", direction, 1, "", key);
	return mem_printf("%s %s;", method, key);
}

/* `undo_key`: version 1.1 undoes by the key of DO, version 1.0 has only the key of the undo. */
static void run_all(const char *plugin, enum direction undo_key)
{
	static const char *const paths[] = { ALMONER_ABI_PLUGINS };
	struct old_run r = { .catalog = catalog_create(paths, 1) };
	const struct catalog_entry *entry = NULL;
	assert_int_equal(catalog_find(r.catalog, plugin, &entry, NULL), 0);
	assert_int_equal(driver_open(&r.d, entry, "{\"wait\": \"30s\"}", NULL), 0);
	char *put AUTO_FREE = request_text("PUT", DIRECTION_DO);
	char *made AUTO_FREE = mem_printf("%smail;", put);
	char *undone AUTO_FREE = request_text("DELETE", undo_key);
	char *looked AUTO_FREE = request_text("GET", DIRECTION_DO);
	run_attempt(&r, ALMONER_DO, (const uint32_t[]){ 200, 250 });
	expect(&r, OUTCOME_OK, 250, made);
	assert_string_equal(r.checkpoint, "{\"at\":1}");
	run_attempt(&r, ALMONER_DO, (const uint32_t[]){ 200, 554 });
	expect(&r, OUTCOME_REJECTED, 554, made);
	run_attempt(&r, ALMONER_LOOKUP, (const uint32_t[]){ 404 });
	expect(&r, OUTCOME_ABSENT, 404, looked);
	run_attempt(&r, ALMONER_LOOKUP, (const uint32_t[]){ 200 });
	expect(&r, OUTCOME_OK, 200, looked);
	run_attempt(&r, ALMONER_UNDO, (const uint32_t[]){ 204 });
	expect(&r, OUTCOME_OK, 204, undone);
	driver_close(&r.d);
	catalog_destroy(r.catalog);
}

static void version_1_0_runs(void **state)
{
	(void)state;
	run_all("old", DIRECTION_UNDO);
}

static void version_1_1_runs(void **state)
{
	(void)state;
	run_all("old_1_1", DIRECTION_DO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(version_1_0_runs),
		cmocka_unit_test(version_1_1_runs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
