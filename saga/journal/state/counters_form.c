/* The counters in their stored form: with each commit the difference to the commit before, or a full copy. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "saga/base/mem.h"
#include "saga/journal/journal_internal.h"
#include "saga/model/figure_ids.h"

/* ---- storing ---- */

/* In the order of the numbers. */
static void collect(struct journal *j, struct tally *out)
{
	const struct totals *t = &j->totals;
	tally_clear(out);
	tally_add(out, FIGURE_ACCEPTED, t->accepted);
	tally_add(out, FIGURE_RELATED, t->related);
	tally_add(out, FIGURE_WAITING, t->waiting);
	tally_add(out, FIGURE_DUPLICATES, t->duplicates);
	for (unsigned i = 0; i < SAGA_STATE_COUNT; i++)
		tally_add(out, FIGURE_SAGAS + i, t->sagas[i]);
	for (size_t i = 0; i < j->targets.count; i++) {
		const struct target_entry *target = j->targets.entries[i];
		tally_add(out, figure_of_target(target->id, FIGURE_OPEN), target->open);
		tally_add(out, figure_of_target(target->id, FIGURE_CLAIMABLE), target->claimable);
		tally_add(out, figure_of_target(target->id, FIGURE_BLOCKED), target->blocked);
		tally_add(out, figure_of_target(target->id, FIGURE_WITH_LANE), target->with_lane);
		tally_add(out, figure_of_target(target->id, FIGURE_ATTENTION), target->attention);
		tally_add(out, figure_of_target(target->id, FIGURE_SUCCEEDED), target->succeeded);
		tally_add(out, figure_of_target(target->id, FIGURE_LANE_RULES), target_lane_rules(target));
	}
}

struct str counters_encode(struct journal *j, bool full)
{
	struct stored_counters *s = &j->stored;
	collect(j, &s->now);
	buf_clear(&s->bytes);
	if (full)
		tally_full(&s->now, &s->bytes);
	else
		tally_difference(&s->last, &s->now, &s->bytes);
	struct tally last = s->last;
	s->last = s->now;
	s->now = last;
	return buf_str(&s->bytes);
}

/* ---- reading ---- */

#define FIGURE_MAX (INT64_C(1) << 53) /* no store counts to it, and sums of figures cannot overflow; chosen */

struct stored_target {
	int64_t figures[FIGURE_TARGET_COUNT];
};

/* Where a figure belongs; NULL for a number that this version does not have. */
static int64_t *place_of(uint64_t id, struct totals *totals, struct stored_target *targets, size_t count)
{
	int64_t *const places[FIGURE_TOTAL_COUNT] = { [FIGURE_ACCEPTED] = &totals->accepted,
												  [FIGURE_RELATED] = &totals->related,
												  [FIGURE_WAITING] = &totals->waiting,
												  [FIGURE_DUPLICATES] = &totals->duplicates };
	if (id < FIGURE_TOTAL_COUNT)
		return places[id];
	if (id >= FIGURE_SAGAS && id < FIGURE_SAGAS + SAGA_STATE_COUNT)
		return &totals->sagas[id - FIGURE_SAGAS];
	uint64_t target = id / FIGURE_TARGET_SPAN, figure = id % FIGURE_TARGET_SPAN;
	bool known = target >= 1 && target <= count && figure < FIGURE_TARGET_COUNT;
	return known ? &targets[target - 1].figures[figure] : NULL;
}

/* A figure that this version does not know would be wrong after its first commit, since it does not keep it: a
 * store that has one is refused. */
static int unknown_figure(uint64_t id, size_t target_count, struct err *err)
{
	uint64_t target = id / FIGURE_TARGET_SPAN;
	bool of_target = id >= FIGURE_TARGET_SPAN && id >> FIGURE_GROUP_BITS == 0;
	if (of_target && target > target_count)
		return err_set(err, ERR_CORRUPT, "counters: they name target %llu, the store has %zu",
					   (unsigned long long)target, target_count);
	return err_set(
		err, ERR_REFUSED,
		"counters: a newer almoner has written figure %llu of group %llu: run the newer version, or "
		"restore the backup made before the upgrade",
		(unsigned long long)id, (unsigned long long)(id >> FIGURE_GROUP_BITS));
}

/* `targets` has `count` elements, which are zero. */
static int decode_counters(const struct tally *stored, struct totals *ret, struct stored_target *targets,
						   size_t count, struct err *err)
{
	for (size_t i = 0; i < stored->count; i++) {
		const struct tally_figure *f = &stored->figures[i];
		if (f->value == 0)
			continue;
		int64_t *place = place_of(f->id, ret, targets, count);
		if (place == NULL)
			return unknown_figure(f->id, count, err);
		if (f->value < COUNT_UNKNOWN || f->value > FIGURE_MAX)
			return err_set(err, ERR_CORRUPT, "counters: figure %llu is %lld", (unsigned long long)f->id,
						   (long long)f->value);
		*place = f->value;
	}
	return 0;
}

static void load_target(struct target_entry *t, const struct stored_target *stored)
{
	t->open = stored->figures[FIGURE_OPEN];
	t->claimable = stored->figures[FIGURE_CLAIMABLE];
	t->blocked = stored->figures[FIGURE_BLOCKED];
	t->with_lane = stored->figures[FIGURE_WITH_LANE];
	t->attention = stored->figures[FIGURE_ATTENTION];
	t->succeeded = stored->figures[FIGURE_SUCCEEDED];
	target_set_lane_rules(t, (uint8_t)stored->figures[FIGURE_LANE_RULES]);
}

int counters_load(struct journal *j, const struct store_figures *stored)
{
	if (stored->commit == 0)
		return 0;
	struct stored_target *targets = mem_zalloc((j->targets.count + 1) * sizeof *targets);
	int rc = decode_counters(&stored->counters, &j->totals, targets, j->targets.count, &j->err);
	for (size_t i = 0; rc == 0 && i < j->targets.count; i++)
		load_target(j->targets.entries[i], &targets[i]);
	free(targets);
	return rc;
}

/* ---- without a journal ---- */

int64_t counters_backlog(int64_t claimable, int64_t blocked)
{
	return claimable + (blocked == COUNT_UNKNOWN ? 0 : blocked);
}

void counters_copy_totals(const struct totals *t, struct journal_counts *ret)
{
	ret->accepted = t->accepted;
	ret->related = t->related;
	ret->duplicates = t->duplicates;
	memcpy(ret->sagas, t->sagas, sizeof ret->sagas);
}

static void copy_target(const struct target_row *row, const struct stored_target *stored,
						struct journal_target_counts *ret)
{
	*ret = (struct journal_target_counts){
		.id = row->id,
		.open = stored->figures[FIGURE_OPEN],
		.backlog = counters_backlog(stored->figures[FIGURE_CLAIMABLE], stored->figures[FIGURE_BLOCKED]),
		.attention = stored->figures[FIGURE_ATTENTION],
		.succeeded = stored->figures[FIGURE_SUCCEEDED],
	};
	snprintf(ret->name, sizeof ret->name, "%s", row->name);
}

/* Takes over the figures and the rows of the targets. */
static int counts_of(const struct store_figures *figures, const struct target_row *rows, size_t count,
					 struct journal_counts *ret, struct err *err)
{
	struct totals totals = { 0 };
	struct stored_target *targets = mem_zalloc((count + 1) * sizeof *targets);
	int rc = decode_counters(&figures->counters, &totals, targets, count, err);
	if (rc == 0) {
		*ret = (struct journal_counts){ .target_count = count,
										.commits = figures->commit,
										.log_rows = figures->last_row };
		counters_copy_totals(&totals, ret);
		ret->targets = mem_zalloc((count + 1) * sizeof *ret->targets);
	}
	for (size_t i = 0; rc == 0 && i < count; i++) {
		size_t at = rows[i].id - 1;
		if (at < count)
			copy_target(&rows[i], &targets[at], &ret->targets[at]);
	}
	free(targets);
	return rc;
}

/* The figures are read first: a target that is added meanwhile then has none yet. */
int journal_counts_read(const struct store_reader *reader, struct journal_counts *ret, struct err *err)
{
	struct store_figures figures = { 0 };
	struct target_row *rows = NULL;
	size_t count = 0;
	int rc = reader->figures(reader->ctx, &figures, err);
	if (rc == 0)
		rc = reader->targets(reader->ctx, &rows, &count, err);
	if (rc == 0)
		rc = counts_of(&figures, rows, count, ret, err);
	store_figures_free(&figures);
	free(rows);
	return rc;
}
