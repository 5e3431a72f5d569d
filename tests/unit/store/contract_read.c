/* Contract: reading the log, related events, backlog, and what a reader may see. */
#include "tests/unit/store/contract_internal.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/store/cmocka_all.h"

struct rows_seen {
	int64_t numbers[64];
	size_t count;
	size_t stop_at; /* 0: never */
	struct log_row last;
	char head[64];
};

static int keep(void *ctx, const struct log_row *row)
{
	struct rows_seen *seen = ctx;
	if (seen->count < 64)
		seen->numbers[seen->count] = row->number;
	seen->count++;
	seen->last = *row;
	return seen->count == seen->stop_at;
}

static void note(struct store_fixture *f, enum subject subject, int64_t id, struct str personal)
{
	struct record record = { .kind = subject == SUBJECT_SAGA ? RECORD_SAGA : RECORD_DAEMON,
							 .at_ms = T0 + 1,
							 .step = RECORD_NO_STEP,
							 .text = STR("started"),
							 .personal = personal };
	if (subject == SUBJECT_SAGA)
		fixture_record(&f->l, id, &record);
	else
		fixture_log(&f->l, subject, id, &record);
}

static void log_is_read_in_order_and_by_saga(void **state)
{
	struct store_fixture *f = *state;
	struct sample_saga sample = { .unrouted = true };
	fixture_put(&f->l, &sample); /* rows 1 and 2 */
	fixture_put(&f->l, &sample);
	for (int i = 0; i < 6; i++) { /* rows 3 to 20: saga 1, daemon 1, saga 2 */
		fixture_begin(&f->l);
		note(f, SUBJECT_SAGA, 1, STR("p"));
		note(f, SUBJECT_DAEMON, 1, STR(""));
		note(f, SUBJECT_SAGA, 2, STR(""));
		fixture_commit(&f->l);
	}
	struct store_reader r = fixture_reader(f);
	struct rows_seen all = { 0 };
	int64_t next = 0;
	must(r.log_read(r.ctx, 0, 0, 100, &all, keep, &next, &f->err), &f->err);
	assert_int_equal(all.count, 20);
	assert_int_equal(next, 20);
	for (size_t i = 0; i < 20; i++)
		assert_int_equal(all.numbers[i], i + 1);
	struct rows_seen of_one = { 0 };
	must(r.log_read(r.ctx, 1, 3, 3, &of_one, keep, &next, &f->err), &f->err);
	assert_int_equal(of_one.count, 3);
	assert_int_equal(of_one.numbers[0], 6);
	assert_int_equal(of_one.numbers[2], 12);
	assert_int_equal(next, 12);
	struct rows_seen stopped = { .stop_at = 2 };
	must(r.log_read(r.ctx, 0, 4, 100, &stopped, keep, &next, &f->err), &f->err);
	assert_int_equal(stopped.count, 2);
	assert_int_equal(next, 6);
	struct rows_seen none = { 0 };
	must(r.log_read(r.ctx, 0, 20, 100, &none, keep, &next, &f->err), &f->err);
	assert_int_equal(none.count, 0);
	assert_int_equal(next, 20);
	r.close(r.ctx);
}

static int check_row(void *ctx, const struct log_row *row)
{
	const struct store_fixture *f = ctx;
	uint8_t digest[32];
	assert_int_equal(row->commit, 2);
	assert_int_equal(row->subject, SUBJECT_SAGA);
	assert_int_equal(row->subject_id, 1);
	assert_int_equal(row->at_ms, T0 + 1);
	assert_true(row->personal.len > 0);
	store_personal_digest(row->salt, row->personal, digest);
	assert_memory_equal(digest, row->personal_digest, 32);
	struct records_reader records = records_read(row->head, row->personal, row->at_ms);
	struct record record;
	assert_int_equal(records_next(&records, &record, NULL), 1);
	assert_int_equal(record.kind, RECORD_SAGA);
	assert_true(str_is(record.personal, "Anna"));
	(void)f;
	return 0;
}

static void log_row_comes_back_whole(void **state)
{
	struct store_fixture *f = *state;
	struct sample_saga sample = { .unrouted = true };
	fixture_put(&f->l, &sample);
	fixture_begin(&f->l);
	note(f, SUBJECT_SAGA, 1, STR("Anna"));
	fixture_commit(&f->l);
	struct store_reader r = fixture_reader(f);
	int64_t next = 0;
	must(r.log_read(r.ctx, 0, 1, 10, f, check_row, &next, &f->err), &f->err);
	assert_int_equal(next, 2);
	r.close(r.ctx);
}

static void reader_sees_committed_data_only(void **state)
{
	struct store_fixture *f = *state;
	struct sample_saga s = { .unrouted = true };
	fixture_put(&f->l, &s);
	struct store_reader r = fixture_reader(f);
	struct saga *saga = NULL;
	fixture_begin(&f->l);
	int64_t id = fixture_add(&f->l, &s);
	assert_int_equal(r.saga_get(r.ctx, id, &saga, &f->err), ERR_NOT_FOUND);
	fixture_commit(&f->l);
	must(r.saga_get(r.ctx, id, &saga, &f->err), &f->err); /* with the reader that was opened before */
	assert_int_equal(saga->state, SAGA_UNROUTED);
	saga_destroy(saga);
	struct event *event = NULL;
	must(r.event_get(r.ctx, id, &event, &f->err), &f->err);
	assert_string_equal(event->f.event_id.p, "evt_1");
	event_unref(event);
	assert_int_equal(r.event_get(r.ctx, 99, &event, &f->err), ERR_NOT_FOUND);
	r.close(r.ctx);
}

static void readers_outlive_and_survive_the_writer(void **state)
{
	struct store_fixture *f = *state;
	struct sample_saga s = { .unrouted = true };
	fixture_put(&f->l, &s);
	struct store_reader r = fixture_reader(f);
	struct saga *saga = NULL;
	fixture_close(f);
	must(r.saga_get(r.ctx, 1, &saga, &f->err), &f->err);
	saga_destroy(saga);
	fixture_reopen(f);
	fixture_put(&f->l, &s);
	must(r.saga_get(r.ctx, 2, &saga, &f->err), &f->err);
	saga_destroy(saga);
	r.close(r.ctx);
}

static void a_store_without_a_daemon_can_be_read(void **state)
{
	struct store_fixture *f = *state;
	struct sample_saga s = { .unrouted = true };
	fixture_put(&f->l, &s);
	fixture_close(f);
	struct store_reader r = fixture_reader(f);
	struct saga *saga = NULL;
	must(r.saga_get(r.ctx, 1, &saga, &f->err), &f->err);
	saga_destroy(saga);
	r.close(r.ctx);
	fixture_reopen(f); /* the reader left nothing that hinders the daemon */
}

static void missing_store_is_not_found(void **state)
{
	struct store_fixture *f = *state;
	fixture_close(f);
	f->factory->fresh(f->factory->ctx);
	struct store_reader r;
	assert_int_equal(f->factory->open_reader(f->factory->ctx, &r, &f->err), ERR_NOT_FOUND);
}

struct related_seen {
	int64_t ids[8];
	size_t count;
};

static int keep_related(void *ctx, const struct related_row *row)
{
	struct related_seen *seen = ctx;
	assert_true(seen->count < 8);
	assert_string_equal(row->event->f.source.p, "stripe");
	seen->ids[seen->count++] = row->id;
	return 0;
}

static void related_events_and_targets_are_read(void **state)
{
	struct store_fixture *f = *state;
	struct sample_saga s = { .source = "stripe", .event_id = "r" };
	struct event *event = sample_event(&s);
	const uint8_t name[STORE_KEY_BYTES] = { 5 };
	must(f->l.w.begin(f->l.w.ctx, &f->err), &f->err);
	for (int64_t id = 1; id <= 4; id++) {
		struct related_row row = { .id = id, .saga = id % 2, .names = name, .name_count = 1, .event = event };
		must(f->l.w.related_insert(f->l.w.ctx, &row, &f->err), &f->err);
	}
	struct target_row target = { .id = 3, .name = "crm" };
	must(f->l.w.target_put(f->l.w.ctx, &target, &f->err), &f->err);
	must(f->l.w.commit(f->l.w.ctx, &f->err), &f->err);
	event_unref(event);
	struct store_reader r = fixture_reader(f);
	struct related_seen seen = { 0 };
	must(r.related_of(r.ctx, 1, &seen, keep_related, &f->err), &f->err);
	assert_int_equal(seen.count, 2);
	assert_int_equal(seen.ids[0], 1);
	assert_int_equal(seen.ids[1], 3);
	struct target_row *targets = NULL;
	size_t count = 0;
	must(r.targets(r.ctx, &targets, &count, &f->err), &f->err);
	assert_int_equal(count, 1);
	assert_string_equal(targets[0].name, "crm");
	free(targets);
	r.close(r.ctx);
}

static void backlog_counts_what_waits_by_age(void **state)
{
	struct store_fixture *f = *state;
	static const struct {
		uint32_t target;
		enum why why;
		int64_t age_ms;
	} steps[] = { { 1, WHY_SLOT, 0 },
				  { 1, WHY_DUE, 60000 },
				  { 1, WHY_LANE, 60001 },
				  { 1, WHY_SLOT, 600000 },
				  { 1, WHY_AFTER, 600000 },
				  { 2, WHY_SLOT, 600000 },
				  { 1, WHY_ATTENTION, 600000 /* needs an operator, so it is not in the backlog */ } };
	must(f->l.w.begin(f->l.w.ctx, &f->err), &f->err);
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		struct step_row row = { .saga = (int64_t)i + 1,
								.target = steps[i].target,
								.why = (uint8_t)steps[i].why,
								.has_lane = steps[i].why == WHY_LANE,
								.due_ms = T0 - (int64_t)i,
								.since_ms = T0 - steps[i].age_ms };
		must(f->l.w.row_put(f->l.w.ctx, &row, &f->err), &f->err);
	}
	must(f->l.w.commit(f->l.w.ctx, &f->err), &f->err);
	struct store_reader r = fixture_reader(f);
	const int64_t edges[] = { 0, 60000, 60001, 3600000 };
	int64_t counts[4] = { 9, 9, 9, 9 };
	must(r.backlog(r.ctx, 1, T0, edges, counts, 4, &f->err), &f->err);
	assert_int_equal(counts[0], 5);
	assert_int_equal(counts[1], 4);
	assert_int_equal(counts[2], 3);
	assert_int_equal(counts[3], 0);
	r.close(r.ctx);
}

const struct contract_test contract_read_tests[] = {
	CONTRACT_TEST(log_is_read_in_order_and_by_saga),
	CONTRACT_TEST(log_row_comes_back_whole),
	CONTRACT_TEST(reader_sees_committed_data_only),
	CONTRACT_TEST(readers_outlive_and_survive_the_writer),
	CONTRACT_TEST(a_store_without_a_daemon_can_be_read),
	CONTRACT_TEST(missing_store_is_not_found),
	CONTRACT_TEST(related_events_and_targets_are_read),
	CONTRACT_TEST(backlog_counts_what_waits_by_age),
	{ NULL, NULL },
};
