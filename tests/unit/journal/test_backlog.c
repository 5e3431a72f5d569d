/* Steps that wait on disk: claims, due times, pauses, holds, missing targets, and a disk without free
 * space. */
#include <stdio.h>
#include <string.h>

#include "tests/unit/journal/journal_fixture.h"

static void use_crm_only(struct journal_fixture *r)
{
	fixture_use_plan(r, "crm", POLICY_CONTINUE);
}

static void accept_many(struct journal_fixture *r, unsigned from, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		char id[16];
		snprintf(id, sizeof id, "e%u", from + i);
		fixture_accept_id(r, id);
	}
}

static void without_capacity_steps_wait_on_disk(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	use_crm_only(r);
	r->admission[CRM] = ADMISSION_DISK;
	accept_many(r, 0, 5);
	assert_int_equal(fixture_work_count(r), 0);
	assert_int_equal(r->asked, 1); /* with a backlog the engine is not asked for admission */
	assert_int_equal(r->news[CRM].backlog, 5);
	assert_int_equal(r->news[CRM].next_due_ms, FIXTURE_T0);
	r->admission[CRM] = ADMISSION_SLOT;
	accept_many(r, 5, 1); /* later events do not start before the rows on disk */
	assert_int_equal(fixture_work_count(r), 0);
	fixture_claim(r, CRM, 4);
	assert_int_equal(r->news[CRM].claim_granted, 4);
	assert_int_equal(r->news[CRM].backlog, 2);
	for (int64_t id = 1; id <= 4; id++)
		fixture_finish(r, id, CRM, OUTCOME_OK);
	fixture_claim(r, CRM, 9);
	assert_int_equal(r->news[CRM].claim_granted, 2);
	assert_int_equal(r->news[CRM].next_due_ms, INT64_MAX);
	fixture_finish(r, 5, CRM, OUTCOME_OK);
	fixture_finish(r, 6, CRM, OUTCOME_OK);
	accept_many(r, 6, 1);
	assert_true(fixture_has(r, WORK_START, 7, CRM));
	fixture_verify(r);
}

static void a_ready_work_can_go_back_to_disk(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	use_crm_only(r);
	r->admission[CRM] = ADMISSION_WINDOW;
	int64_t id = fixture_accept_id(r, "a");
	journal_spill(r->j, fixture_take(r, WORK_READY, id, CRM));
	fixture_pump(r);
	assert_int_equal(r->news[CRM].backlog, 1);
	fixture_claim(r, CRM, 1);
	fixture_finish(r, id, CRM, OUTCOME_OK);
	fixture_assert_saga(r, id, SAGA_COMPLETED);
}

static void a_retry_waits_for_its_time(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	use_crm_only(r);
	int64_t id = fixture_accept_id(r, "a");
	fixture_finish(r, id, CRM, OUTCOME_UNREACHABLE);
	fixture_assert_step(r, id, "crm", STEP_RETRY_WAIT, REASON_NONE);
	int64_t due_ms = r->news[CRM].next_due_ms;
	assert_true(due_ms > r->now_ms && due_ms <= r->now_ms + 1500);
	fixture_claim(r, CRM, 4);
	assert_int_equal(r->news[CRM].claim_granted, 0);
	/* A row that is not due yet does not delay new events. */
	assert_true(fixture_has(r, WORK_START, fixture_accept_id(r, "b"), CRM));
	fixture_wait(r, due_ms - r->now_ms);
	fixture_claim(r, CRM, 4);
	assert_int_equal(r->news[CRM].claim_granted, 1);
	struct work *w = fixture_take(r, WORK_START, id, CRM);
	assert_int_equal(w->ref.attempt, 2);
	assert_false(w->effect_before);
	fixture_outcome(r, w, OUTCOME_UNKNOWN);
	fixture_wait(r, 10000);
	fixture_claim(r, CRM, 4);
	w = fixture_take(r, WORK_START, id, CRM);
	assert_true(w->effect_before);
	fixture_outcome(r, w, OUTCOME_OK);
	fixture_verify(r);
}

static void a_clock_set_back_does_not_strand_a_step(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	use_crm_only(r);
	int64_t a = fixture_accept_id(r, "a");
	fixture_finish(r, a, CRM, OUTCOME_UNREACHABLE);
	r->admission[CRM] = ADMISSION_DISK;
	int64_t b = fixture_accept_id(r, "b");
	r->now_ms -= 400 * 86400000LL;
	fixture_crash(r);
	fixture_pump(r);
	assert_true(r->news[CRM].next_due_ms <= r->now_ms + 60000);
	for (int i = 0; i < 4; i++) {
		fixture_wait(r, 60000);
		fixture_claim(r, CRM, 4);
	}
	fixture_finish(r, a, CRM, OUTCOME_OK);
	fixture_finish(r, b, CRM, OUTCOME_OK);
}

/* Rows that are due too far ahead are found also when nearer rows come before them in the index. */
static void a_clock_set_back_strands_none_of_many(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	use_crm_only(r);
	r->admission[CRM] = ADMISSION_DISK;
	accept_many(r, 0, 150);
	fixture_claim(r, CRM, 150);
	for (int64_t id = 1; id <= 150; id++)
		fixture_finish(r, id, CRM, OUTCOME_UNREACHABLE);
	r->now_ms -= 5 * 86400000LL;
	fixture_crash(r);
	accept_many(r, 150, 1);
	fixture_wait(r, 90000);
	fixture_claim(r, CRM, 200);
	assert_int_equal(r->news[CRM].claim_granted, 151);
}

static void a_paused_target_gets_nothing_until_it_is_resumed(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	use_crm_only(r);
	fixture_target_act(r, "crm", TARGET_PAUSE);
	assert_int_equal(r->verb.changed, 1);
	assert_true(r->news[CRM].state_changed && r->news[CRM].state.paused);
	int64_t id = fixture_accept_id(r, "a");
	assert_int_equal(r->asked, 0);
	fixture_claim(r, CRM, 3);
	assert_int_equal(r->news[CRM].claim_granted, 0);
	assert_int_equal(fixture_verb(r, id, VERB_RESUME, -1), 0);
	assert_int_equal(r->verb.held, 1);
	assert_string_equal(r->verb.held_target, "crm");
	fixture_crash(r); /* a pause is still in force after a crash */
	fixture_pump(r);
	assert_true(r->news[CRM].state.paused);
	fixture_target_act(r, "crm", TARGET_RESUME);
	fixture_claim(r, CRM, 3);
	fixture_finish(r, id, CRM, OUTCOME_OK);
	fixture_target_act(r, "no such", TARGET_RESUME);
	assert_int_equal(r->verb.code, ERR_NOT_FOUND);
	assert_true(fixture_records(r, 0, RECORD_TARGET) >= 2);
}

static void a_denied_outcome_holds_the_target_in_its_commit(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	use_crm_only(r);
	int64_t a = fixture_accept_id(r, "a");
	int64_t b = fixture_accept_id(r, "b");
	struct outcome o = { .result = OUTCOME_DENIED, .status = 401 };
	journal_outcome(r->j, fixture_take(r, WORK_START, a, CRM), &o, "credentials: 401");
	fixture_pump(r);
	assert_true(r->news[CRM].state.held);
	assert_int_equal(r->news[CRM].state.hold, HOLD_CREDENTIALS);
	fixture_accept_id(r, "c");
	assert_int_equal(r->asked, 2);
	/* A start that the engine requests while the target is held moves the step to disk. */
	fixture_finish(r, b, CRM, OUTCOME_OK);
	r->now_ms += 3600000;
	fixture_claim(r, CRM, 5); /* a held target grants one step, as a probe */
	assert_int_equal(r->news[CRM].claim_granted, 1);
	fixture_target_act(r, "crm", TARGET_RELEASE);
	assert_false(r->news[CRM].state.held);
	fixture_claim(r, CRM, 5);
	assert_int_equal(r->news[CRM].claim_granted, 1);
}

static void a_ready_work_of_a_target_paused_meanwhile(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	use_crm_only(r);
	r->admission[CRM] = ADMISSION_WINDOW;
	int64_t id = fixture_accept_id(r, "a");
	fixture_target_act(r, "crm", TARGET_PAUSE);
	struct work *w = fixture_take(r, WORK_READY, id, CRM);
	journal_start(r->j, w);
	fixture_pump(r);
	work_destroy(fixture_take(r, WORK_GONE, id, CRM));
	assert_int_equal(r->news[CRM].backlog, 1);
}

static void set_missing(struct journal_fixture *r, const char *name)
{
	struct journal_target left[FIXTURE_TARGETS_END];
	size_t count = 0;
	for (size_t i = 0; i < FIXTURE_TARGETS_END - 1; i++) {
		if (strcmp(r->targets[i].name, name) != 0)
			left[count++] = r->targets[i];
	}
	assert_int_equal(journal_set_targets(r->j, left, count, NULL, NULL), 0);
}

static void steps_of_a_target_that_is_gone_go_to_attention(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	fixture_use_plan(r, "crm books", POLICY_CONTINUE);
	r->admission[CRM] = ADMISSION_DISK;
	int64_t waiting = fixture_accept_id(r, "a");
	set_missing(r, "crm");
	fixture_pump(r);
	fixture_assert_step(r, waiting, "crm", STEP_ATTENTION, REASON_TARGET_MISSING);
	int64_t fresh = fixture_accept_id(r, "b");
	fixture_assert_step(r, fresh, "crm", STEP_ATTENTION, REASON_TARGET_MISSING);
	assert_true(fixture_has(r, WORK_START, fresh, BOOKS));
}

/* The due time alone must make the journal act: no other operation comes for this target. */
static void steps_of_a_target_that_is_gone_at_the_start(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	fixture_use_plan(r, "mail", POLICY_CONTINUE);
	int64_t later = fixture_accept_id(r, "a");
	journal_start(r->j, fixture_take(r, WORK_READY, later, MAIL));
	fixture_pump(r);
	fixture_finish(r, later, MAIL, OUTCOME_UNREACHABLE);
	fixture_target_act(r, "mail", TARGET_PAUSE);
	int64_t waiting = fixture_accept_id(r, "b");
	fixture_close(r);
	r->left_out = 1;
	fixture_open(r);
	fixture_pump(r);
	fixture_assert_step(r, waiting, "mail", STEP_ATTENTION, REASON_TARGET_MISSING);
	assert_true(journal_idle_due_ms(r->j) > r->now_ms && journal_idle_due_ms(r->j) <= r->now_ms + 2000);
	fixture_wait(r, 5000);
	fixture_assert_step(r, later, "mail", STEP_ATTENTION, REASON_TARGET_MISSING);
}

static void a_conditional_step_of_a_lost_target(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	fixture_use_plan(r, "books crm?<books", POLICY_CONTINUE);
	int64_t id = fixture_accept_id(r, "a");
	set_missing(r, "crm");
	fixture_finish(r, id, BOOKS, OUTCOME_OK);
	fixture_assert_step(r, id, "crm", STEP_ATTENTION, REASON_TARGET_MISSING);
}

static void below_the_reserve_nothing_new_begins(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	journal_destroy(r->j);
	r->reserve_bytes = 1000;
	r->fake_disk = true;
	r->free_bytes = 5000;
	use_crm_only(r);
	fixture_open(r);
	int64_t a = fixture_accept_id(r, "a");
	int64_t b = fixture_accept_id(r, "b");
	r->free_bytes = 999;
	r->now_ms += 1000;
	/* An event that was queued while the disk had free space is refused by the batch, which reads free space
	 * again. */
	assert_int_equal(fixture_submit(r, &(struct fixture_event){ .id = "c" }), 0);
	fixture_pump(r);
	assert_int_equal(r->accepted.code, ERR_FULL);
	assert_true(fixture_counts(r).disk_low);
	assert_int_equal(fixture_submit(r, &(struct fixture_event){ .id = "d" }), ERR_FULL);
	fixture_finish(r, a, CRM, OUTCOME_OK); /* outcomes are recorded also while the disk is low */
	fixture_finish(r, b, CRM, OUTCOME_UNREACHABLE);
	r->now_ms += 2000;
	fixture_claim(r, CRM, 4);
	assert_int_equal(r->news[CRM].claim_granted, 0);
	unsigned news = r->news_count[CRM];
	r->free_bytes = 1010; /* just above the reserve: the first event would make the disk low again */
	fixture_wait(r, 1000);
	assert_true(fixture_counts(r).disk_low);
	r->free_bytes = 1100;
	fixture_wait(r, 1000);
	assert_true(r->news_count[CRM] > news); /* the news lets the engine claim again */
	assert_false(fixture_counts(r).disk_low);
	fixture_claim(r, CRM, 4);
	fixture_finish(r, b, CRM, OUTCOME_OK);
	assert_int_equal(fixture_counts(r).accepted, 2);
	fixture_accept_id(r, "d");
	assert_int_equal(r->accepted.code, 0);
}

/* After many bytes the journal reads free space before the second between two readings is over. */
static void a_burst_meets_the_reserve_within_the_second(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	journal_destroy(r->j);
	r->reserve_bytes = 1000;
	r->fake_disk = true;
	r->free_bytes = 5000;
	use_crm_only(r);
	fixture_open(r);
	fixture_accept_id(r, "a");
	r->free_bytes = 999; /* the clock does not move, so the time of the next reading does not come */
	fixture_accept_id(r, "b");
	assert_true(fixture_counts(r).disk_low); /* the bytes of "b" made the journal read free space */
	assert_int_equal(fixture_submit(r, &(struct fixture_event){ .id = "c" }), ERR_FULL);
}

static void a_checkpoint_without_space_retries(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	use_crm_only(r);
	int64_t a = fixture_accept_id(r, "a");
	r->fake_pages = 20000;
	r->checkpoint_code = ERR_FULL;
	fixture_outcome(r, fixture_take(r, WORK_START, a, CRM), OUTCOME_OK);
	fixture_wait(r, 1000);
	assert_int_equal(r->failures, 0);
	assert_true(fixture_counts(r).disk_low);
	assert_int_equal(fixture_submit(r, &(struct fixture_event){ .id = "b" }), ERR_FULL);
	assert_true(journal_idle_due_ms(r->j) <= r->now_ms + 1000);
	r->checkpoint_code = 0; /* checkpoints find free space again */
	r->fake_pages = 0;
	fixture_wait(r, 1000);
	assert_false(fixture_counts(r).disk_low);
	fixture_accept_id(r, "b");
	assert_int_equal(r->accepted.code, 0);
	r->fake_pages = 20000;
	r->checkpoint_code = ERR_IO; /* any other error of a checkpoint ends the journal */
	fixture_wait(r, 1000);
	assert_int_equal(r->failures, 1);
}

/* While the disk is low the write-ahead log is truncated: a full disk may hinder that, any other error ends the
 * journal. */
static void a_truncation_without_space_retries(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	journal_destroy(r->j);
	r->reserve_bytes = 1000;
	r->fake_disk = true;
	r->free_bytes = 999;
	fixture_open(r);
	fixture_wait(r, 1000);
	assert_true(fixture_counts(r).disk_low);
	r->truncate_code = ERR_FULL;
	fixture_wait(r, 1000);
	fixture_wait(r, 1000);
	assert_int_equal(r->failures, 0);
	r->truncate_code = ERR_IO;
	fixture_wait(r, 1000);
	assert_int_equal(r->failures, 1);
	assert_string_equal(r->failed.text, "no free space to truncate");
}

static void a_claim_with_condition_keeps_slot(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	fixture_use_plan(r, "books crm?<books", POLICY_CONTINUE);
	r->admission[CRM] = ADMISSION_DISK;
	int64_t id = fixture_accept_id(r, "a");
	fixture_finish(r, id, BOOKS, OUTCOME_OK);
	fixture_claim(r, CRM, 2);
	assert_int_equal(r->news[CRM].claim_granted, 1);
	struct work *w = fixture_take(r, WORK_READY, id, CRM);
	assert_true(w->slot && w->needs_condition);
	journal_condition_result(r->j, w, true);
	fixture_pump(r);
	fixture_finish(r, id, CRM, OUTCOME_OK);
	fixture_assert_saga(r, id, SAGA_COMPLETED);
}

static void a_long_backlog_is_claimed_to_its_end(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	use_crm_only(r);
	r->admission[CRM] = ADMISSION_DISK;
	for (unsigned i = 0; i < 300; i++) {
		char id[16];
		snprintf(id, sizeof id, "e%u", i);
		assert_int_equal(fixture_submit(r, &(struct fixture_event){ .id = id }), 0);
	}
	fixture_pump(r);
	fixture_crash(r);
	fixture_pump(r);
	assert_int_equal(r->news[CRM].backlog, 300);
	fixture_claim(r, CRM, 200);
	assert_int_equal(r->news[CRM].claim_granted, 200);
	fixture_claim(r, CRM, 200);
	assert_int_equal(r->news[CRM].claim_granted, 100);
}

static void old_keys_are_forgotten(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	use_crm_only(r);
	int64_t id = fixture_accept_id(r, "a");
	fixture_wait(r, 399 * 86400000LL);
	assert_int_equal(fixture_accept_id(r, "a"), id);
	fixture_wait(r, 2 * 86400000LL);
	fixture_wait(r, 60000);
	assert_int_not_equal(fixture_accept_id(r, "a"), id);
	assert_false(r->accepted.duplicate);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		CASE(without_capacity_steps_wait_on_disk),
		CASE(a_ready_work_can_go_back_to_disk),
		CASE(a_retry_waits_for_its_time),
		CASE(a_clock_set_back_does_not_strand_a_step),
		CASE(a_clock_set_back_strands_none_of_many),
		CASE(a_paused_target_gets_nothing_until_it_is_resumed),
		CASE(a_denied_outcome_holds_the_target_in_its_commit),
		CASE(a_ready_work_of_a_target_paused_meanwhile),
		CASE(steps_of_a_target_that_is_gone_go_to_attention),
		CASE(steps_of_a_target_that_is_gone_at_the_start),
		CASE(a_conditional_step_of_a_lost_target),
		CASE(below_the_reserve_nothing_new_begins),
		CASE(a_burst_meets_the_reserve_within_the_second),
		CASE(a_checkpoint_without_space_retries),
		CASE(a_truncation_without_space_retries),
		CASE(a_claim_with_condition_keeps_slot),
		CASE(a_long_backlog_is_claimed_to_its_end),
		CASE(old_keys_are_forgotten),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
