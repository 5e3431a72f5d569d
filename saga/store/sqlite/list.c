/* Finding sagas: by filter, newest first, in slices of time; and by event id. */
#include "saga/store/sqlite/read.h"

#include "saga/base/clock.h"
#include "saga/model/figure_ids.h"

/* How long saga_find scans for an event that has no key of its id: the key has expired, or the source's
 * option `dedup` builds its keys from other fields. Chosen; no measurement. */
#define FIND_BUDGET_MS 2000

struct saga_listing {
	struct sqlite_reader *r;
	const struct saga_filter *filter;
	struct saga **sagas;
	size_t capacity;
	size_t found;
	int64_t before; /* the scan continues below this id; 0: it has reached the end */
};

/* ---- scanning ---- */

static int take_row(struct saga_listing *l, struct db_query *q, struct err *err)
{
	struct saga_row row;
	struct saga *s = NULL;
	column_saga_row(q, &row);
	if (!store_filter_row(l->filter, &row))
		return 0;
	int rc = read_saga(l->r, &row, &s, err);
	if (rc != 0)
		return rc;
	if (store_filter_saga(l->filter, s))
		l->sagas[l->found++] = s;
	else
		saga_destroy(s);
	return 0;
}

/* A filter for an open state uses the index of open sagas. Running sagas can be outside of it, between the
 * low-water mark and the reach. Sagas at rest are most of the table, so for them the table itself is read
 * backwards. */
static int list_query(struct saga_listing *l, struct db_query *ret, struct err *err)
{
	int state = l->filter->state;
	struct store_figures figures = { 0 };
	if (state < 0 || saga_state_at_rest((enum saga_state)state)) {
		*ret = query_begin(&l->r->db, R_LIST);
		query_int(ret, l->before);
		return 0;
	}
	int rc = state == SAGA_RUNNING ? read_figures(l->r, &figures, err) : 0;
	if (rc != 0)
		return rc;
	*ret = query_begin(&l->r->db, R_LIST_OPEN);
	query_int(ret, l->before);
	query_int(ret, state);
	query_int(ret, tally_value(&figures.marks, figure_of_mark(0, MARK_LOW)));
	query_int(ret, tally_value(&figures.marks, figure_of_mark(0, MARK_REACH)));
	store_figures_free(&figures);
	return 0;
}

/* Ends after a slice or at until_ms, but examines at least one row, so that the scan always advances. */
static int scan_rows(struct saga_listing *l, struct db_query *q, int64_t until_ms, struct err *err)
{
	int rc = query_next(q, err);
	for (unsigned n = 1; rc == 1; n++) {
		int64_t id = column_int(q, 0);
		rc = take_row(l, q, err);
		if (rc != 0)
			return rc;
		l->before = id;
		if (l->found == l->capacity)
			return 0;
		if (n % 32 == 0 && (read_slice_over(l->r) || clock_monotonic_ms() >= until_ms))
			return 0;
		rc = query_next(q, err);
	}
	if (rc == 0)
		l->before = 0;
	return rc;
}

/* One read transaction, so that the marks are those of the moment in which the sagas are read. */
static int scan_slice(struct saga_listing *l, int64_t until_ms, struct err *err)
{
	read_slice(l->r);
	int rc = read_begin(l->r, err);
	struct db_query q;
	if (rc == 0)
		rc = list_query(l, &q, err);
	if (rc == 0) {
		rc = scan_rows(l, &q, until_ms, err);
		query_end(&q);
	}
	int ended = read_end(l->r, rc == 0 ? err : NULL);
	return rc != 0 ? rc : ended;
}

static int scan(struct saga_listing *l, int64_t budget_ms, struct err *err)
{
	int64_t until_ms = clock_monotonic_ms() + (budget_ms > 0 ? budget_ms : 0);
	int rc = 0;
	do
		rc = scan_slice(l, until_ms, err);
	while (rc == 0 && l->before != 0 && l->found < l->capacity && clock_monotonic_ms() < until_ms);
	return rc;
}

/* ---- by event id ---- */

/* The event that owns a key, a new reference, and its saga. Both are empty without such an event, and when it
 * does not decode. */
static int read_owner(struct sqlite_reader *r, int64_t owner, struct event **ret, int64_t *ret_saga,
					  struct err *err)
{
	struct related_row row = { .saga = owner };
	struct db_query AUTO_QUERY q = query_begin(&r->db, owner > 0 ? R_EVENT_GET : R_RELATED_GET);
	query_int(&q, owner > 0 ? owner : -owner);
	int rc = query_next(&q, err);
	if (rc == 1 && owner > 0)
		row.event = column_event(&q, 0, NULL);
	else if (rc == 1)
		column_related(&q, &row, NULL);
	*ret = row.event;
	*ret_saga = row.event != NULL ? row.saga : 0;
	return rc < 0 ? rc : 0;
}

/* *ret_id is the saga of the key's owner, or 0 when the owner is another event: with the source's option
 * `dedup` different events can share a key. */
static int owner_saga(struct sqlite_reader *r, int64_t owner, const char *source, const char *event_id,
					  int64_t *ret_id, struct err *err)
{
	struct event *event = NULL;
	int64_t saga = 0;
	int rc = read_owner(r, owner, &event, &saga, err);
	if (rc != 0)
		return rc;
	bool same = event != NULL && str_is(event->f.source, source) && str_is(event->f.event_id, event_id);
	*ret_id = same ? saga : 0;
	event_unref(event);
	return 0;
}

/* *ret_id is 0 when no key leads to this event. The key's query ends before the owner's begins. */
static int find_by_key(struct sqlite_reader *r, const char *source, const char *event_id, int64_t *ret_id,
					   struct err *err)
{
	uint8_t key[STORE_KEY_BYTES];
	store_event_key(source, event_id, key);
	int64_t owner = 0;
	read_slice(r);
	{
		struct db_query AUTO_QUERY q = query_begin(&r->db, R_KEY_GET);
		query_blob(&q, key, sizeof key);
		int rc = query_next(&q, err);
		if (rc < 0)
			return rc;
		owner = rc == 1 ? column_int(&q, 0) : 0;
	}
	*ret_id = 0;
	return owner == 0 ? 0 : owner_saga(r, owner, source, event_id, ret_id, err);
}

/* Fallback for events without a key of their id: newest sagas first, for FIND_BUDGET_MS. */
static int find_by_scan(struct sqlite_reader *r, const char *source, const char *event_id, int64_t *ret_id,
						struct err *err)
{
	struct saga_filter filter = {
		.state = -1, .outcome = -1, .reason = -1, .source = source, .event_id = event_id
	};
	struct saga *s = NULL;
	struct saga_listing l = { .r = r, .filter = &filter, .sagas = &s, .capacity = 1, .before = INT64_MAX };
	int rc = scan(&l, FIND_BUDGET_MS, err);
	if (rc != 0)
		return rc;
	if (l.found == 1) {
		*ret_id = s->id;
		saga_destroy(s);
		return 0;
	}
	if (l.before == 0)
		return err_set(err, ERR_NOT_FOUND, "there is no event %s/%s", source, event_id);
	return err_set(err, ERR_NOT_FOUND,
				   "event %s/%s was not found: the store does not list it by its id, and only the sagas from "
				   "the newest down to %lld were searched; search older sagas with `almoner saga list`",
				   source, event_id, (long long)l.before);
}

static int list_saga_find(void *ctx, const char *source, const char *event_id, int64_t *ret_id,
						  struct err *err)
{
	int64_t id = 0;
	int rc = find_by_key(ctx, source, event_id, &id, err);
	if (rc != 0)
		return rc;
	if (id == 0)
		return find_by_scan(ctx, source, event_id, ret_id, err);
	*ret_id = id;
	return 0;
}

/* Lists at most the one saga with this id, if it satisfies the rest of the filter. */
static int list_one(struct saga_listing *l, int64_t id, struct err *err)
{
	if (id < l->before) {
		struct db_query AUTO_QUERY q = query_begin(&l->r->db, R_SAGA_GET);
		query_int(&q, id);
		int rc = query_next(&q, err);
		if (rc == 1)
			rc = take_row(l, &q, err);
		if (rc != 0)
			return rc;
	}
	l->before = 0;
	return 0;
}

/* A filter for one event of one source needs no scan when the event has its key. */
static int list_run(struct saga_listing *l, int64_t budget_ms, struct err *err)
{
	int64_t id = 0;
	const struct saga_filter *f = l->filter;
	if (f->source != NULL && f->event_id != NULL) {
		int rc = find_by_key(l->r, f->source, f->event_id, &id, err);
		if (rc != 0)
			return rc;
	}
	return id != 0 ? list_one(l, id, err) : scan(l, budget_ms, err);
}

/* On error the sagas found so far are destroyed: the caller gets all or none. */
static int list_saga_list(void *ctx, const struct saga_filter *filter, int64_t before, int64_t budget_ms,
						  struct saga **sagas, size_t capacity, size_t *ret, int64_t *ret_next,
						  struct err *err)
{
	assert(capacity > 0);
	struct saga_listing l = {
		.r = ctx, .filter = filter, .sagas = sagas, .capacity = capacity, .before = before
	};
	int rc = list_run(&l, budget_ms, err);
	if (rc != 0) {
		for (size_t i = 0; i < l.found; i++)
			saga_destroy(sagas[i]);
		return rc;
	}
	*ret = l.found;
	*ret_next = l.before;
	return 0;
}

void list_ops(struct store_reader *ops)
{
	ops->saga_list = list_saga_list;
	ops->saga_find = list_saga_find;
}
