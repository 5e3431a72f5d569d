#include "tests/sim/fold.h"

#include <stdlib.h>
#include <string.h>

#include "saga/base/mem.h"

#define BROKEN(s, i, what) world_fail(w, "saga %lld step %d: %s", (long long)(s)->id, (int)(i), what)

struct fold *fold_create(void)
{
	return mem_zalloc(sizeof(struct fold));
}

void fold_destroy(struct fold *f)
{
	for (size_t i = 0; i < f->count; i++)
		free(f->sagas[i]);
	free(f->sagas);
	free(f);
}

struct fold_saga *fold_find(const struct fold *f, int64_t id)
{
	return id >= 1 && (size_t)id <= f->count ? f->sagas[id - 1] : NULL;
}

size_t fold_saga_count(const struct world *w)
{
	return w->fold->count;
}

void fold_forget_open(struct world *w)
{
	for (size_t k = 0; k < w->hit_count; k++) {
		struct hit *h = &w->hits[k];
		const struct fold_saga *s = fold_find(w->fold, h->saga);
		if (s != NULL && s->plan != NULL && s->steps[h->step].open && s->steps[h->step].attempt == h->attempt)
			h->lost = true;
	}
}

/* ---- a new saga ---- */

static unsigned target_index(const struct world *w, const char *name)
{
	for (unsigned i = 0; i < SIM_TARGETS; i++) {
		if (strcmp(w->targets[i].name, name) == 0)
			return i;
	}
	world_fail(w, "no target %s", name);
}

static void init_steps(struct world *w, struct fold_saga *s)
{
	struct saga *row = NULL;
	struct err err;
	if (w->reader.saga_get(w->reader.ctx, s->id, &row, &err) != 0)
		world_fail(w, "saga %lld is in the log but not there: %s", (long long)s->id, err.text);
	for (unsigned i = 0; i < s->plan->step_count; i++) {
		struct fold_step *st = &s->steps[i];
		st->state = s->plan->steps[i].after == 0 ? STEP_READY : STEP_WAITING;
		st->generation = 1;
		st->target = target_index(w, s->plan->steps[i].target);
		st->has_lane = row->steps[i].has_lane;
		memcpy(st->lane, row->steps[i].lane, LANE_BYTES);
		st->blocked = st->has_lane; /* it stands in line from its acceptance on */
	}
	saga_destroy(row);
}

static struct fold_saga *add_saga(struct world *w, int64_t id, const struct record *r)
{
	struct fold *f = w->fold;
	if (id != (int64_t)f->count + 1)
		world_fail(w, "saga %lld was accepted after saga %zu", (long long)id, f->count);
	if (f->count == f->room) {
		f->room = f->room * 2 + 64;
		f->sagas = mem_grow(f->sagas, f->room * sizeof *f->sagas);
	}
	struct fold_saga *s = mem_zalloc(sizeof *s);
	f->sagas[f->count++] = s;
	f->accepted++;
	s->id = id;
	s->new_now = true;
	if (r->kind == RECORD_UNROUTED)
		s->state = SAGA_UNROUTED;
	else if (r->kind != RECORD_ACCEPTED)
		s->state = SAGA_ATTENTION;
	if (r->kind == RECORD_ACCEPTED) {
		s->plan = w->plans[r->text.p[1] - '0'];
		init_steps(w, s);
	}
	return s;
}

/* ---- records of a saga ---- */

static bool sent_effects(const struct world *w, const struct fold_saga *s, unsigned i)
{
	for (size_t k = 0; k < w->hit_count; k++) {
		const struct hit *h = &w->hits[k];
		if (h->saga == s->id && h->step == i && h->direction == DIRECTION_DO && h->effects)
			return true;
	}
	return false;
}

static void on_outcome(struct world *w, struct fold_saga *s, unsigned i, const struct record *r)
{
	struct fold_step *st = &s->steps[i];
	bool when_fault = r->outcome == OUTCOME_FAULT && !st->open && st->state == STEP_READY;
	if (!when_fault && (!st->open || r->attempt != st->attempt || r->generation != st->generation ||
						r->direction != st->direction))
		BROKEN(s, i, "an outcome without its intent");
	st->open = false;
	if (r->outcome == OUTCOME_UNKNOWN && !st->lookup && st->direction == DIRECTION_DO)
		st->maybe = true;
	/* somebody has it; or it was sent, and nobody understood the answer */
	bool unclear = r->outcome == OUTCOME_EXISTS || (r->outcome == OUTCOME_FAULT && sent_effects(w, s, i));
	if (unclear && st->direction == DIRECTION_DO)
		st->maybe = true;
	if (r->outcome != OUTCOME_OK)
		return;
	st->ok_generation[st->direction] = st->generation;
	if (st->direction == DIRECTION_DO)
		st->did = true;
	st->state = STEP_SUCCEEDED; /* the step's move is said by this alone */
	st->reason = st->skip = 0;
}

static void on_step(struct world *w, struct fold_saga *s, unsigned i, const struct record *r)
{
	struct fold_step *st = &s->steps[i];
	if (st->open && r->to != STEP_RUNNING)
		BROKEN(s, i, "moved on with an intent open");
	if (r->direction != st->direction || r->generation != st->generation)
		st->attempt = 0;
	if (r->direction < st->direction)
		BROKEN(s, i, "done again after its undo");
	if (r->direction == st->direction && r->generation < st->generation)
		BROKEN(s, i, "went back to an earlier generation");
	if (r->generation > 1 + s->verbs)
		BROKEN(s, i, "a new generation that nobody asked for");
	st->state = r->to;
	st->direction = (uint8_t)r->direction;
	st->generation = r->generation;
	st->reason = st->state == STEP_ATTENTION ? r->reason : 0;
	st->skip = st->state == STEP_SKIPPED ? r->reason : 0;
	if (st->state == STEP_SUCCEEDED && st->direction == DIRECTION_DO)
		st->did = true;
}

static void on_saga(struct world *w, struct fold_saga *s, const struct record *r)
{
	bool rested = saga_state_at_rest((enum saga_state)s->state) && !s->new_now;
	bool rests = saga_state_at_rest((enum saga_state)r->to);
	if (rested && s->state != r->to && s->verbs == s->verbs_at_rest)
		world_fail(w, "saga %lld left %s without a person's word", (long long)s->id,
				   saga_state_name((enum saga_state)s->state));
	if (rests)
		s->verbs_at_rest = s->verbs;
	s->state = r->to;
	s->reason = r->reason;
}

static void on_verb(struct fold_saga *s, const struct record *r)
{
	s->verbs++;
	s->verb_now = true;
	if (str_is(r->text, "compensate"))
		s->compensating = true;
	if (str_is(r->text, "resolve-done") && r->step >= 0 && r->direction == DIRECTION_DO)
		s->steps[r->step].did = true; /* a person says so */
}

static void on_not_started(struct world *w, struct fold_saga *s, unsigned i, const struct record *r)
{
	struct fold_step *st = &s->steps[i];
	if (!st->open || st->attempt != r->attempt)
		BROKEN(s, i, "not started, but it had no intent");
	st->open = false;
	st->state = STEP_READY;
}

static void on_checkpoint(struct world *w, struct fold_saga *s, unsigned i, const struct record *r)
{
	(void)r;
	if (!s->steps[i].open)
		BROKEN(s, i, "a checkpoint outside an attempt");
}

static void on_step_record(struct world *w, struct fold_saga *s, unsigned i, const struct record *r)
{
	static void (*const reactions[RECORD_KIND_END])(struct world *, struct fold_saga *, unsigned,
													const struct record *) = {
		[RECORD_INTENT] = rules_intent,
		[RECORD_NOT_STARTED] = on_not_started,
		[RECORD_CHECKPOINT] = on_checkpoint,
		[RECORD_OUTCOME] = on_outcome,
		[RECORD_STEP] = on_step,
	};
	s->steps[i].moved = true;
	if (reactions[r->kind] != NULL)
		reactions[r->kind](w, s, i, r);
}

static void on_record(struct world *w, int64_t id, const struct record *r)
{
	struct fold_saga *s = fold_find(w->fold, id);
	bool first = r->kind == RECORD_ACCEPTED || r->kind == RECORD_UNROUTED || r->kind == RECORD_QUARANTINED ||
				 r->kind == RECORD_GIFT_MISSING;
	if (s == NULL && !first)
		world_fail(w, "saga %lld: record %s before it was accepted", (long long)id,
				   record_kind_name(r->kind));
	if (s == NULL)
		s = add_saga(w, id, r);
	s->touched = true;
	if (r->kind == RECORD_VERB) {
		on_verb(s, r);
		crew_record(w, id, r);
	}
	if (r->kind == RECORD_DECISION && str_is(r->text, "compensate"))
		s->compensating = true;
	if (r->kind == RECORD_SAGA)
		on_saga(w, s, r);
	if (r->kind == RECORD_RELATED)
		w->fold->related++;
	if (r->step >= 0 && s->plan != NULL && (unsigned)r->step < s->plan->step_count)
		on_step_record(w, s, (unsigned)r->step, r);
	fold_mark(w, s, r);
	world_mix(w, (uint64_t)id * 1000003 + (uint64_t)r->kind * 4096 + (uint64_t)(r->step + 1) * 256 + r->to);
}

/* ---- reading ---- */

static void trace_record(struct world *w, int64_t id, const struct record *r)
{
	world_trace(w, "  [%lld] saga %lld %s step %d %s gen %u att %u to %u reason %u %s%.*s",
				(long long)w->fold->commit, (long long)id, record_kind_name(r->kind), r->step,
				direction_name(r->direction), r->generation, r->attempt, r->to, r->reason,
				r->outcome != 0 ? outcome_name((enum outcome_class)r->outcome) : "", (int)r->text.len,
				r->text.p != NULL ? r->text.p : "");
}

static void read_row(struct world *w, const struct log_row *row)
{
	struct records_reader reader = records_read(row->head, row->personal);
	struct record r;
	struct err err;
	int rc;
	while ((rc = records_next(&reader, &r, &err)) == 1) {
		trace_record(w, row->subject_id, &r);
		if (row->subject == SUBJECT_SAGA)
			on_record(w, row->subject_id, &r);
		else if (row->subject == SUBJECT_TARGET)
			fold_mark_target(w, row->subject_id, &r);
		else if (row->subject == SUBJECT_DAEMON && str_is(r.text, "started"))
			fold_breakers_anew(w);
	}
	if (rc < 0)
		world_fail(w, "log row %lld: %s", (long long)row->number, err.text);
}

static int on_row(void *ctx, const struct log_row *row)
{
	struct world *w = ctx;
	struct fold *f = w->fold;
	if (row->number != f->last_number + 1)
		world_fail(w, "log row %lld comes after %lld", (long long)row->number, (long long)f->last_number);
	if (row->commit != f->commit && f->commit != 0)
		rules_commit(w, false);
	f->commit = row->commit;
	f->last_number = row->number;
	read_row(w, row);
	return 0;
}

void fold_read(struct world *w)
{
	struct fold *f = w->fold;
	struct err err;
	int64_t before = f->last_number, seen;
	do { /* a reader stops after a slice of real time */
		int64_t next;
		seen = f->last_number;
		if (w->reader.log_read(w->reader.ctx, 0, seen, 1000, w, on_row, &next, &err) != 0)
			world_fail(w, "reading the log: %s", err.text);
	} while (f->last_number > seen);
	if (f->last_number != before)
		rules_commit(w, true);
}
