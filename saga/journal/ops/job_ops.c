/* Jobs: one verb on many sagas, a slice at a time. How far a job has come is stored in the commit that holds
 * the verbs of its slice. */
#include <stdlib.h>

#include "saga/base/mem.h"
#include "saga/journal/ops/ops.h"
#include "saga/journal/schedule/schedule.h"

static void record(struct journal *j, const struct job *job, const char *actor, const char *note)
{
	struct record r = { .kind = RECORD_JOB,
						.at_ms = j->now_ms,
						.step = RECORD_NO_STEP,
						.to = (uint8_t)job->state,
						.text = str_of(name_of_verb(job->verb)),
						.actor = str_of(actor),
						.note = str_of(note) };
	if (job->state == JOB_RUNNING)
		r.personal = str_of(job->filter);
	records_add(log_records(j, SUBJECT_DAEMON, job->id), &r);
}

static int put(struct journal *j, struct job *job)
{
	j->batch.wrote = true;
	return j->store.job_put(j->store.ctx, job, &job->id, &j->err);
}

/* Counts the running jobs, up to the first that does the same as `draft`: *ret_same, which the caller must
 * destroy. */
static int find_running(struct journal *j, const struct job *draft, size_t *ret_running,
						struct job **ret_same)
{
	*ret_running = 0;
	*ret_same = NULL;
	int64_t after = 0;
	for (;;) {
		struct job *job;
		int rc = j->store.job_running(j->store.ctx, after, &job, &j->err);
		if (rc != 0 || job == NULL)
			return rc;
		after = job->id;
		++*ret_running;
		if (job_same(job, draft)) {
			*ret_same = job;
			return 0;
		}
		job_destroy(job);
	}
}

/* The job covers the sagas that exist now, from the newest down; sagas that are accepted later are left
 * out. */
int ops_job_create(struct journal *j, struct op *op)
{
	struct job_result *r = &op->u.job.result;
	struct job *job = op->u.job.job;
	size_t running = 0;
	struct job *same = NULL;
	int rc = find_running(j, job, &running, &same);
	if (rc != 0)
		return rc;
	if (same != NULL) {
		job_destroy(job);
		op->u.job.job = same;
		r->already = true;
		return 0;
	}
	if (running >= JOBS_RUNNING_MAX) {
		r->code = err_set(&r->err, ERR_BUSY,
						  "%d jobs are running: wait for one to end, or cancel one (`almoner job list`)",
						  JOBS_RUNNING_MAX);
		return 0;
	}
	job->id = 0;
	job->state = JOB_RUNNING;
	job->created_ms = j->now_ms;
	job->upto = j->last_saga;
	job->position = j->last_saga + 1;
	rc = put(j, job);
	if (rc == 0)
		record(j, job, job->actor, job->note);
	return rc;
}

/* ERR_NOT_FOUND and ERR_REFUSED go into the operation's result; other codes are store errors. */
static int load_running(struct journal *j, struct op *op, int64_t id)
{
	struct job_result *r = &op->u.job.result;
	int rc = j->store.job_get(j->store.ctx, id, &op->u.job.job, &r->err);
	if (rc == ERR_NOT_FOUND)
		r->code = rc;
	else if (rc != 0)
		return err_set(&j->err, rc, "%s", r->err.text);
	else if (op->u.job.job->state != JOB_RUNNING)
		r->code = err_set(&r->err, ERR_REFUSED, "job %lld is %s: it has ended", (long long)id,
						  name_of_job_state(op->u.job.job->state));
	return 0;
}

static void finish(struct journal *j, struct job *job, enum job_state state)
{
	job->state = state;
	job->finished_ms = j->now_ms;
}

static void count(struct job *job, const struct verb_result *r)
{
	job->matched++;
	job->refused += r->code != 0 ? 1 : 0;
	job->moved += r->code == 0 && r->changed > 0 ? 1 : 0;
	job->steps += r->changed;
	job->in_doubt += r->in_doubt;
}

/* A saga that cannot be decoded gets a result with an error, like one that refuses the verb; the slice
 * continues. */
static int apply_one(struct journal *j, const struct job *job, int64_t saga, struct job_saga *ret)
{
	const struct verb_call call = { .verb = job->verb,
									.step = -1,
									.redo_in_doubt = job->redo_in_doubt,
									.actor = job->actor,
									.note = job->note };
	ret->saga = saga;
	int rc = ops_verb_on(j, saga, &call, &ret->result);
	if (ops_answer_damaged(j, saga, rc, &ret->result))
		rc = 0;
	return rc == 0 ? schedule_next_in_lane(j) : rc;
}

static void add_slice_counts(struct job *job, const struct job_slice *slice)
{
	job->position = slice->position;
	job->in_doubt += slice->in_doubt;
	job->passed_over += slice->passed_over;
	job->matched += slice->matched;
	job->moved += slice->moved;
	job->steps += slice->steps;
	job->refused += slice->refused;
	free(job->held);
	job->held = mem_strdup(slice->held);
	if (slice->error != NULL) {
		free(job->error);
		job->error = mem_strdup(slice->error);
	}
}

/* The verbs and the job's new position are in one transaction: after a crash the slice was applied or it was
 * not. */
int ops_job_slice(struct journal *j, struct op *op)
{
	const struct job_slice *slice = &op->u.job.slice;
	assert(slice->count <= JOB_SLICE_SAGAS);
	int rc = load_running(j, op, slice->job);
	if (rc != 0 || op->u.job.result.code != 0)
		return rc;
	struct job *job = op->u.job.job;
	for (size_t i = 0; rc == 0 && i < slice->count; i++) {
		rc = apply_one(j, job, slice->ids[i], &op->u.job.sagas[i]);
		count(job, &op->u.job.sagas[i].result);
	}
	if (rc != 0)
		return rc;
	add_slice_counts(job, slice);
	if (slice->finished) {
		finish(j, job, slice->error != NULL ? JOB_FAILED : JOB_DONE);
		record(j, job, job->actor, slice->error);
	}
	return put(j, job);
}

int ops_job_cancel(struct journal *j, struct op *op)
{
	int rc = load_running(j, op, op->u.job.slice.job);
	if (rc != 0 || op->u.job.result.code != 0)
		return rc;
	finish(j, op->u.job.job, JOB_CANCELLED);
	record(j, op->u.job.job, op->text[0], op->text[1]);
	return put(j, op->u.job.job);
}
