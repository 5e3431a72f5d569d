/* Following a job: what the runner has said since, then the summary. */
#include <stdlib.h>

#include "gateway/admin/jobs/job_live.h"
#include "gateway/admin/json.h"
#include "gateway/admin/views/job_json.h"
#include "saga/base/mem.h"

#define KEEPALIVE_MS 1000 /* an empty line so often: a follower that is gone is noticed */
#define PIECE_BYTES  ((size_t)64 * 1024)

struct job_follow {
	struct jobs *jobs;
	struct job_live *live;
	uint64_t next_line;
	int64_t left_out;
};

int jobs_follow(struct jobs *jobs, int64_t id, struct job_follow **ret)
{
	(void)pthread_mutex_lock(&jobs->lock);
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
	(void)pthread_mutex_unlock(&jobs->lock);
	return live != NULL ? 0 : ERR_NOT_FOUND;
}

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

static int piece(struct job_follow *f, struct buf *out, struct err *err)
{
	struct job_live *live = f->live;
	int64_t until_ms = jobs_monotonic_ms() + KEEPALIVE_MS;
	while (f->next_line == live->next_line && !live->ended && !f->jobs->stopping &&
		   jobs_monotonic_ms() < until_ms)
		job_live_wait(f->jobs, until_ms);
	take_lines(f, out);
	if (out->len > 0)
		return 1;
	if (live->ended && live->job->state != JOB_RUNNING) {
		admin_json_line(out, job_json_summary(live->job, f->left_out));
		return 0;
	}
	if (live->ended || f->jobs->stopping)
		return err_set(err, ERR_CLOSED, "the daemon is stopping; job %lld goes on when it is started again",
					   (long long)live->job->id);
	buf_byte(out, '\n');
	return 1;
}

int job_follow_more(void *follow, struct buf *out, struct err *err)
{
	struct job_follow *f = follow;
	(void)pthread_mutex_lock(&f->jobs->lock);
	int rc = piece(f, out, err);
	(void)pthread_mutex_unlock(&f->jobs->lock);
	return rc;
}

void job_follow_free(void *follow)
{
	struct job_follow *f = follow;
	(void)pthread_mutex_lock(&f->jobs->lock);
	f->live->followers--;
	(void)pthread_mutex_unlock(&f->jobs->lock);
	free(f);
}
