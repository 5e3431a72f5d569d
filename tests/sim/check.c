/* Invariants over the wire and at rest: I3, I5, I6, I10, I15, I16, I17. */
#include <stdio.h>
#include <string.h>

#include "tests/sim/fold.h"

/* ---- requests ---- */

static const struct fold_step *step_of(struct world *w, const struct hit *h)
{
	const struct fold_saga *s = fold_find(w->fold, h->saga);
	if (s == NULL || s->plan == NULL || h->step >= s->plan->step_count)
		world_fail(w, "a request of saga %lld step %u, which the log does not know", (long long)h->saga,
				   h->step);
	return &s->steps[h->step];
}

/* I3: a durable intent stands behind every request. */
static void check_intent(struct world *w, const struct hit *h)
{
	const struct fold_step *st = step_of(w, h);
	if (!st->open || st->attempt != h->attempt || st->generation != h->generation ||
		st->direction != h->direction)
		world_fail(w, "saga %lld step %u attempt %u: a request without an open intent", (long long)h->saga,
				   h->step, h->attempt);
	if (st->lookup != (h->purpose == ALMONER_LOOKUP))
		world_fail(w, "saga %lld step %u: the intent and the request differ in purpose", (long long)h->saga,
				   h->step);
}

static bool same_step(const struct hit *a, const struct hit *b)
{
	/* a look-up asks with the key of the do, and the attempts of a crash are not told apart by their body */
	return a->saga == b->saga && a->step == b->step && a->direction == b->direction &&
		   a->generation == b->generation;
}

/* I5 and I6 against every earlier request with the same key. */
static void check_against(struct world *w, const struct hit *h, const struct hit *o)
{
	if (!same_step(h, o))
		world_fail(w, "sagas %lld and %lld share the key %s", (long long)h->saga, (long long)o->saga, h->key);
	if (!h->effects || !o->effects)
		return;
	if (h->label != o->label)
		world_fail(w, "saga %lld step %u: two effects share a key", (long long)h->saga, h->step);
	if (w->targets[h->target].repeat == REPEAT_UNSAFE && o->maybe)
		world_fail(w, "saga %lld step %u: unsafe, sent again after it may have taken effect",
				   (long long)h->saga, h->step);
	if (h->body != o->body && !o->lost)
		world_fail(w, "saga %lld step %u: the same key with another body", (long long)h->saga, h->step);
}

static bool first_of_attempt(const struct world *w, size_t index)
{
	const struct hit *h = &w->hits[index];
	for (size_t i = 0; i < index; i++) {
		const struct hit *o = &w->hits[i];
		if (same_step(h, o) && o->attempt == h->attempt)
			return false;
	}
	return true;
}

static void check_hit(struct world *w, size_t index)
{
	const struct hit *h = &w->hits[index];
	check_intent(w, h);
	for (size_t i = 0; i < index; i++) {
		if (strcmp(w->hits[i].key, h->key) == 0)
			check_against(w, h, &w->hits[i]);
	}
	if (w->targets[h->target].repeat == REPEAT_UNSAFE && h->effects && !h->fresh)
		world_fail(w, "saga %lld step %u: unsafe on a connection that was used before", (long long)h->saga,
				   h->step);
	if (w->fold->open_before[h->target] && first_of_attempt(w, index))
		world_fail(w, "%s: an attempt began while its breaker was open",
				   w->targets[h->target].name); /* I10 */
}

/* ---- after every event ---- */

static void check_target(struct world *w, unsigned i)
{
	struct fold *f = w->fold;
	struct engine_target_status s;
	if (engine_status(w->engine, w->targets[i].id, &s, 1) != 1) {
		f->open_before[i] = false;
		return;
	}
	uint32_t limit = w->targets[i].config.in_flight;
	f->limit_seen[i] = limit > f->limit_seen[i] ? limit : f->limit_seen[i];
	if (w->targets[i].open_attempts > f->limit_seen[i] || s.in_flight > f->limit_seen[i])
		world_fail(w, "%s: %u attempts and %u slots, the limit is %u", w->targets[i].name,
				   w->targets[i].open_attempts, s.in_flight, f->limit_seen[i]);
	bool shut = s.paused || s.held || s.breaker == BREAKER_OPEN;
	if (shut && s.window_works < f->window_before[i])
		mark(w->marks, MARK_SPILLED);
	if (!shut && s.rate_count > 0 && s.window_works > 0 && s.in_flight == 0)
		mark(w->marks, MARK_RATE);
	f->window_before[i] = s.window_works;
	/* a held target's probe is sent whatever its breaker says */
	f->open_before[i] = s.breaker == BREAKER_OPEN && !s.held;
}

void check_after(struct world *w)
{
	struct journal_counts counts;
	journal_counts(w->journal, &counts);
	int64_t sum = counts.related;
	for (unsigned i = 0; i < SAGA_STATE_COUNT; i++)
		sum += counts.sagas[i];
	if (counts.accepted != sum)
		world_fail(w, "%lld accepted, %lld accounted for", (long long)counts.accepted,
				   (long long)sum); /* I17 */
	bool more = counts.log_rows != w->fold->rows_seen;
	w->fold->rows_seen = counts.log_rows;
	journal_counts_finish(&counts);
	for (; w->hits_checked < w->hit_count; w->hits_checked++)
		check_hit(w, w->hits_checked);
	if (more) {
		struct err err;
		fold_read(w);
		if (journal_audit(w->journal, &err) != 0)
			world_fail(w, "%s", err.text);
	}
	for (unsigned i = 0; i < SIM_TARGETS; i++)
		check_target(w, i);
}

/* ---- at rest ---- */

static bool something_is_due(const struct world *w)
{
	return w->tick_at_ms <= w->now_ms + 10 || w->pump_at_ms <= w->now_ms + 10;
}

/* I15: a call is a call: somebody waits for its verdict. */
static void check_calls(struct world *w, const struct fold_saga *s)
{
	for (unsigned i = 0; s->plan != NULL && i < s->plan->step_count; i++) {
		if (s->steps[i].open && wire_calls_of(w, s->id, i) == 0)
			world_fail(w, "saga %lld step %u: running, with no call under way", (long long)s->id, i);
	}
}

void check_at_rest(struct world *w)
{
	if (something_is_due(w))
		return;
	for (size_t k = 0; k < w->fold->count; k++)
		check_calls(w, w->fold->sagas[k]);
}

static bool at_rest(const struct fold_saga *s)
{
	if (saga_state_at_rest((enum saga_state)s->state)) {
		for (unsigned i = 0; s->plan != NULL && i < s->plan->step_count; i++) {
			if (s->steps[i].open)
				return false;
		}
		return true;
	}
	return s->state == SAGA_ATTENTION && s->plan == NULL; /* its gift never came */
}

bool fold_all_at_rest(const struct world *w)
{
	for (size_t k = 0; k < w->fold->count; k++) {
		if (!at_rest(w->fold->sagas[k]))
			return false;
	}
	return true;
}

/* ---- the end ---- */

static void tell_targets(const struct world *w)
{
	struct engine_target_status s;
	for (unsigned i = 0; i < SIM_TARGETS; i++) {
		if (engine_status(w->engine, w->targets[i].id, &s, 1) == 1)
			(void)fprintf(
				stderr, "  %s:%s%s breaker %s, in flight %u of %u, window %u, backlog %lld due in %lld ms\n",
				s.name, s.paused ? " paused" : "", s.held ? " held" : "", breaker_state_name(s.breaker),
				s.in_flight, s.in_flight_now, s.window_works, (long long)s.backlog,
				(long long)(s.next_due_ms - w->now_ms));
	}
}

static void name_the_stuck(const struct world *w)
{
	for (size_t k = 0; k < w->fold->count; k++) {
		const struct fold_saga *s = w->fold->sagas[k];
		if (at_rest(s))
			continue;
		(void)fprintf(stderr, "saga %lld is %s\n", (long long)s->id,
					  saga_state_name((enum saga_state)s->state));
		for (unsigned i = 0; s->plan != NULL && i < s->plan->step_count; i++)
			(void)fprintf(stderr, "  step %u at %s: %s %s %s%s\n", i, w->targets[s->steps[i].target].name,
						  direction_name((enum direction)s->steps[i].direction),
						  step_state_name((enum step_state)s->steps[i].state),
						  reason_name((enum reason)s->steps[i].reason), s->steps[i].open ? " (open)" : "");
	}
}

/* What the log calls done without a person's word is done at its sink. */
static void check_effects(struct world *w, const struct fold_saga *s)
{
	for (unsigned i = 0; s->plan != NULL && i < s->plan->step_count; i++) {
		const struct fold_step *st = &s->steps[i];
		if (st->ok_generation[DIRECTION_DO] == 0)
			continue;
		bool found = false;
		for (size_t k = 0; k < w->effect_count; k++)
			found |= w->effects[k].saga == s->id && w->effects[k].step == i && w->effects[k].applied > 0;
		if (!found)
			world_fail(w, "saga %lld step %u: done, its sink knows nothing of it", (long long)s->id, i);
	}
}

static void say(void *ctx, const char *line)
{
	(void)fprintf(stderr, "verify: %s\n", line);
	(void)ctx;
}

static void check_counts(struct world *w)
{
	struct journal_counts counts;
	int64_t by_state[SAGA_STATE_COUNT] = { 0 };
	for (size_t k = 0; k < w->fold->count; k++)
		by_state[w->fold->sagas[k]->state]++;
	journal_counts(w->journal, &counts);
	for (unsigned i = 0; i < SAGA_STATE_COUNT; i++) {
		if (counts.sagas[i] != by_state[i])
			world_fail(w, "%lld sagas are counted as %s, the log has %lld", (long long)counts.sagas[i],
					   saga_state_name((enum saga_state)i), (long long)by_state[i]); /* I17 */
	}
	journal_counts_finish(&counts);
}

void check_end(struct world *w)
{
	name_the_stuck(w);
	if (!fold_all_at_rest(w))
		tell_targets(w);
	for (size_t k = 0; k < w->fold->count; k++)
		check_effects(w, w->fold->sagas[k]);
	check_counts(w);
	for (unsigned i = 0; i < w->event_count; i++) {
		const struct sim_event *e = &w->events[i];
		if (e->acked && e->saga > (int64_t)w->fold->count)
			world_fail(w, "event %s was acknowledged as saga %lld, which is not there", e->id,
					   (long long)e->saga);
	}
	int64_t findings = 0;
	struct err err;
	if (w->reader.verify(w->reader.ctx, w, say, &findings, &err) != 0 || findings != 0)
		world_fail(w, "the log does not verify: %lld findings", (long long)findings); /* I18 */
}
