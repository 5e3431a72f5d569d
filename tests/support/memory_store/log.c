/* The head, the log and the chain. */
#include "tests/support/memory_store/internal.h"

static const void *last_row(const struct memory_writer *w, enum memory_table_id table)
{
	const struct memory_slot *slot = memory_writer_last(w, table);
	return slot != NULL ? memory_writer_view(w, slot) : NULL;
}

static int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int log_head(void *ctx, struct store_head *ret, struct err *err)
{
	struct memory_writer *w = ctx;
	struct memory_guard AUTO_GUARD g = memory_write_begin(w, CALL_HEAD, err);
	if (g.rc != 0)
		return g.rc;
	memory_trip_ask(w, CALL_HEAD);
	const struct saga_row *saga = last_row(w, TABLE_SAGA);
	const struct related_row *related = last_row(w, TABLE_RELATED);
	int64_t none = (int64_t)memory_part_begin(w).a;
	const struct memory_numbers *given = memory_numbers_of(w->s, w->options.part);
	struct store_head head = { .last_saga = larger(saga != NULL ? saga->id : none, given->last_saga),
							   .last_related =
								   larger(related != NULL ? related->id : none, given->last_related),
							   .part = w->options.part,
							   .stride = w->options.stride,
							   .numbers_skip = w->options.numbers_skip };
	int rc = memory_figures(w->s, &w->change, w->options.part, &head.figures, &head.chain, err);
	if (rc == 0)
		*ret = head;
	return rc;
}

static int log_append(void *ctx, const struct log_row *row, struct err *err)
{
	struct memory_writer *w = ctx;
	struct memory_guard AUTO_GUARD g = memory_write_begin(w, CALL_LOG_APPEND, err);
	if (g.rc != 0)
		return g.rc;
	return memory_writer_add(w, TABLE_LOG, memory_key_of(row->number, 0), memory_value_of_log(row), err);
}

static int log_chain_append(void *ctx, const struct chain_row *row, struct err *err)
{
	struct memory_writer *w = ctx;
	struct memory_guard AUTO_GUARD g = memory_write_begin(w, CALL_CHAIN_APPEND, err);
	if (g.rc != 0)
		return g.rc;
	return memory_writer_add(w, TABLE_CHAIN, memory_key_of(row->commit, 0), memory_value_of_chain(row), err);
}

void memory_log_ops(struct store_writer *ops)
{
	ops->head = log_head;
	ops->log_append = log_append;
	ops->chain_append = log_chain_append;
}
