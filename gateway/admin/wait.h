/* Waiting for the journal's answer to one operation of a person. */
#ifndef ALMONER_ADMIN_WAIT_H
#define ALMONER_ADMIN_WAIT_H

#include <pthread.h>

#include "saga/journal/journal.h"

struct wait {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool done;
	struct verb_result result;
};

void wait_init(struct wait *w);
void wait_finish(struct wait *w);
/* The `done` of journal_verb and its siblings; `ctx` is the struct wait. */
void wait_done(void *ctx, const struct verb_result *result);
/* Blocks until it was called. The journal answers everything it has taken, also when it stops. */
const struct verb_result *wait_result(struct wait *w);

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

void job_wait_init(struct job_wait *w);
void job_wait_finish(struct job_wait *w);
void job_wait_done(void *ctx, const struct job_result *result);
/* Blocks until it was called. Gives the code. */
int job_wait_code(struct job_wait *w);

#endif
