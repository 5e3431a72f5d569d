#include "saga/store/saga_log.h"

#include <stdlib.h>

#include "saga/base/array.h"

/* Lists from the newest to the oldest, each one's numbers below those of the list before. */
struct earlier_lists {
	struct saga_rows *lists;
	size_t count, capacity;
	struct err *err;
	int64_t below; /* the row that is read: its list has lower numbers */
};

static int add_list(void *ctx, const struct log_row *row)
{
	struct earlier_lists *e = ctx;
	struct saga_rows list = { 0 };
	int rc = saga_rows_earlier(row->head, &list, e->err);
	if (rc == 0 && list.count > 0 && list.numbers[list.count - 1] >= e->below)
		rc = err_set(e->err, ERR_CORRUPT, "log row %lld: its list of earlier rows is damaged",
					 (long long)row->number);
	if (rc != 0 || list.count == 0) {
		saga_rows_free(&list);
		return rc;
	}
	ARRAY_GROW(e->lists, e->count, e->capacity);
	e->lists[e->count++] = list;
	return 0;
}

static int read_lists(struct earlier_lists *e, const struct saga_rows *newest, int64_t after,
					  saga_log_rows *read, void *ctx)
{
	const struct saga_rows *oldest = newest;
	for (;;) {
		size_t before = e->count;
		if (oldest->count == 0 || oldest->numbers[0] <= after)
			return 0;
		e->below = oldest->numbers[0];
		int rc = read(ctx, &e->below, 1, e, add_list, e->err);
		if (rc != 0 || e->count == before)
			return rc;
		oldest = &e->lists[e->count - 1];
	}
}

int saga_log_complete(struct saga_rows *list, int64_t after, saga_log_rows *read, void *ctx, struct err *err)
{
	struct earlier_lists e = { .err = err };
	struct saga_rows all = { 0 };
	int rc = read_lists(&e, list, after, read, ctx);
	for (size_t i = e.count; i > 0; i--) {
		for (size_t k = 0; rc == 0 && k < e.lists[i - 1].count; k++)
			saga_rows_append(&all, e.lists[i - 1].numbers[k]);
		saga_rows_free(&e.lists[i - 1]);
	}
	free(e.lists);
	if (rc != 0 || all.count == 0) {
		saga_rows_free(&all);
		return rc;
	}
	for (size_t k = 0; k < list->count; k++)
		saga_rows_append(&all, list->numbers[k]);
	saga_rows_free(list);
	*list = all;
	return 0;
}
