/* What operators do: verbs, reprocessing, compensation; and blame after a crash of a connector. */
#include <stdio.h>
#include <string.h>

#include "tests/unit/journal/journal_fixture.h"

static void resume_sends_a_rejected_step_again(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	fixture_use_plan(r, "crm", POLICY_CONTINUE);
	int64_t id = fixture_accept_id(r, "a");
	fixture_finish(r, id, CRM, OUTCOME_REJECTED);
	fixture_assert_step(r, id, "crm", STEP_ATTENTION, REASON_REJECTED);
	fixture_crash(r);
	assert_int_equal(fixture_verb(r, id, VERB_RESUME, -1), 0);
	assert_int_equal(r->verb.changed, 1);
	fixture_finish(r, id, CRM, OUTCOME_OK);
	fixture_assert_saga(r, id, SAGA_COMPLETED);
	assert_int_equal(fixture_records(r, id, RECORD_VERB), 1);
}

static void resume_tries_a_waiting_step_now(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	fixture_use_plan(r, "crm", POLICY_CONTINUE);
	int64_t id = fixture_accept_id(r, "a");
	fixture_finish(r, id, CRM, OUTCOME_UNREACHABLE);
	assert_int_equal(fixture_verb(r, id, VERB_RESUME, -1), 0);
	fixture_finish(r, id, CRM, OUTCOME_OK);
	assert_int_equal(r->news[CRM].backlog, 0);
}

static void resume_leaves_doubt_standing(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	fixture_use_plan(r, "thanks", POLICY_CONTINUE);
	int64_t id = fixture_accept_id(r, "a");
	journal_start(r->j, fixture_take(r, WORK_READY, id, THANKS));
	fixture_pump(r);
	fixture_finish(r, id, THANKS, OUTCOME_UNKNOWN);
	fixture_assert_step(r, id, "thanks", STEP_ATTENTION, REASON_IN_DOUBT);
	assert_int_equal(fixture_verb(r, id, VERB_RESUME, -1), 0);
	assert_int_equal(r->verb.in_doubt, 1);
	assert_int_equal(fixture_work_count(r), 0);
	assert_int_equal(fixture_verb(r, id, VERB_RESOLVE_DONE, 0), 0);
	fixture_assert_saga(r, id, SAGA_COMPLETED);
}

static void redo_makes_a_new_generation(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	fixture_use_plan(r, "thanks", POLICY_CONTINUE);
	int64_t id = fixture_accept_id(r, "a");
	journal_start(r->j, fixture_take(r, WORK_READY, id, THANKS));
	fixture_pump(r);
	fixture_finish(r, id, THANKS, OUTCOME_UNKNOWN);
	assert_int_equal(fixture_verb(r, id, VERB_REDO, 0), 0);
	struct work *w = fixture_take(r, WORK_START, id, THANKS);
	assert_int_equal(w->ref.generation, 2);
	fixture_outcome(r, w, OUTCOME_OK);
	fixture_assert_saga(r, id, SAGA_COMPLETED);
}

static void a_verb_while_its_work_is_in_the_window(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	fixture_use_plan(r, "crm", POLICY_CONTINUE);
	r->admission[CRM] = ADMISSION_WINDOW;
	int64_t id = fixture_accept_id(r, "a");
	assert_int_equal(fixture_verb(r, id, VERB_SKIP, 0), 0);
	fixture_assert_saga(r, id, SAGA_COMPLETED_PARTIAL);
	journal_start(r->j, fixture_take(r, WORK_READY, id, CRM));
	fixture_pump(r);
	work_destroy(fixture_take(r, WORK_GONE, id, CRM));
	assert_int_equal(fixture_records(r, id, RECORD_INTENT), 0);
}

static void paused_and_resumed_with_the_work_still_out(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	fixture_use_plan(r, "crm", POLICY_CONTINUE);
	r->admission[CRM] = ADMISSION_WINDOW;
	int64_t id = fixture_accept_id(r, "a");
	assert_int_equal(fixture_verb(r, id, VERB_PAUSE, -1), 0);
	fixture_assert_saga(r, id, SAGA_PAUSED);
	assert_int_equal(fixture_verb(r, id, VERB_RESUME, -1), 0);
	assert_int_equal(fixture_work_count(r), 1); /* a repeated verb hands out no second work */
	assert_int_equal(fixture_verb(r, id, VERB_PAUSE, -1), 0);
	journal_start(r->j, fixture_take(r, WORK_READY, id, CRM));
	fixture_pump(r);
	work_destroy(fixture_take(r, WORK_GONE, id, CRM));
	assert_int_equal(fixture_verb(r, id, VERB_RESUME, -1), 0);
	assert_true(fixture_has(r, WORK_READY, id, CRM));
}

static void a_refused_verb_says_why(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	fixture_use_plan(r, "crm", POLICY_CONTINUE);
	int64_t id = fixture_accept_id(r, "a");
	fixture_finish(r, id, CRM, OUTCOME_OK);
	assert_int_equal(fixture_verb(r, id, VERB_CANCEL, -1), ERR_REFUSED);
	assert_true(strlen(r->verb.err.text) > 10);
	assert_int_equal(fixture_verb(r, 99, VERB_RESUME, -1), ERR_NOT_FOUND);
	assert_int_equal(r->failures, 0);
}

static void needs(struct journal_fixture *r, const char *target, int64_t attention, int64_t open)
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

/* A step in attention does not count as open once its saga was undone or cancelled, so that its target can be
 * removed from the configuration. */
static void an_answered_trigger_needs_no_operator(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	fixture_use_plan(r, "crm books<crm", POLICY_COMPENSATE);
	int64_t id = fixture_accept_id(r, "a");
	fixture_finish(r, id, CRM, OUTCOME_OK);
	fixture_finish(r, id, BOOKS, OUTCOME_REJECTED);
	needs(r, "books", 0, 0);
	needs(r, "crm", 0, 1);
	fixture_finish(r, id, CRM, OUTCOME_REJECTED); /* the outcome of the undo */
	fixture_assert_saga(r, id, SAGA_ATTENTION);
	needs(r, "books", 0, 0);
	needs(r, "crm", 1, 1);
	fixture_crash(r);
	assert_int_equal(fixture_verb(r, id, VERB_RESOLVE_DONE, 0), 0);
	fixture_assert_saga(r, id, SAGA_COMPENSATED);
	needs(r, "books", 0, 0);
	needs(r, "crm", 0, 0);
	fixture_use_plan(r, "crm", POLICY_CONTINUE);
	id = fixture_accept_id(r, "b");
	fixture_finish(r, id, CRM, OUTCOME_REJECTED);
	needs(r, "crm", 1, 1);
	assert_int_equal(fixture_verb(r, id, VERB_CANCEL, -1), 0);
	needs(r, "crm", 0, 0);
}

static void compensation_end_to_end(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	fixture_use_plan(r, "crm books<crm mail<books thanks!<mail", POLICY_COMPENSATE);
	int64_t id = fixture_accept_id(r, "a");
	fixture_finish(r, id, CRM, OUTCOME_OK);
	fixture_finish(r, id, BOOKS, OUTCOME_OK);
	fixture_finish(r, id, MAIL, OUTCOME_REJECTED);
	/* Undo runs in reverse order: books first. */
	assert_false(fixture_has(r, WORK_START, id, CRM));
	fixture_finish(r, id, BOOKS, OUTCOME_UNREACHABLE);
	fixture_crash(r);
	fixture_wait(r, 5000);
	fixture_claim(r, BOOKS, 1);
	fixture_finish(r, id, BOOKS, OUTCOME_OK);
	fixture_finish(r, id, CRM, OUTCOME_OK);
	fixture_assert_saga(r, id, SAGA_COMPENSATED);
	assert_int_equal(fixture_counts(r).sagas[SAGA_COMPENSATED], 1);
	fixture_verify(r);
}

static void an_operator_compensates(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	fixture_use_plan(r, "crm books", POLICY_CONTINUE);
	int64_t id = fixture_accept_id(r, "a");
	fixture_finish(r, id, CRM, OUTCOME_OK);
	fixture_finish(r, id, BOOKS, OUTCOME_OK);
	assert_int_equal(fixture_verb(r, id, VERB_COMPENSATE, -1), 0);
	fixture_finish(r, id, CRM, OUTCOME_OK);
	fixture_finish(r, id, BOOKS, OUTCOME_REJECTED);
	fixture_assert_step(r, id, "books", STEP_ATTENTION, REASON_UNDO_FAILED);
	fixture_assert_saga(r, id, SAGA_ATTENTION);
}

/* A look-up would settle the doubt, but the target is missing, so an operator must resolve it. */
static void undoing_with_doubt_at_a_target_that_is_gone(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	fixture_use_plan(r, "crm mail", POLICY_COMPENSATE);
	int64_t id = fixture_accept_id(r, "a");
	journal_start(r->j, fixture_take(r, WORK_READY, id, MAIL));
	fixture_pump(r);
	fixture_finish(r, id, MAIL, OUTCOME_UNKNOWN);
	fixture_finish(r, id, CRM, OUTCOME_REJECTED);
	assert_int_equal(journal_set_targets(r->j, r->targets, 3, NULL, NULL), 0);
	fixture_wait(r, 60000);
	fixture_wait(r, 60000);
	fixture_assert_step(r, id, "mail", STEP_ATTENTION, REASON_IN_DOUBT);
	fixture_assert_saga(r, id, SAGA_ATTENTION);
}

static void policy_hold_starts_nothing_further(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	fixture_use_plan(r, "crm books thanks<books", POLICY_HOLD);
	r->admission[BOOKS] = ADMISSION_DISK;
	int64_t id = fixture_accept_id(r, "a");
	fixture_finish(r, id, CRM, OUTCOME_REJECTED);
	fixture_claim(r, BOOKS, 3);
	assert_int_equal(r->news[BOOKS].claim_granted, 0);
	assert_int_equal(fixture_verb(r, id, VERB_SKIP, 0), 0);
	fixture_claim(r, BOOKS, 3);
	fixture_finish(r, id, BOOKS, OUTCOME_OK);
	fixture_finish(r, id, THANKS, OUTCOME_OK);
	fixture_assert_saga(r, id, SAGA_COMPLETED_PARTIAL);
}

static void verb_done(void *ctx, const struct verb_result *result)
{
	struct journal_fixture *r = ctx;
	r->verb = *result;
	r->verb_answers++;
}

static int reprocess(struct journal_fixture *r, int64_t saga, const struct fixture_event *ev)
{
	uint8_t lanes[PLAN_STEPS_MAX][LANE_BYTES];
	struct accept mapped = { .kind = ev->related ? ACCEPT_RELATED : ACCEPT_SAGA,
							 .event = fixture_event(r, ev),
							 .start = fixture_start(ev, r->plan, lanes),
							 .has_gift = ev->gift != NULL };
	journal_event_key("forms", ev->id, mapped.dedup);
	if (mapped.has_gift)
		journal_gift_key("forms", ev->gift, mapped.gift);
	assert_int_equal(journal_reprocess(r->j, saga, &mapped, "uid 7 (ada)", "map fixed", r, verb_done), 0);
	event_unref(mapped.event);
	memset(&mapped, 0xee, sizeof mapped); /* the journal has copied it */
	memset(lanes, 0xee, sizeof lanes);
	assert_int_equal(fixture_pump(r), 1);
	return r->verb.code;
}

static void a_quarantined_event_is_mapped_again(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	int64_t id = fixture_accept(r, &(struct fixture_event){ .id = "a", .quarantined = true });
	fixture_accept(r, &(struct fixture_event){ .id = "charge", .gift = "g1", .related = true });
	fixture_crash(r);
	const struct fixture_event mapping_fixed = { .id = "a", .gift = "g1", .lane = "ada" };
	assert_int_equal(reprocess(r, id, &mapping_fixed), 0);
	assert_int_equal(r->verb.changed, 1);
	assert_int_equal(fixture_records(r, id, RECORD_REPROCESSED), 1);
	assert_int_equal(fixture_records(r, id, RECORD_RELATED), 1);
	fixture_finish(r, id, CRM, OUTCOME_OK);
	fixture_finish(r, id, BOOKS, OUTCOME_OK);
	fixture_finish(r, id, THANKS, OUTCOME_OK);
	fixture_assert_saga(r, id, SAGA_COMPLETED);
	struct journal_counts c = fixture_counts(r);
	assert_int_equal(c.accepted, 2);
	assert_int_equal(c.sagas[SAGA_ATTENTION], 0);
	assert_int_equal(reprocess(r, id, &mapping_fixed), ERR_REFUSED);
	assert_int_equal(reprocess(r, 77, &mapping_fixed), ERR_NOT_FOUND);
	fixture_verify(r);
}

static void a_reprocessed_second_gift_is_refused(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	int64_t id = fixture_accept(r, &(struct fixture_event){ .id = "a", .quarantined = true });
	int64_t first = fixture_accept(r, &(struct fixture_event){ .id = "b", .gift = "g1" });
	assert_int_equal(reprocess(r, id, &(struct fixture_event){ .id = "a", .gift = "g1" }), ERR_REFUSED);
	fixture_assert_saga(r, id, SAGA_ATTENTION);
	fixture_assert_saga(r, first, SAGA_RUNNING);
}

/* The saga of a related event must not own the gift's key, or the event of the gift would be a duplicate. */
static void a_reprocessed_related_event_starts_nothing(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	const struct fixture_event charge = { .id = "charge", .gift = "g1", .related = true };
	int64_t bad = fixture_accept(r, &(struct fixture_event){ .id = "charge", .quarantined = true });
	assert_int_equal(reprocess(r, bad, &charge), ERR_REFUSED);
	assert_non_null(strstr(r->verb.err.text, "has not come"));
	fixture_crash(r);
	int64_t gift = fixture_accept(r, &(struct fixture_event){ .id = "b", .gift = "g1" });
	assert_false(r->accepted.duplicate);
	assert_int_not_equal(gift, bad);
	fixture_assert_saga(r, gift, SAGA_RUNNING);
	assert_int_equal(reprocess(r, bad, &charge), ERR_REFUSED);
	assert_non_null(strstr(r->verb.err.text, "saga 2"));
	fixture_assert_saga(r, bad, SAGA_ATTENTION);
	assert_int_equal(fixture_verb(r, bad, VERB_CANCEL, -1), 0);
	fixture_verify(r);
}

/* A related event whose gift never came; by the new map it is the gift itself. Its key leads to the saga that
 * it became. */
static void a_missing_gift_is_mapped_again(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	assert_int_equal(fixture_accept(r, &(struct fixture_event){ .id = "a", .gift = "g1", .related = true }),
					 0);
	fixture_wait(r, 3600001);
	fixture_assert_saga(r, 1, SAGA_ATTENTION);
	assert_int_equal(reprocess(r, 1, &(struct fixture_event){ .id = "a", .gift = "g1", .related = true }),
					 ERR_REFUSED);
	const struct fixture_event mapping_fixed = { .id = "a", .gift = "g1" };
	assert_int_equal(reprocess(r, 1, &mapping_fixed), 0);
	fixture_assert_saga(r, 1, SAGA_RUNNING);
	assert_int_equal(fixture_accept(r, &(struct fixture_event){ .id = "b", .gift = "g1" }), 1);
	assert_true(r->accepted.duplicate);
	fixture_verify(r);
}

static void a_reprocessed_event_is_known_by_its_new_key(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	int64_t first = fixture_accept(r, &(struct fixture_event){ .id = "body-1", .quarantined = true });
	int64_t second = fixture_accept(r, &(struct fixture_event){ .id = "body-2", .quarantined = true });
	assert_int_equal(reprocess(r, first, &(struct fixture_event){ .id = "a" }), 0);
	fixture_crash(r);
	assert_int_equal(fixture_accept_id(r, "a"), first);
	assert_true(r->accepted.duplicate);
	/* The sender repeated the event before it was reprocessed. */
	int64_t repeat = fixture_accept_id(r, "b");
	assert_int_equal(reprocess(r, second, &(struct fixture_event){ .id = "b", .gift = "g2" }), ERR_REFUSED);
	char text[64];
	snprintf(text, sizeof text, "has saga %d already", (int)repeat);
	assert_non_null(strstr(r->verb.err.text, text));
	fixture_assert_saga(r, second, SAGA_ATTENTION);
	/* The refused reprocessing claimed no key. */
	assert_int_not_equal(fixture_accept(r, &(struct fixture_event){ .id = "c", .gift = "g2" }), second);
	assert_false(r->accepted.duplicate);
	fixture_verify(r);
}

static void the_black_box_names_a_step(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	fixture_use_plan(r, "crm books", POLICY_CONTINUE);
	int64_t id = fixture_accept_id(r, "a");
	fixture_crash(r);
	struct err err = { 0 };
	assert_int_equal(journal_blame(r->j, id, "crm", "the connector died: SIGSEGV", &err), 0);
	fixture_audit(r);
	fixture_assert_step(r, id, "crm", STEP_ATTENTION, REASON_FAULT);
	fixture_assert_step(r, id, "books", STEP_RETRY_WAIT, REASON_NONE);
	assert_int_equal(journal_blame(r->j, id, "nobody", "x", &err), ERR_NOT_FOUND);
	assert_int_equal(journal_blame(r->j, 55, "crm", "x", &err), ERR_NOT_FOUND);
	assert_int_equal(journal_blame(r->j, id, "crm", "again", &err), ERR_STALE);
	assert_int_equal(r->failures, 0);
	fixture_verify(r);
}

static void open_steps_are_counted(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	int64_t id = fixture_accept_id(r, "a");
	fixture_finish(r, id, CRM, OUTCOME_REJECTED);
	struct journal_counts c;
	journal_counts(r->j, &c);
	assert_int_equal(c.target_count, 4);
	assert_string_equal(c.targets[0].name, "crm");
	assert_int_equal(c.targets[0].open, 1); /* a step in attention is open too */
	assert_int_equal(c.targets[0].attention, 1);
	assert_int_equal(c.targets[1].open, 1);
	journal_counts_finish(&c);
}

static void counters_are_read_without_a_daemon(void **state)
{
	struct journal_fixture *r = fixture_of(state);
	fixture_accept_id(r, "a");
	struct store_reader reader = fixture_reader(r);
	struct err err = { 0 };
	struct journal_counts c = { 0 }, live = fixture_counts(r);
	assert_int_equal(journal_counts_read(&reader, &c, &err), 0);
	reader.close(reader.ctx);
	assert_int_equal(c.accepted, 1);
	assert_int_equal(c.sagas[SAGA_RUNNING], 1);
	assert_int_equal(c.target_count, 4);
	assert_string_equal(c.targets[3].name, "mail");
	assert_int_equal(c.targets[0].open, 1);
	assert_int_equal(c.commits, live.commits);
	assert_int_equal(c.log_rows, live.log_rows);
	journal_counts_finish(&c);
}

/* A verb that starts steps says how many of them still wait for a target that is paused, and for which. */
static void verbs_that_start_name_a_paused_target(void **state)
{
	static const struct {
		int saga;
		enum verb verb;
		int step;
		unsigned held;
		const char *target;
	} cases[] = {
		{ 1, VERB_RETRY, 0, 1, "crm" },   { 1, VERB_RETRY, 1, 2, "crm" },  { 1, VERB_PAUSE, -1, 0, "" },
		{ 1, VERB_RESUME, -1, 2, "crm" }, { 2, VERB_REDO, 1, 1, "books" }, { 2, VERB_CANCEL, -1, 0, "" },
	};
	struct journal_fixture *r = fixture_of(state);
	fixture_use_plan(r, "crm books", POLICY_CONTINUE);
	for (int saga = 1; saga <= 2; saga++) {
		int64_t id = fixture_accept_id(r, saga == 1 ? "a" : "b");
		fixture_finish(r, id, CRM, saga == 1 ? OUTCOME_REJECTED : OUTCOME_OK);
		fixture_finish(r, id, BOOKS, saga == 1 ? OUTCOME_REJECTED : OUTCOME_OK);
	}
	fixture_target_act(r, "crm", TARGET_PAUSE);
	fixture_target_act(r, "books", TARGET_PAUSE);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_int_equal(fixture_verb(r, cases[i].saga, cases[i].verb, cases[i].step), 0);
		assert_int_equal(r->verb.held, cases[i].held);
		assert_string_equal(r->verb.held_target, cases[i].target);
	}
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		CASE(resume_sends_a_rejected_step_again),
		CASE(resume_tries_a_waiting_step_now),
		CASE(resume_leaves_doubt_standing),
		CASE(redo_makes_a_new_generation),
		CASE(verbs_that_start_name_a_paused_target),
		CASE(a_verb_while_its_work_is_in_the_window),
		CASE(paused_and_resumed_with_the_work_still_out),
		CASE(a_refused_verb_says_why),
		CASE(an_answered_trigger_needs_no_operator),
		CASE(compensation_end_to_end),
		CASE(an_operator_compensates),
		CASE(undoing_with_doubt_at_a_target_that_is_gone),
		CASE(policy_hold_starts_nothing_further),
		CASE(a_quarantined_event_is_mapped_again),
		CASE(a_reprocessed_second_gift_is_refused),
		CASE(a_reprocessed_related_event_starts_nothing),
		CASE(a_missing_gift_is_mapped_again),
		CASE(a_reprocessed_event_is_known_by_its_new_key),
		CASE(the_black_box_names_a_step),
		CASE(open_steps_are_counted),
		CASE(counters_are_read_without_a_daemon),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
