#include "saga/model/job.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "saga/base/mem.h"

#define JOB_TEXTS 5

/* The texts that a job owns, in one place for making, copying and freeing. */
static void job_texts(struct job *job, char **slots[JOB_TEXTS])
{
	char **const all[JOB_TEXTS] = { &job->filter, &job->actor, &job->note, &job->held, &job->error };
	memcpy(slots, all, sizeof all);
}

struct job *job_new(void)
{
	struct job *job = mem_zalloc(sizeof *job);
	char **slots[JOB_TEXTS];
	job_texts(job, slots);
	for (unsigned i = 0; i < JOB_TEXTS; i++)
		*slots[i] = mem_strdup("");
	return job;
}

struct job *job_copy(const struct job *job)
{
	struct job *copy = mem_alloc(sizeof *copy);
	*copy = *job;
	char **slots[JOB_TEXTS];
	job_texts(copy, slots);
	for (unsigned i = 0; i < JOB_TEXTS; i++)
		*slots[i] = mem_strdup(*slots[i]);
	return copy;
}

void job_destroy(struct job *job)
{
	if (job == NULL)
		return;
	char **slots[JOB_TEXTS];
	job_texts(job, slots);
	for (unsigned i = 0; i < JOB_TEXTS; i++)
		free(*slots[i]);
	free(job);
}

bool job_same(const struct job *a, const struct job *b)
{
	assert((unsigned)a->verb < VERB_COUNT && (unsigned)b->verb < VERB_COUNT);
	return a->verb == b->verb && a->redo_in_doubt == b->redo_in_doubt && strcmp(a->filter, b->filter) == 0;
}
