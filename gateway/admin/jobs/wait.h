/* Waits for the answer to one command: run it with wait_verb_done or wait_job_done as its `done`, then call
 * wait_verb_result or wait_job_code. */
#ifndef ALMONER_GATEWAY_ADMIN_JOBS_WAIT_H
#define ALMONER_GATEWAY_ADMIN_JOBS_WAIT_H

#include <pthread.h>

#include "gateway/cell/command.h"

struct verb_wait {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool done;
	struct verb_result result;
};

void wait_verb_init(struct verb_wait *w);
void wait_verb_finish(struct verb_wait *w);
/* A verb_done_fn; `ctx` is the struct verb_wait. */
void wait_verb_done(void *ctx, const struct verb_result *result);
/* Blocks until wait_verb_done was called. It always is, because every command that is on its way is
 * answered. The result is borrowed. */
const struct verb_result *wait_verb_result(struct verb_wait *w);

/* Waits for an operation on a job. The job and the sagas of the answer are copied. */
struct job_wait {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool done;
	int code;
	bool already;    /* an identical job was running already, and `job` is that one */
	struct job *job; /* owned; NULL after an error */
	struct job_saga *sagas;
	size_t count;
	struct err err;
};

void wait_job_init(struct job_wait *w);
void wait_job_finish(struct job_wait *w);
/* A job_done; `ctx` is the struct job_wait. */
void wait_job_done(void *ctx, const struct job_result *result);
/* Blocks until wait_job_done was called. Returns the code of the answer: 0 or ERR_*. */
int wait_job_code(struct job_wait *w);

#endif
