/* How events enter the log: new ones, duplicates, related ones, and events that are mapped again. All
 * functions run in a transaction and return 0 or a store error. */
#ifndef ALMONER_SAGA_JOURNAL_OPS_ACCEPT_H
#define ALMONER_SAGA_JOURNAL_OPS_ACCEPT_H

#include "saga/journal/journal_internal.h"

/* accept.c: the handler of OP_ACCEPT; fills the result, which says ERR_FULL while the disk is low. `number`: of
 * the saga or related event that the event becomes; 0: the next one. */
int accept_run(struct journal *j, struct accept *a, int64_t number, struct accept_result *result) MUST_CHECK;

/* related.c: an event that belongs to the gift of another event. */
int accept_related(struct journal *j, struct accept *a, int64_t number,
				   struct accept_result *result) MUST_CHECK;
/* related.c: the gift of this related event never came. The event becomes a saga of its own in
 * attention(gift_missing), and other events that wait for the same gift are attached to that saga. */
int accept_gift_missing(struct journal *j, int64_t related) MUST_CHECK;

/* reprocess.c: the handler of OP_REPROCESS. */
int accept_reprocess(struct journal *j, struct op *op) MUST_CHECK;

/* ---- accept_common.c: what they share ---- */

/* Claims a dedup or gift key. `owner`, as keys store it: positive a saga, negative a related event.
 * *ret_owner: who owns the key now; an earlier owner keeps it. */
int accept_claim_key(struct journal *j, const uint8_t key[STORE_KEY_BYTES], int64_t owner,
					 int64_t *ret_owner) MUST_CHECK;
/* Fills the result of an event whose key belongs to `owner`, and flags a body that differs. */
int accept_duplicate(struct journal *j, const struct event *event, int64_t owner,
					 struct accept_result *result) MUST_CHECK;
/* The records of a saga in this batch, to be added to. The saga is loaded, because its value changes with each
 * record about it. */
int accept_log_of(struct journal *j, int64_t saga, struct records **ret) MUST_CHECK;
/* Adds an event of the gift to `log`, with the digest by which verify knows it again. */
void accept_record_related(struct journal *j, struct records *log, const struct event *event);
/* Attaches all related events that wait for this name of a gift to its saga, which gets a record of each.
 * `own`: the number of the related event that the saga itself was made of, which gets none; 0: there is none. */
int accept_attach_waiting(struct journal *j, const uint8_t gift[STORE_KEY_BYTES], int64_t saga,
						  int64_t own) MUST_CHECK;
/* Makes a saga value of `wanted` with the stored plan and the present time; *ret_start is what
 * decide_accepted needs. The caller owns the saga. */
int accept_make_saga(struct journal *j, const struct saga_start *wanted, int64_t id, struct saga **ret_saga,
					 struct plan_info **ret_plan, struct saga_start *ret_start) MUST_CHECK;
/* Stores a new saga under this number and schedules it. */
int accept_new_saga(struct journal *j, int64_t id, const struct saga_start *wanted,
					struct event *event) MUST_CHECK;
/* The number of a new saga or related event, whose kind's last number is `last`: the reserved one, or, when
 * that is 0, the next one. */
int64_t accept_number(const struct journal *j, int64_t reserved, int64_t last);
/* Records who replays the event, when an operator does. */
int accept_record_replayed(struct journal *j, const struct accept *a, int64_t saga) MUST_CHECK;

#endif
