/* Step rows (steps that wait), and targets. There is no index: each question walks over all step rows of the
 * part. */
#include <stdlib.h>
#include <string.h>

#include "saga/base/array.h"
#include "tests/support/memory_store/internal.h"

/* ---- step rows ---- */

static bool is_claimable(const struct step_row *row)
{
	return row->why == WHY_SLOT || row->why == WHY_DUE;
}

static bool is_blocked(const struct step_row *row)
{
	return row->why == WHY_LANE || row->why == WHY_AFTER;
}

static int compare_numbers(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

static int by_saga(const struct step_row *a, const struct step_row *b)
{
	int order = compare_numbers(a->saga, b->saga);
	return order != 0 ? order : compare_numbers(a->step, b->step);
}

static int by_due(const struct step_row *a, const struct step_row *b)
{
	int order = compare_numbers(a->due_ms, b->due_ms);
	return order != 0 ? order : by_saga(a, b);
}

static int by_lane(const struct step_row *a, const struct step_row *b)
{
	int order = memcmp(a->lane, b->lane, LANE_BYTES);
	return order != 0 ? order : by_saga(a, b);
}

/* The first rows in an order, at most `capacity`. */
struct step_page {
	struct step_row *rows;
	size_t capacity;
	size_t used;
	int (*compare)(const struct step_row *a, const struct step_row *b);
};

static void page_add(struct step_page *p, const struct step_row *row)
{
	size_t at = p->used;
	while (at > 0 && p->compare(&p->rows[at - 1], row) > 0)
		at--;
	if (at == p->capacity)
		return;
	size_t last = p->used < p->capacity ? p->used++ : p->capacity - 1;
	memmove(&p->rows[at + 1], &p->rows[at], (last - at) * sizeof *p->rows);
	p->rows[at] = *row;
}

/* The question: every field must hold. */
struct step_query {
	uint32_t target;
	bool claimable;
	bool with_lane;
	int64_t due_from_ms, due_to_ms; /* inclusive */
	const uint8_t *lane;            /* NULL: any */
	int64_t after_saga;             /* only higher ones */
	const struct step_row *after;   /* only rows behind this one in the order by_lane; NULL: any */
};

static const struct step_query any_step = { .due_from_ms = INT64_MIN, .due_to_ms = INT64_MAX };

static bool matches(const struct step_query *q, const struct step_row *row)
{
	return row->target == q->target && (!q->claimable || is_claimable(row)) &&
		   (!q->with_lane || row->has_lane) && row->due_ms >= q->due_from_ms && row->due_ms <= q->due_to_ms &&
		   (q->lane == NULL || (row->has_lane && memcmp(row->lane, q->lane, LANE_BYTES) == 0)) &&
		   row->saga > q->after_saga && (q->after == NULL || by_lane(row, q->after) > 0);
}

static void find_steps(const struct memory_writer *w, const struct step_query *q, struct step_page *page)
{
	struct memory_slot *slot = memory_writer_from(w, TABLE_STEP, memory_part_begin(w));
	for (; slot != NULL; slot = memory_writer_next(w, slot)) {
		const struct step_row *row = memory_writer_view(w, slot);
		if (matches(q, row))
			page_add(page, row);
	}
}

static int steps_put(void *ctx, const struct step_row *row, struct err *err)
{
	struct memory_writer *w = ctx;
	struct memory_guard AUTO_GUARD g = memory_write_begin(w, CALL_ROW_PUT, err);
	if (g.rc != 0)
		return g.rc;
	struct step_row stored = *row;
	if (!row->has_lane)
		memset(stored.lane, 0, sizeof stored.lane);
	struct memory_value *v = memory_value_new(&stored, sizeof stored, NULL, 0);
	return memory_writer_put(w, TABLE_STEP, memory_key_of(row->saga, row->step), v, err);
}

static int steps_delete(void *ctx, int64_t saga, uint16_t step, struct err *err)
{
	struct memory_writer *w = ctx;
	struct memory_guard AUTO_GUARD g = memory_write_begin(w, CALL_ROW_DELETE, err);
	if (g.rc != 0)
		return g.rc;
	return memory_writer_put(w, TABLE_STEP, memory_key_of(saga, step), NULL, err);
}

static int steps_claimable(void *ctx, uint32_t target, int64_t now_ms, struct step_row *rows, size_t capacity,
						   size_t *ret, struct err *err)
{
	struct memory_writer *w = ctx;
	struct memory_guard AUTO_GUARD g = memory_write_begin(w, CALL_ROW_CLAIMABLE, err);
	if (g.rc != 0)
		return g.rc;
	memory_trip_ask(w, CALL_ROW_CLAIMABLE);
	struct step_query q = any_step;
	q.target = target;
	q.claimable = true;
	q.due_to_ms = now_ms;
	struct step_page page = { .rows = rows, .capacity = capacity, .compare = by_due };
	find_steps(w, &q, &page);
	*ret = page.used;
	return 0;
}

static int steps_next_due(void *ctx, uint32_t target, int64_t *ret_ms, struct err *err)
{
	struct memory_writer *w = ctx;
	struct memory_guard AUTO_GUARD g = memory_write_begin(w, CALL_ROW_NEXT_DUE, err);
	if (g.rc != 0)
		return g.rc;
	memory_trip_query(w, CALL_ROW_NEXT_DUE, &target, sizeof target);
	struct step_query q = any_step;
	q.target = target;
	q.claimable = true;
	struct step_row first;
	struct step_page page = { .rows = &first, .capacity = 1, .compare = by_due };
	find_steps(w, &q, &page);
	*ret_ms = page.used > 0 ? first.due_ms : INT64_MAX;
	return 0;
}

int64_t memory_lane_first(const struct memory_writer *w, const struct expected_lane *lane)
{
	struct step_query q = any_step;
	q.target = lane->target;
	q.lane = lane->lane;
	struct step_row first = { 0 };
	struct step_page page = { .rows = &first, .capacity = 1, .compare = by_saga };
	find_steps(w, &q, &page);
	return first.saga;
}

static int steps_lane_first(void *ctx, uint32_t target, const uint8_t lane[LANE_BYTES], int64_t after,
							struct step_row *ret, struct err *err)
{
	struct memory_writer *w = ctx;
	struct memory_guard AUTO_GUARD g = memory_write_begin(w, CALL_ROW_LANE_FIRST, err);
	if (g.rc != 0)
		return g.rc;
	struct memory_lane_question question = { .target = target, .after = after };
	memcpy(question.lane, lane, LANE_BYTES);
	memory_trip_query(w, CALL_ROW_LANE_FIRST, &question, sizeof question);
	struct step_query q = any_step;
	q.target = target;
	q.lane = lane;
	q.after_saga = after;
	struct step_page page = { .rows = ret, .capacity = 1, .compare = by_saga };
	*ret = (struct step_row){ 0 };
	find_steps(w, &q, &page);
	return 0;
}

static int steps_due_beyond(void *ctx, uint32_t target, int64_t beyond_ms, struct step_row *rows,
							size_t capacity, size_t *ret, struct err *err)
{
	struct memory_writer *w = ctx;
	struct memory_guard AUTO_GUARD g = memory_write_begin(w, CALL_ROW_DUE_BEYOND, err);
	if (g.rc != 0)
		return g.rc;
	memory_trip_ask(w, CALL_ROW_DUE_BEYOND);
	struct step_query q = any_step;
	q.target = target;
	q.claimable = true;
	q.due_from_ms = beyond_ms < INT64_MAX ? beyond_ms + 1 : INT64_MAX;
	struct step_page page = { .rows = rows, .capacity = capacity, .compare = by_due };
	if (beyond_ms < INT64_MAX)
		find_steps(w, &q, &page);
	*ret = page.used;
	return 0;
}

static int steps_with_lane(void *ctx, uint32_t target, const struct step_row *after, struct step_row *rows,
						   size_t capacity, size_t *ret, struct err *err)
{
	struct memory_writer *w = ctx;
	struct memory_guard AUTO_GUARD g = memory_write_begin(w, CALL_ROW_WITH_LANE, err);
	if (g.rc != 0)
		return g.rc;
	memory_trip_ask(w, CALL_ROW_WITH_LANE);
	struct step_query q = any_step;
	q.target = target;
	q.with_lane = true;
	q.after = after;
	struct step_page page = { .rows = rows, .capacity = capacity, .compare = by_lane };
	find_steps(w, &q, &page);
	*ret = page.used;
	return 0;
}

/* In the order of the table, by saga and step. */
static int steps_count_page(void *ctx, uint32_t target, size_t limit, struct row_counting *count,
							struct err *err)
{
	struct memory_writer *w = ctx;
	struct memory_guard AUTO_GUARD g = memory_write_begin(w, CALL_ROW_COUNT_PAGE, err);
	if (g.rc != 0)
		return g.rc;
	memory_trip_ask(w, CALL_ROW_COUNT_PAGE);
	struct memory_key from = count->after.saga == 0 ? memory_part_begin(w)
													: memory_key_of(count->after.saga, count->after.step + 1);
	struct memory_slot *slot = memory_writer_from(w, TABLE_STEP, from);
	size_t used = 0;
	for (; slot != NULL && used < limit; slot = memory_writer_next(w, slot)) {
		const struct step_row *row = memory_writer_view(w, slot);
		count->after = *row;
		if (row->target != target)
			continue;
		used++;
		count->counts.claimable += is_claimable(row) ? 1 : 0;
		count->counts.blocked += is_blocked(row) ? 1 : 0;
		count->counts.with_lane += row->has_lane ? 1 : 0;
	}
	count->done = slot == NULL;
	return 0;
}

/* ---- targets ---- */

static int steps_target_put(void *ctx, const struct target_row *row, struct err *err)
{
	struct memory_writer *w = ctx;
	struct memory_guard AUTO_GUARD g = memory_write_begin(w, CALL_TARGET_PUT, err);
	if (g.rc != 0)
		return g.rc;
	struct memory_value *v = memory_value_new(row, sizeof *row, NULL, 0);
	return memory_writer_put(w, TABLE_TARGET, memory_key_of(w->options.part, row->id), v, err);
}

static int steps_target_all(void *ctx, struct target_row **ret, size_t *ret_count, struct err *err)
{
	struct memory_writer *w = ctx;
	struct memory_guard AUTO_GUARD g = memory_write_begin(w, CALL_TARGET_ALL, err);
	if (g.rc != 0)
		return g.rc;
	memory_trip_ask(w, CALL_TARGET_ALL);
	struct target_row *rows = NULL;
	size_t count = 0;
	struct memory_slot *slot =
		memory_table_from(&w->s->tables[TABLE_TARGET], &w->change, memory_key_of(w->options.part, 0));
	for (; slot != NULL && slot->key.a == w->options.part; slot = memory_table_next(slot, &w->change)) {
		ARRAY_GROW_BY_COUNT(rows, count);
		rows[count++] = *(const struct target_row *)memory_writer_view(w, slot);
	}
	*ret = rows;
	*ret_count = count;
	return 0;
}

void memory_step_ops(struct store_writer *ops)
{
	ops->row_put = steps_put;
	ops->row_delete = steps_delete;
	ops->row_claimable = steps_claimable;
	ops->row_next_due = steps_next_due;
	ops->row_lane_first = steps_lane_first;
	ops->row_due_beyond = steps_due_beyond;
	ops->row_with_lane = steps_with_lane;
	ops->row_count_page = steps_count_page;
	ops->target_put = steps_target_put;
	ops->target_all = steps_target_all;
}
