/* Invariants of requests, of figures, and of the state when nothing is under way. */
#include <stdio.h>
#include <string.h>

#include "tests/sim/log_replay.h"

/* ---- requests ---- */

static const struct replay_step *step_of(struct simulation *w, const struct sink_request *h)
{
	const struct replay_saga *s = log_replay_find(w->log_replay, h->saga);
	if (s == NULL || s->plan == NULL || h->step >= s->plan->step_count)
		sim_fail(w, "there is a request of saga %lld step %u, but the log has no such step",
				 (long long)h->saga, h->step);
	return &s->steps[h->step];
}

/* Each request belongs to an attempt whose intent is in the log and has no outcome yet. */
static void check_intent(struct simulation *w, const struct sink_request *h)
{
	const struct replay_step *st = step_of(w, h);
	if (!st->open || st->attempt != h->attempt || st->generation != h->generation ||
		st->direction != h->direction)
		sim_fail(w, "saga %lld step %u attempt %u: a request was sent without an open intent",
				 (long long)h->saga, h->step, h->attempt);
	if (st->lookup != (h->purpose == ALMONER_LOOKUP))
		sim_fail(w, "saga %lld step %u: the intent and the request disagree on whether this is a look-up",
				 (long long)h->saga, h->step);
}

static bool same_step(const struct sink_request *a, const struct sink_request *b)
{
	/* a look-up uses the key of the do, so the purpose is not compared */
	return a->saga == b->saga && a->step == b->step && a->direction == b->direction &&
		   a->generation == b->generation;
}

/* Compares two requests with the same key: one key stands for one effect with one body, and an unsafe effect is
 * not repeated once it may have happened. */
static void check_against(struct simulation *w, const struct sink_request *h, const struct sink_request *o)
{
	if (!same_step(h, o))
		sim_fail(w, "sagas %lld and %lld share the key %s", (long long)h->saga, (long long)o->saga, h->key);
	if (!h->effects || !o->effects)
		return;
	if (h->label != o->label)
		sim_fail(w, "saga %lld step %u: two different effects have the same key", (long long)h->saga,
				 h->step);
	if (w->targets[h->target].repeat == REPEAT_UNSAFE && o->possible_effect)
		sim_fail(w, "saga %lld step %u: an unsafe request is sent again although it may have taken effect",
				 (long long)h->saga, h->step);
	if (h->body != o->body && !o->lost)
		sim_fail(w, "saga %lld step %u: two requests have the same key and different bodies",
				 (long long)h->saga, h->step);
}

static bool first_of_attempt(const struct simulation *w, size_t index)
{
	const struct sink_request *h = &w->sink_requests[index];
	for (size_t i = 0; i < index; i++) {
		const struct sink_request *o = &w->sink_requests[i];
		if (same_step(h, o) && o->attempt == h->attempt)
			return false;
	}
	return true;
}

static void check_request(struct simulation *w, size_t index)
{
	const struct sink_request *h = &w->sink_requests[index];
	check_intent(w, h);
	for (size_t i = 0; i < index; i++) {
		if (strcmp(w->sink_requests[i].key, h->key) == 0)
			check_against(w, h, &w->sink_requests[i]);
	}
	if (w->targets[h->target].repeat == REPEAT_UNSAFE && h->effects && !h->fresh)
		sim_fail(w, "saga %lld step %u: an unsafe request uses a connection that was used before",
				 (long long)h->saga, h->step);
	if (w->log_replay->open_before[h->target] && first_of_attempt(w, index))
		sim_fail(w, "%s: an attempt began while its breaker was open", w->targets[h->target].name);
}

/* ---- after every event ---- */

static void check_target(struct simulation *w, unsigned i)
{
	struct log_replay *f = w->log_replay;
	struct engine_target_status s;
	if (cell_target_status(w->cell, w->targets[i].id, &s, 1) != 1) {
		f->open_before[i] = false;
		return;
	}
	uint32_t limit = w->targets[i].config.in_flight;
	f->limit_seen[i] = limit > f->limit_seen[i] ? limit : f->limit_seen[i];
	if (w->targets[i].open_attempts > f->limit_seen[i] || s.in_flight > f->limit_seen[i])
		sim_fail(w, "%s: %u attempts and %u slots, the limit is %u", w->targets[i].name,
				 w->targets[i].open_attempts, s.in_flight, f->limit_seen[i]);
	bool cannot_start = s.paused || s.held || s.breaker == BREAKER_OPEN;
	if (cannot_start && s.window_works < f->window_before[i])
		coverage_point_hit(w->coverage, COVER_SPILLED);
	if (!cannot_start && s.rate_count > 0 && s.window_works > 0 && s.in_flight == 0)
		coverage_point_hit(w->coverage, COVER_RATE);
	f->window_before[i] = s.window_works;
	/* a held target gets its probe whatever the state of its breaker */
	f->open_before[i] = s.breaker == BREAKER_OPEN && !s.held;
}

/* Ready works take no more memory than allowed, for each target and for all together. */
static void check_windows(struct simulation *w)
{
	struct engine_target_status s;
	size_t total = 0;
	for (unsigned i = 0; i < SIM_TARGETS; i++) {
		size_t cap = w->targets[i].config.window_bytes;
		if (cell_target_status(w->cell, w->targets[i].id, &s, 1) != 1)
			continue;
		total += s.window_bytes;
		if (cap > 0 && s.window_bytes > cap)
			sim_fail(w, "%s: %zu bytes in its window, %zu are allowed", s.name, (size_t)s.window_bytes, cap);
	}
	if (w->clients.window_total_bytes > 0 && total > w->clients.window_total_bytes)
		sim_fail(w, "%zu bytes in all windows, %zu are allowed", total, w->clients.window_total_bytes);
}

void check_after(struct simulation *w)
{
	struct journal_counts counts = process_counts(w);
	int64_t sum = counts.related;
	for (unsigned i = 0; i < SAGA_STATE_COUNT; i++)
		sum += counts.sagas[i];
	if (counts.accepted != sum)
		sim_fail(w, "%lld events were accepted, but the states of sagas add up to %lld",
				 (long long)counts.accepted, (long long)sum);
	bool more = counts.commits != w->log_replay->commits_seen;
	w->log_replay->commits_seen = counts.commits;
	journal_counts_finish(&counts);
	for (; w->sink_requests_checked < w->sink_request_count; w->sink_requests_checked++)
		check_request(w, w->sink_requests_checked);
	if (more) {
		struct err err;
		log_replay_read(w);
		if (journal_audit(cell_journal(w->cell), &err) != 0)
			sim_fail(w, "%s", err.text);
	}
	for (unsigned i = 0; i < SIM_TARGETS; i++)
		check_target(w, i);
	check_windows(w);
	disk_check(w);
	clients_check(w);
}

/* ---- at rest ---- */

static bool something_is_due(const struct simulation *w)
{
	return w->tick_at_ms <= w->now_ms + 10 || w->pump_at_ms <= w->now_ms + 10;
}

/* A step that is running has a request on the network. */
static void check_calls(struct simulation *w, const struct replay_saga *s)
{
	for (unsigned i = 0; s->plan != NULL && i < s->plan->step_count; i++) {
		if (s->steps[i].open && network_calls_of(w, s->id, i) == 0)
			sim_fail(w, "saga %lld step %u: the step is running without a request on the network",
					 (long long)s->id, i);
	}
}

void check_at_rest(struct simulation *w)
{
	if (something_is_due(w))
		return;
	for (size_t k = 0; k < w->log_replay->count; k++)
		check_calls(w, w->log_replay->sagas[k]);
}

static bool at_rest(const struct replay_saga *s)
{
	if (saga_state_at_rest((enum saga_state)s->state)) {
		for (unsigned i = 0; s->plan != NULL && i < s->plan->step_count; i++) {
			if (s->steps[i].open)
				return false;
		}
		return true;
	}
	return s->state == SAGA_ATTENTION && s->plan == NULL; /* a related event whose gift never came */
}

bool check_all_at_rest(const struct simulation *w)
{
	for (size_t k = 0; k < w->log_replay->count; k++) {
		if (!at_rest(w->log_replay->sagas[k]))
			return false;
	}
	return true;
}

/* ---- the end ---- */

static void list_target_states(const struct simulation *w)
{
	struct engine_target_status s;
	for (unsigned i = 0; i < SIM_TARGETS; i++) {
		if (cell_target_status(w->cell, w->targets[i].id, &s, 1) == 1)
			fprintf(stderr,
					"  %s:%s%s breaker %s, in flight %u of %u, window %u, backlog %lld due in %lld ms\n",
					s.name, s.paused ? " paused" : "", s.held ? " held" : "", name_of_breaker(s.breaker),
					s.in_flight, s.in_flight_now, s.window_works, (long long)s.backlog,
					(long long)(s.next_due_ms - w->now_ms));
	}
}

static void report_stuck(const struct simulation *w)
{
	for (size_t k = 0; k < w->log_replay->count; k++) {
		const struct replay_saga *s = w->log_replay->sagas[k];
		if (at_rest(s))
			continue;
		fprintf(stderr, "saga %lld is %s\n", (long long)s->id, name_of_saga_state((enum saga_state)s->state));
		for (unsigned i = 0; s->plan != NULL && i < s->plan->step_count; i++)
			fprintf(stderr, "  step %u at %s: %s %s %s%s\n", i, w->targets[s->steps[i].target].name,
					name_of_direction((enum direction)s->steps[i].direction),
					name_of_step_state((enum step_state)s->steps[i].state),
					name_of_reason((enum reason)s->steps[i].reason), s->steps[i].open ? " (open)" : "");
	}
}

/* A step that succeeded by an outcome, and not by an operator's verb, has taken effect at its sink. */
static void check_effects(struct simulation *w, const struct replay_saga *s)
{
	for (unsigned i = 0; s->plan != NULL && i < s->plan->step_count; i++) {
		const struct replay_step *st = &s->steps[i];
		if (st->ok_generation[DIRECTION_DO] == 0)
			continue;
		bool found = false;
		for (size_t k = 0; k < w->effect_count; k++)
			found |= w->effects[k].saga == s->id && w->effects[k].step == i && w->effects[k].applied > 0;
		if (!found)
			sim_fail(w, "saga %lld step %u: the step succeeded, but its sink has no effect of it",
					 (long long)s->id, i);
	}
}

static void report_line(void *ctx, const char *line)
{
	fprintf(stderr, "verify: %s\n", line);
	(void)ctx;
}

static void check_counts(struct simulation *w)
{
	struct journal_counts counts = process_counts(w);
	int64_t by_state[SAGA_STATE_COUNT] = { 0 };
	for (size_t k = 0; k < w->log_replay->count; k++)
		by_state[w->log_replay->sagas[k]->state]++;
	for (unsigned i = 0; i < SAGA_STATE_COUNT; i++) {
		if (counts.sagas[i] != by_state[i])
			sim_fail(w, "the figures count %lld sagas as %s, but the log has %lld",
					 (long long)counts.sagas[i], name_of_saga_state((enum saga_state)i),
					 (long long)by_state[i]);
	}
	journal_counts_finish(&counts);
}

void check_end(struct simulation *w)
{
	report_stuck(w);
	if (!check_all_at_rest(w))
		list_target_states(w);
	for (size_t k = 0; k < w->log_replay->count; k++)
		check_effects(w, w->log_replay->sagas[k]);
	check_counts(w);
	int64_t findings = 0;
	struct err err;
	if (w->reader.verify(w->reader.ctx, w, report_line, &findings, &err) != 0 || findings != 0)
		sim_fail(w, "the log does not verify: %lld findings", (long long)findings);
}
