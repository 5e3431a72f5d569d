/* Events that belong to the gift of another event. */
#include "saga/base/mem.h"
#include "saga/journal/journal_internal.h"
#include "saga/journal/ops/accept.h"

/* The saga of the gift, if it exists, gets a record; else the event waits for the gift with a log row of its own,
 * and idle.c gives it up in time. */
int accept_related(struct journal *j, struct accept *a, int64_t number, struct accept_result *result)
{
	assert(a->kind == ACCEPT_RELATED && a->has_gift);
	int64_t id = accept_number(j, number, j->last_related);
	int64_t owner = 0;
	int64_t saga = 0;
	int rc = accept_claim_key(j, a->dedup, -id, &owner);
	if (rc == 0 && owner != -id)
		return accept_duplicate(j, a->event, owner, result);
	if (rc == 0)
		rc = j->store.key_find(j->store.ctx, a->gift, &saga, &j->err);
	if (rc != 0)
		return rc;
	struct related_row row = { .id = id,
							   .saga = saga,
							   .names = a->gift,
							   .name_count = 1,
							   .due_ms = j->now_ms + a->gift_wait_ms,
							   .event = a->event };
	rc = j->store.related_insert(j->store.ctx, &row, &j->err);
	if (rc != 0)
		return rc;
	j->batch.wrote = true;
	if (id > j->last_related)
		j->last_related = id;
	j->totals.accepted++;
	j->totals.related++;
	rc = accept_record_replayed(j, a, saga);
	if (rc != 0)
		return rc;
	if (saga != 0) {
		struct records *log;
		rc = accept_log_of(j, saga, &log);
		if (rc == 0)
			accept_record_related(j, log, a->event);
	} else {
		accept_record_related(j, log_records(j, SUBJECT_RELATED, id), a->event);
		j->totals.waiting++;
		if (row.due_ms < j->idle.related_next_ms)
			j->idle.related_next_ms = row.due_ms;
	}
	*result = (struct accept_result){ .saga = saga, .related = true };
	return rc;
}

/* Attaches what else waits under one of the names. */
static int attach_names(struct journal *j, const uint8_t *names, size_t count, int64_t related)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < count; i++)
		rc = accept_attach_waiting(j, names + i * STORE_KEY_BYTES, j->last_saga, related);
	return rc;
}

/* The event of the row becomes a saga. */
static int become_saga(struct journal *j, const struct related_row *row)
{
	struct plan *plan = plan_empty();
	const struct event_fields *f = &row->event->f;
	struct saga_start start = { .plan = plan,
								.source = f->source.p,
								.event_id = f->event_id.p,
								.type = f->type.p,
								.gift = f->gift.p,
								.donor = f->donor.p,
								.note = "the gift to which this event belongs has not come",
								.own_reason = REASON_GIFT_MISSING };
	int rc = accept_new_saga(j, accept_number(j, 0, j->last_saga), &start, row->event);
	plan_unref(plan);
	return rc;
}

/* The row of the related event stays, so that its repeats find the saga. Its names are borrowed from the store,
 * so they are copied before the store is used again. */
int accept_gift_missing(struct journal *j, int64_t related)
{
	struct related_row row;
	int rc = j->store.related_get(j->store.ctx, related, &row, &j->err);
	if (rc != 0)
		return rc;
	char *names AUTO_FREE = mem_strndup((const char *)row.names, row.name_count * STORE_KEY_BYTES);
	if (row.event == NULL) {
		rc = err_set(&j->err, ERR_CORRUPT,
					 "related event %lld waited for its gift and cannot be read; restore a backup (`almoner "
					 "verify` shows what else is damaged)",
					 (long long)related);
	} else if (row.saga == 0 && j->totals.related == 0) {
		rc = counters_damaged(j, "a related event was not counted");
	} else if (row.saga == 0) { /* else an earlier event of the gift has just attached this event */
		rc = become_saga(j, &row);
		if (rc == 0)
			rc = attach_names(j, (const uint8_t *)names, row.name_count, related);
		j->totals.related--;
	}
	event_unref(row.event);
	return rc;
}
