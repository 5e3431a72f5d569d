/* The journal as the admin API and the daemon see it: verbs on sagas, pauses and holds of targets, jobs, and
 * new target rules. Every call that changes something leaves a record with its actor and reason. Thread: any.
 *
 * All functions return 0 when the operation is queued, or ERR_CLOSED; then `done` is not called. After a
 * return of 0 `done` is called exactly once, after the commit, on the journal's thread, unless the journal is
 * destroyed without journal_stop. `ctx` is given to it. */
#ifndef ALMONER_SAGA_JOURNAL_OPERATOR_PORT_H
#define ALMONER_SAGA_JOURNAL_OPERATOR_PORT_H

#include "saga/model/decide.h"
#include "saga/model/job.h"

struct accept;
struct journal;
struct journal_target;

/* ---- one saga, one target ---- */

struct verb_result {
	int code; /* 0, ERR_NOT_FOUND, ERR_REFUSED, ERR_CORRUPT, or the code of a failed commit */
	unsigned
		/* number of changed steps, or 1 for a saga or target; 0 with code 0: the state was as wanted
		 * before */
		changed;
	unsigned in_doubt; /* steps that a resume left in doubt */
	unsigned held;     /* steps that still wait, because their target is paused or held */
	/* the first target that is paused or held, for the hint `almoner target resume NAME` */
	char held_target[128];
	uint8_t state;  /* enum saga_state afterwards */
	struct err err; /* the reason of `code` */
};
typedef void verb_done_fn(void *ctx, const struct verb_result *result);

/* Applies a verb to a saga or to one of its steps. Copies `call` and its texts. */
int journal_verb(struct journal *j, int64_t saga, const struct verb_call *call, void *ctx,
				 verb_done_fn *done) MUST_CHECK;

/* Turns a quarantined or gift_missing saga into what its event maps to now. `mapped` is an accept as intake
 * would make it, without callbacks: the journal takes a reference on its event and copies the rest. The saga
 * gets the keys of `mapped`. ERR_REFUSED: one of the keys belongs to another saga, or `mapped` is a related
 * event, which starts nothing. `actor` and `note` may be NULL. */
int journal_reprocess(struct journal *j, int64_t saga, const struct accept *mapped, const char *actor,
					  const char *note, void *ctx, verb_done_fn *done) MUST_CHECK;

enum target_action {
	TARGET_PAUSE,
	TARGET_RESUME, /* ends a pause and a hold */
	TARGET_HOLD,
	TARGET_RELEASE /* ends a hold */
};
/* Copies the texts; `note` may be NULL and is the reason that a pause or hold shows. `done` may be NULL. */
int journal_target_act(struct journal *j, const char *target, enum target_action action, const char *actor,
					   const char *note, void *ctx, verb_done_fn *done) MUST_CHECK;

/* ---- jobs: one verb on many sagas, a slice at a time ---- */

/* the most verbs in a slice, so in a commit: no other caller waits for more; chosen */
#define JOB_SLICE_SAGAS 16
/* the most jobs that run at once; a further one is refused with ERR_BUSY; chosen */
#define JOBS_RUNNING_MAX 16

/* What the verb of a job did to one saga of a slice. */
struct job_saga {
	int64_t saga;
	struct verb_result result;
};

struct job_result {
	int code;              /* 0, ERR_NOT_FOUND, ERR_REFUSED, ERR_BUSY, or the code of a failed commit */
	bool already;          /* create: an equal job is running, and `job` is that one */
	const struct job *job; /* the present state of the job; borrowed for the call; NULL unless code is 0 */
	const struct job_saga *sagas; /* the sagas of the slice; borrowed for the call */
	size_t count;
	struct err err;
};
typedef void job_done(void *ctx, const struct job_result *result);

/* Makes a running job from the verb, filter, actor, note, rate and expected count of `draft` (copied). An
 * equal job that is running is returned instead, so that a request that is sent twice makes one job.
 * ERR_BUSY: JOBS_RUNNING_MAX are running. */
int journal_job_create(struct journal *j, const struct job *draft, void *ctx, job_done *done) MUST_CHECK;

/* The next part of a job: sagas that match, and the counts since the slice before. */
struct job_slice {
	int64_t job;
	int64_t ids[JOB_SLICE_SAGAS];
	size_t count;
	int64_t position; /* sagas with this id and above have been examined */
	int64_t in_doubt, passed_over;
	/* Reprocessing is an operation of its own for each saga: these counts report what those operations did.
	 * For other verbs they are 0, since the verb runs on `ids`. */
	int64_t matched, moved, steps, refused;
	const char *held;  /* replaces the job's `held` JSON; NULL: "" */
	bool finished;     /* no more sagas match */
	const char *error; /* with `finished`: why the job could not continue; NULL: the job is complete */
};
/* Applies the job's verb to each id and stores the job's position in the same commit, so that a crash neither
 * skips nor repeats a saga. A commit holds at most one slice, after all other queued operations. Copies
 * `slice` and its texts. ERR_REFUSED: the job does not run any more. */
int journal_job_slice(struct journal *j, const struct job_slice *slice, void *ctx, job_done *done) MUST_CHECK;

/* Ends a running job; what it has changed stays changed. ERR_REFUSED: it has ended. `actor` and `note` may be
 * NULL. */
int journal_job_cancel(struct journal *j, int64_t job, const char *actor, const char *note, void *ctx,
					   job_done *done) MUST_CHECK;

/* ---- configuration ---- */

/* The target rules of a new configuration, copied. Targets that are not named become `missing`: their steps
 * go to attention when they are due. `done` (may be NULL) gets the targets with their ids; 0 targets when the
 * commit failed. */
int journal_set_targets(struct journal *j, const struct journal_target *targets, size_t count, void *ctx,
						void (*done)(void *ctx, const struct journal_target *targets,
									 size_t count)) MUST_CHECK;
/* Adds a record about the daemon (SUBJECT_DAEMON) or the configuration (SUBJECT_CONFIG). `actor` and `note`
 * may be NULL. */
int journal_add_record(struct journal *j, enum subject subject, const char *text, const char *actor,
					   const char *note) MUST_CHECK;

#endif
