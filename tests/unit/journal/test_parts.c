/* The journal on a store that gives its numbers in another way than SQLite does: another partition, and numbers
 * that grow by 4 and leave gaps. */
#include <stdio.h>

#include "tests/unit/journal/journal_fixture.h"

#define PART   3
#define BASE   (INT64_C(3) << 48) /* the partition's numbers are higher */
#define STRIDE 4

static int setup(void **state)
{
	int rc = fixture_setup_memory(state);
	struct journal_fixture *r = *state;
	fixture_close(r);
	fixture_remove_store(r);
	r->memory_options = (struct memory_store_options){ .part = PART, .stride = STRIDE, .numbers_skip = true };
	fixture_open(r);
	return rc;
}

/* A repeat takes a number too, because its keys are reserved before the journal knows that it is one. */
static void numbers_are_of_the_partition_and_leave_gaps(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	struct fixture_event repeated = { .id = "a", .gift = "g" };
	assert_int_equal(fixture_accept(r, &repeated), BASE + STRIDE);
	assert_int_equal(fixture_accept(r, &repeated), BASE + STRIDE);
	assert_true(r->accepted.duplicate);
	assert_int_equal(fixture_accept_id(r, "b"), BASE + 3 * STRIDE);
	fixture_crash(r);
	assert_int_equal(fixture_accept(r, &(struct fixture_event){ .id = "c", .gift = "g", .related = true }),
					 BASE + STRIDE);
	assert_int_equal(fixture_accept(r, &repeated), BASE + STRIDE);
	fixture_crash(r); /* the last number was given to a repeat: it is not given again */
	assert_int_equal(fixture_accept_id(r, "d"), BASE + 5 * STRIDE);
	assert_int_equal(fixture_records(r, BASE + STRIDE, RECORD_RELATED), 1);
	fixture_verify(r);
}

/* Lanes, retries, crashes and the recovery do not depend on the form of the numbers. */
static void sagas_of_another_partition_complete(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	struct fixture_sends sends = { 0 };
	fixture_use_plan(r, "crm books mail<crm", POLICY_CONTINUE);
	int64_t sagas[20];
	for (int i = 0; i < 20; i++) {
		char id[16];
		snprintf(id, sizeof id, "e%d", i);
		sagas[i] = fixture_accept(r, &(struct fixture_event){ .id = id, .lane = i % 2 == 0 ? "ada" : NULL });
		fixture_engine_turn(r, &sends);
		if (i % 5 == 4)
			fixture_crash(r);
	}
	for (int quiet = 0; quiet < 10;) {
		if (fixture_engine_turn(r, &sends))
			continue;
		fixture_wait(r, 2000);
		quiet++;
	}
	for (int i = 0; i < 20; i++)
		fixture_assert_saga(r, sagas[i], SAGA_COMPLETED);
	fixture_verify(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(numbers_are_of_the_partition_and_leave_gaps, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(sagas_of_another_partition_complete, setup, fixture_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
