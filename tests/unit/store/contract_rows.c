/* Contract: step rows, targets, related events. */
#include "tests/unit/store/contract_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "saga/store/index.h"
#include "tests/unit/store/cmocka_all.h"

#define W(f) ((f)->l.w)

static void put(struct store_fixture *f, int64_t saga, uint16_t step, uint32_t target, enum why why,
				int64_t due_ms, uint8_t lane)
{
	struct step_row row = { .saga = saga,
							.step = step,
							.target = target,
							.why = (uint8_t)why,
							.due_ms = due_ms,
							.since_ms = T0 + saga,
							.has_lane = lane != 0,
							.lane = { lane, [15] = 9 } };
	must(W(f).row_put(W(f).ctx, &row, &f->err), &f->err);
}

static void begin(struct store_fixture *f)
{
	must(W(f).begin(W(f).ctx, &f->err), &f->err);
}

static void commit(struct store_fixture *f)
{
	must(W(f).commit(W(f).ctx, &f->err), &f->err);
}

static size_t claim(struct store_fixture *f, uint32_t target, int64_t now_ms, struct step_row *rows,
					size_t capacity)
{
	size_t got = 0;
	must(W(f).row_claimable(W(f).ctx, target, now_ms, rows, capacity, &got, &f->err), &f->err);
	return got;
}

static void lanes_are_read_in_slices(void **state)
{
	struct store_fixture *f = *state;
	begin(f);
	put(f, 9, 0, 1, WHY_LANE, 1, 3);
	put(f, 8, 1, 1, WHY_AFTER, 1, 3);
	put(f, 7, 0, 1, WHY_ATTENTION, 1, 5);
	put(f, 8, 0, 1, WHY_SLOT, 1, 3);
	put(f, 6, 0, 1, WHY_SLOT, 1, 0); /* no lane */
	put(f, 5, 0, 2, WHY_LANE, 1, 3); /* another target */
	commit(f);
	static const struct {
		int64_t saga;
		uint16_t step;
	} order[] = { { 8, 0 }, { 8, 1 }, { 9, 0 }, { 7, 0 } };
	struct step_row after = { 0 };
	struct step_row rows[2];
	size_t seen = 0, got = 2;
	while (got == 2) {
		must(W(f).row_with_lane(W(f).ctx, 1, seen > 0 ? &after : NULL, rows, 2, &got, &f->err), &f->err);
		for (size_t i = 0; i < got; i++, seen++) {
			assert_true(seen < 4);
			assert_int_equal(rows[i].saga, order[seen].saga);
			assert_int_equal(rows[i].step, order[seen].step);
			after = rows[i];
		}
	}
	assert_int_equal(seen, 4);
}

static void claims_come_oldest_due_first(void **state)
{
	struct store_fixture *f = *state;
	begin(f);
	put(f, 30, 0, 1, WHY_SLOT, 100, 0);
	put(f, 20, 1, 1, WHY_DUE, 100, 0);
	put(f, 10, 0, 1, WHY_DUE, 200, 3);
	put(f, 40, 0, 1, WHY_DUE, 50, 0);
	put(f, 5, 0, 2, WHY_SLOT, 1, 0); /* another target */
	put(f, 6, 0, 1, WHY_LANE, 1, 3); /* these three are not claimable */
	put(f, 7, 0, 1, WHY_ATTENTION, 1, 0);
	put(f, 8, 0, 1, WHY_AFTER, 1, 0);
	commit(f);
	struct step_row rows[8];
	assert_int_equal(claim(f, 1, 199, rows, 8), 3);
	assert_int_equal(rows[0].saga, 40);
	assert_int_equal(rows[1].saga, 20);
	assert_int_equal(rows[1].step, 1);
	assert_int_equal(rows[2].saga, 30);
	assert_int_equal(rows[2].why, WHY_SLOT);
	assert_int_equal(claim(f, 1, 200, rows, 8), 4);
	assert_int_equal(rows[3].saga, 10);
	assert_true(rows[3].has_lane);
	assert_int_equal(rows[3].lane[0], 3);
	assert_int_equal(rows[3].lane[15], 9);
	assert_int_equal(rows[3].since_ms, T0 + 10);
	assert_int_equal(claim(f, 1, 200, rows, 2), 2);
	assert_int_equal(claim(f, 1, 49, rows, 8), 0);
	assert_int_equal(claim(f, 3, INT64_MAX, rows, 8), 0);
}

static void rows_are_replaced_by_saga_and_step(void **state)
{
	struct store_fixture *f = *state;
	begin(f);
	put(f, 1, 0, 1, WHY_SLOT, 10, 4);
	put(f, 1, 1, 1, WHY_SLOT, 10, 0);
	put(f, 1, 0, 2, WHY_LANE, 20, 0);
	commit(f);
	struct step_row rows[4];
	assert_int_equal(claim(f, 1, 100, rows, 4), 1);
	assert_int_equal(rows[0].step, 1);
	assert_int_equal(claim(f, 2, 100, rows, 4), 0);
	struct row_counts counts;
	must(store_count_rows(&W(f), 1, &counts, &f->err), &f->err);
	assert_int_equal(counts.claimable, 1);
	assert_int_equal(counts.blocked, 0);
	assert_int_equal(counts.with_lane, 0); /* the row without a lane replaced the row with one */
}

static void next_due_is_the_first_claimable_one(void **state)
{
	struct store_fixture *f = *state;
	int64_t due_ms = 0;
	must(W(f).row_next_due(W(f).ctx, 1, &due_ms, &f->err), &f->err);
	assert_true(due_ms == INT64_MAX);
	begin(f);
	put(f, 1, 0, 1, WHY_LANE, 5, 1);
	put(f, 2, 0, 1, WHY_DUE, 70, 0);
	put(f, 3, 0, 1, WHY_SLOT, 60, 0);
	put(f, 4, 0, 2, WHY_SLOT, 1, 0);
	commit(f);
	must(W(f).row_next_due(W(f).ctx, 1, &due_ms, &f->err), &f->err);
	assert_int_equal(due_ms, 60);
}

static void deleting_touches_only_that_row(void **state)
{
	struct store_fixture *f = *state;
	begin(f);
	put(f, 1, 0, 1, WHY_SLOT, 1, 0);
	put(f, 1, 1, 1, WHY_SLOT, 2, 0);
	put(f, 2, 0, 1, WHY_SLOT, 3, 0);
	must(W(f).row_delete(W(f).ctx, 1, 0, &f->err), &f->err);
	must(W(f).row_delete(W(f).ctx, 1, 7, &f->err), &f->err); /* no such row: success */
	must(W(f).row_delete(W(f).ctx, 9, 0, &f->err), &f->err);
	commit(f);
	struct step_row rows[4];
	assert_int_equal(claim(f, 1, 10, rows, 4), 2);
	assert_int_equal(rows[0].step, 1);
	assert_int_equal(rows[1].saga, 2);
}

static int64_t lane_first(struct store_fixture *f, uint32_t target, uint8_t lane, int64_t after)
{
	uint8_t bytes[LANE_BYTES] = { lane, [15] = 9 };
	struct step_row row;
	must(W(f).row_lane_first(W(f).ctx, target, bytes, after, &row, &f->err), &f->err);
	return row.saga;
}

static void lanes_are_walked_in_order_of_sagas(void **state)
{
	struct store_fixture *f = *state;
	begin(f);
	put(f, 30, 0, 1, WHY_LANE, 0, 1);
	put(f, 10, 0, 1, WHY_SLOT, 0, 1);
	put(f, 20, 0, 1, WHY_ATTENTION, 0, 1);
	put(f, 5, 0, 1, WHY_SLOT, 0, 2);
	put(f, 6, 0, 2, WHY_SLOT, 0, 1);
	put(f, 7, 0, 1, WHY_SLOT, 0, 0);
	commit(f);
	assert_int_equal(lane_first(f, 1, 1, 0), 10);
	assert_int_equal(lane_first(f, 1, 1, 10), 20);
	assert_int_equal(lane_first(f, 1, 1, 20), 30);
	assert_int_equal(lane_first(f, 1, 1, 30), 0);
	assert_int_equal(lane_first(f, 1, 2, 0), 5);
	assert_int_equal(lane_first(f, 2, 1, 0), 6);
	assert_int_equal(lane_first(f, 1, 3, 0), 0);
	struct row_counts counts;
	must(store_count_rows(&W(f), 1, &counts, &f->err), &f->err);
	assert_int_equal(counts.claimable, 3);
	assert_int_equal(counts.blocked, 1);
	assert_int_equal(counts.with_lane, 4);
}

/* The steps of a target that is removed from the configuration must still exist when the target is added
 * again. */
static void rows_of_unknown_targets_and_sagas_are_kept(void **state)
{
	struct store_fixture *f = *state;
	begin(f);
	put(f, 1000, 3, 4711, WHY_SLOT, 1, 0);
	struct target_row target = { .id = 1, .name = "crm" };
	must(W(f).target_put(W(f).ctx, &target, &f->err), &f->err);
	commit(f);
	fixture_reopen(f);
	struct step_row rows[2];
	assert_int_equal(claim(f, 4711, 1, rows, 2), 1);
	assert_int_equal(rows[0].saga, 1000);
}

static void a_hundred_thousand_rows_are_claimed_in_pages(void **state)
{
	struct store_fixture *f = *state;
	enum { ROWS = 100000, PAGE = 500 };
	begin(f);
	for (int64_t i = 1; i <= ROWS; i++)
		put(f, i, 0, 1, i % 2 != 0 ? WHY_SLOT : WHY_DUE, T0 + i / 7, 0);
	commit(f);
	struct row_counts counts;
	must(store_count_rows(&W(f), 1, &counts, &f->err), &f->err);
	assert_int_equal(counts.claimable, ROWS);
	struct step_row *rows = calloc(PAGE, sizeof *rows);
	assert_non_null(rows);
	int64_t seen = 0;
	size_t got = 0;
	begin(f);
	while ((got = claim(f, 1, INT64_MAX, rows, PAGE)) > 0)
		for (size_t i = 0; i < got; i++) {
			assert_int_equal(rows[i].saga, ++seen);
			must(W(f).row_delete(W(f).ctx, rows[i].saga, rows[i].step, &f->err), &f->err);
		}
	commit(f);
	assert_int_equal(seen, ROWS);
	free(rows);
}

/* ---- targets ---- */

static void targets_keep_their_ids_and_flags(void **state)
{
	struct store_fixture *f = *state;
	struct target_row rows[] = {
		{ .id = 2,
		  .name = "books",
		  .held = true,
		  .held_reason = "credentials: 401",
		  .changed_ms = T0,
		  .breaker_not_closed = true },
		{ .id = 1, .name = "crm", .paused = true },
	};
	struct target_row *back = NULL;
	size_t count = 9;
	must(W(f).target_all(W(f).ctx, &back, &count, &f->err), &f->err);
	assert_int_equal(count, 0);
	free(back);
	begin(f);
	must(W(f).target_put(W(f).ctx, &rows[0], &f->err), &f->err);
	must(W(f).target_put(W(f).ctx, &rows[1], &f->err), &f->err);
	rows[1].paused = false;
	must(W(f).target_put(W(f).ctx, &rows[1], &f->err), &f->err);
	commit(f);
	fixture_reopen(f);
	must(W(f).target_all(W(f).ctx, &back, &count, &f->err), &f->err);
	assert_int_equal(count, 2);
	assert_int_equal(back[0].id, 1);
	assert_string_equal(back[0].name, "crm");
	assert_false(back[0].paused);
	assert_string_equal(back[1].held_reason, "credentials: 401");
	assert_true(back[1].held);
	assert_true(back[1].breaker_not_closed && !back[0].breaker_not_closed);
	assert_int_equal(back[1].changed_ms, T0);
	free(back);
}

/* Each field has a value of its own; of the flags, one is set in each row. */
static void every_field_of_a_target_comes_back(void **state)
{
	struct store_fixture *f = *state;
	static const struct target_row rows[] = {
		{ .id = 1, .name = "the name", .held_reason = "the reason", .changed_ms = T0, .paused = true },
		{ .id = 2, .name = "books", .held_reason = "credentials", .changed_ms = T0 + 1, .held = true },
		{ .id = 3, .name = "mail", .changed_ms = T0 + 2, .breaker_not_closed = true },
	};
	begin(f);
	for (size_t i = 0; i < 3; i++)
		must(W(f).target_put(W(f).ctx, &rows[i], &f->err), &f->err);
	commit(f);
	struct target_row *back = NULL;
	size_t count = 0;
	must(W(f).target_all(W(f).ctx, &back, &count, &f->err), &f->err);
	assert_int_equal(count, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(back[i].id, rows[i].id);
		assert_string_equal(back[i].name, rows[i].name);
		assert_string_equal(back[i].held_reason, rows[i].held_reason);
		assert_int_equal(back[i].changed_ms, rows[i].changed_ms);
		assert_int_equal(back[i].paused, rows[i].paused);
		assert_int_equal(back[i].held, rows[i].held);
		assert_int_equal(back[i].breaker_not_closed, rows[i].breaker_not_closed);
	}
	free(back);
}

static void every_field_of_a_step_row_comes_back(void **state)
{
	struct store_fixture *f = *state;
	struct step_row row = {
		.saga = 11, .step = 2, .target = 3, .why = WHY_DUE, .has_lane = true, .due_ms = 5, .since_ms = 6
	};
	for (size_t i = 0; i < LANE_BYTES; i++)
		row.lane[i] = (uint8_t)(100 + i);
	begin(f);
	must(W(f).row_put(W(f).ctx, &row, &f->err), &f->err);
	commit(f);
	struct step_row back;
	assert_int_equal(claim(f, 3, 5, &back, 1), 1);
	assert_int_equal(back.saga, row.saga);
	assert_int_equal(back.step, row.step);
	assert_int_equal(back.target, row.target);
	assert_int_equal(back.why, row.why);
	assert_true(back.has_lane);
	assert_memory_equal(back.lane, row.lane, LANE_BYTES);
	assert_int_equal(back.due_ms, row.due_ms);
	assert_int_equal(back.since_ms, row.since_ms);
}

/* ---- related events ---- */

/* `names`: one character for each name of the gift. */
static void add_related(struct store_fixture *f, int64_t id, int64_t saga, const char *names, int64_t due_ms)
{
	uint8_t keys[4 * STORE_KEY_BYTES] = { 0 };
	struct sample_saga s = { .source = "stripe", .event_id = "evt_rel" };
	struct related_row row = {
		.id = id, .saga = saga, .names = keys, .name_count = strlen(names), .due_ms = due_ms
	};
	for (size_t i = 0; i < row.name_count; i++)
		keys[i * STORE_KEY_BYTES] = (uint8_t)names[i];
	row.event = sample_event(&s);
	must(W(f).related_insert(W(f).ctx, &row, &f->err), &f->err);
	event_unref(row.event);
}

struct attached {
	int64_t saga;
	char ids[32];
};

static void keep_attached(void *ctx, const struct related_row *row)
{
	struct attached *a = ctx;
	size_t len = strlen(a->ids);
	assert_int_equal(row->saga, a->saga);
	assert_string_equal(row->event->f.event_id.p, "evt_rel");
	snprintf(a->ids + len, sizeof a->ids - len, "%lld ", (long long)row->id);
}

/* `ids`: the rows that are attached. */
static void attach(struct store_fixture *f, char name, int64_t saga, const char *ids)
{
	uint8_t key[STORE_KEY_BYTES] = { (uint8_t)name };
	struct attached a = { .saga = saga };
	must(W(f).related_attach(W(f).ctx, key, saga, &a, keep_attached, &f->err), &f->err);
	assert_string_equal(a.ids, ids);
}

static void related_events_wait_for_their_gift(void **state)
{
	struct store_fixture *f = *state;
	begin(f);
	add_related(f, 1, 0, "a", 500);
	add_related(f, 2, 0, "a", 300);
	add_related(f, 3, 0, "b", 400);
	add_related(f, 4, 77, "c", 0); /* its gift came first */
	commit(f);
	int64_t ids[4];
	size_t got = 0;
	int64_t next_ms = 0;
	must(W(f).related_due(W(f).ctx, 400, ids, 4, &got, &next_ms, &f->err), &f->err);
	assert_int_equal(got, 2);
	assert_int_equal(ids[0], 2);
	assert_int_equal(ids[1], 3);
	assert_int_equal(next_ms, 500);
	must(W(f).related_due(W(f).ctx, 400, ids, 1, &got, &next_ms, &f->err), &f->err);
	assert_int_equal(got, 1);
	assert_int_equal(next_ms, 400); /* the next event is already due */
	begin(f);
	attach(f, 'a', 42, "1 2 ");
	attach(f, 'a', 43, ""); /* they are attached to saga 42 already */
	attach(f, 'x', 43, "");
	attach(f, 'c', 43, "");
	commit(f);
	fixture_reopen(f);
	struct related_row row;
	must(W(f).related_get(W(f).ctx, 2, &row, &f->err), &f->err);
	assert_int_equal(row.saga, 42);
	assert_int_equal(row.due_ms, 300);
	assert_string_equal(row.event->f.event_id.p, "evt_rel");
	event_unref(row.event);
	must(W(f).related_due(W(f).ctx, 1000, ids, 4, &got, &next_ms, &f->err), &f->err);
	assert_int_equal(got, 1);
	assert_int_equal(ids[0], 3);
	assert_true(next_ms == INT64_MAX);
	assert_int_equal(W(f).related_get(W(f).ctx, 50, &row, &f->err), ERR_NOT_FOUND);
	struct store_head head;
	must(W(f).head(W(f).ctx, &head, &f->err), &f->err);
	assert_int_equal(head.last_related, 4);
	store_figures_free(&head.figures);
}

/* A gift can have several names; each leads to the rows that wait for it, until they are attached. */
static void a_related_event_is_found_by_each_of_its_names(void **state)
{
	struct store_fixture *f = *state;
	begin(f);
	add_related(f, 1, 0, "ab", 500);
	add_related(f, 2, 0, "cb", 300);
	add_related(f, 3, 0, "c", 300);
	commit(f);
	begin(f);
	attach(f, 'b', 42, "1 2 ");
	must(W(f).rollback(W(f).ctx, &f->err), &f->err);
	begin(f);
	attach(f, 'a', 42, "1 ");
	attach(f, 'b', 43, "2 "); /* row 1 has lost its second name */
	commit(f);
	fixture_reopen(f);
	begin(f);
	attach(f, 'a', 44, "");
	attach(f, 'b', 44, "");
	attach(f, 'c', 44, "3 ");
	commit(f);
	struct related_row row;
	must(W(f).related_get(W(f).ctx, 1, &row, &f->err), &f->err);
	assert_int_equal(row.saga, 42);
	assert_int_equal(row.name_count, 2); /* the row itself still knows them */
	assert_int_equal(row.names[STORE_KEY_BYTES], 'b');
	event_unref(row.event);
}

static void an_event_that_does_not_decode_is_null(void **state)
{
	struct store_fixture *f = *state;
	struct sample_saga s = { 0 };
	(void)fixture_put(&f->l, &s);
	begin(f);
	add_related(f, 1, 0, "a", 500);
	commit(f);
	fixture_close(f);
	f->factory->harm(f->factory->ctx, DAMAGE_SPOIL_EVENT, 1);
	f->factory->harm(f->factory->ctx, DAMAGE_SPOIL_RELATED, 1);
	fixture_reopen(f);
	struct event *event = NULL;
	must(W(f).event_get(W(f).ctx, 1, &event, &f->err), &f->err);
	assert_null(event);
	struct related_row row;
	must(W(f).related_get(W(f).ctx, 1, &row, &f->err), &f->err);
	assert_null(row.event);
	assert_int_equal(row.name_count, 1);
	struct store_reader r = fixture_reader(f);
	assert_int_equal(r.event_get(r.ctx, 1, &event, &f->err), ERR_CORRUPT);
	assert_non_null(strstr(f->err.text, "saga 1"));
	r.close(r.ctx);
}

const struct contract_test contract_rows_tests[] = {
	CONTRACT_TEST(claims_come_oldest_due_first),
	CONTRACT_TEST(lanes_are_read_in_slices),
	CONTRACT_TEST(rows_are_replaced_by_saga_and_step),
	CONTRACT_TEST(next_due_is_the_first_claimable_one),
	CONTRACT_TEST(deleting_touches_only_that_row),
	CONTRACT_TEST(lanes_are_walked_in_order_of_sagas),
	CONTRACT_TEST(rows_of_unknown_targets_and_sagas_are_kept),
	CONTRACT_TEST(a_hundred_thousand_rows_are_claimed_in_pages),
	CONTRACT_TEST(targets_keep_their_ids_and_flags),
	CONTRACT_TEST(every_field_of_a_target_comes_back),
	CONTRACT_TEST(every_field_of_a_step_row_comes_back),
	CONTRACT_TEST(related_events_wait_for_their_gift),
	CONTRACT_TEST(a_related_event_is_found_by_each_of_its_names),
	CONTRACT_TEST(an_event_that_does_not_decode_is_null),
	{ NULL, NULL },
};
