/* Admission: the counters that the journal's thread and the engine share, one gate per target, one mutex for
 * all. Slots bound what is in flight (permits in the journal's hands included); window bytes bound the memory
 * of ready works. The engine says what is allowed; both sides take, the engine gives back.
 *
 * Thread: any, unless said otherwise. */
#ifndef ALMONER_GATEWAY_ENGINE_ADMISSION_H
#define ALMONER_GATEWAY_ENGINE_ADMISSION_H

#include "gateway/engine/status.h"
#include "saga/journal/journal.h"

struct admission_control;

struct admission_control *admission_create(size_t window_total_bytes);
void admission_destroy(struct admission_control *a); /* NULL is accepted */

/* What a gate lets through; set by the engine whenever it changes. */
struct admission_rules {
	bool slots_open;  /* new work may ride in its accepting commit */
	bool window_open; /* new work may wait in memory */
	uint32_t limit;   /* slots */
	size_t window_cap_bytes;
};

/* A new gate is shut. */
void admission_add(struct admission_control *a, uint32_t id, const char *name);
void admission_remove(struct admission_control *a, uint32_t id);
void admission_set_rules(struct admission_control *a, uint32_t id, const struct admission_rules *rules);

/* Takes a slot, or room in the window, or says that the work has to wait on disk. */
enum admission admission_decide(struct admission_control *a, uint32_t id, size_t bytes,
								bool may_start_in_commit);
/* How many more works could begin at once at each fast target; SIZE_MAX: there is no fast target. */
size_t admission_capacity(struct admission_control *a, int64_t now_ms);
/* Up to `want` slots, within the limit of the rules; gives how many. */
uint32_t admission_take_slots(struct admission_control *a, uint32_t id, uint32_t want);
void admission_release_slots(struct admission_control *a, uint32_t id, uint32_t count);
/* A ready work has left the window. */
void admission_leave_window(struct admission_control *a, uint32_t id, size_t bytes);
/* Slots taken, and ready works that are in the window or on their way to it. */
void admission_load(struct admission_control *a, uint32_t id, uint32_t *ret_slots, uint32_t *ret_works);
/* Slots taken at all targets. */
uint32_t admission_slots(struct admission_control *a);

/* One attempt's end: its slot is free again and it is counted. */
struct admission_sample {
	enum outcome_class result;
	int64_t duration_ms;
	uint32_t exchanges;
	int64_t now_ms;
	const char *detail; /* NULL: none */
};
void admission_count_attempt(struct admission_control *a, uint32_t id, const struct admission_sample *sample);
/* A permit came back unused: its slot is free again and it is counted. */
void admission_count_unused(struct admission_control *a, uint32_t id);
void admission_count_opened(struct admission_control *a, uint32_t id);

/* The engine's part of the status (state, breaker, limits, backlog); counters are the gate's own. */
void admission_publish(struct admission_control *a, uint32_t id, const struct engine_target_status *from);
size_t admission_status(struct admission_control *a, uint32_t id, struct engine_target_status *ret,
						size_t cap);

#endif
