/* Jobs. */
#include "tests/support/memory_store/internal.h"

static void finish_job(void *row)
{
	struct job **job = row;
	job_destroy(*job);
}

static int jobs_put(void *ctx, const struct job *job, int64_t *ret_id, struct err *err)
{
	struct memory_writer *w = ctx;
	struct memory_guard AUTO_GUARD g = memory_write_begin(w, CALL_JOB_PUT, err);
	if (g.rc != 0)
		return g.rc;
	struct job *own = job_copy(job);
	if (own->id == 0) { /* the number of the last job is asked for once */
		memory_trip_query(w, CALL_JOB_PUT, NULL, 0);
		own->id = memory_writer_next_id(w, TABLE_JOB);
	}
	int64_t id = own->id;
	struct memory_value *v = memory_value_new(&own, sizeof own, NULL, 0);
	v->finish = finish_job;
	int rc = memory_writer_put(w, TABLE_JOB, memory_key_of(id, 0), v, err);
	if (rc == 0)
		*ret_id = id;
	return rc;
}

static int not_found(int64_t id, struct err *err)
{
	return err_set(err, ERR_NOT_FOUND, "there is no job %lld", (long long)id);
}

static int jobs_get(void *ctx, int64_t id, struct job **ret, struct err *err)
{
	struct memory_writer *w = ctx;
	struct memory_guard AUTO_GUARD g = memory_write_begin(w, CALL_JOB_GET, err);
	if (g.rc != 0)
		return g.rc;
	memory_trip_query(w, CALL_JOB_GET, &id, sizeof id);
	struct job *const *job = memory_writer_row(w, TABLE_JOB, memory_key_of(id, 0));
	if (job == NULL)
		return not_found(id, err);
	*ret = job_copy(*job);
	return 0;
}

static int jobs_running(void *ctx, int64_t after, struct job **ret, struct err *err)
{
	struct memory_writer *w = ctx;
	struct memory_guard AUTO_GUARD g = memory_write_begin(w, CALL_JOB_RUNNING, err);
	if (g.rc != 0)
		return g.rc;
	memory_trip_query(w, CALL_JOB_RUNNING, &after, sizeof after);
	*ret = NULL;
	struct memory_slot *slot = memory_writer_from(w, TABLE_JOB, memory_key_of(after + 1, 0));
	for (; slot != NULL && *ret == NULL; slot = memory_writer_next(w, slot)) {
		struct job *const *job = memory_writer_view(w, slot);
		if ((*job)->state == JOB_RUNNING)
			*ret = job_copy(*job);
	}
	return 0;
}

void memory_job_ops(struct store_writer *ops)
{
	ops->job_put = jobs_put;
	ops->job_get = jobs_get;
	ops->job_running = jobs_running;
}

/* ---- the reader ---- */

static int read_job_list(void *ctx, int64_t before, struct job **jobs, size_t capacity, size_t *ret,
						 struct err *err)
{
	struct memory_reader *r = ctx;
	struct memory_guard AUTO_GUARD g = memory_read_begin(r, CALL_JOB_LIST, err);
	if (g.rc != 0)
		return g.rc;
	struct memory_table *t = &r->s->tables[TABLE_JOB];
	size_t used = 0;
	struct memory_slot *slot = memory_table_below(t, NULL, memory_key_of(before, 0));
	for (; slot != NULL && used < capacity; slot = memory_table_below(t, NULL, slot->key)) {
		struct job *const *job = memory_committed(slot);
		jobs[used++] = job_copy(*job);
	}
	*ret = used;
	return 0;
}

static int read_job_get(void *ctx, int64_t id, struct job **ret, struct err *err)
{
	struct memory_reader *r = ctx;
	struct memory_guard AUTO_GUARD g = memory_read_begin(r, CALL_JOB_GET, err);
	if (g.rc != 0)
		return g.rc;
	struct job *const *job = memory_reader_row(r, TABLE_JOB, memory_key_of(id, 0));
	if (job == NULL)
		return not_found(id, err);
	*ret = job_copy(*job);
	return 0;
}

static int read_job_running(void *ctx, int64_t after, struct job **ret, struct err *err)
{
	struct memory_reader *r = ctx;
	struct memory_guard AUTO_GUARD g = memory_read_begin(r, CALL_JOB_RUNNING, err);
	if (g.rc != 0)
		return g.rc;
	*ret = NULL;
	struct memory_slot *slot = memory_table_from(&r->s->tables[TABLE_JOB], NULL, memory_key_of(after + 1, 0));
	for (; slot != NULL && *ret == NULL; slot = memory_table_next(slot, NULL)) {
		struct job *const *job = memory_committed(slot);
		if ((*job)->state == JOB_RUNNING)
			*ret = job_copy(*job);
	}
	return 0;
}

void memory_job_read_ops(struct store_reader *ops)
{
	ops->job_list = read_job_list;
	ops->job_get = read_job_get;
	ops->job_running = read_job_running;
}
