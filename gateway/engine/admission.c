#include "gateway/engine/admission.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "saga/base/check.h"
#include "saga/base/mem.h"

#define WINDOW_TOTAL_DEFAULT ((size_t)16 << 20)

/* A target counts as fast if at least PACE_ENDED of its attempts ended within the present span of
 * PACE_SPAN_MS and the span before, and took PACE_MEAN_MS or less on average. New events may then wait a
 * moment for a slot, because slots become free quickly. PACE_SPILLED: see capacity_of. The values come
 * from experiments with the throughput benchmark in tests/bench. */
#define PACE_SPAN_MS 50
#define PACE_ENDED   50
#define PACE_MEAN_MS 8
#define PACE_SPILLED 4096

/* The attempts that ended within one span. */
struct pace {
	uint32_t ended;
	int64_t duration_ms; /* of these attempts together */
};

struct admission_target {
	struct admission_rules rules;
	int64_t span; /* number of the present span: the time divided by PACE_SPAN_MS */
	struct pace now, last;
	uint32_t slots;
	uint32_t works;
	size_t bytes;
	struct engine_target_status status;
};

struct admission_control {
	pthread_mutex_t lock;
	size_t total_bytes, total_cap_bytes;
	uint32_t slots;
	size_t cap; /* of `by_id` */
	/* targets by their id; ids are small, because the journal counts from 1 */
	struct admission_target **by_id;
};

struct admission_control *admission_create(size_t window_total_bytes)
{
	struct admission_control *a = mem_zalloc(sizeof *a);
	int failed = pthread_mutex_init(&a->lock, NULL);
	assert(failed == 0);
	a->total_cap_bytes = window_total_bytes > 0 ? window_total_bytes : WINDOW_TOTAL_DEFAULT;
	return a;
}

void admission_destroy(struct admission_control *a)
{
	if (a == NULL)
		return;
	for (size_t i = 0; i < a->cap; i++)
		free(a->by_id[i]);
	free(a->by_id);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

static void lock(struct admission_control *a)
{
	int failed = pthread_mutex_lock(&a->lock);
	assert(failed == 0);
}

static void unlock(struct admission_control *a)
{
	int failed = pthread_mutex_unlock(&a->lock);
	assert(failed == 0);
}

static struct admission_target *find(const struct admission_control *a, uint32_t id)
{
	return id < a->cap ? a->by_id[id] : NULL;
}

static void grow_table(struct admission_control *a, uint32_t id)
{
	if (id < a->cap)
		return;
	size_t cap = (size_t)id + 16;
	a->by_id = mem_grow(a->by_id, cap * sizeof *a->by_id);
	memset(a->by_id + a->cap, 0, (cap - a->cap) * sizeof *a->by_id);
	a->cap = cap;
}

void admission_add(struct admission_control *a, uint32_t id, const char *name)
{
	lock(a);
	grow_table(a, id);
	if (a->by_id[id] == NULL) {
		a->by_id[id] = mem_zalloc(sizeof *a->by_id[id]);
		a->by_id[id]->status.next_due_ms = INT64_MAX;
	}
	a->by_id[id]->status.id = id;
	snprintf(a->by_id[id]->status.name, sizeof a->by_id[id]->status.name, "%s", name);
	unlock(a);
}

void admission_remove(struct admission_control *a, uint32_t id)
{
	lock(a);
	struct admission_target *t = find(a, id);
	if (t != NULL) {
		a->slots -= t->slots;
		a->total_bytes -= t->bytes;
		free(t);
		a->by_id[id] = NULL;
	}
	unlock(a);
}

void admission_set_rules(struct admission_control *a, uint32_t id, const struct admission_rules *rules)
{
	lock(a);
	struct admission_target *t = find(a, id);
	if (t != NULL)
		t->rules = *rules;
	unlock(a);
}

/* ---- slots and window memory ---- */

static bool window_fits(const struct admission_control *a, const struct admission_target *t, size_t bytes)
{
	return t->rules.window_open && t->bytes + bytes <= t->rules.window_cap_bytes &&
		   a->total_bytes + bytes <= a->total_cap_bytes;
}

/* The order is the rule: a slot first, then memory, then disk. A step gets no slot while others wait in
 * memory, or it would overtake them. */
static enum admission decide(struct admission_control *a, struct admission_target *t, size_t bytes,
							 bool may_start_in_commit)
{
	if (may_start_in_commit && t->rules.slots_open && t->works == 0 && t->slots < t->rules.limit) {
		t->slots++;
		a->slots++;
		return ADMISSION_SLOT;
	}
	if (!window_fits(a, t, bytes))
		return ADMISSION_DISK;
	t->works++;
	t->bytes += bytes;
	a->total_bytes += bytes;
	return ADMISSION_WINDOW;
}

enum admission admission_decide(struct admission_control *a, uint32_t id, size_t bytes,
								bool may_start_in_commit)
{
	lock(a);
	struct admission_target *t = find(a, id);
	enum admission verdict = t != NULL ? decide(a, t, bytes, may_start_in_commit) : ADMISSION_DISK;
	unlock(a);
	return verdict;
}

static void advance_pace(struct admission_target *t, int64_t now_ms)
{
	int64_t span = now_ms / PACE_SPAN_MS;
	if (span == t->span)
		return;
	t->last = span == t->span + 1 ? t->now : (struct pace){ 0 };
	t->now = (struct pace){ 0 };
	t->span = span;
}

static bool is_fast(const struct admission_target *t)
{
	uint32_t ended = t->now.ended + t->last.ended;
	return ended >= PACE_ENDED && t->now.duration_ms + t->last.duration_ms <= (int64_t)ended * PACE_MEAN_MS;
}

/* How many new steps the target can start at once. Up to PACE_SPILLED due steps on disk count as "none",
 * so that new events wait and these steps drain; otherwise each new event would take their slots. More due
 * steps than that are a backlog, which must not slow new events down. */
static size_t capacity_of(const struct admission_target *t, int64_t now_ms)
{
	int64_t spilled = t->status.next_due_ms <= now_ms ? t->status.backlog : 0;
	size_t taken = (size_t)t->slots + t->works;
	if (spilled > 0 && spilled <= PACE_SPILLED)
		return 0;
	return taken < t->rules.limit ? t->rules.limit - taken : 0;
}

/* Only targets that count as fast limit the result: at a slow target a slot does not become free soon. */
size_t admission_capacity(struct admission_control *a, int64_t now_ms)
{
	size_t cap = SIZE_MAX;
	lock(a);
	for (size_t i = 0; i < a->cap; i++) {
		struct admission_target *t = a->by_id[i];
		if (t == NULL || !t->rules.slots_open)
			continue;
		advance_pace(t, now_ms);
		if (!is_fast(t))
			continue;
		size_t left = capacity_of(t, now_ms);
		cap = left < cap ? left : cap;
	}
	unlock(a);
	return cap;
}

uint32_t admission_take_slots(struct admission_control *a, uint32_t id, uint32_t want)
{
	lock(a);
	struct admission_target *t = find(a, id);
	uint32_t got = 0;
	if (t != NULL && t->slots < t->rules.limit) {
		uint32_t left = t->rules.limit - t->slots;
		got = want < left ? want : left;
		t->slots += got;
		a->slots += got;
	}
	unlock(a);
	return got;
}

static void release_slots(struct admission_control *a, struct admission_target *t, uint32_t count)
{
	assert(t->slots >= count);
	t->slots -= count;
	a->slots -= count;
}

void admission_release_slots(struct admission_control *a, uint32_t id, uint32_t count)
{
	lock(a);
	struct admission_target *t = find(a, id);
	if (t != NULL)
		release_slots(a, t, count);
	unlock(a);
}

void admission_leave_window(struct admission_control *a, uint32_t id, size_t bytes)
{
	lock(a);
	struct admission_target *t = find(a, id);
	if (t != NULL) {
		assert(t->works > 0 && t->bytes >= bytes);
		t->works--;
		t->bytes -= bytes;
		a->total_bytes -= bytes;
	}
	unlock(a);
}

void admission_load(struct admission_control *a, uint32_t id, uint32_t *ret_slots, uint32_t *ret_works)
{
	lock(a);
	const struct admission_target *t = find(a, id);
	*ret_slots = t != NULL ? t->slots : 0;
	*ret_works = t != NULL ? t->works : 0;
	unlock(a);
}

uint32_t admission_slots(struct admission_control *a)
{
	lock(a);
	uint32_t slots = a->slots;
	unlock(a);
	return slots;
}

/* ---- counting ---- */

/* A look-up that found nothing (OUTCOME_ABSENT) or only a part (OUTCOME_PARTIAL) is neither a success nor an
 * error of the target. */
static void count_attempt(struct engine_target_status *s, const struct admission_sample *sample)
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
	if (sample->result == OUTCOME_ABSENT || sample->result == OUTCOME_PARTIAL)
		return;
	s->last_error_ms = sample->now_ms;
	snprintf(s->last_error, sizeof s->last_error, "%s%s%s", name_of_outcome(sample->result),
			 sample->detail != NULL ? ": " : "", sample->detail != NULL ? sample->detail : "");
}

void admission_count_attempt(struct admission_control *a, uint32_t id, const struct admission_sample *sample)
{
	lock(a);
	struct admission_target *t = find(a, id);
	if (t != NULL) {
		release_slots(a, t, 1);
		count_attempt(&t->status, sample);
		advance_pace(t, sample->now_ms);
		t->now.ended++;
		t->now.duration_ms += sample->duration_ms;
	}
	unlock(a);
}

void admission_count_unused(struct admission_control *a, uint32_t id)
{
	lock(a);
	struct admission_target *t = find(a, id);
	if (t != NULL) {
		release_slots(a, t, 1);
		t->status.not_started++;
	}
	unlock(a);
}

void admission_count_opened(struct admission_control *a, uint32_t id)
{
	lock(a);
	struct admission_target *t = find(a, id);
	if (t != NULL)
		t->status.breaker_opened++;
	unlock(a);
}

/* ---- status ---- */

/* Member by member, because `status` also holds the counters, which belong to this file. */
void admission_publish(struct admission_control *a, uint32_t id, const struct engine_target_status *from)
{
	lock(a);
	struct admission_target *t = find(a, id);
	if (t != NULL) {
		struct engine_target_status *s = &t->status;
		s->paused = from->paused;
		s->held = from->held;
		s->hold = from->hold;
		s->breaker = from->breaker;
		s->breaker_until_ms = from->breaker_until_ms;
		s->in_flight_limit = from->in_flight_limit;
		s->in_flight_now = from->in_flight_now;
		s->rate_count = from->rate_count;
		s->rate_per_ms = from->rate_per_ms;
		s->backlog = from->backlog;
		s->next_due_ms = from->next_due_ms;
	}
	unlock(a);
}

static struct engine_target_status status_of(const struct admission_target *t)
{
	struct engine_target_status s = t->status;
	s.in_flight = t->slots;
	s.window_works = t->works;
	s.window_bytes = t->bytes;
	return s;
}

size_t admission_status(struct admission_control *a, uint32_t id, struct engine_target_status *ret,
						size_t cap)
{
	size_t count = 0;
	lock(a);
	for (size_t i = 0; i < a->cap && count < cap; i++)
		if (a->by_id[i] != NULL && (id == 0 || id == i))
			ret[count++] = status_of(a->by_id[i]);
	unlock(a);
	return count;
}
