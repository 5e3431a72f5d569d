/* Jobs (bulk operations). There are few rows; the journal writes a job once for each slice of its work. */
#include "saga/store/sqlite/read.h"
#include "saga/store/sqlite/write.h"

#include <stdlib.h>

#include "saga/base/mem.h"

/* Binds JOB_COLUMNS in their order. */
static void bind_job(struct db_query *q, const struct job *job)
{
	if (job->id != 0)
		query_int(q, job->id);
	else
		query_null(q);
	query_int(q, job->state);
	query_text(q, str_of(name_of_verb(job->verb)));
	query_int(q, job->redo_in_doubt);
	query_text(q, str_of(job->filter));
	query_text(q, str_of(job->actor));
	query_text(q, str_of(job->note));
	const int64_t figures[] = { job->rate,     job->rate_ms,  job->created_ms, job->finished_ms, job->upto,
								job->position, job->expected, job->matched,    job->moved,       job->steps,
								job->in_doubt, job->refused,  job->passed_over };
	for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++)
		query_int(q, figures[i]);
	query_text(q, str_of(job->held));
	query_text(q, str_of(job->error));
}

static void column_text(struct db_query *q, int column, char **slot)
{
	struct str text = column_bytes(q, column);
	free(*slot);
	*slot = mem_strndup(text.len > 0 ? text.p : "", text.len);
}

/* What the code that runs jobs relies on; a row that breaks it is damaged. */
static const char *job_fault(const struct job *job)
{
	if ((int)job->verb < 0)
		return "has no verb that this program knows";
	if (job->position < 0 || job->created_ms <= 0)
		return "has a position or a time that no job has";
	if (job->rate < 0 || (job->rate > 0 && job->rate_ms <= 0))
		return "has a rate that no job has";
	return NULL;
}

/* Reads JOB_COLUMNS. */
static int column_job(struct db_query *q, struct job **ret, struct err *err)
{
	struct job *job = job_new();
	job->id = column_int(q, 0);
	job->state = (enum job_state)column_int(q, 1);
	char *verb_text = mem_strdup("");
	column_text(q, 2, &verb_text);
	job->verb = (enum verb)name_to_verb(verb_text);
	free(verb_text);
	job->redo_in_doubt = column_int(q, 3) != 0;
	column_text(q, 4, &job->filter);
	column_text(q, 5, &job->actor);
	column_text(q, 6, &job->note);
	int64_t *const figures[] = { &job->rate,       &job->rate_ms,  &job->created_ms, &job->finished_ms,
								 &job->upto,       &job->position, &job->expected,   &job->matched,
								 &job->moved,      &job->steps,    &job->in_doubt,   &job->refused,
								 &job->passed_over };
	int column = 7;
	for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++)
		*figures[i] = column_int(q, column++);
	column_text(q, column++, &job->held);
	column_text(q, column, &job->error);
	const char *fault = job_fault(job);
	if (fault != NULL) {
		int rc = err_set(err, ERR_CORRUPT, "store %s: job %lld %s", q->db->path, (long long)job->id, fault);
		job_destroy(job);
		return rc;
	}
	*ret = job;
	return 0;
}

/* *ret is NULL when the query has no further row. */
static int job_of(struct db_query *q, struct job **ret, struct err *err)
{
	*ret = NULL;
	int rc = query_next(q, err);
	return rc == 1 ? column_job(q, ret, err) : rc;
}

static int get_job(struct db *db, size_t which, int64_t id, struct job **ret, struct err *err)
{
	struct db_query AUTO_QUERY q = query_begin(db, which);
	query_int(&q, id);
	int rc = job_of(&q, ret, err);
	if (rc == 0 && *ret == NULL)
		return err_set(err, ERR_NOT_FOUND, "there is no job %lld", (long long)id);
	return rc;
}

static int get_running_job(struct db *db, size_t which, int64_t after, struct job **ret, struct err *err)
{
	struct db_query AUTO_QUERY q = query_begin(db, which);
	query_int(&q, after);
	return job_of(&q, ret, err);
}

/* ---- the writer ---- */

static int jobs_put(void *ctx, const struct job *job, int64_t *ret_id, struct err *err)
{
	struct sqlite_writer *w = ctx;
	struct db_query AUTO_QUERY q = query_begin(&w->db, W_JOB_PUT);
	bind_job(&q, job);
	int rc = query_run(&q, err);
	if (rc == 0)
		*ret_id = sqlite3_last_insert_rowid(w->db.handle);
	return rc;
}

static int jobs_get(void *ctx, int64_t id, struct job **ret, struct err *err)
{
	struct sqlite_writer *w = ctx;
	return get_job(&w->db, W_JOB_GET, id, ret, err);
}

static int jobs_running(void *ctx, int64_t after, struct job **ret, struct err *err)
{
	struct sqlite_writer *w = ctx;
	return get_running_job(&w->db, W_JOB_RUNNING, after, ret, err);
}

void jobs_ops(struct store_writer *ops)
{
	ops->job_put = jobs_put;
	ops->job_get = jobs_get;
	ops->job_running = jobs_running;
}

/* ---- the reader ---- */

/* On error the jobs read so far are destroyed. */
static int reader_job_list(void *ctx, int64_t before, struct job **jobs, size_t capacity, size_t *ret,
						   struct err *err)
{
	struct sqlite_reader *r = ctx;
	read_slice(r);
	struct db_query AUTO_QUERY q = query_begin(&r->db, R_JOBS);
	query_int(&q, before);
	query_int(&q, (int64_t)capacity);
	size_t used = 0;
	int rc = 0;
	for (struct job *job; (rc = job_of(&q, &job, err)) == 0 && job != NULL;)
		jobs[used++] = job;
	while (rc != 0 && used > 0)
		job_destroy(jobs[--used]);
	*ret = used;
	return rc;
}

static int reader_job_get(void *ctx, int64_t id, struct job **ret, struct err *err)
{
	struct sqlite_reader *r = ctx;
	read_slice(r);
	return get_job(&r->db, R_JOB_GET, id, ret, err);
}

static int reader_job_running(void *ctx, int64_t after, struct job **ret, struct err *err)
{
	struct sqlite_reader *r = ctx;
	read_slice(r);
	return get_running_job(&r->db, R_JOB_RUNNING, after, ret, err);
}

void jobs_read_ops(struct store_reader *ops)
{
	ops->job_list = reader_job_list;
	ops->job_get = reader_job_get;
	ops->job_running = reader_job_running;
}
