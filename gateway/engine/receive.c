/* Takes in what the inbox holds: works and answers of the journal, news of targets, and new sets of
 * targets. */
#include <string.h>

#include "gateway/engine/engine_internal.h"
#include "saga/base/array.h"
#include "saga/base/check.h"
#include "saga/journal/engine_port.h"
#include "saga/journal/operator_port.h"

/* After a claim that granted nothing, the next one waits, at most CLAIM_PAUSE_CAP_MS. Chosen, no
 * measurement. */
#define CLAIM_PAUSE_FIRST_MS 20
#define CLAIM_PAUSE_CAP_MS   5000

/* ---- works ---- */

static bool is_attempt(const struct engine *e, const struct work *w)
{
	return w->engine != NULL && w->engine != &e->mark_start && w->engine != &e->mark_probe;
}

/* A work with a slot was claimed from disk and starts now; one without a slot waits in memory. A work that
 * cannot start goes back to disk, where an operator and the next start see it. */
static void ready(struct engine *e, struct engine_target *t, struct work *w)
{
	bool unusable = e->draining || (t != NULL && target_cannot_start(t) && !t->probe_reserved);
	if (t == NULL || (w->slot && unusable)) {
		if (t != NULL)
			target_unreserve(t, e->admission, 1);
		journal_spill(e->journal, w);
	} else if (w->slot) {
		dispatch_request_start(e, t, w);
	} else {
		STAILQ_INSERT_TAIL(&t->ready, w, link);
		t->ready_count++;
	}
}

/* The step must not run now, for example because an operator or its saga's failure policy stopped it. */
static void work_gone(struct engine *e, struct engine_target *t, struct work *w)
{
	if (is_attempt(e, w)) {
		attempt_answer(w->engine, ATTEMPT_GONE, w);
		return;
	}
	if (t != NULL) {
		target_unreserve(t, e->admission, 1);
		if (w->engine == &e->mark_probe)
			t->probe_reserved = false;
	}
	work_destroy(w);
}

/* WORK_CHECKPOINTED and, for an attempt, WORK_GONE answer an attempt that waits; the others are about no
 * attempt yet. */
static void receive_work(struct engine *e, struct work *w)
{
	struct engine_target *t = engine_find_target(e, w->target);
	switch (w->kind) {
	case WORK_START:
		delivery_start(e, t, w);
		break;
	case WORK_READY:
		ready(e, t, w);
		break;
	case WORK_CHECKPOINTED:
		assert(is_attempt(e, w));
		attempt_answer(w->engine, ATTEMPT_CHECKPOINTED, w);
		break;
	case WORK_GONE:
		work_gone(e, t, w);
		break;
	}
}

void receive_works(struct engine *e, struct work_list *works)
{
	while (!STAILQ_EMPTY(works)) {
		struct work *w = STAILQ_FIRST(works);
		STAILQ_REMOVE_HEAD(works, link);
		receive_work(e, w);
	}
}

/* ---- news ---- */

/* Gives back the slots that the claim did not use. Without the growing pause a claim that finds nothing
 * would be repeated in each tick. */
static void claim_done(struct engine *e, struct engine_target *t, uint32_t granted)
{
	assert(granted <= t->claimed);
	target_unreserve(t, e->admission, t->claimed - granted);
	t->claimed = 0;
	t->claim_pause_ms = granted > 0              ? 0
						: t->claim_pause_ms == 0 ? CLAIM_PAUSE_FIRST_MS
												 : t->claim_pause_ms * 2;
	if (t->claim_pause_ms > CLAIM_PAUSE_CAP_MS)
		t->claim_pause_ms = CLAIM_PAUSE_CAP_MS;
	t->claim_not_before_ms = e->now_ms + t->claim_pause_ms;
	if (granted == 0)
		t->probe_reserved = false;
}

/* The journal reports a target's state at its first news, and when an operator or an outcome has changed
 * it. */
static void state_changed(struct engine *e, struct engine_target *t, const struct target_state *state)
{
	bool was_blocked = target_blocked_by_operator(t);
	if (!t->state_known && state->breaker_not_closed)
		target_event_breaker(e, t, BREAKER_LEFT_OPEN);
	bool newly_held = state->held && !t->held;
	bool at_start = !t->state_known;
	t->state_known = true;
	t->paused = state->paused;
	t->held = state->held;
	t->hold = state->hold;
	/* The operator may have restarted the daemon after a fix of the credentials: then the first probe goes
	 * out at once. */
	if (newly_held)
		t->probe_at_ms = e->now_ms + (at_start ? 0 : t->config.probe_ms);
	if (!state->held)
		t->probe_reserved = false;
	if (was_blocked && !target_blocked_by_operator(t)) {
		target_bump_revision(t);
		target_event_unblocked(e, t);
		target_event_breaker(e, t, BREAKER_RETRY_NOW);
	}
}

static void apply_news(struct engine *e, struct engine_target *t, const struct target_news *news)
{
	bool backlog_changed = t->backlog != news->backlog || t->next_due_ms != news->next_due_ms;
	t->backlog = news->backlog;
	t->next_due_ms = news->next_due_ms;
	if (news->claim_done)
		claim_done(e, t, news->claim_granted);
	else if (backlog_changed)
		t->claim_not_before_ms = e->now_ms;
	if (news->state_changed)
		state_changed(e, t, &news->state);
	t->start_at_ms = 0;
	t->dirty = true;
}

/* The news of a target may arrive before its settings. The latest numbers are kept; a state that was
 * reported earlier is kept too, unless a newer state arrives. */
static void keep_pending_news(struct engine *e, const struct target_news *news)
{
	struct target_news *pending = NULL;
	for (size_t i = 0; i < e->pending_count; i++)
		pending = e->pending_news[i].target == news->target ? &e->pending_news[i] : pending;
	if (pending == NULL) {
		ARRAY_GROW(e->pending_news, e->pending_count, e->pending_cap);
		pending = &e->pending_news[e->pending_count++];
		*pending = *news;
		return;
	}
	pending->backlog = news->backlog;
	pending->next_due_ms = news->next_due_ms;
	if (news->state_changed) {
		pending->state_changed = true;
		pending->state = news->state;
	}
}

static void apply_pending_news(struct engine *e, struct engine_target *t)
{
	for (size_t i = 0; i < e->pending_count; i++) {
		if (e->pending_news[i].target != t->id)
			continue;
		struct target_news news = e->pending_news[i];
		e->pending_news[i] = e->pending_news[--e->pending_count];
		news.claim_done = false;
		apply_news(e, t, &news);
		return;
	}
}

void receive_news(struct engine *e, const struct target_news *news, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct engine_target *t = engine_find_target(e, news[i].target);
		if (t != NULL)
			apply_news(e, t, &news[i]);
		else
			keep_pending_news(e, &news[i]);
	}
}

/* ---- targets ---- */

/* A reload opens every connector anew, so only the digest of the settings tells whether the operator
 * changed something. Without a journal (see adopt_remaining in engine.c) only the port is taken over. */
static void adopt_target(struct engine *e, const struct engine_target_config *config)
{
	struct engine_target *t = engine_find_target(e, config->id);
	if (t == NULL) {
		t = target_create(config, e->now_ms);
		admission_add(e->admission, config->id, config->name);
		TAILQ_INSERT_TAIL(&e->targets, t, link);
		apply_pending_news(e, t);
		return;
	}
	bool was_paused = t->config.paused;
	bool changed = memcmp(t->config.digest, config->digest, DIGEST_BYTES) != 0;
	target_configure(t, config);
	admission_add(e->admission, config->id, config->name);
	if (!changed || e->journal == NULL)
		return;
	target_bump_revision(t);
	if (was_paused && !t->config.paused)
		target_event_unblocked(e, t);
	if (t->held)
		target_event_end_hold(e, t, "the target's settings were changed");
	target_event_breaker(e, t, BREAKER_RETRY_NOW);
}

static void adopt_set(struct engine *e, const struct target_set *set)
{
	struct engine_target *t;
	TAILQ_FOREACH(t, &e->targets, link)
	t->removed = t->dirty = true;
	for (size_t i = 0; i < set->count; i++)
		adopt_target(e, &set->targets[i]);
}

void receive_targets(struct engine *e, const struct inbox_content *in)
{
	const struct target_set *set;
	STAILQ_FOREACH(set, &in->sets, link)
	adopt_set(e, set);
}
