/* The works of the engine; an engine that succeeds with everything at once. */
#include "tests/unit/journal/journal_fixture.h"

void fixture_drop_works(struct journal_fixture *r)
{
	struct work *w;
	while ((w = STAILQ_FIRST(&r->works)) != NULL) {
		STAILQ_REMOVE_HEAD(&r->works, link);
		work_destroy(w);
	}
}

static void serve_one(struct journal_fixture *r, struct work *w, struct fixture_sends *sends)
{
	switch (w->kind) {
	case WORK_START:
		if (!w->lookup)
			sends->first[w->target] += w->ref.generation == 1 && w->ref.direction == DIRECTION_DO ? 1 : 0;
		fixture_outcome(r, w, w->lookup ? OUTCOME_ABSENT : OUTCOME_OK);
		break;
	case WORK_READY:
		if (w->needs_condition)
			journal_condition_result(r->j, w, true);
		else
			journal_start(r->j, w);
		fixture_pump(r);
		break;
	case WORK_CHECKPOINTED:
	case WORK_GONE:
	default:
		work_destroy(w);
	}
}

bool fixture_engine_turn(struct journal_fixture *r, struct fixture_sends *sends)
{
	struct work *w = STAILQ_FIRST(&r->works);
	if (w != NULL) {
		STAILQ_REMOVE_HEAD(&r->works, link);
		serve_one(r, w, sends);
		return true;
	}
	for (unsigned t = 1; t < FIXTURE_TARGETS_END; t++) {
		if (r->failures == 0 && r->news[t].backlog > 0 && r->news[t].next_due_ms <= r->now_ms) {
			fixture_claim(r, (enum fixture_target)t, 4);
			return true;
		}
	}
	return false;
}
