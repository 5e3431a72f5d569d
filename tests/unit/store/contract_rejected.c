/* Contract: rejected requests, kept within a number of bytes. */
#include "tests/unit/store/contract_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/store/cmocka_all.h"

#define W(f) ((f)->l.w)
#define KEEP 20000

struct listed_requests {
	int64_t ids[64];
	size_t count;
	struct rejected_row last;
	char body[16];
};

static bool put(struct store_fixture *f, const char *source, size_t body_bytes, int64_t until_ms)
{
	char *body = calloc(1, body_bytes + 1);
	memset(body, 'x', body_bytes);
	const struct rejected_row row = { .source = str_of(source),
									  .received_ms = T0,
									  .wall_ms = T0 + 5,
									  .until_ms = until_ms,
									  .address = STR("192.0.2.7"),
									  .url = STR("http://x/in/forms"),
									  .headers = { "\0h", 2 },
									  .body = { body, body_bytes } };
	bool kept = false;
	must(W(f).begin(W(f).ctx, &f->err), &f->err);
	must(W(f).rejected_put(W(f).ctx, &row, KEEP, &kept, &f->err), &f->err);
	must(W(f).commit(W(f).ctx, &f->err), &f->err);
	free(body);
	return kept;
}

static int on_row(void *ctx, const struct rejected_row *row)
{
	struct listed_requests *l = ctx;
	if (l->count < 64)
		l->ids[l->count] = row->id;
	l->count++;
	l->last = *row;
	snprintf(l->body, sizeof l->body, "%.*s", row->body.len < 15 ? (int)row->body.len : 15, row->body.p);
	assert_memory_equal(row->headers.p, "\0h", 2);
	assert_int_equal(row->headers.len, 2);
	assert_true(str_is(row->address, "192.0.2.7"));
	assert_true(str_is(row->url, "http://x/in/forms"));
	return 0;
}

static struct listed_requests list(struct store_fixture *f, const char *source, size_t capacity)
{
	struct store_reader r = fixture_reader(f);
	struct listed_requests l = { 0 };
	int64_t next = 0;
	do
		must(r.rejected_list(r.ctx, source, next, capacity, &l, on_row, &next, &f->err), &f->err);
	while (next != 0);
	r.close(r.ctx);
	return l;
}

static void the_oldest_of_a_source_are_evicted(void **state)
{
	struct store_fixture *f = *state;
	assert_true(put(f, "other", 9000, T0 + 1000));
	for (int i = 0; i < 5; i++)
		assert_true(put(f, "forms", 9000, T0 + 1000));
	struct listed_requests forms = list(f, "forms", 10);
	assert_int_equal(forms.count, 2);
	assert_true(forms.ids[0] < forms.ids[1]);
	assert_int_equal(list(f, "other", 10).count, 1);
	assert_int_equal(list(f, NULL, 1).count, 3); /* also in pages of one */
	assert_int_equal(list(f, "nobody", 10).count, 0);
	assert_int_equal(forms.last.received_ms, T0);
	assert_int_equal(forms.last.wall_ms, T0 + 5);
	assert_int_equal(forms.last.until_ms, T0 + 1000);
	assert_string_equal(forms.body, "xxxxxxxxxxxxxxx");
}

static void a_too_large_one_evicts_none(void **state)
{
	struct store_fixture *f = *state;
	assert_true(put(f, "forms", 100, T0 + 1000));
	assert_false(put(f, "forms", KEEP, T0 + 1000));
	assert_int_equal(list(f, NULL, 10).count, 1);
	for (int i = 0; i < 40; i++)
		assert_true(put(f, "forms", 0, T0 + 1000)); /* an empty body is allowed */
	assert_true(put(f, "forms", KEEP - 1000, T0 + 1000));
	assert_true(list(f, NULL, 10).count < 5);
}

static void deleted_ones_free_their_bytes(void **state)
{
	struct store_fixture *f = *state;
	for (int round = 0; round < 5; round++) {
		assert_true(put(f, "forms", 9000, T0 + 1000));
		assert_true(put(f, "forms", 9000, T0 + 1000));
		struct listed_requests l = list(f, "forms", 10);
		assert_int_equal(l.count, 2);
		must(W(f).begin(W(f).ctx, &f->err), &f->err);
		for (size_t i = 0; i < 2; i++) {
			bool deleted = false;
			must(W(f).rejected_delete(W(f).ctx, l.ids[i], &deleted, &f->err), &f->err);
			assert_true(deleted);
			must(W(f).rejected_delete(W(f).ctx, l.ids[i], &deleted, &f->err), &f->err);
			assert_false(deleted);
		}
		must(W(f).commit(W(f).ctx, &f->err), &f->err);
	}
	int64_t last = 0;
	for (int i = 0; i < 3; i++) { /* ids are not used again */
		assert_true(put(f, "forms", 10, T0 + 1000));
		struct listed_requests l = list(f, "forms", 10);
		assert_true(l.ids[l.count - 1] > last && l.ids[l.count - 1] > 10);
		last = l.ids[l.count - 1];
	}
}

static void old_ones_are_pruned(void **state)
{
	struct store_fixture *f = *state;
	for (int i = 0; i < 6; i++)
		assert_true(put(f, "forms", 10, T0 + 1000 * (6 - i)));
	size_t deleted = 0;
	must(W(f).begin(W(f).ctx, &f->err), &f->err);
	must(W(f).rejected_prune(W(f).ctx, T0 + 999, 10, &deleted, &f->err), &f->err);
	assert_int_equal(deleted, 0);
	must(W(f).rejected_prune(W(f).ctx, T0 + 4000, 3, &deleted, &f->err), &f->err);
	assert_int_equal(deleted, 3);
	must(W(f).rejected_prune(W(f).ctx, T0 + 4000, 3, &deleted, &f->err), &f->err);
	assert_int_equal(deleted, 1);
	must(W(f).commit(W(f).ctx, &f->err), &f->err);
	assert_int_equal(list(f, NULL, 10).count, 2);
	for (int i = 0; i < 2; i++) /* the space of the deleted requests is free again */
		assert_true(put(f, "forms", 9000, T0 + 9000));
	assert_int_equal(list(f, NULL, 10).count, 4);
}

const struct contract_test contract_rejected_tests[] = {
	CONTRACT_TEST(the_oldest_of_a_source_are_evicted),
	CONTRACT_TEST(a_too_large_one_evicts_none),
	CONTRACT_TEST(deleted_ones_free_their_bytes),
	CONTRACT_TEST(old_ones_are_pruned),
	{ NULL, NULL },
};
