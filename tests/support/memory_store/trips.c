/* Round trips: which answers a connection knows without asking. */
#include <stdlib.h>

#include "saga/base/fnv.h"
#include "saga/base/mem.h"
#include "tests/support/memory_store/internal.h"

/* An answer, by the hash of the question: two of a few thousand questions do not have the same 64 bits. */
struct memory_item {
	struct hash_link link;
	uint64_t from_trip; /* known when the connection has made this many round trips */
};

#define KNOWN_NOW 0 /* trips */

static uint64_t hash_of(enum memory_item_kind kind, const void *bytes, size_t len)
{
	return fnv64(fnv64(FNV64_BASIS, &kind, sizeof kind), bytes, len);
}

static uint64_t hash_of_query(enum memory_call call, const void *bytes, size_t len)
{
	return fnv64(hash_of(ITEM_ANSWER, &call, sizeof call), bytes, len);
}

static struct memory_item *find(const struct hash_table *items, uint64_t hash)
{
	struct hash_link *link = hash_first(items, hash);
	return link != NULL ? HASH_ENTRY(link, struct memory_item, link) : NULL;
}

static void remember(struct hash_table *items, uint64_t hash, uint64_t from_trip)
{
	struct memory_item *item = find(items, hash);
	if (item == NULL) {
		item = mem_zalloc(sizeof *item);
		item->from_trip = from_trip;
		hash_insert(items, &item->link, hash);
	} else if (from_trip < item->from_trip) {
		item->from_trip = from_trip;
	}
}

static bool is_plan(enum memory_item_kind kind)
{
	return kind == ITEM_PLAN || kind == ITEM_PLAN_DIGEST;
}

/* ---- counting ---- */

static void count_trip(struct memory_store *s, enum memory_call call)
{
	s->trips++;
	buf_printf(&s->trip_names, "%s%s", s->trip_names.len > 0 ? " " : "", memory_call_name(call));
}

void memory_trip_of_reader(struct memory_reader *r, enum memory_call call)
{
	count_trip(r->s, call);
}

void memory_trip_ask(struct memory_writer *w, enum memory_call call)
{
	w->trips++;
	count_trip(w->s, call);
}

static void read_item(struct memory_writer *w, enum memory_call call, bool plan, uint64_t hash)
{
	const struct memory_item *item = find(&w->known, hash);
	bool known = item != NULL && item->from_trip <= w->trips;
	if (!known && !(plan && find(&w->known_plans, hash) != NULL))
		memory_trip_ask(w, call);
	remember(plan ? &w->known_plans : &w->known, hash, KNOWN_NOW);
}

void memory_trip_read(struct memory_writer *w, enum memory_call call, enum memory_item_kind kind,
					  const void *bytes, size_t len)
{
	read_item(w, call, is_plan(kind), hash_of(kind, bytes, len));
}

void memory_trip_query(struct memory_writer *w, enum memory_call call, const void *bytes, size_t len)
{
	read_item(w, call, false, hash_of_query(call, bytes, len));
}

/* ---- what is known, or will be ---- */

void memory_trip_know(struct memory_writer *w, enum memory_item_kind kind, const void *bytes, size_t len)
{
	remember(is_plan(kind) ? &w->known_plans : &w->known, hash_of(kind, bytes, len), KNOWN_NOW);
}

void memory_trip_know_query(struct memory_writer *w, enum memory_call call, const void *bytes, size_t len)
{
	remember(&w->known, hash_of_query(call, bytes, len), KNOWN_NOW);
}

void memory_trip_expect(struct memory_writer *w, enum memory_item_kind kind, const void *bytes, size_t len)
{
	remember(&w->known, hash_of(kind, bytes, len), w->trips + 1);
}

void memory_trip_expect_query(struct memory_writer *w, enum memory_call call, const void *bytes, size_t len)
{
	remember(&w->known, hash_of_query(call, bytes, len), w->trips + 1);
}

static void forget(struct hash_table *items)
{
	struct hash_cursor cursor = { 0 };
	struct hash_link *link;
	while ((link = hash_walk(items, &cursor)) != NULL)
		free(HASH_ENTRY(link, struct memory_item, link));
	hash_free(items);
}

/* A plan that was rolled back has no number any more. */
void memory_trip_forget(struct memory_writer *w, bool rolled_back)
{
	forget(&w->known);
	if (rolled_back)
		forget(&w->known_plans);
}

/* ---- for tests ---- */

unsigned memory_store_trips(const struct memory_store *s)
{
	return s->trips;
}

const char *memory_store_trip_names(const struct memory_store *s)
{
	return s->trip_names.data != NULL ? s->trip_names.data : "";
}

void memory_store_reset_trips(struct memory_store *s)
{
	pthread_mutex_lock(&s->lock);
	s->trips = 0;
	buf_clear(&s->trip_names);
	pthread_mutex_unlock(&s->lock);
}
