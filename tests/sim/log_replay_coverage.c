/* Finds the coverage points that a record of the log proves. */
#include <string.h>

#include "tests/sim/log_replay.h"

static bool text_begins(struct str text, struct str start)
{
	return text.len >= start.len && memcmp(text.p, start.p, start.len) == 0;
}

static void cover_doubt(struct simulation *w, const struct sim_target *t)
{
	static const enum coverage_point coverage[REPEAT_COUNT] = { [REPEAT_IDEMPOTENT] = COVER_DOUBT_IDEMPOTENT,
																[REPEAT_KEYED] = COVER_DOUBT_KEYED,
																[REPEAT_QUERYABLE] = COVER_DOUBT_QUERYABLE,
																[REPEAT_UNSAFE] = COVER_DOUBT_UNSAFE };
	coverage_point_hit(w->coverage, coverage[t->repeat]);
}

/* The attempt that sent the step's last request with effects was cut off by a crash. */
static bool last_request_was_cut(const struct simulation *w, const struct replay_saga *s,
								 const struct record *r)
{
	for (size_t k = w->sink_request_count; k-- > 0;) {
		const struct sink_request *h = &w->sink_requests[k];
		if (h->effects && h->saga == s->id && (int)h->step == r->step && h->direction == r->direction)
			return h->cut;
	}
	return false;
}

static void cover_crash(struct simulation *w, const struct replay_saga *s, const struct replay_step *st,
						const struct record *r)
{
	if (r->outcome == OUTCOME_BODY_CHANGED && last_request_was_cut(w, s, r))
		coverage_point_hit(w->coverage, COVER_CRASH_BODY_CHANGED);
	if (r->outcome == OUTCOME_UNKNOWN && w->targets[st->target].repeat == REPEAT_UNSAFE &&
		last_request_was_cut(w, s, r))
		coverage_point_hit(w->coverage, COVER_CRASH_UNSAFE);
}

static void cover_outcome(struct simulation *w, const struct replay_step *st, const struct record *r)
{
	switch ((enum outcome_class)r->outcome) {
	case OUTCOME_OK:
		if (st->lookup)
			coverage_point_hit(w->coverage, COVER_LOOKUP_PRESENT);
		else if (r->direction == DIRECTION_UNDO)
			coverage_point_hit(w->coverage, COVER_UNDONE);
		break;
	case OUTCOME_ABSENT:
		coverage_point_hit(w->coverage, COVER_LOOKUP_ABSENT);
		break;
	case OUTCOME_PARTIAL:
		coverage_point_hit(w->coverage, COVER_LOOKUP_PARTIAL);
		break;
	case OUTCOME_UNKNOWN:
		cover_doubt(w, &w->targets[st->target]);
		break;
	case OUTCOME_BUSY:
		coverage_point_hit(w->coverage, r->status == 403 ? COVER_FORBIDDEN_WAIT : COVER_BUSY);
		break;
	case OUTCOME_EXISTS:
		coverage_point_hit(w->coverage, COVER_EXISTS);
		break;
	case OUTCOME_FAULT:
		coverage_point_hit(w->coverage, r->attempt == 0 ? COVER_CONDITION_FAULT : COVER_FAULT);
		break;
	case OUTCOME_BODY_CHANGED:
		coverage_point_hit(w->coverage, COVER_BODY_CHANGED);
		break;
	case OUTCOME_NONE:
	case OUTCOME_UNREACHABLE:
	case OUTCOME_REJECTED:
	case OUTCOME_DENIED:
	case OUTCOME_COUNT:
		break;
	}
	if (text_begins(r->personal, STR("the gateway stopped before")))
		coverage_point_hit(w->coverage, COVER_CUT);
}

static void cover_attention(struct simulation *w, const struct replay_step *st)
{
	if (st->reason == REASON_REJECTED)
		coverage_point_hit(w->coverage, COVER_REJECTED);
	if (st->reason == REASON_TARGET_MISSING)
		coverage_point_hit(w->coverage, COVER_TARGET_MISSING);
	if (st->reason == REASON_EXHAUSTED)
		coverage_point_hit(w->coverage, COVER_EXHAUSTED);
	if (st->reason == REASON_UNDO_FAILED)
		coverage_point_hit(w->coverage, COVER_UNDO_FAILED);
	if (st->reason == REASON_IN_DOUBT && w->targets[st->target].repeat == REPEAT_KEYED)
		coverage_point_hit(w->coverage, COVER_DOUBT_TTL);
}

static void cover_step(struct simulation *w, const struct replay_saga *s, const struct replay_step *st)
{
	if (st->state == STEP_ATTENTION)
		cover_attention(w, st);
	if (st->state == STEP_KEPT)
		coverage_point_hit(w->coverage, COVER_KEPT);
	if (st->state == STEP_SKIPPED && st->skip == SKIP_EXPIRED)
		coverage_point_hit(w->coverage, COVER_EXPIRED);
	if (st->state == STEP_SKIPPED && st->skip == SKIP_WHEN && s->plan->steps[st - s->steps].after != 0)
		coverage_point_hit(w->coverage, COVER_CONDITION_FALSE);
}

static void cover_verb(struct simulation *w, const struct record *r)
{
	if (str_is(r->text, "redo"))
		coverage_point_hit(w->coverage, COVER_REDO);
	if (str_is(r->text, "resolve-done") || str_is(r->text, "resolve-not-done"))
		coverage_point_hit(w->coverage, COVER_RESOLVED);
	if (str_is(r->text, "cancel"))
		coverage_point_hit(w->coverage, COVER_CANCELLED);
	if (str_is(r->text, "pause"))
		coverage_point_hit(w->coverage, COVER_PAUSED);
}

void log_replay_cover(struct simulation *w, const struct replay_saga *s, const struct record *r)
{
	const struct replay_step *st = r->step >= 0 && s->plan != NULL ? &s->steps[r->step] : NULL;
	if (r->kind == RECORD_OUTCOME && st != NULL) {
		cover_outcome(w, st, r);
		cover_crash(w, s, st, r);
	}
	if (r->kind == RECORD_STEP && st != NULL)
		cover_step(w, s, st);
	if (r->kind == RECORD_NOT_STARTED)
		coverage_point_hit(w->coverage, COVER_NOT_STARTED);
	if (r->kind == RECORD_CHECKPOINT)
		coverage_point_hit(w->coverage, COVER_CHECKPOINT);
	if (r->kind == RECORD_UNROUTED)
		coverage_point_hit(w->coverage, COVER_UNROUTED);
	if (r->kind == RECORD_GIFT_MISSING)
		coverage_point_hit(w->coverage, COVER_GIFT_MISSING);
	if (r->kind == RECORD_VERB)
		cover_verb(w, r);
	if (r->kind == RECORD_DECISION)
		coverage_point_hit(w->coverage, str_is(r->text, "hold") ? COVER_HELD_POLICY : COVER_COMPENSATE);
}

static void cover_held(struct simulation *w, const struct record *r)
{
	if (r->note.len >= 11 && memcmp(r->note.p, "credentials", 11) == 0)
		coverage_point_hit(w->coverage, COVER_HELD_CREDENTIALS);
	if (r->note.len >= 5 && memcmp(r->note.p, "looks", 5) == 0)
		coverage_point_hit(w->coverage, COVER_HELD_MISCONFIGURED);
}

static void cover_released(struct simulation *w, const struct record *r)
{
	if (!str_is(r->actor, "almoner"))
		return;
	bool settings = text_begins(r->note, STR("the target's settings"));
	coverage_point_hit(w->coverage, settings ? COVER_RELOAD_RELEASED : COVER_PROBE_RELEASED);
}

/* A new process begins with closed breakers. A breaker that the last process left open must be half-open first, so
 * that a probe comes before other requests. */
void log_replay_reset_breakers(struct simulation *w)
{
	for (unsigned i = 0; i < SIM_TARGETS; i++) {
		w->log_replay->left_not_closed[i] =
			w->log_replay->left_not_closed[i] || w->log_replay->breaker[i] != BREAKER_CLOSED;
		w->log_replay->breaker[i] = BREAKER_CLOSED;
	}
}

static void breaker_noted(struct simulation *w, unsigned target, enum breaker_state now)
{
	static const bool legal[BREAKER_STATES][BREAKER_STATES] = {
		[BREAKER_CLOSED][BREAKER_OPEN] = true,
		[BREAKER_OPEN][BREAKER_HALF_OPEN] = true,
		[BREAKER_HALF_OPEN][BREAKER_OPEN] = true,
		[BREAKER_HALF_OPEN][BREAKER_CLOSED] = true,
	};
	uint8_t *was = &w->log_replay->breaker[target];
	bool found = w->log_replay->left_not_closed[target] && *was == BREAKER_CLOSED && now == BREAKER_HALF_OPEN;
	if (w->log_replay->left_not_closed[target] && !found)
		sim_fail(w, "%s: the last process left the breaker open, and no probe came first",
				 w->targets[target].name);
	w->log_replay->left_not_closed[target] = false;
	if (found)
		coverage_point_hit(w->coverage, COVER_BREAKER_LEFT_OPEN);
	/* a target that was taken out of the configuration and comes back begins as after a start */
	bool came_back = w->targets[target].was_ever_missing && now == BREAKER_HALF_OPEN;
	if (!found && !came_back && !legal[*was][now])
		sim_fail(w, "%s: the breaker went from %s to %s", w->targets[target].name,
				 name_of_breaker((enum breaker_state) * was), name_of_breaker(now));
	if (*was == BREAKER_HALF_OPEN && now == BREAKER_OPEN)
		coverage_point_hit(w->coverage, COVER_BREAKER_REOPENED);
	coverage_point_hit(w->coverage, now == BREAKER_OPEN     ? COVER_BREAKER_OPEN
									: now == BREAKER_CLOSED ? COVER_BREAKER_CLOSED
															: COVER_BREAKER_HALF_OPEN);
	*was = (uint8_t)now;
}

void log_replay_cover_target(struct simulation *w, int64_t id, const struct record *r)
{
	for (unsigned i = 0; i < SIM_TARGETS; i++) {
		if (w->targets[i].id != id)
			continue;
		for (int b = 0; b < BREAKER_STATES; b++) {
			char text[32] = "breaker_";
			strncat(text, name_of_breaker((enum breaker_state)b), sizeof text - 9);
			if (str_is(r->text, text))
				breaker_noted(w, i, (enum breaker_state)b);
		}
	}
	if (str_is(r->text, "held"))
		cover_held(w, r);
	if (str_is(r->text, "released"))
		cover_released(w, r);
}
