/* The platforms that send events, and the limits that push back on them: the journal's queue is bounded, and
 * accepts are held back while fast targets have no free slot. An event is sent again until it is
 * acknowledged. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "saga/base/mem.h"
#include "tests/sim/log_replay.h"

#define HELD_BACK_MAX_MS 50 /* ACCEPT_DELAY_MAX_MS of saga/journal/thread.c */
#define TURN_MAX_MS      70 /* the journal's next turn comes within this time */

/* One accept that has no answer yet. */
struct acceptance {
	struct accept a;
	TAILQ_ENTRY(acceptance) link;
	unsigned event;
	int64_t answer_by_ms;
	uint8_t lanes[PLAN_STEPS_MAX][LANE_BYTES];
	char gift[16];
};

/* The accept is its first member. */
static struct acceptance *acceptance_of(struct accept *a)
{
	return (struct acceptance *)(void *)a;
}

static uint64_t draw(struct simulation *w, uint64_t bound)
{
	return rng_below(&w->clients.rng, bound);
}

void clients_plan(struct simulation *w)
{
	struct clients *c = &w->clients;
	TAILQ_INIT(&c->waiting);
	c->rng.state = w->seed * 0x8CB92BA72F3D8DD7u + 3;
	c->queue_records = draw(w, 100) < 30 ? 1 + draw(w, 6) : 0;
	c->queue_bytes = draw(w, 100) < 20 ? 3000 + draw(w, 4000) : 0;
	c->window_total_bytes = draw(w, 100) < 30 ? 4000 + draw(w, 12000) : 0;
	for (uint64_t i = draw(w, 100) < 40 ? 1 + draw(w, 4) : 0; i > 0; i--)
		heap_push(&w->heap, w->now_ms + (int64_t)draw(w, 3000), SIM_EVENT_PRESSURE, 0);
}

/* ---- answers ---- */

static void resend(struct simulation *w, unsigned event)
{
	heap_push(&w->heap, w->now_ms + 50 + (int64_t)draw(w, 1500), SIM_EVENT_ACCEPT, event);
}

static void forget(struct simulation *w, struct acceptance *x)
{
	TAILQ_REMOVE(&w->clients.waiting, x, link);
	event_unref(x->a.event);
	free(x);
}

static void acknowledged(struct simulation *w, struct source_event *e, const struct accept_result *result)
{
	if (result->duplicate)
		coverage_point_hit(w->coverage, COVER_DUPLICATE);
	if (result->duplicate && e->failed && !e->acked)
		coverage_point_hit(w->coverage, COVER_UNACKED_STORED);
	if (result->related)
		coverage_point_hit(w->coverage, COVER_RELATED);
	if (w->disk.low)
		sim_fail(w, "event %s was accepted while the disk was low", e->id);
	if (e->acked && e->saga != 0 && result->saga != e->saga)
		sim_fail(w, "event %s was acknowledged as saga %lld and again as %lld", e->id, (long long)e->saga,
				 (long long)result->saga);
	e->acked = true;
	e->saga = result->saga;
}

static void refused(struct simulation *w, unsigned event, const struct accept_result *result)
{
	if (result->code == ERR_FULL && !w->disk.low)
		sim_fail(w, "an event of the queue was refused, and the disk is not low");
	if (result->code != ERR_FULL && !disk_store_failed(w))
		sim_fail(w, "an event was refused with code %d, and the store has not failed", result->code);
	if (result->code == ERR_FULL)
		coverage_point_hit(w->coverage, COVER_QUEUED_DISK_LOW);
	w->events[event].failed |= result->code != ERR_FULL;
	resend(w, event);
}

static void answered(void *ctx, struct accept *a, const struct accept_result *result)
{
	struct simulation *w = ctx;
	struct acceptance *x = acceptance_of(a);
	struct source_event *e = &w->events[x->event];
	sim_trace(w, "  %s: code %d saga %lld%s", e->id, result->code, (long long)result->saga,
			  result->duplicate ? " duplicate" : "");
	if (result->code == 0)
		acknowledged(w, e, result);
	else
		refused(w, x->event, result);
	forget(w, x);
}

/* The process died with the accept in its queue: the sender sees a closed connection. */
static void dropped(struct accept *a)
{
	struct simulation *w = a->ctx;
	struct acceptance *x = acceptance_of(a);
	resend(w, x->event);
	forget(w, x);
}

/* ---- sending ---- */

static void set_lanes(struct simulation *w, const struct source_event *e, struct saga_start *start,
					  uint8_t lanes[PLAN_STEPS_MAX][LANE_BYTES])
{
	for (unsigned i = 0; i < start->plan->step_count; i++) {
		for (unsigned t = 0; t < SIM_TARGETS; t++) {
			if (strcmp(start->plan->steps[i].target, w->targets[t].name) != 0 || !w->targets[t].has_lane)
				continue;
			memset(lanes[i], 1 + (int)e->donor, LANE_BYTES);
			start->lane_mask |= 1u << i;
		}
	}
}

static void set_conditions(struct saga_start *start)
{
	for (unsigned i = 0; i < start->plan->step_count; i++) {
		const struct plan_step *s = &start->plan->steps[i];
		if (s->when == NULL || s->after != 0 || strcmp(s->when, "broken") == 0)
			continue;
		start->condition_known |= 1u << i;
		start->condition_true |= strcmp(s->when, "true") == 0 ? 1u << i : 0;
	}
}

static struct acceptance *acceptance_new(struct simulation *w, const struct source_event *e)
{
	struct acceptance *x = mem_zalloc(sizeof *x);
	struct accept *a = &x->a;
	snprintf(x->gift, sizeof x->gift, "g%u", e->gift);
	struct event_fields fields = { .source = STR("forms"),
								   .event_id = str_of(e->id),
								   .type = e->related ? STR("payment.note") : STR("donation.created"),
								   .gift = str_of(x->gift),
								   .raw = STR("{\"amount\":1}"),
								   .canonical = STR("{\"amount\":{\"minor\":100}}") };
	a->kind = e->related ? ACCEPT_RELATED : ACCEPT_SAGA;
	a->event = event_create(&fields, w->now_ms);
	a->ctx = w;
	a->done = answered;
	a->drop = dropped;
	a->has_gift = true;
	a->gift_wait_ms = 3000;
	journal_event_key("forms", e->id, a->dedup);
	journal_gift_key("forms", x->gift, a->gift);
	a->start = (struct saga_start){ .plan = e->unrouted ? w->empty : w->plans[e->plan],
									.source = a->event->f.source.p,
									.event_id = a->event->f.event_id.p,
									.type = a->event->f.type.p,
									.gift = x->gift,
									.donor = "",
									.note = "",
									.now_ms = w->now_ms,
									.lanes = (const uint8_t(*)[LANE_BYTES])x->lanes };
	a->start.unrouted = e->unrouted;
	set_lanes(w, e, &a->start, x->lanes);
	set_conditions(&a->start);
	return x;
}

/* A full queue or a low disk are the only reasons not to take an event. */
static void check_refusal(struct simulation *w, const struct journal_counts *counts)
{
	const struct clients *c = &w->clients;
	bool records_full = c->queue_records > 0 && counts->queue_records >= (int64_t)c->queue_records;
	bool bytes_full = c->queue_bytes > 0 && counts->queue_bytes > 0; /* one event always fits */
	if (w->disk.low)
		coverage_point_hit(w->coverage, COVER_ACCEPT_DISK_LOW);
	else if (records_full || bytes_full)
		coverage_point_hit(w->coverage, COVER_QUEUE_FULL);
	else
		sim_fail(w, "an event was refused, and neither is the queue full nor the disk low");
}

static void check_queued(struct simulation *w, const struct source_event *e)
{
	const struct clients *c = &w->clients;
	struct journal_counts now = process_counts(w);
	if (w->disk.low)
		sim_fail(w, "event %s was queued while the disk was low", e->id);
	if ((c->queue_records > 0 && now.queue_records > (int64_t)c->queue_records) ||
		(c->queue_bytes > 0 && now.queue_bytes > (int64_t)c->queue_bytes))
		sim_fail(w, "the queue has %lld events with %lld bytes, which is more than its bound",
				 (long long)now.queue_records, (long long)now.queue_bytes);
	journal_counts_finish(&now);
}

/* Each turn without free slots may hold accepts back for HELD_BACK_MAX_MS; then at least one is taken. */
void clients_send(struct simulation *w, uint64_t number)
{
	struct acceptance *x = acceptance_new(w, &w->events[number]);
	struct journal_counts counts = process_counts(w);
	x->event = (unsigned)number;
	x->answer_by_ms = w->now_ms + (counts.queue_records + 2) * (HELD_BACK_MAX_MS + TURN_MAX_MS);
	TAILQ_INSERT_TAIL(&w->clients.waiting, x, link);
	int rc = cell_accept(w->cell, &x->a);
	if (rc != 0) {
		sim_trace(w, "  %s: refused at once", w->events[number].id);
		check_refusal(w, &counts);
		forget(w, x);
		resend(w, (unsigned)number);
	} else {
		check_queued(w, &w->events[number]);
	}
	journal_counts_finish(&counts);
}

/* ---- accepts that are held back ---- */

void clients_pressure(struct simulation *w)
{
	if (w->recovering)
		return;
	w->clients.slots = draw(w, 100) < 60 ? 0 : draw(w, 3);
	w->clients.pressure_until_ms = w->now_ms + 20 + (int64_t)draw(w, 300);
	sim_trace(w, "  %zu free slots at a fast target", w->clients.slots);
}

/* The journal's hook: the engine's own answer, or that of a fast target of which the engine knows nothing. */
size_t clients_start_capacity(void *ctx)
{
	struct simulation *w = ctx;
	struct clients *c = &w->clients;
	size_t slots = engine_capacity(cell_engine(w->cell));
	if (slots != SIZE_MAX)
		coverage_point_hit(w->coverage, COVER_FAST_TARGET);
	if (w->now_ms < c->pressure_until_ms && c->slots < slots)
		slots = c->slots;
	if (slots > 0)
		c->held_since_ms = 0;
	else if (c->held_since_ms == 0)
		c->held_since_ms = w->now_ms;
	return slots;
}

/* After a turn of the journal. Gives when the next turn must come for accepts that wait; INT64_MAX: none
 * does. */
int64_t clients_after_turn(struct simulation *w)
{
	const struct clients *c = &w->clients;
	struct journal_counts counts = process_counts(w);
	int64_t waiting = counts.queue_records;
	journal_counts_finish(&counts);
	bool time_is_over = c->held_since_ms != 0 && w->now_ms - c->held_since_ms >= HELD_BACK_MAX_MS;
	if (time_is_over && c->was_waiting > 0)
		coverage_point_hit(w->coverage, COVER_HELD_BACK_ENDED);
	if (time_is_over && waiting > 0)
		sim_fail(w, "accepts are held back for %lld ms", (long long)(w->now_ms - c->held_since_ms));
	if (waiting > 0)
		coverage_point_hit(w->coverage, COVER_HELD_BACK);
	w->clients.was_waiting = waiting;
	return waiting > 0 ? w->now_ms + 5 : INT64_MAX; /* ACCEPT_DELAY_POLL_MS of saga/journal/thread.c */
}

void clients_process_begins(struct simulation *w)
{
	w->clients.held_since_ms = w->clients.was_waiting = 0;
}

void clients_check(struct simulation *w)
{
	const struct acceptance *x;
	TAILQ_FOREACH(x, &w->clients.waiting, link)
	{
		if (w->now_ms > x->answer_by_ms)
			sim_fail(w, "event %s has had no answer for too long", w->events[x->event].id);
	}
}

bool clients_all_acknowledged(const struct simulation *w)
{
	for (unsigned i = 0; i < w->event_count; i++) {
		if (!w->events[i].acked)
			return false;
	}
	return true;
}

void clients_check_end(struct simulation *w)
{
	for (unsigned i = 0; i < w->event_count; i++) {
		const struct source_event *e = &w->events[i];
		if (!e->acked)
			sim_fail(w, "event %s was never acknowledged", e->id);
		if (e->saga > (int64_t)w->log_replay->count)
			sim_fail(w, "event %s was acknowledged as saga %lld, which is not there", e->id,
					 (long long)e->saga);
	}
}
