/* What the files of this room share. Everything here belongs to the journal's thread, except the queue and
 * the published counts, which have their own locks. Functions that return int give 0 or the code of a store
 * error; any such error ends the journal (fail.c). */
#ifndef ALMONER_JOURNAL_INTERNAL_H
#define ALMONER_JOURNAL_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

#include "saga/journal/journal.h"
#include "saga/journal/op.h"

/* ---- targets (targets.c) ---- */

struct jtarget {
	uint32_t id;
	char name[128];
	struct step_rules rules;
	struct target_row row;
	/* Rows on disk, kept by seat.c. */
	int64_t claimable;
	int64_t blocked; /* for their lane, or after other steps */
	int64_t with_lane;
	int64_t next_due_ms; /* of the first claimable row; INT64_MAX: none */
	bool due_unknown;    /* that row is gone: ask the store */
	bool far_unknown;    /* some may be due further ahead than the policy allows */
	/* Its rows in lanes were placed by other rules: idle.c looks at them again, from behind this one. */
	bool reseat, was_missing;
	struct step_row reseat_after;
	/* For `status`, kept by counts.c. */
	int64_t open;
	int64_t attention;
	int64_t succeeded;
	/* News of this batch. */
	bool news;
	bool state_changed;
	bool claim_done;
	uint32_t granted;
	struct jtarget *next_by_name;
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
	size_t room; /* a power of two */
	size_t count;
	struct lane *spare;
};

/* ---- sagas in memory (cache.c) ---- */

struct plan_info {
	struct plan *plan;
	int64_t number;
	struct jtarget *target[PLAN_STEPS_MAX];
};

#define NOT_COUNTED 0xff

/* What is true on disk and in the engine for one step, beside what the saga says. */
struct placed {
	bool open, attention, done; /* as counted last */
	uint8_t place;   /* enum place */
	uint8_t row_why; /* enum why of the row, with PLACE_ROW */
	uint8_t direction;
	uint32_t generation; /* of the work handed out, with PLACE_HOT */
	int64_t row_due_ms;
	struct lane_node node;
};

struct entry {
	struct entry *next; /* in its hash slot */
	STAILQ_ENTRY(entry) touched_link;
	int64_t id;
	struct saga *saga; /* NULL: only its log is written in this batch */
	struct plan_info *plan;
	struct placed *placed;
	struct event *event; /* a reference, for the time of a batch */
	struct records *log; /* for the time of a batch */
	uint8_t counted;     /* enum saga_state as counted, or NOT_COUNTED */
	bool touched;
	bool is_new;
	bool changed;
};

struct cache {
	struct entry **slots;
	size_t room;
	size_t count;
	struct plan_info **plans;
	size_t plan_count;
};

/* ---- one batch (batch.c) ---- */

struct freed_lane {
	struct jtarget *target;
	uint8_t lane[LANE_BYTES];
};

struct subject_log {
	enum subject subject;
	int64_t id;
	struct records records;
};

struct batch {
	STAILQ_HEAD(, entry) touched;
	struct work_list works;
	struct freed_lane *freed;
	size_t freed_count, freed_room;
	struct subject_log *logs; /* of subjects that are no sagas */
	size_t log_count, log_room;
	struct records **spare; /* record buffers waiting for the next entry */
	size_t spare_count, spare_room;
	struct target_news *news;
	size_t news_count, news_room;
	struct buf value; /* scratch: an encoded saga, the counters */
	uint8_t salts[64][16];
	size_t salts_used;
	bool open;  /* a transaction is open */
	bool wrote; /* something is in it */
};

/* ---- the whole ---- */

struct tally {
	int64_t accepted, related, waiting, duplicates, commits, log_rows;
	int64_t sagas[SAGA_STATE_COUNT];
};

struct idle {
	int64_t related_next_ms;
	int64_t prune_next_ms;
	int64_t disk_next_ms;
	int64_t taken_bytes;        /* of events since the last look at the disk */
	int64_t checkpoint_next_ms; /* when the last one found no room */
	bool checkpoint_full;
	int64_t held_up_since_ms; /* 0: the last checkpoint copied enough */
	bool announced; /* the first news of every target went out */
};

struct journal {
	struct store_writer store;
	struct clock clock;
	struct entropy entropy;
	struct journal_hooks hooks;
	struct sending *sending;
	int64_t reserve_bytes;
	int64_t recount_rows;
	int key_days;

	struct queue queue;
	pthread_t thread;
	bool has_thread, in_thread;
	bool recovering; /* nothing is handed out */
	bool stopped;    /* journal_stop was called */
	bool failed;
	atomic_bool disk_low;   /* nothing is accepted, nothing begins */
	atomic_bool store_gone; /* … because its files are not where they were */
	_Atomic int64_t held_up_bytes; /* once it was told */
	atomic_size_t refused_bytes; /* of refused requests in the queue */

	struct jtarget **targets; /* by id - 1 */
	size_t target_count;
	struct jtarget *by_name[TARGET_SLOTS];
	struct lanes lanes;
	struct cache cache;
	struct batch batch;
	struct tally tally;
	struct idle idle;

	int64_t held_since_ms; /* no accept has been taken, for want of room; 0: there is room */
	bool holds;            /* the last turn left accepts in the queue */
	int64_t now_ms;        /* one reading a batch */
	int64_t last_saga, last_related, last_log;
	struct chain_row chain; /* of the last commit */
	int64_t damaged;        /* the saga that the last entry_load could not read; 0: it could */
	struct err err;

	pthread_mutex_t counts_lock;
	struct journal_counts counts; /* as of the last commit */
};

/* targets.c */
struct jtarget *target_of_id(struct journal *j, uint32_t id); /* NULL: none */
struct jtarget *target_of_name(struct journal *j, const char *name);
int target_ensure(struct journal *j, const char *name, struct jtarget **ret);
/* Rules of those named, in `ret_id` order; the others become missing. In a transaction. */
int targets_adopt(struct journal *j, struct journal_target *targets, size_t count);
int targets_load(struct journal *j);
/* The rules by which its rows stand in lanes, as a byte to keep; and taken from one: 0 has the rows looked at
 * again. */
uint8_t target_placed_by(const struct jtarget *t);
void target_was_placed_by(struct jtarget *t, uint8_t placed_by);
void targets_free(struct journal *j);
/* May attempts start there now? `probe`: one that shall find out whether a hold can end. */
bool target_open(const struct journal *j, const struct jtarget *t, bool probe);
int target_next_due(struct journal *j, struct jtarget *t, int64_t *ret_ms);
/* Is something due on disk that goes first? */
int target_has_backlog(struct journal *j, struct jtarget *t, bool *ret);
/* Is it due further ahead than the policy allows (the clock was set back while nobody looked)? Then it is moved
 * near. */
bool target_near_due(const struct journal *j, const struct jtarget *t, struct step *st);
/* The same for its rows, some at a time, after the start and after a reload. */
int target_clamp_due(struct journal *j, struct jtarget *t);
int target_set(struct journal *j, struct jtarget *t, enum target_action action, const char *actor,
			   const char *note);
struct rules_port targets_rules(struct journal *j);

/* lanes.c */
void lanes_init(struct lanes *l);
void lanes_free(struct lanes *l);
void lanes_enter(struct lanes *l, uint32_t target, const uint8_t key[LANE_BYTES], struct lane_node *node);
void lanes_leave(struct lanes *l, struct lane_node *node);
void lanes_set_running(struct lane_node *node, bool running);
/* Among those in memory: is somebody before this saga, or does another saga's step run? */
bool lanes_blocked(const struct lanes *l, uint32_t target, const uint8_t key[LANE_BYTES], int64_t saga);
size_t lanes_count(const struct lanes *l);

/* cache.c */
void cache_init(struct cache *c);
void cache_free(struct journal *j);
/* Part of this batch from now on; its saga may not be loaded. */
struct entry *entry_touch(struct journal *j, int64_t id);
/* … and loaded: ERR_NOT_FOUND without making the journal fail; so can a saga whose stored value is damaged,
 * see entry_damaged. */
int entry_load(struct journal *j, int64_t id, struct entry **ret);
/* Was `rc` of the last entry_load about that one saga, not about the store? j->err says what is wrong. */
bool entry_damaged(const struct journal *j, int rc);
/* A saga made in this batch; takes it over. */
struct entry *entry_new(struct journal *j, struct saga *saga, struct plan_info *plan);
/* Another saga under the same id (reprocess); takes it over. Its steps must be off their seats. */
void entry_replace(struct journal *j, struct entry *e, struct saga *saga, struct plan_info *plan);
struct records *entry_log(struct journal *j, struct entry *e);
void entry_give_event(struct entry *e, struct event *event); /* takes a reference of its own */
int entry_need_event(struct journal *j, struct entry *e);
/* End of the batch: drops what is not live. */
void entry_release(struct journal *j, struct entry *e);
int plan_info_of(struct journal *j, const struct plan *plan, struct plan_info **ret);
struct entry *cache_find(const struct cache *c, int64_t id);

/* seat.c: where a step waits, with rows, lanes and counts of rows kept true */
int seat_row(struct journal *j, struct entry *e, unsigned i, enum why why, int64_t due_ms);
int seat_hot(struct journal *j, struct entry *e, unsigned i, bool running);
int seat_none(struct journal *j, struct entry *e, unsigned i);
int seat_waiting(struct journal *j, struct entry *e, unsigned i);
/* The work is back from the engine: the step must be seated again. */
void seat_returned(struct entry *e, unsigned i);
/* The row of a saga that cannot be read: it is claimed no more, and lets others pass unless the target holds;
 * a record says so. */
int seat_aside(struct journal *j, const struct step_row *row);
/* A live saga read after a crash: its steps stand in their lines again as they did, so that leaving is
 * noticed. */
void seat_again(struct journal *j, struct entry *e);
/* Sagas that are no longer live keep their place in the line by rows. */
int seat_cool(struct journal *j, struct entry *e);
/* The row a loaded step must have. */
enum why seat_row_why(const struct saga *s, unsigned i);

/* place.c */
struct how {
	bool accepting; /* the commit that accepts the event */
	bool recheck;   /* look again at steps that wait for their lane */
	bool to_disk;   /* hand nothing out */
	bool no_ride;   /* no intent now */
};
int place_saga(struct journal *j, struct entry *e, struct how how);
/* May this step begin an attempt now: state, saga, target, deadline, lane. */
int place_gate(struct journal *j, struct entry *e, unsigned i, bool probe, bool *ret_open);
/* Can only a person make it go on: in attention, stopped by policy, or waiting for such a step? */
bool place_stuck(const struct saga *s, unsigned i);
int place_lane_blocked(struct journal *j, const struct entry *e, unsigned i, bool *ret);
/* The next in the lanes that became free. After every operation. */
int place_promote(struct journal *j);
struct decide decide_of(struct journal *j, struct entry *e);

/* admit.c: handing out */
int admit_step(struct journal *j, struct entry *e, unsigned i, struct how how);
/* Intent and WORK_START; `w` is used again when given. The gate must be open. */
int admit_start(struct journal *j, struct entry *e, unsigned i, struct work *w);
/* WORK_READY, fresh; `slot`: from a claim. */
int admit_ready(struct journal *j, struct entry *e, unsigned i, bool slot);
void admit_answer(struct journal *j, struct work *w, enum work_kind kind);
int admit_claim(struct journal *j, struct jtarget *t, uint32_t max);

/* counts.c */
void counts_account(struct journal *j, struct entry *e);
void counts_encode(struct journal *j, struct buf *out);
int counts_load(struct journal *j, struct str bytes);
void counts_publish(struct journal *j);
/* Every accepted event is somewhere. */
bool counts_add_up(const struct journal *j);
/* Of counters just read: what does not add up, or is below zero; NULL when sound. */
const char *counts_fault(const struct journal *j);
/* Counts of rows are held against the rows; where they differ, the rows are right, and a record says so. At
 * start, in a transaction. */
int counts_recount(struct journal *j);

/* batch.c */
int batch_begin(struct journal *j);
/* Everything touched is written, the counters too, and synced; or rolled back when there was nothing. */
int batch_commit(struct journal *j);
/* Works and news of the batch to the engine. */
void batch_deliver(struct journal *j);
void batch_free(struct journal *j);
struct records *batch_log(struct journal *j, enum subject subject, int64_t id);

/* fail.c */
int journal_fail(struct journal *j, int code);

/* accept.c */
int accept_run(struct journal *j, struct accept *a, struct accept_result *result);
int accept_gift_missing(struct journal *j, int64_t related);
int accept_reprocess(struct journal *j, struct op *op);

/* idle.c */
int idle_run(struct journal *j);
int64_t idle_next_ms(const struct journal *j);
int idle_checkpoint(struct journal *j, bool busy);
void idle_check_disk(struct journal *j);

/* recover.c */
int recover_sagas(struct journal *j);

#endif
