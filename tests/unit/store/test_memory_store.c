/* What the memory store has besides the contract: parts, failures on purpose, round trips. */
#include <stdlib.h>
#include <string.h>

#include "saga/base/mem.h"
#include "tests/support/memory_store/memory_store.h"
#include "tests/unit/store/cmocka_all.h"

#define PART_BASE(part) ((int64_t)(part) << 48)

struct memory_fixture {
	struct memory_store *store;
	struct store_writer w;
	struct err err;
};

static struct store_writer open_part(struct memory_fixture *f, uint16_t part)
{
	struct memory_store_options o = { .part = part };
	struct store_writer w;
	assert_int_equal(memory_store_open(f->store, &o, &w, &f->err), 0);
	return w;
}

static int setup(void **state)
{
	struct memory_fixture *f = mem_zalloc(sizeof *f);
	f->store = memory_store_create();
	f->w = open_part(f, 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct memory_fixture *f = *state;
	if (f->w.ctx != NULL)
		f->w.close(f->w.ctx);
	memory_store_destroy(f->store);
	free(f);
	return 0;
}

static void begin(const struct store_writer *w)
{
	struct err err = { 0 };
	assert_int_equal(w->begin(w->ctx, &err), 0);
}

static void commit(const struct store_writer *w)
{
	struct err err = { 0 };
	assert_int_equal(w->commit(w->ctx, &err), 0);
}

static void rollback(const struct store_writer *w)
{
	struct err err = { 0 };
	assert_int_equal(w->rollback(w->ctx, &err), 0);
}

/* An unrouted saga with its event. */
static void put_saga(const struct store_writer *w, int64_t id)
{
	struct err err = { 0 };
	struct plan *plan = plan_empty();
	struct saga_start start = { .plan = plan,
								.source = "forms",
								.event_id = "e",
								.type = "t",
								.note = "",
								.gift = "",
								.donor = "",
								.now_ms = 1,
								.unrouted = true };
	struct saga *s = saga_create(&start);
	s->id = id;
	struct buf AUTO_BUF value = { 0 };
	saga_encode(s, &value);
	struct saga_row row = { .id = id, .state = s->state, .created_ms = 1, .value = buf_str(&value) };
	assert_int_equal(w->plan_put(w->ctx, plan, &row.plan, &err), 0);
	assert_int_equal(w->saga_insert(w->ctx, &row, &err), 0);
	struct event_fields fields = { .source = STR("forms"), .event_id = STR("e"), .raw = STR("{}") };
	struct event *event = event_create(&fields, 1);
	assert_int_equal(w->event_insert(w->ctx, id, event, &err), 0);
	event_unref(event);
	saga_destroy(s);
	plan_unref(plan);
}

static int get_saga(const struct store_writer *w, int64_t id)
{
	struct err err = { 0 };
	struct saga_row row;
	return w->saga_get(w->ctx, id, &row, &err);
}

static int claim(const struct store_writer *w, uint8_t key, int64_t owner)
{
	struct err err = { 0 };
	const uint8_t bytes[STORE_KEY_BYTES] = { key };
	int64_t had = 0;
	int rc = w->key_claim(w->ctx, bytes, owner, 1, &had, &err);
	return rc != 0 ? rc : (int)had;
}

/* ---- parts ---- */

static void put_row(const struct store_writer *w, int64_t saga)
{
	struct err err = { 0 };
	struct step_row row = { .saga = saga, .target = 1, .why = WHY_SLOT };
	assert_int_equal(w->row_put(w->ctx, &row, &err), 0);
}

static void a_writer_sees_its_part_and_a_reader_all(void **state)
{
	struct memory_fixture *f = *state;
	struct store_writer other = open_part(f, 3);
	struct store_writer third;
	assert_int_equal(
		memory_store_open(f->store, &(struct memory_store_options){ .part = 3 }, &third, &f->err), ERR_BUSY);
	begin(&f->w);
	begin(&other); /* two transactions at once */
	put_saga(&f->w, 7);
	put_row(&f->w, 7);
	put_saga(&other, PART_BASE(3) + 1);
	put_row(&other, PART_BASE(3) + 1);
	commit(&other);
	commit(&f->w);
	struct store_head head;
	assert_int_equal(f->w.head(f->w.ctx, &head, &f->err), 0);
	assert_int_equal(head.last_saga, 7);
	store_figures_free(&head.figures);
	assert_int_equal(other.head(other.ctx, &head, &f->err), 0);
	assert_int_equal(head.last_saga, PART_BASE(3) + 1);
	assert_int_equal(head.part, 3);
	store_figures_free(&head.figures);
	struct step_row rows[4];
	size_t got = 0;
	assert_int_equal(other.row_claimable(other.ctx, 1, 9, rows, 4, &got, &f->err), 0);
	assert_int_equal(got, 1);
	assert_int_equal(rows[0].saga, PART_BASE(3) + 1);
	struct store_reader r;
	assert_int_equal(memory_store_open_reader(f->store, &r, &f->err), 0);
	const struct saga_filter any = { .state = -1, .outcome = -1, .reason = -1 };
	struct saga *sagas[4];
	int64_t next = 0;
	assert_int_equal(r.saga_list(r.ctx, &any, INT64_MAX, 1000, sagas, 4, &got, &next, &f->err), 0);
	assert_int_equal(got, 2);
	assert_int_equal(sagas[0]->id, PART_BASE(3) + 1);
	assert_int_equal(sagas[1]->id, 7);
	saga_destroy(sagas[0]);
	saga_destroy(sagas[1]);
	r.close(r.ctx);
	other.close(other.ctx);
}

static void keys_are_unique_over_all_parts(void **state)
{
	struct memory_fixture *f = *state;
	struct store_writer other = open_part(f, 3);
	begin(&f->w);
	begin(&other);
	struct key_reservation reserved[] = { { .key = { 5 }, .provisional = 1 }, { .key = { 7 } } };
	assert_int_equal(f->w.keys_reserve(f->w.ctx, reserved, 2, &f->err), 0);
	assert_int_equal(claim(&other, 5, 9), ERR_BUSY);
	assert_int_equal(claim(&other, 6, 9), 9);
	assert_int_equal(claim(&other, 7, 9), 9); /* only looked up */
	rollback(&other);
	assert_int_equal(claim(&f->w, 5, 1), 1);
	commit(&f->w);
	begin(&other);
	assert_int_equal(claim(&other, 5, 9), 1);
	rollback(&other);
	other.close(other.ctx);
}

static void numbers_that_skip_are_not_given_again(void **state)
{
	struct memory_fixture *f = *state;
	for (int skip = 0; skip < 2; skip++) {
		struct memory_store_options o = { .part = 2, .stride = 4, .numbers_skip = skip == 1 };
		struct store_writer w;
		assert_int_equal(memory_store_open(f->store, &o, &w, &f->err), 0);
		begin(&w);
		struct key_reservation reserved[] = { { .key = { 1 }, .provisional = PART_BASE(2) + 40 },
											  { .key = { 2 }, .provisional = -(PART_BASE(2) + 3) } };
		assert_int_equal(w.keys_reserve(w.ctx, reserved, 2, &f->err), 0);
		rollback(&w);
		struct store_head head;
		assert_int_equal(w.head(w.ctx, &head, &f->err), 0);
		assert_int_equal(head.stride, 4);
		assert_int_equal(head.numbers_skip, skip == 1);
		assert_int_equal(head.last_saga, PART_BASE(2) + (skip == 1 ? 40 : 0));
		assert_int_equal(head.last_related, PART_BASE(2) + (skip == 1 ? 3 : 0));
		store_figures_free(&head.figures);
		w.close(w.ctx);
	}
}

/* ---- failures ---- */

static void fail_at(struct memory_fixture *f, enum memory_call call, unsigned countdown, int code)
{
	memory_store_fail(f->store, &(struct memory_store_failure){ call, countdown, code, false });
}

static void the_call_that_was_named_fails(void **state)
{
	struct memory_fixture *f = *state;
	begin(&f->w);
	fail_at(f, CALL_KEY_CLAIM, 2, ERR_FULL);
	assert_int_equal(claim(&f->w, 1, 1), 1);
	assert_int_equal(get_saga(&f->w, 1), ERR_NOT_FOUND);
	assert_int_equal(claim(&f->w, 2, 1), ERR_FULL);
	assert_int_equal(claim(&f->w, 3, 1), 1); /* a full disk may have space again */
	fail_at(f, CALL_ANY, 3, ERR_LOST);
	assert_int_equal(claim(&f->w, 4, 1), 1);
	assert_int_equal(claim(&f->w, 5, 1), 1);
	assert_int_equal(claim(&f->w, 6, 1), ERR_LOST);
	assert_int_equal(memory_store_calls_after_failure(f->store), 0);
	assert_int_equal(claim(&f->w, 7, 1), ERR_LOST); /* the owner has ended */
	assert_int_equal(f->w.commit(f->w.ctx, &f->err), ERR_LOST);
	assert_non_null(strstr(f->err.text, "commit"));
	assert_int_equal(memory_store_calls_after_failure(f->store), 2);
	rollback(&f->w);
	f->w.close(f->w.ctx);
	f->w = open_part(f, 0);
	begin(&f->w);
	assert_int_equal(claim(&f->w, 1, 9), 9); /* nothing of it was committed */
	rollback(&f->w);
}

/* After an error it is unknown whether the commit is durable: the store can do both. */
static void a_failed_commit_may_have_taken_effect(void **state)
{
	struct memory_fixture *f = *state;
	for (int effect = 0; effect < 2; effect++) {
		begin(&f->w);
		assert_int_equal(claim(&f->w, 1, 5), 5);
		memory_store_fail(f->store, &(struct memory_store_failure){ CALL_COMMIT, 1, ERR_IO, effect == 1 });
		assert_int_equal(f->w.commit(f->w.ctx, &f->err), ERR_IO);
		f->w.close(f->w.ctx);
		f->w = open_part(f, 0);
		begin(&f->w);
		assert_int_equal(claim(&f->w, 1, 6), effect == 1 ? 5 : 6);
		rollback(&f->w);
	}
}

/* ---- round trips ---- */

static void assert_trips(struct memory_fixture *f, unsigned count, const char *names)
{
	if (memory_store_trips(f->store) != count)
		print_error("%s\n", memory_store_trip_names(f->store));
	assert_int_equal(memory_store_trips(f->store), count);
	assert_string_equal(memory_store_trip_names(f->store), names);
	memory_store_reset_trips(f->store);
}

static void writes_go_with_the_commit(void **state)
{
	struct memory_fixture *f = *state;
	begin(&f->w);
	put_saga(&f->w, 1);
	assert_trips(f, 1, "plan_put"); /* a new plan gets its number once */
	put_saga(&f->w, 2);
	put_row(&f->w, 1);
	assert_int_equal(get_saga(&f->w, 2), 0); /* written here */
	assert_trips(f, 0, "");
	commit(&f->w);
	assert_trips(f, 1, "commit");
	begin(&f->w);
	put_saga(&f->w, 3);
	rollback(&f->w);
	assert_trips(f, 0, "");
}

static void a_read_is_a_round_trip_once(void **state)
{
	struct memory_fixture *f = *state;
	begin(&f->w);
	put_saga(&f->w, 1);
	commit(&f->w);
	memory_store_reset_trips(f->store);
	assert_int_equal(get_saga(&f->w, 1), 0); /* outside of a transaction */
	assert_trips(f, 1, "saga_get");
	for (int transaction = 0; transaction < 2; transaction++) {
		begin(&f->w);
		assert_int_equal(get_saga(&f->w, 1), 0);
		assert_int_equal(get_saga(&f->w, 1), 0);
		assert_int_equal(claim(&f->w, 1, 1), 1);
		assert_int_equal(claim(&f->w, 1, 1), 1);
		rollback(&f->w);
		assert_trips(f, 2, "saga_get key_claim");
	}
}

static void expected_reads_come_together(void **state)
{
	struct memory_fixture *f = *state;
	begin(&f->w);
	put_saga(&f->w, 1);
	put_saga(&f->w, 2);
	commit(&f->w);
	memory_store_reset_trips(f->store);
	begin(&f->w);
	const int64_t ids[] = { 1, 2 };
	struct store_expected expected = { .sagas = ids, .saga_count = 2, .events = ids, .event_count = 1 };
	f->w.expect(f->w.ctx, &expected);
	assert_trips(f, 0, "");
	struct event *event = NULL;
	assert_int_equal(get_saga(&f->w, 2), 0);
	assert_int_equal(get_saga(&f->w, 1), 0);
	assert_int_equal(f->w.event_get(f->w.ctx, 1, &event, &f->err), 0);
	event_unref(event);
	assert_trips(f, 1, "saga_get");
	assert_int_equal(f->w.event_get(f->w.ctx, 2, &event, &f->err), 0); /* was not announced */
	event_unref(event);
	assert_trips(f, 1, "event_get");
	rollback(&f->w);
	begin(&f->w);
	assert_int_equal(get_saga(&f->w, 1), 0); /* another transaction */
	assert_trips(f, 1, "saga_get");
	rollback(&f->w);
}

/* The owner's saga, its event, and what waits for a gift of this name. */
static void a_reservation_brings_what_a_duplicate_needs(void **state)
{
	struct memory_fixture *f = *state;
	begin(&f->w);
	put_saga(&f->w, 1);
	put_saga(&f->w, 2);
	assert_int_equal(claim(&f->w, 1, 1), 1);
	commit(&f->w);
	memory_store_reset_trips(f->store);
	begin(&f->w);
	struct key_reservation keys[] = { { .key = { 1 } }, { .key = { 2 } } };
	assert_int_equal(f->w.keys_reserve(f->w.ctx, keys, 2, &f->err), 0);
	struct event *event = NULL;
	assert_int_equal(f->w.event_get(f->w.ctx, 1, &event, &f->err), 0);
	event_unref(event);
	assert_int_equal(get_saga(&f->w, 1), 0);
	assert_int_equal(claim(&f->w, 2, 7), 7);
	assert_int_equal(f->w.related_attach(f->w.ctx, keys[1].key, 7, NULL, NULL, &f->err), 0);
	assert_trips(f, 1, "keys_reserve");
	assert_int_equal(get_saga(&f->w, 2), 0);
	assert_trips(f, 1, "saga_get");
	commit(&f->w);
	assert_trips(f, 1, "commit");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_writer_sees_its_part_and_a_reader_all, setup, teardown),
		cmocka_unit_test_setup_teardown(keys_are_unique_over_all_parts, setup, teardown),
		cmocka_unit_test_setup_teardown(numbers_that_skip_are_not_given_again, setup, teardown),
		cmocka_unit_test_setup_teardown(the_call_that_was_named_fails, setup, teardown),
		cmocka_unit_test_setup_teardown(a_failed_commit_may_have_taken_effect, setup, teardown),
		cmocka_unit_test_setup_teardown(writes_go_with_the_commit, setup, teardown),
		cmocka_unit_test_setup_teardown(a_read_is_a_round_trip_once, setup, teardown),
		cmocka_unit_test_setup_teardown(expected_reads_come_together, setup, teardown),
		cmocka_unit_test_setup_teardown(a_reservation_brings_what_a_duplicate_needs, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
