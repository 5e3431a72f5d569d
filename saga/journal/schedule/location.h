/* Where each step waits: with the engine, in a row on disk, in its lane only, or nowhere. This file alone
 * changes locations; each change keeps rows, lanes and the counts of rows consistent, and notes lanes that
 * became free (schedule_next_in_lane). All functions run in a transaction, and `i` is the index of a step of
 * the loaded saga. */
#ifndef ALMONER_SAGA_JOURNAL_SCHEDULE_LOCATION_H
#define ALMONER_SAGA_JOURNAL_SCHEDULE_LOCATION_H

#include "saga/journal/state/cache.h"
#include "saga/store/store.h"

/* A row on disk. `why` is not WHY_NONE: WHY_SLOT and WHY_DUE can be claimed, the others only keep a place in
 * a lane. */
int location_set_disk(struct journal *j, struct cache_entry *e, unsigned i, enum why why,
					  int64_t due_ms) MUST_CHECK;
/* The step is with the engine: its attempt runs, or it is ready in the engine's window. */
int location_set_engine(struct journal *j, struct cache_entry *e, unsigned i, bool running) MUST_CHECK;
/* The step is nowhere: it has no row and is in no lane. */
int location_set_none(struct journal *j, struct cache_entry *e, unsigned i) MUST_CHECK;
/* Waits for other steps of its saga, and keeps its place in its lane meanwhile. The step has a lane. */
int location_set_waiting(struct journal *j, struct cache_entry *e, unsigned i) MUST_CHECK;
/* The engine has given the step's work back; the caller must schedule the step again. */
void location_leave_engine(struct cache_entry *e, unsigned i);
/* The row of a saga that cannot be decoded becomes a row that is not claimed. It lets later sagas of its lane
 * pass, unless the target holds lanes of steps in attention. The first time, a record is added. j->err
 * says what is wrong with the saga. */
int location_set_quarantine(struct journal *j, const struct step_row *row) MUST_CHECK;
/* At start: enters the steps of a live saga into their lanes, as they were before the crash. */
void location_restore_lanes(struct journal *j, struct cache_entry *e);
/* Before a saga leaves memory: steps that hold a place in a lane without a row get a row. */
int location_lanes_to_disk(struct journal *j, struct cache_entry *e) MUST_CHECK;
/* The `why` that the row of this step has, as it follows from the saga alone; WHY_NONE for a step without
 * one. */
enum why location_row_why(const struct saga *s, unsigned i);

#endif
