#include "gateway/engine/attempt.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/engine/attempt_result.h"
#include "saga/base/check.h"
#include "saga/base/mem.h"

/* ---- what the connector sees ---- */

static struct almoner_text text_of(const char *p)
{
	return (struct almoner_text){ p, p != NULL ? strlen(p) : 0 };
}

static struct almoner_text text_of_str(struct str s)
{
	return (struct almoner_text){ s.p, s.len };
}

static void derive_text(const struct attempt *a, enum direction direction, uint32_t generation,
						const char *label, char out[KEY_TEXT_BYTES])
{
	key_derive(a->event->f.source.p, a->event->f.event_id.p, a->plan->steps[a->ref.step].name, direction,
			   generation, label, out);
}

/* The idempotency key that the connector asks for by its label. A look-up asks whether the do took effect,
 * so it gets the keys of the do. */
static void derive_key(void *ctx, const char *label, char out[KEY_TEXT_BYTES])
{
	const struct attempt *a = ctx;
	enum direction direction = a->step.purpose == ALMONER_UNDO ? DIRECTION_UNDO : DIRECTION_DO;
	derive_text(a, direction, a->ref.generation, label, out);
}

/* For an undo: the key under which the do was sent, so that the connector can find what it has to reverse. */
static void derive_do_key(void *ctx, const char *label, char out[KEY_TEXT_BYTES])
{
	const struct attempt *a = ctx;
	uint32_t generation_of_do = a->do_generation != 0 ? a->do_generation : 1;
	derive_text(a, DIRECTION_DO, a->ref.direction == DIRECTION_UNDO ? generation_of_do : a->ref.generation,
				label, out);
}

static uint32_t purpose_of(const struct work *w)
{
	if (w->lookup)
		return ALMONER_LOOKUP;
	return w->ref.direction == DIRECTION_UNDO ? ALMONER_UNDO : ALMONER_DO;
}

/* Fills in what the connector sees of the step. All texts are borrowed from the work, the plan and the
 * event. */
static void describe_step(struct attempt *a)
{
	const struct work *w = a->work;
	a->step = (struct almoner_step){
		.size = sizeof a->step,
		.purpose = purpose_of(w),
		.saga = (uint64_t)w->saga,
		.generation = w->ref.generation,
		.attempt = w->ref.attempt,
		.now_ms = a->settings.wall_ms,
		.name = text_of(a->plan->steps[w->ref.step].name),
		.source = text_of_str(a->event->f.source),
		.event_id = text_of_str(a->event->f.event_id),
		.event = text_of_str(a->event->f.canonical),
		.steps = text_of(w->results),
		.own_result = text_of(w->own_result),
		.checkpoint = { w->checkpoint, w->checkpoint != NULL ? w->checkpoint_len : 0 },
		.key_ctx = a,
		.key = derive_key,
		.accepted_ms = a->event->received_ms,
		.do_key = derive_do_key,
		.event_version = a->event->version,
	};
}

struct attempt *attempt_create(const struct attempt_host *host, const struct connector_port *port,
							   const struct attempt_settings *settings, struct work *work)
{
	assert(work->ref.step < work->plan->step_count);
	struct attempt *a = mem_zalloc(sizeof *a);
	a->host = host;
	a->port = port;
	a->settings = *settings;
	a->state = ATTEMPT_IN_CONNECTOR;
	a->work = work;
	a->saga = work->saga;
	a->ref = work->ref;
	a->do_generation = work->do_generation;
	a->event = event_ref(work->event);
	a->plan = plan_ref(work->plan);
	a->started_ms = host->now_ms(host->ctx);
	describe_step(a);
	return a;
}

/* The connector may look at the work's texts until its `end`, but the journal, which gets the work, may
 * free them before. So the attempt keeps the texts and the work gets copies. */
struct work *attempt_take_work(struct attempt *a)
{
	struct work *w = a->work;
	assert(w != NULL);
	a->work = NULL;
	if (a->connector_state == NULL)
		return w;
	a->results = w->results;
	a->own_result = w->own_result;
	a->checkpoint = w->checkpoint;
	w->results = mem_strdup(a->results);
	w->own_result = a->own_result != NULL ? mem_strdup(a->own_result) : NULL;
	w->checkpoint = a->checkpoint != NULL ? mem_strndup(a->checkpoint, w->checkpoint_len) : NULL;
	return w;
}

static void end_connector(struct attempt *a)
{
	if (a->connector_state != NULL)
		a->port->end(a->port->ctx, a->connector_state);
	a->connector_state = NULL;
}

void attempt_destroy(struct attempt *a)
{
	if (a == NULL)
		return;
	if (a->exchange != NULL)
		a->host->transport.cancel(a->host->transport.ctx, a->exchange);
	end_connector(a);
	work_destroy(a->work);
	free(a->results);
	free(a->own_result);
	free(a->checkpoint);
	event_unref(a->event);
	plan_unref(a->plan);
	free(a->result);
	free(a);
}

/* ---- ending ---- */

static void finish(struct attempt *a)
{
	assert(a->state != ATTEMPT_ENDED);
	a->state = ATTEMPT_ENDED;
	a->outcome.effect_sent = a->effect_sent;
	a->outcome.duration_ms = a->host->now_ms(a->host->ctx) - a->started_ms;
	a->outcome.code = a->code[0] != '\0' ? a->code : NULL;
	a->outcome.detail = a->detail[0] != '\0' ? a->detail : NULL;
	a->outcome.result_json = a->result;
	end_connector(a);
	a->host->ended(a->host->ctx, a, &a->outcome);
}

static void finish_with(struct attempt *a, enum outcome_class result, const char *detail)
{
	a->outcome.result = result;
	attempt_result_set_detail(a, str_of(detail));
	finish(a);
}

/* The attempt ends before its connector finished it. Stopping the gateway is no failure of the target: an
 * attempt that changed nothing is retried without being counted (OUTCOME_BUSY). */
static void stop_now(struct attempt *a, bool aborted, bool sent_effects)
{
	enum outcome_class failure_class = attempt_result_lost_class(a, sent_effects);
	if (aborted && failure_class == OUTCOME_UNREACHABLE)
		finish_with(a, OUTCOME_BUSY, "the gateway stopped before the attempt finished; nothing was changed");
	else if (aborted)
		finish_with(a, failure_class, "the gateway stopped before the attempt finished");
	else
		finish_with(a, failure_class, "the attempt took longer than four exchange time-outs");
}

/* ---- sending ---- */

static void handle_input(struct attempt *a, enum attempt_input input, const struct transport_result *result);

static void transport_done(void *ctx, const struct transport_result *result)
{
	struct attempt *a = ctx;
	a->exchange = NULL;
	handle_input(a, result->verdict == TRANSPORT_REPLY ? ATTEMPT_REPLY : ATTEMPT_EXCHANGE_FAILED, result);
}

static void fail_inflight_full(struct attempt *a)
{
	enum outcome_class failure_class = attempt_result_lost_class(a, false);
	finish_with(a, failure_class == OUTCOME_UNREACHABLE ? OUTCOME_BUSY : failure_class,
				"the request was not sent: too many requests are in flight");
}

/* Hands the connector's action to the transport. A request with effects is recorded first, so that a crash
 * leaves a trace of what may have been sent. */
static void submit(struct attempt *a)
{
	bool effects = a->action.effect == ALMONER_EFFECTS;
	if (effects && !a->host->record_inflight(a->host->ctx, a)) {
		fail_inflight_full(a);
		return;
	}
	struct transport_request request = {
		.target = a->settings.target,
		.kind = (enum almoner_action_kind)a->action.kind,
		.http = &a->action.http,
		.mail = &a->action.mail,
		.limits = a->settings.limits,
		.ctx = a,
		.done = transport_done,
	};
	request.limits.fresh_connection = effects && a->settings.repeat == REPEAT_UNSAFE;
	a->state = ATTEMPT_SENDING;
	a->effects_submitted |= effects;
	a->exchanges++;
	a->exchange = a->host->transport.submit(a->host->transport.ctx, &request);
	assert(a->exchange != NULL);
}

/* The intent in the log covers the first effect. Before a later one the checkpoint must be durable, so
 * that after a crash the connector can continue from it. An unchanged checkpoint is durable already. */
static bool needs_checkpoint(const struct attempt *a)
{
	struct almoner_text c = a->action.checkpoint;
	if (!a->effects_submitted || c.p == NULL)
		return false;
	const struct work *w = a->work;
	return w->checkpoint == NULL || w->checkpoint_len != c.len || memcmp(w->checkpoint, c.p, c.len) != 0;
}

/* Compares the request with the one that an earlier attempt sent under the same key: other bytes must not
 * follow. */
static void send_effects(struct attempt *a)
{
	request_digest(&a->action, a->outcome.body);
	a->outcome.has_body = true;
	if (a->work->has_body && request_changed(a->work->body, a->outcome.body)) {
		finish_with(a, OUTCOME_BODY_CHANGED,
					"the request was not sent: it differs from the request of an earlier attempt");
		return;
	}
	if (!needs_checkpoint(a)) {
		submit(a);
		return;
	}
	a->state = ATTEMPT_CHECKPOINTING;
	a->host->checkpoint(a->host->ctx, a, (struct str){ a->action.checkpoint.p, a->action.checkpoint.len });
}

static void send_action(struct attempt *a)
{
	const char *fault = attempt_result_check_action(a);
	if (fault != NULL)
		finish_with(a, OUTCOME_FAULT, fault);
	else if (a->action.effect == ALMONER_EFFECTS)
		send_effects(a);
	else
		submit(a);
}

/* ---- calling the connector ---- */

static void finish_fault(struct attempt *a, struct almoner_error *error, const char *fallback)
{
	error->text[sizeof error->text - 1] = '\0';
	finish_with(a, OUTCOME_FAULT, error->text[0] != '\0' ? error->text : fallback);
}

/* One turn of the connector: it either finishes or names the next exchange. `reply` is NULL the first
 * time. */
static void next_action(struct attempt *a, const struct almoner_reply *reply)
{
	struct almoner_error error = { .size = sizeof error };
	a->state = ATTEMPT_IN_CONNECTOR;
	if (a->calls++ >= ATTEMPT_EXCHANGES) {
		finish_with(a, OUTCOME_FAULT,
					"the connector wanted to send more than 16 requests or mails in one attempt");
		return;
	}
	a->action = (struct almoner_action){ .size = sizeof a->action };
	if (a->port->next(a->port->ctx, a->connector_state, reply, &a->action, &error) != 0) {
		finish_fault(a, &error, "the connector failed and gave no reason");
		return;
	}
	if (a->action.kind == ALMONER_FINISH) {
		attempt_result_read(a);
		finish(a);
		return;
	}
	send_action(a);
}

void attempt_begin(struct attempt *a)
{
	struct almoner_error error = { .size = sizeof error };
	if (a->port->begin(a->port->ctx, &a->step, &a->connector_state, &error) != 0) {
		a->connector_state = NULL;
		finish_fault(a, &error, "the connector refused the step and gave no reason");
		return;
	}
	next_action(a, NULL);
}

/* ---- the table of states and inputs ---- */

typedef void handler(struct attempt *a, const struct transport_result *result);

static void ignore(struct attempt *a, const struct transport_result *result)
{
	(void)a;
	(void)result;
}

static void unexpected(struct attempt *a, const struct transport_result *result)
{
	(void)a;
	(void)result;
	assert(!"an attempt got an input that cannot occur in its state");
}

static void mark_effect_sent(struct attempt *a)
{
	if (a->action.effect == ALMONER_EFFECTS)
		a->effect_sent = a->effect_uncheckpointed = true;
}

static void on_reply(struct attempt *a, const struct transport_result *result)
{
	mark_effect_sent(a);
	a->reply_status = result->reply.status;
	a->reply_retry_ms = result->reply.retry_after_ms;
	next_action(a, &result->reply);
}

/* NOT_SENDABLE rejects the step, because the same request would be invalid again. After an effect that no
 * checkpoint records it is a fault instead, which leaves the step in doubt. */
static void on_exchange_failed(struct attempt *a, const struct transport_result *result)
{
	bool unknown = result->verdict == TRANSPORT_UNKNOWN;
	a->not_sendable = result->verdict == TRANSPORT_NOT_SENDABLE;
	if (unknown)
		mark_effect_sent(a);
	if (result->verdict == TRANSPORT_NOT_SENDABLE && !a->effect_uncheckpointed)
		finish_with(a, OUTCOME_REJECTED, result->detail);
	else if (result->verdict == TRANSPORT_NOT_SENDABLE)
		finish_with(a, OUTCOME_FAULT, result->detail);
	else
		finish_with(a, attempt_result_lost_class(a, unknown), result->detail);
}

static void stop_sending(struct attempt *a, bool aborted)
{
	a->host->transport.cancel(a->host->transport.ctx, a->exchange);
	a->exchange = NULL;
	mark_effect_sent(a); /* some bytes of the request may have been sent */
	stop_now(a, aborted, a->action.effect == ALMONER_EFFECTS);
}

static void sending_expired(struct attempt *a, const struct transport_result *result)
{
	(void)result;
	stop_sending(a, false);
}

static void sending_aborted(struct attempt *a, const struct transport_result *result)
{
	(void)result;
	stop_sending(a, true);
}

static void on_checkpointed(struct attempt *a, const struct transport_result *result)
{
	(void)result;
	a->effect_uncheckpointed = false;
	if (a->stop_aborted || a->stop_expired)
		stop_now(a, a->stop_aborted, false);
	else
		submit(a);
}

/* The step must not run any more, so there is no outcome to report. */
static void on_gone(struct attempt *a, const struct transport_result *result)
{
	(void)result;
	a->state = ATTEMPT_ENDED;
	end_connector(a);
	a->host->ended(a->host->ctx, a, NULL);
}

static void checkpointing_expired(struct attempt *a, const struct transport_result *result)
{
	(void)result;
	a->stop_expired = true;
}

static void checkpointing_aborted(struct attempt *a, const struct transport_result *result)
{
	(void)result;
	a->stop_aborted = true;
}

static handler *const handlers[ATTEMPT_STATES][ATTEMPT_INPUTS] = {
	[ATTEMPT_IN_CONNECTOR] = {
		unexpected, unexpected, unexpected, unexpected, unexpected, unexpected,
	},
	[ATTEMPT_SENDING] = {
		[ATTEMPT_REPLY] = on_reply,
		[ATTEMPT_EXCHANGE_FAILED] = on_exchange_failed,
		[ATTEMPT_CHECKPOINTED] = unexpected,
		[ATTEMPT_GONE] = unexpected,
		[ATTEMPT_EXPIRED] = sending_expired,
		[ATTEMPT_ABORTED] = sending_aborted,
	},
	[ATTEMPT_CHECKPOINTING] = {
		[ATTEMPT_REPLY] = unexpected,
		[ATTEMPT_EXCHANGE_FAILED] = unexpected,
		[ATTEMPT_CHECKPOINTED] = on_checkpointed,
		[ATTEMPT_GONE] = on_gone,
		[ATTEMPT_EXPIRED] = checkpointing_expired,
		[ATTEMPT_ABORTED] = checkpointing_aborted,
	},
	[ATTEMPT_ENDED] = {
		[ATTEMPT_REPLY] = unexpected,
		[ATTEMPT_EXCHANGE_FAILED] = unexpected,
		[ATTEMPT_CHECKPOINTED] = unexpected,
		[ATTEMPT_GONE] = unexpected,
		[ATTEMPT_EXPIRED] = ignore,
		[ATTEMPT_ABORTED] = ignore,
	},
};

static void handle_input(struct attempt *a, enum attempt_input input, const struct transport_result *result)
{
	assert(a->state < ATTEMPT_STATES && input < ATTEMPT_INPUTS);
	handlers[a->state][input](a, result);
}

void attempt_answer(struct attempt *a, enum attempt_input answer, struct work *work)
{
	assert(a->work == NULL && work != NULL);
	assert(answer == ATTEMPT_CHECKPOINTED || answer == ATTEMPT_GONE);
	a->work = work;
	handle_input(a, answer, NULL);
}

void attempt_stop(struct attempt *a, enum attempt_input why)
{
	assert(why == ATTEMPT_EXPIRED || why == ATTEMPT_ABORTED);
	handle_input(a, why, NULL);
}
