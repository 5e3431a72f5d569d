#include "tests/unit/engine/engine_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "saga/base/mem.h"

/* ---- connector ---- */

static int begin(void *ctx, const struct almoner_step *step, void **attempt, struct almoner_error *error)
{
	struct engine_fixture *b = ctx;
	b->step = *step;
	step->key(step->key_ctx, "", b->key);
	if (b->fail_begin) {
		snprintf(error->text, sizeof error->text, "no template");
		return -1;
	}
	b->began = true;
	*attempt = b;
	return 0;
}

static int next(void *ctx, void *attempt, const struct almoner_reply *reply, struct almoner_action *action,
				struct almoner_error *error)
{
	struct engine_fixture *b = ctx;
	assert_ptr_equal(attempt, b);
	assert_int_equal(reply == NULL, b->asked == 0);
	if (b->asked >= b->action_count) {
		snprintf(error->text, sizeof error->text, "script is over");
		return -1;
	}
	*action = b->actions[b->asked++];
	return 0;
}

static void end(void *ctx, void *attempt)
{
	struct engine_fixture *b = ctx;
	assert_ptr_equal(attempt, b);
	assert_false(b->conn_ended);
	/* the texts of `begin` must be valid until `end` */
	assert_string_equal(b->step.steps.p, "{\"books\":{\"id\":\"7\"}}");
	b->conn_ended = true;
}

/* ---- host ---- */

static void *submit(void *ctx, const struct transport_request *request)
{
	struct engine_fixture *b = ctx;
	b->submits++;
	b->request = *request;
	return b;
}

static void cancel(void *ctx, void *exchange)
{
	struct engine_fixture *b = ctx;
	assert_ptr_equal(exchange, b);
	b->cancels++;
}

static int64_t now(void *ctx)
{
	return ((struct engine_fixture *)ctx)->now_ms;
}

static void checkpoint(void *ctx, struct attempt *a, struct str bytes)
{
	struct engine_fixture *b = ctx;
	b->checkpoints++;
	snprintf(b->checkpoint, sizeof b->checkpoint, "%.*s", (int)bytes.len, bytes.p);
	b->held_work = attempt_take_work(a);
}

static bool record_inflight(void *ctx, struct attempt *a)
{
	struct engine_fixture *b = ctx;
	assert_true(a->outcome.has_body && a->work != NULL);
	b->effects_recorded++;
	return !b->inflight_full;
}

static void ended(void *ctx, struct attempt *a, const struct outcome *outcome)
{
	struct engine_fixture *b = ctx;
	assert_ptr_equal(a->host->ctx, b);
	b->ended_calls++;
	b->gone = outcome == NULL;
	if (outcome == NULL)
		return;
	b->outcome = *outcome;
	snprintf(b->detail, sizeof b->detail, "%s", outcome->detail != NULL ? outcome->detail : "");
	snprintf(b->result, sizeof b->result, "%s", outcome->result_json != NULL ? outcome->result_json : "");
}

/* ---- set-up ---- */

static struct plan *make_plan(void)
{
	struct plan draft = { .route = (char[]){ "r" }, .policy = POLICY_CONTINUE, .step_count = 1 };
	draft.steps[0] = (struct plan_step){ .name = (char[]){ "crm" }, .target = (char[]){ "crm" } };
	struct plan *plan = NULL;
	assert_int_equal(plan_create(&draft, &plan, NULL), 0);
	return plan;
}

struct work *fixture_work(void)
{
	struct event_fields f = {
		.source = STR("forms"), .event_id = STR("e1"), .raw = STR("{}"), .canonical = STR("{\"id\":\"e1\"}")
	};
	struct work *w = mem_zalloc(sizeof *w);
	w->kind = WORK_START;
	w->saga = 42;
	w->target = 3;
	w->ref = (struct attempt_ref){ 0, DIRECTION_DO, 1, 2 };
	w->event = event_create(&f, 1000);
	w->plan = make_plan();
	w->results = mem_strdup("{\"books\":{\"id\":\"7\"}}");
	return w;
}

struct engine_fixture *fixture_create(void)
{
	struct engine_fixture *b = mem_zalloc(sizeof *b);
	b->now_ms = 1000;
	b->host = (struct attempt_host){ b, { b, submit, cancel }, now, checkpoint, record_inflight, ended };
	b->port = (struct connector_port){ b, begin, next, end };
	return b;
}

void fixture_start_with(struct engine_fixture *b, struct work *w, enum repeat repeat)
{
	struct attempt_settings settings = { .target = 3, .repeat = repeat, .limits = { .timeout_ms = 30000 } };
	b->a = attempt_create(&b->host, &b->port, &settings, w);
	attempt_begin(b->a);
}

void fixture_start(struct engine_fixture *b)
{
	fixture_start_with(b, fixture_work(), REPEAT_KEYED);
}

void fixture_destroy(struct engine_fixture *b)
{
	attempt_destroy(b->a);
	work_destroy(b->held_work);
	assert_int_equal(b->began, b->conn_ended);
	free(b);
}

struct almoner_action *fixture_send(struct engine_fixture *b, uint32_t effect, const char *body)
{
	struct almoner_action *a = &b->actions[b->action_count++];
	*a = (struct almoner_action){ .size = sizeof *a, .kind = ALMONER_SEND_HTTP, .effect = effect };
	a->http.method = (struct almoner_text)TEXT("POST");
	a->http.url = (struct almoner_text)TEXT("http://crm/gifts");
	a->http.body = (struct almoner_text){ body, strlen(body) };
	return a;
}

struct almoner_action *fixture_finish(struct engine_fixture *b, uint32_t class)
{
	struct almoner_action *a = &b->actions[b->action_count++];
	*a = (struct almoner_action){ .size = sizeof *a, .kind = ALMONER_FINISH };
	a->done.result_class = class;
	return a;
}

void fixture_checkpoint(struct almoner_action *a, const char *text)
{
	a->checkpoint = (struct almoner_text){ text, strlen(text) };
}

void fixture_reply(struct engine_fixture *b, uint32_t status)
{
	struct transport_result r = { .verdict = TRANSPORT_REPLY };
	r.reply = (struct almoner_reply){ .size = sizeof r.reply, .status = status };
	b->request.done(b->request.ctx, &r);
}

void fixture_lose(struct engine_fixture *b, enum transport_verdict verdict)
{
	struct transport_result r = { .verdict = verdict, .detail = "it broke" };
	b->request.done(b->request.ctx, &r);
}
