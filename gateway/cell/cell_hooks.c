/* What the journal asks of the engine, and what it reports. Each hook asks the owner's function if there is one,
 * else the engine. Thread: the journal's. */
#include "gateway/cell/cell_internal.h"

void cell_hooks_wake(struct cell *cell)
{
	const struct engine_options *engine = &cell->options.engine;
	if (cell->loop != NULL)
		loop_wake(cell->loop);
	else if (engine->wake != NULL)
		engine->wake(engine->wake_ctx);
}

static enum admission on_admission(void *ctx, uint32_t target, size_t bytes, bool may_start_in_commit)
{
	struct cell *cell = ctx;
	const struct journal_hooks *owner = &cell->options.journal.hooks;
	return owner->admission != NULL ? owner->admission(owner->ctx, target, bytes, may_start_in_commit)
									: engine_admit(cell->engine, target, bytes, may_start_in_commit);
}

static size_t on_start_capacity(void *ctx)
{
	struct cell *cell = ctx;
	const struct journal_hooks *owner = &cell->options.journal.hooks;
	return owner->start_capacity != NULL ? owner->start_capacity(owner->ctx) : engine_capacity(cell->engine);
}

static void on_hand_out(void *ctx, const struct handout *handout)
{
	struct cell *cell = ctx;
	const struct journal_hooks *owner = &cell->options.journal.hooks;
	if (owner->hand_out != NULL)
		owner->hand_out(owner->ctx, handout);
	else
		engine_deliver(cell->engine, handout);
}

static void on_disk(void *ctx, enum disk_news news, int64_t bytes)
{
	struct cell *cell = ctx;
	const struct journal_hooks *owner = &cell->options.journal.hooks;
	if (owner->disk != NULL)
		owner->disk(owner->ctx, news, bytes);
}

/* The journal has answered everybody before this call. The engine's next turn cancels what is under way. */
static void on_failed(void *ctx, const struct err *err)
{
	struct cell *cell = ctx;
	const struct journal_hooks *owner = &cell->options.journal.hooks;
	atomic_store(&cell->broken, err->code != ERR_LOST);
	cell_state_step(&cell->state, CELL_LOSE);
	if (owner->failed != NULL)
		owner->failed(owner->ctx, err);
	cell_hooks_wake(cell);
}

struct journal_hooks cell_hooks(struct cell *cell)
{
	return (struct journal_hooks){ .ctx = cell,
								   .admission = on_admission,
								   .hand_out = on_hand_out,
								   .failed = on_failed,
								   .disk = on_disk,
								   .start_capacity = on_start_capacity };
}
