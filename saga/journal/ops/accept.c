/* How events come in: new, duplicate, related to a gift, or mapped again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "saga/base/mem.h"
#include "saga/journal/journal_internal.h"

#define DAY_MS 86400000

static int64_t today(const struct journal *j)
{
	return j->now_ms / DAY_MS;
}

static int accept_claim_key(struct journal *j, const uint8_t key[STORE_KEY_BYTES], int64_t owner,
							int64_t *ret_owner)
{
	int rc = j->store.key_claim(j->store.ctx, key, owner, today(j), ret_owner, &j->err);
	if (rc == 0 && *ret_owner == owner)
		j->batch.wrote = true;
	return rc;
}

/* ---- duplicates ---- */

static int flag_if_differs(struct journal *j, const struct event *event, const struct event *first,
						   struct accept_result *result)
{
	result->differs = memcmp(event->body_digest, first->body_digest, sizeof event->body_digest) != 0;
	if (!result->differs || result->saga == 0)
		return 0;
	struct cache_entry *e = cache_touch(j, result->saga);
	records_add(cache_log(j, e),
				&(struct record){ .kind = RECORD_DUPLICATE,
								  .at_ms = j->now_ms,
								  .step = RECORD_NO_STEP,
								  .digest = { (const char *)event->digest, sizeof event->digest },
								  .text = event->f.type,
								  .personal = event->f.event_id });
	return 0;
}

/* `owner` as keys hold it: positive a saga, negative a related event. */
static int duplicate(struct journal *j, const struct event *event, int64_t owner,
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
	/* A forgotten event still knows its repeats, only their bodies can no longer be compared. */
	if (rc == 0 && first != NULL)
		rc = flag_if_differs(j, event, first, result);
	event_unref(first);
	if (rc != 0 && rc != ERR_NOT_FOUND)
		return rc;
	j->totals.duplicates++;
	j->batch.wrote = true;
	return 0;
}

/* ---- sagas ---- */

static void accept_record_related(struct journal *j, int64_t saga, struct str type, struct str event_id)
{
	records_add(cache_log(j, cache_touch(j, saga)), &(struct record){ .kind = RECORD_RELATED,
																	  .at_ms = j->now_ms,
																	  .step = RECORD_NO_STEP,
																	  .text = type,
																	  .personal = event_id });
}

/* Events of the gift that came before it. `own`: how many of them are this saga's own event. */
static int accept_attach_waiting(struct journal *j, const uint8_t gift[STORE_KEY_BYTES], int64_t saga,
								 size_t own)
{
	size_t count = 0;
	if (j->totals.waiting == 0)
		return 0;
	int rc = j->store.related_attach(j->store.ctx, gift, saga, &count, &j->err);
	if (rc != 0 || count == 0)
		return rc;
	assert((int64_t)count <= j->totals.waiting && count >= own);
	j->batch.wrote = true;
	j->totals.waiting -= (int64_t)count;
	for (size_t i = own; i < count; i++)
		accept_record_related(j, saga, STR("waited for the gift"), (struct str){ "", 0 });
	return 0;
}

/* The plan as it is stored, and today's time. */
static int accept_make_saga(struct journal *j, const struct saga_start *wanted, int64_t id,
							struct saga **ret_saga, struct plan_info **ret_plan, struct saga_start *ret_start)
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

static int accept_new_saga(struct journal *j, const struct saga_start *wanted, struct event *event)
{
	struct saga *saga;
	struct plan_info *plan;
	struct saga_start start;
	int64_t id = ++j->last_saga;
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

/* A person's doing, unlike what intake takes in. */
static void accept_record_replayed(struct journal *j, const struct accept *a, int64_t saga)
{
	if (a->actor == NULL || saga == 0)
		return;
	records_add(cache_log(j, cache_touch(j, saga)), &(struct record){ .kind = RECORD_VERB,
																	  .at_ms = j->now_ms,
																	  .step = RECORD_NO_STEP,
																	  .text = STR("replay"),
																	  .actor = str_of(a->actor),
																	  .note = str_of(a->note) });
}

static int accept_saga(struct journal *j, struct accept *a, struct accept_result *result)
{
	int64_t id = j->last_saga + 1;
	int64_t owner = 0;
	int rc = a->has_gift ? j->store.key_find(j->store.ctx, a->gift, &owner, &j->err) : 0;
	/* A gift that has its saga: this event's own key leads there too. */
	int64_t new_owner = owner != 0 ? owner : id;
	bool second_gift = owner != 0;
	if (rc == 0)
		rc = accept_claim_key(j, a->dedup, new_owner, &owner);
	if (rc != 0)
		return rc;
	if (second_gift || owner != id)
		return duplicate(j, a->event, owner, result);
	if (a->has_gift)
		rc = accept_claim_key(j, a->gift, id, &owner);
	if (rc == 0)
		rc = accept_new_saga(j, &a->start, a->event);
	if (rc == 0 && a->has_gift)
		rc = accept_attach_waiting(j, a->gift, id, 0);
	if (rc != 0)
		return rc;
	accept_record_replayed(j, a, id);
	j->totals.accepted++;
	*result = (struct accept_result){ .saga = id,
									  .unrouted = a->start.unrouted,
									  .quarantined = a->start.own_reason == REASON_QUARANTINED };
	return 0;
}

/* ---- related events ---- */

static int accept_related(struct journal *j, struct accept *a, struct accept_result *result)
{
	int64_t id = j->last_related + 1;
	int64_t owner = 0;
	int64_t saga = 0;
	int rc = accept_claim_key(j, a->dedup, -id, &owner);
	if (rc == 0 && owner != -id)
		return duplicate(j, a->event, owner, result);
	if (rc == 0)
		rc = j->store.key_find(j->store.ctx, a->gift, &saga, &j->err);
	if (rc != 0)
		return rc;
	struct related_row row = {
		.id = id, .saga = saga, .due_ms = j->now_ms + a->gift_wait_ms, .event = a->event
	};
	memcpy(row.gift, a->gift, STORE_KEY_BYTES);
	rc = j->store.related_insert(j->store.ctx, &row, &j->err);
	if (rc != 0)
		return rc;
	j->batch.wrote = true;
	j->last_related = id;
	j->totals.accepted++;
	j->totals.related++;
	accept_record_replayed(j, a, saga);
	if (saga != 0) {
		accept_record_related(j, saga, a->event->f.type, a->event->f.event_id);
	} else {
		j->totals.waiting++;
		if (row.due_ms < j->idle.related_next_ms)
			j->idle.related_next_ms = row.due_ms;
	}
	*result = (struct accept_result){ .saga = saga, .related = true };
	return 0;
}

int accept_run(struct journal *j, struct accept *a, struct accept_result *result)
{
	*result = (struct accept_result){ 0 };
	if (atomic_load_explicit(&j->disk_low, memory_order_relaxed)) {
		result->code = ERR_FULL;
		return 0;
	}
	return a->kind == ACCEPT_RELATED ? accept_related(j, a, result) : accept_saga(j, a, result);
}

/* The gift never came: the event becomes a saga of its own that a person must look at; what else waits for
 * the same gift goes with it. Its row among the related ones stays, so that repeats find the saga. */
int accept_gift_missing(struct journal *j, int64_t related)
{
	struct related_row row;
	int rc = j->store.related_get(j->store.ctx, related, &row, &j->err);
	if (rc != 0)
		return rc;
	struct plan *plan = plan_empty();
	const struct event_fields *f = &row.event->f;
	struct saga_start start = { .plan = plan,
								.source = f->source.p,
								.event_id = f->event_id.p,
								.type = f->type.p,
								.gift = f->gift.p,
								.donor = f->donor.p,
								.note = "the gift this event speaks of has not come",
								.own_reason = REASON_GIFT_MISSING };
	if (row.saga == 0) { /* else it went with a sibling just now */
		rc = accept_new_saga(j, &start, row.event);
		if (rc == 0)
			rc = accept_attach_waiting(j, row.gift, j->last_saga, 1);
		j->totals.related--;
	}
	plan_unref(plan);
	event_unref(row.event);
	return rc;
}

/* ---- reprocessing ---- */

static int check_reprocessable(const struct cache_entry *e, struct verb_result *r)
{
	const struct saga *s = e->saga;
	r->state = s->state;
	if (s->own_reason == REASON_QUARANTINED || s->own_reason == REASON_GIFT_MISSING)
		return 0;
	const char *text = verb_saga_text(VERB_REPROCESS, (enum saga_state)s->state, (enum reason)s->own_reason);
	return err_set(&r->err, ERR_REFUSED, "reprocess: saga %lld is %s%s%s: %s", (long long)s->id,
				   name_of_saga_state((enum saga_state)s->state), s->reason != REASON_NONE ? ", " : "",
				   name_of_reason((enum reason)s->reason), text);
}

/* A related event starts nothing, so it must not become the saga of its gift either: the gift would then be
 * taken for a repeat. */
static int reject_related_event(struct journal *j, struct op *op, struct verb_result *r)
{
	long long saga = op->u.verb.saga;
	int64_t owner = 0;
	int rc = op->u.verb.has_gift ? j->store.key_find(j->store.ctx, op->u.verb.gift, &owner, &j->err) : 0;
	if (rc != 0)
		return rc;
	if (owner != 0)
		r->code =
			err_set(&r->err, ERR_REFUSED,
					"saga %lld: it speaks of the gift of saga %lld and starts nothing of its own; settle "
					"this by `saga cancel`",
					saga, (long long)owner);
	else
		r->code =
			err_set(&r->err, ERR_REFUSED,
					"saga %lld: it speaks of a gift that has not come; send the gift's event, or settle "
					"this by `saga cancel`",
					saga);
	return 0;
}

/* Whose a key is: this saga also for a related event that became it. `ret_saga` 0: of a related event that
 * still waits. */
static int key_saga(struct journal *j, const uint8_t key[STORE_KEY_BYTES], bool *ret_owned, int64_t *ret_saga)
{
	struct related_row row = { 0 };
	int64_t owner = 0;
	int rc = j->store.key_find(j->store.ctx, key, &owner, &j->err);
	*ret_owned = owner != 0;
	*ret_saga = owner;
	if (rc != 0 || owner >= 0)
		return rc;
	rc = j->store.related_get(j->store.ctx, -owner, &row, &j->err);
	*ret_saga = row.saga;
	event_unref(row.event);
	return rc == ERR_NOT_FOUND ? 0 : rc; /* forgotten, but its repeats are still known */
}

/* Looks before anything is claimed: a refusal leaves no key behind. */
static int check_keys_free(struct journal *j, const struct op *op, struct verb_result *r)
{
	int64_t saga = op->u.verb.saga, owner = 0;
	bool owned = false;
	int rc = key_saga(j, op->u.verb.dedup, &owned, &owner);
	if (rc == 0 && owned && owner != saga) {
		r->code = owner == 0
					  ? err_set(&r->err, ERR_REFUSED,
								"saga %lld: that event is recorded already, as one that speaks of a gift",
								(long long)saga)
					  : err_set(&r->err, ERR_REFUSED, "saga %lld: that event has saga %lld already",
								(long long)saga, (long long)owner);
		return 0;
	}
	if (rc != 0 || !op->u.verb.has_gift)
		return rc;
	rc = key_saga(j, op->u.verb.gift, &owned, &owner);
	if (rc == 0 && owned && owner != saga)
		r->code = err_set(&r->err, ERR_REFUSED,
						  "saga %lld: its gift has saga %lld already; this event is the same gift again",
						  (long long)saga, (long long)owner);
	return rc;
}

static int claim_mapped_keys(struct journal *j, const struct op *op)
{
	int64_t owner;
	int rc = accept_claim_key(j, op->u.verb.dedup, op->u.verb.saga, &owner);
	if (rc == 0 && op->u.verb.has_gift)
		rc = accept_claim_key(j, op->u.verb.gift, op->u.verb.saga, &owner);
	return rc;
}

static int reprocess(struct journal *j, struct cache_entry *e, struct op *op)
{
	struct saga *saga;
	struct plan_info *plan;
	struct saga_start start;
	struct event *event = op->u.verb.event;
	int rc = accept_make_saga(j, op->u.verb.start, e->id, &saga, &plan, &start);
	if (rc != 0)
		return rc;
	saga->created_ms = e->saga->created_ms;
	cache_replace(j, e, saga, plan);
	event_unref(e->event);
	e->event = event_ref(event);
	rc = j->store.event_replace(j->store.ctx, e->id, event, &j->err);
	if (rc != 0)
		return rc;
	struct decide d = cache_decide_context(j, e);
	records_add(d.log, &(struct record){ .kind = RECORD_REPROCESSED,
										 .at_ms = j->now_ms,
										 .step = RECORD_NO_STEP,
										 .actor = str_of(op->text[0]),
										 .note = str_of(op->text[1]) });
	decide_accepted(&d, &start, event->digest);
	rc = schedule_saga(j, e, (struct schedule_options){ .accepting = true });
	if (rc == 0 && op->u.verb.has_gift)
		rc = accept_attach_waiting(j, op->u.verb.gift, e->id, 0);
	op->u.verb.result.changed = 1;
	op->u.verb.result.state = e->saga->state;
	return rc;
}

int accept_reprocess(struct journal *j, struct op *op)
{
	struct verb_result *r = &op->u.verb.result;
	struct cache_entry *e;
	int rc = cache_load(j, op->u.verb.saga, &e);
	if (rc == ERR_NOT_FOUND) {
		r->code = err_set(&r->err, ERR_NOT_FOUND, "there is no saga %lld", (long long)op->u.verb.saga);
		return 0;
	}
	if (rc == 0)
		r->code = check_reprocessable(e, r);
	if (rc == 0 && r->code == 0)
		rc = op->u.verb.kind == ACCEPT_RELATED ? reject_related_event(j, op, r) : check_keys_free(j, op, r);
	if (rc == 0 && r->code == 0)
		rc = claim_mapped_keys(j, op);
	return rc != 0 || r->code != 0 ? rc : reprocess(j, e, op);
}
