/* A job: one verb on all sagas that match, said once by a person and carried out by the daemon in slices. It
 * is a row in the store, so that it outlives whoever asked and the process. It goes from the newest saga
 * there was when it was made to the oldest, by id: what arrives later is not touched, and none comes twice.
 */
#ifndef ALMONER_MODEL_JOB_H
#define ALMONER_MODEL_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "saga/model/state.h"

/* Stored: append only. */
#define JOB_STATE_TABLE(X)                                                                                   \
	X(JOB_RUNNING, 1, "running")                                                                             \
	X(JOB_DONE, 2, "done")                                                                                   \
	X(JOB_CANCELLED, 3, "cancelled")                                                                         \
	X(JOB_FAILED, 4, "failed") /* `error` says why; what it had moved stays moved */
#define JOB_ENUM(name, value, text) name = (value),
enum job_state { JOB_STATE_TABLE(JOB_ENUM) };
#undef JOB_ENUM

/* Texts are owned and never NULL. */
struct job {
	int64_t id; /* from 1, for ever */
	enum job_state state;
	enum verb verb;
	bool redo_in_doubt;
	char *filter; /* the query string, as it was given; ages in it count from created_ms */
	char *actor;
	char *note;   /* the person's reason */
	int64_t rate; /* sagas per rate_ms; 0: no limit */
	int64_t rate_ms;
	int64_t created_ms;
	int64_t finished_ms; /* 0: not yet */
	int64_t upto;        /* the newest saga there was */
	int64_t position;    /* sagas from this id up are done with */
	int64_t expected;    /* how many matched when it was counted before; 0: nobody counted */
	int64_t matched, moved, steps, in_doubt;
	int64_t refused;     /* matched, and then had moved on */
	int64_t passed_over; /* open, but not for this verb */
	char *held; /* JSON: by target that is held or paused, how many steps go on waiting; "" for none */
	char *error;
};

/* Texts are empty. */
struct job *job_new(void);
struct job *job_copy(const struct job *job);
/* NULL is accepted. */
void job_destroy(struct job *job);

const char *name_of_job_state(enum job_state state);
/* Would the two do the same to the same? What has arrived between them aside. */
bool job_same(const struct job *a, const struct job *b);

#endif
