/* Follows a job: gives the lines that the jobs thread has added since the last call, then the summary. */
#include <assert.h>
#include <stdlib.h>

#include "gateway/admin/jobs/job_live.h"
#include "gateway/admin/json.h"
#include "gateway/admin/views/job_json.h"
#include "saga/base/clock.h"
#include "saga/base/mem.h"

/* A follower gets an empty line at least this often, so that a connection that was closed is noticed. Chosen.
 */
#define KEEPALIVE_MS 1000
#define PIECE_BYTES  ((size_t)64 * 1024) /* a piece ends with the line that reaches this size; chosen */

struct job_follow {
	struct jobs *jobs;
	struct job_live *live;
	uint64_t next_line; /* the number of the next line to give */
	int64_t left_out;   /* lines that were replaced before this follower read them */
};

int jobs_follow(struct jobs *jobs, int64_t id, struct job_follow **ret)
{
	assert(id > 0);
	pthread_mutex_lock(&jobs->lock);
	struct job_live *live;
	TAILQ_FOREACH(live, &jobs->live, link)
	{
		if (live->job->id == id)
			break;
	}
	if (live != NULL) {
		live->followers++;
		*ret = mem_zalloc(sizeof **ret);
		**ret = (struct job_follow){ .jobs = jobs, .live = live };
	}
	pthread_mutex_unlock(&jobs->lock);
	return live != NULL ? 0 : ERR_NOT_FOUND;
}

/* The caller holds jobs->lock. Appends the new lines; counts those that were replaced before this call. */
static void take_lines(struct job_follow *f, struct buf *out)
{
	const struct job_live *live = f->live;
	if (live->next_line > f->next_line + JOB_LINES) {
		uint64_t first = live->next_line - JOB_LINES;
		f->left_out += (int64_t)(first - f->next_line);
		f->next_line = first;
	}
	for (; f->next_line < live->next_line && out->len < PIECE_BYTES; f->next_line++)
		buf_text(out, live->lines[f->next_line % JOB_LINES]);
}

/* The caller holds jobs->lock. Waits for news and gives the next piece. */
static int piece(struct job_follow *f, struct buf *out, struct err *err)
{
	struct job_live *live = f->live;
	int64_t until_ms = clock_monotonic_ms() + KEEPALIVE_MS;
	while (f->next_line == live->next_line && !live->ended && !f->jobs->stopping &&
		   clock_monotonic_ms() < until_ms)
		job_live_wait(f->jobs, until_ms);
	take_lines(f, out);
	if (out->len > 0)
		return 1;
	if (live->ended && live->job->state != JOB_RUNNING) {
		admin_json_line(out, job_json_summary(live->job, f->left_out));
		return 0;
	}
	if (live->ended || f->jobs->stopping)
		return err_set(err, ERR_CLOSED, "the daemon is stopping; job %lld continues when it is started again",
					   (long long)live->job->id);
	buf_byte(out, '\n');
	return 1;
}

int job_follow_more(void *follow, struct buf *out, struct err *err)
{
	struct job_follow *f = follow;
	pthread_mutex_lock(&f->jobs->lock);
	int rc = piece(f, out, err);
	pthread_mutex_unlock(&f->jobs->lock);
	return rc;
}

void job_follow_free(void *follow)
{
	struct job_follow *f = follow;
	pthread_mutex_lock(&f->jobs->lock);
	assert(f->live->followers > 0);
	f->live->followers--;
	pthread_mutex_unlock(&f->jobs->lock);
	free(f);
}
