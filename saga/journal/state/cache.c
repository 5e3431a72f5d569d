/* Sagas in memory: those that are live, so that an outcome needs no reading, and those of the current batch,
 * so that several operations on one saga give one update and one log row. */
#include <stdlib.h>
#include <string.h>

#include "saga/base/mem.h"
#include "saga/journal/journal_internal.h"
#include "saga/journal/schedule/location.h"

#define CACHE_FIRST_CAP 256
#define LOG_KEPT_BYTES  65536 /* a buffer that grew larger is not kept */

void cache_init(struct saga_cache *c)
{
	*c = (struct saga_cache){ .capacity = CACHE_FIRST_CAP };
	c->slots = mem_zalloc(c->capacity * sizeof *c->slots);
}

static size_t slot_of(const struct saga_cache *c, int64_t id)
{
	return (size_t)((uint64_t)id * 0x9e3779b97f4a7c15ULL >> 20) & (c->capacity - 1);
}

struct cache_entry *cache_find(const struct saga_cache *c, int64_t id)
{
	struct cache_entry *e = c->slots[slot_of(c, id)];
	while (e != NULL && e->id != id)
		e = e->next;
	return e;
}

static void grow(struct saga_cache *c)
{
	struct cache_entry **old = c->slots;
	size_t old_cap = c->capacity;
	c->capacity *= 2;
	c->slots = mem_zalloc(c->capacity * sizeof *c->slots);
	for (size_t i = 0; i < old_cap; i++) {
		while (old[i] != NULL) {
			struct cache_entry *e = old[i];
			old[i] = e->next;
			size_t slot = slot_of(c, e->id);
			e->next = c->slots[slot];
			c->slots[slot] = e;
		}
	}
	free(old);
}

struct cache_entry *cache_touch(struct journal *j, int64_t id)
{
	struct saga_cache *c = &j->cache;
	struct cache_entry *e = cache_find(c, id);
	if (e == NULL) {
		if (c->count >= c->capacity)
			grow(c);
		size_t slot = slot_of(c, id);
		e = mem_zalloc(sizeof *e);
		e->id = id;
		e->counted = NOT_COUNTED;
		e->next = c->slots[slot];
		c->slots[slot] = e;
		c->count++;
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
}

static void set_saga(struct cache_entry *e, struct saga *saga, struct plan_info *plan)
{
	e->saga = saga;
	e->plan = plan;
	e->locations = mem_zalloc((saga->step_count + 1) * sizeof *e->locations);
	for (unsigned i = 0; i < saga->step_count; i++)
		e->locations[i] = (struct step_location){ .node = { .saga = saga->id } };
}

/* What is true on disk follows from the saga as it was stored. */
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

int cache_load(struct journal *j, int64_t id, struct cache_entry **ret)
{
	struct cache_entry *e = cache_find(&j->cache, id);
	j->cache.damaged_saga = 0;
	if (e != NULL && e->saga != NULL) {
		*ret = cache_touch(j, id);
		return 0;
	}
	struct saga_row row;
	int rc = j->store.saga_get(j->store.ctx, id, &row, &j->err);
	if (rc != 0)
		return rc;
	char *bytes AUTO_FREE = mem_strndup(row.value.p, row.value.len); /* the plan may be read in between */
	struct plan_info *plan = NULL;
	struct saga *saga = NULL;
	rc = plans_load(j, row.plan, &plan);
	if (rc == ERR_NOT_FOUND)
		rc = err_set(&j->err, ERR_CORRUPT, "stored saga %lld: its plan %lld is not there", (long long)id,
					 (long long)row.plan);
	else if (rc == 0)
		rc = saga_decode(id, plan->plan, (struct str){ bytes, row.value.len }, &saga, &j->err);
	if (rc != 0) {
		j->cache.damaged_saga =
			rc == ERR_CORRUPT ? id : 0; /* a damaged plan too: its sagas cannot be read, others can */
		return rc;
	}
	e = cache_touch(j, id);
	set_saga(e, saga, plan);
	derive_locations(e);
	*ret = e;
	return 0;
}

bool cache_is_damaged(const struct journal *j, int rc)
{
	return rc == ERR_CORRUPT && j->cache.damaged_saga != 0;
}

struct cache_entry *cache_add(struct journal *j, struct saga *saga, struct plan_info *plan)
{
	struct cache_entry *e = cache_touch(j, saga->id);
	assert(e->saga == NULL);
	set_saga(e, saga, plan);
	e->is_new = e->changed = true;
	return e;
}

void cache_replace(struct journal *j, struct cache_entry *e, struct saga *saga, struct plan_info *plan)
{
	for (unsigned i = 0; i < e->saga->step_count; i++)
		assert(e->locations[i].location == LOCATION_NONE);
	drop_saga(j, e);
	set_saga(e, saga, plan);
	e->changed = true;
}

struct records *cache_log(struct journal *j, struct cache_entry *e)
{
	struct saga_cache *b = &j->cache;
	assert(e->touched);
	if (e->log == NULL)
		e->log = b->spare_count > 0 ? b->spare[--b->spare_count] : mem_zalloc(sizeof *e->log);
	return e->log;
}

struct decide cache_decide_context(struct journal *j, struct cache_entry *e)
{
	return (struct decide){ .saga = e->saga,
							.now_ms = j->now_ms,
							.rnd = j->entropy,
							.rules = targets_rules_port(j),
							.log = cache_log(j, e) };
}

void cache_set_event(struct cache_entry *e, struct event *event)
{
	if (e->event == NULL)
		e->event = event_ref(event);
}

int cache_load_event(struct journal *j, struct cache_entry *e)
{
	return e->event != NULL ? 0 : j->store.event_get(j->store.ctx, e->id, &e->event, &j->err);
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

static void recycle_log(struct journal *j, struct cache_entry *e)
{
	struct saga_cache *b = &j->cache;
	if (e->log == NULL)
		return;
	if (e->log->head.capacity + e->log->personal.capacity > LOG_KEPT_BYTES)
		records_free(e->log);
	records_clear(e->log);
	if (b->spare_count == b->spare_capacity) {
		b->spare_capacity = b->spare_capacity * 2 + 16;
		b->spare = mem_grow(b->spare, b->spare_capacity * sizeof(struct records *));
	}
	b->spare[b->spare_count++] = e->log;
	e->log = NULL;
}

void cache_release(struct journal *j, struct cache_entry *e)
{
	recycle_log(j, e);
	event_unref(e->event);
	e->event = NULL;
	e->touched = e->is_new = e->changed = false;
	if (e->saga != NULL && saga_is_live(e->saga))
		return;
	struct cache_entry **at = &j->cache.slots[slot_of(&j->cache, e->id)];
	while (*at != e)
		at = &(*at)->next;
	*at = e->next;
	j->cache.count--;
	destroy_entry(j, e);
}

void cache_free(struct journal *j)
{
	struct saga_cache *c = &j->cache;
	for (size_t i = 0; i < c->capacity; i++) {
		while (c->slots[i] != NULL) {
			struct cache_entry *e = c->slots[i];
			c->slots[i] = e->next;
			destroy_entry(j, e);
		}
	}
	for (size_t i = 0; i < c->spare_count; i++) {
		records_free(c->spare[i]);
		free(c->spare[i]);
	}
	free(c->spare);
	free(c->slots);
	*c = (struct saga_cache){ 0 };
}
