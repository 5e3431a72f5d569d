/* The deep check of what the journal believes: compares every saga of the store with rows, lanes, counts and
 * memory. It reads everything, so it is for tests and the simulation. */
#include <stdlib.h>
#include <string.h>

#include "saga/base/mem.h"
#include "saga/journal/journal_internal.h"
#include "saga/journal/schedule/location.h"
#include "saga/journal/schedule/schedule.h"
#include "saga/store/index.h"

#define PAGE 64 /* sagas that are read at once */

/* The counts of one target, summed up over its sagas. */
struct audit_target {
	int64_t open, attention;
	struct row_counts rows;
};

struct running_lane {
	uint32_t target;
	uint8_t lane[LANE_BYTES];
	int64_t saga;
};

struct audit_run {
	struct journal *j;
	struct err *err;
	struct audit_target *targets; /* by id - 1 */
	struct running_lane *running;
	size_t running_count;
	int64_t sagas[SAGA_STATE_COUNT];
	struct store_head head;
	const struct saga *s; /* the saga that the audit is checking now */
	bool live;
};

static int audit_error(struct audit_run *a, unsigned i, const char *what)
{
	const struct step *st = &a->s->steps[i];
	static const char *const locations[] = { "in no place", "in the engine", "on disk" }; /* LOCATION_* */
	return err_set(a->err, ERR_CORRUPT, "audit: saga %lld, step %u (state %s, waits for %s, %s%s): %s",
				   (long long)a->s->id, i, name_of_step_state((enum step_state)st->state),
				   st->why == WHY_NONE ? "nothing" : name_of_why((enum why)st->why),
				   st->location <= LOCATION_DISK ? locations[st->location] : "at an unknown place",
				   st->has_lane ? ", has an ordering key" : "", what);
}

static struct target_entry *target_at(const struct audit_run *a, unsigned i)
{
	return target_of_name(a->j, a->s->plan->steps[i].target);
}

/* In a lane only one saga may have running steps: compares with all running steps seen before. */
static int check_running(struct audit_run *a, unsigned i)
{
	const struct step *st = &a->s->steps[i];
	uint32_t target = target_at(a, i)->id;
	for (size_t k = 0; k < a->running_count; k++) {
		const struct running_lane *r = &a->running[k];
		if (r->target == target && memcmp(r->lane, st->lane, LANE_BYTES) == 0 && r->saga != a->s->id)
			return audit_error(a, i, "the step runs while another saga of its lane runs");
	}
	a->running = mem_grow(a->running, (a->running_count + 1) * sizeof *a->running);
	struct running_lane *r = &a->running[a->running_count++];
	*r = (struct running_lane){ .target = target, .saga = a->s->id };
	memcpy(r->lane, st->lane, LANE_BYTES);
	return 0;
}

/* A step that has a row must be found by its lane; a step that waits for its lane must have a lower saga
 * before it, in memory or on disk. */
static int check_lane(struct audit_run *a, unsigned i)
{
	const struct step *st = &a->s->steps[i];
	struct target_entry *t = target_at(a, i);
	struct step_row row = { 0 };
	int rc = a->j->store.row_lane_first(a->j->store.ctx, t->id, st->lane, a->s->id - 1, &row, a->err);
	if (rc != 0)
		return rc;
	if (st->location == LOCATION_DISK && row.saga != a->s->id)
		return audit_error(a, i, "the step has no row in its lane");
	if (st->state == STEP_RUNNING)
		return check_running(a, i);
	if (st->why != WHY_LANE || !decide_may_start(a->s, (uint16_t)i))
		return 0;
	if (lanes_blocked(&a->j->lanes, t->id, st->lane, a->s->id))
		return 0;
	rc = a->j->store.row_lane_first(a->j->store.ctx, t->id, st->lane, 0, &row, a->err);
	return rc != 0 || row.saga < a->s->id ? rc : audit_error(a, i, "the step waits for a lane that is free");
}

/* Checks a step and adds it to the sums of its target. */
static int check_step(struct audit_run *a, unsigned i)
{
	const struct step *st = &a->s->steps[i];
	struct target_entry *t = target_at(a, i);
	if (t == NULL)
		return audit_error(a, i, "the step has a target that the journal does not know");
	if (!schedule_location_fits(a->s, i, a->live))
		return audit_error(a, i, "the step has a location that does not fit its state");
	struct audit_target *sum = &a->targets[t->id - 1];
	enum why why = location_row_why(a->s, i);
	sum->open += saga_step_is_open(a->s, st) ? 1 : 0;
	sum->attention += saga_step_needs_operator(a->s, st) ? 1 : 0;
	if (st->location == LOCATION_DISK) {
		sum->rows.claimable += why == WHY_SLOT || why == WHY_DUE ? 1 : 0;
		sum->rows.blocked += why == WHY_LANE || why == WHY_AFTER ? 1 : 0;
		sum->rows.with_lane += st->has_lane ? 1 : 0;
	}
	return st->has_lane ? check_lane(a, i) : 0;
}

/* Live sagas, and no others, are in memory between batches, and equal what is stored. */
static int check_memory(struct audit_run *a, struct str stored)
{
	const struct cache_entry *e = cache_find(&a->j->cache, a->s->id);
	struct buf AUTO_BUF now = { 0 };
	if (a->live != (e != NULL))
		return err_set(a->err, ERR_CORRUPT, "audit: saga %lld is %s", (long long)a->s->id,
					   a->live ? "live but not in memory" : "in memory but not live");
	if (e == NULL)
		return 0;
	saga_encode(e->saga, &now);
	return str_eq(buf_str(&now), stored)
			   ? 0
			   : err_set(a->err, ERR_CORRUPT, "audit: saga %lld in memory differs from what is stored",
						 (long long)a->s->id);
}

static int saga_error(struct audit_run *a, const char *what)
{
	return err_set(a->err, ERR_CORRUPT, "audit: saga %lld: %s", (long long)a->s->id, what);
}

/* The rule of the recovery: each live saga is in the index, or between the stored mark and its reach. */
static int check_found(struct audit_run *a, const struct saga_row *row)
{
	bool left_out = store_index_left_out(row);
	if (left_out && !store_index_marked(&a->head.figures.marks, row->id))
		return saga_error(
			a, "it is live, and neither in the index nor between the low-water mark and its reach");
	if (left_out != low_mark_left_out(&a->j->low_mark, row->id))
		return saga_error(a, "memory and store differ on whether it is left out of the index");
	return 0;
}

static int check_saga(struct audit_run *a, const struct saga_row *row)
{
	const char *why = saga_check(a->s);
	if (why != NULL)
		return saga_error(a, why);
	if (!store_index_fits(row, a->s) || row->state != a->s->state)
		return saga_error(a, "the columns of its row in the store differ from its encoded value");
	a->live = store_index_live(row);
	a->sagas[a->s->state]++;
	int rc = check_found(a, row);
	if (rc == 0)
		rc = check_memory(a, row->value);
	for (unsigned i = 0; rc == 0 && i < a->s->step_count; i++)
		rc = check_step(a, i);
	return rc;
}

/* Decodes the stored value without the cache, whose entries must not change by a check. */
static int audit_saga(struct audit_run *a, const struct saga_row *row)
{
	struct store_writer *store = &a->j->store;
	struct plan *plan;
	struct saga *saga = NULL;
	int rc = store->plan_get(store->ctx, row->plan, &plan, a->err);
	if (rc != 0)
		return rc;
	rc = saga_decode(row->id, plan, row->value, &saga, a->err);
	a->s = saga;
	if (rc == 0)
		rc = check_saga(a, row);
	saga_destroy(saga);
	plan_unref(plan);
	return rc;
}

static int audit_sagas(struct audit_run *a)
{
	struct saga_row rows[PAGE];
	int64_t after = 0;
	size_t count = PAGE;
	int rc = 0;
	while (rc == 0 && count == PAGE) {
		struct buf AUTO_BUF values = { 0 };
		rc = a->j->store.saga_range(a->j->store.ctx, after, rows, PAGE, &values, &count, a->err);
		for (size_t i = 0; rc == 0 && i < count; i++) {
			rc = audit_saga(a, &rows[i]);
			after = rows[i].id;
		}
	}
	return rc;
}

/* What the chain adds up to is what the last commit has stored. */
static int audit_figures(struct audit_run *a)
{
	const struct store_figures *f = &a->head.figures;
	if (f->commit != a->j->log.chain.commit || f->last_row != a->j->log.last_row)
		return err_set(a->err, ERR_CORRUPT, "audit: the store ends with commit %lld, the journal with %lld",
					   (long long)f->commit, (long long)a->j->log.chain.commit);
	if (!tally_same(&f->counters, &a->j->stored.last))
		return err_set(a->err, ERR_CORRUPT,
					   "audit: the counters of the chain are not those of the last commit");
	if (!tally_same(&f->marks, &a->j->low_mark.last))
		return err_set(a->err, ERR_CORRUPT, "audit: the marks of the chain are not those of the last commit");
	return 0;
}

static bool same_rows(struct row_counts a, struct row_counts b)
{
	return a.claimable == b.claimable && a.blocked == b.blocked && a.with_lane == b.with_lane;
}

/* Three sources must agree: the rows, the sagas, and the counts in memory. */
static int audit_target(struct audit_run *a, const struct target_entry *t)
{
	const struct audit_target *sum = &a->targets[t->id - 1];
	struct row_counts rows;
	int rc = store_count_rows(&a->j->store, t->id, &rows, a->err);
	if (rc != 0)
		return rc;
	struct row_counts counted = { t->claimable, t->blocked, t->with_lane };
	if (!same_rows(rows, sum->rows) || !same_rows(rows, counted))
		return err_set(a->err, ERR_CORRUPT,
					   "audit: target %s: claimable rows %lld, by sagas %lld, by count %lld; blocked %lld, "
					   "by sagas %lld, by "
					   "count %lld; in lanes %lld, by sagas %lld, by count %lld",
					   t->name, (long long)rows.claimable, (long long)sum->rows.claimable,
					   (long long)t->claimable, (long long)rows.blocked, (long long)sum->rows.blocked,
					   (long long)t->blocked, (long long)rows.with_lane, (long long)sum->rows.with_lane,
					   (long long)t->with_lane);
	if (sum->open != t->open || sum->attention != t->attention)
		return err_set(a->err, ERR_CORRUPT,
					   "audit: target %s: open %lld, counted %lld; attention %lld, counted %lld", t->name,
					   (long long)sum->open, (long long)t->open, (long long)sum->attention,
					   (long long)t->attention);
	return 0;
}

static int audit_sums(struct audit_run *a)
{
	int64_t sum = a->j->totals.related;
	for (unsigned i = 0; i < SAGA_STATE_COUNT; i++) {
		sum += a->sagas[i];
		if (a->sagas[i] != a->j->totals.sagas[i])
			return err_set(a->err, ERR_CORRUPT, "audit: %lld sagas are %s, counted %lld",
						   (long long)a->sagas[i], name_of_saga_state((enum saga_state)i),
						   (long long)a->j->totals.sagas[i]);
	}
	return sum == a->j->totals.accepted ? 0
										: err_set(a->err, ERR_CORRUPT, "audit: accepted %lld, found %lld",
												  (long long)a->j->totals.accepted, (long long)sum);
}

int journal_audit(struct journal *j, struct err *err)
{
	assert(!j->has_thread && !j->batch.open);
	struct audit_run a = { .j = j, .err = err };
	a.targets = mem_zalloc((j->targets.count + 1) * sizeof *a.targets);
	int rc = j->store.head(j->store.ctx, &a.head, err);
	if (rc == 0)
		rc = audit_figures(&a);
	if (rc == 0)
		rc = audit_sagas(&a);
	for (size_t i = 0; rc == 0 && i < j->targets.count; i++)
		rc = audit_target(&a, j->targets.entries[i]);
	if (rc == 0)
		rc = audit_sums(&a);
	store_figures_free(&a.head.figures);
	free(a.targets);
	free(a.running);
	return rc;
}
