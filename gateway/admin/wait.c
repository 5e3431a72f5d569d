#include "gateway/admin/wait.h"

#include <assert.h>

void wait_init(struct wait *w)
{
	*w = (struct wait){ .done = false };
	int rc = pthread_mutex_init(&w->lock, NULL);
	assert(rc == 0);
	rc = pthread_cond_init(&w->changed, NULL);
	assert(rc == 0);
	(void)rc;
}

void wait_finish(struct wait *w)
{
	(void)pthread_cond_destroy(&w->changed);
	(void)pthread_mutex_destroy(&w->lock);
}

void wait_done(void *ctx, const struct verb_result *result)
{
	struct wait *w = ctx;
	(void)pthread_mutex_lock(&w->lock);
	w->result = *result;
	w->done = true;
	(void)pthread_cond_signal(&w->changed);
	(void)pthread_mutex_unlock(&w->lock);
}

const struct verb_result *wait_result(struct wait *w)
{
	(void)pthread_mutex_lock(&w->lock);
	while (!w->done)
		(void)pthread_cond_wait(&w->changed, &w->lock);
	(void)pthread_mutex_unlock(&w->lock);
	return &w->result;
}
