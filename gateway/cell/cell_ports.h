/* A cell as other threads see it: intake, admin API, alerts, a reload. Each function may be called in every
 * state of the cell, also while it ends. Without a cell the answer is ERR_CLOSED, false or 0. Changes that an
 * operator asks for: command.h. Thread: any. */
#ifndef ALMONER_GATEWAY_CELL_CELL_PORTS_H
#define ALMONER_GATEWAY_CELL_CELL_PORTS_H

#include "gateway/engine/engine.h"
#include "saga/journal/figures.h"
#include "saga/journal/intake_port.h"

struct cell;
struct journal_target;

/* As journal_accept and journal_keep_rejected; `ctx` is the cell. */
int cell_accept(void *ctx, struct accept *a) MUST_CHECK;
int cell_keep_rejected(void *ctx, const struct rejected_row *row, int64_t keep_bytes) MUST_CHECK;

/* The figures of the last commit; the caller calls journal_counts_finish. */
bool cell_counts(struct cell *cell, struct journal_counts *ret);
/* As engine_status. */
size_t cell_target_status(struct cell *cell, uint32_t id, struct engine_target_status *ret, size_t capacity);

/* The target rules of a new configuration, for the journal: as journal_set_targets. */
int cell_set_rules(struct cell *cell, const struct journal_target *targets, size_t count, void *ctx,
				   void (*done)(void *ctx, const struct journal_target *targets, size_t count)) MUST_CHECK;
/* The targets for the engine, with the numbers that the journal gave: as engine_set_targets. ERR_CLOSED: the
 * ports stay the caller's. */
int cell_set_targets(struct cell *cell, const struct engine_target_config *targets, size_t count) MUST_CHECK;

#endif
