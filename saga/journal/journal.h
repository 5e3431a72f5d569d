/* The log port: the one place where sagas change. Everyone hands in operations; the journal's thread takes
 * all that is waiting, decides (saga/model), writes one transaction, syncs it once, and only then calls back
 * and hands out work. Group commit without a timer: while one commit syncs, the next batch gathers.
 *
 *     intake ── journal_accept ──►┐                            ┌──► done callbacks (answers)
 *     engine ── start, outcome …─►│ queue ─► batch ─► commit ──┤
 *     admin  ── verbs ───────────►┘                            └──► hooks.deliver (work for the engine)
 *
 * Callbacks and hooks run on the journal's thread and must not block or call journal_pump. Operations may be
 * submitted from any thread, also from callbacks.
 *
 * After a failed commit or store error nothing is written any more: hooks.failed is called once, accepts are
 * answered with the error, everything later is refused with ERR_CLOSED; the daemon ends itself. */
#ifndef ALMONER_JOURNAL_JOURNAL_H
#define ALMONER_JOURNAL_JOURNAL_H

#include "saga/base/clock.h"
#include "saga/base/entropy.h"
#include "saga/journal/schedule/work.h"
#include "saga/journal/state/inflight.h"
#include "saga/store/store.h"

struct journal;

/* ---- targets
 * ------------------------------------------------------------------------------------------------ */

struct journal_target {
	const char *name;
	struct step_rules rules;
	uint32_t id; /* filled in by the journal: stable over restarts */
};

struct target_state {
	uint32_t id;
	bool paused;
	bool held;
	char held_reason[200];
	bool breaker_not_closed; /* as the last process left it */
};

/* What changed for a target in a batch; handed out with the work. */
struct target_news {
	uint32_t target;
	bool claim_done;        /* the claim of this target is finished; unused slots are yours again */
	uint32_t claim_granted; /* works handed out for it with a slot (START and READY) */
	int64_t backlog;        /* claimable rows on disk (due or not) */
	int64_t next_due_ms;    /* due time of the first of them, INT64_MAX for none */
	bool state_changed;
	struct target_state state;
};

struct handout {
	struct work_list works;         /* in commit order; the receiver owns them */
	const struct target_news *news; /* borrowed */
	size_t news_count;
};

enum admission {
	ADMISSION_SLOT,   /* a slot is reserved: the intent may ride in this commit */
	ADMISSION_WINDOW, /* no slot, but the engine's window has reserved room for the ready work */
	ADMISSION_DISK    /* neither: the step waits on disk and is claimed later */
};

enum disk_news {
	DISK_LOW, /* below the reserve: nothing is accepted, nothing begins */
	DISK_ENOUGH,
	STORE_FILES_GONE, /* the store's files were removed, renamed or replaced: as below the reserve, until they are back */
	WAL_BLOCKED, /* a reader outside keeps the write-ahead log from being copied and used again: it grows */
	WAL_UNBLOCKED
};

struct journal_hooks {
	void *ctx;
	/* Asked in commit order for each step that could start. `may_start_in_commit`: its first intent may be granted now
	 * (start permit, DESIGN §4). Reserves what it grants; `bytes` is the window memory. */
	enum admission (*admission)(void *ctx, uint32_t target, size_t bytes, bool may_start_in_commit);
	void (*hand_out)(void *ctx, const struct handout *handout);
	void (*failed)(void *ctx, const struct err *err);
	/* What changed about the disk; `bytes`: free, or of the write-ahead log. May be NULL. */
	void (*disk)(void *ctx, enum disk_news news, int64_t bytes);
	/* How many events the targets would begin with at once; SIZE_MAX: as many as there are, for none of those that
	 * could not is fast. Those above it wait a moment for their commit. NULL: none waits. */
	size_t (*start_capacity)(void *ctx);
};

/* ---- life
 * ----------------------------------------------------------------------------------------------------- */

struct journal_options {
	struct store_writer store; /* owned from now on: closed by journal_destroy */
	struct clock clock;
	struct entropy entropy;
	struct journal_hooks hooks;
	struct journal_target *targets; /* borrowed; ids are filled in */
	size_t target_count;
	size_t queue_bytes;    /* accepts waiting for their commit; 0: 16 MiB */
	size_t queue_records;  /* 0: 16384 */
	int64_t reserve_bytes; /* below this free disk space accepts are refused; 0: no check */
	int64_t recount_rows;  /* at start, counts of rows up to this are held against the rows; 0: 200,000 */
	const char *actor;     /* who starts: "almoner 0.1.0, pid 77" for the log's `started` record */
	int key_days;          /* how long duplicates are known; 0: 400 */
	struct inflight_file
		*inflight; /* borrowed: outlives the journal. NULL: what a crash cut off is not known */
};

/* Reads the head, moves every live step to disk rows after deciding what its unknown end means, records the
 * start. Nothing is delivered yet: the first pump gives news of every target. On failure the store is closed.
 */
int journal_create(const struct journal_options *options, struct journal **ret, struct err *err) MUST_CHECK;
/* Starts the thread (daemon), or leaves it to the caller to pump (simulation, tests). */
int journal_start_thread(struct journal *j, struct err *err) MUST_CHECK;
/* Handles one batch: gives the number of operations handled, or ERR_*. Only without a thread. */
int journal_pump(struct journal *j) MUST_CHECK;
/* When a pump would have something to do although nothing is queued. */
int64_t journal_idle_due_ms(const struct journal *j);
/* Handles what is queued, then ends the thread; refuses everything after. Idempotent. */
void journal_stop(struct journal *j, const char *why);
/* After journal_stop (or, in the simulation, as the crash: queued operations and uncommitted work just
 * vanish; done callbacks are then not called, queued works and accepts are freed). */
void journal_destroy(struct journal *j);

/* ---- intake
 * ------------------------------------------------------------------------------------------------- */

enum accept_kind { ACCEPT_SAGA, ACCEPT_RELATED };

struct accept_result {
	int code;     /* 0, or ERR_FULL, ERR_CLOSED, ERR_IO: nothing was recorded */
	int64_t saga; /* 0: related, and its gift has not come */
	bool duplicate;
	bool differs; /* a duplicate whose body differs from the first one's */
	bool related;
	bool unrouted;
	bool quarantined;
};

struct accept {
	STAILQ_ENTRY(accept) link;
	enum accept_kind kind;
	struct event *event;     /* a reference, owned */
	struct saga_start start; /* ACCEPT_SAGA: texts and lanes stay valid until done; plan is borrowed */
	uint8_t dedup[STORE_KEY_BYTES];
	bool has_gift;
	uint8_t gift[STORE_KEY_BYTES];
	int64_t gift_wait_ms; /* ACCEPT_RELATED: how long to wait for the gift (1 h) */
	/* Not NULL: a person replays it; the saga's log says who, and why. Valid until done. */
	const char *actor;
	const char *note;
	void *ctx;
	/* After the commit; frees `a`. */
	void (*done)(void *ctx, struct accept *a, const struct accept_result *result);
	/* Frees `a` when the journal is destroyed with it still queued. NULL: its event is dropped, then free(a).
	 */
	void (*drop)(struct accept *a);
};

/* Key digests for `dedup` and `gift`: the same everywhere. */
void journal_event_key(const char *source, const char *event_id, uint8_t out[STORE_KEY_BYTES]);
void journal_gift_key(const char *source, const char *gift, uint8_t out[STORE_KEY_BYTES]);

/* ERR_FULL (queue or disk), ERR_CLOSED: `a` stays the caller's and done is not called. */
int journal_accept(struct journal *j, struct accept *a) MUST_CHECK;

/* Keeps a request that was refused as not verified: `keep_bytes` for all of its source, the oldest make room,
 * until row->until_ms. Copies. Nobody is told when it is done. ERR_FULL: the disk is low, or too many are on
 * their way; ERR_CLOSED. */
int journal_keep_rejected(struct journal *j, const struct rejected_row *row, int64_t keep_bytes) MUST_CHECK;
int journal_drop_rejected(struct journal *j, int64_t id) MUST_CHECK;

/* ---- engine: takes ownership of the work; what cannot be taken after a failure is freed
 * ------------------------- */

void journal_start(struct journal *j, struct work *w); /* READY → START or GONE; a slot must be reserved */
void journal_condition_result(struct journal *j, struct work *w,
							  bool condition_true); /* READY: true → START or GONE, false → skipped, GONE */
void journal_not_started(struct journal *j, struct work *w);                  /* START that was not begun */
void journal_checkpoint(struct journal *j, struct work *w, struct str bytes); /* → CHECKPOINTED or GONE */
/* Before each request with an effect goes out: its digest outlives a kill from now on, until the outcome is durable.
 * ERR_FULL: too many are on their way, it must not go out. */
int journal_record_inflight(struct journal *j, struct work *w,
							const uint8_t body[INFLIGHT_BODY_BYTES]) MUST_CHECK;
/* No outcome is to come (GONE). */
void journal_clear_inflight(struct journal *j, struct work *w);
/* Copies the outcome's texts. `hold_reason`: not NULL holds the target in the same commit. */
void journal_outcome(struct journal *j, struct work *w, const struct outcome *o, const char *hold_reason);
/* A READY work goes back to a row on disk (window too full, target removed). */
void journal_spill(struct journal *j, struct work *w);
/* A held target grants one at most, as a probe; a paused one none. `claim_granted` below `max` with a backlog
 * that is due: nothing more can be granted now, and news comes when that changes. Up to `max` claimable steps
 * of a target become START (or READY with needs_condition), one slot each reserved. Ends with a target_news with
 * claim_done. At most one claim per target at a time. */
void journal_claim(struct journal *j, uint32_t target, uint32_t max);
/* A target's breaker moved: a line in the log (text: "breaker_open", …; note: why). Whether it is `away` from
 * closed is kept with the target, for the next start. */
void journal_breaker(struct journal *j, uint32_t target, const char *text, const char *note, bool not_closed);

/* ---- people
 * -------------------------------------------------------------------------------------------------- */

struct verb_result {
	int code; /* 0, ERR_NOT_FOUND, ERR_REFUSED, ERR_CLOSED, … */
	unsigned changed;
	unsigned in_doubt;     /* steps a resume left in doubt */
	unsigned held;         /* steps that go on waiting because their target is paused or held … */
	char held_target[128]; /* … such as this one: `target resume NAME` */
	uint8_t state;         /* enum saga_state afterwards */
	struct err err;
};
/* Copies `call` and its texts. `done` exactly once, after the commit. */
int journal_verb(struct journal *j, int64_t saga, const struct verb_call *call, void *ctx,
				 void (*done)(void *ctx, const struct verb_result *result)) MUST_CHECK;

/* A quarantined or gift_missing saga becomes what the event maps to now: `mapped` as it would be accepted,
 * without callbacks; its event gets a reference, all else is copied. Its keys become the saga's. Refused when
 * one of them is another saga's, and when it is a related event: that starts nothing. */
int journal_reprocess(struct journal *j, int64_t saga, const struct accept *mapped, const char *actor,
					  const char *note, void *ctx,
					  void (*done)(void *ctx, const struct verb_result *result)) MUST_CHECK;

enum target_action { TARGET_PAUSE, TARGET_RESUME, TARGET_HOLD, TARGET_RELEASE };
/* TARGET_RESUME ends a pause and a hold. */
int journal_target_act(struct journal *j, const char *target, enum target_action action, const char *actor,
					   const char *note, void *ctx,
					   void (*done)(void *ctx, const struct verb_result *result)) MUST_CHECK;

/* ---- jobs: a verb on many sagas, a slice at a time ---- */

#define JOB_SLICE_SAGAS  16
#define JOBS_RUNNING_MAX 16 /* at once; more are refused */

/* What became of one saga of a slice. */
struct job_saga {
	int64_t saga;
	struct verb_result result;
};

struct job_result {
	int code;              /* 0, ERR_NOT_FOUND, ERR_REFUSED, ERR_BUSY, ERR_CLOSED, … */
	bool already;          /* created: the same was running, and `job` is that one */
	const struct job *job; /* as it is now; borrowed for the call, NULL with a code */
	const struct job_saga *sagas;
	size_t count;
	struct err err;
};
typedef void job_done(void *ctx, const struct job_result *result);

/* The verb, filter, actor, note, rate, expected of `draft` (copied). ERR_BUSY when too many are running. A
 * second one that would do the same gets the first: a request sent twice is one job. */
int journal_job_create(struct journal *j, const struct job *draft, void *ctx, job_done *done) MUST_CHECK;

/* Found by whoever looks for matches; `ids` and the figures since the slice before. */
struct job_slice {
	int64_t job;
	int64_t ids[JOB_SLICE_SAGAS];
	size_t count;
	int64_t position; /* sagas from this id up have been looked at */
	int64_t in_doubt, passed_over;
	int64_t matched, moved, steps, refused; /* moved by operations of their own (reprocess), not by `ids` */
	const char *held;                       /* replaces the job's; copied */
	bool finished;                          /* there are no more */
	const char *error;                      /* finished, and why it could not go on; NULL */
};
/* The verb on each, and how far the job has come, in one commit: a crash neither skips nor repeats. At most
 * one slice a commit, after everything else that is queued. ERR_REFUSED: the job is not running any more. */
int journal_job_slice(struct journal *j, const struct job_slice *slice, void *ctx, job_done *done) MUST_CHECK;

/* What it has moved stays moved. ERR_REFUSED when it has ended. */
int journal_job_cancel(struct journal *j, int64_t job, const char *actor, const char *note, void *ctx,
					   job_done *done) MUST_CHECK;

/* New rules after a reload; `done` gets the ids. Targets not named become `missing`. */
int journal_set_targets(struct journal *j, const struct journal_target *targets, size_t count, void *ctx,
						void (*done)(void *ctx, const struct journal_target *targets,
									 size_t count)) MUST_CHECK;
/* A record about the daemon or the configuration. */
int journal_add_record(struct journal *j, enum subject subject, const char *text, const char *actor,
					   const char *note) MUST_CHECK;
/* The black box blames this step, by name (after journal_create, before the thread starts). ERR_NOT_FOUND,
 * ERR_STALE: there is nothing to blame any more. */
int journal_blame(struct journal *j, int64_t saga, const char *step, const char *detail,
				  struct err *err) MUST_CHECK;

/* For tests and the simulation, between pumps: reads every saga and holds it against rows, lanes, counts and
 * the sagas in memory. ERR_CORRUPT with what does not fit. */
int journal_audit(struct journal *j, struct err *err) MUST_CHECK;

/* ---- figures, kept in the commit, never counted by scan
 * -------------------------------------------------------- */

struct journal_target_counts {
	uint32_t id;
	char name[128];
	int64_t open;    /* steps not terminal */
	int64_t backlog; /* rows that wait, whatever they wait for: a slot, their time, their lane, other steps */
	int64_t attention;
	int64_t succeeded; /* ever */
};

struct journal_counts {
	int64_t accepted;
	int64_t related;
	int64_t duplicates;
	int64_t sagas[SAGA_STATE_COUNT]; /* accepted = sum(sagas) + related: asserted at every commit */
	int64_t commits;
	int64_t log_rows;
	int64_t queue_records; /* now */
	int64_t queue_bytes;
	bool disk_low; /* or store_gone */
	bool store_gone;
	int64_t wal_blocked_bytes; /* of the write-ahead log, by a reader outside; 0: not held up */
	size_t target_count;
	struct journal_target_counts *targets; /* free with journal_counts_finish */
};
/* A copy as of the last commit. Thread: any. */
void journal_counts(struct journal *j, struct journal_counts *ret);
void journal_counts_finish(struct journal_counts *c);
/* Decodes what counters_put stored, for readers without a daemon. */
int journal_counts_decode(struct str bytes, struct journal_counts *ret, struct err *err) MUST_CHECK;

#endif
