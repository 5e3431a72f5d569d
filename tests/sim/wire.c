/* Transport and sinks. A request is given its fate when it is submitted: whether it arrives, when, what is
 * answered, and what the sender learns. What has arrived takes effect even if the sender is gone. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "saga/base/mem.h"
#include "tests/sim/sim.h"

struct fate {
	bool arrives;
	bool never; /* the transport itself hangs: only the attempt's own deadline helps */
	enum transport_verdict verdict;
	uint32_t status; /* what the sink answers before looking: 0: it looks */
	int64_t retry_after_ms;
	int64_t arrive_ms, done_ms;
};

struct call {
	TAILQ_ENTRY(call) link;
	uint64_t number;
	struct transport_request request;
	struct call_tag tag;
	struct fate fate;
	size_t hit;
	bool orphan; /* nobody waits for the verdict any more */
	char key[33];
};

/* ---- fates ---- */

static struct fate reply_fate(struct rng *r, uint32_t status)
{
	int64_t there = 1 + (int64_t)rng_below(r, 20);
	return (struct fate){ .arrives = true,
						  .verdict = TRANSPORT_REPLY,
						  .status = status,
						  .arrive_ms = there,
						  .done_ms = there + 1 + (int64_t)rng_below(r, 30) };
}

static struct fate lost_fate(struct rng *r, int64_t timeout_ms)
{
	struct fate f = reply_fate(r, 0);
	f.verdict = TRANSPORT_UNKNOWN;
	f.arrives = rng_chance(r, 60);
	if (rng_chance(r, 30))
		f.done_ms = timeout_ms;
	return f;
}

static struct fate unreachable_fate(struct rng *r)
{
	return (struct fate){ .verdict = TRANSPORT_UNREACHABLE, .done_ms = 1 + (int64_t)rng_below(r, 50) };
}

static struct fate busy_fate(struct rng *r)
{
	struct fate f = reply_fate(r, rng_chance(r, 70) ? 429 : 503);
	f.retry_after_ms = f.status == 503 || rng_chance(r, 50) ? 50 + (int64_t)rng_below(r, 2000) : 0;
	return f;
}

static struct fate broken_fate(struct rng *r)
{
	static const uint32_t codes[] = { 500, 502, 503, 504 };
	struct fate f = reply_fate(r, codes[rng_below(r, 4)]);
	f.arrives = rng_chance(r, 50); /* an error page may hide an effect */
	return f;
}

static struct fate hanging_fate(struct rng *r, int64_t timeout_ms)
{
	struct fate f = lost_fate(r, timeout_ms);
	f.done_ms = timeout_ms;
	f.never = rng_chance(r, 20);
	return f;
}

static struct fate flaky_fate(struct rng *r, int64_t timeout_ms)
{
	static const uint32_t odd[] = { 400, 409, 422, 403 };
	switch (rng_below(r, 8)) {
	case 0:
		return lost_fate(r, timeout_ms);
	case 1:
		return unreachable_fate(r);
	case 2:
		return busy_fate(r);
	case 3:
		return broken_fate(r);
	case 4:
		return reply_fate(r, odd[rng_below(r, 4)]);
	default:
		return reply_fate(r, 0);
	}
}

static struct fate draw_fate(struct world *w, const struct sim_target *t, int64_t timeout_ms)
{
	struct rng *r = &w->rng;
	switch (t->mood) {
	case MOOD_FLAKY:
		return flaky_fate(r, timeout_ms);
	case MOOD_DOWN:
		return unreachable_fate(r);
	case MOOD_BUSY:
		return busy_fate(r);
	case MOOD_BROKEN:
		return rng_chance(r, 50) ? broken_fate(r) : lost_fate(r, timeout_ms);
	case MOOD_HANGING:
		return hanging_fate(r, timeout_ms);
	case MOOD_DENYING:
		return reply_fate(r, 401);
	case MOOD_FORBIDDING:
		return reply_fate(r, rng_chance(r, 70) ? 403 : 0);
	case MOOD_REJECTING:
		return reply_fate(r, 422);
	case MOOD_FINE:
	case MOOD_COUNT:
		break;
	}
	return rng_chance(r, 97) || w->healing ? reply_fate(r, 0) : flaky_fate(r, timeout_ms);
}

/* ---- sinks ---- */

static struct effect *find_effect(struct world *w, const char *key)
{
	for (size_t i = 0; i < w->effect_count; i++) {
		if (strcmp(w->effects[i].key, key) == 0)
			return &w->effects[i];
	}
	return NULL;
}

const struct effect *wire_effect(const struct world *w, const char *key)
{
	for (size_t i = 0; i < w->effect_count; i++) {
		if (strcmp(w->effects[i].key, key) == 0)
			return &w->effects[i];
	}
	return NULL;
}

static struct effect *new_effect(struct world *w, const struct call *c)
{
	if (w->effect_count == w->effect_room) {
		w->effect_room = w->effect_room * 2 + 64;
		w->effects = mem_grow(w->effects, w->effect_room * sizeof *w->effects);
	}
	struct effect *e = &w->effects[w->effect_count++];
	*e = (struct effect){ .target = c->tag.target,
						  .saga = c->tag.saga,
						  .step = c->tag.step,
						  .direction = c->tag.direction,
						  .generation = c->tag.generation,
						  .label = c->tag.label };
	memcpy(e->key, c->key, sizeof e->key);
	return e;
}

/* Whatever the step had done is undone, and what comes late is refused. */
static uint32_t undo(struct world *w, const struct call *c)
{
	bool any = false;
	for (size_t i = 0; i < w->effect_count; i++) {
		struct effect *e = &w->effects[i];
		if (e->saga != c->tag.saga || e->step != c->tag.step || e->direction != DIRECTION_DO)
			continue;
		e->undone = true;
		any = true;
	}
	if (!any)
		mark(w->marks, MARK_UNDO_NOTHING);
	struct effect *self = find_effect(w, c->key);
	if (self == NULL)
		self = new_effect(w, c);
	self->applied++;
	return 200;
}

static bool barred_by_undo(const struct world *w, const struct call *c)
{
	for (size_t i = 0; i < w->effect_count; i++) {
		const struct effect *e = &w->effects[i];
		if (e->saga == c->tag.saga && e->step == c->tag.step && e->direction == DIRECTION_UNDO)
			return true;
	}
	return false;
}

static uint32_t take(struct world *w, const struct call *c)
{
	const struct sim_target *t = &w->targets[c->tag.target];
	if (c->tag.purpose == ALMONER_LOOKUP) {
		const struct effect *e = find_effect(w, c->key);
		return e != NULL && e->applied > 0 && !e->undone ? 200 : 404;
	}
	if (c->tag.purpose == ALMONER_UNDO)
		return undo(w, c);
	if (barred_by_undo(w, c))
		return 410;
	struct effect *e = find_effect(w, c->key);
	if (e == NULL)
		e = new_effect(w, c);
	bool tells_repeats = t->repeat == REPEAT_IDEMPOTENT || t->repeat == REPEAT_KEYED;
	if (e->applied == 0 || !tells_repeats)
		e->applied++;
	if (e->applied > 1 && t->repeat == REPEAT_QUERYABLE)
		world_fail(w, "saga %lld step %u: a queryable step took effect %u times", (long long)e->saga, e->step,
				   e->applied);
	return 200;
}

/* ---- the port ---- */

static size_t record_hit(struct world *w, const struct call *c)
{
	if (w->hit_count == w->hit_room) {
		w->hit_room = w->hit_room * 2 + 256;
		w->hits = mem_grow(w->hits, w->hit_room * sizeof *w->hits);
	}
	struct hit *h = &w->hits[w->hit_count];
	*h = (struct hit){ .at_ms = w->now_ms,
					   .target = c->tag.target,
					   .saga = c->tag.saga,
					   .step = c->tag.step,
					   .direction = c->tag.direction,
					   .generation = c->tag.generation,
					   .attempt = c->tag.attempt,
					   .purpose = c->tag.purpose,
					   .label = c->tag.label,
					   .effects = c->tag.label != LABEL_READ,
					   .maybe = c->tag.label != LABEL_READ,
					   .body = c->tag.body,
					   .fresh = c->request.limits.fresh_connection };
	memcpy(h->key, c->key, sizeof h->key);
	return w->hit_count++;
}

static void *submit(void *ctx, const struct transport_request *request)
{
	struct world *w = ctx;
	struct call *c = mem_zalloc(sizeof *c);
	c->number = ++w->call_number;
	c->request = *request;
	c->tag = conn_tag(request->http);
	memcpy(c->key, c->tag.key, sizeof c->key);
	struct sim_target *t = &w->targets[c->tag.target];
	if (request->target != t->id)
		world_fail(w, "a request for target %u went to %u", t->id, request->target);
	c->fate = draw_fate(w, t, request->limits.timeout_ms);
	if (t->repeat == REPEAT_QUERYABLE)
		c->fate.arrive_ms = 0; /* a look-up must not overtake what it asks about */
	c->hit = record_hit(w, c);
	TAILQ_INSERT_TAIL(&w->calls, c, link);
	if (c->fate.arrives && c->fate.arrive_ms == 0)
		wire_arrive(w, c->number);
	else if (c->fate.arrives)
		heap_push(&w->heap, w->now_ms + c->fate.arrive_ms, HAPPEN_ARRIVE, c->number);
	if (!c->fate.never)
		heap_push(&w->heap, w->now_ms + c->fate.done_ms, HAPPEN_DONE, c->number);
	world_trace(w, "  submit #%llu %s saga %lld step %u %s gen %u attempt %u label %u%s",
				(unsigned long long)c->number, t->name, (long long)c->tag.saga, c->tag.step,
				c->tag.purpose == ALMONER_LOOKUP ? "lookup" : direction_name(c->tag.direction),
				c->tag.generation, c->tag.attempt, (unsigned)c->tag.label, c->fate.never ? " (hangs)" : "");
	return c;
}

static void drop(struct world *w, struct call *c)
{
	TAILQ_REMOVE(&w->calls, c, link);
	free(c);
}

static bool still_on_the_way(const struct world *w, const struct call *c)
{
	return c->fate.arrives && !w->hits[c->hit].arrived;
}

static void cancel(void *ctx, void *exchange)
{
	struct world *w = ctx;
	struct call *c = exchange;
	if (c->fate.never && w->journal != NULL)
		mark(w->marks, MARK_DEADLINE);
	c->orphan = true;
	if (!still_on_the_way(w, c))
		drop(w, c);
}

struct transport wire_transport(struct world *w)
{
	return (struct transport){ w, submit, cancel };
}

static struct call *find_call(struct world *w, uint64_t number)
{
	struct call *c;
	TAILQ_FOREACH(c, &w->calls, link)
	{
		if (c->number == number)
			return c;
	}
	return NULL;
}

void wire_arrive(struct world *w, uint64_t number)
{
	struct call *c = find_call(w, number);
	if (c == NULL)
		return;
	w->hits[c->hit].arrived = true;
	/* an error before the message was looked at has no effect; a 5xx that does not ask for patience may come
	 * after */
	if (c->fate.status == 0 || (c->fate.status >= 500 && c->fate.retry_after_ms == 0)) {
		uint32_t status = take(w, c);
		if (c->fate.status == 0)
			c->fate.status = status;
		if (c->orphan && c->tag.label != LABEL_READ)
			mark(w->marks, MARK_LATE_EFFECT);
	}
	world_trace(w, "  #%llu arrived%s", (unsigned long long)number, c->orphan ? " (nobody waits)" : "");
	if (c->orphan)
		drop(w, c);
}

static bool definitely_nothing(const struct fate *f)
{
	if (f->verdict == TRANSPORT_UNREACHABLE || f->verdict == TRANSPORT_REFUSED)
		return true;
	if (f->verdict != TRANSPORT_REPLY)
		return false;
	return (f->status >= 400 && f->status < 500 && f->status != 409) ||
		   (f->status == 503 && f->retry_after_ms > 0);
}

void wire_done(struct world *w, uint64_t number)
{
	struct call *c = find_call(w, number);
	if (c == NULL || c->orphan)
		return;
	const struct fate *f = &c->fate;
	struct transport_result result = { .verdict = f->verdict, .duration_ms = f->done_ms };
	(void)snprintf(result.detail, sizeof result.detail, "the wire broke");
	result.reply = (struct almoner_reply){ .size = sizeof result.reply,
										   .status = f->status,
										   .retry_after_ms = f->retry_after_ms };
	if (definitely_nothing(f))
		w->hits[c->hit].maybe = false;
	world_trace(w, "  #%llu done: verdict %d status %u", (unsigned long long)number, (int)f->verdict,
				f->status);
	world_mix(w, number ^ ((uint64_t)f->status << 32));
	struct transport_request request = c->request;
	c->orphan = true;
	if (!still_on_the_way(w, c))
		drop(w, c);
	request.done(request.ctx, &result);
}

void wire_power_off(struct world *w)
{
	struct call *next = TAILQ_FIRST(&w->calls);
	while (next != NULL) {
		struct call *c = next;
		next = TAILQ_NEXT(c, link);
		if (rng_chance(&w->rng, 50))
			drop(w, c); /* lost with the machine */
	}
}

void wire_free(struct world *w)
{
	while (!TAILQ_EMPTY(&w->calls))
		drop(w, TAILQ_FIRST(&w->calls));
}

unsigned wire_calls_of(const struct world *w, int64_t saga, unsigned step)
{
	unsigned count = 0;
	const struct call *c;
	TAILQ_FOREACH(c, &w->calls, link)
	count += !c->orphan && c->tag.saga == saga && c->tag.step == step;
	return count;
}
