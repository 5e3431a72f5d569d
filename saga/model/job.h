/* A job: one verb applied to every saga that matches a filter (`--all`). The daemon carries it out in slices.
 * It is a row in the store, so it continues after a restart and after the operator has gone. It visits sagas
 * from the newest one that existed when the job was made down to the oldest, by id: sagas accepted later are
 * not touched, and none is visited twice. Not shared between threads; each thread takes a copy. */
#ifndef ALMONER_MODEL_JOB_H
#define ALMONER_MODEL_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "saga/model/state.h"

/* The numbers are in the store: append new ones, never change one. */
#define JOB_STATE_TABLE(X)                                                                                   \
	X(JOB_RUNNING, 1, "running")                                                                             \
	X(JOB_DONE, 2, "done")                                                                                   \
	X(JOB_CANCELLED, 3, "cancelled")                                                                         \
	X(JOB_FAILED, 4, "failed") /* `error` says why; its changes stay */
#define JOB_ENUM(name, value, text) name = (value),
enum job_state { JOB_STATE_TABLE(JOB_ENUM) };
#undef JOB_ENUM

/* Texts are owned and never NULL. The counters count sagas, except `steps` and `in_doubt`. */
struct job {
	int64_t id; /* from 1; never used again */
	enum job_state state;
	enum verb verb;
	bool redo_in_doubt;
	char *filter; /* the query string as given; an age in it ("7d") counts back from created_ms */
	char *actor;  /* who gave the verb: "uid 1000 (anna)" */
	char *note;   /* the operator's reason; "" if none was given */
	int64_t rate; /* the most sagas that the job changes in rate_ms; 0: no limit */
	int64_t rate_ms;
	int64_t created_ms;
	int64_t finished_ms; /* 0: not finished */
	int64_t upto;        /* the newest saga when the job was made: the first to be visited */
	int64_t position;    /* sagas with this id and above have been visited */
	int64_t expected;    /* how many matched when the CLI counted them before the job; 0: not counted */
	int64_t matched;     /* the filter matched */
	int64_t moved;       /* the verb changed something */
	int64_t steps;       /* steps that the verb changed */
	int64_t in_doubt;    /* steps that the verb left in doubt */
	int64_t refused;     /* sagas that matched, but the verb was refused when it was applied */
	int64_t passed_over; /* sagas that are not at rest, but the verb does not apply to their state */
	char *held; /* JSON object: for each target that is held or paused, how many steps wait there; "" for none
				 */
	char *error; /* why the job failed; "" otherwise */
};

/* A job with empty texts and zeros; the caller fills it in. */
struct job *job_new(void);
struct job *job_copy(const struct job *job);
/* NULL is accepted. */
void job_destroy(struct job *job);

/* The text of a state; "?" for a value outside the table. */
const char *name_of_job_state(enum job_state state);
/* True if both jobs apply the same verb with the same filter. Sagas accepted between the two are not
 * considered. */
bool job_same(const struct job *a, const struct job *b);

#endif
