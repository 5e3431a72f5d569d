/* Before the operations of a batch run, the store learns which keys they look up and which sagas they read:
 * behind a network that is one question instead of many. */
#ifndef ALMONER_SAGA_JOURNAL_OPS_PREPARE_H
#define ALMONER_SAGA_JOURNAL_OPS_PREPARE_H

#include "saga/journal/journal_internal.h"

/* Reserves the keys of all accepts, and tells the store what the operations will read. With
 * journal.numbers_skip each accept gets its number here. Called once, in the open transaction, before the
 * first operation runs. */
int prepare_ops(struct journal *j, const struct op_list *ops) MUST_CHECK;
void prepare_free(struct reserved_keys *r);

#endif
