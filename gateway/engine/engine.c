#include "gateway/engine/engine.h"

#include <stdlib.h>

#include "gateway/engine/engine_internal.h"
#include "saga/base/check.h"
#include "saga/base/mem.h"

/* The longest wait for the journal's answers after a drain has cut off all attempts. Chosen. */
#define DRAIN_GRACE_MS 2000

/* ---- life ---- */

static int64_t host_now(void *ctx)
{
	return engine_now_ms(ctx);
}

struct engine *engine_create(const struct engine_options *options)
{
	struct engine *e = mem_zalloc(sizeof *e);
	e->options = *options;
	e->host = (struct attempt_host){
		e, options->transport, host_now, delivery_checkpoint, delivery_record_inflight, delivery_attempt_ended
	};
	e->admission = admission_create(options->window_total_bytes);
	inbox_init(&e->inbox);
	TAILQ_INIT(&e->targets);
	TAILQ_INIT(&e->ended);
	return e;
}

void engine_set_journal(struct engine *e, struct journal *journal)
{
	assert(e->journal == NULL && journal != NULL);
	e->journal = journal;
}

static void drop_attempts(struct attempt_list *list)
{
	struct attempt *a;
	while ((a = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, a, link);
		struct target_port *port = a->owner;
		attempt_destroy(a);
		target_port_unref(port);
	}
}

static void drop_works(struct work_list *list)
{
	while (!STAILQ_EMPTY(list)) {
		struct work *w = STAILQ_FIRST(list);
		STAILQ_REMOVE_HEAD(list, link);
		work_destroy(w);
	}
}

static void drop_attempts_under_way(struct engine *e)
{
	struct engine_target *t;
	TAILQ_FOREACH(t, &e->targets, link)
	drop_attempts(&t->attempts);
	e->active_attempts = 0;
}

/* Sets of targets that no tick has taken over hold ports, and these must be released like all others. */
static void adopt_remaining(struct engine *e)
{
	struct inbox_content in;
	e->journal = NULL;
	inbox_take(&e->inbox, &in);
	receive_targets(e, &in);
	inbox_content_free(&in);
}

/* Clears e->journal first, so that nothing below reports to the journal. */
void engine_destroy(struct engine *e)
{
	if (e == NULL)
		return;
	adopt_remaining(e);
	drop_attempts(&e->ended);
	drop_attempts_under_way(e);
	struct engine_target *t;
	while ((t = TAILQ_FIRST(&e->targets)) != NULL) {
		TAILQ_REMOVE(&e->targets, t, link);
		drop_works(&t->ready);
		target_destroy(t);
	}
	free(e->pending_news);
	inbox_finish(&e->inbox);
	admission_destroy(e->admission);
	free(e);
}

static void wake(struct engine *e, bool needed)
{
	if (needed && e->options.wake != NULL)
		e->options.wake(e->options.wake_ctx);
}

/* ---- from other threads ---- */

void engine_set_targets(struct engine *e, const struct engine_target_config *targets, size_t count)
{
	wake(e, inbox_set_targets(&e->inbox, targets, count));
}

enum admission engine_admit(void *ctx, uint32_t target, size_t bytes, bool may_start_in_commit)
{
	struct engine *e = ctx;
	return admission_decide(e->admission, target, bytes, may_start_in_commit);
}

size_t engine_capacity(void *ctx)
{
	struct engine *e = ctx;
	return admission_capacity(e->admission, e->options.clock.now_ms(e->options.clock.ctx));
}

void engine_deliver(void *ctx, const struct handout *handout)
{
	struct engine *e = ctx;
	wake(e, inbox_deliver(&e->inbox, handout));
}

size_t engine_status(struct engine *e, uint32_t id, struct engine_target_status *ret, size_t cap)
{
	return admission_status(e->admission, id, ret, cap);
}

/* ---- the tick ---- */

static void process_inbox(struct engine *e)
{
	struct inbox_content in;
	inbox_take(&e->inbox, &in);
	receive_targets(e, &in);
	receive_works(e, &in.works);
	receive_news(e, in.news, in.news_count);
	inbox_content_free(&in);
}

void engine_tick(struct engine *e)
{
	assert(e->journal != NULL);
	engine_now_ms(e); /* sets e->now_ms, which the rest of the tick uses */
	e->more_work = false;
	process_inbox(e);
	if (e->draining && !e->aborted && e->now_ms >= e->drain_until_ms)
		delivery_abort_all(e);
	delivery_report(e);
	dispatch_run(e);
	delivery_report(e); /* attempts that dispatch_run started and that ended without an exchange */
	e->now_known = e->wall_known = false;
}

/* When a drain needs the next tick: at its end, and once more when the wait for the journal is over. */
static int64_t drain_next_ms(const struct engine *e)
{
	int64_t grace_end_ms = e->drain_until_ms + DRAIN_GRACE_MS;
	if (e->draining && !e->aborted)
		return e->drain_until_ms;
	return e->aborted && e->now_ms < grace_end_ms ? grace_end_ms : INT64_MAX;
}

/* While draining only deadlines count: nothing else can start. */
int64_t engine_next_ms(struct engine *e)
{
	int64_t now = e->now_ms; /* of the last tick */
	if (e->more_work || !TAILQ_EMPTY(&e->ended))
		return 0;
	int64_t next = drain_next_ms(e);
	struct engine_target *t;
	TAILQ_FOREACH(t, &e->targets, link)
	{
		int64_t due_ms = e->draining ? t->deadline_ms : target_next_ms(t, now);
		if (due_ms < next)
			next = due_ms;
	}
	if (next == INT64_MAX)
		return -1;
	return next > now ? next - now : 0;
}

/* ---- drain ---- */

void engine_drain(struct engine *e, int64_t wait_ms)
{
	assert(wait_ms >= 0);
	if (e->draining)
		return;
	e->draining = true;
	e->drain_until_ms = engine_now_ms(e) + wait_ms;
	e->now_known = false;
	struct engine_target *t;
	TAILQ_FOREACH(t, &e->targets, link)
	dispatch_publish(e, t);
}

/* target_health_update, which the report calls, reads the time of the turn. */
void engine_abandon(struct engine *e)
{
	assert(e->journal != NULL);
	engine_now_ms(e);
	delivery_report(e);
	drop_attempts_under_way(e);
	e->journal = NULL;
}

bool engine_idle(const struct engine *e)
{
	if (e->active_attempts == 0 && TAILQ_EMPTY(&e->ended) && admission_slots(e->admission) == 0)
		return true;
	int64_t now = e->options.clock.now_ms(e->options.clock.ctx);
	return e->aborted && e->active_attempts == 0 && TAILQ_EMPTY(&e->ended) &&
		   now >= e->drain_until_ms + DRAIN_GRACE_MS;
}
