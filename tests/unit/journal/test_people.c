/* Verbs, reprocessing, compensation, blame. */
#include <stdio.h>
#include <string.h>

#include "tests/unit/journal/rig.h"

static void resume_sends_a_rejected_step_again(void **state)
{
	struct rig *r = rig_of(state);
	rig_use_plan(r, "crm", POLICY_CONTINUE);
	int64_t id = rig_accept_id(r, "a");
	rig_finish(r, id, CRM, OUTCOME_REJECTED);
	rig_assert_step(r, id, "crm", STEP_ATTENTION, REASON_REJECTED);
	rig_crash(r);
	assert_int_equal(rig_verb(r, id, VERB_RESUME, -1), 0);
	assert_int_equal(r->verb.changed, 1);
	rig_finish(r, id, CRM, OUTCOME_OK);
	rig_assert_saga(r, id, SAGA_COMPLETED);
	assert_int_equal(rig_records(r, id, RECORD_VERB), 1);
}

static void resume_tries_a_waiting_step_now(void **state)
{
	struct rig *r = rig_of(state);
	rig_use_plan(r, "crm", POLICY_CONTINUE);
	int64_t id = rig_accept_id(r, "a");
	rig_finish(r, id, CRM, OUTCOME_UNREACHABLE);
	assert_int_equal(rig_verb(r, id, VERB_RESUME, -1), 0);
	rig_finish(r, id, CRM, OUTCOME_OK);
	assert_int_equal(r->news[CRM].backlog, 0);
}

static void resume_leaves_doubt_standing(void **state)
{
	struct rig *r = rig_of(state);
	rig_use_plan(r, "thanks", POLICY_CONTINUE);
	int64_t id = rig_accept_id(r, "a");
	journal_start(r->j, rig_take(r, WORK_READY, id, THANKS));
	(void)rig_pump(r);
	rig_finish(r, id, THANKS, OUTCOME_UNKNOWN);
	rig_assert_step(r, id, "thanks", STEP_ATTENTION, REASON_IN_DOUBT);
	assert_int_equal(rig_verb(r, id, VERB_RESUME, -1), 0);
	assert_int_equal(r->verb.in_doubt, 1);
	assert_int_equal(rig_work_count(r), 0);
	assert_int_equal(rig_verb(r, id, VERB_RESOLVE_DONE, 0), 0);
	rig_assert_saga(r, id, SAGA_COMPLETED);
}

static void redo_makes_a_new_generation(void **state)
{
	struct rig *r = rig_of(state);
	rig_use_plan(r, "thanks", POLICY_CONTINUE);
	int64_t id = rig_accept_id(r, "a");
	journal_start(r->j, rig_take(r, WORK_READY, id, THANKS));
	(void)rig_pump(r);
	rig_finish(r, id, THANKS, OUTCOME_UNKNOWN);
	assert_int_equal(rig_verb(r, id, VERB_REDO, 0), 0);
	struct work *w = rig_take(r, WORK_START, id, THANKS);
	assert_int_equal(w->ref.generation, 2);
	rig_outcome(r, w, OUTCOME_OK);
	rig_assert_saga(r, id, SAGA_COMPLETED);
}

static void a_verb_while_its_work_is_in_the_window(void **state)
{
	struct rig *r = rig_of(state);
	rig_use_plan(r, "crm", POLICY_CONTINUE);
	r->admit[CRM] = ADMIT_WINDOW;
	int64_t id = rig_accept_id(r, "a");
	assert_int_equal(rig_verb(r, id, VERB_SKIP, 0), 0);
	rig_assert_saga(r, id, SAGA_COMPLETED_PARTIAL);
	journal_start(r->j, rig_take(r, WORK_READY, id, CRM));
	(void)rig_pump(r);
	work_destroy(rig_take(r, WORK_GONE, id, CRM));
	assert_int_equal(rig_records(r, id, RECORD_INTENT), 0);
}

static void paused_and_resumed_with_the_work_still_out(void **state)
{
	struct rig *r = rig_of(state);
	rig_use_plan(r, "crm", POLICY_CONTINUE);
	r->admit[CRM] = ADMIT_WINDOW;
	int64_t id = rig_accept_id(r, "a");
	assert_int_equal(rig_verb(r, id, VERB_PAUSE, -1), 0);
	rig_assert_saga(r, id, SAGA_PAUSED);
	assert_int_equal(rig_verb(r, id, VERB_RESUME, -1), 0);
	assert_int_equal(rig_work_count(r), 1); /* not a second one */
	assert_int_equal(rig_verb(r, id, VERB_PAUSE, -1), 0);
	journal_start(r->j, rig_take(r, WORK_READY, id, CRM));
	(void)rig_pump(r);
	work_destroy(rig_take(r, WORK_GONE, id, CRM));
	assert_int_equal(rig_verb(r, id, VERB_RESUME, -1), 0);
	assert_true(rig_has(r, WORK_READY, id, CRM));
}

static void a_refused_verb_says_why(void **state)
{
	struct rig *r = rig_of(state);
	rig_use_plan(r, "crm", POLICY_CONTINUE);
	int64_t id = rig_accept_id(r, "a");
	rig_finish(r, id, CRM, OUTCOME_OK);
	assert_int_equal(rig_verb(r, id, VERB_CANCEL, -1), ERR_REFUSED);
	assert_true(strlen(r->verb.err.text) > 10);
	assert_int_equal(rig_verb(r, 99, VERB_RESUME, -1), ERR_NOT_FOUND);
	assert_int_equal(r->failures, 0);
}

static void needs(struct rig *r, const char *target, int64_t attention, int64_t open)
{
	struct journal_counts c;
	size_t i = 0;
	journal_counts(r->j, &c);
	while (i < c.target_count && strcmp(c.targets[i].name, target) != 0)
		i++;
	assert_true(i < c.target_count);
	assert_int_equal(c.targets[i].attention, attention);
	assert_int_equal(c.targets[i].open, open);
	journal_counts_finish(&c);
}

/* What was answered by an undo, or given up with its saga, is nobody's work any more, and keeps no target in the
 * configuration. */
static void an_answered_trigger_needs_nobody(void **state)
{
	struct rig *r = rig_of(state);
	rig_use_plan(r, "crm books<crm", POLICY_COMPENSATE);
	int64_t id = rig_accept_id(r, "a");
	rig_finish(r, id, CRM, OUTCOME_OK);
	rig_finish(r, id, BOOKS, OUTCOME_REJECTED);
	needs(r, "books", 0, 0);
	needs(r, "crm", 0, 1);
	rig_finish(r, id, CRM, OUTCOME_REJECTED); /* its undo */
	rig_assert_saga(r, id, SAGA_ATTENTION);
	needs(r, "books", 0, 0);
	needs(r, "crm", 1, 1);
	rig_crash(r);
	assert_int_equal(rig_verb(r, id, VERB_RESOLVE_DONE, 0), 0);
	rig_assert_saga(r, id, SAGA_COMPENSATED);
	needs(r, "books", 0, 0);
	needs(r, "crm", 0, 0);
	rig_use_plan(r, "crm", POLICY_CONTINUE);
	id = rig_accept_id(r, "b");
	rig_finish(r, id, CRM, OUTCOME_REJECTED);
	needs(r, "crm", 1, 1);
	assert_int_equal(rig_verb(r, id, VERB_CANCEL, -1), 0);
	needs(r, "crm", 0, 0);
}

static void compensation_end_to_end(void **state)
{
	struct rig *r = rig_of(state);
	rig_use_plan(r, "crm books<crm mail<books thanks!<mail", POLICY_COMPENSATE);
	int64_t id = rig_accept_id(r, "a");
	rig_finish(r, id, CRM, OUTCOME_OK);
	rig_finish(r, id, BOOKS, OUTCOME_OK);
	rig_finish(r, id, MAIL, OUTCOME_REJECTED);
	/* In reverse: books first. */
	assert_false(rig_has(r, WORK_START, id, CRM));
	rig_finish(r, id, BOOKS, OUTCOME_UNREACHABLE);
	rig_crash(r);
	rig_wait(r, 5000);
	rig_claim(r, BOOKS, 1);
	rig_finish(r, id, BOOKS, OUTCOME_OK);
	rig_finish(r, id, CRM, OUTCOME_OK);
	rig_assert_saga(r, id, SAGA_COMPENSATED);
	assert_int_equal(rig_counts(r).sagas[SAGA_COMPENSATED], 1);
	rig_verify(r);
}

static void compensation_asked_for_by_a_person(void **state)
{
	struct rig *r = rig_of(state);
	rig_use_plan(r, "crm books", POLICY_CONTINUE);
	int64_t id = rig_accept_id(r, "a");
	rig_finish(r, id, CRM, OUTCOME_OK);
	rig_finish(r, id, BOOKS, OUTCOME_OK);
	assert_int_equal(rig_verb(r, id, VERB_COMPENSATE, -1), 0);
	rig_finish(r, id, CRM, OUTCOME_OK);
	rig_finish(r, id, BOOKS, OUTCOME_REJECTED);
	rig_assert_step(r, id, "books", STEP_ATTENTION, REASON_UNDO_FAILED);
	rig_assert_saga(r, id, SAGA_ATTENTION);
}

/* Looking could settle it, but there is nobody to ask: a person must say. */
static void undoing_with_doubt_at_a_target_that_is_gone(void **state)
{
	struct rig *r = rig_of(state);
	rig_use_plan(r, "crm mail", POLICY_COMPENSATE);
	int64_t id = rig_accept_id(r, "a");
	journal_start(r->j, rig_take(r, WORK_READY, id, MAIL));
	(void)rig_pump(r);
	rig_finish(r, id, MAIL, OUTCOME_UNKNOWN);
	rig_finish(r, id, CRM, OUTCOME_REJECTED);
	assert_int_equal(journal_set_targets(r->j, r->targets, 3, NULL, NULL), 0);
	rig_wait(r, 60000);
	rig_wait(r, 60000);
	rig_assert_step(r, id, "mail", STEP_ATTENTION, REASON_IN_DOUBT);
	rig_assert_saga(r, id, SAGA_ATTENTION);
}

static void policy_hold_starts_nothing_further(void **state)
{
	struct rig *r = rig_of(state);
	rig_use_plan(r, "crm books thanks<books", POLICY_HOLD);
	r->admit[BOOKS] = ADMIT_DISK;
	int64_t id = rig_accept_id(r, "a");
	rig_finish(r, id, CRM, OUTCOME_REJECTED);
	rig_claim(r, BOOKS, 3);
	assert_int_equal(r->news[BOOKS].claim_granted, 0);
	assert_int_equal(rig_verb(r, id, VERB_SKIP, 0), 0);
	rig_claim(r, BOOKS, 3);
	rig_finish(r, id, BOOKS, OUTCOME_OK);
	rig_finish(r, id, THANKS, OUTCOME_OK);
	rig_assert_saga(r, id, SAGA_COMPLETED_PARTIAL);
}

static void verb_done(void *ctx, const struct verb_result *result)
{
	struct rig *r = ctx;
	r->verb = *result;
	r->verb_answers++;
}

static int reprocess(struct rig *r, int64_t saga, const struct rig_event *ev)
{
	uint8_t lanes[PLAN_STEPS_MAX][LANE_BYTES];
	struct accept mapped = { .kind = ev->related ? ACCEPT_RELATED : ACCEPT_SAGA,
							 .event = rig_event(r, ev),
							 .start = rig_start(ev, r->plan, lanes),
							 .has_gift = ev->gift != NULL };
	journal_event_key("forms", ev->id, mapped.dedup);
	if (mapped.has_gift)
		journal_gift_key("forms", ev->gift, mapped.gift);
	assert_int_equal(journal_reprocess(r->j, saga, &mapped, "uid 7 (ada)", "mended", r, verb_done), 0);
	event_unref(mapped.event);
	memset(&mapped, 0xee, sizeof mapped); /* it was copied */
	memset(lanes, 0xee, sizeof lanes);
	assert_int_equal(rig_pump(r), 1);
	return r->verb.code;
}

static void a_quarantined_event_is_mapped_again(void **state)
{
	struct rig *r = rig_of(state);
	int64_t id = rig_accept(r, &(struct rig_event){ .id = "a", .quarantined = true });
	rig_accept(r, &(struct rig_event){ .id = "charge", .gift = "g1", .related = true });
	rig_crash(r);
	const struct rig_event mended = { .id = "a", .gift = "g1", .lane = "ada" };
	assert_int_equal(reprocess(r, id, &mended), 0);
	assert_int_equal(r->verb.changed, 1);
	assert_int_equal(rig_records(r, id, RECORD_REPROCESSED), 1);
	assert_int_equal(rig_records(r, id, RECORD_RELATED), 1);
	rig_finish(r, id, CRM, OUTCOME_OK);
	rig_finish(r, id, BOOKS, OUTCOME_OK);
	rig_finish(r, id, THANKS, OUTCOME_OK);
	rig_assert_saga(r, id, SAGA_COMPLETED);
	struct journal_counts c = rig_counts(r);
	assert_int_equal(c.accepted, 2);
	assert_int_equal(c.sagas[SAGA_ATTENTION], 0);
	assert_int_equal(reprocess(r, id, &mended), ERR_REFUSED);
	assert_int_equal(reprocess(r, 77, &mended), ERR_NOT_FOUND);
	rig_verify(r);
}

static void a_reprocessed_second_gift_is_refused(void **state)
{
	struct rig *r = rig_of(state);
	int64_t id = rig_accept(r, &(struct rig_event){ .id = "a", .quarantined = true });
	int64_t first = rig_accept(r, &(struct rig_event){ .id = "b", .gift = "g1" });
	assert_int_equal(reprocess(r, id, &(struct rig_event){ .id = "a", .gift = "g1" }), ERR_REFUSED);
	rig_assert_saga(r, id, SAGA_ATTENTION);
	rig_assert_saga(r, first, SAGA_RUNNING);
}

/* The gift itself must find its key free. */
static void a_reprocessed_related_event_starts_nothing(void **state)
{
	struct rig *r = rig_of(state);
	const struct rig_event charge = { .id = "charge", .gift = "g1", .related = true };
	int64_t bad = rig_accept(r, &(struct rig_event){ .id = "charge", .quarantined = true });
	assert_int_equal(reprocess(r, bad, &charge), ERR_REFUSED);
	assert_non_null(strstr(r->verb.err.text, "has not come"));
	rig_crash(r);
	int64_t gift = rig_accept(r, &(struct rig_event){ .id = "b", .gift = "g1" });
	assert_false(r->accepted.duplicate);
	assert_int_not_equal(gift, bad);
	rig_assert_saga(r, gift, SAGA_RUNNING);
	assert_int_equal(reprocess(r, bad, &charge), ERR_REFUSED);
	assert_non_null(strstr(r->verb.err.text, "saga 2"));
	rig_assert_saga(r, bad, SAGA_ATTENTION);
	assert_int_equal(rig_verb(r, bad, VERB_CANCEL, -1), 0);
	rig_verify(r);
}

/* Its gift never came; mended, it is the gift itself. The related event's key leads to the saga it became. */
static void a_missing_gift_is_mapped_again(void **state)
{
	struct rig *r = rig_of(state);
	assert_int_equal(rig_accept(r, &(struct rig_event){ .id = "a", .gift = "g1", .related = true }), 0);
	rig_wait(r, 3600001);
	rig_assert_saga(r, 1, SAGA_ATTENTION);
	assert_int_equal(reprocess(r, 1, &(struct rig_event){ .id = "a", .gift = "g1", .related = true }),
					 ERR_REFUSED);
	const struct rig_event mended = { .id = "a", .gift = "g1" };
	assert_int_equal(reprocess(r, 1, &mended), 0);
	rig_assert_saga(r, 1, SAGA_RUNNING);
	assert_int_equal(rig_accept(r, &(struct rig_event){ .id = "b", .gift = "g1" }), 1);
	assert_true(r->accepted.duplicate);
	rig_verify(r);
}

static void a_reprocessed_event_is_known_by_its_new_key(void **state)
{
	struct rig *r = rig_of(state);
	int64_t first = rig_accept(r, &(struct rig_event){ .id = "body-1", .quarantined = true });
	int64_t second = rig_accept(r, &(struct rig_event){ .id = "body-2", .quarantined = true });
	assert_int_equal(reprocess(r, first, &(struct rig_event){ .id = "a" }), 0);
	rig_crash(r);
	assert_int_equal(rig_accept_id(r, "a"), first);
	assert_true(r->accepted.duplicate);
	/* Sent again before it was mapped again. */
	int64_t sent_again = rig_accept_id(r, "b");
	assert_int_equal(reprocess(r, second, &(struct rig_event){ .id = "b", .gift = "g2" }), ERR_REFUSED);
	char text[64];
	(void)snprintf(text, sizeof text, "has saga %d already", (int)sent_again);
	assert_non_null(strstr(r->verb.err.text, text));
	rig_assert_saga(r, second, SAGA_ATTENTION);
	/* … and the refusal claimed nothing. */
	assert_int_not_equal(rig_accept(r, &(struct rig_event){ .id = "c", .gift = "g2" }), second);
	assert_false(r->accepted.duplicate);
	rig_verify(r);
}

static void the_black_box_blames_a_step(void **state)
{
	struct rig *r = rig_of(state);
	rig_use_plan(r, "crm books", POLICY_CONTINUE);
	int64_t id = rig_accept_id(r, "a");
	rig_crash(r);
	struct err err = { 0 };
	assert_int_equal(journal_blame(r->j, id, "crm", "the connector died: SIGSEGV", &err), 0);
	rig_audit(r);
	rig_assert_step(r, id, "crm", STEP_ATTENTION, REASON_FAULT);
	rig_assert_step(r, id, "books", STEP_RETRY_WAIT, REASON_NONE);
	assert_int_equal(journal_blame(r->j, id, "nobody", "x", &err), ERR_NOT_FOUND);
	assert_int_equal(journal_blame(r->j, 55, "crm", "x", &err), ERR_NOT_FOUND);
	assert_int_equal(journal_blame(r->j, id, "crm", "again", &err), ERR_STALE);
	assert_int_equal(r->failures, 0);
	rig_verify(r);
}

static void open_done(void *ctx, int64_t open)
{
	*(int64_t *)ctx = open;
}

static void open_steps_are_counted(void **state)
{
	struct rig *r = rig_of(state);
	int64_t id = rig_accept_id(r, "a");
	int64_t open = -1;
	rig_finish(r, id, CRM, OUTCOME_REJECTED);
	assert_int_equal(journal_count_open(r->j, "crm", &open, open_done), 0);
	(void)rig_pump(r);
	assert_int_equal(open, 1); /* attention is open too */
	struct journal_counts c;
	journal_counts(r->j, &c);
	assert_int_equal(c.target_count, 4);
	assert_string_equal(c.targets[0].name, "crm");
	assert_int_equal(c.targets[0].attention, 1);
	assert_int_equal(c.targets[1].open, 1);
	journal_counts_finish(&c);
}

static void counters_are_read_without_a_daemon(void **state)
{
	struct rig *r = rig_of(state);
	(void)rig_accept_id(r, "a");
	struct store_reader reader;
	struct err err = { 0 };
	struct buf AUTO_BUF bytes = { 0 };
	assert_int_equal(store_sqlite_open_reader(r->path, NULL, &reader, &err), 0);
	assert_int_equal(reader.counters(reader.ctx, &bytes, &err), 0);
	reader.close(reader.ctx);
	struct journal_counts c = { 0 };
	assert_int_equal(journal_counts_decode(buf_str(&bytes), &c, &err), 0);
	assert_int_equal(c.accepted, 1);
	assert_int_equal(c.sagas[SAGA_RUNNING], 1);
	assert_string_equal(c.targets[3].name, "mail");
	journal_counts_finish(&c);
	for (size_t len = 1; len < bytes.len; len++) {
		struct str cut = { bytes.data, len };
		assert_int_equal(journal_counts_decode(cut, &c, &err), ERR_CORRUPT);
	}
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)
	const struct CMUnitTest tests[] = {
		CASE(resume_sends_a_rejected_step_again),
		CASE(resume_tries_a_waiting_step_now),
		CASE(resume_leaves_doubt_standing),
		CASE(redo_makes_a_new_generation),
		CASE(a_verb_while_its_work_is_in_the_window),
		CASE(paused_and_resumed_with_the_work_still_out),
		CASE(a_refused_verb_says_why),
		CASE(an_answered_trigger_needs_nobody),
		CASE(compensation_end_to_end),
		CASE(compensation_asked_for_by_a_person),
		CASE(undoing_with_doubt_at_a_target_that_is_gone),
		CASE(policy_hold_starts_nothing_further),
		CASE(a_quarantined_event_is_mapped_again),
		CASE(a_reprocessed_second_gift_is_refused),
		CASE(a_reprocessed_related_event_starts_nothing),
		CASE(a_missing_gift_is_mapped_again),
		CASE(a_reprocessed_event_is_known_by_its_new_key),
		CASE(the_black_box_blames_a_step),
		CASE(open_steps_are_counted),
		CASE(counters_are_read_without_a_daemon),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
