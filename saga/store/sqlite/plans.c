#include "saga/store/sqlite/plans.h"

#include "saga/store/sqlite/columns.h"

/* Reads and parses the plan of a row that exists for certain: a saga refers to it. */
static int plans_load(struct db *db, size_t which, int64_t number, struct plan_cache_slot **ret,
					  struct err *err)
{
	struct db_query AUTO_QUERY q = query_begin(db, which);
	query_int(&q, number);
	int rc = query_next(&q, err);
	if (rc < 0)
		return rc;
	if (rc == 0 || number <= 0) /* only damage gives a plan such a number */
		return err_set(err, ERR_CORRUPT, "store %s: plan %lld is missing", db->path, (long long)number);
	struct plan *plan = NULL;
	rc = plan_parse(column_bytes(&q, 0), &plan, err);
	if (rc != 0) {
		err_wrap(err, ERR_CORRUPT, "store %s: plan %lld", db->path, (long long)number);
		return ERR_CORRUPT;
	}
	*ret = plan_cache_remember(&db->plans, number, plan->digest);
	if ((*ret)->plan != NULL)
		plan_unref((*ret)->plan);
	(*ret)->plan = plan;
	return 0;
}

int plans_get(struct db *db, size_t which, int64_t number, struct plan **ret, struct err *err)
{
	struct plan_cache_slot *slot = plan_cache_by_number(&db->plans, number);
	if (slot == NULL || slot->plan == NULL) {
		int rc = plans_load(db, which, number, &slot, err);
		if (rc != 0)
			return rc;
		assert(slot != NULL);
	}
	*ret = plan_ref(slot->plan);
	return 0;
}
