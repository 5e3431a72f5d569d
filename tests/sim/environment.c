/* Targets, routes and the schedule of a run; operators and their verbs; the people who run the targets. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "saga/base/mem.h"
#include "tests/sim/log_replay.h"

/* ---- targets and routes ---- */

static const struct {
	const char *name;
	enum repeat repeat;
	bool can_undo, can_undo_nothing, can_lookup, two_effects, has_lane, rate;
} kinds[SIM_TARGETS] = {
	{ "idem", REPEAT_IDEMPOTENT, true, true, false, false, true, false },
	{ "keyed", REPEAT_KEYED, true, false, true, false, true, false },
	{ "short", REPEAT_KEYED, false, false, false, false, false, false }, /* it forgets its keys early */
	{ "query", REPEAT_QUERYABLE, true, false, true, false, false, false },
	{ "unsafe", REPEAT_UNSAFE, true, false, false, false, true, false },
	{ "pair", REPEAT_KEYED, true, true, true, true, false, false }, /* two effects */
	{ "slow", REPEAT_IDEMPOTENT, false, false, false, false, false, true },
};

static void plan_target(struct simulation *w, unsigned i)
{
	struct sim_target *t = &w->targets[i];
	struct rng *r = &w->rng;
	snprintf(t->name, sizeof t->name, "%s", kinds[i].name);
	t->repeat = kinds[i].repeat;
	t->two_effects = kinds[i].two_effects;
	t->has_lane = kinds[i].has_lane && rng_chance(r, 80);
	t->rules = (struct step_rules){
		.repeat = kinds[i].repeat,
		.repeat_ttl_ms = i == 2 ? 300 : 60000,
		.retry = { .first_ms = 50 + (int64_t)rng_below(r, 200),
				   .factor = 2,
				   .cap_ms = 2000,
				   .give_up_after_ms = rng_chance(r, 50) ? 0 : 5000 + (int64_t)rng_below(r, 10000),
				   .attempts = rng_chance(r, 50) ? 0 : 2 + (uint32_t)rng_below(r, 4) },
		.can_undo = kinds[i].can_undo,
		.can_undo_nothing = kinds[i].can_undo_nothing,
		.can_lookup = kinds[i].can_lookup && rng_chance(r, 90),
		.attention_holds = rng_chance(r, 40),
	};
	if (t->rules.retry.give_up_after_ms == 0 && t->rules.retry.attempts == 0)
		t->rules.retry.attempts = 5;
	t->config = (struct engine_target_config){
		.name = t->name,
		.release = sim_connector_release,
		.repeat = t->repeat,
		.in_flight = 1 + (uint32_t)rng_below(r, rng_chance(r, 30) ? 12 : 4),
		.rate = { kinds[i].rate ? 20 : 0, 1000 },
		.breaker = { .consecutive = 3 + (uint32_t)rng_below(r, 3),
					 .ratio = 0.6,
					 .window = 10,
					 .minimum = 6,
					 .open_ms = 100 + (int64_t)rng_below(r, 300),
					 .open_cap_ms = 2000,
					 .probes = 1 + (uint32_t)rng_below(r, 2) },
		.connect_timeout_ms = 100,
		.timeout_ms = 300 + (int64_t)rng_below(r, 500),
		.reply_cap_bytes = 65536,
		.window_bytes = rng_chance(r, 50) ? 3000 + rng_below(r, 6000) : 0,
	};
}

static void plan_step_of(struct simulation *w, struct plan *draft, unsigned i, enum policy policy)
{
	static const char *const conditions[] = { "true", "false", "broken", "true" };
	static char names[SIM_STEPS][3] = { "s0", "s1", "s2", "s3", "s4" };
	struct rng *r = &w->rng;
	struct plan_step *s = &draft->steps[i];
	*s = (struct plan_step){ .name = names[i] };
	unsigned target = (unsigned)rng_below(r, SIM_TARGETS);
	if (w->two_busy_targets) /* most steps are at the same two targets */
		target = (w->busy_target + target % 2) % SIM_TARGETS;
	s->target = w->targets[w->misconfigured && i == 0 ? SIM_SHORT_TTL : target].name;
	for (unsigned j = 0; j < i; j++)
		s->after |= rng_chance(r, 35) ? 1u << j : 0;
	if (rng_chance(r, 20))
		s->when = mem_strdup(conditions[rng_below(r, 4)]);
	if (rng_chance(r, 12))
		s->expire_ms = 500 + (int64_t)rng_below(r, 4000);
	s->undo_none = policy == POLICY_COMPENSATE && rng_chance(r, 10);
}

static struct plan *plan_route(struct simulation *w, unsigned number)
{
	static const enum policy policies[] = { POLICY_CONTINUE, POLICY_HOLD, POLICY_COMPENSATE,
											POLICY_COMPENSATE };
	char route[8];
	snprintf(route, sizeof route, "r%u", number);
	struct plan draft = { .route = route, .policy = policies[rng_below(&w->rng, 4)] };
	draft.step_count = 1 + (unsigned)rng_below(&w->rng, SIM_STEPS);
	for (unsigned i = 0; i < draft.step_count; i++)
		plan_step_of(w, &draft, i, draft.policy);
	struct plan *plan = NULL;
	struct err err;
	if (plan_create(&draft, &plan, &err) != 0)
		sim_fail(w, "plan: %s", err.text);
	for (unsigned i = 0; i < draft.step_count; i++)
		free(draft.steps[i].when);
	return plan;
}

/* ---- the schedule ---- */

static void plan_events(struct simulation *w)
{
	struct rng *r = &w->rng;
	w->event_count = 20 + (unsigned)rng_below(r, SIM_EVENTS - 20);
	int64_t at = w->now_ms;
	unsigned gap_ms = w->sprint ? 2 : w->two_busy_targets ? 10 : 20u << rng_below(r, 4);
	for (unsigned i = 0; i < w->event_count; i++) {
		struct source_event *e = &w->events[i];
		snprintf(e->id, sizeof e->id, "e%u", i);
		e->plan = (unsigned)rng_below(r, SIM_PLANS);
		e->donor = (unsigned)rng_below(r, SIM_DONORS);
		e->related = rng_chance(r, 6);
		e->unrouted = !e->related && rng_chance(r, 4);
		e->gift = e->related ? (unsigned)rng_below(r, w->event_count + 3) : i;
		at += (int64_t)rng_below(r, gap_ms);
		heap_push(&w->heap, at, SIM_EVENT_ACCEPT, i);
		if (rng_chance(r, 10)) /* the platform repeats the event */
			heap_push(&w->heap, at + (int64_t)rng_below(r, 3000), SIM_EVENT_ACCEPT, i);
	}
}

static void plan_sim_events(struct simulation *w, enum sim_event_kind kind, unsigned most, int64_t span_ms)
{
	uint64_t count = rng_below(&w->rng, most + 1);
	for (uint64_t i = 0; i < count; i++)
		heap_push(&w->heap, w->now_ms + (int64_t)rng_below(&w->rng, (uint64_t)span_ms), kind, 0);
}

void environment_plan(struct simulation *w)
{
	for (unsigned i = 0; i < SIM_TARGETS; i++)
		plan_target(w, i);
	w->misconfigured = rng_chance(&w->rng, 8);
	w->sprint = !w->misconfigured && rng_chance(&w->rng, 8);
	w->two_busy_targets = w->sprint || rng_chance(&w->rng, 30);
	w->busy_target = (unsigned)rng_below(&w->rng, SIM_TARGETS);
	for (unsigned i = 0; w->sprint && i < SIM_TARGETS; i++)
		w->targets[i].config.in_flight = 12;
	for (unsigned i = 0; i < SIM_PLANS; i++)
		w->plans[i] = plan_route(w, i);
	w->empty = plan_empty();
	plan_events(w);
	if (!w->sprint && rng_chance(&w->rng, 25)) /* one target misbehaves from the beginning */
		w->targets[rng_below(&w->rng, SIM_TARGETS)].behaviour =
			(enum target_behaviour)rng_below(&w->rng, BEHAVIOUR_COUNT);
	if (w->misconfigured)
		w->targets[SIM_SHORT_TTL].behaviour = BEHAVIOUR_REJECTING;
	const int64_t span = 6000;
	plan_sim_events(w, SIM_EVENT_VERB, 30, span);
	plan_sim_events(w, SIM_EVENT_TARGET, 4, span);
	plan_sim_events(w, SIM_EVENT_BEHAVIOUR, 16, span);
	plan_sim_events(w, SIM_EVENT_RELOAD, 4, span);
	plan_sim_events(w, SIM_EVENT_CRASH, 4, span);
	plan_sim_events(w, SIM_EVENT_STOP, 3, span);
}

/* ---- operators ---- */

static void verb_done(void *ctx, const struct verb_result *result)
{
	struct simulation *w = ctx;
	sim_trace(w, "  verb: code %d changed %u doubt %u %s", result->code, result->changed, result->in_doubt,
			  result->err.text);
}

static void submit_verb(struct simulation *w, int64_t saga, enum verb verb, int step, bool redo)
{
	struct verb_call call = {
		.verb = verb, .step = step, .redo_in_doubt = redo, .actor = "uid 1000 (anna)", .note = "because"
	};
	sim_trace(w, "  saga %lld: %s step %d", (long long)saga, name_of_verb(verb), step);
	const struct command command = { .kind = COMMAND_VERB,
									 .ctx = w,
									 .u.verb = { .saga = saga, .call = &call, .done = verb_done } };
	if (command_run(w->cell, &command) != 0)
		sim_fail(w, "the cell refused a verb");
}

void environment_verb(struct simulation *w)
{
	size_t sagas = log_replay_saga_count(w);
	if (sagas == 0)
		return;
	static const enum verb verbs[] = {
		VERB_RESUME, VERB_RESUME, VERB_RETRY,  VERB_REDO,       VERB_RESOLVE_DONE,
		VERB_SKIP,   VERB_PAUSE,  VERB_CANCEL, VERB_COMPENSATE, VERB_RESOLVE_NOT_DONE
	};
	enum verb verb = verbs[rng_below(&w->rng, sizeof verbs / sizeof *verbs)];
	int64_t saga = 1 + (int64_t)rng_below(&w->rng, sagas);
	bool whole = verb == VERB_PAUSE || verb == VERB_CANCEL || verb == VERB_COMPENSATE ||
				 (verb == VERB_RESUME && rng_chance(&w->rng, 70));
	int step = whole ? -1 : (int)rng_below(&w->rng, SIM_STEPS);
	submit_verb(w, saga, verb, step, rng_chance(&w->rng, 20));
}

static void act_done(void *ctx, const struct verb_result *result)
{
	(void)ctx, (void)result;
}

static void act(struct simulation *w, unsigned target, enum target_action action)
{
	sim_trace(w, "  target %s: action %d", w->targets[target].name, (int)action);
	const struct command command = {
		.kind = COMMAND_TARGET,
		.actor = "uid 1000 (anna)",
		.note = "because",
		.ctx = w,
		.u.target = { .name = w->targets[target].name, .action = action, .done = act_done }
	};
	if (command_run(w->cell, &command) != 0)
		sim_fail(w, "the cell refused a target action");
}

void environment_target(struct simulation *w)
{
	static const enum target_action actions[] = { TARGET_PAUSE, TARGET_RESUME, TARGET_RESUME, TARGET_HOLD };
	act(w, (unsigned)rng_below(&w->rng, SIM_TARGETS), actions[rng_below(&w->rng, 4)]);
}

void environment_behaviour(struct simulation *w)
{
	uint64_t any = rng_below(&w->rng, SIM_TARGETS);
	struct sim_target *t = &w->targets[w->two_busy_targets ? (w->busy_target + any % 2) % SIM_TARGETS : any];
	if (w->misconfigured && t == &w->targets[SIM_SHORT_TTL])
		return;
	t->behaviour =
		rng_chance(&w->rng, 30) ? BEHAVIOUR_FINE : (enum target_behaviour)rng_below(&w->rng, BEHAVIOUR_COUNT);
	sim_trace(w, "  %s behaves as %d", t->name, (int)t->behaviour);
}

void environment_reload(struct simulation *w)
{
	struct sim_target *t = &w->targets[rng_below(&w->rng, SIM_TARGETS)];
	t->template += rng_chance(&w->rng, 50);
	t->config.in_flight = 1 + (uint32_t)rng_below(&w->rng, 4);
	t->missing = t->id != 0 && rng_chance(&w->rng, 25);
	t->was_ever_missing |= t->missing;
	t->new_port = true;
	sim_trace(w, "  %s %s", t->name, t->missing ? "is no longer configured" : "has new settings");
	process_reload(w);
}

/* An operator may edit the configuration while no process runs. */
void environment_between_processes(struct simulation *w)
{
	if (w->recovering || !rng_chance(&w->rng, 40))
		return;
	for (unsigned i = 0; i < SIM_TARGETS; i++)
		w->targets[i].template += rng_chance(&w->rng, 50);
	sim_trace(w, "  templates are edited before the start");
}

/* ---- the liveness phase ---- */

void environment_heal(struct simulation *w)
{
	w->recovering = true;
	disk_heal(w);
	for (unsigned i = 0; i < SIM_TARGETS; i++) {
		struct sim_target *t = &w->targets[i];
		t->behaviour = BEHAVIOUR_FINE;
		t->new_port |= t->missing;
		t->missing = false;
	}
	process_reload(w);
}

static enum verb verb_for(struct simulation *w, const struct replay_step *st)
{
	bool certain =
		st->reason == REASON_REJECTED || st->reason == REASON_EXHAUSTED || st->reason == REASON_FAULT;
	if (st->direction == DIRECTION_UNDO || !certain)
		return rng_chance(&w->rng, 50) ? VERB_RESOLVE_DONE : VERB_RESOLVE_NOT_DONE;
	if (rng_chance(&w->rng, 50))
		return VERB_RETRY;
	return rng_chance(&w->rng, 50) ? VERB_RESOLVE_NOT_DONE : VERB_SKIP;
}

static bool settle_steps(struct simulation *w, const struct replay_saga *s)
{
	bool any = false;
	for (unsigned i = 0; s->plan != NULL && i < s->plan->step_count; i++) {
		const struct replay_step *st = &s->steps[i];
		if (st->state != STEP_ATTENTION)
			continue;
		submit_verb(w, s->id, verb_for(w, st), (int)i, false);
		any = true;
	}
	return any;
}

void environment_settle(struct simulation *w)
{
	for (unsigned i = 0; i < SIM_TARGETS; i++)
		act(w, i, TARGET_RESUME);
	for (size_t k = 0; k < w->log_replay->count; k++) {
		const struct replay_saga *s = w->log_replay->sagas[k];
		if (!settle_steps(w, s) && !saga_state_at_rest((enum saga_state)s->state))
			submit_verb(w, s->id, VERB_RESUME, -1, false);
	}
}
