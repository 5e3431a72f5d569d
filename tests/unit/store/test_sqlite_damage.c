/* Rows that are damaged although SQLite reads them. */
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
	sqlite_factory_sql(sqlite_of(f), "UPDATE claim_new SET owner = 0");
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
		TEST(damaged_rows_of_jobs_and_plans_are_errors),
		TEST(a_key_without_an_owner_can_be_claimed),
	};
	int failed = cmocka_run_group_tests_name("damaged rows of a sqlite store", tests, NULL, NULL);
	sqlite_factory_finish(&sqlite);
	return failed;
}
