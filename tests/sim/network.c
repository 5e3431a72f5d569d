/* The transport and the sinks behind it. When a request is submitted, its whole course is drawn: whether it arrives,
 * when, what the sink answers, and what the sender learns. A request that arrives takes effect even if its sender
 * has died. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/engine/request.h"
#include "saga/base/mem.h"
#include "tests/sim/sim.h"

struct request_plan {
	bool arrives;
	bool hangs; /* the transport itself hangs: only the attempt's own deadline helps */
	enum transport_verdict verdict;
	uint32_t status; /* the sink answers this without handling the request; 0: it handles the request */
	int64_t retry_after_ms;
	int64_t arrive_ms, done_ms;
};

struct sim_request {
	TAILQ_ENTRY(sim_request) link;
	uint64_t number;
	struct transport_request request;
	struct request_tag tag;
	struct request_plan plan;
	size_t sink_request;
	bool abandoned; /* the sender has died or given up */
	char key[33];
};

/* ---- what happens to a request ---- */

static struct request_plan plan_reply(struct rng *r, uint32_t status)
{
	int64_t there = 1 + (int64_t)rng_below(r, 20);
	return (struct request_plan){ .arrives = true,
								  .verdict = TRANSPORT_REPLY,
								  .status = status,
								  .arrive_ms = there,
								  .done_ms = there + 1 + (int64_t)rng_below(r, 30) };
}

static struct request_plan plan_lost(struct rng *r, int64_t timeout_ms)
{
	struct request_plan f = plan_reply(r, 0);
	f.verdict = TRANSPORT_UNKNOWN;
	f.arrives = rng_chance(r, 60);
	if (rng_chance(r, 30))
		f.done_ms = timeout_ms;
	return f;
}

static struct request_plan plan_unreachable(struct rng *r)
{
	return (struct request_plan){ .verdict = TRANSPORT_UNREACHABLE,
								  .done_ms = 1 + (int64_t)rng_below(r, 50) };
}

static struct request_plan plan_busy(struct rng *r)
{
	struct request_plan f = plan_reply(r, rng_chance(r, 70) ? 429 : 503);
	f.retry_after_ms = f.status == 503 || rng_chance(r, 50) ? 50 + (int64_t)rng_below(r, 2000) : 0;
	return f;
}

static struct request_plan plan_broken(struct rng *r)
{
	static const uint32_t codes[] = { 500, 502, 503, 504 };
	struct request_plan f = plan_reply(r, codes[rng_below(r, 4)]);
	f.arrives = rng_chance(r, 50); /* the error may come after the effect */
	return f;
}

static struct request_plan plan_hanging(struct rng *r, int64_t timeout_ms)
{
	struct request_plan f = plan_lost(r, timeout_ms);
	f.done_ms = timeout_ms;
	f.hangs = rng_chance(r, 20);
	return f;
}

static struct request_plan plan_flaky(struct rng *r, int64_t timeout_ms)
{
	static const uint32_t odd[] = { 400, 409, 422, 403 };
	switch (rng_below(r, 8)) {
	case 0:
		return plan_lost(r, timeout_ms);
	case 1:
		return plan_unreachable(r);
	case 2:
		return plan_busy(r);
	case 3:
		return plan_broken(r);
	case 4:
		return plan_reply(r, odd[rng_below(r, 4)]);
	default:
		return plan_reply(r, 0);
	}
}

static struct request_plan draw_plan(struct simulation *w, const struct sim_target *t, int64_t timeout_ms)
{
	struct rng *r = &w->rng;
	switch (t->behaviour) {
	case BEHAVIOUR_FLAKY:
		return plan_flaky(r, timeout_ms);
	case BEHAVIOUR_DOWN:
		return plan_unreachable(r);
	case BEHAVIOUR_BUSY:
		return plan_busy(r);
	case BEHAVIOUR_BROKEN:
		return rng_chance(r, 50) ? plan_broken(r) : plan_lost(r, timeout_ms);
	case BEHAVIOUR_HANGING:
		return plan_hanging(r, timeout_ms);
	case BEHAVIOUR_DENYING:
		return plan_reply(r, 401);
	case BEHAVIOUR_FORBIDDING:
		return plan_reply(r, rng_chance(r, 70) ? 403 : 0);
	case BEHAVIOUR_REJECTING:
		return plan_reply(r, 422);
	case BEHAVIOUR_FINE:
	case BEHAVIOUR_COUNT:
		break;
	}
	if (w->sprint)
		return (
			struct request_plan){ .arrives = true, .verdict = TRANSPORT_REPLY, .arrive_ms = 1, .done_ms = 2 };
	return rng_chance(r, 97) || w->recovering ? plan_reply(r, 0) : plan_flaky(r, timeout_ms);
}

/* ---- sinks ---- */

static struct sink_effect *find_effect(struct simulation *w, const char *key)
{
	for (size_t i = 0; i < w->effect_count; i++) {
		if (strcmp(w->effects[i].key, key) == 0)
			return &w->effects[i];
	}
	return NULL;
}

const struct sink_effect *network_effect(const struct simulation *w, const char *key)
{
	for (size_t i = 0; i < w->effect_count; i++) {
		if (strcmp(w->effects[i].key, key) == 0)
			return &w->effects[i];
	}
	return NULL;
}

static struct sink_effect *new_effect(struct simulation *w, const struct sim_request *c)
{
	if (w->effect_count == w->effect_capacity) {
		w->effect_capacity = w->effect_capacity * 2 + 64;
		w->effects = mem_grow(w->effects, w->effect_capacity * sizeof *w->effects);
	}
	struct sink_effect *e = &w->effects[w->effect_count++];
	*e = (struct sink_effect){ .target = c->tag.target,
							   .saga = c->tag.saga,
							   .step = c->tag.step,
							   .direction = c->tag.direction,
							   .generation = c->tag.generation,
							   .label = c->tag.label };
	memcpy(e->key, c->key, sizeof e->key);
	return e;
}

/* Undoes all effects of the step. A do that arrives later is refused, see blocked_by_undo. */
static uint32_t sink_undo(struct simulation *w, const struct sim_request *c)
{
	bool any = false;
	for (size_t i = 0; i < w->effect_count; i++) {
		struct sink_effect *e = &w->effects[i];
		if (e->saga != c->tag.saga || e->step != c->tag.step || e->direction != DIRECTION_DO)
			continue;
		e->undone = true;
		any = true;
	}
	if (!any)
		coverage_point_hit(w->coverage, COVER_UNDO_NOTHING);
	struct sink_effect *self = find_effect(w, c->key);
	if (self == NULL)
		self = new_effect(w, c);
	self->applied++;
	return 200;
}

static bool blocked_by_undo(const struct simulation *w, const struct sim_request *c)
{
	for (size_t i = 0; i < w->effect_count; i++) {
		const struct sink_effect *e = &w->effects[i];
		if (e->saga == c->tag.saga && e->step == c->tag.step && e->direction == DIRECTION_UNDO)
			return true;
	}
	return false;
}

/* True if the step has made its contact. Together with a missing main effect that is a part of the do. */
static bool has_contact(const struct simulation *w, const struct sim_request *c)
{
	for (size_t i = 0; i < w->effect_count; i++) {
		const struct sink_effect *e = &w->effects[i];
		if (e->saga == c->tag.saga && e->step == c->tag.step && e->generation == c->tag.generation &&
			e->label == LABEL_CONTACT && e->applied > 0 && !e->undone)
			return true;
	}
	return false;
}

static uint32_t sink_answer(struct simulation *w, const struct sim_request *c)
{
	const struct sim_target *t = &w->targets[c->tag.target];
	if (c->tag.purpose == ALMONER_LOOKUP) {
		const struct sink_effect *e = find_effect(w, c->key);
		return e != NULL && e->applied > 0 && !e->undone ? 200 : has_contact(w, c) ? 206 : 404;
	}
	if (c->tag.purpose == ALMONER_UNDO)
		return sink_undo(w, c);
	if (blocked_by_undo(w, c))
		return 410;
	struct sink_effect *e = find_effect(w, c->key);
	if (e == NULL)
		e = new_effect(w, c);
	bool recognises_repeats = t->repeat == REPEAT_IDEMPOTENT || t->repeat == REPEAT_KEYED;
	if (e->applied == 0 || !recognises_repeats)
		e->applied++;
	if (e->applied > 1 && t->repeat == REPEAT_QUERYABLE)
		sim_fail(w, "saga %lld step %u: a queryable step took effect %u times", (long long)e->saga, e->step,
				 e->applied);
	return 200;
}

/* ---- the port ---- */

static size_t record_request(struct simulation *w, const struct sim_request *c)
{
	if (w->sink_request_count == w->sink_request_capacity) {
		w->sink_request_capacity = w->sink_request_capacity * 2 + 256;
		w->sink_requests = mem_grow(w->sink_requests, w->sink_request_capacity * sizeof *w->sink_requests);
	}
	struct sink_request *h = &w->sink_requests[w->sink_request_count];
	*h = (struct sink_request){ .at_ms = w->now_ms,
								.target = c->tag.target,
								.saga = c->tag.saga,
								.step = c->tag.step,
								.direction = c->tag.direction,
								.generation = c->tag.generation,
								.attempt = c->tag.attempt,
								.process = w->process,
								.purpose = c->tag.purpose,
								.label = c->tag.label,
								.effects = c->tag.label != LABEL_READ,
								.possible_effect = c->tag.label != LABEL_READ,
								.body = c->tag.body,
								.fresh = c->request.limits.fresh_connection };
	memcpy(h->key, c->key, sizeof h->key);
	struct almoner_action action = { .kind = ALMONER_SEND_HTTP, .http = *c->request.http };
	request_digest(&action, h->digest);
	return w->sink_request_count++;
}

static void *submit(void *ctx, const struct transport_request *request)
{
	struct simulation *w = ctx;
	struct sim_request *c = mem_zalloc(sizeof *c);
	c->number = ++w->request_number;
	c->request = *request;
	c->tag = sim_connector_tag(request->http);
	memcpy(c->key, c->tag.key, sizeof c->key);
	struct sim_target *t = &w->targets[c->tag.target];
	if (request->target != t->id)
		sim_fail(w, "a request for target %u was submitted for target %u", t->id, request->target);
	c->plan = draw_plan(w, t, request->limits.timeout_ms);
	if (t->repeat == REPEAT_QUERYABLE)
		c->plan.arrive_ms = 0; /* a look-up must not overtake the request that it asks about */
	c->sink_request = record_request(w, c);
	TAILQ_INSERT_TAIL(&w->requests, c, link);
	if (c->plan.arrives && c->plan.arrive_ms == 0)
		network_arrive(w, c->number);
	else if (c->plan.arrives)
		heap_push(&w->heap, w->now_ms + c->plan.arrive_ms, SIM_EVENT_ARRIVE, c->number);
	if (!c->plan.hangs)
		heap_push(&w->heap, w->now_ms + c->plan.done_ms, SIM_EVENT_DONE, c->number);
	sim_trace(w, "  submit #%llu %s saga %lld step %u %s gen %u attempt %u label %u%s",
			  (unsigned long long)c->number, t->name, (long long)c->tag.saga, c->tag.step,
			  c->tag.purpose == ALMONER_LOOKUP ? "lookup" : name_of_direction(c->tag.direction),
			  c->tag.generation, c->tag.attempt, (unsigned)c->tag.label, c->plan.hangs ? " (hangs)" : "");
	return c;
}

static void drop(struct simulation *w, struct sim_request *c)
{
	TAILQ_REMOVE(&w->requests, c, link);
	free(c);
}

static bool still_in_transit(const struct simulation *w, const struct sim_request *c)
{
	return c->plan.arrives && !w->sink_requests[c->sink_request].arrived;
}

static void cancel(void *ctx, void *exchange)
{
	struct simulation *w = ctx;
	struct sim_request *c = exchange;
	if (c->plan.hangs && w->cell != NULL && !w->failed)
		coverage_point_hit(w->coverage, COVER_DEADLINE);
	c->abandoned = true;
	if (!still_in_transit(w, c))
		drop(w, c);
}

struct transport network_transport(struct simulation *w)
{
	return (struct transport){ w, submit, cancel };
}

static struct sim_request *find_call(struct simulation *w, uint64_t number)
{
	struct sim_request *c;
	TAILQ_FOREACH(c, &w->requests, link)
	{
		if (c->number == number)
			return c;
	}
	return NULL;
}

void network_arrive(struct simulation *w, uint64_t number)
{
	struct sim_request *c = find_call(w, number);
	if (c == NULL)
		return;
	w->sink_requests[c->sink_request].arrived = true;
	/* an error before the request was handled has no effect; a 5xx without Retry-After may come after the
	 * effect */
	if (c->plan.status == 0 || (c->plan.status >= 500 && c->plan.retry_after_ms == 0)) {
		uint32_t status = sink_answer(w, c);
		if (c->plan.status == 0)
			c->plan.status = status;
		if (c->abandoned && c->tag.label != LABEL_READ)
			coverage_point_hit(w->coverage, COVER_LATE_EFFECT);
	}
	sim_trace(w, "  #%llu arrived%s", (unsigned long long)number,
			  c->abandoned ? " (its sender is gone)" : "");
	if (c->abandoned)
		drop(w, c);
}

static bool definitely_nothing(const struct request_plan *f)
{
	if (f->verdict == TRANSPORT_UNREACHABLE || f->verdict == TRANSPORT_NOT_SENDABLE)
		return true;
	if (f->verdict != TRANSPORT_REPLY)
		return false;
	return (f->status >= 400 && f->status < 500 && f->status != 409) ||
		   (f->status == 503 && f->retry_after_ms > 0);
}

void network_done(struct simulation *w, uint64_t number)
{
	struct sim_request *c = find_call(w, number);
	if (c == NULL || c->abandoned)
		return;
	const struct request_plan *f = &c->plan;
	struct transport_result result = { .verdict = f->verdict, .duration_ms = f->done_ms };
	snprintf(result.detail, sizeof result.detail, "the connection broke");
	result.reply = (struct almoner_reply){ .size = sizeof result.reply,
										   .status = f->status,
										   .retry_after_ms = f->retry_after_ms };
	if (definitely_nothing(f))
		w->sink_requests[c->sink_request].possible_effect = false;
	sim_trace(w, "  #%llu done: verdict %d status %u", (unsigned long long)number, (int)f->verdict,
			  f->status);
	sim_mix(w, number ^ ((uint64_t)f->status << 32));
	struct transport_request request = c->request;
	c->abandoned = true;
	if (!still_in_transit(w, c))
		drop(w, c);
	request.done(request.ctx, &result);
}

void network_power_off(struct simulation *w)
{
	struct sim_request *next = TAILQ_FIRST(&w->requests);
	while (next != NULL) {
		struct sim_request *c = next;
		next = TAILQ_NEXT(c, link);
		if (rng_chance(&w->rng, 50))
			drop(w, c); /* lost together with the process */
	}
}

void network_free(struct simulation *w)
{
	while (!TAILQ_EMPTY(&w->requests))
		drop(w, TAILQ_FIRST(&w->requests));
}

unsigned network_calls_of(const struct simulation *w, int64_t saga, unsigned step)
{
	unsigned count = 0;
	const struct sim_request *c;
	TAILQ_FOREACH(c, &w->requests, link)
	count += !c->abandoned && c->tag.saga == saga && c->tag.step == step;
	return count;
}
