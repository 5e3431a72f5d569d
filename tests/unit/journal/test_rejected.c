/* Rejected requests: kept beside the log, dropped while the disk is low, deleted when their time is over. */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/journal/journal_fixture.h"

static int keep(struct journal_fixture *r, struct str body, int64_t keep_bytes)
{
	const struct rejected_row row = { .source = STR("forms"),
									  .received_ms = r->now_ms,
									  .wall_ms = r->now_ms,
									  .until_ms = r->now_ms + 60000,
									  .address = STR("192.0.2.7"),
									  .body = body };
	return journal_keep_rejected(r->j, &row, keep_bytes);
}

static int on_row(void *ctx, const struct rejected_row *row)
{
	int64_t *count = ctx;
	count[0]++;
	count[1] = row->id;
	assert_true(str_is(row->source, "forms"));
	return 0;
}

static int64_t kept(struct journal_fixture *r, int64_t *ret_last)
{
	struct store_reader reader = fixture_reader(r);
	struct err err = { 0 };
	int64_t count[2] = { 0 }, next;
	assert_int_equal(reader.rejected_list(reader.ctx, "forms", 0, 1000, count, on_row, &next, &err), 0);
	reader.close(reader.ctx);
	if (ret_last != NULL)
		*ret_last = count[1];
	return count[0];
}

static void they_are_no_part_of_the_log(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	struct journal_counts before = fixture_counts(r);
	assert_int_equal(keep(r, STR("{}"), 1 << 20), 0);
	fixture_pump(r);
	struct journal_counts after = fixture_counts(r);
	assert_int_equal(after.log_rows, before.log_rows);
	assert_int_equal(after.accepted, before.accepted);
	fixture_crash(r);
	int64_t id = 0;
	assert_int_equal(kept(r, &id), 1);
	assert_int_equal(journal_drop_rejected(r->j, id), 0);
	assert_int_equal(journal_drop_rejected(r->j, id), 0); /* deleting it a second time is no error */
	fixture_pump(r);
	assert_int_equal(kept(r, NULL), 0);
	fixture_verify(r);
}

static void old_ones_are_pruned(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	assert_int_equal(keep(r, STR("{}"), 1 << 20), 0);
	fixture_pump(r);
	fixture_wait(r, 50000);
	assert_int_equal(kept(r, NULL), 1);
	fixture_wait(r, 20000);
	fixture_wait(r, 20000);
	assert_int_equal(kept(r, NULL), 0);
}

static void without_free_space_none_is_kept(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	r->fake_disk = true;
	r->free_bytes = r->reserve_bytes - 1;
	fixture_wait(r, 2000);
	assert_int_equal(keep(r, STR("{}"), 1 << 20), ERR_FULL);
	r->free_bytes = INT64_MAX;
	fixture_wait(r, 2000);
	assert_int_equal(keep(r, STR("{}"), 1 << 20), 0);
	fixture_pump(r);
	assert_int_equal(kept(r, NULL), 1);
}

/* The memory of queued requests is bounded, and free again once they are stored. */
static void what_waits_is_bounded(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	const size_t bytes = 1 << 20;
	char *body = calloc(1, bytes);
	int taken = 0;
	while (taken < 100 && keep(r, (struct str){ body, bytes }, 64 << 20) == 0)
		taken++;
	assert_true(taken >= 4 && taken <= 6);
	fixture_pump(r);
	assert_int_equal(kept(r, NULL), taken);
	assert_int_equal(keep(r, (struct str){ body, bytes }, 64 << 20), 0);
	free(body);
}

static int setup(void **state)
{
	int rc = fixture_setup(state);
	struct journal_fixture *r = fixture_of(state);
	journal_destroy(r->j);
	r->reserve_bytes = 1 << 20;
	fixture_open(r);
	return rc;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(they_are_no_part_of_the_log, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(old_ones_are_pruned, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(without_free_space_none_is_kept, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(what_waits_is_bounded, setup, fixture_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
