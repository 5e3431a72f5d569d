/* Admission control: decides whether a new step starts at once, waits in memory, or waits on disk. The
 * counters are shared by the journal's thread and the engine's: one entry for each target, one mutex for all.
 *
 * A slot stands for one attempt in flight, or for one permit whose intent is on its way to or from the
 * log. The window is the memory of works that are ready and wait for a slot. The engine sets the rules;
 * the journal's thread takes slots and window memory in admission_decide, the engine takes slots in
 * admission_take_slots, and only the engine gives back. Functions do nothing for an id that was not added.
 * Thread: any. */
#ifndef ALMONER_GATEWAY_ENGINE_ADMISSION_H
#define ALMONER_GATEWAY_ENGINE_ADMISSION_H

#include "gateway/engine/status.h"
#include "saga/journal/journal.h"

struct admission_control;

struct admission_control *admission_create(size_t window_total_bytes);
void admission_destroy(struct admission_control *a); /* NULL is accepted */

/* Whether, and how many, new steps a target may take at present. The engine sets the rules at each change. */
struct admission_rules {
	bool slots_open;  /* a new step may start in the commit that accepts its event */
	bool window_open; /* a new step may wait in memory */
	uint32_t limit;   /* of slots */
	size_t window_cap_bytes;
};

/* Adds the target, or renames it. A new target admits nothing until its rules are set. The name is copied. */
void admission_add(struct admission_control *a, uint32_t id, const char *name);
/* Forgets the target, with the slots and the memory it still has. */
void admission_remove(struct admission_control *a, uint32_t id);
void admission_set_rules(struct admission_control *a, uint32_t id, const struct admission_rules *rules);

/* Takes a slot, or `bytes` of the window, or says that the step has to wait on disk. */
enum admission admission_decide(struct admission_control *a, uint32_t id, size_t bytes,
								bool may_start_in_commit);
/* How many more new events can start without a wait at any fast target: the free slots of the fast target
 * that has the fewest. SIZE_MAX: no target counts as fast, so delaying new events would gain nothing. */
size_t admission_capacity(struct admission_control *a, int64_t now_ms);
/* Takes up to `want` slots, within the limit of the rules. Returns how many it took. */
uint32_t admission_take_slots(struct admission_control *a, uint32_t id, uint32_t want);
void admission_release_slots(struct admission_control *a, uint32_t id, uint32_t count);
/* A ready work of `bytes` has left the window, to start or to go to disk. */
void admission_leave_window(struct admission_control *a, uint32_t id, size_t bytes);
/* The target's slots in use, and its ready works that are in the window or on their way to it. */
void admission_load(struct admission_control *a, uint32_t id, uint32_t *ret_slots, uint32_t *ret_works);
/* The slots in use at all targets together. */
uint32_t admission_slots(struct admission_control *a);

/* How one attempt ended. */
struct admission_sample {
	enum outcome_class result;
	int64_t duration_ms;
	uint32_t exchanges;
	int64_t now_ms;
	const char *detail; /* NULL: none */
};
/* Frees the attempt's slot and counts the attempt in the target's statistics. */
void admission_count_attempt(struct admission_control *a, uint32_t id, const struct admission_sample *sample);
/* A permit came back unused: frees its slot and counts it. */
void admission_count_unused(struct admission_control *a, uint32_t id);
/* The target's breaker opened. */
void admission_count_opened(struct admission_control *a, uint32_t id);

/* Copies the part of the status that the engine's thread knows: operator's state, breaker, limits,
 * backlog. The other members of `from` are ignored: admission control counts them itself. */
void admission_publish(struct admission_control *a, uint32_t id, const struct engine_target_status *from);
/* As engine_status in engine.h. */
size_t admission_status(struct admission_control *a, uint32_t id, struct engine_target_status *ret,
						size_t cap);

#endif
