/* How events enter the log: new ones, duplicates, related ones, and events that are mapped again. */
#ifndef ALMONER_SAGA_JOURNAL_OPS_ACCEPT_H
#define ALMONER_SAGA_JOURNAL_OPS_ACCEPT_H

#include "saga/journal/journal_internal.h"

/* accept.c */
int accept_run(struct journal *j, struct accept *a, struct accept_result *result);

/* related.c */
int accept_related(struct journal *j, struct accept *a, struct accept_result *result);
int accept_gift_missing(struct journal *j, int64_t related);

/* reprocess.c */
int accept_reprocess(struct journal *j, struct op *op);

/* accept_common.c */
int accept_claim_key(struct journal *j, const uint8_t key[STORE_KEY_BYTES], int64_t owner,
					 int64_t *ret_owner);
int accept_duplicate(struct journal *j, const struct event *event, int64_t owner,
					 struct accept_result *result);
void accept_record_related(struct journal *j, int64_t saga, struct str type, struct str event_id);
int accept_attach_waiting(struct journal *j, const uint8_t gift[STORE_KEY_BYTES], int64_t saga, size_t own);
int accept_make_saga(struct journal *j, const struct saga_start *wanted, int64_t id, struct saga **ret_saga,
					 struct plan_info **ret_plan, struct saga_start *ret_start);
int accept_new_saga(struct journal *j, const struct saga_start *wanted, struct event *event);
void accept_record_replayed(struct journal *j, const struct accept *a, int64_t saga);

#endif
