/* Due times that are further ahead than a target's rules allow, because the clock was set back while no
 * process ran, or because the rules changed. */
#ifndef ALMONER_SAGA_JOURNAL_CLAMP_H
#define ALMONER_SAGA_JOURNAL_CLAMP_H

#include "saga/journal/state/targets.h"

/* Moves such rows of a target near, a slice in each batch; clears t->clamp_pending with the last slice. In a
 * transaction. */
int clamp_due_rows(struct journal *j, struct target_entry *t) MUST_CHECK;

#endif
