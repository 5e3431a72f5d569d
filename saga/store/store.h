/* The store port: what a database must offer to the journal and to readers, as tables of functions.
 *
 * `struct store_writer` is the one writing connection. Only the journal's thread uses it; that thread also
 * runs every checkpoint. `struct store_reader` is a read-only connection; each thread opens one of its
 * own. A store is acceptable when it passes the contract suite in tests/unit/store.
 *
 * Log numbers and commit numbers have no gaps; the journal assigns them. Why the rows have this shape:
 * saga/DESIGN.md "Shape of rows". What the shapes cost: saga/store/README.md. */
#ifndef ALMONER_STORE_STORE_H
#define ALMONER_STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "saga/base/buf.h"
#include "saga/base/err.h"
#include "saga/model/event.h"
#include "saga/model/job.h"
#include "saga/model/plan.h"
#include "saga/model/record.h"
#include "saga/model/saga.h"
#include "saga/model/tally.h"

/* A key is the first half of a SHA-256 digest: the key tables stay small, and two of a billion events
 * still do not get the same key. */
#define STORE_KEY_BYTES 16

/* A search term: the first 8 bytes of a keyed digest of what an operator may search for, such as a donor's
 * e-mail address. */
#define STORE_TERM_BYTES 8

/* How an open saga is found. One that is at rest and not live is in no index. Neither is one that is running and
 * live, as long as its number is not below the low-water mark (MARK_LOW of the chain's marks) and not above the
 * reach (MARK_REACH): so the usual path of an event writes no index. */
enum saga_index {
	SAGA_INDEX_NONE,
	SAGA_INDEX_OPEN, /* in the index: not at rest, and not live */
	SAGA_INDEX_LIVE, /* in the index: live */
	SAGA_INDEX_COUNT
};

/* One saga as stored. Text that a store returns is borrowed until the next call on the same connection. */
struct saga_row {
	int64_t id;
	int64_t plan;  /* number of the plan row */
	uint8_t state; /* enum saga_state */
	uint8_t index; /* enum saga_index */
	int64_t created_ms;
	uint8_t salt[SAGA_SALT_BYTES]; /* of saga_value_digest; zero when it was forgotten */
	struct str value;              /* saga_encode */
};

/* A step that waits on disk. `why` is WHY_SLOT, WHY_DUE, WHY_LANE, WHY_AFTER or WHY_ATTENTION. Rows with
 * WHY_SLOT and WHY_DUE are claimable and indexed by target and due_ms; rows with a lane are indexed by
 * target, lane and saga. */
struct step_row {
	int64_t saga;
	uint16_t step;
	uint32_t target;
	uint8_t why;
	bool has_lane;
	uint8_t lane[LANE_BYTES];
	int64_t due_ms;
	int64_t since_ms; /* when the step became ready or began to wait; `backlog` shows its age */
};

/* How many step rows a target has. */
struct row_counts {
	int64_t claimable; /* WHY_DUE and WHY_SLOT */
	int64_t
		blocked; /* WHY_LANE and WHY_AFTER; `claimable + blocked` is every step that waits without needing an
						  operator */
	int64_t with_lane; /* rows with a lane, whatever their `why` */
};

/* A count that is under way (row_count_page). Zeroed before the first page. */
struct row_counting {
	struct row_counts counts; /* of the pages so far */
	bool done;                /* every row is counted */
	/* The store's own: where the next page begins. */
	uint8_t index;
	struct step_row after;
};

struct target_row {
	uint32_t id; /* the number of the target, from 1; a target keeps its number for ever */
	char name[128];
	bool paused;
	bool held;
	char held_reason[200]; /* "credentials: …", "looks misconfigured: …" */
	int64_t changed_ms;
	bool breaker_not_closed; /* the breaker at its last change; a restarted daemon then begins half-open */
};

/* An event about a gift whose saga another event started. saga == 0: no event has started that saga yet. */
struct related_row {
	int64_t id;
	int64_t saga;
	int64_t own; /* a saga that this event itself became; 0: none */
	/* the keys of all names of the gift (store_gift_key), one after the other, at least one; borrowed */
	const uint8_t *names;
	size_t name_count;
	int64_t due_ms; /* while saga is 0: when the event becomes attention(gift_missing) */
	struct event *event;
};

/* One key of keys_reserve. */
struct key_reservation {
	uint8_t key[STORE_KEY_BYTES];
	/* The owner that the caller will give the key in this transaction if the key is free; 0: none, the
	 * caller only looks the key up. The journal knows the owner before it decides, but without
	 * store_head.numbers_skip the owner that key_claim then gives may be another one. */
	int64_t provisional;
	int64_t owner; /* set by keys_reserve: as key_find gives it */
};

/* A lane whose first row will be read: row_lane_first with `after` 0. */
struct expected_lane {
	uint32_t target;
	uint8_t lane[LANE_BYTES];
};

/* What the next reads of a transaction will ask. The arrays are the caller's and are not kept. */
struct store_expected {
	const int64_t *sagas; /* saga_get, and plan_get of the saga's plan */
	size_t saga_count;
	const int64_t *events; /* event_get */
	size_t event_count;
	const int64_t *related; /* related_get, and related_attach of the event's names */
	size_t related_count;
	const struct expected_lane
		*lanes; /* row_lane_first; saga_get, plan_get and event_get of that row's saga */
	size_t lane_count;
	const uint32_t *due_targets; /* row_next_due */
	size_t due_count;
};

/* A request that intake rejected because its signature or token did not verify. It is kept so that an
 * operator can have it verified again with the right secret. Texts are borrowed. */
struct rejected_row {
	int64_t id; /* the number of the request, which the store assigns and never assigns again */
	struct str source;
	int64_t received_ms; /* steady clock */
	int64_t wall_ms;     /* wall clock at reception; the signed timestamp is compared with this time */
	int64_t until_ms;    /* when rejected_prune deletes the row */
	struct str address;  /* of the sender */
	struct str url;
	struct str headers; /* the headers as intake packed them; the store does not look inside */
	struct str body;
};

struct log_row {
	int64_t number;
	int64_t commit;
	enum subject subject;
	int64_t subject_id;
	int64_t at_ms;
	/* The records without their personal data. Never empty when the row is written; a head that is emptied
	 * leaves its digest. */
	struct str head;
	uint8_t head_digest[32]; /* with an empty head: its SHA-256 */
	/* the personal data of the records, after an envelope byte; empty: they have none, or it was forgotten */
	struct str personal;
	uint8_t salt[16]; /* random bytes for the personal part; zero when there is none */
	uint8_t
		personal_digest[32]; /* store_personal_digest; part of the chain, kept when the personal part goes */
};

/* One row for each commit. Its digest is SHA-256 over the digest of the commit before; for each log row in
 * order number, commit, subject, subject_id, at_ms (8 bytes little endian each), the digest of head, and
 * personal_digest; and, unless both are empty, the figures: zero, commit, at_ms, the length of counters,
 * counters, the length of marks, marks. See store_chain_begin.
 *
 * Counters and marks are tallies (saga/model/figure_ids.h) in their stored form: a full copy in the commits of
 * store_commit_is_full, else the difference to the commit before. Marks are empty when none has changed. A commit
 * that an almoner of schema 4 wrote has neither. */
struct chain_row {
	int64_t commit;
	int64_t first; /* numbers of the commit's log rows; last == first - 1 for a commit without rows */
	int64_t last;
	int64_t at_ms;
	uint8_t digest[32];
	struct str counters;
	struct str marks;
};

/* The figures as of a commit. Zeroed: those of an empty store. Freed by store_figures_free. */
struct store_figures {
	int64_t commit;
	int64_t last_row; /* number of the last log row */
	struct tally counters;
	struct tally marks;
};

/* Everything that the journal needs at start, in one read. */
struct store_head {
	/* The highest numbers given; part * 2^48 in an empty partition, where the next ones follow. The same holds
	 * for the numbers in `chain`. */
	int64_t last_saga;
	int64_t last_related;
	uint16_t part; /* the partition of this writer (saga/store/cursor.h) */
	/* The numbers of sagas, and those of related events, grow by this. 1 with one partition. */
	int64_t stride;
	/* Numbers that keys_reserve was given are never used again, also when the event turns out to be a
	 * duplicate: the numbers of sagas and of related events have gaps. False: they have none. */
	bool numbers_skip;
	struct chain_row chain;       /* the row of the last commit, without its figures */
	struct store_figures figures; /* as of that commit; the caller calls store_figures_free */
};

#define STORE_PAGE_BYTES 4096 /* SQLite's default page size; `free_bytes` and the journal count in it */

/* ---- writing ----
 *
 * Every function returns 0 or ERR_* and fills `err`; outputs are set only on success unless stated
 * otherwise.
 *
 * Errors. ERR_NOT_FOUND and ERR_STALE are answers, and so is ERR_CORRUPT of plan_get: the transaction goes on.
 * A function that inserts gives ERR_INVALID when the row is there already. After ERR_FULL from `begin`, or from
 * a statement before `commit`, the journal may roll back and try again. After any other error, and after a
 * `commit` that failed, it calls only `rollback` and `close`; whether that commit is durable is unknown
 * (saga/store/README.md "Hazards of SQLite"). ERR_LOST means that this owner has to end, but the process need
 * not.
 *
 * Writes happen in a transaction, and see the writes before them. Reads are allowed outside of one. */
struct store_writer {
	void *ctx;
	int (*head)(void *ctx, struct store_head *ret, struct err *err);
	/* begin, then other calls, then commit or rollback: one transaction. */
	int (*begin)(void *ctx, struct err *err);
	int (*commit)(void *ctx, struct err *err);
	int (*rollback)(void *ctx, struct err *err); /* success also without a transaction */

	/* Stores a plan unless its digest is stored already; *ret is the plan's number either way. */
	int (*plan_put)(void *ctx, const struct plan *plan, int64_t *ret, struct err *err);
	/* *ret is a new reference. ERR_CORRUPT: there is no such plan, or it does not parse. */
	int (*plan_get)(void *ctx, int64_t number, struct plan **ret, struct err *err);

	int (*saga_insert)(void *ctx, const struct saga_row *row, struct err *err);
	/* Replaces every column of the saga with this id, the plan too. ERR_NOT_FOUND without such a saga. */
	int (*saga_update)(void *ctx, const struct saga_row *row, struct err *err);
	int (*saga_get)(void *ctx, int64_t id, struct saga_row *ret, struct err *err);
	/* Ids of the sagas above `after` that are in the index as live, ascending, at most `capacity`. */
	int (*saga_live)(void *ctx, int64_t after, int64_t *ids, size_t capacity, size_t *ret, struct err *err);
	/* The sagas above `after`, whatever their state, ascending, at most `capacity`. Their values are appended to
	 * `values` and point into it. */
	int (*saga_range)(void *ctx, int64_t after, struct saga_row *rows, size_t capacity, struct buf *values,
					  size_t *ret, struct err *err);

	int (*event_insert)(void *ctx, int64_t saga, const struct event *event, struct err *err);
	/* Replaces the event of a saga, for the verb `reprocess`. ERR_NOT_FOUND when the saga has no event. */
	int (*event_replace)(void *ctx, int64_t saga, const struct event *event, struct err *err);
	/* *ret is a new reference; NULL when the event is there and its payload does not decode. */
	int (*event_get)(void *ctx, int64_t saga, struct event **ret, struct err *err);
	/* The events of `count` sagas, each as event_get gives it; NULL also: the saga has none. After an error no
	 * reference is left. */
	int (*event_many)(void *ctx, const int64_t *sagas, size_t count, struct event **events, struct err *err);

	/* Keys: dedup keys of events, gift names and refunds (store_event_key, store_gift_key). A key has at
	 * most one owner: positive is a saga, negative a related event. Keys are unique over all partitions. */

	/* Announces the keys that this transaction looks up or claims. Called at most once in a transaction,
	 * before the other functions on keys. Sets `owner` of each entry. The same key may occur in several entries.
	 * Until the end of the transaction no other writer can claim a key that has a provisional owner, and these
	 * calls need no further reading from the database:
	 * - key_find, key_claim and related_attach of the keys;
	 * - of an owner that is a saga: saga_get, event_get, and plan_get of its plan;
	 * - of an owner that is a related event: related_get, and the same of the saga of its gift.
	 * A reservation is no claim: a key that key_claim was not called for is as before when the transaction
	 * ends. */
	int (*keys_reserve)(void *ctx, struct key_reservation *keys, size_t count, struct err *err);
	/* Announces what the next reads of this transaction will ask, so that a store behind a network can
	 * answer them together; the answers are the same without it. Does nothing by itself: an error of the
	 * store comes from the reads. NULL: the store reads so fast that this is not worth the call. */
	void (*expect)(void *ctx, const struct store_expected *expected);

	/* Claims a key for `owner`, which is not 0. *ret_owner is `owner` when the key was free, else the owner
	 * that claimed it before. `day` counts from 1970 and decides when key_prune deletes the key. */
	int (*key_claim)(void *ctx, const uint8_t key[STORE_KEY_BYTES], int64_t owner, int64_t day,
					 int64_t *ret_owner, struct err *err);
	/* *ret_owner is 0 when the key has no owner. Sees the claims of this transaction. */
	int (*key_find)(void *ctx, const uint8_t key[STORE_KEY_BYTES], int64_t *ret_owner, struct err *err);
	/* Gives a key of the owner `from` to the owner `to`, neither of them 0; the key keeps its day.
	 * ERR_STALE, and nothing is changed, when `from` does not own the key. */
	int (*key_transfer)(void *ctx, const uint8_t key[STORE_KEY_BYTES], int64_t from, int64_t to,
						struct err *err);
	/* Deletes at most `limit` keys that are older than `day`; rows of key_add_search are no keys and stay.
	 * One call examines a bounded number of keys and continues where the call before stopped, because an
	 * index by day would cost time on every event. So *ret_deleted == 0 does not mean that no old key is
	 * left: call it again later. */
	int (*key_prune)(void *ctx, int64_t day, size_t limit, size_t *ret_deleted, struct err *err);

	/* Makes key_search find the saga by each of the terms. A term that the saga has already is no error. */
	int (*key_add_search)(void *ctx, int64_t saga, const uint8_t (*terms)[STORE_TERM_BYTES], size_t count,
						  struct err *err);
	/* Undoes key_add_search. A term that the saga does not have is no error. */
	int (*key_delete_search)(void *ctx, int64_t saga, const uint8_t (*terms)[STORE_TERM_BYTES], size_t count,
							 struct err *err);

	int (*related_insert)(void *ctx, const struct related_row *row, struct err *err);
	/* ret->event is a new reference, or NULL as event_get gives it. */
	int (*related_get)(void *ctx, int64_t id, struct related_row *ret, struct err *err);
	/* Attaches to the saga every waiting event that has this name of a gift. Calls `each` with each row after
	 * the change, by ascending id; the row is borrowed, its event may be NULL, and `each` must not use the
	 * store. */
	int (*related_attach)(void *ctx, const uint8_t gift[STORE_KEY_BYTES], int64_t saga, void *each_ctx,
						  void (*each)(void *each_ctx, const struct related_row *row), struct err *err);
	/* Ids of the waiting events due at or before now_ms, the earliest first, at most `capacity`.
	 * *ret_next_ms is the due time of the first event that is not among them (so it is in the past when
	 * `capacity` was too small), or INT64_MAX. */
	int (*related_due)(void *ctx, int64_t now_ms, int64_t *ids, size_t capacity, size_t *ret,
					   int64_t *ret_next_ms, struct err *err);

	/* Inserts the row, or replaces the row of the same saga and step. */
	int (*row_put)(void *ctx, const struct step_row *row, struct err *err);
	int (*row_delete)(void *ctx, int64_t saga, uint16_t step,
					  struct err *err); /* success without such a row */
	/* Claimable rows of a target with due_ms <= now_ms, by due time, then by saga; at most `capacity`. */
	int (*row_claimable)(void *ctx, uint32_t target, int64_t now_ms, struct step_row *rows, size_t capacity,
						 size_t *ret, struct err *err);
	/* Due time of the earliest claimable row; INT64_MAX without one. */
	int (*row_next_due)(void *ctx, uint32_t target, int64_t *ret_ms, struct err *err);
	/* The row of this lane with the lowest saga above `after`; ret->saga is 0 without one. */
	int (*row_lane_first)(void *ctx, uint32_t target, const uint8_t lane[LANE_BYTES], int64_t after,
						  struct step_row *ret, struct err *err);
	/* Claimable rows due later than beyond_ms, the earliest first; at most `capacity`. */
	int (*row_due_beyond)(void *ctx, uint32_t target, int64_t beyond_ms, struct step_row *rows,
						  size_t capacity, size_t *ret, struct err *err);
	/* Rows of a target that have a lane, by lane, saga and step, at most `capacity`. `after`: the last row
	 * of the page before; NULL: the first page. */
	int (*row_with_lane)(void *ctx, uint32_t target, const struct step_row *after, struct step_row *rows,
						 size_t capacity, size_t *ret, struct err *err);
	/* Adds at most `limit` rows of a target to the count. */
	int (*row_count_page)(void *ctx, uint32_t target, size_t limit, struct row_counting *count,
						  struct err *err);

	int (*target_put)(void *ctx, const struct target_row *row, struct err *err);
	/* *ret is an array, the caller's to free(). */
	int (*target_all)(void *ctx, struct target_row **ret, size_t *ret_count, struct err *err);

	/* Inserts a job with id 0, replaces a job with another id; *ret_id is the id. */
	int (*job_put)(void *ctx, const struct job *job, int64_t *ret_id, struct err *err);
	/* *ret is the caller's to job_destroy. ERR_NOT_FOUND without such a job. */
	int (*job_get)(void *ctx, int64_t id, struct job **ret, struct err *err);
	/* The running job with the lowest id above `after`, the caller's to job_destroy; NULL without one. */
	int (*job_running)(void *ctx, int64_t after, struct job **ret, struct err *err);

	/* Keeps a rejected request. First deletes the oldest requests of the same source until all of that
	 * source fit into keep_bytes; a request that does not fit alone is not kept (*ret_kept false). */
	int (*rejected_put)(void *ctx, const struct rejected_row *row, int64_t keep_bytes, bool *ret_kept,
						struct err *err);
	int (*rejected_delete)(void *ctx, int64_t id, bool *ret_deleted, struct err *err);
	/* Deletes at most `limit` requests whose until_ms is at or before now_ms. */
	int (*rejected_prune)(void *ctx, int64_t now_ms, size_t limit, size_t *ret_deleted, struct err *err);

	int (*log_append)(void *ctx, const struct log_row *row, struct err *err);
	int (*chain_append)(void *ctx, const struct chain_row *row, struct err *err);

	/* Copies the write-ahead log into the main file, as far as readers allow. Called outside transactions. */
	int (*checkpoint)(void *ctx, struct err *err);
	/* Truncates the write-ahead log to return its disk space. Called outside transactions. Does not wait:
	 * while a reader needs the log, nothing happens. */
	int (*wal_truncate)(void *ctx, struct err *err);
	/* Pages (STORE_PAGE_BYTES) of the write-ahead log that are not yet copied to the main file. */
	int64_t (*wal_pages)(void *ctx);
	/* Free bytes on the store's file system, less what a checkpoint of those pages may need; -1: unknown. */
	int64_t (*free_bytes)(void *ctx);
	/* False when the path of a file of the store leads to another file than the opened one, or to none:
	 * whatever is written to a removed file is lost when the process ends. */
	bool (*files_unchanged)(void *ctx);
	void (*close)(void *ctx);
};

/* ---- reading ---- */

/* A saga matches when it satisfies every field. target, outcome and reason must hold for one and the same
 * step; `reason` alone may also be the saga's own reason. */
struct saga_filter {
	int state;            /* enum saga_state, -1: any */
	int64_t older_ms;     /* created before this time; 0: any */
	int64_t newer_ms;     /* created at or after this time; 0: any */
	const char *target;   /* the saga has a step at this target; NULL: any */
	int outcome;          /* enum outcome_class of the step's last attempt; -1: any */
	int reason;           /* enum reason; -1: any */
	const char *source;   /* NULL: any */
	const char *donor;    /* the donor, exactly, but an e-mail address in any case of letters; NULL: any */
	const char *event_id; /* NULL: any */
};

/* Lists are read page by page: `before`, `after` and `ret_next` are positions (saga/store/cursor.h), and the id or
 * number of each row is its position. One call reads one page in one round trip. No statement counts or skips
 * rows. What no index finds (some filters of saga_list, the newest search rows) is read in bounded parts. A read
 * that takes longer than the store allows ends with ERR_BUSY; the caller may ask again.
 *
 * Every function may be called while the daemon writes. A callback `each` gets a row that is borrowed
 * during the call, and stops the reading by returning nonzero; it must not use the same reader. */
struct store_reader {
	void *ctx;
	/* Sagas that match, newest first, with ids below `before` (INT64_MAX: from the newest); at most
	 * `capacity`, or fewer when budget_ms has passed; at least one saga is examined. *ret_next is the `before`
	 * of the next call, 0 at the end. Each saga is the caller's to saga_destroy. */
	int (*saga_list)(void *ctx, const struct saga_filter *filter, int64_t before, int64_t budget_ms,
					 struct saga **sagas, size_t capacity, size_t *ret, int64_t *ret_next, struct err *err);
	/* *ret is the caller's to saga_destroy. */
	int (*saga_get)(void *ctx, int64_t id, struct saga **ret, struct err *err);
	/* The saga that an event started, or the saga of its gift. ERR_NOT_FOUND, also while a related event
	 * waits for its gift. */
	int (*saga_find)(void *ctx, const char *source, const char *event_id, int64_t *ret_id, struct err *err);
	/* Sagas that key_add_search gave the term, newest first, with ids below `before` (INT64_MAX: from the
	 * newest); at most `capacity`. *ret is their number. */
	int (*key_search)(void *ctx, const uint8_t term[STORE_TERM_BYTES], int64_t before, int64_t *ids,
					  size_t capacity, size_t *ret, struct err *err);
	/* *ret is a new reference. ERR_CORRUPT with the reason when the payload does not decode. */
	int (*event_get)(void *ctx, int64_t saga, struct event **ret, struct err *err);
	/* Log rows above number `after`, ascending, of one saga or of every subject (saga 0); at most `capacity`,
	 * or fewer when a call takes long. *ret_next is the number of the last row that was read; when it is
	 * `after`, there are no more. The rows of a saga are those that its value names (saga/model/saga_rows.h); for
	 * a saga whose value does not decode the whole log is read, so a call may give none and go on. */
	int (*log_read)(void *ctx, int64_t saga, int64_t after, size_t capacity, void *each_ctx,
					int (*each)(void *each_ctx, const struct log_row *row), int64_t *ret_next,
					struct err *err);
	/* The related events of a saga, by ascending id. A row's event is NULL when it does not decode. */
	int (*related_of)(void *ctx, int64_t saga, void *each_ctx,
					  int (*each)(void *each_ctx, const struct related_row *row), struct err *err);
	/* *ret is an array, the caller's to free(). */
	int (*targets)(void *ctx, struct target_row **ret, size_t *ret_count, struct err *err);
	/* counts[i]: waiting steps of the target with since_ms at least edges_ms[i] before now_ms. */
	int (*backlog)(void *ctx, uint32_t target, int64_t now_ms, const int64_t *edges_ms, int64_t *counts,
				   size_t edge_count, struct err *err);
	/* The figures as of the last commit of the lowest partition; the caller calls store_figures_free. ERR_CORRUPT:
	 * they do not decode. */
	int (*figures)(void *ctx, struct store_figures *ret, struct err *err);
	/* Jobs with ids below `before` (INT64_MAX: from the newest), newest first; at most `capacity`, each the
	 * caller's to job_destroy. */
	int (*job_list)(void *ctx, int64_t before, struct job **jobs, size_t capacity, size_t *ret,
					struct err *err);
	/* As in struct store_writer. */
	int (*job_get)(void *ctx, int64_t id, struct job **ret, struct err *err);
	int (*job_running)(void *ctx, int64_t after, struct job **ret, struct err *err);
	/* Rejected requests of a source (NULL: of all) with ids above `after`, ascending; at most `capacity`.
	 * *ret_next is the `after` of the next call, 0 at the end. */
	int (*rejected_list)(void *ctx, const char *source, int64_t after, size_t capacity, void *each_ctx,
						 int (*each)(void *each_ctx, const struct rejected_row *row), int64_t *ret_next,
						 struct err *err);
	/* Checks the integrity of the database, the chain over the log, and that every record and saga decodes.
	 * `report` gets one line per finding; *ret_findings is their number. */
	int (*verify)(void *ctx, void *report_ctx, void (*report)(void *report_ctx, const char *line),
				  int64_t *ret_findings, struct err *err);
	void (*close)(void *ctx);
};

/* ---- what every store decides alike: filter.c ---- */

/* A saga matches when both say so; the first looks only at the columns of the row, so that a saga need not be
 * decoded in vain. */
bool store_filter_row(const struct saga_filter *f, const struct saga_row *row);
bool store_filter_saga(const struct saga_filter *f, const struct saga *s);

/* ---- what every store computes alike: chain.c; also index.h ---- */

/* The chain digest of one commit: begin with the digest of the commit before, add the log rows in order, then
 * the figures of its chain row, end. */
struct store_chain;
void store_chain_begin(struct store_chain **chain, const uint8_t previous[32]);
void store_chain_row(struct store_chain *chain, const struct log_row *row);
void store_chain_figures(struct store_chain *chain, const struct chain_row *row);
void store_chain_end(struct store_chain *chain, uint8_t ret_digest[32]); /* frees `chain` */

/* Every how many commits a full copy of the figures is stored: a start reads at most this many chain rows. */
#define STORE_FULL_EVERY 256
/* Must this commit have a full copy? The first one of a partition has it too. */
bool store_commit_is_full(int64_t commit);
/* The first commit that may be needed to know the figures as of commit `last`. */
int64_t store_figures_first(int64_t last);
/* Adds the next commit to the figures, in the order of commits. ERR_CORRUPT. */
int store_figures_add(struct store_figures *f, const struct chain_row *row, struct err *err) MUST_CHECK;
void store_figures_free(struct store_figures *f);

/* The keys that an event and its gift claim: the first 16 bytes of digest_parts("almoner-event-1", source,
 * event_id) and digest_parts("almoner-gift-1", source, gift). saga_find looks an event up by the first. */
void store_event_key(const char *source, const char *event_id, uint8_t ret[STORE_KEY_BYTES]);
void store_gift_key(const char *source, const char *gift, uint8_t ret[STORE_KEY_BYTES]);

/* personal_digest of a log_row: digest_parts(salt, personal without its envelope byte), so a part that is
 * encrypted later keeps its digest. */
void store_personal_digest(const uint8_t salt[16], struct str personal, uint8_t ret[32]);

/* Copies a row with its texts, which then point into *ret_block; the caller frees the block. *ret_bytes is
 * the size of the texts. */
struct rejected_row store_rejected_copy(const struct rejected_row *row, char **ret_block, size_t *ret_bytes);

#endif
