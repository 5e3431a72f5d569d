/* The plans of sagas in memory: there are few, each is shared by all sagas made from it, and none is dropped
 * before the journal ends. Thread: the journal's. */
#ifndef ALMONER_SAGA_JOURNAL_STATE_PLANS_H
#define ALMONER_SAGA_JOURNAL_STATE_PLANS_H

#include "saga/base/check.h"
#include "saga/model/plan.h"

struct journal;
struct target_entry;

/* A plan with the targets of its steps. Lives as long as the journal. */
struct plan_info {
	struct plan *plan;
	int64_t number; /* the number of the plan's row in the store */
	struct target_entry *target[PLAN_STEPS_MAX];
};

struct plan_table {
	struct plan_info **plans;
	size_t count, capacity;
};

/* The plan of this number, read from the store when it is not in memory. ERR_NOT_FOUND. */
int plans_load(struct journal *j, int64_t number, struct plan_info **ret) MUST_CHECK;
/* The stored plan that equals `plan`; stores it when it is new. In a transaction. */
int plans_ensure(struct journal *j, const struct plan *plan, struct plan_info **ret) MUST_CHECK;
void plans_free(struct journal *j);

#endif
