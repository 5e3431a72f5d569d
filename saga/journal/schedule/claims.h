/* Claims: the engine has free slots and takes steps from the rows on disk. */
#ifndef ALMONER_SAGA_JOURNAL_SCHEDULE_CLAIMS_H
#define ALMONER_SAGA_JOURNAL_SCHEDULE_CLAIMS_H

#include "saga/journal/journal_internal.h"

/* Grants up to `max` due rows of a target, in the order of their due times, and reports claim_done with how
 * many it granted. A held target gets one step at most, as a probe. */
int claims_grant(struct journal *j, struct target_entry *t, uint32_t max) MUST_CHECK;

#endif
