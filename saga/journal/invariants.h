/* Checks that walk whole structures. They run before every commit in tests, and before each 64th in the
 * daemon (journal_options.check_every), because their cost grows with the batch. Thread: the journal's. */
#ifndef ALMONER_SAGA_JOURNAL_INVARIANTS_H
#define ALMONER_SAGA_JOURNAL_INVARIANTS_H

#include "saga/journal/state/cache.h"

struct journal;

/* Ends the process (assert) when a saga of the batch, its locations and lanes, or the counters are not sound.
 * Called before the commit, once all sagas of the batch have been counted. */
void invariants_assert_batch(const struct journal *j);
/* A saga that is written without a record must keep the core of its value (saga/model/saga.h): no log row has
 * the digest of another one. Reads the stored saga. */
int invariants_assert_core(struct journal *j, const struct cache_entry *e, struct str core) MUST_CHECK;

#endif
