/* The shape of the store (saga/DESIGN.md "Shape of the store"): each thing that exists is written and read back through
 * the port, and lies in its table. check_shape.py compares the document with the tables. */
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "saga/base/mem.h"
#include "saga/model/envelope.h"
#include "saga/model/figure_ids.h"
#include "saga/model/tally.h"
#include "saga/store/sqlite/schema.h"
#include "tests/unit/store/cmocka_all.h"
#include "tests/unit/store/sqlite_factory.h"
#include "tests/unit/store/store_fixture.h"

static struct sqlite_factory *sqlite_of(struct store_fixture *f)
{
	return f->factory->ctx;
}

/* ---- asking SQLite ---- */

/* The rows of a query, one a line, columns with a point between them. The caller frees it. */
static char *ask(struct store_fixture *f, const char *sql)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *st = NULL;
	struct buf out = { 0 };
	assert_int_equal(sqlite3_open_v2(sqlite_of(f)->path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	while (sqlite3_step(st) == SQLITE_ROW) {
		for (int i = 0; i < sqlite3_column_count(st); i++)
			buf_printf(&out, "%s%s", i > 0 ? "." : "", (const char *)sqlite3_column_text(st, i));
		buf_byte(&out, '\n');
	}
	assert_int_equal(sqlite3_finalize(st), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	return out.len > 0 ? buf_take(&out) : mem_strdup("");
}

/* ---- one of each thing ---- */

#define WORDS "no compression finds anything in these 12345 bytes 67890"
static const uint8_t early_name[STORE_KEY_BYTES] = { 1, 2, 3 };
static const uint8_t other_name[STORE_KEY_BYTES] = { 4, 5, 6 };
static const uint8_t term[1][STORE_TERM_BYTES] = { { 7, 8, 9 } };

static struct event *special_event(void)
{
	struct event_fields f = { .source = STR("forms"),
							  .event_id = STR("evt_2"),
							  .type = STR("donation.created"),
							  .gift = STR("gift-2"),
							  .donor = STR("anna@example.org"),
							  .content_type = STR("text/plain"),
							  .raw = STR(WORDS),
							  .canonical = STR("{\"id\":\"evt_2\",\"type\":\"donation.created\"}"),
							  .decoding = STR("charset=iso-8859-1"),
							  .request = 77,
							  .item = 3 };
	return event_create(&f, T0);
}

/* Saga 1 has a step that runs and one that waits on disk, saga 2 is at rest. */
static void write_sagas(struct store_fixture *f)
{
	struct plan *plan = plan_of((const char *const[]){ "crm", "mail" }, 2);
	struct sample_saga waits = { .plan = plan,
								 .steps = { step_running(), step_on_disk(WHY_DUE, T0 + 60000) } };
	struct sample_saga rests = { .plan = plan, .event_id = "evt_2", .gift = "gift-2" };
	(void)fixture_add(&f->l, &waits);
	(void)fixture_add(&f->l, &rests);
	plan_unref(plan);
	struct event *event = special_event();
	must(f->l.w.event_replace(f->l.w.ctx, 2, event, &f->err), &f->err);
	event_unref(event);
	struct step_row row = { .saga = 1,
							.step = 1,
							.target = 2,
							.why = WHY_DUE,
							.has_lane = true,
							.lane = { 9 },
							.due_ms = T0 + 60000,
							.since_ms = T0 };
	must(f->l.w.row_put(f->l.w.ctx, &row, &f->err), &f->err);
}

/* Related event 1 belongs to saga 1, 2 waits. */
static void write_related(struct store_fixture *f)
{
	uint8_t names[2 * STORE_KEY_BYTES];
	memcpy(names, early_name, sizeof early_name);
	memcpy(names + STORE_KEY_BYTES, other_name, sizeof other_name);
	struct event *event = special_event();
	struct related_row rows[] = {
		{ .id = 1, .saga = 1, .own = 2, .names = names, .name_count = 1, .due_ms = T0, .event = event },
		{ .id = 2, .names = names, .name_count = 2, .due_ms = T0 + 1000, .event = event },
	};
	for (size_t i = 0; i < 2; i++)
		must(f->l.w.related_insert(f->l.w.ctx, &rows[i], &f->err), &f->err);
	event_unref(event);
}

/* Claims enough keys that the first ones have been moved to the sorted table `key`. */
static void write_keys(struct store_fixture *f)
{
	int64_t owner = 0;
	must(f->l.w.key_claim(f->l.w.ctx, early_name, 1, 19000, &owner, &f->err), &f->err);
	must(f->l.w.key_transfer(f->l.w.ctx, early_name, 1, 2, &f->err), &f->err);
	must(f->l.w.key_add_search(f->l.w.ctx, 2, term, 1, &f->err), &f->err);
	for (int64_t i = 1; i <= 80000; i++) {
		uint8_t key[STORE_KEY_BYTES];
		char *id AUTO_FREE = mem_printf("%lld", (long long)i);
		store_gift_key("shape", id, key);
		must(f->l.w.key_claim(f->l.w.ctx, key, 2, 19000, &owner, &f->err), &f->err);
	}
}

static struct job *special_job(void)
{
	return job_copy(&(struct job){ .state = JOB_RUNNING,
								   .verb = VERB_RESUME,
								   .redo_in_doubt = true,
								   .filter = (char[]){ "target=crm" },
								   .actor = (char[]){ "uid 1000" },
								   .note = (char[]){ "a note" },
								   .rate = 1,
								   .rate_ms = 2,
								   .created_ms = 3,
								   .finished_ms = 4,
								   .upto = 5,
								   .position = 6,
								   .expected = 7,
								   .matched = 8,
								   .moved = 9,
								   .steps = 10,
								   .in_doubt = 11,
								   .refused = 12,
								   .passed_over = 13,
								   .held = (char[]){ "{}" },
								   .error = (char[]){ "an error" } });
}

static void write_small_tables(struct store_fixture *f)
{
	struct target_row target = { .id = 1,
								 .name = "crm",
								 .paused = true,
								 .held = true,
								 .held_reason = "credentials: expired",
								 .changed_ms = T0,
								 .breaker_not_closed = true };
	must(f->l.w.target_put(f->l.w.ctx, &target, &f->err), &f->err);
	int64_t id = 0;
	struct job *job = special_job();
	must(f->l.w.job_put(f->l.w.ctx, job, &id, &f->err), &f->err);
	job_destroy(job);
	struct rejected_row refused = { .source = STR("forms"),
									.received_ms = T0,
									.wall_ms = T0 + 1,
									.until_ms = T0 + 2,
									.address = STR("192.0.2.1"),
									.url = STR("/in/forms"),
									.headers = STR("headers"),
									.body = STR("body") };
	bool kept = false;
	must(f->l.w.rejected_put(f->l.w.ctx, &refused, 1000, &kept, &f->err), &f->err);
	assert_true(kept);
}

static void write_figures(struct store_fixture *f, struct buf *counters, struct buf *marks)
{
	struct tally figures = { 0 };
	tally_add(&figures, FIGURE_ACCEPTED, 2);
	tally_full(&figures, counters);
	tally_free(&figures);
	tally_add(&figures, figure_of_mark(0, MARK_LOW), 3);
	tally_add(&figures, figure_of_mark(0, MARK_REACH), 2);
	tally_full(&figures, marks);
	tally_free(&figures);
	f->l.chain.counters = buf_str(counters);
	f->l.chain.marks = buf_str(marks);
}

static int setup(void **state)
{
	int rc = fixture_setup(state);
	struct store_fixture *f = *state;
	struct buf AUTO_BUF counters = { 0 };
	struct buf AUTO_BUF marks = { 0 };
	fixture_begin(&f->l);
	write_sagas(f);
	write_related(f);
	write_keys(f);
	write_small_tables(f);
	write_figures(f, &counters, &marks);
	fixture_commit(&f->l);
	return rc;
}

/* ---- reading it back ---- */

static void is_special_event(struct event *event)
{
	struct event *wanted = special_event();
	assert_non_null(event);
	assert_true(str_eq(event->f.raw, wanted->f.raw));
	assert_true(str_eq(event->f.canonical, wanted->f.canonical));
	assert_true(str_eq(event->f.event_id, wanted->f.event_id));
	assert_true(str_eq(event->f.donor, wanted->f.donor));
	assert_true(str_eq(event->f.decoding, wanted->f.decoding));
	assert_int_equal(event->f.request, wanted->f.request);
	assert_int_equal(event->f.item, wanted->f.item);
	assert_int_equal(event->version, EVENT_FIRST_VERSION);
	assert_int_equal(event->received_ms, T0);
	event_unref(wanted);
	event_unref(event);
}

static void read_event(struct store_fixture *f, struct store_reader *r)
{
	struct event *event = NULL;
	must(r->event_get(r->ctx, 2, &event, &f->err), &f->err);
	is_special_event(event);
}

static void read_saga(struct store_fixture *f, struct store_reader *r)
{
	struct saga *saga = NULL;
	must(r->saga_get(r->ctx, 1, &saga, &f->err), &f->err);
	assert_string_equal(saga->plan->steps[0].target, "crm");
	assert_int_equal(saga->steps[1].due_ms, T0 + 60000);
	assert_int_equal(saga->created_ms, T0);
	assert_int_equal(saga->state, SAGA_RUNNING);
	saga_destroy(saga);
}

static void read_key(struct store_fixture *f, struct store_reader *r)
{
	int64_t owner = 0;
	int64_t found = 0;
	size_t count = 0;
	must(f->l.w.key_find(f->l.w.ctx, early_name, &owner, &f->err), &f->err);
	assert_int_equal(owner, 2);
	must(r->key_search(r->ctx, term[0], INT64_MAX, &found, 1, &count, &f->err), &f->err);
	assert_int_equal(count, 1);
	assert_int_equal(found, 2);
}

static void read_related(struct store_fixture *f, struct store_reader *r)
{
	(void)r;
	struct related_row row = { 0 };
	must(f->l.w.related_get(f->l.w.ctx, 1, &row, &f->err), &f->err);
	assert_int_equal(row.saga, 1);
	assert_int_equal(row.own, 2);
	is_special_event(row.event);
	int64_t id = 0;
	size_t count = 0;
	int64_t next_ms = 0;
	must(f->l.w.related_due(f->l.w.ctx, T0 + 1000, &id, 1, &count, &next_ms, &f->err), &f->err);
	assert_int_equal(id, 2);
}

static void count_attached(void *ctx, const struct related_row *row)
{
	assert_int_equal(row->name_count, 2);
	*(int *)ctx += 1;
}

/* Found by the second of its names. */
static void read_related_name(struct store_fixture *f, struct store_reader *r)
{
	(void)r;
	int count = 0;
	must(f->l.w.begin(f->l.w.ctx, &f->err), &f->err);
	must(f->l.w.related_attach(f->l.w.ctx, other_name, 1, &count, count_attached, &f->err), &f->err);
	must(f->l.w.rollback(f->l.w.ctx, &f->err), &f->err);
	assert_int_equal(count, 1);
}

static int check_log_row(void *ctx, const struct log_row *row)
{
	int *rows = ctx;
	*rows += 1;
	assert_int_equal(row->commit, 1);
	assert_int_equal(row->subject, SUBJECT_SAGA);
	assert_int_equal(row->subject_id, *rows);
	assert_true(row->head.len > 0 && row->personal.len > 1);
	uint8_t digest[32];
	store_personal_digest(row->salt, row->personal, digest);
	assert_memory_equal(digest, row->personal_digest, sizeof digest);
	return 0;
}

static void read_log(struct store_fixture *f, struct store_reader *r)
{
	int rows = 0;
	int64_t next = 0;
	must(r->log_read(r->ctx, 0, 0, 10, &rows, check_log_row, &next, &f->err), &f->err);
	assert_int_equal(rows, 2);
}

static void read_chain(struct store_fixture *f, struct store_reader *r)
{
	struct store_figures figures = { 0 };
	must(r->figures(r->ctx, &figures, &f->err), &f->err);
	assert_int_equal(tally_value(&figures.counters, FIGURE_ACCEPTED), 2);
	assert_int_equal(tally_value(&figures.marks, figure_of_mark(0, MARK_LOW)), 3);
	assert_int_equal(figures.last_row, 2);
	store_figures_free(&figures);
	struct store_head head = { 0 };
	must(f->l.w.head(f->l.w.ctx, &head, &f->err), &f->err);
	assert_memory_equal(head.chain.digest, f->l.chain.digest, sizeof head.chain.digest);
	assert_int_equal(head.last_saga, 2);
	store_figures_free(&head.figures);
}

static void read_step(struct store_fixture *f, struct store_reader *r)
{
	(void)r;
	struct step_row row = { 0 };
	static const uint8_t lane[LANE_BYTES] = { 9 };
	must(f->l.w.row_lane_first(f->l.w.ctx, 2, lane, 0, &row, &f->err), &f->err);
	assert_int_equal(row.saga, 1);
	assert_int_equal(row.due_ms, T0 + 60000);
	assert_int_equal(row.since_ms, T0);
}

static void read_target(struct store_fixture *f, struct store_reader *r)
{
	struct target_row *rows = NULL;
	size_t count = 0;
	must(r->targets(r->ctx, &rows, &count, &f->err), &f->err);
	assert_int_equal(count, 1);
	assert_true(rows[0].paused && rows[0].held && rows[0].breaker_not_closed);
	assert_string_equal(rows[0].held_reason, "credentials: expired");
	free(rows);
}

static void read_job(struct store_fixture *f, struct store_reader *r)
{
	struct job *job = NULL;
	must(r->job_get(r->ctx, 1, &job, &f->err), &f->err);
	assert_string_equal(job->filter, "target=crm");
	assert_int_equal(job->passed_over, 13);
	job_destroy(job);
}

static int check_refused(void *ctx, const struct rejected_row *row)
{
	*(int *)ctx += 1;
	assert_true(str_is(row->body, "body") && str_is(row->address, "192.0.2.1"));
	return 0;
}

static void read_refused(struct store_fixture *f, struct store_reader *r)
{
	int rows = 0;
	int64_t next = 0;
	must(r->rejected_list(r->ctx, "forms", 0, 10, &rows, check_refused, &next, &f->err), &f->err);
	assert_int_equal(rows, 1);
}

/* `stored`: SQL that says 1 when the value lies where it should. */
static const struct thing {
	const char *table;
	void (*read)(struct store_fixture *f, struct store_reader *r);
	const char *stored;
} things[] = {
	{ "event", read_event, "SELECT version = 1 AND substr(payload, 1, 1) = x'00' FROM event WHERE saga = 2" },
	{ "saga", read_saga, "SELECT length(value) > 20 AND part = 0 FROM saga WHERE id = 1" },
	{ "plan", read_saga, "SELECT json LIKE '%crm%' FROM plan" },
	{ "key_new", read_key, "SELECT count(*) BETWEEN 1 AND 70000 FROM key_new" },
	{ "key", read_key,
	  "SELECT count(*) = 2 FROM key WHERE digest = x'01020300000000000000000000000000' AND owner = 2 OR "
	  "digest = x'07080900000000000000000000000002' AND owner = 0" },
	{ "related", read_related,
	  "SELECT own = 2 AND length(names) = 16 AND substr(payload, 1, 1) = x'00' FROM related WHERE id = 1" },
	{ "related_name", read_related_name,
	  "SELECT count(*) = 2 FROM related_name WHERE part = 0 AND related = 2" },
	{ "step", read_step, "SELECT part = 0 AND length(lane) = 16 FROM step WHERE saga = 1" },
	{ "target", read_target, "SELECT name = 'crm' AND breaker_away = 1 FROM target" },
	{ "log", read_log, "SELECT count(*) = 2 FROM log WHERE substr(personal, 1, 1) = x'00'" },
	{ "chain", read_chain, "SELECT first = 1 AND last = 2 AND length(marks) > 0 FROM chain" },
	{ "job", read_job, "SELECT filter = 'target=crm' FROM job" },
	{ "refused", read_refused, "SELECT body = x'00626f6479' AND substr(headers, 1, 1) = x'00' FROM refused" },
	{ "refused_total", read_refused, "SELECT bytes > 256 FROM refused_total" },
};

static void each_thing_is_written_and_read(void **state)
{
	struct store_fixture *f = *state;
	struct store_reader r = fixture_reader(f);
	assert_int_equal(sizeof things / sizeof things[0], SCHEMA_TABLE_COUNT);
	for (size_t i = 0; i < SCHEMA_TABLE_COUNT; i++) {
		const struct thing *thing = NULL;
		for (size_t k = 0; k < SCHEMA_TABLE_COUNT; k++)
			if (strcmp(things[k].table, schema_tables[i].name) == 0)
				thing = &things[k];
		if (thing == NULL)
			fail_msg("nothing is said of table %s", schema_tables[i].name);
		char *stored AUTO_FREE = ask(f, thing->stored);
		if (strcmp(stored, "1\n") != 0)
			fail_msg("table %s: %s: %s", thing->table, thing->stored, stored);
		thing->read(f, &r);
	}
	r.close(r.ctx);
}

static void is_filled(struct store_fixture *f, const char *table, const char *column)
{
	char *sql AUTO_FREE =
		mem_printf("SELECT count(*) > 0 FROM %s WHERE \"%s\" IS NOT NULL AND \"%s\" NOT IN (0, '', x'')",
				   table, column, column);
	char *filled AUTO_FREE = ask(f, sql);
	if (strcmp(filled, "1\n") != 0)
		fail_msg("nothing is written to %s.%s", table, column);
}

/* The values above were written through the port, so each column is of use. head_digest is for the rows whose head
 * retention empties. */
static void every_column_is_filled(void **state)
{
	struct store_fixture *f = *state;
	for (size_t i = 0; i < SCHEMA_TABLE_COUNT; i++) {
		const char *table = schema_tables[i].name;
		char *sql AUTO_FREE = mem_printf(
			"SELECT name FROM pragma_table_info('%s') WHERE name NOT IN ('part', 'head_digest')", table);
		char *columns AUTO_FREE = ask(f, sql);
		char *rest = columns;
		for (char *column; (column = strtok_r(rest, "\n", &rest)) != NULL;)
			is_filled(f, table, column);
	}
}

#define TEST(function)                                                                                       \
	{ .name = #function,                                                                                     \
	  .test_func = (function),                                                                               \
	  .setup_func = setup,                                                                                   \
	  .teardown_func = fixture_teardown,                                                                     \
	  .initial_state = &factory }

int main(void)
{
	struct sqlite_factory sqlite;
	sqlite_factory_init(&sqlite);
	struct store_factory factory = sqlite_factory_of(&sqlite);
	const struct CMUnitTest tests[] = {
		TEST(each_thing_is_written_and_read),
		TEST(every_column_is_filled),
	};
	int failed = cmocka_run_group_tests_name("shape", tests, NULL, NULL);
	sqlite_factory_finish(&sqlite);
	return failed;
}
