/* Reprocessing: a quarantined or gift_missing saga becomes what its event maps to now. */
#include "saga/journal/journal_internal.h"
#include "saga/journal/ops/accept.h"
#include "saga/journal/schedule/schedule.h"

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

/* A related event starts nothing, so its saga must not get the gift's key either: the event that makes the
 * gift would then be taken for a repeat. */
static int reject_related_event(struct journal *j, struct op *op, struct verb_result *r)
{
	long long saga = op->u.verb.saga;
	int64_t owner = 0;
	int rc = op->u.verb.has_gift ? j->store.key_find(j->store.ctx, op->u.verb.gift, &owner, &j->err) : 0;
	if (rc != 0)
		return rc;
	if (owner != 0)
		r->code = err_set(
			&r->err, ERR_REFUSED,
			"saga %lld: its event belongs to the gift of saga %lld and starts nothing; end this saga with "
			"`saga cancel`",
			saga, (long long)owner);
	else
		r->code = err_set(
			&r->err, ERR_REFUSED,
			"saga %lld: its event belongs to a gift that has not come; send the gift's event, or end this "
			"saga with `saga cancel`",
			saga);
	return 0;
}

/* The saga that owns a key; for the key of a related event, the saga that the event became or is attached to.
 * *ret_saga 0 with *ret_owned: a related event that still waits for its gift, or was deleted. */
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
	return rc == ERR_NOT_FOUND ? 0 : rc;
}

/* Looks at both keys before one is claimed, so that a refusal leaves no key behind. */
static int check_keys_free(struct journal *j, const struct op *op, struct verb_result *r)
{
	int64_t saga = op->u.verb.saga, owner = 0;
	bool owned = false;
	int rc = key_saga(j, op->u.verb.dedup, &owned, &owner);
	if (rc == 0 && owned && owner != saga) {
		r->code = owner == 0
					  ? err_set(&r->err, ERR_REFUSED,
								"saga %lld: this event is recorded already, as a related event of a gift",
								(long long)saga)
					  : err_set(&r->err, ERR_REFUSED, "saga %lld: this event has saga %lld already",
								(long long)saga, (long long)owner);
		return 0;
	}
	if (rc != 0 || !op->u.verb.has_gift)
		return rc;
	rc = key_saga(j, op->u.verb.gift, &owned, &owner);
	if (rc == 0 && owned && owner != saga)
		r->code = err_set(&r->err, ERR_REFUSED,
						  "saga %lld: its gift has saga %lld already, so this event is a repeat of the gift",
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

/* The saga keeps its number and time of creation; all else is as if its event were accepted now. */
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

/* The checks come before the first change: what they refuse leaves the saga as it was. */
int accept_reprocess(struct journal *j, struct op *op)
{
	assert(op->kind == OP_REPROCESS && op->u.verb.event != NULL && op->u.verb.start != NULL);
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
