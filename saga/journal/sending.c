#include "saga/journal/sending.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "saga/base/mapped.h"
#include "saga/base/mem.h"

#define MAGIC 0x676e69646e657331u /* another layout: another number */

/* As it stands in the file. */
struct sent {
	int64_t saga;
	uint32_t generation;
	uint32_t attempt;
	uint16_t step;
	uint16_t direction;
	uint8_t body[SENDING_BODY_BYTES];
	uint32_t check; /* a power cut may have written half of it */
};

struct slot {
	_Atomic uint32_t used;
	struct sent sent;
};

struct file {
	uint64_t magic;
	struct slot slots[SENDING_SLOTS];
	_Atomic int64_t commit, no_commit; /* the last one told of, and all its bits turned */
};

struct sending {
	struct file *file;   /* the mapped pages */
	uint32_t next;       /* where to look for a free slot; the engine's */
	struct sent *found; /* of the last run, sorted */
	size_t found_count;
};

/* FNV-1a; `check` comes last and is left out. */
static uint32_t check_of(const struct sent *e)
{
	const uint8_t *bytes = (const uint8_t *)e;
	uint32_t hash = 2166136261u;
	for (size_t i = 0; i < offsetof(struct sent, check); i++)
		hash = (hash ^ bytes[i]) * 16777619u;
	return hash;
}

static struct sent sent_of(int64_t saga, struct attempt_ref ref)
{
	struct sent e;
	memset(&e, 0, sizeof e); /* the gaps count too */
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
	const struct sent *x = a, *y = b;
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

static void read_last_run(struct sending *s)
{
	if (s->file->magic != MAGIC)
		return;
	for (size_t i = 0; i < SENDING_SLOTS; i++) {
		const struct slot *slot = &s->file->slots[i];
		if (atomic_load(&slot->used) == 0 || slot->sent.check != check_of(&slot->sent))
			continue;
		s->found = mem_grow(s->found, (s->found_count + 1) * sizeof *s->found);
		s->found[s->found_count++] = slot->sent;
	}
	if (s->found_count > 0)
		qsort(s->found, s->found_count, sizeof *s->found, by_attempt);
}

int sending_open(const char *path, struct sending **ret, struct err *err)
{
	struct sending *s = mem_zalloc(sizeof *s);
	void *pages;
	int rc = mapped_open("digests of what is on its way", path, sizeof *s->file, &pages, err);
	if (rc != 0) {
		free(s);
		return rc;
	}
	s->file = pages;
	read_last_run(s);
	*ret = s;
	return 0;
}

void sending_close(struct sending *s)
{
	if (s == NULL)
		return;
	mapped_close(s->file, sizeof *s->file);
	free(s->found);
	free(s);
}

bool sending_find(const struct sending *s, int64_t saga, struct attempt_ref ref, uint8_t ret_body[SENDING_BODY_BYTES])
{
	struct sent wanted = sent_of(saga, ref);
	const struct sent *e =
		s->found_count > 0 ? bsearch(&wanted, s->found, s->found_count, sizeof *s->found, by_attempt) : NULL;
	if (e != NULL)
		memcpy(ret_body, e->body, SENDING_BODY_BYTES);
	return e != NULL;
}

void sending_begin(struct sending *s)
{
	memset(s->file, 0, sizeof *s->file);
	s->file->magic = MAGIC;
	free(s->found);
	s->found = NULL;
	s->found_count = 0;
}

int64_t sending_last_commit(const struct sending *s)
{
	int64_t commit = atomic_load(&s->file->commit);
	return s->file->magic == MAGIC && atomic_load(&s->file->no_commit) == ~commit ? commit : 0;
}

/* ---- this run ---- */

void sending_committed(struct sending *s, int64_t commit)
{
	atomic_store_explicit(&s->file->commit, commit, memory_order_relaxed);
	atomic_store_explicit(&s->file->no_commit, ~commit, memory_order_relaxed);
}

static uint32_t free_slot(struct sending *s)
{
	for (uint32_t tried = 0; tried < SENDING_SLOTS; tried++) {
		uint32_t i = s->next;
		s->next = (s->next + 1) % SENDING_SLOTS;
		if (atomic_load_explicit(&s->file->slots[i].used, memory_order_acquire) == 0)
			return i + 1;
	}
	return 0;
}

int sending_note(struct sending *s, int64_t saga, struct attempt_ref ref, const uint8_t body[SENDING_BODY_BYTES],
				 uint32_t *slot)
{
	if (*slot == 0)
		*slot = free_slot(s);
	if (*slot == 0)
		return ERR_FULL;
	struct sent e = sent_of(saga, ref);
	memcpy(e.body, body, sizeof e.body);
	e.check = check_of(&e);
	struct slot *at = &s->file->slots[*slot - 1];
	at->sent = e;
	atomic_store_explicit(&at->used, 1, memory_order_release);
	return 0;
}

void sending_over(struct sending *s, uint32_t slot)
{
	if (slot > 0)
		atomic_store_explicit(&s->file->slots[slot - 1].used, 0, memory_order_release);
}
