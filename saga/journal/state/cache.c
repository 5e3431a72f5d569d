#include "saga/journal/state/cache.h"

#include <stdlib.h>
#include <string.h>

#include "saga/base/array.h"
#include "saga/journal/journal_internal.h"
#include "saga/journal/schedule/location.h"

#define LOG_KEPT_BYTES 65536 /* a spare record buffer that grew larger is freed; chosen */

/* ---- entries ---- */

struct cache_entry *cache_find(const struct saga_cache *c, int64_t id)
{
	/* the hash of a saga is its id, so no two sagas have the same hash */
	struct hash_link *link = hash_first(&c->table, (uint64_t)id);
	return link != NULL ? HASH_ENTRY(link, struct cache_entry, link) : NULL;
}

/* Makes the saga part of this batch without loading it. */
static struct cache_entry *touch(struct journal *j, int64_t id)
{
	assert(j->batch.open);
	struct saga_cache *c = &j->cache;
	struct cache_entry *e = cache_find(c, id);
	if (e == NULL) {
		e = mem_zalloc(sizeof *e);
		e->id = id;
		e->counted = NOT_COUNTED;
		hash_insert(&c->table, &e->link, (uint64_t)id);
	}
	if (!e->touched) {
		e->touched = true;
		STAILQ_INSERT_TAIL(&j->batch.touched, e, touched_link);
	}
	return e;
}

static void drop_saga(struct journal *j, struct cache_entry *e)
{
	for (unsigned i = 0; e->saga != NULL && i < e->saga->step_count; i++)
		lanes_leave(&j->lanes, &e->locations[i].node);
	saga_destroy(e->saga);
	free(e->locations);
	e->saga = NULL;
	e->locations = NULL;
	e->scheduled = false;
}

static void set_saga(struct cache_entry *e, struct saga *saga, struct plan_info *plan)
{
	e->saga = saga;
	e->plan = plan;
	e->locations = mem_zalloc((saga->step_count + 1) * sizeof *e->locations);
	for (unsigned i = 0; i < saga->step_count; i++)
		e->locations[i] = (struct step_location){ .node = { .saga = saga->id } };
}

static void destroy_entry(struct journal *j, struct cache_entry *e)
{
	drop_saga(j, e);
	event_unref(e->event);
	if (e->log != NULL)
		records_free(e->log);
	free(e->log);
	free(e);
}

/* ---- loading ---- */

/* A loaded saga's rows on disk, and how it was counted, follow from its stored value: nothing else is
 * read. */
static void derive_locations(struct cache_entry *e)
{
	e->counted = e->saga->state;
	for (unsigned i = 0; i < e->saga->step_count; i++) {
		const struct step *st = &e->saga->steps[i];
		struct step_location *p = &e->locations[i];
		p->open = saga_step_is_open(e->saga, st);
		p->attention = saga_step_needs_operator(e->saga, st);
		p->done = st->state == STEP_SUCCEEDED && st->direction == DIRECTION_DO;
		p->location = st->location;
		p->generation = st->generation;
		p->direction = st->direction;
		if (st->location == LOCATION_DISK) {
			p->row_why = (uint8_t)location_row_why(e->saga, i);
			p->row_due_ms = st->due_ms;
		}
	}
}

/* A damaged plan counts as damage of this saga: its sagas cannot be read, others can. */
static int decode_row(struct journal *j, const struct saga_row *row, struct str value, struct saga **ret,
					  struct plan_info **ret_plan)
{
	int rc = plans_load(j, row->plan, ret_plan);
	if (rc == ERR_NOT_FOUND)
		rc = err_set(&j->err, ERR_CORRUPT, "stored saga %lld: its plan %lld is not in the store",
					 (long long)row->id, (long long)row->plan);
	else if (rc == 0)
		rc = saga_decode(row->id, (*ret_plan)->plan, value, ret, &j->err);
	j->cache.damaged_saga = rc == ERR_CORRUPT ? row->id : 0;
	return rc;
}

/* The row's bytes are copied first: they are borrowed from the store, and reading the plan is the next call
 * to it. */
static int read_saga(struct journal *j, int64_t id, struct saga **ret, struct plan_info **ret_plan,
					 uint8_t ret_salt[SAGA_SALT_BYTES])
{
	struct saga_row row;
	int rc = j->store.saga_get(j->store.ctx, id, &row, &j->err);
	if (rc != 0)
		return rc;
	char *bytes AUTO_FREE = mem_strndup(row.value.p, row.value.len);
	memcpy(ret_salt, row.salt, sizeof row.salt);
	return decode_row(j, &row, (struct str){ bytes, row.value.len }, ret, ret_plan);
}

/* `row`: the saga as it was just read; NULL: it is read when it is not in memory. */
static int load(struct journal *j, int64_t id, const struct saga_row *row, struct cache_entry **ret)
{
	struct cache_entry *e = cache_find(&j->cache, id);
	struct plan_info *plan = NULL;
	struct saga *saga = NULL;
	uint8_t salt[SAGA_SALT_BYTES] = { 0 };
	j->cache.damaged_saga = 0;
	if (row != NULL)
		memcpy(salt, row->salt, sizeof salt);
	if (e == NULL || e->saga == NULL) {
		int rc =
			row != NULL ? decode_row(j, row, row->value, &saga, &plan) : read_saga(j, id, &saga, &plan, salt);
		if (rc != 0)
			return rc;
	}
	e = touch(j, id);
	if (saga != NULL) {
		set_saga(e, saga, plan);
		memcpy(e->salt, salt, sizeof salt);
		derive_locations(e);
	}
	*ret = e;
	return 0;
}

int cache_load(struct journal *j, int64_t id, struct cache_entry **ret)
{
	return load(j, id, NULL, ret);
}

int cache_load_row(struct journal *j, const struct saga_row *row, struct cache_entry **ret)
{
	return load(j, row->id, row, ret);
}

int cache_load_to_record(struct journal *j, int64_t id, struct cache_entry **ret)
{
	int rc = cache_load(j, id, ret);
	if (rc != ERR_NOT_FOUND && !cache_is_damaged(j, rc))
		return rc;
	j->err = (struct err){ 0 };
	*ret = touch(j, id);
	return 0;
}

bool cache_is_damaged(const struct journal *j, int rc)
{
	return rc == ERR_CORRUPT && j->cache.damaged_saga != 0;
}

/* ---- changing ---- */

struct cache_entry *cache_add(struct journal *j, struct saga *saga, struct plan_info *plan)
{
	assert(plan->plan == saga->plan);
	struct cache_entry *e = touch(j, saga->id);
	assert(e->saga == NULL); /* its number is new */
	set_saga(e, saga, plan);
	e->is_new = e->changed = true;
	return e;
}

void cache_replace(struct journal *j, struct cache_entry *e, struct saga *saga, struct plan_info *plan)
{
	assert(e->touched && saga->id == e->id && plan->plan == saga->plan);
	for (unsigned i = 0; i < e->saga->step_count; i++)
		assert(e->locations[i].location == LOCATION_NONE);
	assert(saga->rows.count == 0);
	saga->rows = e->saga->rows;
	e->saga->rows = (struct saga_rows){ 0 };
	drop_saga(j, e);
	set_saga(e, saga, plan);
	e->changed = true;
}

struct records *cache_log(struct journal *j, struct cache_entry *e)
{
	struct saga_cache *c = &j->cache;
	assert(e->touched);
	if (e->log == NULL)
		e->log = c->spare_count > 0 ? c->spare[--c->spare_count] : mem_zalloc(sizeof *e->log);
	return e->log;
}

struct decide cache_decide_context(struct journal *j, struct cache_entry *e)
{
	assert(e->saga != NULL);
	return (struct decide){ .saga = e->saga,
							.now_ms = j->now_ms,
							.rnd = j->entropy,
							.rules = targets_rules_port(j),
							.log = cache_log(j, e) };
}

void cache_set_event(struct cache_entry *e, struct event *event)
{
	assert(e->touched && event != NULL);
	if (e->event == NULL)
		e->event = event_ref(event);
}

int cache_load_event(struct journal *j, struct cache_entry *e)
{
	assert(e->touched); /* the end of the batch releases the event */
	if (e->event != NULL)
		return 0;
	int rc = j->store.event_get(j->store.ctx, e->id, &e->event, &j->err);
	j->cache.damaged_saga = 0;
	if (rc != 0 || e->event != NULL)
		return rc;
	j->cache.damaged_saga = e->id;
	return err_set(&j->err, ERR_CORRUPT, "stored saga %lld: its event does not decode", (long long)e->id);
}

/* ---- the end of the batch ---- */

/* Keeps the record buffer for another entry: each batch needs some, and allocating them costs more than
 * filling them. */
static void recycle_log(struct journal *j, struct cache_entry *e)
{
	struct saga_cache *c = &j->cache;
	if (e->log == NULL)
		return;
	if (e->log->head.capacity + e->log->personal.capacity > LOG_KEPT_BYTES)
		records_free(e->log);
	records_clear(e->log);
	ARRAY_GROW(c->spare, c->spare_count, c->spare_capacity);
	c->spare[c->spare_count++] = e->log;
	e->log = NULL;
}

void cache_release(struct journal *j, struct cache_entry *e)
{
	/* the caller has taken the entry from the list of touched entries */
	assert(e->touched);
	recycle_log(j, e);
	event_unref(e->event);
	e->event = NULL;
	e->touched = e->is_new = e->changed = false;
	if (e->saga != NULL && saga_is_live(e->saga))
		return;
	hash_remove(&j->cache.table, &e->link);
	destroy_entry(j, e);
}

void cache_free(struct journal *j)
{
	struct saga_cache *c = &j->cache;
	struct hash_cursor cursor = { 0 };
	struct hash_link *link;
	while ((link = hash_walk(&c->table, &cursor)) != NULL)
		destroy_entry(j, HASH_ENTRY(link, struct cache_entry, link));
	hash_free(&c->table);
	for (size_t i = 0; i < c->spare_count; i++) {
		records_free(c->spare[i]);
		free(c->spare[i]);
	}
	free(c->spare);
	*c = (struct saga_cache){ 0 };
}
