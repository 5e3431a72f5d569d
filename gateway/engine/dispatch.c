/* What may start now: gives each target its turn, claims steps from disk, sends ready works back to disk,
 * and publishes each target's status and rules to admission control. */
#include <stdio.h>

#include "gateway/engine/engine_internal.h"
#include "saga/base/check.h"
#include "saga/base/entropy.h"
#include "saga/journal/engine_port.h"

/* ---- starting ---- */

/* A condition that cannot be evaluated is a fault of the configuration: the step goes to attention. */
static void fail_condition(struct engine *e, struct engine_target *t, struct work *w, const char *why)
{
	char detail[ATTEMPT_DETAIL_BYTES + 1];
	snprintf(detail, sizeof detail, "the step's `when` condition failed: %.250s", why);
	struct outcome outcome = { .result = OUTCOME_FAULT, .detail = detail };
	target_unreserve(t, e->admission, 1);
	if (w->engine == &e->mark_probe)
		t->probe_reserved = false;
	w->engine = NULL;
	journal_outcome(e->journal, w, &outcome, NULL);
}

/* A work that comes with a slot while a probe is reserved is the probe: a target has at most one claim at
 * a time. */
void dispatch_request_start(struct engine *e, struct engine_target *t, struct work *w)
{
	bool probe = w->slot && t->held && t->probe_reserved;
	w->engine = probe ? &e->mark_probe : &e->mark_start;
	if (!w->needs_condition) {
		journal_start(e->journal, w);
		return;
	}
	bool verdict = false;
	struct err err = { 0 };
	const struct condition_port *port = &e->options.when;
	const char *program = w->plan->steps[w->ref.step].when;
	if (port->eval(port->ctx, program, w->event->f.canonical, str_of(w->results), &verdict, &err) != 0)
		fail_condition(e, t, w, err.text);
	else
		journal_condition_result(e->journal, w, verdict);
}

static struct work *pop_ready(struct engine *e, struct engine_target *t)
{
	struct work *w = STAILQ_FIRST(&t->ready);
	STAILQ_REMOVE_HEAD(&t->ready, link);
	t->ready_count--;
	admission_leave_window(e->admission, t->id, w->bytes);
	return w;
}

static uint32_t start_ready(struct engine *e, struct engine_target *t, uint32_t budget)
{
	uint32_t want = t->ready_count < budget ? t->ready_count : budget;
	uint32_t got = want > 0 ? target_reserve(t, e->admission, want, e->now_ms) : 0;
	for (uint32_t i = 0; i < got; i++)
		dispatch_request_start(e, t, pop_ready(e, t));
	return got;
}

static void claim_from_disk(struct engine *e, struct engine_target *t)
{
	if (t->claimed > 0 || t->backlog <= 0 || t->next_due_ms > e->now_ms || e->now_ms < t->claim_not_before_ms)
		return;
	uint32_t cap = t->backlog < t->config.in_flight ? (uint32_t)t->backlog : t->config.in_flight;
	t->claimed = target_reserve(t, e->admission, cap, e->now_ms);
	if (t->claimed > 0)
		journal_claim(e->journal, t->id, t->claimed);
}

static void probe_held(struct engine *e, struct engine_target *t)
{
	if (!target_probe_due(t, e->now_ms) || t->claimed > 0 || t->backlog <= 0 || t->next_due_ms > e->now_ms)
		return;
	if (!target_reserve_probe(t, e->admission, e->now_ms))
		return;
	t->probe_at_ms = e->now_ms + t->config.probe_ms;
	t->claimed = 1;
	journal_claim(e->journal, t->id, 1);
}

/* ---- targets that cannot start ---- */

/* The delay of ENGINE_SPILL_MS spares the disk when a hold or an open breaker ends soon. */
static void spill(struct engine *e, struct engine_target *t)
{
	if (t->cannot_start_since_ms == 0)
		t->cannot_start_since_ms = e->now_ms;
	if (!t->removed && e->now_ms - t->cannot_start_since_ms < ENGINE_SPILL_MS)
		return;
	for (uint32_t i = 0; i < ENGINE_SPILLS_PER_TICK && t->ready_count > 0; i++)
		journal_spill(e->journal, pop_ready(e, t));
	e->more_work |= t->ready_count > 0;
}

static bool destroy_removed(struct engine *e, struct engine_target *t)
{
	uint32_t slots, works;
	if (!t->removed || t->ready_count > 0 || !TAILQ_EMPTY(&t->attempts))
		return false;
	admission_load(e->admission, t->id, &slots, &works);
	if (slots > 0 || works > 0)
		return false; /* the journal still has permits or works of this target */
	TAILQ_REMOVE(&e->targets, t, link);
	admission_remove(e->admission, t->id);
	target_destroy(t);
	return true;
}

/* ---- the round over all targets ---- */

/* Takes the mutex of admission control only when something changed: this runs twice a tick for each
 * target. */
void dispatch_publish(struct engine *e, struct engine_target *t)
{
	struct admission_rules rules = target_rules(t, e->draining, e->now_ms);
	bool same = rules.slots_open == t->rules.slots_open && rules.window_open == t->rules.window_open &&
				rules.limit == t->rules.limit && rules.window_cap_bytes == t->rules.window_cap_bytes;
	if (!same)
		admission_set_rules(e->admission, t->id, &rules);
	t->rules = rules;
	if (same && !t->dirty)
		return;
	struct engine_target_status status;
	target_status(t, &status);
	admission_publish(e->admission, t->id, &status);
	t->dirty = false;
}

/* Ready works in memory start before steps on disk are claimed, because they are older. */
static uint32_t serve_target(struct engine *e, struct engine_target *t, uint32_t budget)
{
	uint32_t started = 0;
	if (t->deadline_ms <= e->now_ms)
		delivery_expire(e, t);
	target_event_breaker(e, t, BREAKER_TIME);
	if (e->draining)
		return 0;
	if (target_cannot_start(t)) {
		spill(e, t);
		probe_held(e, t);
		return 0;
	}
	t->cannot_start_since_ms = 0;
	started = start_ready(e, t, budget);
	e->more_work |= started == budget && t->ready_count > 0;
	if (t->ready_count == 0)
		claim_from_disk(e, t);
	return started;
}

static struct engine_target *next_target(struct engine *e, struct engine_target *t)
{
	struct engine_target *next = t != NULL ? TAILQ_NEXT(t, link) : NULL;
	return next != NULL ? next : TAILQ_FIRST(&e->targets);
}

static size_t count_targets(const struct engine *e)
{
	size_t count = 0;
	const struct engine_target *t;
	TAILQ_FOREACH(t, &e->targets, link)
	count++;
	return count;
}

/* Each target gets its turn. The budget of starts may run out before the last one, so each round begins
 * with the next target in the list. */
void dispatch_run(struct engine *e)
{
	uint32_t budget = ENGINE_STARTS_PER_TICK;
	struct engine_target *t = next_target(e, e->first_target);
	e->first_target = t;
	for (size_t left = count_targets(e); left > 0; left--) {
		struct engine_target *next = next_target(e, t);
		dispatch_publish(e, t); /* outcomes and news may have changed the rules */
		uint32_t started = serve_target(e, t, budget);
		budget -= started;
		if (!destroy_removed(e, t))
			dispatch_publish(e, t);
		else if (e->first_target == t)
			e->first_target = NULL;
		t = next;
	}
}
