#include "saga/journal/state/plans.h"

#include <stdlib.h>
#include <string.h>

#include "saga/base/array.h"
#include "saga/journal/journal_internal.h"

/* Takes the plan over, also when it fails. */
static int plans_put(struct journal *j, struct plan *plan, int64_t number, struct plan_info **ret)
{
	struct plan_table *p = &j->plans;
	struct plan_info *info = mem_zalloc(sizeof *info);
	info->plan = plan;
	info->number = number;
	for (unsigned i = 0; i < plan->step_count; i++) {
		int rc = target_ensure(j, plan->steps[i].target, &info->target[i]);
		if (rc != 0) {
			plan_unref(plan);
			free(info);
			return rc;
		}
	}
	ARRAY_GROW(p->plans, p->count, p->capacity);
	p->plans[p->count++] = info;
	*ret = info;
	return 0;
}

int plans_load(struct journal *j, int64_t number, struct plan_info **ret)
{
	assert(j->batch.open); /* the plan may name a target that is new */
	for (size_t i = j->plans.count; i-- > 0;) {
		if (j->plans.plans[i]->number == number) {
			*ret = j->plans.plans[i];
			return 0;
		}
	}
	struct plan *plan;
	int rc = j->store.plan_get(j->store.ctx, number, &plan, &j->err);
	return rc != 0 ? rc : plans_put(j, plan, number, ret);
}

/* A new plan is read back from the store instead of kept as it was given, so that the journal holds no memory
 * of a configuration that may be replaced. */
int plans_ensure(struct journal *j, const struct plan *plan, struct plan_info **ret)
{
	assert(j->batch.open);
	const struct plan_table *p = &j->plans;
	for (size_t i = p->count; i-- > 0;) {
		struct plan_info *info = p->plans[i];
		if (info->plan == plan || memcmp(info->plan->digest, plan->digest, sizeof plan->digest) == 0) {
			*ret = info;
			return 0;
		}
	}
	int64_t number;
	int rc = j->store.plan_put(j->store.ctx, plan, &number, &j->err);
	if (rc != 0)
		return rc;
	j->batch.wrote = true;
	return plans_load(j, number, ret);
}

void plans_free(struct journal *j)
{
	struct plan_table *p = &j->plans;
	for (size_t i = 0; i < p->count; i++) {
		plan_unref(p->plans[i]->plan);
		free(p->plans[i]);
	}
	free(p->plans);
	*p = (struct plan_table){ 0 };
}
