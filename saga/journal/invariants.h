/* Checks that walk whole structures. They run before every commit in tests, and before each 64th in the
 * daemon (journal_options.check_every), because their cost grows with the batch. Thread: the journal's. */
#ifndef ALMONER_SAGA_JOURNAL_INVARIANTS_H
#define ALMONER_SAGA_JOURNAL_INVARIANTS_H

struct journal;

/* Ends the process (assert) when a saga of the batch, its locations and lanes, or the counters are not sound.
 * Called before the commit, once all sagas of the batch have been counted. */
void invariants_assert_batch(const struct journal *j);

#endif
