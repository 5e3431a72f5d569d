#include "gateway/engine/gate.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "saga/base/check.h"
#include "saga/base/mem.h"

#define WINDOW_TOTAL_DEFAULT ((size_t)16 << 20)

/* A target is fast when so many attempts ended in one of these spans and the one before, and they took so little
 * that it could have taken many more: then it is not the target that keeps works waiting. */
#define PACE_SPAN_MS 50
#define PACE_ENDED   50
#define PACE_MEAN_MS 8
#define PACE_SPILLED 4096

struct pace {
	uint32_t ended;
	int64_t duration_ms; /* of them together */
};

struct gate {
	struct gate_rules rules;
	int64_t span; /* the present one's number */
	struct pace now, last;
	uint32_t slots;
	uint32_t works;
	size_t bytes;
	struct engine_target_status status;
};

struct gates {
	pthread_mutex_t lock;
	size_t total_bytes, total_cap_bytes;
	uint32_t slots;
	size_t room;         /* of `by_id` */
	struct gate **by_id; /* ids are small: the journal counts from 1 */
};

struct gates *gates_create(size_t window_total_bytes)
{
	struct gates *g = mem_zalloc(sizeof *g);
	int failed = pthread_mutex_init(&g->lock, NULL);
	assert(failed == 0);
	g->total_cap_bytes = window_total_bytes > 0 ? window_total_bytes : WINDOW_TOTAL_DEFAULT;
	return g;
}

void gates_destroy(struct gates *g)
{
	if (g == NULL)
		return;
	for (size_t i = 0; i < g->room; i++)
		free(g->by_id[i]);
	free(g->by_id);
	(void)pthread_mutex_destroy(&g->lock);
	free(g);
}

static void lock(struct gates *g)
{
	int failed = pthread_mutex_lock(&g->lock);
	assert(failed == 0);
}

static void unlock(struct gates *g)
{
	int failed = pthread_mutex_unlock(&g->lock);
	assert(failed == 0);
}

static struct gate *find(const struct gates *g, uint32_t id)
{
	return id < g->room ? g->by_id[id] : NULL;
}

static void make_room(struct gates *g, uint32_t id)
{
	if (id < g->room)
		return;
	size_t room = (size_t)id + 16;
	g->by_id = mem_grow(g->by_id, room * sizeof *g->by_id);
	memset(g->by_id + g->room, 0, (room - g->room) * sizeof *g->by_id);
	g->room = room;
}

void gates_add(struct gates *g, uint32_t id, const char *name)
{
	lock(g);
	make_room(g, id);
	if (g->by_id[id] == NULL) {
		g->by_id[id] = mem_zalloc(sizeof *g->by_id[id]);
		g->by_id[id]->status.next_due_ms = INT64_MAX;
	}
	g->by_id[id]->status.id = id;
	(void)snprintf(g->by_id[id]->status.name, sizeof g->by_id[id]->status.name, "%s", name);
	unlock(g);
}

void gates_remove(struct gates *g, uint32_t id)
{
	lock(g);
	struct gate *gate = find(g, id);
	if (gate != NULL) {
		g->slots -= gate->slots;
		g->total_bytes -= gate->bytes;
		free(gate);
		g->by_id[id] = NULL;
	}
	unlock(g);
}

void gates_set_rules(struct gates *g, uint32_t id, const struct gate_rules *rules)
{
	lock(g);
	struct gate *gate = find(g, id);
	if (gate != NULL)
		gate->rules = *rules;
	unlock(g);
}

/* ---- taking and giving back ---- */

static bool window_has_room(const struct gates *g, const struct gate *gate, size_t bytes)
{
	return gate->rules.window_open && gate->bytes + bytes <= gate->rules.window_cap_bytes &&
		   g->total_bytes + bytes <= g->total_cap_bytes;
}

static enum admit admit(struct gates *g, struct gate *gate, size_t bytes, bool may_ride)
{
	/* ready works came earlier: nobody rides past them */
	if (may_ride && gate->rules.slots_open && gate->works == 0 && gate->slots < gate->rules.limit) {
		gate->slots++;
		g->slots++;
		return ADMIT_SLOT;
	}
	if (!window_has_room(g, gate, bytes))
		return ADMIT_DISK;
	gate->works++;
	gate->bytes += bytes;
	g->total_bytes += bytes;
	return ADMIT_WINDOW;
}

enum admit gates_admit(struct gates *g, uint32_t id, size_t bytes, bool may_ride)
{
	lock(g);
	struct gate *gate = find(g, id);
	enum admit verdict = gate != NULL ? admit(g, gate, bytes, may_ride) : ADMIT_DISK;
	unlock(g);
	return verdict;
}

static void pace_at(struct gate *gate, int64_t now_ms)
{
	int64_t span = now_ms / PACE_SPAN_MS;
	if (span == gate->span)
		return;
	gate->last = span == gate->span + 1 ? gate->now : (struct pace){ 0 };
	gate->now = (struct pace){ 0 };
	gate->span = span;
}

static bool is_fast(const struct gate *gate)
{
	uint32_t ended = gate->now.ended + gate->last.ended;
	return ended >= PACE_ENDED && gate->now.duration_ms + gate->last.duration_ms <= (int64_t)ended * PACE_MEAN_MS;
}

/* A little that spilled to disk is waited for as well, or it would never be worked off; much is a backlog, which
 * new events are not to feel. */
static size_t room_of(const struct gate *gate, int64_t now_ms)
{
	int64_t spilled = gate->status.next_due_ms <= now_ms ? gate->status.backlog : 0;
	size_t taken = (size_t)gate->slots + gate->works;
	if (spilled > 0 && spilled <= PACE_SPILLED)
		return 0;
	return taken < gate->rules.limit ? gate->rules.limit - taken : 0;
}

size_t gates_room(struct gates *g, int64_t now_ms)
{
	size_t room = SIZE_MAX;
	lock(g);
	for (size_t i = 0; i < g->room; i++) {
		struct gate *gate = g->by_id[i];
		if (gate == NULL || !gate->rules.slots_open)
			continue;
		pace_at(gate, now_ms);
		if (!is_fast(gate))
			continue;
		size_t left = room_of(gate, now_ms);
		room = left < room ? left : room;
	}
	unlock(g);
	return room;
}

uint32_t gates_take_slots(struct gates *g, uint32_t id, uint32_t want)
{
	lock(g);
	struct gate *gate = find(g, id);
	uint32_t got = 0;
	if (gate != NULL && gate->slots < gate->rules.limit) {
		uint32_t left = gate->rules.limit - gate->slots;
		got = want < left ? want : left;
		gate->slots += got;
		g->slots += got;
	}
	unlock(g);
	return got;
}

static void give_slots(struct gates *g, struct gate *gate, uint32_t count)
{
	assert(gate->slots >= count);
	gate->slots -= count;
	g->slots -= count;
}

void gates_give_slots(struct gates *g, uint32_t id, uint32_t count)
{
	lock(g);
	struct gate *gate = find(g, id);
	if (gate != NULL)
		give_slots(g, gate, count);
	unlock(g);
}

void gates_leave_window(struct gates *g, uint32_t id, size_t bytes)
{
	lock(g);
	struct gate *gate = find(g, id);
	if (gate != NULL) {
		assert(gate->works > 0 && gate->bytes >= bytes);
		gate->works--;
		gate->bytes -= bytes;
		g->total_bytes -= bytes;
	}
	unlock(g);
}

void gates_load(struct gates *g, uint32_t id, uint32_t *ret_slots, uint32_t *ret_works)
{
	lock(g);
	const struct gate *gate = find(g, id);
	*ret_slots = gate != NULL ? gate->slots : 0;
	*ret_works = gate != NULL ? gate->works : 0;
	unlock(g);
}

uint32_t gates_slots(struct gates *g)
{
	lock(g);
	uint32_t slots = g->slots;
	unlock(g);
	return slots;
}

/* ---- counting ---- */

static void count(struct engine_target_status *s, const struct gate_sample *sample)
{
	s->attempts++;
	s->classes[sample->result]++;
	s->latency[status_bucket_of(sample->duration_ms)]++;
	s->latency_sum_ms += (uint64_t)(sample->duration_ms > 0 ? sample->duration_ms : 0);
	s->exchanges += sample->exchanges;
	if (sample->result == OUTCOME_OK) {
		s->last_ok_ms = sample->now_ms;
		return;
	}
	if (sample->result == OUTCOME_ABSENT)
		return;
	s->last_error_ms = sample->now_ms;
	(void)snprintf(s->last_error, sizeof s->last_error, "%s%s%s", outcome_name(sample->result),
				   sample->detail != NULL ? ": " : "", sample->detail != NULL ? sample->detail : "");
}

void gates_count(struct gates *g, uint32_t id, const struct gate_sample *sample)
{
	lock(g);
	struct gate *gate = find(g, id);
	if (gate != NULL) {
		give_slots(g, gate, 1);
		count(&gate->status, sample);
		pace_at(gate, sample->now_ms);
		gate->now.ended++;
		gate->now.duration_ms += sample->duration_ms;
	}
	unlock(g);
}

void gates_count_unused(struct gates *g, uint32_t id)
{
	lock(g);
	struct gate *gate = find(g, id);
	if (gate != NULL) {
		give_slots(g, gate, 1);
		gate->status.not_started++;
	}
	unlock(g);
}

void gates_count_opened(struct gates *g, uint32_t id)
{
	lock(g);
	struct gate *gate = find(g, id);
	if (gate != NULL)
		gate->status.breaker_opened++;
	unlock(g);
}

/* ---- telling ---- */

void gates_publish(struct gates *g, uint32_t id, const struct engine_target_status *from)
{
	lock(g);
	struct gate *gate = find(g, id);
	if (gate != NULL) {
		struct engine_target_status *s = &gate->status;
		s->paused = from->paused;
		s->held = from->held;
		memcpy(s->held_reason, from->held_reason, sizeof s->held_reason);
		s->breaker = from->breaker;
		s->breaker_until_ms = from->breaker_until_ms;
		s->in_flight_limit = from->in_flight_limit;
		s->in_flight_now = from->in_flight_now;
		s->rate_count = from->rate_count;
		s->rate_per_ms = from->rate_per_ms;
		s->backlog = from->backlog;
		s->next_due_ms = from->next_due_ms;
	}
	unlock(g);
}

static struct engine_target_status status_of(const struct gate *gate)
{
	struct engine_target_status s = gate->status;
	s.in_flight = gate->slots;
	s.window_works = gate->works;
	s.window_bytes = gate->bytes;
	return s;
}

size_t gates_status(struct gates *g, uint32_t id, struct engine_target_status *ret, size_t room)
{
	size_t count = 0;
	lock(g);
	for (size_t i = 0; i < g->room && count < room; i++)
		if (g->by_id[i] != NULL && (id == 0 || id == i))
			ret[count++] = status_of(g->by_id[i]);
	unlock(g);
	return count;
}
