/* What the journal reads at start (the last numbers, the end of the chain, the figures), and plans. */
#include "saga/store/sqlite/plans.h"
#include "saga/store/sqlite/write.h"

#include "saga/base/mem.h"

static int head_max(struct sqlite_writer *w, enum writer_statement which, int64_t *ret, struct err *err)
{
	struct db_query AUTO_QUERY q = query_begin(&w->db, which);
	int rc = query_next(&q, err);
	if (rc < 0)
		return rc;
	*ret = rc == 1 ? column_int(&q, 0) : 0; /* max() of an empty table is NULL, which reads as 0 */
	return 0;
}

static int head_chain(struct sqlite_writer *w, struct store_head *ret, struct err *err)
{
	struct db_query AUTO_QUERY q = query_begin(&w->db, W_FIGURES);
	return column_figures(&q, &ret->figures, &ret->chain, err);
}

static int head_read(void *ctx, struct store_head *ret, struct err *err)
{
	struct sqlite_writer *w = ctx;
	struct store_head head = { .part = 0, .stride = 1 };
	int rc = head_max(w, W_LAST_SAGA, &head.last_saga, err);
	if (rc == 0)
		rc = head_max(w, W_LAST_RELATED, &head.last_related, err);
	if (rc == 0)
		rc = head_chain(w, &head, err);
	if (rc == 0)
		*ret = head;
	return rc;
}

/* ---- plans ---- */

static int plan_find(struct sqlite_writer *w, const struct plan *plan, int64_t *ret, struct err *err)
{
	struct db_query AUTO_QUERY q = query_begin(&w->db, W_PLAN_FIND);
	query_blob(&q, plan->digest, sizeof plan->digest);
	int rc = query_next(&q, err);
	if (rc < 0)
		return rc;
	*ret = rc == 1 ? column_int(&q, 0) : 0;
	return 0;
}

static int plan_add(struct sqlite_writer *w, const struct plan *plan, int64_t *ret, struct err *err)
{
	struct db_query AUTO_QUERY q = query_begin(&w->db, W_PLAN_ADD);
	query_blob(&q, plan->digest, sizeof plan->digest);
	query_text(&q, str_of(plan->json));
	int rc = query_run(&q, err);
	if (rc == 0)
		*ret = sqlite3_last_insert_rowid(w->db.handle);
	return rc;
}

/* The cache also knows plans that this transaction added, so write_rollback must empty it. */
static int head_plan_put(void *ctx, const struct plan *plan, int64_t *ret, struct err *err)
{
	struct sqlite_writer *w = ctx;
	const struct plan_cache_slot *slot = plan_cache_by_digest(&w->db.plans, plan->digest);
	if (slot != NULL) {
		*ret = slot->number;
		return 0;
	}
	int64_t number = 0;
	int rc = plan_find(w, plan, &number, err);
	if (rc == 0 && number == 0)
		rc = plan_add(w, plan, &number, err);
	if (rc != 0)
		return rc;
	(void)plan_cache_remember(&w->db.plans, number, plan->digest);
	*ret = number;
	return 0;
}

static int head_plan_get(void *ctx, int64_t number, struct plan **ret, struct err *err)
{
	struct sqlite_writer *w = ctx;
	return plans_get(&w->db, W_PLAN_GET, number, ret, err);
}

void head_ops(struct store_writer *ops)
{
	ops->head = head_read;
	ops->plan_put = head_plan_put;
	ops->plan_get = head_plan_get;
}
