/* The rows that saga/store/verify.c checks. The lock is held during a slice, so a slice is of one moment. */
#include "saga/store/verify.h"
#include "tests/support/memory_store/internal.h"

static int slice_begin(void *ctx, struct err *err)
{
	struct memory_reader *r = ctx;
	(void)err;
	pthread_mutex_lock(&r->s->lock);
	return 0;
}

static int slice_end(void *ctx, struct err *err)
{
	struct memory_reader *r = ctx;
	(void)err;
	pthread_mutex_unlock(&r->s->lock);
	return 0;
}

static bool slice_over(void *ctx)
{
	(void)ctx;
	return false;
}

static struct memory_slot *from(void *ctx, enum memory_table_id table, int64_t a, int64_t b)
{
	const struct memory_reader *r = ctx;
	return memory_table_from(&r->s->tables[table], NULL, memory_key_of(a, b));
}

static int read_commits(void *ctx, int64_t after, void *each_ctx,
						int (*each)(void *each_ctx, const struct chain_row *row, struct err *err),
						struct err *err)
{
	struct memory_slot *slot = from(ctx, TABLE_CHAIN, after + 1, 0);
	for (; slot != NULL; slot = memory_table_next(slot, NULL)) {
		int stop = each(each_ctx, memory_committed(slot), err);
		if (stop != 0)
			return stop;
	}
	return 0;
}

static int read_figures(void *ctx, struct store_figures *ret, struct err *err)
{
	struct memory_reader *r = ctx;
	struct chain_row last;
	return memory_figures(r->s, NULL, memory_lowest_part(r->s), ret, &last, err);
}

static int read_log(void *ctx, int64_t first, int64_t last, void *each_ctx,
					int (*each)(void *each_ctx, const struct log_row *row), struct err *err)
{
	(void)err;
	struct memory_slot *slot = from(ctx, TABLE_LOG, first, 0);
	for (; slot != NULL && (int64_t)slot->key.a <= last; slot = memory_table_next(slot, NULL)) {
		int stop = each(each_ctx, memory_committed(slot));
		if (stop != 0)
			return stop;
	}
	return 0;
}

static int read_log_rows(void *ctx, const int64_t *numbers, size_t count, void *each_ctx,
						 int (*each)(void *each_ctx, const struct log_row *row), struct err *err)
{
	(void)err;
	for (size_t i = 0; i < count; i++) {
		const struct log_row *row = memory_reader_row(ctx, TABLE_LOG, memory_key_of(numbers[i], 0));
		int stop = row != NULL ? each(each_ctx, row) : 0;
		if (stop != 0)
			return stop;
	}
	return 0;
}

static int read_last_log(void *ctx, int64_t *ret_number, struct err *err)
{
	const struct memory_reader *r = ctx;
	(void)err;
	const struct memory_slot *slot =
		memory_table_below(&r->s->tables[TABLE_LOG], NULL, memory_key_of(INT64_MAX, 0));
	*ret_number = slot != NULL ? (int64_t)slot->key.a : 0;
	return 0;
}

static int read_sagas(void *ctx, int64_t after, void *each_ctx,
					  int (*each)(void *each_ctx, const struct saga_row *row, struct err *err),
					  struct err *err)
{
	struct memory_slot *slot = from(ctx, TABLE_SAGA, after + 1, 0);
	for (; slot != NULL; slot = memory_table_next(slot, NULL)) {
		int stop = each(each_ctx, memory_committed(slot), err);
		if (stop != 0)
			return stop;
	}
	return 0;
}

static int read_saga(void *ctx, int64_t id, struct saga **ret, struct err *err)
{
	(void)err;
	const struct saga_row *row = memory_reader_row(ctx, TABLE_SAGA, memory_key_of(id, 0));
	if (row == NULL)
		return ERR_NOT_FOUND;
	if (memory_decode_saga(ctx, row, ret, NULL) != 0)
		*ret = NULL;
	return 0;
}

static int decode_saga(void *ctx, const struct saga_row *row, struct saga **ret, struct err *err)
{
	return memory_decode_saga(ctx, row, ret, err);
}

static int read_event(void *ctx, int64_t saga, struct event **ret, struct err *err)
{
	struct event *const *event = memory_reader_row(ctx, TABLE_EVENT, memory_key_of(saga, 0));
	if (event == NULL)
		return ERR_NOT_FOUND;
	*ret = memory_event_ref(*event);
	return *ret != NULL ? 0 : err_set(err, ERR_CORRUPT, "damaged");
}

static int read_related(void *ctx, int64_t id, struct related_row *ret, struct err *err)
{
	(void)err;
	const struct related_row *row = memory_reader_row(ctx, TABLE_RELATED, memory_key_of(id, 0));
	if (row == NULL)
		return ERR_NOT_FOUND;
	*ret = *row;
	ret->event = memory_event_ref(row->event);
	return 0;
}

static int read_related_of(void *ctx, int64_t saga, void *each_ctx,
						   int (*each)(void *each_ctx, const struct related_row *row), struct err *err)
{
	(void)err;
	struct memory_slot *slot = from(ctx, TABLE_RELATED, 0, 0);
	for (; slot != NULL; slot = memory_table_next(slot, NULL)) {
		const struct related_row *row = memory_committed(slot);
		int stop = row->saga == saga ? each(each_ctx, row) : 0;
		if (stop != 0)
			return stop;
	}
	return 0;
}

static int read_steps(void *ctx, int64_t saga, int64_t step, void *each_ctx,
					  int (*each)(void *each_ctx, const struct step_row *row, struct err *err),
					  struct err *err)
{
	struct memory_slot *slot = from(ctx, TABLE_STEP, saga, step + 1);
	for (; slot != NULL; slot = memory_table_next(slot, NULL)) {
		int stop = each(each_ctx, memory_committed(slot), err);
		if (stop != 0)
			return stop;
	}
	return 0;
}

static int has_step(void *ctx, int64_t saga, uint16_t step, bool *ret, struct err *err)
{
	(void)err;
	*ret = memory_reader_row(ctx, TABLE_STEP, memory_key_of(saga, step)) != NULL;
	return 0;
}

static int verify_run(void *ctx, void *report_ctx, void (*report)(void *report_ctx, const char *line),
					  int64_t *ret_findings, struct err *err)
{
	const struct verify_source source = {
		.ctx = ctx,
		.begin = slice_begin,
		.end = slice_end,
		.slice_over = slice_over,
		.commits = read_commits,
		.log = read_log,
		.log_rows = read_log_rows,
		.last_log = read_last_log,
		.figures = read_figures,
		.sagas = read_sagas,
		.saga = read_saga,
		.decode = decode_saga,
		.event = read_event,
		.related = read_related,
		.related_of = read_related_of,
		.steps = read_steps,
		.has_step = has_step,
	};
	struct memory_guard g = memory_read_begin(ctx, CALL_VERIFY, err);
	memory_guard_end(&g);
	return g.rc != 0 ? g.rc : store_verify_run(&source, report_ctx, report, ret_findings, err);
}

void memory_verify_ops(struct store_reader *ops)
{
	ops->verify = verify_run;
}
