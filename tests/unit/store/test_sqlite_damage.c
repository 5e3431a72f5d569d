/* Rows that are damaged although SQLite reads them, and statements that fail. */
#include <string.h>

#include "saga/base/mem.h"
#include "saga/model/job.h"
#include "tests/unit/store/cmocka_all.h"
#include "tests/unit/store/sqlite_factory.h"
#include "tests/unit/store/store_fixture.h"

static struct sqlite_factory *sqlite_of(struct store_fixture *f)
{
	return f->factory->ctx;
}

/* Each of these rows would otherwise break an assertion of the code that reads it. */
static void damaged_rows_of_jobs_and_plans_are_errors(void **state)
{
	struct store_fixture *f = *state;
	static const char *const damages[] = { "verb = 'praise'", "position = -1", "created = 0", "rate = -1",
										   "rate_ms = 0" };
	for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
		struct job *back, *job = job_new();
		int64_t id = 0;
		job->created_ms = job->rate = job->rate_ms = 1;
		must(f->l.w.begin(f->l.w.ctx, &f->err), &f->err);
		must(f->l.w.job_put(f->l.w.ctx, job, &id, &f->err), &f->err);
		must(f->l.w.commit(f->l.w.ctx, &f->err), &f->err);
		char *sql AUTO_FREE = mem_printf("UPDATE job SET %s WHERE id = %lld", damages[i], (long long)id);
		sqlite_factory_sql(sqlite_of(f), sql);
		assert_int_equal(f->l.w.job_get(f->l.w.ctx, id, &back, &f->err), ERR_CORRUPT);
		job_destroy(job);
	}
	fixture_put_many(&f->l, 1);
	sqlite_factory_sql(sqlite_of(f), "UPDATE plan SET id = -1; UPDATE saga SET plan = -1");
	struct store_reader r = fixture_reader(f);
	struct saga *saga = NULL;
	assert_int_equal(r.saga_get(r.ctx, 1, &saga, &f->err), ERR_CORRUPT);
	r.close(r.ctx);
}

/* A damaged row says that nobody owns the key: it can be claimed again, and the store still opens. */
static void a_key_without_an_owner_can_be_claimed(void **state)
{
	struct store_fixture *f = *state;
	static const uint8_t key[STORE_KEY_BYTES] = { 1 };
	int64_t owner = 0;
	must(f->l.w.begin(f->l.w.ctx, &f->err), &f->err);
	must(f->l.w.key_claim(f->l.w.ctx, key, 5, 1, &owner, &f->err), &f->err);
	must(f->l.w.commit(f->l.w.ctx, &f->err), &f->err);
	sqlite_factory_sql(sqlite_of(f), "UPDATE key_new SET owner = 0");
	fixture_reopen(f);
	must(f->l.w.begin(f->l.w.ctx, &f->err), &f->err);
	must(f->l.w.key_find(f->l.w.ctx, key, &owner, &f->err), &f->err);
	assert_int_equal(owner, 0);
	must(f->l.w.key_claim(f->l.w.ctx, key, 6, 1, &owner, &f->err), &f->err);
	assert_int_equal(owner, 6);
	must(f->l.w.key_find(f->l.w.ctx, key, &owner, &f->err), &f->err);
	assert_int_equal(owner, 6);
	must(f->l.w.commit(f->l.w.ctx, &f->err), &f->err);
}

/* ---- statements that fail ---- */

static struct rejected_row rejected = {
	.source = STR("forms"), .until_ms = 1, .address = STR("a"), .url = STR("u")
};
static uint8_t key[STORE_KEY_BYTES] = { 1 }, fresh_key[STORE_KEY_BYTES] = { 2 };
static const uint8_t term[STORE_TERM_BYTES] = { 3 };
static struct key_reservation reservation = { .key = { 2 } };
static int64_t number;
static size_t count;
static bool yes;
static struct step_row step_row = { .saga = 7, .step = 1, .target = 1, .why = WHY_DUE, .has_lane = true };
static struct target_row target_row = { .id = 1, .name = "crm" };
static struct row_counting row_counting;
static struct saga_row saga_row;
static struct buf values;
static const int64_t seven = 7;
static struct chain_row chain_row = { .commit = 1000 };
static struct job *found_job;
static struct event *found_event;
static struct target_row *found_targets;

#define CALL(name, ...)                                                                                      \
	static int name##_fails(struct store_fixture *f)                                                         \
	{                                                                                                        \
		return f->l.w.name(f->l.w.ctx, __VA_ARGS__, &f->err);                                                \
	}
CALL(event_get, 7, &found_event)
CALL(key_claim, fresh_key, 9, 1, &number)
CALL(key_find, fresh_key, &number)
CALL(key_prune, 100, 10, &count)
CALL(keys_reserve, &reservation, 1)
CALL(key_transfer, key, 5, 6)
CALL(key_add_search, 7, &term, 1)
CALL(key_delete_search, 7, &term, 1)
CALL(related_attach, key, 7, NULL, NULL)
CALL(related_due, 1, &number, 1, &count, &number)
CALL(row_put, &step_row)
CALL(row_delete, 7, 1)
CALL(row_claimable, 1, 10, &step_row, 1, &count)
CALL(row_next_due, 1, &number)
CALL(row_lane_first, 1, step_row.lane, 0, &step_row)
CALL(row_due_beyond, 1, 0, &step_row, 1, &count)
CALL(row_with_lane, 1, NULL, &step_row, 1, &count)
CALL(row_count_page, 1, 10, &row_counting)
CALL(saga_live, 0, &number, 1, &count)
CALL(saga_range, 0, &saga_row, 1, &values, &count)
CALL(event_many, &seven, 1, &found_event)
CALL(target_put, &target_row)
CALL(target_all, &found_targets, &count)
CALL(job_get, 1, &found_job)
CALL(job_running, 0, &found_job)
CALL(rejected_put, &rejected, 10000, &yes)
CALL(rejected_delete, 1, &yes)
CALL(rejected_prune, 10, 10, &count)
CALL(chain_append, &chain_row)

static int related_insert_fails(struct store_fixture *f)
{
	struct sample_saga s = { 0 };
	struct related_row row = { .id = 5, .names = key, .name_count = 1, .event = sample_event(&s) };
	int rc = f->l.w.related_insert(f->l.w.ctx, &row, &f->err);
	event_unref(row.event);
	return rc;
}

static const struct {
	const char *table;
	int (*call)(struct store_fixture *f);
} cases[] = {
	{ "event", event_get_fails },
	{ "key", key_claim_fails },
	{ "key_new", key_claim_fails },
	{ "key", key_find_fails },
	{ "key", key_prune_fails },
	{ "key_new", key_prune_fails },
	{ "key", keys_reserve_fails },
	{ "key", key_transfer_fails },
	{ "key_new", key_transfer_fails },
	{ "key_new", key_add_search_fails },
	{ "key", key_delete_search_fails },
	{ "key_new", key_delete_search_fails },
	{ "related", related_insert_fails },
	{ "related_name", related_insert_fails },
	{ "related", related_attach_fails },
	{ "related_name", related_attach_fails },
	{ "related", related_due_fails },
	{ "step", row_put_fails },
	{ "step", row_delete_fails },
	{ "step", row_claimable_fails },
	{ "step", row_next_due_fails },
	{ "step", row_lane_first_fails },
	{ "step", row_due_beyond_fails },
	{ "step", row_with_lane_fails },
	{ "step", row_count_page_fails },
	{ "saga", saga_live_fails },
	{ "saga", saga_range_fails },
	{ "event", event_many_fails },
	{ "target", target_put_fails },
	{ "target", target_all_fails },
	{ "job", job_get_fails },
	{ "job", job_running_fails },
	{ "refused", rejected_put_fails },
	{ "refused_total", rejected_put_fails },
	{ "refused", rejected_delete_fails },
	{ "refused_total", rejected_delete_fails },
	{ "refused", rejected_prune_fails },
	{ "refused_total", rejected_prune_fails },
	{ "chain", chain_append_fails },
};

/* Without the table its statements fail, and each function of the writer that needs it says so. */
static void a_failed_statement_is_an_error(void **state)
{
	struct store_fixture *f = *state;
	must(f->l.w.begin(f->l.w.ctx, &f->err), &f->err);
	must(f->l.w.key_claim(f->l.w.ctx, key, 5, 1, &number, &f->err), &f->err);
	must(f->l.w.key_add_search(f->l.w.ctx, 7, &term, 1, &f->err), &f->err);
	must(f->l.w.rejected_put(f->l.w.ctx, &rejected, 10000, &yes, &f->err), &f->err);
	must(f->l.w.commit(f->l.w.ctx, &f->err), &f->err);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char *away AUTO_FREE = mem_printf("ALTER TABLE %s RENAME TO away", cases[i].table);
		char *back AUTO_FREE = mem_printf("ALTER TABLE away RENAME TO %s", cases[i].table);
		sqlite_factory_sql(sqlite_of(f), away);
		must(f->l.w.begin(f->l.w.ctx, &f->err), &f->err);
		f->err = (struct err){ 0 };
		if (cases[i].call(f) == 0)
			fail_msg("case %zu: no error without the table %s", i, cases[i].table);
		assert_true(f->err.text[0] != '\0');
		fixture_close(f);
		sqlite_factory_sql(sqlite_of(f), back);
		fixture_reopen(f);
	}
}

/* A payload of a refused request whose envelope this version does not know is not read as something else. */
static void a_refused_request_in_another_envelope_is_an_error(void **state)
{
	static const char *const columns[] = { "headers", "body" };
	struct store_fixture *f = *state;
	must(f->l.w.begin(f->l.w.ctx, &f->err), &f->err);
	must(f->l.w.rejected_put(f->l.w.ctx, &rejected, 10000, &yes, &f->err), &f->err);
	must(f->l.w.commit(f->l.w.ctx, &f->err), &f->err);
	for (size_t i = 0; i < 2; i++) {
		char *seal AUTO_FREE = mem_printf("UPDATE refused SET %s = x'01aa'", columns[i]);
		char *open AUTO_FREE = mem_printf("UPDATE refused SET %s = x'00'", columns[i]);
		int64_t next = 0;
		sqlite_factory_sql(sqlite_of(f), seal);
		struct store_reader r = fixture_reader(f);
		assert_int_equal(r.rejected_list(r.ctx, NULL, 0, 10, NULL, NULL, &next, &f->err), ERR_CORRUPT);
		assert_non_null(strstr(f->err.text, "refused request 1: the payload has the envelope 1"));
		r.close(r.ctx);
		sqlite_factory_sql(sqlite_of(f), open);
	}
}

/* An operator with several stores must see which one is damaged; a saga that decodes says nothing. */
static void a_damaged_saga_is_reported_with_its_store(void **state)
{
	struct store_fixture *f = *state;
	char *prefix AUTO_FREE = mem_printf("store %s: saga 2: ", sqlite_of(f)->path);
	fixture_put_many(&f->l, 2);
	f->factory->harm(f->factory->ctx, DAMAGE_SAGA_VALUE, 2);
	struct store_reader r = fixture_reader(f);
	struct saga *s = NULL;
	f->err = (struct err){ 0 };
	must(r.saga_get(r.ctx, 1, &s, &f->err), &f->err);
	saga_destroy(s);
	assert_string_equal(f->err.text, "");
	assert_int_equal(r.saga_get(r.ctx, 2, &s, &f->err), ERR_CORRUPT);
	assert_memory_equal(f->err.text, prefix, strlen(prefix));
	r.close(r.ctx);
}

#define TEST(function)                                                                                       \
	{ .name = #function,                                                                                     \
	  .test_func = (function),                                                                               \
	  .setup_func = fixture_setup,                                                                           \
	  .teardown_func = fixture_teardown,                                                                     \
	  .initial_state = &factory }

int main(void)
{
	struct sqlite_factory sqlite;
	sqlite_factory_init(&sqlite);
	struct store_factory factory = sqlite_factory_of(&sqlite);
	const struct CMUnitTest tests[] = {
		TEST(damaged_rows_of_jobs_and_plans_are_errors),         TEST(a_failed_statement_is_an_error),
		TEST(a_refused_request_in_another_envelope_is_an_error), TEST(a_key_without_an_owner_can_be_claimed),
		TEST(a_damaged_saga_is_reported_with_its_store),
	};
	int failed = cmocka_run_group_tests_name("damaged rows of a sqlite store", tests, NULL, NULL);
	sqlite_factory_finish(&sqlite);
	return failed;
}
