/* Contract: the figures of the commits, counters and marks; counting rows. */
#include "tests/unit/store/contract_internal.h"

#include <string.h>

#include "saga/store/index.h"
#include "tests/unit/store/cmocka_all.h"

#define W(f) ((f)->l.w)

/* `now` becomes `last`. */
static struct str encode_figures(struct tally *now, struct tally *last, bool full, struct buf *out)
{
	if (full)
		tally_full(now, out);
	else if (!tally_same(now, last))
		tally_difference(last, now, out);
	tally_free(last);
	*last = *now;
	*now = (struct tally){ 0 };
	return buf_str(out);
}

static void assert_figures(struct store_fixture *f, const struct tally *counters, const struct tally *marks)
{
	struct store_head head;
	struct store_figures figures = { 0 };
	struct store_reader r = fixture_reader(f);
	must(W(f).head(W(f).ctx, &head, &f->err), &f->err);
	must(r.figures(r.ctx, &figures, &f->err), &f->err);
	r.close(r.ctx);
	assert_int_equal(head.chain.commit, f->l.chain.commit);
	assert_int_equal(head.figures.commit, f->l.chain.commit);
	assert_int_equal(figures.commit, f->l.chain.commit);
	assert_int_equal(figures.last_row, f->l.chain.last);
	assert_true(tally_same(&head.figures.counters, counters) && tally_same(&figures.counters, counters));
	assert_true(tally_same(&head.figures.marks, marks) && tally_same(&figures.marks, marks));
	store_figures_free(&head.figures);
	store_figures_free(&figures);
}

/* Over two full copies; marks change in some commits only. */
static void figures_come_back_from_every_commit(void **state)
{
	struct store_fixture *f = *state;
	struct tally counters = { 0 }, marks = { 0 }, now = { 0 };
	for (int64_t i = 1; i <= 2 * STORE_FULL_EVERY + 3; i++) {
		struct buf AUTO_BUF bytes = { 0 }, mark_bytes = { 0 };
		bool full = store_commit_is_full(i);
		fixture_begin(&f->l);
		tally_add(&now, 3, i * 1000);
		tally_add(&now, 70, i % 5 == 0 ? 0 : -i);
		tally_add(&now, UINT64_C(1) << 40, i / 100);
		f->l.chain.counters = encode_figures(&now, &counters, full, &bytes);
		tally_add(&now, 0, i / 3);
		f->l.chain.marks = encode_figures(&now, &marks, full, &mark_bytes);
		assert_int_equal(f->l.chain.marks.len != 0, full || i % 3 == 0);
		fixture_commit(&f->l);
		assert_figures(f, &counters, &marks);
	}
	fixture_begin(&f->l);
	f->l.chain.counters = STR("\2\3\2");
	must(W(f).chain_append(W(f).ctx, &(struct chain_row){ .commit = f->l.chain.commit + 1 }, &f->err),
		 &f->err);
	fixture_reopen(f); /* closes without a commit */
	assert_figures(f, &counters, &marks);
	tally_free(&counters);
	tally_free(&marks);
}

/* A commit that an older schema wrote has no figures; those that begin later count from their full copy on. */
static void commits_without_figures_are_passed(void **state)
{
	struct store_fixture *f = *state;
	struct tally expected = { 0 }, none = { 0 };
	for (int i = 0; i < 3; i++) {
		must(W(f).begin(W(f).ctx, &f->err), &f->err);
		must(W(f).chain_append(W(f).ctx, &(struct chain_row){ .commit = ++f->l.chain.commit, .last = 0 },
							   &f->err),
			 &f->err);
		must(W(f).commit(W(f).ctx, &f->err), &f->err);
	}
	assert_figures(f, &none, &none);
	fixture_begin(&f->l);
	f->l.chain.counters = STR("\1\3\4");
	fixture_commit(&f->l);
	tally_add(&expected, 3, 2);
	assert_figures(f, &expected, &none);
	tally_free(&expected);
}

static void figures_that_do_not_decode_are_refused(void **state)
{
	struct store_fixture *f = *state;
	struct store_head head;
	struct store_figures figures = { 0 };
	fixture_begin(&f->l);
	f->l.chain.counters = STR("\2\3\4"); /* a difference, but nothing comes before it */
	fixture_commit(&f->l);
	assert_int_equal(W(f).head(W(f).ctx, &head, &f->err), ERR_CORRUPT);
	assert_non_null(strstr(f->err.text, "commit 1"));
	struct store_reader r = fixture_reader(f);
	assert_int_equal(r.figures(r.ctx, &figures, &f->err), ERR_CORRUPT);
	r.close(r.ctx);
}

/* ---- rows ---- */

static void put_row(struct store_fixture *f, int64_t saga, uint16_t step, uint32_t target, enum why why,
					int64_t due_ms, uint8_t lane)
{
	struct step_row row = { .saga = saga,
							.step = step,
							.target = target,
							.why = (uint8_t)why,
							.has_lane = lane != 0,
							.lane = { lane },
							.due_ms = due_ms };
	must(W(f).row_put(W(f).ctx, &row, &f->err), &f->err);
}

/* Whatever the size of the pages, also when a page ends with the last row of a kind. */
static void rows_are_counted_in_pages(void **state)
{
	struct store_fixture *f = *state;
	must(W(f).begin(W(f).ctx, &f->err), &f->err);
	for (int64_t i = 1; i <= 20; i++) {
		put_row(f, i, 0, 1, WHY_SLOT, T0 + i % 3, i % 2 == 0 ? (uint8_t)(i % 4 + 1) : 0);
		put_row(f, i, 1, 1, i % 2 == 0 ? WHY_LANE : WHY_AFTER, 0, (uint8_t)(i % 3));
		put_row(f, i, 2, 1, WHY_ATTENTION, 0, 1);
		put_row(f, i, 3, 2, WHY_DUE, T0, 1);
	}
	must(W(f).commit(W(f).ctx, &f->err), &f->err);
	for (size_t limit = 1; limit <= 80; limit++) {
		struct row_counting count = { 0 };
		for (unsigned pages = 0; !count.done; pages++) {
			assert_true(pages <= 100);
			must(W(f).row_count_page(W(f).ctx, 1, limit, &count, &f->err), &f->err);
		}
		assert_int_equal(count.counts.claimable, 20);
		assert_int_equal(count.counts.blocked, 20);
		assert_int_equal(count.counts.with_lane, 10 + 14 + 20);
	}
	struct row_counts none;
	must(store_count_rows(&W(f), 3, &none, &f->err), &f->err);
	assert_int_equal(none.claimable + none.blocked + none.with_lane, 0);
}

const struct contract_test contract_figures_tests[] = {
	CONTRACT_TEST(figures_come_back_from_every_commit),
	CONTRACT_TEST(commits_without_figures_are_passed),
	CONTRACT_TEST(figures_that_do_not_decode_are_refused),
	CONTRACT_TEST(rows_are_counted_in_pages),
	{ NULL, NULL },
};
