/* The numbers of all log rows about one saga. The saga's value lists the newest; the row with the lowest of them
 * lists the rows before it, and so on (saga/model/saga_rows.h). */
#ifndef ALMONER_SAGA_STORE_SAGA_LOG_H
#define ALMONER_SAGA_STORE_SAGA_LOG_H

#include "saga/store/store.h"

/* Gives the log rows with these numbers, of which there are at most SAGA_ROWS_LISTED, ascending; leaves numbers
 * without a row out. A row is borrowed during the call of `each`, which ends the reading by returning nonzero;
 * then that value is returned. Else 0 or ERR_*. */
typedef int saga_log_rows(void *ctx, const int64_t *numbers, size_t count, void *each_ctx,
						  int (*each)(void *each_ctx, const struct log_row *row), struct err *err);

/* `list`, from the saga's value, gets the earlier numbers too, as far as they are above `after`. ERR_CORRUPT when
 * a row has a damaged list. */
int saga_log_complete(struct saga_rows *list, int64_t after, saga_log_rows *read, void *ctx,
					  struct err *err) MUST_CHECK;

#endif
