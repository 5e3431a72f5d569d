/* Counting the step rows of a target. */
#include "saga/store/index.h"
#include "saga/store/store.h"

#define PAGE 4096 /* rows in one question to the store; chosen */

int store_count_rows(const struct store_writer *store, uint32_t target, struct row_counts *ret,
					 struct err *err)
{
	struct row_counting count = { 0 };
	int rc = 0;
	while (rc == 0 && !count.done)
		rc = store->row_count_page(store->ctx, target, PAGE, &count, err);
	if (rc == 0)
		*ret = count.counts;
	return rc;
}
