#include "gateway/cell/cell_ports.h"

#include "gateway/cell/cell_internal.h"
#include "saga/journal/operator_port.h"

int cell_accept(void *ctx, struct accept *a)
{
	struct cell *cell = ctx;
	if (!cell_gate_enter(cell))
		return ERR_CLOSED;
	int rc = journal_accept(cell->journal, a);
	cell_gate_leave(cell);
	return rc;
}

int cell_keep_rejected(void *ctx, const struct rejected_row *row, int64_t keep_bytes)
{
	struct cell *cell = ctx;
	if (!cell_gate_enter(cell))
		return ERR_CLOSED;
	int rc = journal_keep_rejected(cell->journal, row, keep_bytes);
	cell_gate_leave(cell);
	return rc;
}

bool cell_counts(struct cell *cell, struct journal_counts *ret)
{
	if (!cell_gate_enter(cell))
		return false;
	journal_counts(cell->journal, ret);
	cell_gate_leave(cell);
	return true;
}

size_t cell_target_status(struct cell *cell, uint32_t id, struct engine_target_status *ret, size_t capacity)
{
	if (!cell_gate_enter(cell))
		return 0;
	size_t count = engine_status(cell->engine, id, ret, capacity);
	cell_gate_leave(cell);
	return count;
}

int cell_set_rules(struct cell *cell, const struct journal_target *targets, size_t count, void *ctx,
				   void (*done)(void *ctx, const struct journal_target *targets, size_t count))
{
	if (!cell_gate_enter(cell))
		return ERR_CLOSED;
	int rc = journal_set_targets(cell->journal, targets, count, ctx, done);
	cell_gate_leave(cell);
	return rc;
}

int cell_set_targets(struct cell *cell, const struct engine_target_config *targets, size_t count)
{
	if (!cell_gate_enter(cell))
		return ERR_CLOSED;
	engine_set_targets(cell->engine, targets, count);
	cell_gate_leave(cell);
	return 0;
}
