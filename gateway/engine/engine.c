#include "gateway/engine/engine.h"

#include <stdlib.h>

#include "gateway/engine/engine_internal.h"
#include "saga/base/check.h"
#include "saga/base/mem.h"

#define DRAIN_GRACE_MS 2000 /* for the journal's answers after everything was cut off */

/* ---- life ---- */

static int64_t host_now(void *ctx)
{
	return engine_now(ctx);
}

struct engine *engine_create(const struct engine_options *options)
{
	struct engine *e = mem_zalloc(sizeof *e);
	e->options = *options;
	e->host = (struct attempt_host){ e, options->transport, host_now, carry_checkpoint, carry_sending, carry_ended };
	e->gates = gates_create(options->window_total_bytes);
	inbox_init(&e->inbox);
	TAILQ_INIT(&e->targets);
	TAILQ_INIT(&e->ended);
	return e;
}

void engine_set_journal(struct engine *e, struct journal *journal)
{
	e->journal = journal;
}

static void drop_attempts(struct attempt_list *list)
{
	struct attempt *a;
	while ((a = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, a, link);
		struct engine_port *port = a->owner;
		attempt_destroy(a);
		port_unref(port);
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

/* Ports that were handed in and never adopted are ours all the same. */
static void adopt_the_last(struct engine *e)
{
	struct inbox_content in;
	e->journal = NULL;
	inbox_take(&e->inbox, &in);
	receive_targets(e, &in);
	inbox_content_free(&in);
}

void engine_destroy(struct engine *e)
{
	if (e == NULL)
		return;
	adopt_the_last(e);
	drop_attempts(&e->ended);
	struct engine_target *t;
	while ((t = TAILQ_FIRST(&e->targets)) != NULL) {
		TAILQ_REMOVE(&e->targets, t, link);
		drop_attempts(&t->attempts);
		drop_works(&t->ready);
		target_destroy(t);
	}
	free(e->early);
	inbox_finish(&e->inbox);
	gates_destroy(e->gates);
	free(e);
}

/* ---- small things ---- */

int64_t engine_now(struct engine *e)
{
	if (!e->now_known) {
		e->now_ms = e->options.clock.now_ms(e->options.clock.ctx);
		e->now_known = true;
	}
	return e->now_ms;
}

int64_t engine_wall(struct engine *e)
{
	if (!e->wall_known) {
		e->wall_ms = e->options.clock.wall_ms(e->options.clock.ctx);
		e->wall_known = true;
	}
	return e->wall_ms;
}

struct engine_target *engine_find(struct engine *e, uint32_t id)
{
	struct engine_target *t;
	TAILQ_FOREACH(t, &e->targets, link)
	{
		if (t->id == id)
			return t;
	}
	return NULL;
}

void engine_say(struct engine *e, enum engine_log_level level, const struct engine_target *t,
				const char *text)
{
	if (e->options.log.line != NULL)
		e->options.log.line(e->options.log.ctx, level, t != NULL ? t->name : "", text);
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

enum admit engine_admit(void *ctx, uint32_t target, size_t bytes, bool may_ride)
{
	struct engine *e = ctx;
	return gates_admit(e->gates, target, bytes, may_ride);
}

size_t engine_room(void *ctx)
{
	struct engine *e = ctx;
	return gates_room(e->gates, e->options.clock.now_ms(e->options.clock.ctx));
}

void engine_deliver(void *ctx, const struct delivery *delivery)
{
	struct engine *e = ctx;
	wake(e, inbox_deliver(&e->inbox, delivery));
}

size_t engine_status(struct engine *e, uint32_t id, struct engine_target_status *ret, size_t room)
{
	return gates_status(e->gates, id, ret, room);
}

/* ---- the tick ---- */

static void take_in(struct engine *e)
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
	(void)engine_now(e);
	e->more = false;
	take_in(e);
	if (e->draining && !e->cut && e->now_ms >= e->drain_until_ms)
		carry_cut_all(e);
	carry_report(e);
	dispatch_run(e);
	carry_report(e); /* what ended without an exchange */
	e->now_known = e->wall_known = false;
}

/* When draining moves on by time alone. */
static int64_t drain_next_ms(const struct engine *e)
{
	int64_t grace_ends = e->drain_until_ms + DRAIN_GRACE_MS;
	if (e->draining && !e->cut)
		return e->drain_until_ms;
	return e->cut && e->now_ms < grace_ends ? grace_ends : INT64_MAX;
}

int64_t engine_next_ms(struct engine *e)
{
	int64_t now = e->now_ms; /* of the tick just done */
	if (e->more || !TAILQ_EMPTY(&e->ended))
		return 0;
	int64_t next = drain_next_ms(e);
	struct engine_target *t;
	TAILQ_FOREACH(t, &e->targets, link)
	{
		int64_t at = e->draining ? t->deadline_ms : target_next_ms(t, now);
		if (at < next)
			next = at;
	}
	if (next == INT64_MAX)
		return -1;
	return next > now ? next - now : 0;
}

/* ---- the end ---- */

void engine_drain(struct engine *e, int64_t wait_ms)
{
	if (e->draining)
		return;
	e->draining = true;
	e->drain_until_ms = engine_now(e) + wait_ms;
	e->now_known = false;
	struct engine_target *t;
	TAILQ_FOREACH(t, &e->targets, link)
	dispatch_publish(e, t);
}

bool engine_idle(const struct engine *e)
{
	if (e->under_way == 0 && TAILQ_EMPTY(&e->ended) && gates_slots(e->gates) == 0)
		return true;
	int64_t now = e->options.clock.now_ms(e->options.clock.ctx);
	return e->cut && e->under_way == 0 && TAILQ_EMPTY(&e->ended) && now >= e->drain_until_ms + DRAIN_GRACE_MS;
}
