/* What new events, related events and reprocessing share. */
#include <string.h>

#include "saga/base/clock.h"
#include "saga/journal/journal_internal.h"
#include "saga/journal/ops/accept.h"
#include "saga/journal/schedule/schedule.h"

static int64_t today(const struct journal *j)
{
	return j->now_ms / DAY_MS;
}

int accept_claim_key(struct journal *j, const uint8_t key[STORE_KEY_BYTES], int64_t owner, int64_t *ret_owner)
{
	int rc = j->store.key_claim(j->store.ctx, key, owner, today(j), ret_owner, &j->err);
	if (rc == 0 && *ret_owner == owner)
		j->batch.wrote = true;
	return rc;
}

int accept_log_of(struct journal *j, int64_t saga, struct records **ret)
{
	struct cache_entry *e;
	int rc = cache_load_to_record(j, saga, &e);
	if (rc == 0)
		*ret = cache_log(j, e);
	return rc;
}

/* A platform that sends another body under the same event id deserves an operator's look: the saga of the
 * first event records it. */
static int flag_if_differs(struct journal *j, const struct event *event, const struct event *first,
						   struct accept_result *result)
{
	result->differs = memcmp(event->body_digest, first->body_digest, sizeof event->body_digest) != 0;
	if (!result->differs || result->saga == 0)
		return 0;
	struct records *log;
	int rc = accept_log_of(j, result->saga, &log);
	if (rc == 0)
		records_add(log, &(struct record){ .kind = RECORD_DUPLICATE,
										   .at_ms = j->now_ms,
										   .step = RECORD_NO_STEP,
										   .digest = { (const char *)event->digest, sizeof event->digest },
										   .text = event->f.type,
										   .personal = event->f.event_id });
	return rc;
}

/* Events that were deleted by now, or are damaged, keep their keys: their repeats are still recognised, only the
 * bodies cannot be compared. */
int accept_duplicate(struct journal *j, const struct event *event, int64_t owner,
					 struct accept_result *result)
{
	struct related_row row = { 0 };
	struct event *first = NULL;
	int rc;
	result->duplicate = true;
	if (owner < 0) {
		rc = j->store.related_get(j->store.ctx, -owner, &row, &j->err);
		first = row.event;
		result->related = true;
		result->saga = row.saga;
	} else {
		rc = j->store.event_get(j->store.ctx, owner, &first, &j->err);
		result->saga = owner;
	}
	if (rc == 0 && first != NULL)
		rc = flag_if_differs(j, event, first, result);
	event_unref(first);
	if (rc != 0 && rc != ERR_NOT_FOUND)
		return rc;
	j->totals.duplicates++;
	j->batch.wrote = true;
	return 0;
}

void accept_record_related(struct journal *j, struct records *log, const struct event *event)
{
	records_add(log, &(struct record){ .kind = RECORD_RELATED,
									   .at_ms = j->now_ms,
									   .step = RECORD_NO_STEP,
									   .digest = { (const char *)event->digest, sizeof event->digest },
									   .text = event->f.type,
									   .personal = event->f.event_id });
}

/* The waiting events of one gift, while the store attaches them. */
struct attach {
	struct journal *j;
	struct records *log; /* of the saga */
	int64_t own;
	int64_t count;
};

/* The id and type of the event are in the record of its arrival. */
static void record_attached(void *ctx, const struct related_row *row)
{
	struct attach *a = ctx;
	a->count++;
	if (row->id == a->own)
		return;
	struct record record = { .kind = RECORD_RELATED,
							 .at_ms = a->j->now_ms,
							 .step = RECORD_NO_STEP,
							 .text = STR("an event that waited for its gift") };
	if (row->event != NULL)
		record.digest = (struct str){ (const char *)row->event->digest, sizeof row->event->digest };
	records_add(a->log, &record);
}

/* Usually no related event waits for its gift (j->totals.waiting is 0); then the store is not asked. */
int accept_attach_waiting(struct journal *j, const uint8_t gift[STORE_KEY_BYTES], int64_t saga, int64_t own)
{
	struct attach a = { .j = j, .own = own };
	if (j->totals.waiting == 0)
		return 0;
	int rc = accept_log_of(j, saga, &a.log);
	if (rc == 0)
		rc = j->store.related_attach(j->store.ctx, gift, saga, &a, record_attached, &j->err);
	if (rc != 0 || a.count == 0)
		return rc;
	if (a.count > j->totals.waiting)
		return counters_damaged(j, "a waiting event was not counted");
	j->batch.wrote = true;
	j->totals.waiting -= a.count;
	return 0;
}

int accept_make_saga(struct journal *j, const struct saga_start *wanted, int64_t id, struct saga **ret_saga,
					 struct plan_info **ret_plan, struct saga_start *ret_start)
{
	int rc = plans_ensure(j, wanted->plan, ret_plan);
	if (rc != 0)
		return rc;
	*ret_start = *wanted;
	ret_start->plan = (*ret_plan)->plan;
	ret_start->now_ms = j->now_ms;
	*ret_saga = saga_create(ret_start);
	(*ret_saga)->id = id;
	return 0;
}

int64_t accept_number(const struct journal *j, int64_t reserved, int64_t last)
{
	return reserved != 0 ? reserved : last + j->stride;
}

/* The saga's number is taken before anything can fail: a failure ends the journal, so a store whose numbers
 * have no gaps never gets one. */
int accept_new_saga(struct journal *j, int64_t id, const struct saga_start *wanted, struct event *event)
{
	struct saga *saga;
	struct plan_info *plan;
	struct saga_start start;
	assert(id > 0);
	if (id > j->last_saga)
		j->last_saga = id;
	int rc = accept_make_saga(j, wanted, id, &saga, &plan, &start);
	if (rc != 0)
		return rc;
	struct cache_entry *e = cache_add(j, saga, plan);
	cache_set_event(e, event);
	rc = j->store.event_insert(j->store.ctx, id, event, &j->err);
	if (rc != 0)
		return rc;
	struct decide d = cache_decide_context(j, e);
	decide_accepted(&d, &start, event->digest);
	return schedule_saga(j, e, (struct schedule_options){ .accepting = true });
}

int accept_record_replayed(struct journal *j, const struct accept *a, int64_t saga)
{
	if (a->actor == NULL || saga == 0)
		return 0;
	struct records *log;
	int rc = accept_log_of(j, saga, &log);
	if (rc == 0)
		records_add(log, &(struct record){ .kind = RECORD_VERB,
										   .at_ms = j->now_ms,
										   .step = RECORD_NO_STEP,
										   .text = STR("replay"),
										   .actor = str_of(a->actor),
										   .note = str_of(a->note) });
	return rc;
}
