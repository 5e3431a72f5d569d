/* What the files of this room share. Everything here belongs to the journal's thread, except the queue and
 * the published counts, which have their own locks. Functions that return int give 0 or the code of a store
 * error; any such error ends the journal (shutdown.c). */
#ifndef ALMONER_JOURNAL_INTERNAL_H
#define ALMONER_JOURNAL_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

#include "saga/base/entropy.h"
#include "saga/journal/front/op.h"
#include "saga/journal/journal.h"
#include "saga/journal/log.h"

/* ---- targets (targets.c) ---- */

struct target_entry {
	uint32_t id;
	char name[128];
	struct step_rules rules;
	struct target_row row;
	/* Rows on disk, kept by location.c. */
	int64_t claimable;
	int64_t blocked; /* for their lane, or after other steps */
	int64_t with_lane;
	int64_t next_due_ms; /* of the first claimable row; INT64_MAX: none */
	bool due_unknown;    /* that row is gone: ask the store */
	bool clamp_pending;  /* some may be due further ahead than the policy allows */
	/* Its rows in lanes were placed by other rules: idle.c looks at them again, from behind this one. */
	bool recheck_lanes, was_missing;
	struct step_row recheck_lanes_after;
	/* For `status`, kept by counters.c. */
	int64_t open;
	int64_t attention;
	int64_t succeeded;
	/* News of this batch. */
	bool news;
	bool state_changed;
	bool claim_done;
	uint32_t granted;
	struct target_entry *next_by_name;
};

#define TARGET_SLOTS 256

/* ---- lanes with somebody hot in them (lanes.c) ---- */

struct lane;
struct lane_node {
	TAILQ_ENTRY(lane_node) link;
	struct lane *lane; /* NULL: not in the line */
	int64_t saga;
	bool running;
};

struct lanes {
	struct lane **slots;
	size_t capacity; /* a power of two */
	size_t count;
	struct lane *spare;
};

/* ---- sagas in memory (cache.c) ---- */

struct plan_info {
	struct plan *plan;
	int64_t number;
	struct target_entry *target[PLAN_STEPS_MAX];
};

#define NOT_COUNTED 0xff

/* What is true on disk and in the engine for one step, beside what the saga says. */
struct step_location {
	bool open, attention, done; /* as counted last */
	uint8_t location;           /* enum location */
	uint8_t row_why;            /* enum why of the row, with LOCATION_DISK */
	uint8_t direction;
	uint32_t generation; /* of the work handed out, with LOCATION_ENGINE */
	int64_t row_due_ms;
	struct lane_node node;
};

struct cache_entry {
	struct cache_entry *next; /* in its hash slot */
	STAILQ_ENTRY(cache_entry) touched_link;
	int64_t id;
	struct saga *saga; /* NULL: only its log is written in this batch */
	struct plan_info *plan;
	struct step_location *locations;
	struct event *event; /* a reference, for the time of a batch */
	struct records *log; /* for the time of a batch */
	uint8_t counted;     /* enum saga_state as counted, or NOT_COUNTED */
	bool touched;
	bool is_new;
	bool changed;
};

struct saga_cache {
	struct cache_entry **slots;
	size_t capacity;
	size_t count;
};

struct plan_table {
	struct plan_info **plans;
	size_t count;
};

/* ---- one batch (batch.c) ---- */

struct freed_lane {
	struct target_entry *target;
	uint8_t lane[LANE_BYTES];
};

struct subject_log {
	enum subject subject;
	int64_t id;
	struct records records;
};

struct batch {
	STAILQ_HEAD(, cache_entry) touched;
	struct work_list works;
	struct freed_lane *freed;
	size_t freed_count, freed_cap;
	struct subject_log *logs; /* of subjects that are no sagas */
	size_t log_count, log_cap;
	struct records **spare; /* record buffers waiting for the next entry */
	size_t spare_count, spare_cap;
	struct target_news *news;
	size_t news_count, news_cap;
	struct buf value; /* scratch: an encoded saga, the counters */
	uint8_t salts[64][16];
	size_t salts_used;
	bool open;  /* a transaction is open */
	bool wrote; /* something is in it */
};

/* ---- the whole ---- */

struct totals {
	int64_t accepted, related, waiting, duplicates, commits, log_rows;
	int64_t sagas[SAGA_STATE_COUNT];
};

struct idle_state {
	int64_t related_next_ms;
	int64_t prune_next_ms;
	int64_t disk_next_ms;
	int64_t taken_bytes;        /* of events since the last look at the disk */
	int64_t checkpoint_next_ms; /* when the last one found no room */
	bool checkpoint_full;
	int64_t wal_blocked_since_ms; /* 0: the last checkpoint copied enough */
};

struct journal {
	struct store_writer store;
	struct clock clock;
	struct entropy entropy;
	struct journal_hooks hooks;
	struct inflight_file *inflight;
	int64_t reserve_bytes;
	int64_t recount_rows;
	int key_days;

	struct op_queue queue;
	pthread_t thread;
	bool has_thread;
	bool recovering; /* nothing is handed out */
	bool stopped;    /* journal_stop was called */
	bool failed;
	atomic_bool disk_low;              /* nothing is accepted, nothing begins */
	atomic_bool store_gone;            /* … because its files are not where they were */
	_Atomic int64_t wal_blocked_bytes; /* once it was told */
	atomic_size_t rejected_bytes;      /* of refused requests in the queue */

	struct target_entry **targets; /* by id - 1 */
	size_t target_count;
	struct target_entry *by_name[TARGET_SLOTS];
	struct lanes lanes;
	struct saga_cache cache;
	struct plan_table plans;
	struct batch batch;
	struct totals totals;
	struct idle_state idle;

	int64_t accepts_delayed_since_ms; /* no accept has been taken, for want of room; 0: there is room */
	bool accepts_delayed;             /* the last turn left accepts in the queue */
	int64_t now_ms;                   /* one reading a batch */
	int64_t last_saga, last_related, last_log;
	struct chain_row chain; /* of the last commit */
	int64_t damaged_saga;   /* the saga that the last cache_load could not read; 0: it could */
	struct err err;

	pthread_mutex_t counts_lock;
	struct journal_counts counts; /* as of the last commit */
};

/* targets.c */
struct target_entry *target_of_id(struct journal *j, uint32_t id); /* NULL: none */
struct target_entry *target_of_name(struct journal *j, const char *name);
int target_ensure(struct journal *j, const char *name, struct target_entry **ret);
/* Rules of those named, in `ret_id` order; the others become missing. In a transaction. */
int targets_set_rules(struct journal *j, struct journal_target *targets, size_t count);
int targets_load(struct journal *j);
/* The rules by which its rows stand in lanes, as a byte to keep; and taken from one: 0 has the rows looked at
 * again. */
uint8_t target_lane_rules(const struct target_entry *t);
void target_set_lane_rules(struct target_entry *t, uint8_t lane_rules);
void targets_free(struct journal *j);
/* May attempts start there now? `probe`: one that shall find out whether a hold can end. */
bool target_is_open(const struct journal *j, const struct target_entry *t, bool probe);
int64_t target_longest_wait_ms(const struct target_entry *t);
int target_next_due(struct journal *j, struct target_entry *t, int64_t *ret_ms);
/* Is something due on disk that goes first? */
int target_has_backlog(struct journal *j, struct target_entry *t, bool *ret);
/* Is it due further ahead than the policy allows (the clock was set back while nobody looked)? Then it is moved
 * near. */
bool target_limit_due(const struct journal *j, const struct target_entry *t, struct step *st);
/* The same for its rows, some at a time, after the start and after a reload. */
int clamp_due_rows(struct journal *j, struct target_entry *t);
int target_apply_action(struct journal *j, struct target_entry *t, enum target_action action,
						const char *actor, const char *note);
struct rules_port targets_rules_port(struct journal *j);

/* lanes.c */
void lanes_init(struct lanes *l);
void lanes_free(struct lanes *l);
void lanes_enter(struct lanes *l, uint32_t target, const uint8_t key[LANE_BYTES], struct lane_node *node);
void lanes_leave(struct lanes *l, struct lane_node *node);
void lanes_set_running(struct lane_node *node, bool running);
/* Among those in memory: is somebody before this saga, or does another saga's step run? */
bool lanes_blocked(const struct lanes *l, uint32_t target, const uint8_t key[LANE_BYTES], int64_t saga);

/* cache.c */
void cache_init(struct saga_cache *c);
void cache_free(struct journal *j);
/* Part of this batch from now on; its saga may not be loaded. */
struct cache_entry *cache_touch(struct journal *j, int64_t id);
/* … and loaded: ERR_NOT_FOUND without making the journal fail; so can a saga whose stored value is damaged,
 * see cache_is_damaged. */
int cache_load(struct journal *j, int64_t id, struct cache_entry **ret);
/* Was `rc` of the last cache_load about that one saga, not about the store? j->err says what is wrong. */
bool cache_is_damaged(const struct journal *j, int rc);
/* A saga made in this batch; takes it over. */
struct cache_entry *cache_add(struct journal *j, struct saga *saga, struct plan_info *plan);
/* Another saga under the same id (reprocess); takes it over. Its steps must be off their seats. */
void cache_replace(struct journal *j, struct cache_entry *e, struct saga *saga, struct plan_info *plan);
struct records *cache_log(struct journal *j, struct cache_entry *e);
void cache_set_event(struct cache_entry *e, struct event *event); /* takes a reference of its own */
int cache_load_event(struct journal *j, struct cache_entry *e);
/* End of the batch: drops what is not live. */
void cache_release(struct journal *j, struct cache_entry *e);
int plans_load(struct journal *j, int64_t number, struct plan_info **ret);
void plans_free(struct journal *j);
int plans_ensure(struct journal *j, const struct plan *plan, struct plan_info **ret);
struct cache_entry *cache_find(const struct saga_cache *c, int64_t id);

/* location.c: where a step waits, with rows, lanes and counts of rows kept true */
int location_set_disk(struct journal *j, struct cache_entry *e, unsigned i, enum why why, int64_t due_ms);
int location_set_engine(struct journal *j, struct cache_entry *e, unsigned i, bool running);
int location_set_none(struct journal *j, struct cache_entry *e, unsigned i);
int location_set_waiting(struct journal *j, struct cache_entry *e, unsigned i);
/* The work is back from the engine: the step must be seated again. */
void location_leave_engine(struct cache_entry *e, unsigned i);
/* The row of a saga that cannot be read: it is claimed no more, and lets others pass unless the target holds;
 * a record says so. */
int location_set_quarantine(struct journal *j, const struct step_row *row);
/* A live saga read after a crash: its steps stand in their lines again as they did, so that leaving is
 * noticed. */
void location_restore_lanes(struct journal *j, struct cache_entry *e);
/* Sagas that are no longer live keep their place in the line by rows. */
int location_lanes_to_disk(struct journal *j, struct cache_entry *e);
/* The row a loaded step must have. */
enum why location_row_why(const struct saga *s, unsigned i);

/* schedule.c */
struct schedule_options {
	bool accepting; /* the commit that accepts the event */
	bool recheck;   /* look again at steps that wait for their lane */
	bool to_disk;   /* hand nothing out */
	bool no_start;  /* no intent now */
};
int schedule_saga(struct journal *j, struct cache_entry *e, struct schedule_options options);
/* May this step begin an attempt now: state, saga, target, deadline, lane. */
int schedule_check_start(struct journal *j, struct cache_entry *e, unsigned i, bool probe, bool *ret_open);
/* Can only a person make it go on: in attention, stopped by policy, or waiting for such a step? */
bool schedule_needs_operator(const struct saga *s, unsigned i);
int schedule_lane_blocked(struct journal *j, const struct cache_entry *e, unsigned i, bool *ret);
/* The next in the lanes that became free. After every operation. */
int schedule_next_in_lane(struct journal *j);
struct decide cache_decide_context(struct journal *j, struct cache_entry *e);

/* handout.c: handing out */
int handout_step(struct journal *j, struct cache_entry *e, unsigned i, struct schedule_options options);
/* Intent and WORK_START; `w` is used again when given. The gate must be open. */
int handout_start(struct journal *j, struct cache_entry *e, unsigned i, struct work *w);
/* WORK_READY, fresh; `slot`: from a claim. */
int handout_ready(struct journal *j, struct cache_entry *e, unsigned i, bool slot);
void handout_answer(struct journal *j, struct work *w, enum work_kind kind);
int claims_grant(struct journal *j, struct target_entry *t, uint32_t max);

/* counters.c */
void counters_account(struct journal *j, struct cache_entry *e);
void counters_encode(struct journal *j, struct buf *out);
int counters_load(struct journal *j, struct str bytes);
void counters_publish(struct journal *j);
/* Every accepted event is somewhere. */
bool counters_add_up(const struct journal *j);
/* Of counters just read: what does not add up, or is below zero; NULL when sound. */
const char *counters_fault(const struct journal *j);
/* Counts of rows are held against the rows; where they differ, the rows are right, and a record says so. At
 * start, in a transaction. */
int counters_recount(struct journal *j);

/* batch.c */
int batch_begin(struct journal *j);
/* Everything touched is written, the counters too, and synced; or rolled back when there was nothing. */
int batch_commit(struct journal *j);
/* Works and news of the batch to the engine. */
void batch_hand_out(struct journal *j);
void batch_free(struct journal *j);

/* shutdown.c */
int journal_fail(struct journal *j, int code);

/* idle.c */
int idle_run(struct journal *j);
int64_t idle_next_ms(const struct journal *j);
int idle_checkpoint(struct journal *j, bool busy);
void idle_check_disk(struct journal *j);

/* recover.c */
int recover_sagas(struct journal *j);

#endif
