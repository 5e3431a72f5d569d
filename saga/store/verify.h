/* What `almoner verify` checks in every store: the chain over the log, that every record and saga decodes, and
 * that sagas, events, log rows and step rows belong together. A store brings a source, which reads its rows in
 * order. */
#ifndef ALMONER_SAGA_STORE_VERIFY_H
#define ALMONER_SAGA_STORE_VERIFY_H

#include "saga/store/saga_log.h"

struct store_verification;

/* Every function that returns int returns 0 or ERR_*, unless it says otherwise. Rows are borrowed by the
 * function `each`, which may call other functions of the source; when it returns nonzero the reading stops and
 * its value is returned. */
struct verify_source {
	void *ctx;
	/* The store's own check of its files, which reports with store_verify_finding. NULL: it has none. */
	int (*database)(void *ctx, struct store_verification *v, struct err *err);
	/* Everything that is read between `begin` and `end` is of one moment. `end` is also called after an
	 * error, and is then given NULL. */
	int (*begin)(void *ctx, struct err *err);
	int (*end)(void *ctx, struct err *err);
	/* Asked after each row: true ends this slice, and another one continues behind the row. */
	bool (*slice_over)(void *ctx);
	int (*commits)(void *ctx, int64_t after, void *each_ctx,
				   int (*each)(void *each_ctx, const struct chain_row *row, struct err *err),
				   struct err *err);
	/* Log rows `first` to `last`. */
	int (*log)(void *ctx, int64_t first, int64_t last, void *each_ctx,
			   int (*each)(void *each_ctx, const struct log_row *row), struct err *err);
	saga_log_rows *log_rows;
	int (*last_log)(void *ctx, int64_t *ret_number, struct err *err); /* 0: the log is empty */
	/* As store_reader.figures. */
	int (*figures)(void *ctx, struct store_figures *ret, struct err *err);
	int (*sagas)(void *ctx, int64_t after, void *each_ctx,
				 int (*each)(void *each_ctx, const struct saga_row *row, struct err *err), struct err *err);
	/* *ret is the caller's to saga_destroy; NULL: the saga exists and does not decode. ERR_NOT_FOUND without
	 * such a saga. */
	int (*saga)(void *ctx, int64_t id, struct saga **ret, struct err *err);
	/* *ret is the caller's to saga_destroy. The text of the error names the saga. */
	int (*decode)(void *ctx, const struct saga_row *row, struct saga **ret, struct err *err);
	/* *ret is a new reference. ERR_NOT_FOUND without such an event; ERR_CORRUPT with the reason when it does not
	 * decode. */
	int (*event)(void *ctx, int64_t saga, struct event **ret, struct err *err);
	/* As in struct store_writer, `related_of` as in struct store_reader; a row's event is NULL when it does not
	 * decode. ERR_NOT_FOUND without such a row. */
	int (*related)(void *ctx, int64_t id, struct related_row *ret, struct err *err);
	int (*related_of)(void *ctx, int64_t saga, void *each_ctx,
					  int (*each)(void *each_ctx, const struct related_row *row), struct err *err);
	/* Step rows behind this saga and step; step -1: from the saga's first row on. */
	int (*steps)(void *ctx, int64_t saga, int64_t step, void *each_ctx,
				 int (*each)(void *each_ctx, const struct step_row *row, struct err *err), struct err *err);
	int (*has_step)(void *ctx, int64_t saga, uint16_t step, bool *ret, struct err *err);
};

/* Runs all checks; `report` gets one line per finding, *ret_findings is their number. Damage that makes a part
 * unreadable is a finding too, and the next part follows. */
int store_verify_run(const struct verify_source *source, void *report_ctx,
					 void (*report)(void *report_ctx, const char *line), int64_t *ret_findings,
					 struct err *err) MUST_CHECK;
/* For `database`. */
void store_verify_finding(struct store_verification *v, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
