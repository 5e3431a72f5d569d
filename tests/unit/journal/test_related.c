/* One gift, one saga: events of the same gift, in every order. */
#include <string.h>

#include "tests/unit/journal/journal_fixture.h"

static int64_t gift(struct journal_fixture *r, const char *id)
{
	return fixture_accept(r, &(struct fixture_event){ .id = id, .gift = "g1" });
}

static int64_t related(struct journal_fixture *r, const char *id)
{
	return fixture_accept(r, &(struct fixture_event){ .id = id, .gift = "g1", .related = true });
}

static void after_its_gift_it_is_recorded_there(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	int64_t id = gift(r, "made");
	assert_int_equal(related(r, "charge"), id);
	assert_true(r->accepted.related);
	assert_false(r->accepted.duplicate);
	assert_int_equal(fixture_records(r, id, RECORD_RELATED), 1);
	assert_int_equal(fixture_counts(r).related, 1);
	assert_int_equal(fixture_counts(r).accepted, 2);
	fixture_verify(r);
}

static void before_its_gift_it_waits(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	assert_int_equal(related(r, "charge"), 0);
	assert_true(r->accepted.related);
	assert_int_equal(related(r, "intent"), 0);
	int64_t id = gift(r, "made");
	assert_int_equal(fixture_records(r, id, RECORD_RELATED), 2);
	assert_int_equal(related(r, "charge"), id); /* a repeat of the related event finds the saga */
	assert_true(r->accepted.duplicate && r->accepted.related);
	fixture_wait(r, 2 * 3600000);
	assert_int_equal(fixture_counts(r).sagas[SAGA_ATTENTION], 0);
	fixture_verify(r);
}

struct related_records {
	unsigned count;
	enum subject subject[4];
	int64_t id[4];
	uint8_t digest[4][32];
};

static int keep_related(void *ctx, const struct log_row *row)
{
	struct related_records *k = ctx;
	struct records_reader reader = records_read(row->head, row->personal, row->at_ms);
	struct record record;
	while (records_next(&reader, &record, NULL) == 1) {
		if (record.kind != RECORD_RELATED)
			continue;
		assert_in_range(k->count, 0, 3);
		assert_int_equal(record.digest.len, 32);
		k->subject[k->count] = row->subject;
		k->id[k->count] = row->subject_id;
		memcpy(k->digest[k->count++], record.digest.p, 32);
		if (row->subject == SUBJECT_RELATED) {
			assert_true(str_is(record.personal, "charge"));
			assert_true(str_is(record.text, "donation.created"));
		}
	}
	return 0;
}

/* Its digest is in the log from its arrival, and again with the saga of its gift. */
static void while_it_waits_it_is_in_the_chain(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	struct related_records k = { 0 };
	struct err err = { 0 };
	int64_t next = 0;
	assert_int_equal(related(r, "charge"), 0);
	fixture_verify(r);
	int64_t saga = gift(r, "made");
	assert_int_equal(related(r, "refund"), saga);
	struct store_reader reader = fixture_reader(r);
	assert_int_equal(reader.log_read(reader.ctx, 0, 0, 1000, &k, keep_related, &next, &err), 0);
	reader.close(reader.ctx);
	assert_int_equal(k.count, 3);
	assert_int_equal(k.subject[0], SUBJECT_RELATED);
	assert_int_equal(k.id[0], 1);
	assert_int_equal(k.subject[1], SUBJECT_SAGA);
	assert_int_equal(k.id[1], saga);
	assert_memory_equal(k.digest[1], k.digest[0], 32);
	assert_int_equal(k.subject[2], SUBJECT_SAGA);
	assert_memory_not_equal(k.digest[2], k.digest[0], 32);
	fixture_verify(r);
}

static void in_one_batch_with_its_gift(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	assert_int_equal(fixture_submit(r, &(struct fixture_event){ .id = "x", .gift = "g1", .related = true }),
					 0);
	assert_int_equal(fixture_submit(r, &(struct fixture_event){ .id = "made", .gift = "g1" }), 0);
	assert_int_equal(fixture_submit(r, &(struct fixture_event){ .id = "y", .gift = "g1", .related = true }),
					 0);
	assert_int_equal(fixture_pump(r), 3);
	assert_int_equal(r->accepted.saga, 1);
	assert_int_equal(fixture_records(r, 1, RECORD_RELATED), 2);
	assert_int_equal(fixture_counts(r).related, 2);
	fixture_verify(r);
}

static void of_a_saga_at_rest(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	fixture_use_plan(r, "crm", POLICY_CONTINUE);
	int64_t id = gift(r, "made");
	fixture_finish(r, id, CRM, OUTCOME_OK);
	assert_int_equal(related(r, "refund"), id);
	assert_int_equal(fixture_records(r, id, RECORD_RELATED), 1);
	fixture_assert_saga(r, id, SAGA_COMPLETED);
}

static void the_gift_that_never_comes(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	assert_int_equal(related(r, "charge"), 0);
	assert_int_equal(related(r, "intent"), 0);
	assert_true(journal_idle_due_ms(r->j) <= FIXTURE_T0 + 3600000);
	fixture_wait(r, 3599999);
	assert_int_equal(fixture_counts(r).sagas[SAGA_ATTENTION], 0);
	fixture_crash(r); /* the time until which the event waits for its gift is stored */
	fixture_wait(r, 1);
	struct journal_counts c = fixture_counts(r);
	assert_int_equal(c.sagas[SAGA_ATTENTION], 1);
	assert_int_equal(c.related, 1);
	assert_int_equal(c.accepted, 2);
	struct saga *s = fixture_saga(r, 1);
	assert_int_equal(s->reason, REASON_GIFT_MISSING);
	saga_destroy(s);
	assert_int_equal(related(r, "charge"), 1);
	assert_true(r->accepted.duplicate);
	/* When the gift comes after all, it makes a saga of its own. */
	assert_int_equal(gift(r, "made"), 2);
	assert_false(r->accepted.duplicate);
	fixture_verify(r);
}

static void a_repeat_that_differs_is_flagged(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	int64_t id = gift(r, "made");
	related(r, "charge");
	fixture_accept(r,
				   &(struct fixture_event){ .id = "charge", .gift = "g1", .body = "else", .related = true });
	assert_true(r->accepted.duplicate && r->accepted.differs);
	assert_int_equal(fixture_records(r, id, RECORD_DUPLICATE), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(after_its_gift_it_is_recorded_there, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(before_its_gift_it_waits, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(while_it_waits_it_is_in_the_chain, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(in_one_batch_with_its_gift, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(of_a_saga_at_rest, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(the_gift_that_never_comes, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(a_repeat_that_differs_is_flagged, fixture_setup, fixture_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
