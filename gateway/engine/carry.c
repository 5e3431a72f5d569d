#include <stdio.h>

#include "gateway/engine/engine_internal.h"
#include "saga/base/check.h"

#define ATTEMPT_TIMEOUTS 4 /* a whole attempt may take this many exchange time-outs */

/* ---- beginning ---- */

static void not_started(struct engine *e, struct engine_target *t, struct work *w)
{
	if (t != NULL) {
		gates_count_unused(e->gates, t->id);
		rate_give_back(&t->rate, &t->config.rate, 1);
		breaker_unreserve(&t->breaker, 1);
	}
	w->engine = NULL;
	journal_not_started(e->journal, w);
}

static int64_t attempt_span_ms(const struct engine_target *t)
{
	const int64_t most = (int64_t)24 * 3600 * 1000;
	int64_t exchange = t->config.timeout_ms > 0 ? t->config.timeout_ms : 30000;
	return exchange < most / ATTEMPT_TIMEOUTS ? exchange * ATTEMPT_TIMEOUTS : most;
}

static void begin(struct engine *e, struct engine_target *t, struct work *w, struct target_start start)
{
	struct attempt_settings settings = {
		.target = t->id,
		.repeat = t->config.repeat,
		.limits = { .connect_timeout_ms = t->config.connect_timeout_ms,
					.timeout_ms = t->config.timeout_ms,
					.reply_cap_bytes = t->config.reply_cap_bytes },
		.deadline_ms = e->now_ms + attempt_span_ms(t),
		.wall_ms = engine_wall(e),
	};
	w->engine = NULL;
	struct attempt *a = attempt_create(&e->host, &t->port->port, &settings, w);
	a->owner = port_ref(t->port);
	a->epoch = t->breaker.epoch;
	a->revision = t->revision;
	a->counted = start.counted;
	a->probe = start.probe;
	TAILQ_INSERT_TAIL(&t->attempts, a, link);
	e->under_way++;
	if (settings.deadline_ms < t->deadline_ms)
		t->deadline_ms = settings.deadline_ms;
	attempt_begin(a);
}

void carry_start(struct engine *e, struct engine_target *t, struct work *w)
{
	if (t == NULL || e->draining) {
		not_started(e, t, w);
		return;
	}
	struct target_start start = target_begin(t);
	if (start.allowed)
		begin(e, t, w, start);
	else
		not_started(e, t, w);
}

/* ---- on the way ---- */

void carry_checkpoint(void *ctx, struct attempt *a, struct str bytes)
{
	struct engine *e = ctx;
	struct work *w = attempt_take_work(a);
	w->engine = a;
	journal_checkpoint(e->journal, w, bytes);
}

bool carry_sending(void *ctx, struct attempt *a)
{
	struct engine *e = ctx;
	return journal_sending(e->journal, a->work, a->outcome.body) == 0;
}

void carry_ended(void *ctx, struct attempt *a, const struct outcome *outcome)
{
	(void)outcome; /* stays in the attempt until carry_report */
	struct engine *e = ctx;
	struct engine_target *t = engine_find(e, a->settings.target);
	assert(t != NULL && e->under_way > 0);
	TAILQ_REMOVE(&t->attempts, a, link);
	TAILQ_INSERT_TAIL(&e->ended, a, link);
	e->under_way--;
}

void carry_expire(struct engine *e, struct engine_target *t)
{
	struct attempt *next = TAILQ_FIRST(&t->attempts);
	t->deadline_ms = INT64_MAX;
	while (next != NULL) {
		struct attempt *a = next;
		next = TAILQ_NEXT(a, link);
		if (a->settings.deadline_ms <= e->now_ms) {
			a->settings.deadline_ms = INT64_MAX; /* while checkpointing it ends with the journal's answer */
			attempt_stop(a, ATTEMPT_EXPIRED);
		} else if (a->settings.deadline_ms < t->deadline_ms) {
			t->deadline_ms = a->settings.deadline_ms;
		}
	}
}

void carry_cut_all(struct engine *e)
{
	e->cut = true;
	struct engine_target *t;
	TAILQ_FOREACH(t, &e->targets, link)
	{
		struct attempt *next = TAILQ_FIRST(&t->attempts);
		while (next != NULL) {
			struct attempt *a = next;
			next = TAILQ_NEXT(a, link);
			attempt_stop(a, ATTEMPT_CUT);
		}
	}
}

/* ---- the outcome ---- */

static void report_one(struct engine *e, struct engine_target *t, struct attempt *a)
{
	struct judgement j = judge(t, a, e->cut, e->now_ms);
	struct gate_sample sample = { .result = a->outcome.result,
								  .duration_ms = a->outcome.duration_ms,
								  .exchanges = a->exchanges,
								  .now_ms = e->now_ms,
								  .detail = a->outcome.detail };
	gates_count(e->gates, t->id, &sample);
	if (j.release)
		receive_release(e, t, "a step was taken: the target answers again");
	if (j.hold[0] != '\0') {
		engine_say(e, ENGINE_WARNING, t,
				   j.credentials ? "held: its credentials are refused" : "held: it looks misconfigured");
	}
	struct work *w = attempt_take_work(a);
	journal_outcome(e->journal, w, &a->outcome, j.hold[0] != '\0' ? j.hold : NULL);
	dispatch_breaker(e, t, j.signal);
}

static void note_trouble(struct engine *e, struct engine_target *t, const struct attempt *a)
{
	bool fine = a->outcome.result == OUTCOME_OK || a->outcome.result == OUTCOME_ABSENT;
	if (fine || (t->logged_ms != 0 && e->now_ms - t->logged_ms < ENGINE_LOG_EVERY_MS))
		return;
	t->logged_ms = e->now_ms;
	char text[160];
	(void)snprintf(text, sizeof text, "saga %lld: an attempt ended as %s (status %u)", (long long)a->saga,
				   outcome_name(a->outcome.result), (unsigned)a->outcome.status);
	engine_say(e, ENGINE_WARNING, t, text);
}

static void settle(struct engine *e, struct attempt *a)
{
	struct engine_target *t = engine_find(e, a->settings.target);
	assert(t != NULL);
	if (a->counted)
		breaker_end(&t->breaker, a->epoch);
	if (a->exchanges > 1)
		rate_take(&t->rate, &t->config.rate, e->now_ms, a->exchanges - 1);
	if (a->outcome.result == OUTCOME_NONE) {
		gates_give_slots(e->gates, t->id, 1); /* the step moved on under it: nothing to report */
		journal_sending_over(e->journal, a->work);
	} else {
		report_one(e, t, a);
		note_trouble(e, t, a);
	}
	t->start_at_ms = 0;
	struct engine_port *port = a->owner;
	attempt_destroy(a);
	port_unref(port);
}

void carry_report(struct engine *e)
{
	struct attempt *a;
	while ((a = TAILQ_FIRST(&e->ended)) != NULL) {
		TAILQ_REMOVE(&e->ended, a, link);
		settle(e, a);
	}
}
