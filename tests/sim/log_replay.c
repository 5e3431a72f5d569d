#include "tests/sim/log_replay.h"

#include <stdlib.h>
#include <string.h>

#include "saga/base/mem.h"

#define SIM_FAIL(s, i, what) sim_fail(w, "saga %lld step %d: %s", (long long)(s)->id, (int)(i), what)

struct log_replay *log_replay_create(void)
{
	return mem_zalloc(sizeof(struct log_replay));
}

void log_replay_destroy(struct log_replay *f)
{
	for (size_t i = 0; i < f->count; i++)
		free(f->sagas[i]);
	free(f->sagas);
	free(f);
}

struct replay_saga *log_replay_find(const struct log_replay *f, int64_t id)
{
	return id >= 1 && (size_t)id <= f->count ? f->sagas[id - 1] : NULL;
}

size_t log_replay_saga_count(const struct simulation *w)
{
	return w->log_replay->count;
}

void log_replay_mark_cut(struct simulation *w, bool digests_lost)
{
	for (size_t k = 0; k < w->sink_request_count; k++) {
		struct sink_request *h = &w->sink_requests[k];
		const struct replay_saga *s = log_replay_find(w->log_replay, h->saga);
		bool open = s != NULL && s->plan != NULL && s->steps[h->step].open &&
					s->steps[h->step].attempt == h->attempt &&
					s->steps[h->step].generation == h->generation &&
					s->steps[h->step].direction == h->direction;
		if (h->process != w->process || !open)
			continue;
		h->cut = true;
		h->lost = digests_lost;
	}
}

/* ---- a new saga ---- */

static unsigned target_index(const struct simulation *w, const char *name)
{
	for (unsigned i = 0; i < SIM_TARGETS; i++) {
		if (strcmp(w->targets[i].name, name) == 0)
			return i;
	}
	sim_fail(w, "no target %s", name);
}

static void init_steps(struct simulation *w, struct replay_saga *s)
{
	struct saga *row = NULL;
	struct err err;
	if (w->reader.saga_get(w->reader.ctx, s->id, &row, &err) != 0)
		sim_fail(w, "saga %lld is in the log, but cannot be read: %s", (long long)s->id, err.text);
	for (unsigned i = 0; i < s->plan->step_count; i++) {
		struct replay_step *st = &s->steps[i];
		st->state = s->plan->steps[i].after == 0 ? STEP_READY : STEP_WAITING;
		st->generation = 1;
		st->target = target_index(w, s->plan->steps[i].target);
		st->has_lane = row->steps[i].has_lane;
		memcpy(st->lane, row->steps[i].lane, LANE_BYTES);
		st->blocked = st->has_lane; /* it has a place in its lane from its acceptance on */
	}
	saga_destroy(row);
}

static struct replay_saga *add_saga(struct simulation *w, int64_t id, const struct record *r)
{
	struct log_replay *f = w->log_replay;
	if (id != (int64_t)f->count + 1)
		sim_fail(w, "saga %lld follows saga %zu: the numbers have a gap", (long long)id, f->count);
	if (f->count == f->capacity) {
		f->capacity = f->capacity * 2 + 64;
		f->sagas = mem_grow(f->sagas, f->capacity * sizeof *f->sagas);
	}
	struct replay_saga *s = mem_zalloc(sizeof *s);
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

static bool sent_effects(const struct simulation *w, const struct replay_saga *s, unsigned i)
{
	for (size_t k = 0; k < w->sink_request_count; k++) {
		const struct sink_request *h = &w->sink_requests[k];
		if (h->saga == s->id && h->step == i && h->direction == DIRECTION_DO && h->effects)
			return true;
	}
	return false;
}

static void on_outcome(struct simulation *w, struct replay_saga *s, unsigned i, const struct record *r)
{
	struct replay_step *st = &s->steps[i];
	bool condition_fault = r->outcome == OUTCOME_FAULT && !st->open && st->state == STEP_READY;
	if (!condition_fault && (!st->open || r->attempt != st->attempt || r->generation != st->generation ||
							 r->direction != st->direction))
		SIM_FAIL(s, i, "there is an outcome without its intent");
	st->open = false;
	if (r->outcome == OUTCOME_UNKNOWN && !st->lookup && st->direction == DIRECTION_DO)
		st->possible_effect = true;
	/* the target has it already; or it was sent, and the connector did not understand the answer */
	bool unclear = r->outcome == OUTCOME_EXISTS || (r->outcome == OUTCOME_FAULT && sent_effects(w, s, i));
	if (unclear && st->direction == DIRECTION_DO)
		st->possible_effect = true;
	if (r->outcome != OUTCOME_OK)
		return;
	st->ok_generation[st->direction] = st->generation;
	if (st->direction == DIRECTION_DO)
		st->took_effect = true;
	st->state = STEP_SUCCEEDED; /* the outcome is the only record of this change of state */
	st->reason = st->skip = 0;
}

static void on_step(struct simulation *w, struct replay_saga *s, unsigned i, const struct record *r)
{
	struct replay_step *st = &s->steps[i];
	if (st->open && r->to != STEP_RUNNING)
		SIM_FAIL(s, i, "the state of the step changes while an intent is open");
	if (r->direction != st->direction || r->generation != st->generation)
		st->attempt = 0;
	if (r->direction < st->direction)
		SIM_FAIL(s, i, "the step is done again after its undo");
	if (r->direction == st->direction && r->generation < st->generation)
		SIM_FAIL(s, i, "the step returns to an earlier generation");
	if (r->generation > 1 + s->verbs)
		SIM_FAIL(s, i, "there is a new generation that no verb asked for");
	st->state = r->to;
	st->direction = (uint8_t)r->direction;
	st->generation = r->generation;
	st->reason = st->state == STEP_ATTENTION ? r->reason : 0;
	st->skip = st->state == STEP_SKIPPED ? r->reason : 0;
	if (st->state == STEP_SUCCEEDED && st->direction == DIRECTION_DO)
		st->took_effect = true;
}

static void on_saga(struct simulation *w, struct replay_saga *s, const struct record *r)
{
	bool rested = saga_state_at_rest((enum saga_state)s->state) && !s->new_now;
	bool rests = saga_state_at_rest((enum saga_state)r->to);
	if (rested && s->state != r->to && s->verbs == s->verbs_at_rest)
		sim_fail(w, "saga %lld left the state %s without a verb", (long long)s->id,
				 name_of_saga_state((enum saga_state)s->state));
	if (rests)
		s->verbs_at_rest = s->verbs;
	s->state = r->to;
	s->reason = r->reason;
}

static void on_verb(struct replay_saga *s, const struct record *r)
{
	s->verbs++;
	s->verb_now = true;
	if (str_is(r->text, "compensate"))
		s->compensating = true;
	if (str_is(r->text, "resolve-done") && r->step >= 0 && r->direction == DIRECTION_DO)
		s->steps[r->step].took_effect = true; /* an operator has decided this */
}

static void on_not_started(struct simulation *w, struct replay_saga *s, unsigned i, const struct record *r)
{
	struct replay_step *st = &s->steps[i];
	if (!st->open || st->attempt != r->attempt)
		SIM_FAIL(s, i, "the step is recorded as not started, but it had no intent");
	st->open = false;
	st->state = STEP_READY;
}

static void on_checkpoint(struct simulation *w, struct replay_saga *s, unsigned i, const struct record *r)
{
	(void)r;
	if (!s->steps[i].open)
		SIM_FAIL(s, i, "there is a checkpoint outside an attempt");
}

static void on_step_record(struct simulation *w, struct replay_saga *s, unsigned i, const struct record *r)
{
	static void (*const reactions[RECORD_KIND_END])(struct simulation *, struct replay_saga *, unsigned,
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

static void on_record(struct simulation *w, int64_t id, const struct record *r)
{
	struct replay_saga *s = log_replay_find(w->log_replay, id);
	bool first = r->kind == RECORD_ACCEPTED || r->kind == RECORD_UNROUTED || r->kind == RECORD_QUARANTINED ||
				 r->kind == RECORD_GIFT_MISSING;
	if (s == NULL && !first)
		sim_fail(w, "saga %lld: there is a record %s before the saga was accepted", (long long)id,
				 name_of_record_kind(r->kind));
	if (s == NULL)
		s = add_saga(w, id, r);
	s->touched = true;
	if (r->kind == RECORD_VERB) {
		on_verb(s, r);
		job_clients_record(w, id, r);
	}
	if (r->kind == RECORD_DECISION && str_is(r->text, "compensate"))
		s->compensating = true;
	if (r->kind == RECORD_SAGA)
		on_saga(w, s, r);
	if (r->kind == RECORD_RELATED)
		w->log_replay->related++;
	if (r->step >= 0 && s->plan != NULL && (unsigned)r->step < s->plan->step_count)
		on_step_record(w, s, (unsigned)r->step, r);
	log_replay_cover(w, s, r);
	sim_mix(w, (uint64_t)id * 1000003 + (uint64_t)r->kind * 4096 + (uint64_t)(r->step + 1) * 256 + r->to);
}

/* ---- reading ---- */

static void trace_record(struct simulation *w, int64_t id, const struct record *r)
{
	sim_trace(w, "  [%lld] saga %lld %s step %d %s gen %u att %u to %u reason %u %s%.*s",
			  (long long)w->log_replay->commit, (long long)id, name_of_record_kind(r->kind), r->step,
			  name_of_direction(r->direction), r->generation, r->attempt, r->to, r->reason,
			  r->outcome != 0 ? name_of_outcome((enum outcome_class)r->outcome) : "", (int)r->text.len,
			  r->text.p != NULL ? r->text.p : "");
}

static void read_row(struct simulation *w, const struct log_row *row)
{
	struct records_reader reader = records_read(row->head, row->personal, row->at_ms);
	struct record r;
	struct err err;
	int rc;
	while ((rc = records_next(&reader, &r, &err)) == 1) {
		trace_record(w, row->subject_id, &r);
		if (row->subject == SUBJECT_SAGA)
			on_record(w, row->subject_id, &r);
		else if (row->subject == SUBJECT_TARGET)
			log_replay_cover_target(w, row->subject_id, &r);
		else if (row->subject == SUBJECT_DAEMON && str_is(r.text, "started"))
			log_replay_reset_breakers(w);
	}
	if (rc < 0)
		sim_fail(w, "log row %lld: %s", (long long)row->number, err.text);
}

static int on_row(void *ctx, const struct log_row *row)
{
	struct simulation *w = ctx;
	struct log_replay *f = w->log_replay;
	if (row->number != f->last_number + 1)
		sim_fail(w, "log row %lld follows row %lld", (long long)row->number, (long long)f->last_number);
	if (row->commit != f->commit && f->commit != 0)
		rules_commit(w, false);
	f->commit = row->commit;
	f->last_number = row->number;
	read_row(w, row);
	return 0;
}

void log_replay_read(struct simulation *w)
{
	struct log_replay *f = w->log_replay;
	struct err err;
	int64_t before = f->last_number, seen;
	do { /* log_read returns after a bounded time, so it may have to be called again */
		int64_t next;
		seen = f->last_number;
		if (w->reader.log_read(w->reader.ctx, 0, seen, 1000, w, on_row, &next, &err) != 0)
			sim_fail(w, "reading the log: %s", err.text);
	} while (f->last_number > seen);
	if (f->last_number != before)
		rules_commit(w, true);
}
