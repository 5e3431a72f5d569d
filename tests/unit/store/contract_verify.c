/* Contract: an undamaged store verifies without findings, and each kind of damage is reported. */
#include "tests/unit/store/contract_internal.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/store/cmocka_all.h"

struct verify_report {
	int64_t findings;
	struct buf text;
};

static void keep_line(void *ctx, const char *line)
{
	struct verify_report *report = ctx;
	buf_printf(&report->text, "%s\n", line);
}

static struct verify_report verify(struct store_fixture *f)
{
	struct verify_report report = { 0 };
	struct store_reader r = fixture_reader(f);
	must(r.verify(r.ctx, &report, keep_line, &report.findings, &f->err), &f->err);
	r.close(r.ctx);
	return report;
}

/* Five sagas in five commits (log rows 1 to 5), the third with a step on disk; then one row each for the
 * daemon (6) and the end of saga 1 (7). */
static void fill(struct store_fixture *f)
{
	const char *targets[] = { "crm" };
	struct plan *plan = plan_of(targets, 1);
	for (int i = 1; i <= 5; i++) {
		struct sample_saga s = { .plan = plan };
		if (i == 3)
			s.steps[0] = step_on_disk(WHY_SLOT, T0);
		if (i == 1 || i == 5)
			s.steps[0] = step_running();
		s.left_out = i == 5;
		if (i == 1 || i == 4) {
			f->l.chain.counters = i == 1 ? STR("\1\3\2\5\2") : STR("\2\3\2\5\2");
			f->l.chain.marks = i == 1 ? STR("\1\0\4\1\2") : STR("\2\0\4\1\10"); /* 2 and 1; 4 and 5 */
		}
		fixture_put(&f->l, &s);
	}
	fixture_begin(&f->l);
	struct record record = {
		.kind = RECORD_DAEMON, .at_ms = T0, .step = RECORD_NO_STEP, .text = STR("started")
	};
	fixture_log(&f->l, SUBJECT_DAEMON, 0, &record);
	fixture_commit(&f->l);
	struct sample_saga done = { .plan = plan };
	fixture_update(&f->l, 1, &done);
	plan_unref(plan);
}

static void assert_clean(struct store_fixture *f)
{
	struct verify_report report = verify(f);
	if (report.findings != 0)
		print_error("%s", report.text.data);
	assert_int_equal(report.findings, 0);
	buf_free(&report.text);
}

static void a_sound_store_is_clean(void **state)
{
	struct store_fixture *f = *state;
	assert_clean(f);
	fill(f);
	assert_clean(f); /* while the writer is open */
	fixture_close(f);
	assert_clean(f); /* without a writer */
}

void contract_expect(struct store_fixture *f, int64_t findings, const char *words)
{
	struct verify_report report = verify(f);
	const char *text = report.text.data != NULL ? report.text.data : "";
	if (report.findings != findings || strstr(text, words) == NULL)
		print_error("expected %lld with \"%s\":\n%s", (long long)findings, words, text);
	assert_int_equal(report.findings, findings);
	assert_non_null(strstr(text, words));
	buf_free(&report.text);
}

/* Exactly `findings` lines, and `words` in them. */
static void reported(struct store_fixture *f, enum damage damage, int64_t number, int64_t findings,
					 const char *words)
{
	fill(f);
	fixture_close(f);
	f->factory->harm(f->factory->ctx, damage, number);
	contract_expect(f, findings, words);
}

static void a_flipped_byte_in_the_log_is_reported(void **state)
{
	struct store_fixture *f = *state;
	fill(f);
	fixture_close(f);
	f->factory->harm(f->factory->ctx, DAMAGE_FLIP_HEAD, 4);
	struct verify_report report = verify(f);
	/* Whether it also breaks the event's digest or the decoding depends on the byte. */
	assert_true(report.findings >= 1);
	assert_non_null(strstr(report.text.data, "commit 4 (log rows 4 to 4) was changed"));
	assert_null(strstr(report.text.data, "commit 5"));
	buf_free(&report.text);
}

static void a_changed_personal_part_is_reported(void **state)
{
	reported(*state, DAMAGE_FLIP_PERSONAL, 2, 1,
			 "log row 2: its personal part was changed after it was recorded");
}

/* The first two of four rows of one commit: the row behind the gap shows it. */
static void a_gap_in_a_commit_is_reported(void **state)
{
	struct store_fixture *f = *state;
	struct record record = {
		.kind = RECORD_DAEMON, .at_ms = T0, .step = RECORD_NO_STEP, .text = STR("started")
	};
	fixture_begin(&f->l);
	for (int i = 0; i < 4; i++)
		fixture_log(&f->l, SUBJECT_DAEMON, 0, &record);
	fixture_commit(&f->l);
	fixture_close(f);
	f->factory->harm(f->factory->ctx, DAMAGE_REMOVE_ROW, 1);
	f->factory->harm(f->factory->ctx, DAMAGE_REMOVE_ROW, 2);
	struct verify_report report = verify(f);
	assert_non_null(strstr(report.text.data, "log: rows 1 to 2 are missing"));
	buf_free(&report.text);
}

static void a_removed_row_is_reported(void **state)
{
	/* Row 6 has the subject daemon: no saga refers to it, so only the chain shows that it is missing. */
	reported(*state, DAMAGE_REMOVE_ROW, 6, 2, "log: rows 6 to 6 are missing");
}

static void a_gap_in_the_commits_is_reported(void **state)
{
	reported(*state, DAMAGE_REMOVE_COMMIT, 3, 2, "chain: commits 3 to 3 are missing");
}

static void a_cut_tail_is_reported(void **state)
{
	/* Commits 5 to 7: the log has no row about saga 5 any more, and lacks the second one about saga 1. */
	reported(*state, DAMAGE_REMOVE_TAIL, 5, 2, "saga 5: the log has no row about it");
}

static void a_changed_chain_is_reported(void **state)
{
	struct store_fixture *f = *state;
	reported(f, DAMAGE_FLIP_CHAIN, 3, 2, "commit 3 (log rows 3 to 3) was changed");
}

static void changed_figures_are_reported(void **state)
{
	struct store_fixture *f = *state;
	reported(f, DAMAGE_FLIP_COUNTERS, 4, 1, "commit 4 (log rows 4 to 4) was changed");
}

static void changed_marks_are_reported(void **state)
{
	reported(*state, DAMAGE_FLIP_MARKS, 4, 1, "commit 4 (log rows 4 to 4) was changed");
}

/* The counters of commit 2 are one byte, the kind: later commits need it, but only this one is reported. */
static void figures_that_do_not_decode_are_reported(void **state)
{
	reported(*state, DAMAGE_FLIP_COUNTERS, 2, 2, "chain: commit 2: figures: unknown form");
}

static void a_changed_time_of_a_commit_is_reported(void **state)
{
	reported(*state, DAMAGE_CHAIN_TIME, 6, 1, "commit 6 (log rows 6 to 6) was changed");
}

static void a_renumbered_row_is_reported(void **state)
{
	reported(*state, DAMAGE_RENUMBER, 7, 4, "the log continues to row 1007");
}

static void damaged_sagas_are_reported(void **state)
{
	reported(*state, DAMAGE_SAGA_VALUE, 2, 1, "saga 2");
}

static void a_wrong_state_column_is_reported(void **state)
{
	reported(*state, DAMAGE_SAGA_STATE, 4, 1, "saga 4: its columns contradict its value");
}

/* Saga 5 is left out of the index: with another mark no start would find it. */
static void a_mark_that_leaves_out_a_live_saga_is_reported(void **state)
{
	static const struct {
		int64_t low, reach;
		int64_t findings;
	} cases[] = { { 5, 5, 0 }, { 1, 99, 0 }, { 6, 6, 1 }, { 1, 4, 1 }, { 5, 4, 1 } };
	struct store_fixture *f = *state;
	fill(f);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		fixture_begin(&f->l);
		fixture_mark(&f->l, cases[i].low, cases[i].reach);
		fixture_commit(&f->l);
		struct verify_report report = verify(f);
		assert_int_equal(report.findings, cases[i].findings);
		if (report.findings > 0)
			assert_non_null(strstr(report.text.data, "saga 5 is under way, but a start would not find it"));
		buf_free(&report.text);
	}
}

/* A saga that is not running and live has no right to be left out. */
static void a_saga_that_is_wrongly_left_out_is_reported(void **state)
{
	struct store_fixture *f = *state;
	const char *targets[] = { "crm" };
	struct sample_saga s = { .plan = plan_of(targets, 1), .left_out = true };
	s.steps[0] = step_on_disk(WHY_SLOT, T0);
	fixture_mark(&f->l, 1, 2);
	fixture_put(&f->l, &s); /* it waits */
	s.steps[0] = step_running();
	s.cancelled = true;
	fixture_put(&f->l, &s); /* it is live, but not running */
	struct verify_report report = verify(f);
	assert_int_equal(report.findings, 2);
	assert_non_null(strstr(report.text.data, "saga 1: its columns contradict its value"));
	assert_non_null(strstr(report.text.data, "saga 2: its columns contradict its value"));
	buf_free(&report.text);
	plan_unref(s.plan);
}

static void another_event_is_reported(void **state)
{
	reported(*state, DAMAGE_EVENT, 5, 1, "saga 5: its event was changed after it was recorded");
}

static void a_missing_event_is_reported(void **state)
{
	reported(*state, DAMAGE_REMOVE_EVENT, 5, 1, "saga 5: its event is missing");
}

static void a_spoilt_event_is_reported(void **state)
{
	reported(*state, DAMAGE_SPOIL_EVENT, 5, 1, "saga 5: its event cannot be read: ");
}

/* ---- related events ---- */

/* Behind fill: related event 1 waited and belongs to saga 2 now, event 2 came when saga 2 was there, event 3
 * still waits. Log rows 8 to 11 in commit 8. `old`: as recorded before schema 5, without digests. */
static void add_related(struct store_fixture *f, bool old)
{
	static const uint8_t name[STORE_KEY_BYTES] = { 4 };
	struct sample_saga s = { .event_id = "note" };
	fixture_begin(&f->l);
	for (int64_t id = 1; id <= 3; id++) {
		struct related_row row = {
			.id = id, .saga = id == 3 ? 0 : 2, .names = name, .name_count = 1, .event = sample_event(&s)
		};
		struct record record = {
			.kind = RECORD_RELATED, .at_ms = T0, .step = RECORD_NO_STEP, .text = STR("note")
		};
		if (!old)
			record.digest = (struct str){ (const char *)row.event->digest, sizeof row.event->digest };
		must(f->l.w.related_insert(f->l.w.ctx, &row, &f->err), &f->err);
		if (id != 2 && !old)
			fixture_log(&f->l, SUBJECT_RELATED, id, &record);
		if (id != 3)
			fixture_record(&f->l, 2, &record);
		event_unref(row.event);
	}
	fixture_commit(&f->l);
}

static void reported_of_related(struct store_fixture *f, enum damage damage, int64_t number, int64_t findings,
								const char *words)
{
	fill(f);
	add_related(f, false);
	assert_clean(f);
	fixture_close(f);
	f->factory->harm(f->factory->ctx, damage, number);
	contract_expect(f, findings, words);
}

/* One that waited is also found by the saga that it belongs to: two findings, and a third for its digest, which
 * no row has. */
static void a_related_event_that_waited_is_checked(void **state)
{
	reported_of_related(*state, DAMAGE_RELATED, 1, 3, "related event 1 was changed after it was recorded");
}

static void a_related_event_that_waits_is_checked(void **state)
{
	reported_of_related(*state, DAMAGE_RELATED, 3, 1, "related event 3 was changed after it was recorded");
}

static void a_related_event_of_a_saga_is_checked(void **state)
{
	reported_of_related(*state, DAMAGE_RELATED, 2, 2,
						"related event 2 of saga 2 was changed after it was recorded\n"
						"saga 2: 1 of its related events are missing or changed");
}

static void a_missing_related_event_that_waits_is_reported(void **state)
{
	reported_of_related(*state, DAMAGE_REMOVE_RELATED, 3, 1, "related event 3 is missing");
}

static void a_missing_related_event_of_a_saga_is_reported(void **state)
{
	reported_of_related(*state, DAMAGE_REMOVE_RELATED, 2, 1,
						"saga 2: 1 of its related events are missing or changed");
}

static void a_spoilt_related_event_that_waits_is_reported(void **state)
{
	reported_of_related(*state, DAMAGE_SPOIL_RELATED, 3, 1, "related event 3 does not decode");
}

static void a_spoilt_related_event_of_a_saga_is_reported(void **state)
{
	reported_of_related(*state, DAMAGE_SPOIL_RELATED, 2, 2, "related event 2 of saga 2 does not decode");
}

/* Before schema 5 the log had no digest of related events: there is nothing to compare them with. */
static void related_events_recorded_without_a_digest_are_no_damage(void **state)
{
	struct store_fixture *f = *state;
	fill(f);
	add_related(f, true);
	assert_clean(f);
}

static void a_lost_waiting_step_is_reported(void **state)
{
	reported(*state, DAMAGE_REMOVE_STEP, 3, 1, "saga 3: step crm waits on disk, but has no step row");
}

static void a_stray_waiting_step_is_reported(void **state)
{
	struct store_fixture *f = *state;
	fill(f);
	struct step_row rows[] = { { .saga = 2, .step = 0, .target = 1, .why = WHY_SLOT },
							   { .saga = 2, .step = 9, .target = 1, .why = WHY_SLOT },
							   { .saga = 99, .step = 0, .target = 1, .why = WHY_SLOT } };
	must(f->l.w.begin(f->l.w.ctx, &f->err), &f->err);
	for (size_t i = 0; i < 3; i++)
		must(f->l.w.row_put(f->l.w.ctx, &rows[i], &f->err), &f->err);
	must(f->l.w.commit(f->l.w.ctx, &f->err), &f->err);
	struct verify_report report = verify(f);
	assert_int_equal(report.findings, 3);
	assert_non_null(
		strstr(report.text.data, "step row 2/0: according to its saga the step does not wait on disk"));
	assert_non_null(strstr(report.text.data, "step row 2/9: its saga has no such step"));
	assert_non_null(strstr(report.text.data, "step row 99/0: there is no such saga"));
	buf_free(&report.text);
}

/* Personal data can be forgotten without breaking the chain (saga/DESIGN.md "Shape of rows"). */
static void a_forgotten_personal_part_is_no_damage(void **state)
{
	struct store_fixture *f = *state;
	fill(f);
	fixture_close(f);
	f->factory->harm(f->factory->ctx, DAMAGE_FORGET_PERSONAL, 2);
	assert_clean(f);
}

const struct contract_test contract_verify_tests[] = {
	CONTRACT_TEST(a_sound_store_is_clean),
	CONTRACT_TEST(a_flipped_byte_in_the_log_is_reported),
	CONTRACT_TEST(a_changed_personal_part_is_reported),
	CONTRACT_TEST(a_removed_row_is_reported),
	CONTRACT_TEST(a_gap_in_the_commits_is_reported),
	CONTRACT_TEST(a_cut_tail_is_reported),
	CONTRACT_TEST(a_changed_chain_is_reported),
	CONTRACT_TEST(changed_figures_are_reported),
	CONTRACT_TEST(changed_marks_are_reported),
	CONTRACT_TEST(figures_that_do_not_decode_are_reported),
	CONTRACT_TEST(a_changed_time_of_a_commit_is_reported),
	CONTRACT_TEST(a_renumbered_row_is_reported),
	CONTRACT_TEST(damaged_sagas_are_reported),
	CONTRACT_TEST(a_wrong_state_column_is_reported),
	CONTRACT_TEST(a_mark_that_leaves_out_a_live_saga_is_reported),
	CONTRACT_TEST(a_saga_that_is_wrongly_left_out_is_reported),
	CONTRACT_TEST(another_event_is_reported),
	CONTRACT_TEST(a_missing_event_is_reported),
	CONTRACT_TEST(a_spoilt_event_is_reported),
	CONTRACT_TEST(a_related_event_that_waited_is_checked),
	CONTRACT_TEST(a_related_event_that_waits_is_checked),
	CONTRACT_TEST(a_related_event_of_a_saga_is_checked),
	CONTRACT_TEST(a_missing_related_event_that_waits_is_reported),
	CONTRACT_TEST(a_missing_related_event_of_a_saga_is_reported),
	CONTRACT_TEST(a_spoilt_related_event_that_waits_is_reported),
	CONTRACT_TEST(a_spoilt_related_event_of_a_saga_is_reported),
	CONTRACT_TEST(related_events_recorded_without_a_digest_are_no_damage),
	CONTRACT_TEST(a_gap_in_a_commit_is_reported),
	CONTRACT_TEST(a_lost_waiting_step_is_reported),
	CONTRACT_TEST(a_stray_waiting_step_is_reported),
	CONTRACT_TEST(a_forgotten_personal_part_is_no_damage),
	{ NULL, NULL },
};
