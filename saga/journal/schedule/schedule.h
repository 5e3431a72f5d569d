/* After each decision: puts every step where its new state requires (engine, disk row, lane, or nowhere). */
#ifndef ALMONER_SAGA_JOURNAL_SCHEDULE_SCHEDULE_H
#define ALMONER_SAGA_JOURNAL_SCHEDULE_SCHEDULE_H

#include "saga/journal/schedule/handout.h"

/* Puts every step of the saga where it belongs; hands out what can start. */
int schedule_saga(struct journal *j, struct cache_entry *e, struct schedule_options options) MUST_CHECK;
/* May this step begin an attempt now? Asks its state, its saga, its target, its deadline and its lane.
 * `probe`: the target may be held. */
int schedule_check_start(struct journal *j, struct cache_entry *e, unsigned i, bool probe,
						 bool *ret_open) MUST_CHECK;
/* True if only an operator can unblock this step: it is in attention, held by its saga's policy, or waits for
 * such a step. */
bool schedule_needs_operator(const struct saga *s, unsigned i);
/* Does a lower saga stand before this step in its lane, in memory or on disk, or does a step of another saga
 * run in the lane? */
int schedule_lane_blocked(struct journal *j, const struct cache_entry *e, unsigned i, bool *ret) MUST_CHECK;
/* Gives each lane that became free since the last call to its next saga. Called after every operation. */
int schedule_next_in_lane(struct journal *j) MUST_CHECK;
/* Does the step's location fit its state? `live`: saga_is_live. */
bool schedule_location_fits(const struct saga *s, unsigned i, bool live);

#endif
