/* Events that do not decode: the steps of one saga go to a person, and everything else goes on. */
#include <string.h>

#include "tests/unit/journal/journal_fixture.h"

static void a_step_whose_event_is_damaged_calls_a_person(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	fixture_use_plan(r, "crm", POLICY_CONTINUE);
	r->admission[CRM] = ADMISSION_DISK;
	int64_t bad = fixture_accept(r, &(struct fixture_event){ .id = "a", .lane = "ada" });
	int64_t same = fixture_accept(r, &(struct fixture_event){ .id = "b", .lane = "ada" });
	int64_t other = fixture_accept_id(r, "c");
	r->damaged_event = bad;
	fixture_claim(r, CRM, 3);
	fixture_claim(r, CRM, 3);
	fixture_assert_step(r, bad, "crm", STEP_ATTENTION, REASON_FAULT);
	struct saga *s = fixture_saga(r, bad);
	assert_non_null(strstr(s->steps[0].detail, "almoner verify"));
	assert_false(s->steps[0].effect_possible);
	saga_destroy(s);
	assert_true(fixture_has(r, WORK_START, same, CRM));
	assert_true(fixture_has(r, WORK_START, other, CRM));
	assert_int_equal(r->failures, 0);
	fixture_audit(r);
	fixture_finish(r, same, CRM, OUTCOME_OK);
	r->damaged_event = 0; /* restored: the operator continues */
	assert_int_equal(fixture_verb(r, bad, VERB_RESUME, 0), 0);
	fixture_claim(r, CRM, 1);
	fixture_finish(r, bad, CRM, OUTCOME_OK);
	fixture_assert_saga(r, bad, SAGA_COMPLETED);
	fixture_verify(r);
}

static void a_retry_whose_event_is_damaged_calls_a_person(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	fixture_use_plan(r, "crm", POLICY_CONTINUE);
	int64_t id = fixture_accept_id(r, "a");
	fixture_finish(r, id, CRM, OUTCOME_UNREACHABLE);
	fixture_assert_step(r, id, "crm", STEP_RETRY_WAIT, REASON_NONE);
	r->damaged_event = id;
	fixture_wait(r, 60000);
	fixture_claim(r, CRM, 1);
	fixture_assert_step(r, id, "crm", STEP_ATTENTION, REASON_FAULT);
	assert_int_equal(r->failures, 0);
	fixture_audit(r);
}

/* The verb would hand the step out at once; it goes to disk instead, and is claimed. */
static void a_verb_on_a_step_whose_event_is_damaged_stops_nothing(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	fixture_use_plan(r, "crm", POLICY_CONTINUE);
	int64_t id = fixture_accept_id(r, "a");
	fixture_finish(r, id, CRM, OUTCOME_REJECTED);
	r->damaged_event = id;
	assert_int_equal(fixture_verb(r, id, VERB_RESUME, 0), 0);
	assert_false(fixture_has(r, WORK_START, id, CRM) || fixture_has(r, WORK_READY, id, CRM));
	fixture_assert_step(r, id, "crm", STEP_READY, REASON_NONE);
	fixture_audit(r);
	fixture_claim(r, CRM, 1);
	fixture_assert_step(r, id, "crm", STEP_ATTENTION, REASON_FAULT);
	assert_int_equal(r->failures, 0);
	fixture_audit(r);
}

static void a_repeat_of_a_damaged_event_is_a_duplicate(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	fixture_use_plan(r, "crm", POLICY_CONTINUE);
	int64_t id = fixture_accept_id(r, "a");
	assert_int_equal(fixture_accept(r, &(struct fixture_event){ .id = "n", .gift = "g", .related = true }),
					 0);
	r->damaged_event = id;
	assert_int_equal(fixture_accept(r, &(struct fixture_event){ .id = "a", .body = "else" }), id);
	assert_true(r->accepted.duplicate);
	assert_false(r->accepted.differs); /* there is nothing to compare it with */
	r->damaged_event = -1;
	fixture_accept(r, &(struct fixture_event){ .id = "n", .gift = "g", .body = "else", .related = true });
	assert_true(r->accepted.duplicate && r->accepted.related);
	assert_int_equal(r->failures, 0);
}

/* It must become a saga, and there is nothing to make it of: the journal stops instead of losing it. */
static void a_damaged_event_whose_gift_does_not_come_stops_the_journal(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	assert_int_equal(fixture_accept(r, &(struct fixture_event){ .id = "n", .gift = "g", .related = true }),
					 0);
	r->damaged_event = -1;
	fixture_wait(r, 2 * 3600000);
	assert_int_equal(r->failures, 1);
	r->damaged_event = 0;
	fixture_crash(r);
	fixture_wait(r, 1);
	fixture_assert_saga(r, 1, SAGA_ATTENTION);
	fixture_verify(r);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		CASE(a_step_whose_event_is_damaged_calls_a_person),
		CASE(a_retry_whose_event_is_damaged_calls_a_person),
		CASE(a_verb_on_a_step_whose_event_is_damaged_stops_nothing),
		CASE(a_repeat_of_a_damaged_event_is_a_duplicate),
		CASE(a_damaged_event_whose_gift_does_not_come_stops_the_journal),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
