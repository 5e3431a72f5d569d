/* The log holds the salted digest of every accepted event: a missing or changed event shows. A forgotten event has
 * no salt any more, so only its presence is checked. */
#include "saga/store/verify_internal.h"

#include <stdlib.h>
#include <string.h>

#include "saga/base/array.h"
#include "saga/base/digest.h"

static bool is_forgotten(const struct event *event)
{
	static const uint8_t zeros[EVENT_SALT_BYTES];
	return memcmp(event->salt, zeros, sizeof zeros) == 0;
}

/* ---- related events that waited ---- */

static void check_waited(struct store_verification *v, const struct related_row *row, struct str digest)
{
	if (row->event == NULL)
		store_verify_finding(v, "related event %lld does not decode", (long long)row->id);
	else if (!is_forgotten(row->event) && memcmp(row->event->digest, digest.p, DIGEST_BYTES) != 0)
		store_verify_finding(v, "related event %lld was changed after it was recorded", (long long)row->id);
}

int verify_related(struct store_verification *v, int64_t id, struct str digest, struct err *err)
{
	struct related_row row = { 0 };
	assert(digest.len == DIGEST_BYTES);
	int rc = v->source->related(v->source->ctx, id, &row, err);
	if (rc == ERR_NOT_FOUND)
		store_verify_finding(v, "related event %lld is missing", (long long)id);
	else if (rc == 0)
		check_waited(v, &row, digest);
	event_unref(row.event);
	return rc == ERR_NOT_FOUND ? 0 : rc;
}

/* ---- the events of a saga ---- */

struct recorded_digest {
	uint8_t digest[DIGEST_BYTES];
	bool related; /* of a related event */
	bool met;     /* a row with this digest was met */
};

/* What the log rows of one saga say of its events. */
struct recorded_events {
	struct store_verification *v;
	int64_t saga;
	size_t rows;
	struct recorded_digest *digests;
	size_t count, capacity;
	size_t undigested; /* records of related events from before schema 5, which have no digest */
	size_t forgotten;  /* related events that were met without a salt */
};

/* Digests of 32 bytes are of events, those of 16 bytes of request bodies. The one of a duplicate is of an event
 * that is not stored. */
static void add_record(struct recorded_events *r, const struct record *record)
{
	bool related = record->kind == RECORD_RELATED;
	if (record->digest.len == DIGEST_BYTES && record->kind != RECORD_DUPLICATE) {
		ARRAY_GROW(r->digests, r->count, r->capacity);
		struct recorded_digest *d = &r->digests[r->count++];
		*d = (struct recorded_digest){ .related = related };
		memcpy(d->digest, record->digest.p, DIGEST_BYTES);
	} else if (related) {
		r->undigested++;
	}
}

static int add_log_row(void *ctx, const struct log_row *row)
{
	struct recorded_events *r = ctx;
	r->rows++;
	struct records_reader records = records_read(row->head, row->personal, row->at_ms);
	struct record record;
	int rc = records_next(&records, &record, NULL); /* damage is reported with the log */
	for (; rc == 1; rc = records_next(&records, &record, NULL))
		add_record(r, &record);
	return 0;
}

/* NULL: no record has this digest. */
static struct recorded_digest *find_digest(struct recorded_events *r, const uint8_t digest[DIGEST_BYTES])
{
	for (size_t i = 0; i < r->count; i++)
		if (memcmp(r->digests[i].digest, digest, DIGEST_BYTES) == 0)
			return &r->digests[i];
	return NULL;
}

static bool has_own_event(const struct recorded_events *r)
{
	for (size_t i = 0; i < r->count; i++)
		if (!r->digests[i].related)
			return true;
	return false;
}

static void check_own(struct recorded_events *r, int code, const struct event *event, const struct err *why)
{
	long long saga = r->saga;
	if (r->rows == 0)
		store_verify_finding(r->v, "saga %lld: the log has no row about it", saga);
	else if (code == ERR_CORRUPT)
		store_verify_finding(r->v, "saga %lld: its event cannot be read: %s", saga, why->text);
	else if (event == NULL && has_own_event(r))
		store_verify_finding(r->v, "saga %lld: its event is missing", saga);
	else if (event != NULL && !is_forgotten(event) && has_own_event(r) &&
			 find_digest(r, event->digest) == NULL)
		store_verify_finding(r->v, "saga %lld: its event was changed after it was recorded", saga);
}

/* The event that a saga gift_missing was made of is also a related event, with the digest of the saga's own. */
static int check_related(void *ctx, const struct related_row *row)
{
	struct recorded_events *r = ctx;
	struct recorded_digest *d = row->event != NULL ? find_digest(r, row->event->digest) : NULL;
	if (d != NULL)
		d->met = true;
	else if (row->event == NULL)
		store_verify_finding(r->v, "related event %lld of saga %lld does not decode", (long long)row->id,
							 (long long)r->saga);
	else if (is_forgotten(row->event))
		r->forgotten++;
	else if (r->undigested > 0)
		r->undigested--;
	else
		store_verify_finding(r->v, "related event %lld of saga %lld was changed after it was recorded",
							 (long long)row->id, (long long)r->saga);
	return 0;
}

/* Digests that no row has are of the forgotten events, as far as there are some. */
static void check_met(struct recorded_events *r)
{
	size_t missing = 0;
	for (size_t i = 0; i < r->count; i++)
		missing += r->digests[i].related && !r->digests[i].met;
	if (missing > r->forgotten)
		store_verify_finding(r->v, "saga %lld: %zu of its related events are missing or changed",
							 (long long)r->saga, missing - r->forgotten);
}

int verify_events_of(struct store_verification *v, const struct saga_row *row, struct saga *s,
					 struct err *err)
{
	int64_t saga = s->id;
	struct recorded_events r = { .v = v, .saga = saga };
	struct event *event = NULL;
	struct err why = { 0 };
	int code = v->source->event(v->source->ctx, saga, &event, &why);
	int rc = code == ERR_NOT_FOUND || code == ERR_CORRUPT ? 0 : code;
	if (rc != 0)
		return err_set(err, rc, "%s", why.text);
	rc = verify_rows_of(v, row, s, &r, add_log_row, err);
	if (rc == 0) {
		check_own(&r, code, event, &why);
		rc = v->source->related_of(v->source->ctx, saga, &r, check_related, err);
	}
	if (rc == 0)
		check_met(&r);
	event_unref(event);
	free(r.digests);
	return rc;
}
