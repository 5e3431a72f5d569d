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

#endif
