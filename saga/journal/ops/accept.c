/* A new event: a saga, a duplicate, or an event that belongs to the gift of another one. */
#include "saga/journal/ops/accept.h"
#include "saga/journal/journal_internal.h"

/* Two keys decide: the gift's, then the event's own. A second event of a gift that has its saga is a
 * duplicate of it, and its own key leads there too, so that its repeats are recognised as well. */
static int accept_saga(struct journal *j, struct accept *a, int64_t number, struct accept_result *result)
{
	int64_t id = accept_number(j, number, j->last_saga);
	int64_t owner = 0;
	int rc = a->has_gift ? j->store.key_find(j->store.ctx, a->gift, &owner, &j->err) : 0;
	int64_t new_owner = owner != 0 ? owner : id;
	bool second_gift = owner != 0;
	if (rc == 0)
		rc = accept_claim_key(j, a->dedup, new_owner, &owner);
	if (rc != 0)
		return rc;
	if (second_gift || owner != id)
		return accept_duplicate(j, a->event, owner, result);
	if (a->has_gift)
		rc = accept_claim_key(j, a->gift, id, &owner);
	if (rc == 0)
		rc = accept_new_saga(j, id, &a->start, a->event);
	if (rc == 0 && a->has_gift)
		rc = accept_attach_waiting(j, a->gift, id, 0);
	if (rc == 0)
		rc = accept_record_replayed(j, a, id);
	if (rc != 0)
		return rc;
	j->totals.accepted++;
	*result = (struct accept_result){ .saga = id,
									  .unrouted = a->start.unrouted,
									  .quarantined = a->start.own_reason == REASON_QUARANTINED };
	return 0;
}

int accept_run(struct journal *j, struct accept *a, int64_t number, struct accept_result *result)
{
	assert(a->event != NULL && (a->kind == ACCEPT_SAGA || a->kind == ACCEPT_RELATED));
	*result = (struct accept_result){ 0 };
	if (atomic_load_explicit(&j->disk.low, memory_order_relaxed)) {
		result->code = ERR_FULL;
		return 0;
	}
	assert(number != 0 || !j->numbers_skip);
	return a->kind == ACCEPT_RELATED ? accept_related(j, a, number, result)
									 : accept_saga(j, a, number, result);
}
