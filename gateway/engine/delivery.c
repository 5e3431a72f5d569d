/* Attempts from the permit to the report of their outcome. Knows each attempt of each target; attempt.c
 * knows one. */
#include <stdio.h>

#include "gateway/engine/engine_internal.h"
#include "saga/base/check.h"
#include "saga/journal/engine_port.h"

#define ATTEMPT_TIMEOUTS 4 /* the time-out of an attempt, in time-outs of one exchange; chosen */

/* ---- beginning ---- */

/* Closes a permit that may not be used any more. The journal writes `not_started`, so the intent leaves no
 * doubt. */
static void return_unused(struct engine *e, struct engine_target *t, struct work *w)
{
	if (t != NULL) {
		admission_count_unused(e->admission, t->id);
		rate_give_back(&t->rate, &t->config.rate, 1);
		breaker_unreserve(&t->breaker, 1);
	}
	w->engine = NULL;
	journal_not_started(e->journal, w);
}

static int64_t attempt_limit_ms(const struct engine_target *t)
{
	int64_t exchange = t->config.timeout_ms > 0 ? t->config.timeout_ms : 30000;
	return exchange < DAY_MS / ATTEMPT_TIMEOUTS ? exchange * ATTEMPT_TIMEOUTS : DAY_MS;
}

/* Notes in the attempt the breaker's epoch and the target's revision, so that the end of the attempt can
 * tell whether it still says something about the target. */
static void begin_attempt(struct engine *e, struct engine_target *t, struct work *w,
						  struct target_start start)
{
	struct attempt_settings settings = {
		.target = t->id,
		.repeat = t->config.repeat,
		.limits = { .connect_timeout_ms = t->config.connect_timeout_ms,
					.timeout_ms = t->config.timeout_ms,
					.reply_cap_bytes = t->config.reply_cap_bytes },
		.deadline_ms = e->now_ms + attempt_limit_ms(t),
		.wall_ms = engine_wall_ms(e),
	};
	w->engine = NULL;
	struct attempt *a = attempt_create(&e->host, &t->port->port, &settings, w);
	a->owner = target_port_ref(t->port);
	a->epoch = t->breaker.epoch;
	a->revision = t->revision;
	a->counted = start.counted;
	a->probe = start.probe;
	TAILQ_INSERT_TAIL(&t->attempts, a, link);
	e->active_attempts++;
	if (settings.deadline_ms < t->deadline_ms)
		t->deadline_ms = settings.deadline_ms;
	attempt_begin(a);
}

void delivery_start(struct engine *e, struct engine_target *t, struct work *w)
{
	if (t == NULL || e->draining) {
		return_unused(e, t, w);
		return;
	}
	struct target_start start = target_begin(t);
	if (start.allowed)
		begin_attempt(e, t, w, start);
	else
		return_unused(e, t, w);
}

/* ---- what an attempt asks for, and its deadline ---- */

void delivery_checkpoint(void *ctx, struct attempt *a, struct str bytes)
{
	struct engine *e = ctx;
	struct work *w = attempt_take_work(a);
	w->engine = a;
	journal_checkpoint(e->journal, w, bytes);
}

bool delivery_record_inflight(void *ctx, struct attempt *a)
{
	struct engine *e = ctx;
	return journal_record_inflight(e->journal, a->work, a->outcome.body) == 0;
}

void delivery_attempt_ended(void *ctx, struct attempt *a, const struct outcome *outcome)
{
	(void)outcome; /* delivery_report reads it from the attempt */
	struct engine *e = ctx;
	struct engine_target *t = engine_find_target(e, a->settings.target);
	assert(t != NULL && e->active_attempts > 0);
	TAILQ_REMOVE(&t->attempts, a, link);
	TAILQ_INSERT_TAIL(&e->ended, a, link);
	e->active_attempts--;
}

/* Ends the attempts whose deadline has passed and computes t->deadline_ms anew. An attempt that waits for
 * the journal gets no second deadline: it ends when the journal answers. */
void delivery_expire(struct engine *e, struct engine_target *t)
{
	struct attempt *next = TAILQ_FIRST(&t->attempts);
	t->deadline_ms = INT64_MAX;
	while (next != NULL) {
		struct attempt *a = next;
		next = TAILQ_NEXT(a, link);
		if (a->settings.deadline_ms <= e->now_ms) {
			a->settings.deadline_ms = INT64_MAX;
			attempt_stop(a, ATTEMPT_EXPIRED);
		} else if (a->settings.deadline_ms < t->deadline_ms) {
			t->deadline_ms = a->settings.deadline_ms;
		}
	}
}

void delivery_abort_all(struct engine *e)
{
	e->aborted = true;
	struct engine_target *t;
	TAILQ_FOREACH(t, &e->targets, link)
	{
		struct attempt *next = TAILQ_FIRST(&t->attempts);
		while (next != NULL) {
			struct attempt *a = next;
			next = TAILQ_NEXT(a, link);
			attempt_stop(a, ATTEMPT_ABORTED);
		}
	}
}

/* ---- the outcome ---- */

/* target_health_update comes first, because it may change the outcome's class. The journal gets the hold
 * in the same operation as the outcome, so one commit holds both. */
static void report_outcome(struct engine *e, struct engine_target *t, struct attempt *a)
{
	struct health_verdict verdict = target_health_update(t, a, e->aborted, e->now_ms);
	struct admission_sample sample = { .result = a->outcome.result,
									   .duration_ms = a->outcome.duration_ms,
									   .exchanges = a->exchanges,
									   .now_ms = e->now_ms,
									   .detail = a->outcome.detail };
	admission_count_attempt(e->admission, t->id, &sample);
	if (verdict.release)
		target_event_end_hold(e, t, "the target accepted a step, so its credentials work again");
	if (verdict.hold != HOLD_NONE) {
		engine_log_line(e, ENGINE_WARNING, t,
						verdict.hold == HOLD_CREDENTIALS ? "held: the target refuses our credentials"
														 : "held: the target looks misconfigured");
	}
	struct work *w = attempt_take_work(a);
	journal_outcome(e->journal, w, &a->outcome, verdict.hold != HOLD_NONE ? verdict.reason : NULL);
	target_event_breaker(e, t, verdict.signal);
}

static void log_failure(struct engine *e, struct engine_target *t, const struct attempt *a)
{
	bool succeeded = a->outcome.result == OUTCOME_OK || a->outcome.result == OUTCOME_ABSENT ||
					 a->outcome.result == OUTCOME_PARTIAL;
	if (succeeded || (t->logged_ms != 0 && e->now_ms - t->logged_ms < ENGINE_LOG_EVERY_MS))
		return;
	t->logged_ms = e->now_ms;
	char text[160];
	snprintf(text, sizeof text, "saga %lld: an attempt ended as %s (status %u)", (long long)a->saga,
			 name_of_outcome(a->outcome.result), (unsigned)a->outcome.status);
	engine_log_line(e, ENGINE_WARNING, t, text);
}

/* The target reported how many requests are left. From now on each start takes a token, so the journal's
 * thread must start nothing by itself: admission is closed to it before the attempts under way are counted.
 * */
static void take_rate_report(struct engine *e, struct engine_target *t, const struct attempt *a)
{
	uint32_t slots, works;
	if (a->rate.reset_ms <= 0)
		return;
	t->rules = target_rules(t, e->draining, e->now_ms);
	t->rules.slots_open = false;
	admission_set_rules(e->admission, t->id, &t->rules);
	admission_load(e->admission, t->id, &slots, &works);
	rate_report(&t->rate, &a->rate, slots, t->config.in_flight, e->now_ms);
}

/* Gives back what the attempt had: its place in the breaker, its slot, the port. */
static void finish_attempt(struct engine *e, struct attempt *a)
{
	struct engine_target *t = engine_find_target(e, a->settings.target);
	assert(t != NULL);
	if (a->counted)
		breaker_end(&t->breaker, a->epoch);
	rate_attempt_ended(&t->rate, &t->config.rate, e->now_ms, a->exchanges);
	if (a->outcome.result == OUTCOME_NONE) {
		admission_release_slots(e->admission, t->id, 1); /* ATTEMPT_GONE: there is no outcome to report */
		journal_clear_inflight(e->journal, a->work);
	} else {
		report_outcome(e, t, a);
		take_rate_report(e, t, a);
		log_failure(e, t, a);
	}
	t->start_at_ms = 0;
	struct target_port *port = a->owner;
	attempt_destroy(a);
	target_port_unref(port);
}

void delivery_report(struct engine *e)
{
	struct attempt *a;
	while ((a = TAILQ_FIRST(&e->ended)) != NULL) {
		TAILQ_REMOVE(&e->ended, a, link);
		finish_attempt(e, a);
	}
}
