/* How an open saga is found again, and how many rows a target has: what every store computes alike. Pure, except
 * for the counting. Thread: any; a store is used by one thread. */
#ifndef ALMONER_SAGA_STORE_INDEX_H
#define ALMONER_SAGA_STORE_INDEX_H

#include "saga/store/store.h"

/* Counts the rows of a target in pages. The time grows with their number, so it is for the start and for tests. */
int store_count_rows(const struct store_writer *store, uint32_t target, struct row_counts *ret,
					 struct err *err) MUST_CHECK;

/* Is the saga of this row live (saga_is_live)? */
bool store_index_live(const struct saga_row *row);
/* Does the row agree with the saga that its value holds? */
bool store_index_fits(const struct saga_row *row, const struct saga *s);
/* True for a live saga that a start finds only between the low-water mark and the reach. */
bool store_index_left_out(const struct saga_row *row);
/* Is the saga between the low-water mark and the reach? */
bool store_index_marked(const struct tally *marks, int64_t saga);

#endif
