/* Contract: the log of one saga, which its value names, and the saga's digest in the log. */
#include "tests/unit/store/contract_internal.h"

#include <stdlib.h>
#include <string.h>

#include "saga/base/mem.h"
#include "tests/unit/store/cmocka_all.h"

/* Three full lists and a part of a fourth. */
#define LONG_LOG (3 * SAGA_ROWS_LISTED + 8)

static const struct record duplicate = { .kind = RECORD_DUPLICATE, .at_ms = T0 + 1, .step = RECORD_NO_STEP };

static void record_about(struct store_fixture *f, int64_t saga)
{
	fixture_begin(&f->l);
	fixture_record(&f->l, saga, &duplicate);
	fixture_commit(&f->l);
}

/* Sagas 1 and 2, with rows by turns: saga 1 has the odd ones. */
static void fill(struct store_fixture *f, int rows_each)
{
	struct sample_saga s = { .unrouted = true };
	fixture_put(&f->l, &s);
	fixture_put(&f->l, &s);
	for (int i = 1; i < rows_each; i++) {
		record_about(f, 1);
		record_about(f, 2);
	}
}

struct rows_seen {
	int64_t numbers[2 * LONG_LOG];
	size_t count;
	size_t stop_at; /* 0: never */
};

static int keep(void *ctx, const struct log_row *row)
{
	struct rows_seen *seen = ctx;
	assert_true(seen->count < 2 * LONG_LOG);
	assert_int_equal(row->subject, SUBJECT_SAGA);
	seen->numbers[seen->count++] = row->number;
	return seen->count == seen->stop_at;
}

/* Reads to the end, page by page. */
static void read_on(struct store_fixture *f, struct store_reader *r, int64_t saga, size_t capacity,
					int64_t *after, struct rows_seen *seen)
{
	for (;;) {
		int64_t next = *after;
		size_t before = seen->count;
		must(r->log_read(r->ctx, saga, *after, capacity, seen, keep, &next, &f->err), &f->err);
		assert_true(seen->count - before <= capacity);
		if (next == *after)
			return;
		*after = next;
	}
}

static void expect_odd(const struct rows_seen *seen, size_t count)
{
	assert_int_equal(seen->count, count);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(seen->numbers[i], 2 * i + 1);
}

static void a_long_log_is_read_page_by_page(void **state)
{
	static const size_t capacities[] = { 1, 7, SAGA_ROWS_LISTED, 1000 };
	struct store_fixture *f = *state;
	fill(f, LONG_LOG);
	struct store_reader r = fixture_reader(f);
	for (size_t i = 0; i < sizeof capacities / sizeof *capacities; i++) {
		struct rows_seen seen = { 0 };
		int64_t after = 0;
		read_on(f, &r, 1, capacities[i], &after, &seen);
		expect_odd(&seen, LONG_LOG);
	}
	struct rows_seen middle = { 0 };
	int64_t next = 0;
	must(r.log_read(r.ctx, 1, 2 * SAGA_ROWS_LISTED - 4, 5, &middle, keep, &next, &f->err), &f->err);
	assert_int_equal(middle.count, 5);
	assert_int_equal(middle.numbers[0], 2 * SAGA_ROWS_LISTED - 3);
	assert_int_equal(next, 2 * SAGA_ROWS_LISTED + 5);
	r.close(r.ctx);
}

/* A reader that has reached the end finds what was written since, also when the list began again. */
static void a_log_that_grows_is_read_on(void **state)
{
	struct store_fixture *f = *state;
	fill(f, SAGA_ROWS_LISTED - 1);
	struct store_reader r = fixture_reader(f);
	struct rows_seen seen = { 0 };
	int64_t after = 0;
	for (size_t i = 0; i < 4; i++) {
		read_on(f, &r, 1, 10, &after, &seen);
		expect_odd(&seen, SAGA_ROWS_LISTED - 1 + i);
		record_about(f, 1);
		record_about(f, 2);
	}
	struct rows_seen first = { .stop_at = 3 };
	int64_t next = 0;
	must(r.log_read(r.ctx, 1, 0, 10, &first, keep, &next, &f->err), &f->err);
	expect_odd(&first, 3);
	assert_int_equal(next, 5);
	struct rows_seen none = { 0 };
	must(r.log_read(r.ctx, 99, 0, 10, &none, keep, &next, &f->err), &f->err);
	assert_int_equal(none.count, 0);
	assert_int_equal(next, 0);
	r.close(r.ctx);
}

/* ---- what verify finds ---- */

static void a_long_log_is_sound(void **state)
{
	struct store_fixture *f = *state;
	fill(f, LONG_LOG);
	contract_expect(f, 0, "");
}

static void harm(struct store_fixture *f, enum damage damage, int64_t number)
{
	fixture_close(f);
	f->factory->harm(f->factory->ctx, damage, number);
}

static void a_changed_value_is_reported(void **state)
{
	struct store_fixture *f = *state;
	fill(f, 3);
	harm(f, DAMAGE_SAGA_CORE, 2);
	contract_expect(f, 1, "saga 2 was changed after it was recorded");
}

/* What was forgotten cannot be compared any more. */
static void a_forgotten_salt_is_no_damage(void **state)
{
	struct store_fixture *f = *state;
	fill(f, 3);
	harm(f, DAMAGE_SAGA_CORE, 2);
	harm(f, DAMAGE_FORGET_SALT, 2);
	contract_expect(f, 0, "");
}

static void another_salt_is_reported(void **state)
{
	struct store_fixture *f = *state;
	struct saga_row row;
	fill(f, 2);
	fixture_begin(&f->l);
	must(f->l.w.saga_get(f->l.w.ctx, 1, &row, &f->err), &f->err);
	row.salt[0] ^= 1;
	must(f->l.w.saga_update(f->l.w.ctx, &row, &f->err), &f->err);
	fixture_commit(&f->l);
	contract_expect(f, 1, "saga 1 was changed after it was recorded");
}

/* The last row that the older value names has the digest of that value, so only the newer row shows it. */
static void a_saga_that_was_put_back_is_reported(void **state)
{
	struct store_fixture *f = *state;
	struct saga_row row;
	fill(f, 3);
	must(f->l.w.begin(f->l.w.ctx, &f->err), &f->err);
	must(f->l.w.saga_get(f->l.w.ctx, 1, &row, &f->err), &f->err);
	struct buf AUTO_BUF value = { 0 };
	buf_add(&value, row.value.p, row.value.len);
	must(f->l.w.rollback(f->l.w.ctx, &f->err), &f->err);
	row.value = buf_str(&value);
	record_about(f, 1);
	contract_expect(f, 0, "");
	fixture_begin(&f->l);
	must(f->l.w.saga_update(f->l.w.ctx, &row, &f->err), &f->err);
	fixture_commit(&f->l);
	contract_expect(f, 1, "saga 1: the log has rows about it that its value does not name");
}

static void rows_of_a_missing_saga_are_reported(void **state)
{
	struct store_fixture *f = *state;
	fill(f, 2);
	fixture_begin(&f->l);
	fixture_log(&f->l, SUBJECT_SAGA, 3, &duplicate);
	fixture_commit(&f->l);
	contract_expect(f, 1, "saga 3: the log has rows about it that its value does not name");
}

static void missing_rows_of_a_saga_are_reported(void **state)
{
	struct store_fixture *f = *state;
	fill(f, 3);
	harm(f, DAMAGE_REMOVE_ROW, 3);
	contract_expect(f, 3, "saga 1: 1 log rows that its value names are missing, from row 3 on");
}

/* The saga's value names these rows and no others. */
static void name_rows(struct store_fixture *f, int64_t id, const int64_t *numbers, size_t count)
{
	struct saga_row row;
	struct plan *plan = plan_empty();
	struct saga *s = NULL;
	struct buf AUTO_BUF value = { 0 };
	fixture_begin(&f->l);
	must(f->l.w.saga_get(f->l.w.ctx, id, &row, &f->err), &f->err);
	must(saga_decode(id, plan, row.value, &s, &f->err), &f->err);
	s->rows.count = 0;
	for (size_t i = 0; i < count; i++)
		saga_rows_append(&s->rows, numbers[i]);
	saga_encode(s, &value);
	row.value = buf_str(&value);
	must(f->l.w.saga_update(f->l.w.ctx, &row, &f->err), &f->err);
	fixture_commit(&f->l);
	saga_destroy(s);
	plan_unref(plan);
}

static void a_row_about_another_saga_is_reported(void **state)
{
	static const int64_t numbers[] = { 1, 2, 3 };
	struct store_fixture *f = *state;
	fill(f, 2);
	name_rows(f, 1, numbers, 3);
	contract_expect(f, 1, "saga 1: the log row 2, which its value names, is not about it");
	struct store_reader r = fixture_reader(f);
	struct rows_seen seen = { 0 };
	int64_t after = 0;
	read_on(f, &r, 1, 10, &after, &seen);
	expect_odd(&seen, 2);
	r.close(r.ctx);
}

/* A list that leads to the row itself would never end. */
static void a_list_that_leads_to_itself_is_reported(void **state)
{
	static const struct record circle = {
		.kind = RECORD_EARLIER_ROWS, .at_ms = T0, .step = RECORD_NO_STEP, .text = { "\1\3", 2 }
	};
	static const int64_t numbers[] = { 3 };
	struct store_fixture *f = *state;
	fill(f, 1);
	fixture_begin(&f->l);
	fixture_record(&f->l, 1, &circle);
	fixture_commit(&f->l);
	name_rows(f, 1, numbers, 1);
	/* the list, and that the event is not in the rows that are left */
	contract_expect(f, 1, "saga 1: log row 3: its list of earlier rows is damaged");
	struct store_reader r = fixture_reader(f);
	struct rows_seen seen = { 0 };
	int64_t after = 0;
	read_on(f, &r, 1, 10, &after, &seen);
	expect_odd(&seen, 2);
	r.close(r.ctx);
}

/* Retention empties heads: the chain covers their digests, so it holds on. */
static void an_emptied_head_is_no_damage(void **state)
{
	struct store_fixture *f = *state;
	fill(f, SAGA_ROWS_LISTED + 3);
	harm(f, DAMAGE_EMPTY_HEAD, 1);                          /* an event's digest */
	harm(f, DAMAGE_EMPTY_HEAD, 2 * SAGA_ROWS_LISTED + 1);   /* a list of earlier rows */
	harm(f, DAMAGE_EMPTY_HEAD, 2 * (SAGA_ROWS_LISTED + 3)); /* the newest digest of saga 2 */
	contract_expect(f, 0, "");
	struct store_reader r = fixture_reader(f);
	struct rows_seen seen = { 0 };
	int64_t after = 0;
	read_on(f, &r, 2, 100, &after, &seen);
	assert_int_equal(seen.count, SAGA_ROWS_LISTED + 3);
	r.close(r.ctx);
}

const struct contract_test contract_saga_log_tests[] = {
	CONTRACT_TEST(a_long_log_is_read_page_by_page),
	CONTRACT_TEST(a_log_that_grows_is_read_on),
	CONTRACT_TEST(a_long_log_is_sound),
	CONTRACT_TEST(a_changed_value_is_reported),
	CONTRACT_TEST(a_forgotten_salt_is_no_damage),
	CONTRACT_TEST(another_salt_is_reported),
	CONTRACT_TEST(a_saga_that_was_put_back_is_reported),
	CONTRACT_TEST(rows_of_a_missing_saga_are_reported),
	CONTRACT_TEST(missing_rows_of_a_saga_are_reported),
	CONTRACT_TEST(a_row_about_another_saga_is_reported),
	CONTRACT_TEST(a_list_that_leads_to_itself_is_reported),
	CONTRACT_TEST(an_emptied_head_is_no_damage),
	{ NULL, NULL },
};
