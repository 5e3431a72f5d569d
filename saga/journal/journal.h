/* The journal is the one place where sagas change. Its thread takes all operations that wait in the queue,
 * asks saga/model what each one does, writes one transaction, syncs it once, and only then answers the
 * callers and hands work to the engine. Commits need no timer: while one commit syncs, the operations for
 * the next one gather.
 *
 *     intake ── intake_port.h ────►┐                            ┌──► done callbacks (answers)
 *     engine ── engine_port.h ────►│ queue ─► batch ─► commit ──┤
 *     admin  ── operator_port.h ──►┘                            └──► hooks.hand_out (work for the engine)
 *
 * This header is for the owner of the journal: options, hooks, and the journal's life. Each caller
 * includes only the port it needs; status pages and metrics read figures.h.
 *
 * Threads: the functions of the ports may be called from any thread, also from callbacks. Callbacks and
 * hooks run on the journal's thread; they must not block, and they must not call journal_pump.
 *
 * Failure: after a failed commit or another store error the journal writes nothing more. It calls
 * hooks.failed once, answers waiting operations with the error, and refuses every later one with
 * ERR_CLOSED. The daemon then exits. */
#ifndef ALMONER_SAGA_JOURNAL_JOURNAL_H
#define ALMONER_SAGA_JOURNAL_JOURNAL_H

#include "saga/base/clock.h"
#include "saga/base/entropy.h"
#include "saga/journal/schedule/work.h"
#include "saga/store/store.h"

struct inflight_file;
struct journal;

/* ---- targets ---- */

/* One target as the configuration has it. */
struct journal_target {
	const char *name; /* not NULL; at most 127 bytes */
	struct step_rules rules;
	/* the number of the target, which the journal fills in: from 1, the same after every restart */
	uint32_t id;
};

struct target_state {
	uint32_t id;
	bool paused; /* by an operator */
	/* the engine holds the target, because its credentials are refused or its settings are wrong */
	bool held;
	enum hold_kind hold; /* HOLD_NONE: not held, or held for a reason of an unknown kind */
	/* the breaker's state as last reported by journal_breaker, perhaps by an earlier process */
	bool breaker_not_closed;
};

/* What a batch changed for one target; handed out together with the batch's works. */
struct target_news {
	uint32_t target;
	bool claim_done;        /* the claim of this target has ended: slots that it did not use are free again */
	uint32_t claim_granted; /* works that the claim handed out, each with a slot (WORK_START or WORK_READY) */
	int64_t backlog;        /* claimable rows on disk, due or not */
	int64_t next_due_ms;    /* the due time of the first claimable row; INT64_MAX: the target has none */
	bool state_changed;     /* `state` is not that of the target's last news, or its rules were loaded anew */
	struct target_state state;
};

struct handout {
	/* the works that were handed out, in the order of the commit; the receiver owns them */
	struct work_list works;
	const struct target_news *news; /* borrowed for the call */
	size_t news_count;
};

/* ---- hooks: what the journal asks of its owner ---- */

/* What the engine grants a step that could start (hooks.admission). */
enum admission {
	ADMISSION_SLOT,   /* a slot is reserved: the step's intent may be part of this commit */
	ADMISSION_WINDOW, /* no slot is free, but window memory is reserved: the step becomes a WORK_READY */
	/* neither a slot nor memory is free: the step waits on disk until the engine claims it */
	ADMISSION_DISK
};

/* Changes that concern the store's disk. */
enum disk_news {
	DISK_LOW,    /* less free space than the reserve: no event is accepted and no attempt starts */
	DISK_ENOUGH, /* DISK_LOW or STORE_FILES_GONE is over */
	/* the store's files were removed, renamed or replaced: works like DISK_LOW until they return */
	STORE_FILES_GONE,
	WAL_BLOCKED, /* a reader of another process keeps the write-ahead log from being reused: it grows */
	WAL_UNBLOCKED
};

struct journal_hooks {
	void *ctx;
	/* Not NULL. Called in commit order for each step that could start; reserves what it grants. `bytes`: the
	 * memory that the work takes in the target's window. `may_start_in_commit`: ADMISSION_SLOT is allowed,
	 * because a first intent in this commit does no harm when the process dies before the attempt begins
	 * (gateway/DESIGN.md "The way of an event"). */
	enum admission (*admission)(void *ctx, uint32_t target, size_t bytes, bool may_start_in_commit);
	/* Called after a commit when the batch has works or news. Not NULL. */
	void (*hand_out)(void *ctx, const struct handout *handout);
	/* Called once, when the journal fails. err->code ERR_LOST: the store belongs to another owner now, and the
	 * process may go on without this journal; other codes: the store is broken. May be NULL. */
	void (*failed)(void *ctx, const struct err *err);
	/* `bytes`: free space, or with WAL_* the size of the write-ahead log. May be NULL. */
	void (*disk)(void *ctx, enum disk_news news, int64_t bytes);
	/* How many new events the fast targets can start now. SIZE_MAX: no limit, because every target without
	 * free capacity is slow anyway. While the answer is 0, accepts are delayed, at most 50 ms (thread.c). May
	 * be NULL: no accept is delayed. */
	size_t (*start_capacity)(void *ctx);
};

/* ---- life ---- */

/* Defaults of the options below. */
#define JOURNAL_QUEUE_BYTES   (16u << 20) /* chosen; no measurement */
#define JOURNAL_QUEUE_RECORDS 16384       /* chosen; no measurement */
#define JOURNAL_RECOUNT_ROWS  200000      /* measured: counting 200,000 rows takes a tenth of a second */
#define JOURNAL_KEY_DAYS      400         /* gateway/DESIGN.md "Deduplication" */
#define JOURNAL_CHECK_EVERY   64          /* chosen: one commit in 64 pays for the checks; no measurement */

struct journal_options {
	struct store_writer store; /* the journal owns it from the call of journal_create on, and closes it */
	struct clock clock;
	struct entropy entropy;
	struct journal_hooks hooks;
	struct journal_target *targets; /* borrowed for journal_create, which fills in the ids */
	size_t target_count;
	size_t queue_bytes;    /* memory of accepts that wait for their commit; 0: JOURNAL_QUEUE_BYTES */
	size_t queue_records;  /* their number; 0: JOURNAL_QUEUE_RECORDS */
	int64_t reserve_bytes; /* with less free disk space than this, accepts are refused; 0: not checked */
	/* At start a target's counts of rows are compared with the rows themselves, unless there are more rows
	 * than this; 0: JOURNAL_RECOUNT_ROWS. */
	int64_t recount_rows;
	/* Every how many commits the checks that walk whole structures run (saga/journal/invariants.h):
	 * saga_check of each saga of the batch, sums of the counters, locations and lanes. 0:
	 * JOURNAL_CHECK_EVERY, which the daemon uses; unit fixtures and the simulation set 1. */
	unsigned check_every;
	/* How far the low-water mark may lag (saga/journal/state/low_mark.h); 0: LOW_MARK_SPAN.
	 * Tests and the simulation set a short one. */
	int64_t low_mark_span;
	const char *actor; /* for the log's record `started`: "almoner 0.1.0, pid 77"; NULL: none */
	int key_days;      /* how many days a repeat of an event is recognised; 0: JOURNAL_KEY_DAYS */
	/* Borrowed: must outlive the journal. NULL: digests of requests in flight are not kept, so the start
	 * after a crash does not know what was sent. */
	struct inflight_file *inflight;
};

/* Reads the store's head, records the start, and moves every live step to a row on disk, after it has decided
 * what the step's unknown end means. Hands nothing out: the first pump gives news of every target. On failure
 * the store is closed and *ret is not set. ERR_CORRUPT: stored data is damaged, or the store has lost
 * acknowledged commits. */
int journal_create(const struct journal_options *options, struct journal **ret, struct err *err) MUST_CHECK;
/* Starts the journal's thread (daemon). Tests and the simulation call journal_pump instead. ERR_SYSTEM. */
int journal_start_thread(struct journal *j, struct err *err) MUST_CHECK;
/* Handles one batch on the caller's thread: returns the number of operations handled, or ERR_*. Not allowed
 * once the journal has a thread. */
int journal_pump(struct journal *j) MUST_CHECK;
/* When the next pump has something to do although no operation is queued; INT64_MAX: never. */
int64_t journal_idle_due_ms(const struct journal *j);
/* Handles what is queued, records the stop with the reason `why` (may be NULL), and ends the thread. Every
 * later operation is refused. A second call does nothing. */
void journal_stop(struct journal *j, const char *why);
/* Frees the journal and closes the store. A journal with a thread must be stopped first. Without journal_stop
 * this is a crash, as the simulation uses it: queued operations are freed and their callbacks are not called.
 * NULL is accepted. */
void journal_destroy(struct journal *j);

/* Puts a step in attention(fault), because its connector brought the last process down: the black box gives
 * the step by name. Only after journal_create and before the thread starts. ERR_NOT_FOUND: there is no such
 * saga or step; ERR_STALE: the step is not under way any more. */
int journal_blame(struct journal *j, int64_t saga, const char *step, const char *detail,
				  struct err *err) MUST_CHECK;

/* For tests and the simulation, between pumps: reads every saga of the store and compares it with rows,
 * lanes, counts and the sagas in memory. ERR_CORRUPT with the difference. */
int journal_audit(struct journal *j, struct err *err) MUST_CHECK;

#endif
