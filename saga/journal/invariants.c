#include "saga/journal/invariants.h"

#include "saga/journal/journal_internal.h"
#include "saga/journal/schedule/schedule.h"

/* A step has a place in its lane exactly while no row of its own stands for it, and always while it is with
 * the engine. The lane knows which of its steps run. */
static bool lane_agrees(const struct step *st, const struct step_location *p)
{
	bool running = st->state == STEP_RUNNING;
	if (p->node.lane == NULL)
		return !p->node.running && !(st->has_lane && st->location == LOCATION_ENGINE);
	return st->has_lane && st->location != LOCATION_DISK && p->node.running == running;
}

/* Locations come from the store. Until schedule_saga has run, wrong ones are the store's damage,
 * which `almoner verify` reports. */
static void assert_entry(const struct cache_entry *e)
{
	const struct saga *s = e->saga;
	assert(saga_check(s) == NULL);
	assert(e->counted == s->state);
	for (unsigned i = 0; i < s->step_count; i++) {
		const struct step *st = &s->steps[i];
		const struct step_location *p = &e->locations[i];
		assert(p->location == st->location);
		assert(!e->scheduled || schedule_location_fits(s, i, saga_is_live(s)));
		assert(!e->scheduled || lane_agrees(st, p));
	}
}

int invariants_assert_core(struct journal *j, const struct cache_entry *e, struct str core)
{
	struct saga_row row;
	struct str stored;
	int rc = j->store.saga_get(j->store.ctx, e->id, &row, &j->err);
	if (rc == 0)
		rc = saga_core_of(e->saga->plan, row.value, &stored, &j->err);
	if (rc != 0)
		return err_wrap(&j->err, rc, "saga %lld", (long long)e->id);
	assert(str_eq(core, stored));
	return 0;
}

void invariants_assert_batch(const struct journal *j)
{
	const struct cache_entry *e;
	STAILQ_FOREACH(e, &j->batch.touched, touched_link)
	{
		if (e->saga != NULL && (e->changed || e->log != NULL))
			assert_entry(e);
	}
	assert(counters_fault(j) == NULL);
}
