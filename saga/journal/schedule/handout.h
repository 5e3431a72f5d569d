/* Handing steps to the engine: with an intent and a slot, or into the engine's window, or to disk instead. */
#ifndef ALMONER_SAGA_JOURNAL_SCHEDULE_HANDOUT_H
#define ALMONER_SAGA_JOURNAL_SCHEDULE_HANDOUT_H

#include "saga/journal/schedule/work.h"
#include "saga/journal/state/cache.h"

/* How a saga is scheduled. */
struct schedule_options {
	bool accepting; /* the commit accepts the event of this step */
	bool recheck;   /* examine steps again that wait for their lane */
	bool to_disk;   /* hand nothing to the engine */
	bool no_start;  /* write no intent in this commit */
};

/* A step that can start: asks hooks.admission and obeys, unless the target is not open or has due rows on
 * disk, which go first. */
int handout_step(struct journal *j, struct cache_entry *e, unsigned i,
				 struct schedule_options options) MUST_CHECK;
/* Records the step's intent and hands out a WORK_START: `w` when given, else a new work. Takes `w`
 * A slot is reserved, and schedule_check_start said yes. */
int handout_start(struct journal *j, struct cache_entry *e, unsigned i, struct work *w) MUST_CHECK;
/* Hands out a new WORK_READY. `slot`: a claim reserved a slot for it. */
int handout_ready(struct journal *j, struct cache_entry *e, unsigned i, bool slot) MUST_CHECK;
/* Returns a work to the engine with the kind that answers its request. */
void handout_answer(struct journal *j, struct work *w, enum work_kind kind);

#endif
