#include <stdio.h>
#include <string.h>

#include "gateway/engine/engine_internal.h"
#include "saga/base/check.h"
#include "saga/base/mem.h"

#define CLAIM_PAUSE_FIRST_MS 20
#define CLAIM_PAUSE_CAP_MS   5000

/* ---- targets ---- */

static void no_answer(void *ctx, const struct verb_result *result)
{
	(void)ctx, (void)result;
}

void receive_release(struct engine *e, struct engine_target *t, const char *note)
{
	/* a journal that is closed releases nothing any more, and needs not: the next start reads the log */
	if (journal_target_act(e->journal, t->name, TARGET_RELEASE, "almoner", note, NULL, no_answer) != 0)
		engine_say(e, ENGINE_WARNING, t, "the log takes no more records; the target stays held");
}

/* ---- works ---- */

static bool is_attempt(const struct engine *e, const struct work *w)
{
	return w->engine != NULL && w->engine != &e->mark_asked && w->engine != &e->mark_probe;
}

static void ready(struct engine *e, struct engine_target *t, struct work *w)
{
	bool unusable = e->draining || (t != NULL && target_shut(t) && !t->probe_reserved);
	if (t == NULL || (w->slot && unusable)) {
		if (t != NULL)
			target_unreserve(t, e->gates, 1);
		journal_spill(e->journal, w);
	} else if (w->slot) {
		dispatch_ask(e, t, w);
	} else {
		STAILQ_INSERT_TAIL(&t->ready, w, link);
		t->ready_count++;
	}
}

static void gone(struct engine *e, struct engine_target *t, struct work *w)
{
	if (is_attempt(e, w)) {
		attempt_answer(w->engine, ATTEMPT_GONE, w);
		return;
	}
	if (t != NULL) {
		target_unreserve(t, e->gates, 1);
		if (w->engine == &e->mark_probe)
			t->probe_reserved = false;
	}
	work_destroy(w);
}

static void receive_work(struct engine *e, struct work *w)
{
	struct engine_target *t = engine_find(e, w->target);
	switch (w->kind) {
	case WORK_START:
		carry_start(e, t, w);
		break;
	case WORK_READY:
		ready(e, t, w);
		break;
	case WORK_CHECKPOINTED:
		assert(is_attempt(e, w));
		attempt_answer(w->engine, ATTEMPT_CHECKPOINTED, w);
		break;
	case WORK_GONE:
		gone(e, t, w);
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

static void claim_done(struct engine *e, struct engine_target *t, uint32_t granted)
{
	assert(granted <= t->claimed);
	target_unreserve(t, e->gates, t->claimed - granted);
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

static void state_changed(struct engine *e, struct engine_target *t, const struct target_state *state)
{
	bool barred = target_barred(t);
	if (!t->told && state->breaker_away)
		dispatch_breaker(e, t, BREAKER_LEFT_OPEN);
	bool newly_held = state->held && !t->held;
	bool at_start = !t->told;
	t->told = true;
	t->paused = state->paused;
	t->held = state->held;
	(void)snprintf(t->held_reason, sizeof t->held_reason, "%s", state->held ? state->held_reason : "");
	t->credentials = state->held && strncmp(state->held_reason, "credentials", 11) == 0;
	/* a start may well be the mended configuration: the first question comes at once */
	if (newly_held)
		t->probe_at_ms = e->now_ms + (at_start ? 0 : t->config.probe_ms);
	if (!state->held)
		t->probe_reserved = false;
	if (barred && !target_barred(t)) {
		target_revised(t);
		dispatch_release(e, t);
		dispatch_breaker(e, t, BREAKER_RETRY_NOW);
	}
}

static void receive_one(struct engine *e, struct engine_target *t, const struct target_news *news)
{
	bool moved = t->backlog != news->backlog || t->next_due_ms != news->next_due_ms;
	t->backlog = news->backlog;
	t->next_due_ms = news->next_due_ms;
	if (news->claim_done)
		claim_done(e, t, news->claim_granted);
	else if (moved)
		t->claim_not_before_ms = e->now_ms;
	if (news->state_changed)
		state_changed(e, t, &news->state);
	t->start_at_ms = 0;
	t->dirty = true;
}

/* What is known of a target may come before its settings: the last of it is kept, with what must not be lost.
 */
static void keep_early(struct engine *e, const struct target_news *news)
{
	struct target_news *kept = NULL;
	for (size_t i = 0; i < e->early_count; i++)
		kept = e->early[i].target == news->target ? &e->early[i] : kept;
	if (kept == NULL) {
		if (e->early_count == e->early_room) {
			e->early_room = e->early_room * 2 + 4;
			e->early = mem_grow(e->early, e->early_room * sizeof *e->early);
		}
		kept = &e->early[e->early_count++];
		*kept = *news;
		return;
	}
	kept->backlog = news->backlog;
	kept->next_due_ms = news->next_due_ms;
	if (news->state_changed) {
		kept->state_changed = true;
		kept->state = news->state;
	}
}

static void take_early(struct engine *e, struct engine_target *t)
{
	for (size_t i = 0; i < e->early_count; i++) {
		if (e->early[i].target != t->id)
			continue;
		struct target_news news = e->early[i];
		e->early[i] = e->early[--e->early_count];
		news.claim_done = false;
		receive_one(e, t, &news);
		return;
	}
}

void receive_news(struct engine *e, const struct target_news *news, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct engine_target *t = engine_find(e, news[i].target);
		if (t != NULL)
			receive_one(e, t, &news[i]);
		else
			keep_early(e, &news[i]);
	}
}

/* ---- targets ---- */

static void adopt(struct engine *e, const struct engine_target_config *config)
{
	struct engine_target *t = engine_find(e, config->id);
	if (t == NULL) {
		t = target_create(config, e->now_ms);
		gates_add(e->gates, config->id, config->name);
		TAILQ_INSERT_TAIL(&e->targets, t, link);
		take_early(e, t);
		return;
	}
	/* not the port: a reload opens every connector anew */
	bool was_paused = t->config.paused;
	bool changed = memcmp(t->config.digest, config->digest, DIGEST_BYTES) != 0;
	target_configure(t, config);
	gates_add(e->gates, config->id, config->name);
	if (!changed || e->journal == NULL)
		return;
	target_revised(t);
	if (was_paused && !t->config.paused)
		dispatch_release(e, t);
	if (t->held)
		receive_release(e, t, "its settings were changed");
	dispatch_breaker(e, t, BREAKER_RETRY_NOW);
}

static void receive_set(struct engine *e, const struct target_set *set)
{
	struct engine_target *t;
	TAILQ_FOREACH(t, &e->targets, link)
	t->removed = t->dirty = true;
	for (size_t i = 0; i < set->count; i++)
		adopt(e, &set->targets[i]);
}

void receive_targets(struct engine *e, const struct inbox_content *in)
{
	const struct target_set *set;
	STAILQ_FOREACH(set, &in->sets, link)
	receive_set(e, set);
}
