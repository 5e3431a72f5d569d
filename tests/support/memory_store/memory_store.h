/* A store in memory, for tests: a complete store behind saga/store/store.h that has nothing to do with SQLite. It
 * passes the same contract suite, so a rule of the journal that holds on both stores does not depend on
 * SQLite. It can fail on purpose, and it counts the round trips that a store behind a network would need.
 *
 * Threads: a writer and several readers may be used at the same time; one lock serialises their calls. No call
 * waits for another one to end a transaction. */
#ifndef ALMONER_TESTS_SUPPORT_MEMORY_STORE_H
#define ALMONER_TESTS_SUPPORT_MEMORY_STORE_H

#include "saga/store/store.h"

/* What a connection was asked to do, by the names of the port. */
#define MEMORY_CALLS(X)                                                                                      \
	X(HEAD, "head")                                                                                          \
	X(BEGIN, "begin")                                                                                        \
	X(COMMIT, "commit")                                                                                      \
	X(ROLLBACK, "rollback")                                                                                  \
	X(PLAN_PUT, "plan_put")                                                                                  \
	X(PLAN_GET, "plan_get")                                                                                  \
	X(SAGA_INSERT, "saga_insert")                                                                            \
	X(SAGA_UPDATE, "saga_update")                                                                            \
	X(SAGA_GET, "saga_get")                                                                                  \
	X(SAGA_LIVE, "saga_live")                                                                                \
	X(SAGA_RANGE, "saga_range")                                                                              \
	X(EVENT_INSERT, "event_insert")                                                                          \
	X(EVENT_REPLACE, "event_replace")                                                                        \
	X(EVENT_GET, "event_get")                                                                                \
	X(EVENT_MANY, "event_many")                                                                              \
	X(KEYS_RESERVE, "keys_reserve")                                                                          \
	X(KEY_CLAIM, "key_claim")                                                                                \
	X(KEY_FIND, "key_find")                                                                                  \
	X(KEY_TRANSFER, "key_transfer")                                                                          \
	X(KEY_ADD_SEARCH, "key_add_search")                                                                      \
	X(KEY_DELETE_SEARCH, "key_delete_search")                                                                \
	X(KEY_PRUNE, "key_prune")                                                                                \
	X(RELATED_INSERT, "related_insert")                                                                      \
	X(RELATED_GET, "related_get")                                                                            \
	X(RELATED_ATTACH, "related_attach")                                                                      \
	X(RELATED_DUE, "related_due")                                                                            \
	X(ROW_PUT, "row_put")                                                                                    \
	X(ROW_DELETE, "row_delete")                                                                              \
	X(ROW_CLAIMABLE, "row_claimable")                                                                        \
	X(ROW_NEXT_DUE, "row_next_due")                                                                          \
	X(ROW_LANE_FIRST, "row_lane_first")                                                                      \
	X(ROW_DUE_BEYOND, "row_due_beyond")                                                                      \
	X(ROW_WITH_LANE, "row_with_lane")                                                                        \
	X(ROW_COUNT_PAGE, "row_count_page")                                                                      \
	X(TARGET_PUT, "target_put")                                                                              \
	X(TARGET_ALL, "target_all")                                                                              \
	X(JOB_PUT, "job_put")                                                                                    \
	X(JOB_GET, "job_get")                                                                                    \
	X(JOB_RUNNING, "job_running")                                                                            \
	X(REJECTED_PUT, "rejected_put")                                                                          \
	X(REJECTED_DELETE, "rejected_delete")                                                                    \
	X(REJECTED_PRUNE, "rejected_prune")                                                                      \
	X(LOG_APPEND, "log_append")                                                                              \
	X(CHAIN_APPEND, "chain_append")                                                                          \
	X(CHECKPOINT, "checkpoint")                                                                              \
	X(SAGA_LIST, "saga_list")                                                                                \
	X(SAGA_FIND, "saga_find")                                                                                \
	X(KEY_SEARCH, "key_search")                                                                              \
	X(LOG_READ, "log_read")                                                                                  \
	X(RELATED_OF, "related_of")                                                                              \
	X(TARGETS, "targets")                                                                                    \
	X(BACKLOG, "backlog")                                                                                    \
	X(FIGURES, "figures")                                                                                    \
	X(JOB_LIST, "job_list")                                                                                  \
	X(REJECTED_LIST, "rejected_list")                                                                        \
	X(VERIFY, "verify")

#define MEMORY_CALL_ENUM(name, text) CALL_##name,
enum memory_call { CALL_ANY, MEMORY_CALLS(MEMORY_CALL_ENUM) CALL_COUNT };
#undef MEMORY_CALL_ENUM

struct memory_store;

/* ---- life ---- */

/* There is no store yet: the first memory_store_open makes it. */
struct memory_store *memory_store_create(void);
/* Every connection is closed. NULL is accepted. */
void memory_store_destroy(struct memory_store *s);
/* Removes the store as if its file were deleted. No writer is open. */
void memory_store_clear(struct memory_store *s);

struct memory_store_options {
	uint16_t part;     /* of the writer; less than STORE_PARTS */
	int64_t stride;    /* how saga numbers grow; 0: by 1 */
	bool numbers_skip; /* saga numbers that are given out may leave gaps */
};

/* Opens for writing; `options` may be NULL. ERR_BUSY: the store has a writer of this part. ERR_REFUSED: a newer
 * version wrote it. */
int memory_store_open(struct memory_store *s, const struct memory_store_options *options,
					  struct store_writer *ret, struct err *err) MUST_CHECK;
/* ERR_NOT_FOUND: no writer has made the store yet. */
int memory_store_open_reader(struct memory_store *s, struct store_reader *ret, struct err *err) MUST_CHECK;

/* ---- failures on purpose ---- */

/* The call number `countdown` (1: the next one) of this kind fails with `code`; 0: none fails any more. With
 * `takes_effect` a commit is durable although its answer is the error. */
struct memory_store_failure {
	enum memory_call call; /* CALL_ANY: every kind counts */
	unsigned countdown;
	int code;
	bool takes_effect;
};
/* Returns what was planned before: of a failure that has occurred, the countdown is 0. */
struct memory_store_failure memory_store_fail(struct memory_store *s,
											  const struct memory_store_failure *failure);
/* How many calls of this kind (CALL_ANY: of all kinds) were made since the store was created. */
unsigned memory_store_calls(const struct memory_store *s, enum memory_call call);
/* Calls of writers, other than rollback, after one of them failed with ERR_IO, ERR_LOST or ERR_CORRUPT, or its
 * commit failed: the port forbids them. */
unsigned memory_store_calls_after_failure(const struct memory_store *s);
const char *memory_call_name(enum memory_call call);

/* ---- damage ---- */

/* Ways to damage a store from outside, which verify must report. */
enum memory_damage {
	MEMORY_FLIP_HEAD, /* one byte in the middle of the head of log row `number` */
	MEMORY_FLIP_PERSONAL,
	MEMORY_FORGET_PERSONAL, /* as almoner does it: no damage */
	MEMORY_EMPTY_HEAD,      /* log row `number` keeps only the digests of both parts: no damage */
	MEMORY_REMOVE_ROW,      /* of the log */
	MEMORY_RENUMBER,        /* log row `number` becomes number + 1000 */
	MEMORY_REMOVE_COMMIT,
	MEMORY_REMOVE_TAIL, /* log rows and chain rows from commit `number` on */
	MEMORY_FLIP_CHAIN,
	MEMORY_FLIP_COUNTERS, /* of commit `number` */
	MEMORY_FLIP_MARKS,
	MEMORY_CHAIN_TIME,  /* the time of commit `number` is a second later */
	MEMORY_CUT_SAGA,    /* the value of saga `number` is cut short */
	MEMORY_CHANGE_SAGA, /* the event id in the value of saga `number` is another one of the same length */
	MEMORY_FORGET_SALT, /* of saga `number`: no damage */
	MEMORY_SAGA_STATE,  /* the state column of saga `number` contradicts its value */
	MEMORY_CHANGE_EVENT,
	MEMORY_REMOVE_EVENT,
	MEMORY_SPOIL_EVENT, /* the event of saga `number` does not decode any more */
	MEMORY_CHANGE_RELATED,
	MEMORY_SPOIL_RELATED,
	MEMORY_REMOVE_RELATED,
	MEMORY_REMOVE_STEPS, /* the step rows of saga `number` */
	MEMORY_NEWER_SCHEMA, /* a newer version wrote the store */
};
/* No transaction is open. The row to damage must exist. */
void memory_store_damage(struct memory_store *s, enum memory_damage damage, int64_t number);

/* ---- round trips ----
 *
 * What a store behind a network would need. A write travels with the commit, which is one round trip.
 * keys_reserve is one. A read is one, unless its answer is known: because this transaction has read it or
 * written it, because keys_reserve brought it along, or because `expect` announced it before the last round
 * trip, which brought it along too. A plan never changes, so a connection that has seen it once knows it. Each
 * call of a reader is one. */

/* Round trips of all connections since the last reset. */
unsigned memory_store_trips(const struct memory_store *s);
/* The calls that needed them, separated by spaces; borrowed until the next call of any connection. */
const char *memory_store_trip_names(const struct memory_store *s);
void memory_store_reset_trips(struct memory_store *s);

#endif
