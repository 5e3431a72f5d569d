/* Contract: jobs. */
#include "tests/unit/store/contract_internal.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/store/cmocka_all.h"

#define W(f) ((f)->l.w)

static void set(char **slot, const char *text)
{
	free(*slot);
	*slot = strdup(text);
}

static struct job *sample_job(void)
{
	struct job *job = job_new();
	job->state = JOB_RUNNING;
	job->verb = VERB_COMPENSATE;
	job->redo_in_doubt = true;
	set(&job->filter, "donor=anna%40example.org&state=attention");
	set(&job->actor, "uid 7 (anna)");
	set(&job->note, "the fund is closed");
	set(&job->held, "{\"crm\":3}");
	set(&job->error, "none");
	int64_t *const figures[] = { &job->rate,       &job->rate_ms,  &job->created_ms, &job->finished_ms,
								 &job->upto,       &job->position, &job->expected,   &job->matched,
								 &job->moved,      &job->steps,    &job->in_doubt,   &job->refused,
								 &job->passed_over };
	for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++)
		*figures[i] = T0 + (int64_t)i;
	return job;
}

static void assert_same(const struct job *a, const struct job *b)
{
	assert_int_equal(a->state, b->state);
	assert_int_equal(a->verb, b->verb);
	assert_int_equal(a->redo_in_doubt, b->redo_in_doubt);
	assert_string_equal(a->filter, b->filter);
	assert_string_equal(a->actor, b->actor);
	assert_string_equal(a->note, b->note);
	assert_string_equal(a->held, b->held);
	assert_string_equal(a->error, b->error);
	const int64_t left[] = { a->rate,     a->rate_ms,  a->created_ms, a->finished_ms, a->upto,
							 a->position, a->expected, a->matched,    a->moved,       a->steps,
							 a->in_doubt, a->refused,  a->passed_over };
	const int64_t right[] = { b->rate,     b->rate_ms,  b->created_ms, b->finished_ms, b->upto,
							  b->position, b->expected, b->matched,    b->moved,       b->steps,
							  b->in_doubt, b->refused,  b->passed_over };
	assert_memory_equal(left, right, sizeof left);
}

static int64_t put(struct store_fixture *f, const struct job *job)
{
	int64_t id = 0;
	must(W(f).begin(W(f).ctx, &f->err), &f->err);
	must(W(f).job_put(W(f).ctx, job, &id, &f->err), &f->err);
	must(W(f).commit(W(f).ctx, &f->err), &f->err);
	return id;
}

static void jobs_are_kept(void **state)
{
	struct store_fixture *f = *state;
	struct job *job = sample_job();
	assert_int_equal(put(f, job), 1);
	job->id = 1;
	job->position = 12;
	set(&job->held, "");
	assert_int_equal(put(f, job), 1); /* replaced */
	fixture_reopen(f);
	struct job *back = NULL;
	must(W(f).job_get(W(f).ctx, 1, &back, &f->err), &f->err);
	assert_same(back, job);
	job_destroy(back);
	struct store_reader r = fixture_reader(f);
	must(r.job_get(r.ctx, 1, &back, &f->err), &f->err);
	assert_same(back, job);
	job_destroy(back);
	assert_int_equal(r.job_get(r.ctx, 2, &back, &f->err), ERR_NOT_FOUND);
	assert_int_equal(W(f).job_get(W(f).ctx, 2, &back, &f->err), ERR_NOT_FOUND);
	r.close(r.ctx);
	job_destroy(job);
}

static void a_rollback_takes_the_job_with_it(void **state)
{
	struct store_fixture *f = *state;
	struct job *job = sample_job();
	must(W(f).begin(W(f).ctx, &f->err), &f->err);
	int64_t id = 0;
	must(W(f).job_put(W(f).ctx, job, &id, &f->err), &f->err);
	must(W(f).rollback(W(f).ctx, &f->err), &f->err);
	struct job *back = NULL;
	assert_int_equal(W(f).job_get(W(f).ctx, id, &back, &f->err), ERR_NOT_FOUND);
	job_destroy(job);
}

static void running_ones_and_the_list(void **state)
{
	struct store_fixture *f = *state;
	struct job *job = sample_job();
	for (int i = 1; i <= 5; i++) {
		job->state = i % 2 == 0 ? JOB_RUNNING : JOB_DONE;
		assert_int_equal(put(f, job), i);
	}
	struct store_reader r = fixture_reader(f);
	int64_t after = 0;
	for (int64_t wanted = 2; wanted <= 4; wanted += 2) {
		struct job *by_writer = NULL;
		struct job *by_reader = NULL;
		must(W(f).job_running(W(f).ctx, after, &by_writer, &f->err), &f->err);
		must(r.job_running(r.ctx, after, &by_reader, &f->err), &f->err);
		assert_int_equal(by_writer->id, wanted);
		assert_int_equal(by_reader->id, wanted);
		after = wanted;
		job_destroy(by_writer);
		job_destroy(by_reader);
	}
	struct job *none = job;
	must(W(f).job_running(W(f).ctx, after, &none, &f->err), &f->err);
	assert_null(none);
	struct job *page[3];
	size_t count = 0;
	must(r.job_list(r.ctx, INT64_MAX, page, 3, &count, &f->err), &f->err);
	assert_int_equal(count, 3);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(page[i]->id, 5 - (int64_t)i);
		job_destroy(page[i]);
	}
	must(r.job_list(r.ctx, 3, page, 3, &count, &f->err), &f->err);
	assert_int_equal(count, 2);
	for (size_t i = 0; i < count; i++)
		job_destroy(page[i]);
	r.close(r.ctx);
	job_destroy(job);
}

const struct contract_test contract_jobs_tests[] = {
	CONTRACT_TEST(jobs_are_kept),
	CONTRACT_TEST(a_rollback_takes_the_job_with_it),
	CONTRACT_TEST(running_ones_and_the_list),
	{ NULL, NULL },
};
