/* The machine of one attempt, with a scripted connector and a scripted transport. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gateway/engine/attempt.h"
#include "saga/base/mem.h"

#define TEXT(s)                                                                                              \
	{                                                                                                        \
		(s), sizeof(s) - 1                                                                                   \
	}

struct bench {
	/* script */
	struct almoner_action actions[20];
	unsigned action_count;
	bool refuse_begin;
	/* what happened */
	unsigned asked, ended_calls, submits, cancels, checkpoints;
	bool began, conn_ended, gone;
	struct transport_request request;
	struct outcome outcome;
	char detail[400], result[200], checkpoint[64], key[33];
	struct almoner_step step;
	struct work *at_journal;
	int64_t now_ms;
	/* the thing itself */
	struct attempt_host host;
	struct connector_port port;
	struct attempt *a;
};

/* ---- connector ---- */

static int begin(void *ctx, const struct almoner_step *step, void **attempt, struct almoner_error *error)
{
	struct bench *b = ctx;
	b->step = *step;
	step->key(step->key_ctx, "", b->key);
	if (b->refuse_begin) {
		(void)snprintf(error->text, sizeof error->text, "no template");
		return -1;
	}
	b->began = true;
	*attempt = b;
	return 0;
}

static int next(void *ctx, void *attempt, const struct almoner_reply *reply, struct almoner_action *action,
				struct almoner_error *error)
{
	struct bench *b = ctx;
	assert_ptr_equal(attempt, b);
	assert_int_equal(reply == NULL, b->asked == 0);
	if (b->asked >= b->action_count) {
		(void)snprintf(error->text, sizeof error->text, "script is over");
		return -1;
	}
	*action = b->actions[b->asked++];
	return 0;
}

static void end(void *ctx, void *attempt)
{
	struct bench *b = ctx;
	assert_ptr_equal(attempt, b);
	assert_false(b->conn_ended);
	/* what was handed in lives until now */
	assert_string_equal(b->step.steps.p, "{\"books\":{\"id\":\"7\"}}");
	b->conn_ended = true;
}

/* ---- host ---- */

static void *submit(void *ctx, const struct transport_request *request)
{
	struct bench *b = ctx;
	b->submits++;
	b->request = *request;
	return b;
}

static void cancel(void *ctx, void *exchange)
{
	struct bench *b = ctx;
	assert_ptr_equal(exchange, b);
	b->cancels++;
}

static int64_t now(void *ctx)
{
	return ((struct bench *)ctx)->now_ms;
}

static void checkpoint(void *ctx, struct attempt *a, struct str bytes)
{
	struct bench *b = ctx;
	b->checkpoints++;
	(void)snprintf(b->checkpoint, sizeof b->checkpoint, "%.*s", (int)bytes.len, bytes.p);
	b->at_journal = attempt_take_work(a);
}

static void ended(void *ctx, struct attempt *a, const struct outcome *outcome)
{
	struct bench *b = ctx;
	assert_ptr_equal(a->host->ctx, b);
	b->ended_calls++;
	b->gone = outcome == NULL;
	if (outcome == NULL)
		return;
	b->outcome = *outcome;
	(void)snprintf(b->detail, sizeof b->detail, "%s", outcome->detail != NULL ? outcome->detail : "");
	(void)snprintf(b->result, sizeof b->result, "%s",
				   outcome->result_json != NULL ? outcome->result_json : "");
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

static struct work *make_work(void)
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

static struct bench *bench_create(void)
{
	struct bench *b = mem_zalloc(sizeof *b);
	b->now_ms = 1000;
	b->host = (struct attempt_host){ b, { b, submit, cancel }, now, checkpoint, ended };
	b->port = (struct connector_port){ b, begin, next, end };
	return b;
}

static void start_with(struct bench *b, struct work *w, enum repeat repeat)
{
	struct attempt_settings settings = { .target = 3, .repeat = repeat, .limits = { .timeout_ms = 30000 } };
	b->a = attempt_create(&b->host, &b->port, &settings, w);
	attempt_begin(b->a);
}

static void start(struct bench *b)
{
	start_with(b, make_work(), REPEAT_KEYED);
}

static void bench_destroy(struct bench *b)
{
	attempt_destroy(b->a);
	work_destroy(b->at_journal);
	assert_int_equal(b->began, b->conn_ended);
	free(b);
}

static struct almoner_action *act(struct bench *b, uint32_t effect, const char *body)
{
	struct almoner_action *a = &b->actions[b->action_count++];
	*a = (struct almoner_action){ .size = sizeof *a, .kind = ALMONER_SEND_HTTP, .effect = effect };
	a->http.method = (struct almoner_text)TEXT("POST");
	a->http.url = (struct almoner_text)TEXT("http://crm/gifts");
	a->http.body = (struct almoner_text){ body, strlen(body) };
	return a;
}

static struct almoner_action *say(struct bench *b, uint32_t class)
{
	struct almoner_action *a = &b->actions[b->action_count++];
	*a = (struct almoner_action){ .size = sizeof *a, .kind = ALMONER_FINISH };
	a->done.result_class = class;
	return a;
}

static void set_checkpoint(struct almoner_action *a, const char *text)
{
	a->checkpoint = (struct almoner_text){ text, strlen(text) };
}

static void reply(struct bench *b, uint32_t status)
{
	struct transport_result r = { .verdict = TRANSPORT_REPLY };
	r.reply = (struct almoner_reply){ .size = sizeof r.reply, .status = status };
	b->request.done(b->request.ctx, &r);
}

static void lose(struct bench *b, enum transport_verdict verdict)
{
	struct transport_result r = { .verdict = verdict, .detail = "it broke" };
	b->request.done(b->request.ctx, &r);
}

/* ---- one exchange ---- */

static void test_the_happy_path(void **state)
{
	(void)state;
	struct bench *b = bench_create();
	act(b, ALMONER_EFFECTS, "gift");
	struct almoner_action *done = say(b, ALMONER_OK);
	done->done.result = (struct almoner_text)TEXT("{\"id\":\"9\"}");
	start(b);
	assert_int_equal(b->submits, 1);
	assert_int_equal(b->request.target, 3);
	assert_false(b->request.limits.fresh_connection);
	assert_int_equal(b->request.limits.timeout_ms, 30000);
	b->now_ms = 1250;
	reply(b, 201);
	assert_int_equal(b->ended_calls, 1);
	assert_int_equal(b->outcome.result, OUTCOME_OK);
	assert_int_equal(b->outcome.status, 201);
	assert_int_equal(b->outcome.duration_ms, 250);
	assert_true(b->outcome.effect_sent);
	assert_true(b->outcome.has_body);
	assert_string_equal(b->result, "{\"id\":\"9\"}");
	assert_int_equal(b->checkpoints, 0);
	bench_destroy(b);
}

static void test_what_the_connector_is_told(void **state)
{
	(void)state;
	struct bench *b = bench_create();
	say(b, ALMONER_OK);
	struct work *w = make_work();
	w->checkpoint = mem_strdup("at 2");
	w->checkpoint_len = 4;
	start_with(b, w, REPEAT_KEYED);
	assert_int_equal(b->step.purpose, ALMONER_DO);
	assert_int_equal(b->step.saga, 42);
	assert_int_equal(b->step.attempt, 2);
	assert_string_equal(b->step.name.p, "crm");
	assert_string_equal(b->step.event.p, "{\"id\":\"e1\"}");
	assert_int_equal(b->step.checkpoint.len, 4);
	assert_null(b->step.own_result.p);
	assert_int_equal(b->step.accepted_ms, 1000);
	char expected[KEY_TEXT_BYTES];
	key_derive("forms", "e1", "crm", DIRECTION_DO, 1, "", expected);
	assert_string_equal(b->key, expected);
	bench_destroy(b);
}

static void test_undo_and_look_up_and_their_keys(void **state)
{
	(void)state;
	char undo[KEY_TEXT_BYTES], make[KEY_TEXT_BYTES];
	key_derive("forms", "e1", "crm", DIRECTION_UNDO, 1, "", undo);
	key_derive("forms", "e1", "crm", DIRECTION_DO, 1, "", make);
	struct bench *b = bench_create();
	say(b, ALMONER_OK);
	struct work *w = make_work();
	w->ref.direction = DIRECTION_UNDO;
	start_with(b, w, REPEAT_KEYED);
	assert_int_equal(b->step.purpose, ALMONER_UNDO);
	assert_string_equal(b->key, undo);
	bench_destroy(b);
	b = bench_create();
	say(b, ALMONER_ABSENT);
	w = make_work();
	w->lookup = true;
	start_with(b, w, REPEAT_QUERYABLE);
	assert_int_equal(b->step.purpose, ALMONER_LOOKUP);
	assert_string_equal(b->key, make);
	assert_int_equal(b->outcome.result, OUTCOME_ABSENT);
	bench_destroy(b);
}

static void test_unsafe_effects_use_a_fresh_connection(void **state)
{
	(void)state;
	struct bench *b = bench_create();
	act(b, ALMONER_READS, "");
	act(b, ALMONER_EFFECTS, "gift");
	start_with(b, make_work(), REPEAT_UNSAFE);
	assert_false(b->request.limits.fresh_connection);
	reply(b, 200);
	assert_true(b->request.limits.fresh_connection);
	bench_destroy(b);
	assert_true(true);
}

/* ---- trouble on the wire ---- */

struct loss {
	uint32_t effect;
	enum transport_verdict verdict;
	enum outcome_class expected;
	bool effect_sent;
};

static void test_what_a_lost_exchange_means(void **state)
{
	(void)state;
	static const struct loss table[] = {
		{ ALMONER_EFFECTS, TRANSPORT_UNKNOWN, OUTCOME_UNKNOWN, true },
		{ ALMONER_EFFECTS, TRANSPORT_UNREACHABLE, OUTCOME_UNREACHABLE, false },
		{ ALMONER_EFFECTS, TRANSPORT_REFUSED, OUTCOME_REJECTED, false },
		{ ALMONER_READS, TRANSPORT_UNKNOWN, OUTCOME_UNREACHABLE, false },
		{ ALMONER_READS, TRANSPORT_UNREACHABLE, OUTCOME_UNREACHABLE, false },
		{ ALMONER_READS, TRANSPORT_REFUSED, OUTCOME_REJECTED, false },
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct bench *b = bench_create();
		act(b, table[i].effect, "gift");
		start(b);
		lose(b, table[i].verdict);
		assert_int_equal(b->outcome.result, table[i].expected);
		assert_int_equal(b->outcome.effect_sent, table[i].effect_sent);
		assert_string_equal(b->detail, "it broke");
		bench_destroy(b);
	}
}

/* An effect was answered, but nothing durable says so: what breaks afterwards leaves doubt. */
static void test_an_answered_effect_without_checkpoint_leaves_doubt(void **state)
{
	(void)state;
	static const enum transport_verdict verdicts[] = { TRANSPORT_UNREACHABLE, TRANSPORT_UNKNOWN };
	for (size_t i = 0; i < 2; i++) {
		struct bench *b = bench_create();
		act(b, ALMONER_EFFECTS, "gift");
		act(b, ALMONER_READS, "");
		start(b);
		reply(b, 200);
		lose(b, verdicts[i]);
		assert_int_equal(b->outcome.result, OUTCOME_UNKNOWN);
		assert_true(b->outcome.effect_sent);
		bench_destroy(b);
	}
	struct bench *b = bench_create();
	act(b, ALMONER_EFFECTS, "gift");
	act(b, ALMONER_READS, "");
	start(b);
	reply(b, 200);
	lose(b, TRANSPORT_REFUSED);
	assert_int_equal(b->outcome.result, OUTCOME_FAULT); /* a fault with an effect behind it is doubt */
	assert_true(b->outcome.effect_sent);
	bench_destroy(b);
}

/* ---- checkpoints ---- */

static struct bench *at_second_effect(const char *text)
{
	struct bench *b = bench_create();
	act(b, ALMONER_EFFECTS, "contact");
	set_checkpoint(act(b, ALMONER_EFFECTS, "gift"), text);
	say(b, ALMONER_OK);
	start(b);
	reply(b, 200);
	return b;
}

static void test_a_second_effect_waits_for_its_checkpoint(void **state)
{
	(void)state;
	struct bench *b = at_second_effect("contact 5");
	assert_int_equal(b->submits, 1);
	assert_int_equal(b->checkpoints, 1);
	assert_string_equal(b->checkpoint, "contact 5");
	struct work *w = b->at_journal;
	b->at_journal = NULL;
	attempt_answer(b->a, ATTEMPT_CHECKPOINTED, w);
	assert_int_equal(b->submits, 2);
	reply(b, 200);
	assert_int_equal(b->outcome.result, OUTCOME_OK);
	bench_destroy(b);
}

static void test_after_a_checkpoint_unreachable_is_unreachable(void **state)
{
	(void)state;
	struct bench *b = at_second_effect("contact 5");
	struct work *w = b->at_journal;
	b->at_journal = NULL;
	attempt_answer(b->a, ATTEMPT_CHECKPOINTED, w);
	lose(b, TRANSPORT_UNREACHABLE);
	assert_int_equal(b->outcome.result, OUTCOME_UNREACHABLE);
	assert_true(b->outcome.effect_sent);
	bench_destroy(b);
}

static void test_the_step_moved_on_while_checkpointing(void **state)
{
	(void)state;
	struct bench *b = at_second_effect("contact 5");
	struct work *w = b->at_journal;
	b->at_journal = NULL;
	attempt_answer(b->a, ATTEMPT_GONE, w);
	assert_int_equal(b->submits, 1);
	assert_int_equal(b->ended_calls, 1);
	assert_true(b->gone);
	bench_destroy(b);
}

static void test_the_daemon_dies_while_checkpointing(void **state)
{
	(void)state;
	struct bench *b = at_second_effect("contact 5");
	work_destroy(b->at_journal); /* the journal goes first; `end` still sees its texts */
	b->at_journal = NULL;
	bench_destroy(b);
}

static void test_a_checkpoint_that_is_durable_already_is_not_written_again(void **state)
{
	(void)state;
	struct bench *b = bench_create();
	act(b, ALMONER_EFFECTS, "one");
	set_checkpoint(act(b, ALMONER_EFFECTS, "two"), "same");
	struct work *w = make_work();
	w->checkpoint = mem_strdup("same");
	w->checkpoint_len = 4;
	start_with(b, w, REPEAT_KEYED);
	reply(b, 200);
	assert_int_equal(b->checkpoints, 0);
	assert_int_equal(b->submits, 2);
	bench_destroy(b);
}

static void test_reads_before_the_first_effect_need_no_checkpoint(void **state)
{
	(void)state;
	struct bench *b = bench_create();
	act(b, ALMONER_READS, "find");
	set_checkpoint(act(b, ALMONER_EFFECTS, "gift"), "found");
	start(b);
	reply(b, 200);
	assert_int_equal(b->checkpoints, 0);
	assert_int_equal(b->submits, 2);
	bench_destroy(b);
}

/* ---- time and the end of the daemon ---- */

static void test_an_attempt_that_takes_too_long(void **state)
{
	(void)state;
	struct bench *b = bench_create();
	act(b, ALMONER_EFFECTS, "gift");
	start(b);
	attempt_stop(b->a, ATTEMPT_EXPIRED);
	assert_int_equal(b->cancels, 1);
	assert_int_equal(b->outcome.result, OUTCOME_UNKNOWN);
	assert_true(b->outcome.effect_sent);
	attempt_stop(b->a, ATTEMPT_CUT); /* ended: nothing more */
	assert_int_equal(b->ended_calls, 1);
	bench_destroy(b);
}

static void test_cut_off_by_the_end_of_the_daemon(void **state)
{
	(void)state;
	struct bench *b = bench_create();
	act(b, ALMONER_READS, "find");
	start(b);
	attempt_stop(b->a, ATTEMPT_CUT);
	assert_int_equal(b->outcome.result, OUTCOME_BUSY); /* nothing happened, no attempt is spent */
	assert_false(b->outcome.effect_sent);
	bench_destroy(b);
	b = bench_create();
	act(b, ALMONER_EFFECTS, "gift");
	start(b);
	attempt_stop(b->a, ATTEMPT_CUT);
	assert_int_equal(b->outcome.result, OUTCOME_UNKNOWN);
	assert_true(b->outcome.effect_sent);
	bench_destroy(b);
}

static void test_stopped_while_checkpointing_ends_with_the_answer(void **state)
{
	(void)state;
	static const enum attempt_input why[] = { ATTEMPT_EXPIRED, ATTEMPT_CUT };
	static const enum outcome_class expected[] = { OUTCOME_UNREACHABLE, OUTCOME_BUSY };
	for (size_t i = 0; i < 2; i++) {
		struct bench *b = at_second_effect("contact 5");
		attempt_stop(b->a, why[i]);
		assert_int_equal(b->ended_calls, 0);
		struct work *w = b->at_journal;
		b->at_journal = NULL;
		attempt_answer(b->a, ATTEMPT_CHECKPOINTED, w);
		assert_int_equal(b->submits, 1);
		assert_int_equal(b->outcome.result, expected[i]);
		bench_destroy(b);
	}
}

/* ---- connectors that break the contract ---- */

static void expect_fault(struct bench *b, const char *text)
{
	start(b);
	assert_int_equal(b->outcome.result, OUTCOME_FAULT);
	assert_non_null(strstr(b->detail, text));
	assert_int_equal(b->submits, 0);
	bench_destroy(b);
}

static void test_faults_before_anything_is_sent(void **state)
{
	(void)state;
	struct bench *b = bench_create();
	b->refuse_begin = true;
	expect_fault(b, "no template");
	b = bench_create();
	expect_fault(b, "script is over");
	b = bench_create();
	act(b, ALMONER_EFFECTS, "x")->kind = 77;
	expect_fault(b, "does not know");
	b = bench_create();
	act(b, 0, "x");
	expect_fault(b, "reads or has effects");
	b = bench_create();
	act(b, ALMONER_EFFECTS, "x")->checkpoint = (struct almoner_text){ "long", 4097 };
	expect_fault(b, "4 KiB");
	b = bench_create();
	say(b, 99);
	expect_fault(b, "class");
	b = bench_create();
	say(b, 0);
	expect_fault(b, "class");
	b = bench_create();
	say(b, ALMONER_ABSENT);
	expect_fault(b, "ABSENT");
}

static void test_a_look_up_must_not_change_anything(void **state)
{
	(void)state;
	struct bench *b = bench_create();
	act(b, ALMONER_EFFECTS, "gift");
	struct work *w = make_work();
	w->lookup = true;
	start_with(b, w, REPEAT_QUERYABLE);
	assert_int_equal(b->outcome.result, OUTCOME_FAULT);
	assert_int_equal(b->submits, 0);
	bench_destroy(b);
}

static void test_results_are_checked(void **state)
{
	(void)state;
	static const char *const bad[] = { "[1]", "\"text\"", "{\"id\":", "" };
	for (size_t i = 0; i < 4; i++) {
		struct bench *b = bench_create();
		say(b, ALMONER_OK)->done.result = (struct almoner_text){ bad[i], strlen(bad[i]) };
		expect_fault(b, "JSON object");
	}
	char *big = mem_alloc(ATTEMPT_RESULT_BYTES + 2);
	memset(big, ' ', ATTEMPT_RESULT_BYTES + 1);
	memcpy(big, "{}", 2);
	struct bench *b = bench_create();
	say(b, ALMONER_OK)->done.result = (struct almoner_text){ big, ATTEMPT_RESULT_BYTES + 1 };
	expect_fault(b, "64 KiB");
	free(big);
}

static void test_too_many_exchanges(void **state)
{
	(void)state;
	struct bench *b = bench_create();
	for (int i = 0; i < 20; i++)
		act(b, ALMONER_READS, "page");
	b->action_count = 20;
	start(b);
	for (int i = 0; i < 40 && b->ended_calls == 0; i++)
		reply(b, 200);
	assert_int_equal(b->asked, ATTEMPT_EXCHANGES);
	assert_int_equal(b->outcome.result, OUTCOME_FAULT);
	bench_destroy(b);
}

static void test_details_are_one_short_line(void **state)
{
	(void)state;
	char longer[2 * ATTEMPT_DETAIL_BYTES];
	memset(longer, 'a', sizeof longer);
	memcpy(longer, "two\r\nlines\x1b", 11);
	memcpy(longer + ATTEMPT_DETAIL_BYTES - 1, "\xc3\xa9", 2); /* a character across the cut */
	struct bench *b = bench_create();
	say(b, ALMONER_REJECTED)->done.detail = (struct almoner_text){ longer, sizeof longer };
	start(b);
	assert_int_equal(strlen(b->detail), ATTEMPT_DETAIL_BYTES - 1);
	assert_memory_equal(b->detail, "two  lines ", 11);
	bench_destroy(b);
}

/* ---- patience and frozen bodies ---- */

static void test_retry_after(void **state)
{
	(void)state;
	struct bench *b = bench_create();
	act(b, ALMONER_EFFECTS, "gift");
	say(b, ALMONER_BUSY)->done.retry_after_ms = 500;
	start(b);
	struct transport_result r = { .verdict = TRANSPORT_REPLY };
	r.reply = (struct almoner_reply){ .size = sizeof r.reply, .status = 429, .retry_after_ms = 7000 };
	b->request.done(b->request.ctx, &r);
	assert_int_equal(b->outcome.result, OUTCOME_BUSY);
	assert_int_equal(b->outcome.status, 429);
	assert_int_equal(b->outcome.retry_after_ms, 7000);
	bench_destroy(b);
}

static void test_a_changed_body_is_not_sent(void **state)
{
	(void)state;
	struct bench *first = bench_create();
	act(first, ALMONER_EFFECTS, "gift");
	start(first);
	lose(first, TRANSPORT_UNKNOWN);
	static const char *const bodies[] = { "gift", "other" };
	for (size_t i = 0; i < 2; i++) {
		struct bench *b = bench_create();
		act(b, ALMONER_EFFECTS, bodies[i]);
		struct work *w = make_work();
		w->has_body = true;
		memcpy(w->body, first->outcome.body, sizeof w->body);
		start_with(b, w, REPEAT_KEYED);
		assert_int_equal(b->submits, i == 0);
		if (i == 1)
			assert_int_equal(b->outcome.result, OUTCOME_BODY_CHANGED);
		bench_destroy(b);
	}
	bench_destroy(first);
}

static void test_a_403_is_marked(void **state)
{
	(void)state;
	struct bench *b = bench_create();
	say(b, ALMONER_FORBIDDEN);
	start(b);
	assert_true(b->a->forbidden);
	assert_int_equal(b->outcome.result, OUTCOME_REJECTED);
	bench_destroy(b);
}

static void test_destroyed_in_mid_air(void **state)
{
	(void)state;
	struct bench *b = bench_create();
	act(b, ALMONER_EFFECTS, "gift");
	start(b);
	attempt_destroy(b->a);
	b->a = NULL;
	assert_int_equal(b->cancels, 1);
	assert_true(b->conn_ended);
	assert_int_equal(b->ended_calls, 0);
	bench_destroy(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_happy_path),
		cmocka_unit_test(test_what_the_connector_is_told),
		cmocka_unit_test(test_undo_and_look_up_and_their_keys),
		cmocka_unit_test(test_unsafe_effects_use_a_fresh_connection),
		cmocka_unit_test(test_what_a_lost_exchange_means),
		cmocka_unit_test(test_an_answered_effect_without_checkpoint_leaves_doubt),
		cmocka_unit_test(test_a_second_effect_waits_for_its_checkpoint),
		cmocka_unit_test(test_after_a_checkpoint_unreachable_is_unreachable),
		cmocka_unit_test(test_the_step_moved_on_while_checkpointing),
		cmocka_unit_test(test_the_daemon_dies_while_checkpointing),
		cmocka_unit_test(test_a_checkpoint_that_is_durable_already_is_not_written_again),
		cmocka_unit_test(test_reads_before_the_first_effect_need_no_checkpoint),
		cmocka_unit_test(test_an_attempt_that_takes_too_long),
		cmocka_unit_test(test_cut_off_by_the_end_of_the_daemon),
		cmocka_unit_test(test_stopped_while_checkpointing_ends_with_the_answer),
		cmocka_unit_test(test_faults_before_anything_is_sent),
		cmocka_unit_test(test_a_look_up_must_not_change_anything),
		cmocka_unit_test(test_results_are_checked),
		cmocka_unit_test(test_too_many_exchanges),
		cmocka_unit_test(test_details_are_one_short_line),
		cmocka_unit_test(test_retry_after),
		cmocka_unit_test(test_a_changed_body_is_not_sent),
		cmocka_unit_test(test_a_403_is_marked),
		cmocka_unit_test(test_destroyed_in_mid_air),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
