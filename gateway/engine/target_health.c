#include "gateway/engine/target_health.h"

#include <stdio.h>

/* Whether the attempt shows that the target accepted our credentials: it looked at the message itself. */
static bool credentials_accepted(const struct attempt *a)
{
	if (a->forbidden || a->not_sendable || a->exchanges == 0)
		return false;
	switch (a->outcome.result) {
	case OUTCOME_OK:
	case OUTCOME_EXISTS:
	case OUTCOME_REJECTED:
	case OUTCOME_ABSENT:
	case OUTCOME_PARTIAL:
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

/* A 403 to outdated settings counts as denied: a denied step is sent again, now with the current settings. */
static void reclassify_forbidden(struct engine_target *t, struct attempt *a, bool outdated)
{
	static const enum outcome_class results[] = { [FORBIDDEN_WAIT] = OUTCOME_BUSY,
												  [FORBIDDEN_DENIED] = OUTCOME_DENIED,
												  [FORBIDDEN_REJECTED] = OUTCOME_REJECTED };
	if (outdated) {
		a->outcome.result = OUTCOME_DENIED;
		return;
	}
	a->outcome.result = results[forbidden_seen(&t->forbidden, a->saga, a->ref.step, t->held)];
	if (a->outcome.result == OUTCOME_BUSY)
		a->outcome.retry_after_ms = FORBIDDEN_WAIT_MS;
}

static void hold(struct engine_target *t, struct health_verdict *verdict, const struct attempt *a,
				 enum hold_kind kind, int64_t probe_at_ms)
{
	const char *why =
		kind == HOLD_MISCONFIGURED ? ": 20 different events in a row were rejected, the last one" : "";
	verdict->hold = kind;
	snprintf(verdict->reason, sizeof verdict->reason, "%s%s: %.150s", name_of_hold(kind), why,
			 a->detail[0] != '\0' ? a->detail : "no details");
	/* the target is held from now on, so that nothing starts before the journal reports the hold as news */
	t->held = true;
	t->hold = kind;
	t->probe_at_ms = probe_at_ms;
	t->dirty = true;
}

/* Two 403s are weaker evidence than a 401, so a third step is sent soon to check them. */
static int64_t first_probe_ms(const struct engine_target *t, const struct attempt *a)
{
	int64_t probe_ms = t->config.probe_ms;
	return a->forbidden && FORBIDDEN_WAIT_MS < probe_ms ? FORBIDDEN_WAIT_MS : probe_ms;
}

/* A target that is held already stays held for its first reason: attempts that were under way report the
 * same trouble. */
static void decide_hold(struct engine_target *t, struct health_verdict *verdict, const struct attempt *a,
						int64_t now_ms)
{
	enum outcome_class result = a->outcome.result;
	if (result == OUTCOME_OK || result == OUTCOME_EXISTS) {
		streak_clear(&t->streak);
	} else if (t->held) {
		return;
	} else if (result == OUTCOME_DENIED) {
		hold(t, verdict, a, HOLD_CREDENTIALS, now_ms + first_probe_ms(t, a));
	} else if (result == OUTCOME_REJECTED && streak_rejected(&t->streak, a->saga)) {
		hold(t, verdict, a, HOLD_MISCONFIGURED, now_ms);
	}
}

static enum breaker_signal health_signal(const struct attempt *a, bool aborted)
{
	if (aborted || a->not_sendable || a->exchanges == 0)
		return BREAKER_NEUTRAL;
	if (a->forbidden)
		return BREAKER_HEALTH;
	return breaker_signal_of(a->outcome.result);
}

/* An outdated attempt (see `revision` in target.h) neither holds nor releases the target, nor clears
 * suspects. */
struct health_verdict target_health_update(struct engine_target *t, struct attempt *a, bool aborted,
										   int64_t now_ms)
{
	struct health_verdict verdict = { .signal = health_signal(a, aborted) };
	if (a->epoch != t->breaker.epoch)
		verdict.signal = BREAKER_NEUTRAL; /* the attempt began before the breaker last changed state */
	if (verdict.signal == BREAKER_HEALTH)
		concurrency_grow(&t->concurrency, t->config.in_flight);
	else if (verdict.signal == BREAKER_BUSY)
		concurrency_shrink(&t->concurrency, now_ms, a->outcome.retry_after_ms);
	bool outdated = a->revision != t->revision;
	verdict.release = t->held && a->probe && !outdated && credentials_accepted(a);
	if (a->forbidden)
		reclassify_forbidden(t, a, outdated);
	else if (!outdated)
		forbidden_answered(&t->forbidden, a->saga, a->ref.step, credentials_accepted(a));
	if (!outdated)
		decide_hold(t, &verdict, a, now_ms);
	return verdict;
}
