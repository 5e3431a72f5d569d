/* GET /v1/jobs…: the list of jobs, one job, and the lines of a job as it runs. */
#include <stdlib.h>

#include "gateway/admin/jobs/jobs.h"
#include "gateway/admin/json.h"
#include "gateway/admin/views/job_json.h"
#include "gateway/admin/views/views.h"
#include "saga/base/mem.h"

#define PAGE_JOBS 64 /* jobs for each piece of the list; chosen, no measurement */

/* ---- list ---- */

struct job_stream {
	struct store_reader reader;
	int64_t before;
	int64_t left; /* how many more jobs the caller wants; -1: all */
};

static int job_stream_more(void *stream, struct buf *out, struct err *err)
{
	struct job_stream *s = stream;
	struct job *page[PAGE_JOBS];
	size_t want = s->left >= 0 && s->left < PAGE_JOBS ? (size_t)s->left : PAGE_JOBS;
	size_t count = 0;
	int rc = want > 0 ? s->reader.job_list(s->reader.ctx, s->before, page, want, &count, err) : 0;
	for (size_t i = 0; i < count; i++) {
		s->before = page[i]->id;
		admin_json_line(out, admin_json_cursor(job_json(page[i]), STORE_LIST_JOBS, page[i]->id));
		job_destroy(page[i]);
	}
	if (s->left >= 0)
		s->left -= (int64_t)count;
	return rc != 0 ? rc : count == PAGE_JOBS ? 1 : 0;
}

static void job_stream_free(void *stream)
{
	struct job_stream *s = stream;
	s->reader.close(s->reader.ctx);
	free(s);
}

void view_jobs(struct admin_call *call)
{
	static const char *const known[] = { "limit", "before", NULL };
	int64_t left = -1;
	int64_t before = INT64_MAX;
	struct err err = { 0 };
	int rc = query_check_names(&call->query, known, &err);
	if (rc == 0)
		rc = query_number(&call->query, "limit", -1, &left, &err);
	if (rc == 0)
		rc = query_position(&call->query, "before", STORE_LIST_JOBS, INT64_MAX, &before, &err);
	struct store_reader reader;
	if (rc != 0) {
		admin_call_fail(call, rc, err.text);
		return;
	}
	if (!admin_call_open_reader(call, &reader))
		return;
	struct job_stream *s = mem_alloc(sizeof *s);
	*s = (struct job_stream){ .reader = reader, .left = left, .before = before };
	admin_call_stream(call, s, job_stream_more, job_stream_free);
}

/* ---- one ---- */

/* Returns NULL after it replied with an error. */
static struct job *read_job(struct admin_call *call, int64_t id)
{
	struct store_reader reader;
	if (!admin_call_open_reader(call, &reader))
		return NULL;
	struct job *job = NULL;
	struct err err = { 0 };
	int rc = reader.job_get(reader.ctx, id, &job, &err);
	reader.close(reader.ctx);
	if (rc != 0)
		admin_call_fail(call, rc, err.text);
	return job;
}

void view_job(struct admin_call *call)
{
	int64_t id = admin_call_job_id(call);
	struct job *job = id != 0 ? read_job(call, id) : NULL;
	if (job != NULL)
		admin_call_json(call, job_json(job));
	job_destroy(job);
}

/* A job that has ended long ago cannot be followed; then its summary is the whole answer. */
void view_job_lines(struct admin_call *call)
{
	int64_t id = admin_call_job_id(call);
	struct job *job = id != 0 ? read_job(call, id) : NULL;
	if (job == NULL)
		return;
	struct job_follow *follow = NULL;
	if (call->api->jobs != NULL && jobs_follow(call->api->jobs, id, &follow) == 0) {
		admin_call_stream(call, follow, job_follow_more, job_follow_free);
	} else if (job->state != JOB_RUNNING) {
		admin_call_json(call, job_json_summary(job, 0));
	} else {
		admin_call_fail(call, ERR_CLOSED,
						"the job continues when the daemon runs: start it with `almoner serve`");
	}
	job_destroy(job);
}
