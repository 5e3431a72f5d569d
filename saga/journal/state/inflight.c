#include "saga/journal/state/inflight.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "saga/base/array.h"
#include "saga/base/fnv.h"
#include "saga/base/mapped.h"

/* a number that identifies the layout below: another layout needs another number */
#define MAGIC 0x676e69646e657331u

/* The request of one attempt, as it is in the inflight file. */
struct inflight_request {
	int64_t saga;
	uint32_t generation;
	uint32_t attempt;
	uint16_t step;
	uint16_t direction;
	uint8_t body[INFLIGHT_BODY_BYTES];
	uint32_t check; /* check sum of the members above: a power cut may leave a page that was half written */
};

struct inflight_slot {
	_Atomic uint32_t used;
	struct inflight_request request;
};

/* The file, byte for byte. */
struct inflight_layout {
	uint64_t magic;
	struct inflight_slot slots[INFLIGHT_SLOTS];
	_Atomic int64_t commit,
		commit_inverted; /* the number of the last acknowledged commit, and its bits inverted as a check */
};

struct inflight_file {
	struct inflight_layout *file; /* the mapped pages */
	/* the slot where the search for a free slot begins; for the engine's thread */
	uint32_t next;
	struct inflight_request *last_run; /* the requests that the last run left, sorted by attempt */
	size_t last_run_count;
};

static uint32_t check_of(const struct inflight_request *e)
{
	return fnv32(FNV32_BASIS, e, offsetof(struct inflight_request, check));
}

static struct inflight_request request_of(int64_t saga, struct attempt_ref ref)
{
	struct inflight_request e;
	memset(&e, 0, sizeof e); /* memset also clears the padding, which the check sum covers */
	e.saga = saga;
	e.generation = ref.generation;
	e.attempt = ref.attempt;
	e.step = ref.step;
	e.direction = (uint16_t)ref.direction;
	return e;
}

/* ---- the last run ---- */

static int by_attempt(const void *a, const void *b)
{
	const struct inflight_request *x = a, *y = b;
	if (x->saga != y->saga)
		return x->saga < y->saga ? -1 : 1;
	if (x->step != y->step)
		return x->step < y->step ? -1 : 1;
	if (x->direction != y->direction)
		return x->direction < y->direction ? -1 : 1;
	if (x->generation != y->generation)
		return x->generation < y->generation ? -1 : 1;
	return x->attempt < y->attempt ? -1 : x->attempt > y->attempt;
}

static void read_last_run(struct inflight_file *s)
{
	if (s->file->magic != MAGIC)
		return;
	for (size_t i = 0; i < INFLIGHT_SLOTS; i++) {
		const struct inflight_slot *slot = &s->file->slots[i];
		if (atomic_load(&slot->used) == 0 || slot->request.check != check_of(&slot->request))
			continue;
		ARRAY_GROW_BY_COUNT(s->last_run, s->last_run_count);
		s->last_run[s->last_run_count++] = slot->request;
	}
	if (s->last_run_count > 0)
		qsort(s->last_run, s->last_run_count, sizeof *s->last_run, by_attempt);
}

int inflight_open(const char *path, struct inflight_file **ret, struct err *err)
{
	assert(path != NULL && path[0] != '\0');
	struct inflight_file *s = mem_zalloc(sizeof *s);
	void *pages;
	int rc = mapped_open("digests of requests in flight", path, sizeof *s->file, &pages, err);
	if (rc != 0) {
		free(s);
		return rc;
	}
	s->file = pages;
	read_last_run(s);
	*ret = s;
	return 0;
}

void inflight_close(struct inflight_file *s)
{
	if (s == NULL)
		return;
	mapped_close(s->file, sizeof *s->file);
	free(s->last_run);
	free(s);
}

bool inflight_find(const struct inflight_file *s, int64_t saga, struct attempt_ref ref,
				   uint8_t ret_body[INFLIGHT_BODY_BYTES])
{
	assert(saga > 0);
	if (s->last_run_count == 0)
		return false;
	struct inflight_request wanted = request_of(saga, ref);
	const struct inflight_request *e =
		bsearch(&wanted, s->last_run, s->last_run_count, sizeof *s->last_run, by_attempt);
	if (e != NULL)
		memcpy(ret_body, e->body, INFLIGHT_BODY_BYTES);
	return e != NULL;
}

void inflight_reset(struct inflight_file *s)
{
	memset(s->file, 0, sizeof *s->file);
	s->file->magic = MAGIC;
	free(s->last_run);
	s->last_run = NULL;
	s->last_run_count = 0;
}

int64_t inflight_last_commit(const struct inflight_file *s)
{
	int64_t commit = atomic_load(&s->file->commit);
	return s->file->magic == MAGIC && atomic_load(&s->file->commit_inverted) == ~commit ? commit : 0;
}

/* ---- this run ---- */

void inflight_committed(struct inflight_file *s, int64_t commit)
{
	assert(s->file->magic == MAGIC && commit >= 0);
	atomic_store_explicit(&s->file->commit, commit, memory_order_relaxed);
	atomic_store_explicit(&s->file->commit_inverted, ~commit, memory_order_relaxed);
}

/* Returns the slot's index + 1; 0: all are in use. */
static uint32_t free_slot(struct inflight_file *s)
{
	for (uint32_t tried = 0; tried < INFLIGHT_SLOTS; tried++) {
		uint32_t i = s->next;
		s->next = (s->next + 1) % INFLIGHT_SLOTS;
		if (atomic_load_explicit(&s->file->slots[i].used, memory_order_acquire) == 0)
			return i + 1;
	}
	return 0;
}

int inflight_record(struct inflight_file *s, int64_t saga, struct attempt_ref ref,
					const uint8_t body[INFLIGHT_BODY_BYTES], uint32_t *slot)
{
	assert(saga > 0 && ref.attempt > 0 && ref.step < PLAN_STEPS_MAX && *slot <= INFLIGHT_SLOTS);
	if (*slot == 0)
		*slot = free_slot(s);
	if (*slot == 0)
		return ERR_FULL;
	struct inflight_request e = request_of(saga, ref);
	memcpy(e.body, body, sizeof e.body);
	e.check = check_of(&e);
	struct inflight_slot *at = &s->file->slots[*slot - 1];
	at->request = e;
	atomic_store_explicit(&at->used, 1, memory_order_release);
	return 0;
}

void inflight_clear(struct inflight_file *s, uint32_t slot)
{
	assert(slot <= INFLIGHT_SLOTS);
	if (slot > 0)
		atomic_store_explicit(&s->file->slots[slot - 1].used, 0, memory_order_release);
}
