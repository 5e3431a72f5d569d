/* The reader's look-ups of one saga, one event, the log, related events, targets and figures. */
#include <stdlib.h>
#include <string.h>

#include "saga/base/array.h"
#include "tests/support/memory_store/internal.h"

static int read_saga_get(void *ctx, int64_t id, struct saga **ret, struct err *err)
{
	struct memory_reader *r = ctx;
	struct memory_guard AUTO_GUARD g = memory_read_begin(r, CALL_SAGA_GET, err);
	if (g.rc != 0)
		return g.rc;
	const struct saga_row *row = memory_reader_row(r, TABLE_SAGA, memory_key_of(id, 0));
	if (row == NULL)
		return err_set(err, ERR_NOT_FOUND, "memory store: no saga %lld", (long long)id);
	return memory_decode_saga(r, row, ret, err);
}

static int read_event_get(void *ctx, int64_t saga, struct event **ret, struct err *err)
{
	struct memory_reader *r = ctx;
	struct memory_guard AUTO_GUARD g = memory_read_begin(r, CALL_EVENT_GET, err);
	if (g.rc != 0)
		return g.rc;
	struct event *const *event = memory_reader_row(r, TABLE_EVENT, memory_key_of(saga, 0));
	if (event == NULL)
		return err_set(err, ERR_NOT_FOUND, "memory store: no event of saga %lld", (long long)saga);
	*ret = memory_event_ref(*event);
	return *ret != NULL
			   ? 0
			   : err_set(err, ERR_CORRUPT, "memory store: saga %lld: damaged event", (long long)saga);
}

static int read_log(void *ctx, int64_t saga, int64_t after, size_t capacity, void *each_ctx,
					int (*each)(void *each_ctx, const struct log_row *row), int64_t *ret_next,
					struct err *err)
{
	struct memory_reader *r = ctx;
	struct memory_guard AUTO_GUARD g = memory_read_begin(r, CALL_LOG_READ, err);
	if (g.rc != 0)
		return g.rc;
	struct memory_page page = { 0 };
	struct memory_slot *slot = memory_table_from(&r->s->tables[TABLE_LOG], NULL, memory_key_of(after + 1, 0));
	for (; slot != NULL && page.count < capacity; slot = memory_table_next(slot, NULL)) {
		const struct log_row *row = memory_committed(slot);
		if (saga == 0 || (row->subject == SUBJECT_SAGA && row->subject_id == saga))
			memory_page_add(&page, slot->committed);
	}
	memory_guard_end(&g);
	*ret_next = after;
	bool stop = false;
	for (size_t i = 0; i < page.count && !stop; i++) {
		const struct log_row *row = (const void *)page.values[i]->row;
		*ret_next = row->number;
		stop = each(each_ctx, row) != 0;
	}
	memory_page_free(r->s, &page);
	return 0;
}

static int read_related_of(void *ctx, int64_t saga, void *each_ctx,
						   int (*each)(void *each_ctx, const struct related_row *row), struct err *err)
{
	struct memory_reader *r = ctx;
	struct memory_guard AUTO_GUARD g = memory_read_begin(r, CALL_RELATED_OF, err);
	if (g.rc != 0)
		return g.rc;
	struct memory_page page = { 0 };
	struct memory_slot *slot = memory_table_from(&r->s->tables[TABLE_RELATED], NULL, memory_key_of(0, 0));
	for (; slot != NULL; slot = memory_table_next(slot, NULL)) {
		const struct related_row *row = memory_committed(slot);
		if (saga > 0 && row->saga == saga)
			memory_page_add(&page, slot->committed);
	}
	memory_guard_end(&g);
	for (size_t i = 0; i < page.count; i++) {
		if (each(each_ctx, (const void *)page.values[i]->row) != 0)
			break;
	}
	memory_page_free(r->s, &page);
	return 0;
}

static int read_targets(void *ctx, struct target_row **ret, size_t *ret_count, struct err *err)
{
	struct memory_reader *r = ctx;
	struct memory_guard AUTO_GUARD g = memory_read_begin(r, CALL_TARGETS, err);
	if (g.rc != 0)
		return g.rc;
	struct target_row *rows = NULL;
	size_t count = 0;
	struct memory_slot *slot = memory_table_from(&r->s->tables[TABLE_TARGET], NULL, memory_key_of(0, 0));
	for (; slot != NULL; slot = memory_table_next(slot, NULL)) {
		ARRAY_GROW_BY_COUNT(rows, count);
		rows[count++] = *(const struct target_row *)memory_committed(slot);
	}
	*ret = rows;
	*ret_count = count;
	return 0;
}

static int read_backlog(void *ctx, uint32_t target, int64_t now_ms, const int64_t *edges_ms, int64_t *counts,
						size_t edge_count, struct err *err)
{
	struct memory_reader *r = ctx;
	struct memory_guard AUTO_GUARD g = memory_read_begin(r, CALL_BACKLOG, err);
	if (g.rc != 0)
		return g.rc;
	memset(counts, 0, edge_count * sizeof *counts);
	struct memory_slot *slot = memory_table_from(&r->s->tables[TABLE_STEP], NULL, memory_key_of(0, 0));
	for (; slot != NULL; slot = memory_table_next(slot, NULL)) {
		const struct step_row *row = memory_committed(slot);
		if (row->target != target || row->why == WHY_ATTENTION)
			continue;
		for (size_t i = 0; i < edge_count; i++)
			counts[i] += now_ms - row->since_ms >= edges_ms[i] ? 1 : 0;
	}
	return 0;
}

static int read_figures(void *ctx, struct store_figures *ret, struct err *err)
{
	struct memory_reader *r = ctx;
	struct chain_row last;
	struct memory_guard AUTO_GUARD g = memory_read_begin(r, CALL_FIGURES, err);
	return g.rc != 0 ? g.rc : memory_figures(r->s, NULL, memory_lowest_part(r->s), ret, &last, err);
}

void memory_read_ops(struct store_reader *ops)
{
	ops->saga_get = read_saga_get;
	ops->event_get = read_event_get;
	ops->log_read = read_log;
	ops->related_of = read_related_of;
	ops->targets = read_targets;
	ops->backlog = read_backlog;
	ops->figures = read_figures;
}
