#include "saga/journal/schedule/handout.h"

#include <string.h>

#include "saga/base/mem.h"
#include "saga/journal/journal_internal.h"
#include "saga/journal/schedule/location.h"

/* ---- works ---- */

static void fill_results(struct work *w, const struct saga *s)
{
	struct buf results = { 0 };
	saga_results_json(s, &results);
	w->results = buf_take(&results);
}

/* What the connector and the engine need of the step as it is now. A work that returns for a new attempt is
 * filled again, because a verb may have changed the step while the work was with the engine. */
static void fill_step(struct journal *j, const struct cache_entry *e, unsigned i, struct work *w)
{
	const struct step *st = &e->saga->steps[i];
	const struct plan_step *ps = &e->saga->plan->steps[i];
	w->ref = (struct attempt_ref){ (uint16_t)i, (enum direction)st->direction, st->generation, 0 };
	w->lookup = decide_wants_lookup(st, &e->plan->target[i]->rules, j->now_ms);
	w->needs_condition = false;
	w->effect_before = st->effect_possible;
	w->has_body = st->has_body;
	memcpy(w->body, st->body, sizeof w->body);
	w->expire_at_ms = ps->expire_ms > 0 ? e->saga->created_ms + ps->expire_ms : 0;
	w->ready_ms = st->due_ms;
}

/* An estimate that is the same for the admission and for the work: the engine must give back what it
 * reserved. */
static size_t work_bytes(const struct cache_entry *e, const struct step *st)
{
	size_t results = 0;
	for (unsigned i = 0; i < e->saga->step_count; i++)
		results += e->saga->steps[i].result != NULL ? strlen(e->saga->steps[i].result) : 0;
	return sizeof(struct work) + event_bytes(e->event) + st->checkpoint_len + results;
}

static struct work *work_make(struct journal *j, const struct cache_entry *e, unsigned i)
{
	const struct step *st = &e->saga->steps[i];
	struct work *w = mem_zalloc(sizeof *w);
	w->saga = e->id;
	w->target = e->plan->target[i]->id;
	w->event = event_ref(e->event);
	w->plan = plan_ref(e->saga->plan);
	fill_results(w, e->saga);
	w->do_generation = st->do_generation;
	w->own_result = st->result != NULL ? mem_strdup(st->result) : NULL;
	w->checkpoint = st->checkpoint != NULL ? mem_strndup(st->checkpoint, st->checkpoint_len) : NULL;
	w->checkpoint_len = st->checkpoint_len;
	w->bytes = work_bytes(e, st);
	fill_step(j, e, i, w);
	return w;
}

/* ---- handing out ---- */

void handout_answer(struct journal *j, struct work *w, enum work_kind kind)
{
	assert(j->batch.open && !j->recovering);
	assert(kind >= WORK_START && kind <= WORK_GONE);
	w->kind = kind;
	STAILQ_INSERT_TAIL(&j->batch.works, w, link);
}

int handout_start(struct journal *j, struct cache_entry *e, unsigned i, struct work *w)
{
	assert(e->saga != NULL && i < e->saga->step_count);
	assert(w == NULL || w->saga == e->id);
	int rc = cache_load_event(j, e);
	if (rc != 0) {
		work_destroy(w);
		return rc;
	}
	if (w == NULL)
		w = work_make(j, e, i);
	else
		fill_step(j, e, i, w);
	struct decide d = cache_decide_context(j, e);
	bool started = false;
	rc = decide_intent(&d, (uint16_t)i, &started);
	assert(rc == 0 && started); /* schedule_check_start said that it may start */
	e->changed = true;
	w->ref.attempt = e->saga->steps[i].attempts;
	handout_answer(j, w, WORK_START);
	return location_set_engine(j, e, i, true);
}

int handout_ready(struct journal *j, struct cache_entry *e, unsigned i, bool slot)
{
	assert(e->saga != NULL && i < e->saga->step_count);
	assert(e->saga->steps[i].state == STEP_READY);
	int rc = cache_load_event(j, e);
	if (rc != 0)
		return rc;
	struct work *w = work_make(j, e, i);
	w->slot = slot;
	w->needs_condition = decide_needs_condition(e->saga, (uint16_t)i);
	handout_answer(j, w, WORK_READY);
	return location_set_engine(j, e, i, false);
}

/* In the accepting commit an intent is only for steps whose repeat is harmless: the process may die before
 * the attempt begins, and the intent would then leave doubt. In a later commit an outcome or an operator
 * asked for the step, and its slot is reserved. */
static bool may_start_in_commit(const struct cache_entry *e, unsigned i, struct schedule_options options)
{
	enum repeat repeat = e->plan->target[i]->rules.repeat;
	if (options.no_start || decide_needs_condition(e->saga, (uint16_t)i))
		return false;
	return !options.accepting || repeat == REPEAT_IDEMPOTENT || repeat == REPEAT_KEYED;
}

/* A step whose event does not decode goes to disk; what becomes of it is decided when it is claimed. */
static int load_event_or_disk(struct journal *j, struct cache_entry *e, bool *to_disk)
{
	int rc = cache_load_event(j, e);
	if (!cache_is_damaged(j, rc))
		return rc;
	*to_disk = true;
	j->err = (struct err){ 0 };
	return 0;
}

/* hooks.admission reserves what it grants, so it is asked last: nothing after it may decide against the
 * step. */
int handout_step(struct journal *j, struct cache_entry *e, unsigned i, struct schedule_options options)
{
	assert(e->saga != NULL && i < e->saga->step_count);
	assert(e->saga->steps[i].state == STEP_READY);
	const struct step *st = &e->saga->steps[i];
	struct target_entry *t = e->plan->target[i];
	bool to_disk = options.to_disk || !target_is_open(j, t, false);
	int rc = to_disk ? 0 : target_has_backlog(j, t, &to_disk);
	if (rc == 0 && !to_disk)
		rc = load_event_or_disk(j, e, &to_disk);
	if (rc != 0)
		return rc;
	enum admission admission = ADMISSION_DISK;
	bool start_now = may_start_in_commit(e, i, options);
	if (!to_disk)
		admission = j->hooks.admission(j->hooks.ctx, t->id, work_bytes(e, st), start_now);
	switch (admission) {
	case ADMISSION_SLOT:
		assert(start_now);
		return handout_start(j, e, i, NULL);
	case ADMISSION_WINDOW:
		return handout_ready(j, e, i, false);
	case ADMISSION_DISK:
	default:
		return location_set_disk(j, e, i, WHY_SLOT, st->due_ms);
	}
}
