/* Sagas in memory: those that are live, so that an outcome needs no reading, and those of the current batch,
 * so that several operations on one saga give one update and one log row. */
#include <stdlib.h>
#include <string.h>

#include "saga/base/mem.h"
#include "saga/journal/journal_internal.h"

#define CACHE_FIRST_ROOM 256
#define LOG_KEPT_BYTES   65536 /* a buffer that grew larger is not kept */

void cache_init(struct cache *c)
{
	*c = (struct cache){ .room = CACHE_FIRST_ROOM };
	c->slots = mem_zalloc(c->room * sizeof *c->slots);
}

static size_t slot_of(const struct cache *c, int64_t id)
{
	return (size_t)((uint64_t)id * 0x9e3779b97f4a7c15ULL >> 20) & (c->room - 1);
}

struct entry *cache_find(const struct cache *c, int64_t id)
{
	struct entry *e = c->slots[slot_of(c, id)];
	while (e != NULL && e->id != id)
		e = e->next;
	return e;
}

static void grow(struct cache *c)
{
	struct entry **old = c->slots;
	size_t old_room = c->room;
	c->room *= 2;
	c->slots = mem_zalloc(c->room * sizeof *c->slots);
	for (size_t i = 0; i < old_room; i++) {
		while (old[i] != NULL) {
			struct entry *e = old[i];
			old[i] = e->next;
			size_t slot = slot_of(c, e->id);
			e->next = c->slots[slot];
			c->slots[slot] = e;
		}
	}
	free(old);
}

struct entry *entry_touch(struct journal *j, int64_t id)
{
	struct cache *c = &j->cache;
	struct entry *e = cache_find(c, id);
	if (e == NULL) {
		if (c->count >= c->room)
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

static void entry_forget_saga(struct journal *j, struct entry *e)
{
	for (unsigned i = 0; e->saga != NULL && i < e->saga->step_count; i++)
		lanes_leave(&j->lanes, &e->placed[i].node);
	saga_destroy(e->saga);
	free(e->placed);
	e->saga = NULL;
	e->placed = NULL;
}

static void entry_take_saga(struct entry *e, struct saga *saga, struct plan_info *plan)
{
	e->saga = saga;
	e->plan = plan;
	e->placed = mem_zalloc((saga->step_count + 1) * sizeof *e->placed);
	for (unsigned i = 0; i < saga->step_count; i++)
		e->placed[i] = (struct placed){ .node = { .saga = saga->id } };
}

/* What is true on disk follows from the saga as it was stored. */
static void entry_adopt_places(struct entry *e)
{
	e->counted = e->saga->state;
	for (unsigned i = 0; i < e->saga->step_count; i++) {
		const struct step *st = &e->saga->steps[i];
		struct placed *p = &e->placed[i];
		p->open = saga_step_is_open(e->saga, st);
		p->attention = saga_step_needs_person(e->saga, st);
		p->done = st->state == STEP_SUCCEEDED && st->direction == DIRECTION_DO;
		p->place = st->place;
		p->generation = st->generation;
		p->direction = st->direction;
		if (st->place == PLACE_ROW) {
			p->row_why = (uint8_t)seat_row_why(e->saga, i);
			p->row_due_ms = st->due_ms;
		}
	}
}

static int plan_number(struct journal *j, int64_t number, struct plan_info **ret);

int entry_load(struct journal *j, int64_t id, struct entry **ret)
{
	struct entry *e = cache_find(&j->cache, id);
	j->damaged = 0;
	if (e != NULL && e->saga != NULL) {
		*ret = entry_touch(j, id);
		return 0;
	}
	struct saga_row row;
	int rc = j->store.saga_get(j->store.ctx, id, &row, &j->err);
	if (rc != 0)
		return rc;
	char *bytes AUTO_FREE = mem_strndup(row.value.p, row.value.len); /* the plan may be read in between */
	struct plan_info *plan = NULL;
	struct saga *saga = NULL;
	rc = plan_number(j, row.plan, &plan);
	if (rc == ERR_NOT_FOUND)
		rc = err_set(&j->err, ERR_CORRUPT, "stored saga %lld: its plan %lld is not there", (long long)id,
					 (long long)row.plan);
	else if (rc == 0)
		rc = saga_decode(id, plan->plan, (struct str){ bytes, row.value.len }, &saga, &j->err);
	if (rc != 0) {
		j->damaged =
			rc == ERR_CORRUPT ? id : 0; /* a damaged plan too: its sagas cannot be read, others can */
		return rc;
	}
	e = entry_touch(j, id);
	entry_take_saga(e, saga, plan);
	entry_adopt_places(e);
	*ret = e;
	return 0;
}

bool entry_damaged(const struct journal *j, int rc)
{
	return rc == ERR_CORRUPT && j->damaged != 0;
}

struct entry *entry_new(struct journal *j, struct saga *saga, struct plan_info *plan)
{
	struct entry *e = entry_touch(j, saga->id);
	assert(e->saga == NULL);
	entry_take_saga(e, saga, plan);
	e->is_new = e->changed = true;
	return e;
}

void entry_replace(struct journal *j, struct entry *e, struct saga *saga, struct plan_info *plan)
{
	for (unsigned i = 0; i < e->saga->step_count; i++)
		assert(e->placed[i].place == PLACE_NONE);
	entry_forget_saga(j, e);
	entry_take_saga(e, saga, plan);
	e->changed = true;
}

struct records *entry_log(struct journal *j, struct entry *e)
{
	struct batch *b = &j->batch;
	assert(e->touched);
	if (e->log == NULL)
		e->log = b->spare_count > 0 ? b->spare[--b->spare_count] : mem_zalloc(sizeof *e->log);
	return e->log;
}

void entry_give_event(struct entry *e, struct event *event)
{
	if (e->event == NULL)
		e->event = event_ref(event);
}

int entry_need_event(struct journal *j, struct entry *e)
{
	return e->event != NULL ? 0 : j->store.event_get(j->store.ctx, e->id, &e->event, &j->err);
}

static void entry_destroy(struct journal *j, struct entry *e)
{
	entry_forget_saga(j, e);
	event_unref(e->event);
	if (e->log != NULL)
		records_free(e->log);
	free(e->log);
	free(e);
}

static void give_back_log(struct journal *j, struct entry *e)
{
	struct batch *b = &j->batch;
	if (e->log == NULL)
		return;
	if (e->log->head.room + e->log->personal.room > LOG_KEPT_BYTES)
		records_free(e->log);
	records_clear(e->log);
	if (b->spare_count == b->spare_room) {
		b->spare_room = b->spare_room * 2 + 16;
		b->spare = mem_grow(b->spare, b->spare_room * sizeof(struct records *));
	}
	b->spare[b->spare_count++] = e->log;
	e->log = NULL;
}

void entry_release(struct journal *j, struct entry *e)
{
	give_back_log(j, e);
	event_unref(e->event);
	e->event = NULL;
	e->touched = e->is_new = e->changed = false;
	if (e->saga != NULL && saga_is_live(e->saga))
		return;
	struct entry **at = &j->cache.slots[slot_of(&j->cache, e->id)];
	while (*at != e)
		at = &(*at)->next;
	*at = e->next;
	j->cache.count--;
	entry_destroy(j, e);
}

void cache_free(struct journal *j)
{
	struct cache *c = &j->cache;
	for (size_t i = 0; i < c->room; i++) {
		while (c->slots[i] != NULL) {
			struct entry *e = c->slots[i];
			c->slots[i] = e->next;
			entry_destroy(j, e);
		}
	}
	free(c->slots);
	for (size_t i = 0; i < c->plan_count; i++) {
		plan_unref(c->plans[i]->plan);
		free(c->plans[i]);
	}
	free(c->plans);
	*c = (struct cache){ 0 };
}

/* ---- plans: few, and shared by all sagas made from them */

static int plan_remember(struct journal *j, struct plan *plan, int64_t number, struct plan_info **ret)
{
	struct cache *c = &j->cache;
	struct plan_info *info = mem_zalloc(sizeof *info);
	info->plan = plan;
	info->number = number;
	for (unsigned i = 0; i < plan->step_count; i++) {
		int rc = target_ensure(j, plan->steps[i].target, &info->target[i]);
		if (rc != 0) {
			plan_unref(plan);
			free(info);
			return rc;
		}
	}
	c->plans = mem_grow(c->plans, (c->plan_count + 1) * sizeof(struct plan_info *));
	c->plans[c->plan_count++] = info;
	*ret = info;
	return 0;
}

int plan_info_of(struct journal *j, const struct plan *plan, struct plan_info **ret)
{
	const struct cache *c = &j->cache;
	for (size_t i = c->plan_count; i-- > 0;) {
		struct plan_info *info = c->plans[i];
		if (info->plan == plan || memcmp(info->plan->digest, plan->digest, sizeof plan->digest) == 0) {
			*ret = info;
			return 0;
		}
	}
	int64_t number;
	int rc = j->store.plan_put(j->store.ctx, plan, &number, &j->err);
	if (rc != 0)
		return rc;
	j->batch.wrote = true;
	/* A copy from the store, so that nothing hangs on the giver's configuration. */
	return plan_number(j, number, ret);
}

static int plan_number(struct journal *j, int64_t number, struct plan_info **ret)
{
	for (size_t i = j->cache.plan_count; i-- > 0;) {
		if (j->cache.plans[i]->number == number) {
			*ret = j->cache.plans[i];
			return 0;
		}
	}
	struct plan *plan;
	int rc = j->store.plan_get(j->store.ctx, number, &plan, &j->err);
	return rc != 0 ? rc : plan_remember(j, plan, number, ret);
}
