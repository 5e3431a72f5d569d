/* Waiting for the journal's answer to one operation of a person. */
#ifndef ALMONER_GATEWAY_ADMIN_JOBS_WAIT_H
#define ALMONER_GATEWAY_ADMIN_JOBS_WAIT_H

#include <pthread.h>

#include "saga/journal/operator_port.h"

struct verb_wait {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool done;
	struct verb_result result;
};

void wait_verb_init(struct verb_wait *w);
void wait_verb_finish(struct verb_wait *w);
/* The `done` of journal_verb and its siblings; `ctx` is the struct verb_wait. */
void wait_verb_done(void *ctx, const struct verb_result *result);
/* Blocks until it was called. The journal answers everything it has taken, also when it stops. */
const struct verb_result *wait_verb_result(struct verb_wait *w);

/* The same for the operations on jobs; what they give is copied. */
struct job_wait {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool done;
	int code;
	bool already;
	struct job *job; /* owned; take it by setting it to NULL */
	struct job_saga *sagas;
	size_t count;
	struct err err;
};

void wait_job_init(struct job_wait *w);
void wait_job_finish(struct job_wait *w);
void wait_job_done(void *ctx, const struct job_result *result);
/* Blocks until it was called. Gives the code. */
int wait_job_code(struct job_wait *w);

#endif
