#include "saga/journal/state/prefetch.h"

#include <stdlib.h>
#include <string.h>

#include "saga/base/array.h"
#include "saga/journal/journal_internal.h"

static void add_id(struct prefetch_ids *list, int64_t id)
{
	ARRAY_GROW(list->ids, list->count, list->capacity);
	list->ids[list->count++] = id;
}

static void add_lane(struct prefetch *p, uint32_t target, const uint8_t lane[LANE_BYTES])
{
	ARRAY_GROW(p->lanes, p->lane_count, p->lane_capacity);
	struct expected_lane *l = &p->lanes[p->lane_count++];
	l->target = target;
	memcpy(l->lane, lane, LANE_BYTES);
}

static bool wanted(const struct journal *j)
{
	return j->store.expect != NULL;
}

void prefetch_saga(struct journal *j, int64_t saga, bool event)
{
	if (!wanted(j))
		return;
	const struct cache_entry *e = cache_find(&j->cache, saga);
	if (e == NULL || e->saga == NULL)
		add_id(&j->prefetch.sagas, saga);
	if (event && (e == NULL || e->event == NULL))
		add_id(&j->prefetch.events, saga);
}

void prefetch_related(struct journal *j, int64_t related)
{
	if (wanted(j))
		add_id(&j->prefetch.related, related);
}

void prefetch_lane(struct journal *j, const char *target, const uint8_t lane[LANE_BYTES])
{
	const struct target_entry *t = wanted(j) ? target_of_name(j, target) : NULL;
	if (t != NULL && t->with_lane > 0)
		add_lane(&j->prefetch, t->id, lane);
}

void prefetch_lanes_of(struct journal *j, int64_t saga)
{
	const struct cache_entry *e = wanted(j) ? cache_find(&j->cache, saga) : NULL;
	if (e == NULL || e->saga == NULL)
		return;
	for (unsigned i = 0; i < e->saga->step_count; i++) {
		const struct step *st = &e->saga->steps[i];
		const struct target_entry *t = e->plan->target[i];
		bool rows = t->with_lane > 0 || j->recovering; /* the recovery makes rows */
		if (st->has_lane && rows && saga_step_is_open(e->saga, st))
			add_lane(&j->prefetch, t->id, st->lane);
	}
}

void prefetch_rows(struct journal *j, const struct step_row *rows, size_t count, bool event)
{
	if (!wanted(j))
		return;
	for (size_t i = 0; i < count; i++) {
		prefetch_saga(j, rows[i].saga, event);
		if (rows[i].has_lane)
			add_lane(&j->prefetch, rows[i].target, rows[i].lane);
	}
	prefetch_send(j);
}

void prefetch_due(struct journal *j, uint32_t target)
{
	const struct target_entry *t = wanted(j) ? target_of_id(j, target) : NULL;
	struct prefetch *p = &j->prefetch;
	if (t == NULL || !t->due_unknown || t->claimable == 0)
		return;
	ARRAY_GROW(p->due_targets, p->due_count, p->due_capacity);
	p->due_targets[p->due_count++] = target;
}

void prefetch_send(struct journal *j)
{
	struct prefetch *p = &j->prefetch;
	assert(j->batch.open);
	if (p->sagas.count + p->events.count + p->related.count + p->lane_count + p->due_count == 0)
		return;
	j->store.expect(j->store.ctx, &(struct store_expected){ .sagas = p->sagas.ids,
															.saga_count = p->sagas.count,
															.events = p->events.ids,
															.event_count = p->events.count,
															.related = p->related.ids,
															.related_count = p->related.count,
															.lanes = p->lanes,
															.lane_count = p->lane_count,
															.due_targets = p->due_targets,
															.due_count = p->due_count });
	p->sagas.count = p->events.count = p->related.count = p->lane_count = p->due_count = 0;
}

void prefetch_free(struct prefetch *p)
{
	free(p->sagas.ids);
	free(p->events.ids);
	free(p->related.ids);
	free(p->lanes);
	free(p->due_targets);
	*p = (struct prefetch){ 0 };
}
