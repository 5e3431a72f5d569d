/* The heap of events, ordered by time, and the random generator. */
#include <stdlib.h>

#include "saga/base/mem.h"
#include "tests/sim/sim.h"

/* splitmix64 (Steele, Lea, Flood 2014) */
uint64_t rng_next(struct rng *r)
{
	uint64_t z = (r->state += 0x9E3779B97F4A7C15u);
	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
	return z ^ (z >> 31);
}

uint64_t rng_below(struct rng *r, uint64_t bound)
{
	return bound == 0 ? 0 : rng_next(r) % bound;
}

bool rng_chance(struct rng *r, unsigned percent)
{
	return rng_below(r, 100) < percent;
}

static bool before(const struct sim_event *a, const struct sim_event *b)
{
	return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

static void swap(struct sim_event *a, struct sim_event *b)
{
	struct sim_event t = *a;
	*a = *b;
	*b = t;
}

void heap_push(struct heap *h, int64_t at_ms, enum sim_event_kind kind, uint64_t arg)
{
	if (h->count == h->capacity) {
		h->capacity = h->capacity * 2 + 64;
		h->items = mem_grow(h->items, h->capacity * sizeof *h->items);
	}
	size_t i = h->count++;
	h->items[i] = (struct sim_event){ at_ms, h->order++, kind, arg };
	while (i > 0 && before(&h->items[i], &h->items[(i - 1) / 2])) {
		swap(&h->items[i], &h->items[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
}

static void sink_down(struct heap *h, size_t i)
{
	for (;;) {
		size_t least = i, left = 2 * i + 1, right = left + 1;
		if (left < h->count && before(&h->items[left], &h->items[least]))
			least = left;
		if (right < h->count && before(&h->items[right], &h->items[least]))
			least = right;
		if (least == i)
			return;
		swap(&h->items[i], &h->items[least]);
		i = least;
	}
}

bool heap_pop(struct heap *h, struct sim_event *ret)
{
	if (h->count == 0)
		return false;
	*ret = h->items[0];
	h->items[0] = h->items[--h->count];
	sink_down(h, 0);
	return true;
}

int64_t heap_next_ms(const struct heap *h)
{
	return h->count > 0 ? h->items[0].at_ms : INT64_MAX;
}

void heap_drop(struct heap *h, enum sim_event_kind kind)
{
	size_t kept = 0;
	for (size_t i = 0; i < h->count; i++) {
		if (h->items[i].kind != kind)
			h->items[kept++] = h->items[i];
	}
	h->count = kept;
	for (size_t i = h->count / 2; i-- > 0;)
		sink_down(h, i);
}

const char *sim_event_kind_name(enum sim_event_kind kind)
{
	static const char *const names[SIM_EVENT_KINDS] = { [SIM_EVENT_ACCEPT] = "send event",
														[SIM_EVENT_TICK] = "tick",
														[SIM_EVENT_PUMP] = "pump",
														[SIM_EVENT_ARRIVE] = "arrive",
														[SIM_EVENT_DONE] = "done",
														[SIM_EVENT_VERB] = "verb",
														[SIM_EVENT_TARGET] = "target verb",
														[SIM_EVENT_BEHAVIOUR] = "target behaviour",
														[SIM_EVENT_RELOAD] = "reload",
														[SIM_EVENT_CRASH] = "crash",
														[SIM_EVENT_STOP] = "stop",
														[SIM_EVENT_JOB] = "create job",
														[SIM_EVENT_JOB_CANCEL] = "cancel job",
														[SIM_EVENT_SLICE] = "job slice",
														[SIM_EVENT_DISK] = "disk",
														[SIM_EVENT_FAULT] = "disk fault",
														[SIM_EVENT_PRESSURE] = "back-pressure" };
	return names[kind];
}
