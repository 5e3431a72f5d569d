/* The way of an event: accepted, handed out, settled; duplicates; late and stale answers. */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/journal/rig.h"

static void accepted_steps_ride_and_complete(void **state)
{
	struct rig *r = rig_of(state);
	int64_t id = rig_accept_id(r, "a");
	assert_int_equal(r->accepted.code, 0);
	assert_int_equal(id, 1);
	assert_int_equal(r->asked_to_ride, 2); /* crm and books; thanks comes after */
	rig_finish(r, id, CRM, OUTCOME_OK);
	assert_false(rig_has(r, WORK_START, id, THANKS));
	rig_finish(r, id, BOOKS, OUTCOME_OK);
	/* The commit that holds the outcome holds the intent it releases, of an unsafe step too. */
	struct work *w = rig_take(r, WORK_START, id, THANKS);
	assert_int_equal(w->ref.attempt, 1);
	assert_non_null(strstr(w->results, "\"books\":{\"id\":\"R-1\"}"));
	rig_assert_saga(r, id, SAGA_RUNNING);
	rig_outcome(r, w, OUTCOME_OK);
	rig_assert_saga(r, id, SAGA_COMPLETED);
	struct journal_counts c = rig_counts(r);
	assert_int_equal(c.accepted, 1);
	assert_int_equal(c.sagas[SAGA_COMPLETED], 1);
	assert_int_equal(c.queue_records, 0);
	assert_int_equal(c.queue_bytes, 0);
	rig_verify(r);
}

static void unsafe_and_queryable_never_ride_when_accepted(void **state)
{
	struct rig *r = rig_of(state);
	rig_use_plan(r, "thanks mail crm", POLICY_CONTINUE);
	int64_t id = rig_accept_id(r, "a");
	assert_int_equal(r->asked_to_ride, 1);
	assert_true(rig_has(r, WORK_START, id, CRM));
	assert_true(rig_has(r, WORK_READY, id, THANKS));
	assert_true(rig_has(r, WORK_READY, id, MAIL));
	assert_int_equal(rig_records(r, id, RECORD_INTENT), 1);
	struct work *w = rig_take(r, WORK_READY, id, THANKS);
	assert_int_equal(w->ref.attempt, 0);
	journal_start(r->j, w);
	assert_int_equal(rig_pump(r), 1);
	w = rig_take(r, WORK_START, id, THANKS);
	assert_int_equal(w->ref.attempt, 1);
	assert_int_equal(rig_records(r, id, RECORD_INTENT), 2);
	rig_outcome(r, w, OUTCOME_OK);
	rig_assert_step(r, id, "thanks", STEP_SUCCEEDED, REASON_NONE);
}

static void duplicates_are_told_in_every_state(void **state)
{
	struct rig *r = rig_of(state);
	int64_t id = rig_accept_id(r, "a");
	for (int stage = 0; stage < 4; stage++) {
		assert_int_equal(rig_accept_id(r, "a"), id);
		assert_true(r->accepted.duplicate);
		assert_false(r->accepted.differs);
		if (stage == 0)
			rig_finish(r, id, CRM, OUTCOME_REJECTED);
		if (stage == 1)
			rig_finish(r, id, BOOKS, OUTCOME_UNREACHABLE);
		if (stage == 2)
			rig_crash(r);
	}
	assert_int_equal(rig_records(r, id, RECORD_DUPLICATE), 0);
	rig_accept(r, &(struct rig_event){ .id = "a", .body = "something else" });
	assert_true(r->accepted.duplicate && r->accepted.differs);
	assert_int_equal(rig_records(r, id, RECORD_DUPLICATE), 1);
	assert_int_equal(rig_counts(r).duplicates, 5);
	assert_int_equal(rig_counts(r).accepted, 1);
	rig_verify(r);
}

static void a_duplicate_in_the_batch_of_its_first(void **state)
{
	struct rig *r = rig_of(state);
	assert_int_equal(rig_submit(r, &(struct rig_event){ .id = "a" }), 0);
	assert_int_equal(rig_submit(r, &(struct rig_event){ .id = "a", .body = "other" }), 0);
	assert_int_equal(journal_pump(r->j), 2);
	assert_int_equal(r->answers, 2);
	assert_int_equal(r->accepted.saga, 1);
	assert_true(r->accepted.duplicate && r->accepted.differs);
	assert_int_equal(rig_work_count(r), 2);
	rig_audit(r);
	/* One log row for the saga in this commit: accepted, two intents, the duplicate. */
	assert_int_equal(rig_counts(r).log_rows, 2); /* and one for the start of the daemon */
	rig_verify(r);
}

static void a_second_gift_made_is_a_duplicate(void **state)
{
	struct rig *r = rig_of(state);
	int64_t id = rig_accept(r, &(struct rig_event){ .id = "a", .gift = "g1" });
	assert_int_equal(rig_accept(r, &(struct rig_event){ .id = "b", .gift = "g1" }), id);
	assert_true(r->accepted.duplicate);
	/* And the second event's own id is known from then on, whatever gift it names. */
	assert_int_equal(rig_accept(r, &(struct rig_event){ .id = "b", .gift = "g2" }), id);
	assert_true(r->accepted.duplicate);
	assert_int_not_equal(rig_accept(r, &(struct rig_event){ .id = "c", .gift = "g2" }), id);
	assert_false(r->accepted.duplicate);
}

static void a_permit_not_used_leaves_no_doubt(void **state)
{
	struct rig *r = rig_of(state);
	int64_t id = rig_accept_id(r, "a");
	struct work *w = rig_take(r, WORK_START, id, CRM);
	unsigned rides = r->asked_to_ride;
	journal_not_started(r->j, w);
	(void)rig_pump(r);
	assert_int_equal(rig_records(r, id, RECORD_NOT_STARTED), 1);
	assert_int_equal(r->asked_to_ride, rides); /* not again at once */
	w = rig_take(r, WORK_READY, id, CRM);
	journal_start(r->j, w);
	(void)rig_pump(r);
	w = rig_take(r, WORK_START, id, CRM);
	assert_int_equal(w->ref.attempt, 2);
	assert_false(w->effect_before);
	rig_outcome(r, w, OUTCOME_OK);
	rig_assert_step(r, id, "crm", STEP_SUCCEEDED, REASON_NONE);
}

static void stale_answers_change_nothing(void **state)
{
	struct rig *r = rig_of(state);
	int64_t id = rig_accept_id(r, "a");
	struct work *w = rig_take(r, WORK_START, id, CRM);
	struct work *copy = calloc(1, sizeof *copy);
	assert_non_null(copy);
	copy->saga = id;
	copy->target = CRM;
	copy->ref = w->ref;
	copy->event = event_ref(w->event);
	copy->plan = plan_ref(w->plan);
	rig_outcome(r, w, OUTCOME_OK);
	int64_t rows = rig_counts(r).log_rows;
	struct outcome late = { .result = OUTCOME_REJECTED };
	journal_outcome(r->j, copy, &late, NULL);
	assert_int_equal(rig_pump(r), 1);
	assert_int_equal(rig_counts(r).log_rows, rows);
	rig_assert_step(r, id, "crm", STEP_SUCCEEDED, REASON_NONE);
}

static void a_checkpoint_is_durable_before_the_answer(void **state)
{
	struct rig *r = rig_of(state);
	int64_t id = rig_accept_id(r, "a");
	struct work *w = rig_take(r, WORK_START, id, CRM);
	journal_checkpoint(r->j, w, STR("contact=9"));
	(void)rig_pump(r);
	assert_ptr_equal(rig_take(r, WORK_CHECKPOINTED, id, CRM), w);
	work_destroy(w);
	rig_crash(r);
	rig_wait(r, 2000);
	rig_claim(r, CRM, 4);
	struct work *again = rig_take(r, WORK_START, id, CRM);
	assert_int_equal(again->checkpoint_len, 9);
	assert_memory_equal(again->checkpoint, "contact=9", 9);
	assert_true(again->effect_before);
	work_destroy(again);
}

static void a_stale_checkpoint_is_gone(void **state)
{
	struct rig *r = rig_of(state);
	int64_t id = rig_accept_id(r, "a");
	struct work *w = rig_take(r, WORK_START, id, CRM);
	w->ref.attempt = 7;
	journal_checkpoint(r->j, w, STR("x"));
	(void)rig_pump(r);
	work_destroy(rig_take(r, WORK_GONE, id, CRM));
}

static void when_is_asked_and_no_means_skipped(void **state)
{
	struct rig *r = rig_of(state);
	rig_use_plan(r, "books crm?<books mail?<books", POLICY_CONTINUE);
	int64_t id = rig_accept_id(r, "a");
	rig_finish(r, id, BOOKS, OUTCOME_OK);
	struct work *yes = rig_take(r, WORK_READY, id, CRM);
	struct work *no = rig_take(r, WORK_READY, id, MAIL);
	assert_true(yes->needs_when && no->needs_when);
	assert_false(yes->slot);
	journal_when(r->j, yes, true);
	journal_when(r->j, no, false);
	assert_int_equal(rig_pump(r), 2);
	work_destroy(rig_take(r, WORK_GONE, id, MAIL));
	rig_finish(r, id, CRM, OUTCOME_OK);
	rig_assert_step(r, id, "mail", STEP_SKIPPED, REASON_NONE);
	rig_assert_saga(r, id, SAGA_COMPLETED);
}

static void a_when_that_fails_goes_to_attention(void **state)
{
	struct rig *r = rig_of(state);
	rig_use_plan(r, "books crm?<books", POLICY_CONTINUE);
	int64_t id = rig_accept_id(r, "a");
	rig_finish(r, id, BOOKS, OUTCOME_OK);
	struct work *w = rig_take(r, WORK_READY, id, CRM);
	struct outcome o = { .result = OUTCOME_FAULT, .detail = "its when fails" };
	journal_outcome(r->j, w, &o, NULL);
	(void)rig_pump(r);
	rig_assert_step(r, id, "crm", STEP_ATTENTION, REASON_FAULT);
}

static void an_expired_step_is_not_started(void **state)
{
	struct rig *r = rig_of(state);
	r->admit[THANKS] = ADMIT_WINDOW;
	rig_use_plan(r, "thanks~", POLICY_CONTINUE);
	int64_t id = rig_accept_id(r, "a");
	struct work *w = rig_take(r, WORK_READY, id, THANKS);
	assert_int_equal(w->expire_at_ms, RIG_T0 + 60000);
	r->now_ms += 60000;
	journal_start(r->j, w);
	(void)rig_pump(r);
	work_destroy(rig_take(r, WORK_GONE, id, THANKS));
	rig_assert_saga(r, id, SAGA_COMPLETED_PARTIAL);
}

static void the_queue_is_bounded_for_accepts_only(void **state)
{
	struct rig *r = rig_of(state);
	journal_destroy(r->j);
	r->queue_records = 2;
	rig_open(r);
	int64_t id = rig_accept_id(r, "a");
	struct work *w = rig_take(r, WORK_START, id, CRM);
	assert_int_equal(rig_submit(r, &(struct rig_event){ .id = "b" }), 0);
	assert_int_equal(rig_submit(r, &(struct rig_event){ .id = "c" }), 0);
	assert_int_equal(rig_submit(r, &(struct rig_event){ .id = "d" }), ERR_FULL);
	assert_int_equal(rig_counts(r).queue_records, 2);
	rig_outcome(r, w, OUTCOME_OK);
	assert_int_equal(rig_counts(r).queue_records, 0);
	assert_int_equal(rig_submit(r, &(struct rig_event){ .id = "d" }), 0);
	(void)rig_pump(r);
	assert_int_equal(rig_counts(r).accepted, 4);
}

static void unrouted_and_quarantined_are_recorded(void **state)
{
	struct rig *r = rig_of(state);
	int64_t a = rig_accept(r, &(struct rig_event){ .id = "a", .unrouted = true });
	assert_true(r->accepted.unrouted);
	int64_t b = rig_accept(r, &(struct rig_event){ .id = "b", .quarantined = true });
	assert_true(r->accepted.quarantined);
	rig_assert_saga(r, a, SAGA_UNROUTED);
	rig_assert_saga(r, b, SAGA_ATTENTION);
	assert_int_equal(rig_records(r, a, RECORD_UNROUTED), 1);
	assert_int_equal(rig_records(r, b, RECORD_QUARANTINED), 1);
	assert_int_equal(rig_work_count(r), 0);
}

static void a_stopped_journal_refuses(void **state)
{
	struct rig *r = rig_of(state);
	int64_t id = rig_accept_id(r, "a");
	struct work *w = rig_take(r, WORK_START, id, CRM);
	assert_int_equal(rig_submit(r, &(struct rig_event){ .id = "b" }), 0);
	journal_stop(r->j, "SIGTERM");
	assert_int_equal(r->answers, 2);
	assert_int_equal(r->accepted.code, 0);
	assert_int_equal(rig_submit(r, &(struct rig_event){ .id = "c" }), ERR_CLOSED);
	journal_start(r->j, w); /* freed, not leaked */
	assert_int_equal(rig_records(r, 0, RECORD_DAEMON), 2);
	rig_verify(r);
}

/* ---- accepts wait for room ---- */

/* What the engine reports goes ahead of events that would find no room; those keep their order. */
static void accepts_wait_for_room_and_reports_do_not(void **state)
{
	struct rig *r = rig_of(state);
	rig_use_plan(r, "crm", POLICY_CONTINUE);
	int64_t first = rig_accept_id(r, "a");
	r->crowded = true;
	for (const char *id = "b\0c\0d\0"; *id != '\0'; id += 2)
		assert_int_equal(rig_submit(r, &(struct rig_event){ .id = id }), 0);
	rig_outcome(r, rig_take(r, WORK_START, first, CRM), OUTCOME_OK); /* pumps */
	rig_assert_saga(r, first, SAGA_COMPLETED);
	assert_int_equal(rig_counts(r).accepted, 1);
	r->room = 2;
	assert_int_equal(journal_pump(r->j), 2);
	assert_int_equal(rig_counts(r).accepted, 3);
	assert_int_equal(rig_counts(r).queue_records, 1);
	r->crowded = false;
	assert_int_equal(rig_pump(r), 1);
	assert_int_equal(rig_counts(r).accepted, 4);
}

/* A moment, not longer: then they go where there is place, be it on disk. */
static void accepts_do_not_wait_for_long(void **state)
{
	struct rig *r = rig_of(state);
	r->crowded = true;
	assert_int_equal(rig_submit(r, &(struct rig_event){ .id = "a" }), 0);
	assert_int_equal(rig_pump(r), 0);
	r->now_ms += 49;
	assert_int_equal(rig_pump(r), 0);
	r->now_ms += 1;
	assert_int_equal(rig_pump(r), 1);
	assert_int_equal(rig_counts(r).accepted, 1);
}

static void told(void *ctx, const struct verb_result *result)
{
	(void)ctx;
	assert_int_equal(result->code, 0);
}

/* A person's operation keeps its place among the accepts, so nothing is held before it. */
static void accepts_before_somebody_else_do_not_wait(void **state)
{
	struct rig *r = rig_of(state);
	r->crowded = true;
	assert_int_equal(rig_submit(r, &(struct rig_event){ .id = "a" }), 0);
	assert_int_equal(journal_target_act(r->j, "crm", TARGET_PAUSE, "uid 7", "", r, told), 0);
	assert_int_equal(rig_pump(r), 2);
	assert_int_equal(rig_counts(r).accepted, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(accepted_steps_ride_and_complete, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(unsafe_and_queryable_never_ride_when_accepted, rig_setup,
										rig_teardown),
		cmocka_unit_test_setup_teardown(duplicates_are_told_in_every_state, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(a_duplicate_in_the_batch_of_its_first, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(a_second_gift_made_is_a_duplicate, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(a_permit_not_used_leaves_no_doubt, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(stale_answers_change_nothing, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(a_checkpoint_is_durable_before_the_answer, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(a_stale_checkpoint_is_gone, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(when_is_asked_and_no_means_skipped, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(a_when_that_fails_goes_to_attention, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(an_expired_step_is_not_started, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(the_queue_is_bounded_for_accepts_only, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(unrouted_and_quarantined_are_recorded, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(a_stopped_journal_refuses, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(accepts_wait_for_room_and_reports_do_not, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(accepts_do_not_wait_for_long, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(accepts_before_somebody_else_do_not_wait, rig_setup, rig_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
