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

static void turn_forbidden(struct engine_target *t, struct attempt *a)
{
	if (t->held) { /* the next probe shall be another step: perhaps it is only this one */
		a->outcome.result = OUTCOME_BUSY;
		a->outcome.retry_after_ms = 2 * t->config.probe_ms;
		return;
	}
	switch (forbidden_seen(&t->forbidden, a->saga, a->ref.step)) {
	case FORBIDDEN_WAIT:
		a->outcome.result = OUTCOME_BUSY;
		a->outcome.retry_after_ms = FORBIDDEN_WAIT_MS;
		break;
	case FORBIDDEN_DENIED:
		a->outcome.result = OUTCOME_DENIED;
		break;
	case FORBIDDEN_REJECTED:
		a->outcome.result = OUTCOME_REJECTED;
		break;
	}
}

static void hold(struct engine_target *t, struct judgement *j, const struct attempt *a, const char *why,
				 int64_t now_ms)
{
	(void)snprintf(j->hold, sizeof j->hold, "%s: %.150s", why,
				   a->detail[0] != '\0' ? a->detail : "no details");
	t->held = true; /* at once; the journal's news will say the same */
	t->credentials = j->credentials;
	t->probe_at_ms = now_ms + t->config.probe_ms;
	(void)snprintf(t->held_reason, sizeof t->held_reason, "%s", j->hold);
	t->dirty = true;
}

static void judge_hold(struct engine_target *t, struct judgement *j, const struct attempt *a, int64_t now_ms)
{
	if (a->outcome.result == OUTCOME_DENIED) {
		j->credentials = true;
		hold(t, j, a, "credentials", now_ms);
	} else if (a->outcome.result == OUTCOME_REJECTED && streak_rejected(&t->streak, a->saga)) {
		if (!t->held)
			hold(t, j, a, "looks misconfigured: 20 different events in a row were rejected, the last one",
				 now_ms);
	} else if (a->outcome.result == OUTCOME_OK || a->outcome.result == OUTCOME_EXISTS) {
		streak_clear(&t->streak);
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
	j.release = t->held && a->probe && accepted(a);
	if (a->forbidden)
		turn_forbidden(t, a);
	else
		forbidden_answered(&t->forbidden, a->saga, a->ref.step, accepted(a));
	judge_hold(t, &j, a, now_ms);
	return j;
}
