#include "gateway/engine/judge.h"

#include <stdio.h>

/* Did the target look at our message with credentials it took? */
static bool accepted(const struct attempt *a)
{
	if (a->forbidden || a->refused || a->exchanges == 0)
		return false;
	switch (a->outcome.result) {
	case OUTCOME_OK:
	case OUTCOME_EXISTS:
	case OUTCOME_REJECTED:
	case OUTCOME_ABSENT:
		return true;
	case OUTCOME_NONE:
	case OUTCOME_UNREACHABLE:
	case OUTCOME_BUSY:
	case OUTCOME_UNKNOWN:
	case OUTCOME_DENIED:
	case OUTCOME_FAULT:
	case OUTCOME_BODY_CHANGED:
	case OUTCOME_COUNT:
		break;
	}
	return false;
}

static void turn_forbidden(struct engine_target *t, struct attempt *a, bool old)
{
	static const enum outcome_class results[] = { [FORBIDDEN_WAIT] = OUTCOME_BUSY,
												  [FORBIDDEN_DENIED] = OUTCOME_DENIED,
												  [FORBIDDEN_REJECTED] = OUTCOME_REJECTED };
	if (old) {
		a->outcome.result = OUTCOME_DENIED; /* asked again by what holds now */
		return;
	}
	a->outcome.result = results[forbidden_seen(&t->forbidden, a->saga, a->ref.step, t->held)];
	if (a->outcome.result == OUTCOME_BUSY)
		a->outcome.retry_after_ms = FORBIDDEN_WAIT_MS;
}

static void hold(struct engine_target *t, struct judgement *j, const struct attempt *a, const char *why,
				 int64_t probe_at_ms)
{
	(void)snprintf(j->hold, sizeof j->hold, "%s: %.150s", why,
				   a->detail[0] != '\0' ? a->detail : "no details");
	t->held = true; /* at once; the journal's news will say the same */
	t->credentials = j->credentials;
	t->probe_at_ms = probe_at_ms;
	(void)snprintf(t->held_reason, sizeof t->held_reason, "%s", j->hold);
	t->dirty = true;
}

/* Two 403 are weaker evidence than a 401: a third step is asked soon. */
static int64_t first_probe_ms(const struct engine_target *t, const struct attempt *a)
{
	int64_t probe_ms = t->config.probe_ms;
	return a->forbidden && FORBIDDEN_WAIT_MS < probe_ms ? FORBIDDEN_WAIT_MS : probe_ms;
}

static void judge_hold(struct engine_target *t, struct judgement *j, const struct attempt *a, int64_t now_ms)
{
	enum outcome_class result = a->outcome.result;
	if (result == OUTCOME_OK || result == OUTCOME_EXISTS) {
		streak_clear(&t->streak);
	} else if (t->held) {
		return; /* the first reason stands; others that were under way say it again */
	} else if (result == OUTCOME_DENIED) {
		j->credentials = true;
		hold(t, j, a, "credentials", now_ms + first_probe_ms(t, a));
	} else if (result == OUTCOME_REJECTED && streak_rejected(&t->streak, a->saga)) {
		hold(t, j, a, "looks misconfigured: 20 different events in a row were rejected, the last one",
			 now_ms);
	}
}

static enum breaker_signal signal_of(const struct attempt *a, bool cut)
{
	if (cut || a->refused || a->exchanges == 0)
		return BREAKER_NEUTRAL;
	if (a->forbidden)
		return BREAKER_HEALTH;
	return breaker_signal_of(a->outcome.result);
}

struct judgement judge(struct engine_target *t, struct attempt *a, bool cut, int64_t now_ms)
{
	struct judgement j = { .signal = signal_of(a, cut) };
	if (a->epoch != t->breaker.epoch)
		j.signal = BREAKER_NEUTRAL; /* it began in another time */
	if (j.signal == BREAKER_HEALTH)
		window_widen(&t->window, t->config.in_flight);
	else if (j.signal == BREAKER_BUSY)
		window_narrow(&t->window, now_ms, a->outcome.retry_after_ms);
	bool old = a->revision != t->revision;
	j.release = t->held && a->probe && !old && accepted(a);
	if (a->forbidden)
		turn_forbidden(t, a, old);
	else if (!old)
		forbidden_answered(&t->forbidden, a->saga, a->ref.step, accepted(a));
	if (!old)
		judge_hold(t, &j, a, now_ms);
	return j;
}
