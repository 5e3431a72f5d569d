/* The store port: what a database must do for the journal, as tables of functions.
 *
 * `struct store_writer` is the one writing connection: synchronous, used by one thread (the journal's), which
 * also does every checkpoint. `struct store_reader` is a read-only connection; each thread opens its own. Any
 * store that passes tests/unit/store's contract suite will do.
 *
 * Rows and why they look so: saga/README.md. Log numbers and commit numbers are gapless and given by the
 * journal. */
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

#define STORE_KEY_BYTES 16

/* One saga as stored. Strings read back are borrowed until the next call on the same connection. */
struct saga_row {
	int64_t id;
	int64_t plan;  /* number of the plan row */
	uint8_t state; /* enum saga_state */
	bool live;     /* saga_is_live */
	int64_t created_ms;
	struct str value; /* saga_encode */
};

/* A step off the hot path. why is SLOT, DUE, LANE, AFTER or ATTENTION; only SLOT and DUE are claimable (and
 * indexed for it, by target and due_ms); rows with a lane are indexed by target, lane, saga. */
struct step_row {
	int64_t saga;
	uint16_t step;
	uint32_t target;
	uint8_t why;
	bool has_lane;
	uint8_t lane[LANE_BYTES];
	int64_t due_ms;
	int64_t since_ms; /* when the step became ready or began to wait: the age in `backlog` */
};

/* Rows of one target. */
struct row_counts {
	int64_t claimable; /* due and slot */
	int64_t blocked;   /* lane and after: with the claimable ones, all that waits without needing a person */
	int64_t with_lane; /* of any kind */
};

struct target_row {
	uint32_t id; /* from 1, for ever */
	char name[128];
	bool paused;
	bool held;
	char held_reason[200]; /* "credentials: …", "looks misconfigured: …" */
	int64_t changed_ms;
	bool breaker_not_closed; /* from closed, when it last moved: the next start asks before it trusts */
};

/* An event that speaks of a gift whose saga is another event's. saga == 0: the gift has not come yet. */
struct related_row {
	int64_t id;
	int64_t saga;
	uint8_t gift[STORE_KEY_BYTES];
	int64_t due_ms; /* when a missing gift becomes attention(gift_missing) */
	struct event *event;
};

/* A request that was refused as not verified, kept so that it can be judged again. Texts are borrowed. */
struct rejected_row {
	int64_t id; /* given by the store, never again to another */
	struct str source;
	int64_t received_ms;
	int64_t wall_ms;  /* the system's time then: what its own time is judged by */
	int64_t until_ms; /* when rejected_prune deletes it */
	struct str address;
	struct str url;
	struct str headers; /* as whoever keeps them packs them */
	struct str body;
};

struct log_row {
	int64_t number;
	int64_t commit;
	enum subject subject;
	int64_t subject_id;
	int64_t at_ms;
	struct str head;
	struct str personal;         /* empty: none, or forgotten */
	uint8_t salt[16];            /* zero where there is no personal part */
	uint8_t personal_digest[32]; /* SHA-256(salt, personal): chained, stays when the part is forgotten */
};

/* One digest per commit: SHA-256 over the previous digest and, for each row in order, number, commit,
 * subject, subject_id, at_ms (8 bytes little endian each), digest of head, personal_digest. See
 * store_chain_*. */
struct chain_row {
	int64_t commit;
	int64_t first; /* numbers of its log rows */
	int64_t last;
	int64_t at_ms;
	uint8_t digest[32];
};

/* Everything the journal needs at start, in one read. */
struct store_head {
	int64_t last_saga;
	int64_t last_related;
	struct chain_row chain; /* of the last commit; zero in an empty store */
	struct buf counters;    /* as last given to counters_put; empty at first */
};

#define STORE_PAGE_BYTES 4096

/* All return 0 or ERR_* with `err` filled. After ERR_IO, ERR_FULL or ERR_CORRUPT of a writing call the
 * journal writes nothing more (DESIGN §4): ERR_FULL from `begin` or the statements before `commit` may be
 * rolled back and tried again; an error from `commit` never. */
struct store_writer {
	void *ctx;
	int (*head)(void *ctx, struct store_head *ret, struct err *err);
	int (*begin)(void *ctx, struct err *err);
	int (*commit)(void *ctx, struct err *err);
	int (*rollback)(void *ctx, struct err *err);

	/* Puts the plan when it is new; gives its number. */
	int (*plan_put)(void *ctx, const struct plan *plan, int64_t *ret, struct err *err);
	/* A new reference. */
	int (*plan_get)(void *ctx, int64_t number, struct plan **ret, struct err *err);

	int (*saga_insert)(void *ctx, const struct saga_row *row, struct err *err);
	int (*saga_update)(void *ctx, const struct saga_row *row, struct err *err); /* by id; also the plan */
	int (*saga_get)(void *ctx, int64_t id, struct saga_row *ret, struct err *err);
	/* Ids of live sagas above `after`, ascending; up to `room`. */
	int (*saga_live)(void *ctx, int64_t after, int64_t *ids, size_t capacity, size_t *ret, struct err *err);

	int (*event_insert)(void *ctx, int64_t saga, const struct event *event, struct err *err);
	int (*event_replace)(void *ctx, int64_t saga, const struct event *event, struct err *err); /* reprocess */
	int (*event_get)(void *ctx, int64_t saga, struct event **ret, struct err *err);

	/* Claims a key (dedup or gift) for a saga or related event: *ret_owner is `owner`, or who has had it
	 * before (positive: saga; negative: related event). `day`: days since 1970, for retention. */
	int (*key_claim)(void *ctx, const uint8_t key[STORE_KEY_BYTES], int64_t owner, int64_t day,
					 int64_t *ret_owner, struct err *err);
	/* 0 when nobody has it. */
	int (*key_find)(void *ctx, const uint8_t key[STORE_KEY_BYTES], int64_t *ret_owner, struct err *err);
	/* Deletes up to `limit` keys older than `day`, looking at a bounded number of keys a call and going round
	 * from where the last call ended (there is no index by day: it would cost on every event). Call it now
	 * and then; a return of 0 deleted does not mean that none is left. */
	int (*key_prune)(void *ctx, int64_t day, size_t limit, size_t *ret_deleted, struct err *err);

	int (*related_insert)(void *ctx, const struct related_row *row, struct err *err);
	int (*related_get)(void *ctx, int64_t id, struct related_row *ret, struct err *err);
	/* Attaches all waiting events of this gift to the saga; gives how many. */
	int (*related_attach)(void *ctx, const uint8_t gift[STORE_KEY_BYTES], int64_t saga, size_t *ret,
						  struct err *err);
	/* Ids of waiting ones due at or before now, oldest first; and the due time of the first one not among
	 * them (before now when `room` was short), or INT64_MAX. */
	int (*related_due)(void *ctx, int64_t now_ms, int64_t *ids, size_t capacity, size_t *ret,
					   int64_t *ret_next_ms, struct err *err);

	int (*row_put)(void *ctx, const struct step_row *row,
				   struct err *err); /* insert or replace by (saga, step) */
	int (*row_delete)(void *ctx, int64_t saga, uint16_t step, struct err *err);
	/* Claimable rows of a target with due_ms <= now, oldest due first, then by saga; up to `room`. */
	int (*row_claimable)(void *ctx, uint32_t target, int64_t now_ms, struct step_row *rows, size_t capacity,
						 size_t *ret, struct err *err);
	/* Due time of the first claimable row, INT64_MAX for none. */
	int (*row_next_due)(void *ctx, uint32_t target, int64_t *ret_ms, struct err *err);
	/* Row of this lane with the lowest saga above `after`; ret->saga == 0 for none. */
	int (*row_lane_first)(void *ctx, uint32_t target, const uint8_t lane[LANE_BYTES], int64_t after,
						  struct step_row *ret, struct err *err);
	/* Claimable rows due later than `beyond_ms`, the nearest first; up to `room`. */
	int (*row_due_beyond)(void *ctx, uint32_t target, int64_t beyond_ms, struct step_row *rows,
						  size_t capacity, size_t *ret, struct err *err);
	/* Rows of a target that have a lane, by lane, saga and step, from behind `after` (NULL: from the first);
	 * up to `room`. */
	int (*row_with_lane)(void *ctx, uint32_t target, const struct step_row *after, struct step_row *rows,
						 size_t capacity, size_t *ret, struct err *err);
	/* Counts per target at start. */
	int (*row_counts)(void *ctx, uint32_t target, struct row_counts *ret, struct err *err);

	int (*target_put)(void *ctx, const struct target_row *row, struct err *err);
	int (*target_all)(void *ctx, struct target_row **ret, size_t *ret_count, struct err *err); /* free() it */

	/* Inserts (id 0) or replaces by id; gives the id. */
	int (*job_put)(void *ctx, const struct job *job, int64_t *ret_id, struct err *err);
	/* The caller's to job_destroy; ERR_NOT_FOUND. */
	int (*job_get)(void *ctx, int64_t id, struct job **ret, struct err *err);
	/* The first running one above `after`; NULL for none. */
	int (*job_running)(void *ctx, int64_t after, struct job **ret, struct err *err);
	/* The oldest of its source go until all fit into `keep_bytes`; one that is larger alone is not kept. */
	int (*rejected_put)(void *ctx, const struct rejected_row *row, int64_t keep_bytes, bool *ret_kept,
						struct err *err);
	int (*rejected_delete)(void *ctx, int64_t id, bool *ret_deleted, struct err *err);
	/* Deletes up to `limit` whose time is over at now_ms. */
	int (*rejected_prune)(void *ctx, int64_t now_ms, size_t limit, size_t *ret_deleted, struct err *err);

	int (*log_append)(void *ctx, const struct log_row *row, struct err *err);
	int (*chain_append)(void *ctx, const struct chain_row *row, struct err *err);
	int (*counters_put)(void *ctx, struct str bytes, struct err *err);

	/* Copies the write-ahead log into the main file, as far as readers allow. Called outside transactions. */
	int (*checkpoint)(void *ctx, struct err *err);
	/* What the write-ahead log takes on disk and nobody needs any more goes back to the file system. Called
	 * outside transactions; waits for nobody, and does nothing while a reader needs it. */
	int (*wal_truncate)(void *ctx, struct err *err);
	/* Pages (STORE_PAGE_BYTES) in the write-ahead log not yet checkpointed. */
	int64_t (*wal_pages)(void *ctx);
	/* Bytes free on the store's file system, less what the pages not yet checkpointed may need; -1 unknown.
	 */
	int64_t (*free_bytes)(void *ctx);
	/* Are the files still found where they were opened? What is written to one that was removed or replaced
	 * is lost with the process. */
	bool (*files_unchanged)(void *ctx);
	void (*close)(void *ctx);
};

/* ---- reading ---- */

struct saga_filter {
	int state;            /* enum saga_state, -1: any */
	int64_t older_ms;     /* created before this time; 0: any */
	int64_t newer_ms;     /* created at or after; 0: any */
	const char *target;   /* has a step at this target … NULL: any */
	int outcome;          /* … whose last outcome class is this; -1: any */
	int reason;           /* some step, or the saga, has this reason; -1: any */
	const char *source;   /* NULL: any */
	const char *donor;    /* NULL: any; exact, e-mail without case */
	const char *event_id; /* NULL: any */
};

struct store_reader {
	void *ctx;
	/* Sagas that match, newest first, from below `before` (INT64_MAX to begin); up to `room`, or fewer when
	 * `budget_ms` ran out. *ret_next: where to go on, 0 at the end. Each is the caller's to saga_destroy. */
	int (*saga_list)(void *ctx, const struct saga_filter *filter, int64_t before, int64_t budget_ms,
					 struct saga **sagas, size_t capacity, size_t *ret, int64_t *ret_next, struct err *err);
	int (*saga_get)(void *ctx, int64_t id, struct saga **ret, struct err *err);
	int (*saga_find)(void *ctx, const char *source, const char *event_id, int64_t *ret_id, struct err *err);
	int (*event_get)(void *ctx, int64_t saga, struct event **ret, struct err *err);
	/* Rows above `after`, ascending, of one saga (subject SUBJECT_SAGA and id) or all (id 0); `each`
	 * returning nonzero stops. Rows are borrowed during the call. *ret_next: the last number seen. */
	int (*log_read)(void *ctx, int64_t saga, int64_t after, size_t capacity, void *each_ctx,
					int (*each)(void *each_ctx, const struct log_row *row), int64_t *ret_next,
					struct err *err);
	int (*related_of)(void *ctx, int64_t saga, void *each_ctx,
					  int (*each)(void *each_ctx, const struct related_row *row), struct err *err);
	int (*targets)(void *ctx, struct target_row **ret, size_t *ret_count, struct err *err);
	/* Waiting steps per target by age since since_ms: count older than each of the `edges_ms` ages. */
	int (*backlog)(void *ctx, uint32_t target, int64_t now_ms, const int64_t *edges_ms, int64_t *counts,
				   size_t edge_count, struct err *err);
	int (*counters)(void *ctx, struct buf *out, struct err *err);
	/* Jobs below `before` (INT64_MAX to begin), newest first; up to `room`, each the caller's to job_destroy.
	 */
	int (*job_list)(void *ctx, int64_t before, struct job **jobs, size_t capacity, size_t *ret,
					struct err *err);
	int (*job_get)(void *ctx, int64_t id, struct job **ret, struct err *err);
	/* The first running one above `after`; NULL for none. */
	int (*job_running)(void *ctx, int64_t after, struct job **ret, struct err *err);
	/* Refused requests of a source (NULL: any) above `after`, ascending; `each` returning nonzero stops.
	 * *ret_next: where to go on, 0 at the end. */
	int (*rejected_list)(void *ctx, const char *source, int64_t after, size_t capacity, void *each_ctx,
						 int (*each)(void *each_ctx, const struct rejected_row *row), int64_t *ret_next,
						 struct err *err);
	/* Chain, gaps, digests, decoding of every record and saga, database integrity. `say` gets one line per
	 * finding; *ret_findings counts them. */
	int (*verify)(void *ctx, void *report_ctx, void (*report)(void *report_ctx, const char *line),
				  int64_t *ret_findings, struct err *err);
	void (*close)(void *ctx);
};

/* The chain digest of a commit, in the order of its rows. */
struct store_chain;
void store_chain_begin(struct store_chain **chain, const uint8_t previous[32]);
void store_chain_row(struct store_chain *chain, const struct log_row *row);
void store_chain_end(struct store_chain *chain, uint8_t ret_digest[32]); /* frees */

/* Keys to claim for an event and for a gift of a source: the first 16 bytes of
 * digest_parts("almoner-event-1", source, event_id), or ("almoner-gift-1", source, gift). saga_find looks
 * events up by the first. */
void store_event_key(const char *source, const char *event_id, uint8_t ret[STORE_KEY_BYTES]);
void store_gift_key(const char *source, const char *gift, uint8_t ret[STORE_KEY_BYTES]);

/* Digest of a personal part with its salt, as in log_row: of digest_parts(salt, personal). */
void store_personal_digest(const uint8_t salt[16], struct str personal, uint8_t ret[32]);

/* Copies a row with its texts, which point into *ret_block afterwards; the caller frees the block.
 * *ret_bytes: the size of the texts. */
struct rejected_row store_rejected_copy(const struct rejected_row *row, char **ret_block, size_t *ret_bytes);

#endif
