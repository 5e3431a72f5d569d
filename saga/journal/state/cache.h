/* Sagas in memory: the live ones, so that an outcome needs no read, and all that the current batch has
 * touched, so that several operations on one saga make one update and one log row. An entry is valid until
 * the end of the batch. Thread: the journal's. */
#ifndef ALMONER_SAGA_JOURNAL_STATE_CACHE_H
#define ALMONER_SAGA_JOURNAL_STATE_CACHE_H

#include <sys/queue.h>

#include "saga/journal/schedule/lanes.h"
#include "saga/journal/state/plans.h"
#include "saga/model/decide.h"
#include "saga/model/event.h"

struct journal;
struct saga_row;

/* Where one step waits, and how it was counted: what is true on disk, in the engine and in the counters,
 * beside what the saga itself says. location.c keeps it, except for the first members. */
struct step_location {
	bool open, attention, done; /* the state of the step as counters.c has counted it */
	uint8_t location;           /* enum location */
	uint8_t row_why;            /* with LOCATION_DISK: why the row waits (enum why) */
	uint8_t direction;          /* with LOCATION_ENGINE: the direction of the work handed out */
	uint32_t generation;        /* with LOCATION_ENGINE: the generation of the work handed out */
	int64_t row_due_ms;         /* with LOCATION_DISK */
	struct lane_node node;
};

#define NOT_COUNTED 0xff

struct cache_entry {
	struct hash_link link;
	STAILQ_ENTRY(cache_entry) touched_link;
	int64_t id;
	struct saga *saga;               /* NULL: the saga is damaged, and the batch only writes to its log */
	struct plan_info *plan;          /* NULL without a saga */
	struct step_location *locations; /* the location of each step; NULL without a saga */
	struct event *event;             /* the event, a reference until the end of the batch; NULL: not read */
	struct records *log;             /* the saga's records of this batch; NULL: none */
	/* enum saga_state: the state as counters.c has counted it, or NOT_COUNTED */
	uint8_t counted;
	uint8_t salt[SAGA_SALT_BYTES]; /* of the saga's value; with a saga */
	bool touched;                  /* the entry is in the list of this batch */
	bool is_new;                   /* the saga was made in this batch and must be inserted */
	bool changed;                  /* the saga has changed and must be written at the commit */
	bool scheduled;                /* schedule_saga has located every step since the saga was loaded */
};

/* Zeroed, it is empty. */
struct saga_cache {
	struct hash_table table; /* of struct cache_entry, by id */
	int64_t damaged_saga;    /* the saga that could not be decoded last, or whose event could not; 0: none */
	struct records **spare;  /* empty record buffers, to be used again */
	size_t spare_count, spare_capacity;
};

void cache_free(struct journal *j);
/* Finds the entry of a saga; NULL: the saga is not in memory. Does not touch the entry. */
struct cache_entry *cache_find(const struct saga_cache *c, int64_t id);
/* Makes the saga part of this batch, loaded. ERR_NOT_FOUND; ERR_CORRUPT with cache_is_damaged when the saga's
 * own stored value cannot be decoded: neither has to end the journal. Other codes are store errors. */
int cache_load(struct journal *j, int64_t id, struct cache_entry **ret) MUST_CHECK;
/* The same for a saga whose row was just read in this transaction. The value must live until the call ends,
 * also while the store is asked for the plan. */
int cache_load_row(struct journal *j, const struct saga_row *row, struct cache_entry **ret) MUST_CHECK;
/* For records about a saga, which are kept in any case: a saga that is damaged or missing becomes part of the
 * batch without being loaded, so e->saga is NULL. */
int cache_load_to_record(struct journal *j, int64_t id, struct cache_entry **ret) MUST_CHECK;
/* Is `rc` of the last cache_load or cache_load_event about that one saga rather than the store? j->err says what
 * is wrong with it. */
bool cache_is_damaged(const struct journal *j, int rc);
/* A saga made in this batch; takes it over. */
struct cache_entry *cache_add(struct journal *j, struct saga *saga, struct plan_info *plan);
/* Puts another saga under the same id (reprocess), which takes over the log rows of the old one; takes it over. Every step of the old one must be at
 * LOCATION_NONE. */
void cache_replace(struct journal *j, struct cache_entry *e, struct saga *saga, struct plan_info *plan);
/* The records of this saga in this batch, to be added to. */
struct records *cache_log(struct journal *j, struct cache_entry *e);
/* Collects what a decision about this saga needs. */
struct decide cache_decide_context(struct journal *j, struct cache_entry *e);
/* Gives the entry the event when it has none; takes a reference of its own. */
void cache_set_event(struct cache_entry *e, struct event *event);
/* Reads the event when the entry has none. ERR_CORRUPT with cache_is_damaged when it does not decode, as for
 * cache_load. */
int cache_load_event(struct journal *j, struct cache_entry *e) MUST_CHECK;
/* At the end of the batch: forgets the entry's records and event, and drops the entry unless its saga is
 * live. */
void cache_release(struct journal *j, struct cache_entry *e);

#endif
