/* Admission: the counters that the journal's thread and the engine share, one gate per target, one mutex for
 * all. Slots bound what is in flight (permits in the journal's hands included); window bytes bound the memory
 * of ready works. The engine says what is allowed; both sides take, the engine gives back.
 *
 * Thread: any, unless said otherwise. */
#ifndef ALMONER_ENGINE_GATE_H
#define ALMONER_ENGINE_GATE_H

#include "gateway/engine/status.h"
#include "saga/journal/journal.h"

struct gates;

struct gates *gates_create(size_t window_total_bytes);
void gates_destroy(struct gates *g); /* NULL is accepted */

/* What a gate lets through; set by the engine whenever it changes. */
struct gate_rules {
	bool slots_open;  /* new work may ride in its accepting commit */
	bool window_open; /* new work may wait in memory */
	uint32_t limit;   /* slots */
	size_t window_cap_bytes;
};

/* A new gate is shut. */
void gates_add(struct gates *g, uint32_t id, const char *name);
void gates_remove(struct gates *g, uint32_t id);
void gates_set_rules(struct gates *g, uint32_t id, const struct gate_rules *rules);

/* Takes a slot, or room in the window, or says that the work has to wait on disk. */
enum admit gates_admit(struct gates *g, uint32_t id, size_t bytes, bool may_ride);
/* How many more works could begin at once at each fast target; SIZE_MAX: there is no fast target. */
size_t gates_room(struct gates *g, int64_t now_ms);
/* Up to `want` slots, within the limit of the rules; gives how many. */
uint32_t gates_take_slots(struct gates *g, uint32_t id, uint32_t want);
void gates_give_slots(struct gates *g, uint32_t id, uint32_t count);
/* A ready work has left the window. */
void gates_leave_window(struct gates *g, uint32_t id, size_t bytes);
/* Slots taken, and ready works that are in the window or on their way to it. */
void gates_load(struct gates *g, uint32_t id, uint32_t *ret_slots, uint32_t *ret_works);
/* Slots taken at all targets. */
uint32_t gates_slots(struct gates *g);

/* One attempt's end: its slot is free again and it is counted. */
struct gate_sample {
	enum outcome_class result;
	int64_t duration_ms;
	uint32_t exchanges;
	int64_t now_ms;
	const char *detail; /* NULL: none */
};
void gates_count(struct gates *g, uint32_t id, const struct gate_sample *sample);
/* A permit came back unused: its slot is free again and it is counted. */
void gates_count_unused(struct gates *g, uint32_t id);
void gates_count_opened(struct gates *g, uint32_t id);

/* The engine's part of the status (state, breaker, limits, backlog); counters are the gate's own. */
void gates_publish(struct gates *g, uint32_t id, const struct engine_target_status *from);
size_t gates_status(struct gates *g, uint32_t id, struct engine_target_status *ret, size_t room);

#endif
