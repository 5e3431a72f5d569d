#include "gateway/admin/jobs/wait.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "saga/base/mem.h"

/* Initialising a lock fails only without memory, and then the program ends, as everywhere. */
static void init(pthread_mutex_t *lock, pthread_cond_t *changed)
{
	int rc = pthread_mutex_init(lock, NULL);
	assert(rc == 0);
	rc = pthread_cond_init(changed, NULL);
	assert(rc == 0);
}

void wait_verb_init(struct verb_wait *w)
{
	*w = (struct verb_wait){ .done = false };
	init(&w->lock, &w->changed);
}

void wait_verb_finish(struct verb_wait *w)
{
	pthread_cond_destroy(&w->changed);
	pthread_mutex_destroy(&w->lock);
}

void wait_verb_done(void *ctx, const struct verb_result *result)
{
	struct verb_wait *w = ctx;
	assert(result->code <= 0);
	pthread_mutex_lock(&w->lock);
	w->result = *result;
	w->done = true;
	pthread_cond_signal(&w->changed);
	pthread_mutex_unlock(&w->lock);
}

const struct verb_result *wait_verb_result(struct verb_wait *w)
{
	pthread_mutex_lock(&w->lock);
	while (!w->done)
		pthread_cond_wait(&w->changed, &w->lock);
	pthread_mutex_unlock(&w->lock);
	return &w->result;
}

/* ---- jobs ---- */

void wait_job_init(struct job_wait *w)
{
	*w = (struct job_wait){ .done = false };
	init(&w->lock, &w->changed);
}

void wait_job_finish(struct job_wait *w)
{
	job_destroy(w->job);
	free(w->sagas);
	pthread_cond_destroy(&w->changed);
	pthread_mutex_destroy(&w->lock);
}

void wait_job_done(void *ctx, const struct job_result *result)
{
	struct job_wait *w = ctx;
	assert(result->code != 0 || result->job != NULL);
	pthread_mutex_lock(&w->lock);
	w->code = result->code;
	w->already = result->already;
	w->err = result->err;
	w->job = result->job != NULL ? job_copy(result->job) : NULL;
	w->count = result->count;
	w->sagas = mem_alloc((result->count + 1) * sizeof *w->sagas);
	if (result->count > 0)
		memcpy(w->sagas, result->sagas, result->count * sizeof *w->sagas);
	w->done = true;
	pthread_cond_signal(&w->changed);
	pthread_mutex_unlock(&w->lock);
}

int wait_job_code(struct job_wait *w)
{
	pthread_mutex_lock(&w->lock);
	while (!w->done)
		pthread_cond_wait(&w->changed, &w->lock);
	pthread_mutex_unlock(&w->lock);
	return w->code;
}
