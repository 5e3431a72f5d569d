/* The way of an event: accepted, handed out, completed; duplicates; reports that come too late. */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/journal/journal_fixture.h"

static void accepted_steps_start_in_commit(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	int64_t id = fixture_accept_id(r, "a");
	assert_int_equal(r->accepted.code, 0);
	assert_int_equal(id, 1);
	assert_int_equal(r->asked_to_start, 2); /* crm and books; thanks waits for books */
	fixture_finish(r, id, CRM, OUTCOME_OK);
	assert_false(fixture_has(r, WORK_START, id, THANKS));
	fixture_finish(r, id, BOOKS, OUTCOME_OK);
	/* The commit of an outcome contains the intents of the steps that it makes ready, also of an unsafe
	 * step. */
	struct work *w = fixture_take(r, WORK_START, id, THANKS);
	assert_int_equal(w->ref.attempt, 1);
	assert_non_null(strstr(w->results, "\"books\":{\"id\":\"R-1\"}"));
	fixture_assert_saga(r, id, SAGA_RUNNING);
	fixture_outcome(r, w, OUTCOME_OK);
	fixture_assert_saga(r, id, SAGA_COMPLETED);
	struct journal_counts c = fixture_counts(r);
	assert_int_equal(c.accepted, 1);
	assert_int_equal(c.sagas[SAGA_COMPLETED], 1);
	assert_int_equal(c.queue_records, 0);
	assert_int_equal(c.queue_bytes, 0);
	fixture_verify(r);
}

static void unsafe_steps_never_start_in_commit(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	fixture_use_plan(r, "thanks mail crm", POLICY_CONTINUE);
	int64_t id = fixture_accept_id(r, "a");
	assert_int_equal(r->asked_to_start, 1);
	assert_true(fixture_has(r, WORK_START, id, CRM));
	assert_true(fixture_has(r, WORK_READY, id, THANKS));
	assert_true(fixture_has(r, WORK_READY, id, MAIL));
	assert_int_equal(fixture_records(r, id, RECORD_INTENT), 1);
	struct work *w = fixture_take(r, WORK_READY, id, THANKS);
	assert_int_equal(w->ref.attempt, 0);
	journal_start(r->j, w);
	assert_int_equal(fixture_pump(r), 1);
	w = fixture_take(r, WORK_START, id, THANKS);
	assert_int_equal(w->ref.attempt, 1);
	assert_int_equal(fixture_records(r, id, RECORD_INTENT), 2);
	fixture_outcome(r, w, OUTCOME_OK);
	fixture_assert_step(r, id, "thanks", STEP_SUCCEEDED, REASON_NONE);
}

static void duplicates_are_answered_always(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	int64_t id = fixture_accept_id(r, "a");
	for (int stage = 0; stage < 4; stage++) {
		assert_int_equal(fixture_accept_id(r, "a"), id);
		assert_true(r->accepted.duplicate);
		assert_false(r->accepted.differs);
		if (stage == 0)
			fixture_finish(r, id, CRM, OUTCOME_REJECTED);
		if (stage == 1)
			fixture_finish(r, id, BOOKS, OUTCOME_UNREACHABLE);
		if (stage == 2)
			fixture_crash(r);
	}
	assert_int_equal(fixture_records(r, id, RECORD_DUPLICATE), 0);
	fixture_accept(r, &(struct fixture_event){ .id = "a", .body = "something else" });
	assert_true(r->accepted.duplicate && r->accepted.differs);
	assert_int_equal(fixture_records(r, id, RECORD_DUPLICATE), 1);
	assert_int_equal(fixture_counts(r).duplicates, 5);
	assert_int_equal(fixture_counts(r).accepted, 1);
	fixture_verify(r);
}

static void a_duplicate_in_the_batch_of_its_first(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	assert_int_equal(fixture_submit(r, &(struct fixture_event){ .id = "a" }), 0);
	assert_int_equal(fixture_submit(r, &(struct fixture_event){ .id = "a", .body = "other" }), 0);
	assert_int_equal(journal_pump(r->j), 2);
	assert_int_equal(r->answers, 2);
	assert_int_equal(r->accepted.saga, 1);
	assert_true(r->accepted.duplicate && r->accepted.differs);
	assert_int_equal(fixture_work_count(r), 2);
	fixture_audit(r);
	/* One log row for the saga in this commit: accepted, two intents, the duplicate. */
	assert_int_equal(fixture_counts(r).log_rows, 2); /* one more for the record of the start */
	fixture_verify(r);
}

static void a_second_gift_made_is_a_duplicate(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	int64_t id = fixture_accept(r, &(struct fixture_event){ .id = "a", .gift = "g1" });
	assert_int_equal(fixture_accept(r, &(struct fixture_event){ .id = "b", .gift = "g1" }), id);
	assert_true(r->accepted.duplicate);
	/* The second event's own id is recognised from then on, whichever gift it names. */
	assert_int_equal(fixture_accept(r, &(struct fixture_event){ .id = "b", .gift = "g2" }), id);
	assert_true(r->accepted.duplicate);
	assert_int_not_equal(fixture_accept(r, &(struct fixture_event){ .id = "c", .gift = "g2" }), id);
	assert_false(r->accepted.duplicate);
}

static void a_permit_not_used_leaves_no_doubt(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	int64_t id = fixture_accept_id(r, "a");
	struct work *w = fixture_take(r, WORK_START, id, CRM);
	unsigned starts_in_commit = r->asked_to_start;
	journal_not_started(r->j, w);
	fixture_pump(r);
	assert_int_equal(fixture_records(r, id, RECORD_NOT_STARTED), 1);
	assert_int_equal(
		r->asked_to_start,
		starts_in_commit); /* a step whose attempt was not begun does not start again in the same commit */
	w = fixture_take(r, WORK_READY, id, CRM);
	journal_start(r->j, w);
	fixture_pump(r);
	w = fixture_take(r, WORK_START, id, CRM);
	assert_int_equal(w->ref.attempt, 2);
	assert_false(w->effect_before);
	fixture_outcome(r, w, OUTCOME_OK);
	fixture_assert_step(r, id, "crm", STEP_SUCCEEDED, REASON_NONE);
}

static void stale_answers_change_nothing(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	int64_t id = fixture_accept_id(r, "a");
	struct work *w = fixture_take(r, WORK_START, id, CRM);
	struct work *copy = calloc(1, sizeof *copy);
	assert_non_null(copy);
	copy->saga = id;
	copy->target = CRM;
	copy->ref = w->ref;
	copy->event = event_ref(w->event);
	copy->plan = plan_ref(w->plan);
	fixture_outcome(r, w, OUTCOME_OK);
	int64_t rows = fixture_counts(r).log_rows;
	struct outcome late = { .result = OUTCOME_REJECTED };
	journal_outcome(r->j, copy, &late, NULL);
	assert_int_equal(fixture_pump(r), 1);
	assert_int_equal(fixture_counts(r).log_rows, rows);
	fixture_assert_step(r, id, "crm", STEP_SUCCEEDED, REASON_NONE);
}

static void a_checkpoint_is_durable_before_the_answer(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	int64_t id = fixture_accept_id(r, "a");
	struct work *w = fixture_take(r, WORK_START, id, CRM);
	journal_checkpoint(r->j, w, STR("contact=9"));
	fixture_pump(r);
	assert_ptr_equal(fixture_take(r, WORK_CHECKPOINTED, id, CRM), w);
	work_destroy(w);
	fixture_crash(r);
	fixture_wait(r, 2000);
	fixture_claim(r, CRM, 4);
	struct work *again = fixture_take(r, WORK_START, id, CRM);
	assert_int_equal(again->checkpoint_len, 9);
	assert_memory_equal(again->checkpoint, "contact=9", 9);
	assert_true(again->effect_before);
	work_destroy(again);
}

static void a_stale_checkpoint_is_gone(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	int64_t id = fixture_accept_id(r, "a");
	struct work *w = fixture_take(r, WORK_START, id, CRM);
	w->ref.attempt = 7;
	journal_checkpoint(r->j, w, STR("x"));
	fixture_pump(r);
	work_destroy(fixture_take(r, WORK_GONE, id, CRM));
}

static void a_false_condition_skips(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	fixture_use_plan(r, "books crm?<books mail?<books", POLICY_CONTINUE);
	int64_t id = fixture_accept_id(r, "a");
	fixture_finish(r, id, BOOKS, OUTCOME_OK);
	struct work *yes = fixture_take(r, WORK_READY, id, CRM);
	struct work *no = fixture_take(r, WORK_READY, id, MAIL);
	assert_true(yes->needs_condition && no->needs_condition);
	assert_false(yes->slot);
	journal_condition_result(r->j, yes, true);
	journal_condition_result(r->j, no, false);
	assert_int_equal(fixture_pump(r), 2);
	work_destroy(fixture_take(r, WORK_GONE, id, MAIL));
	fixture_finish(r, id, CRM, OUTCOME_OK);
	fixture_assert_step(r, id, "mail", STEP_SKIPPED, REASON_NONE);
	fixture_assert_saga(r, id, SAGA_COMPLETED);
}

static void a_failed_condition_is_attention(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	fixture_use_plan(r, "books crm?<books", POLICY_CONTINUE);
	int64_t id = fixture_accept_id(r, "a");
	fixture_finish(r, id, BOOKS, OUTCOME_OK);
	struct work *w = fixture_take(r, WORK_READY, id, CRM);
	struct outcome o = { .result = OUTCOME_FAULT, .detail = "its when fails" };
	journal_outcome(r->j, w, &o, NULL);
	fixture_pump(r);
	fixture_assert_step(r, id, "crm", STEP_ATTENTION, REASON_FAULT);
}

static void an_expired_step_is_not_started(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	r->admission[THANKS] = ADMISSION_WINDOW;
	fixture_use_plan(r, "thanks~", POLICY_CONTINUE);
	int64_t id = fixture_accept_id(r, "a");
	struct work *w = fixture_take(r, WORK_READY, id, THANKS);
	assert_int_equal(w->expire_at_ms, FIXTURE_T0 + 60000);
	r->now_ms += 60000;
	journal_start(r->j, w);
	fixture_pump(r);
	work_destroy(fixture_take(r, WORK_GONE, id, THANKS));
	fixture_assert_saga(r, id, SAGA_COMPLETED_PARTIAL);
}

static void the_queue_is_bounded_for_accepts_only(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	journal_destroy(r->j);
	r->queue_records = 2;
	fixture_open(r);
	int64_t id = fixture_accept_id(r, "a");
	struct work *w = fixture_take(r, WORK_START, id, CRM);
	assert_int_equal(fixture_submit(r, &(struct fixture_event){ .id = "b" }), 0);
	assert_int_equal(fixture_submit(r, &(struct fixture_event){ .id = "c" }), 0);
	assert_int_equal(fixture_submit(r, &(struct fixture_event){ .id = "d" }), ERR_FULL);
	assert_int_equal(fixture_counts(r).queue_records, 2);
	fixture_outcome(r, w, OUTCOME_OK);
	assert_int_equal(fixture_counts(r).queue_records, 0);
	assert_int_equal(fixture_submit(r, &(struct fixture_event){ .id = "d" }), 0);
	fixture_pump(r);
	assert_int_equal(fixture_counts(r).accepted, 4);
}

static void unrouted_and_quarantined_are_recorded(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	int64_t a = fixture_accept(r, &(struct fixture_event){ .id = "a", .unrouted = true });
	assert_true(r->accepted.unrouted);
	int64_t b = fixture_accept(r, &(struct fixture_event){ .id = "b", .quarantined = true });
	assert_true(r->accepted.quarantined);
	fixture_assert_saga(r, a, SAGA_UNROUTED);
	fixture_assert_saga(r, b, SAGA_ATTENTION);
	assert_int_equal(fixture_records(r, a, RECORD_UNROUTED), 1);
	assert_int_equal(fixture_records(r, b, RECORD_QUARANTINED), 1);
	assert_int_equal(fixture_work_count(r), 0);
}

static void a_stopped_journal_refuses(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	int64_t id = fixture_accept_id(r, "a");
	struct work *w = fixture_take(r, WORK_START, id, CRM);
	assert_int_equal(fixture_submit(r, &(struct fixture_event){ .id = "b" }), 0);
	journal_stop(r->j, "SIGTERM");
	assert_int_equal(r->answers, 2);
	assert_int_equal(r->accepted.code, 0);
	assert_int_equal(fixture_submit(r, &(struct fixture_event){ .id = "c" }), ERR_CLOSED);
	journal_not_started(r->j, w); /* the closed journal frees the work */
	assert_int_equal(fixture_records(r, 0, RECORD_DAEMON), 2);
	fixture_verify(r);
}

/* ---- accepts wait for free slots ---- */

/* Reports of the engine overtake accepts that are delayed; the accepts keep their order. */
static void accepts_wait_for_capacity(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	fixture_use_plan(r, "crm", POLICY_CONTINUE);
	int64_t first = fixture_accept_id(r, "a");
	r->capacity_limited = true;
	for (const char *id = "b\0c\0d\0"; *id != '\0'; id += 2)
		assert_int_equal(fixture_submit(r, &(struct fixture_event){ .id = id }), 0);
	fixture_outcome(r, fixture_take(r, WORK_START, first, CRM), OUTCOME_OK); /* runs a batch */
	fixture_assert_saga(r, first, SAGA_COMPLETED);
	assert_int_equal(fixture_counts(r).accepted, 1);
	r->start_capacity = 2;
	assert_int_equal(journal_pump(r->j), 2);
	assert_int_equal(fixture_counts(r).accepted, 3);
	assert_int_equal(fixture_counts(r).queue_records, 1);
	r->capacity_limited = false;
	assert_int_equal(fixture_pump(r), 1);
	assert_int_equal(fixture_counts(r).accepted, 4);
}

/* Accepts are delayed for 50 ms at most; then they are accepted, and their steps may go to disk. */
static void accepts_do_not_wait_for_long(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	r->capacity_limited = true;
	assert_int_equal(fixture_submit(r, &(struct fixture_event){ .id = "a" }), 0);
	assert_int_equal(fixture_pump(r), 0);
	r->now_ms += 49;
	assert_int_equal(fixture_pump(r), 0);
	r->now_ms += 1;
	assert_int_equal(fixture_pump(r), 1);
	assert_int_equal(fixture_counts(r).accepted, 1);
}

static void answered(void *ctx, const struct verb_result *result)
{
	(void)ctx;
	assert_int_equal(result->code, 0);
}

/* An operator's operation keeps its place among the accepts, so accepts before it are not delayed. */
static void accepts_before_another_op_do_not_wait(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	r->capacity_limited = true;
	assert_int_equal(fixture_submit(r, &(struct fixture_event){ .id = "a" }), 0);
	assert_int_equal(journal_target_act(r->j, "crm", TARGET_PAUSE, "uid 7", "", r, answered), 0);
	assert_int_equal(fixture_pump(r), 2);
	assert_int_equal(fixture_counts(r).accepted, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(accepted_steps_start_in_commit, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(unsafe_steps_never_start_in_commit, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(duplicates_are_answered_always, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(a_duplicate_in_the_batch_of_its_first, fixture_setup,
										fixture_teardown),
		cmocka_unit_test_setup_teardown(a_second_gift_made_is_a_duplicate, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(a_permit_not_used_leaves_no_doubt, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(stale_answers_change_nothing, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(a_checkpoint_is_durable_before_the_answer, fixture_setup,
										fixture_teardown),
		cmocka_unit_test_setup_teardown(a_stale_checkpoint_is_gone, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(a_false_condition_skips, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(a_failed_condition_is_attention, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(an_expired_step_is_not_started, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(the_queue_is_bounded_for_accepts_only, fixture_setup,
										fixture_teardown),
		cmocka_unit_test_setup_teardown(unrouted_and_quarantined_are_recorded, fixture_setup,
										fixture_teardown),
		cmocka_unit_test_setup_teardown(a_stopped_journal_refuses, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(accepts_wait_for_capacity, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(accepts_do_not_wait_for_long, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(accepts_before_another_op_do_not_wait, fixture_setup,
										fixture_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
