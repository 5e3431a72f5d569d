/* The numbers of the log rows about one saga. Its stored value carries them, so a saga's log is read by number
 * and the log needs no index by saga. The value lists at most SAGA_ROWS_LISTED numbers: when one more comes,
 * the new row takes the older numbers along in a record of kind RECORD_EARLIER_ROWS, and the list begins again
 * with that row. Not locked: one thread owns a saga. */
#ifndef ALMONER_MODEL_SAGA_ROWS_H
#define ALMONER_MODEL_SAGA_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include "saga/base/err.h"
#include "saga/base/reader.h"
#include "saga/model/record.h"

/* chosen: a saga with two retries of each of ten steps fits, and a full list takes about 150 bytes */
#define SAGA_ROWS_LISTED 64
/* The longest list that is read; chosen, for no saga has 16 million rows. Only a saga of schema 4 has more than
 * SAGA_ROWS_LISTED numbers, until the row after the upgrade takes them along. */
#define SAGA_ROWS_MAX (1 << 24)

/* Ascending. A zeroed struct is an empty list. */
struct saga_rows {
	int64_t *numbers; /* NULL while capacity is 0 */
	size_t count, capacity;
};

void saga_rows_free(struct saga_rows *r);
void saga_rows_append(struct saga_rows *r, int64_t number); /* above the numbers before it */
/* Adds the number of the row that `records` will make. A full list moves into `records`, and begins again. */
void saga_rows_add(struct saga_rows *r, int64_t number, struct records *records, int64_t at_ms);

/* Appends the stored form. */
void saga_rows_encode(const struct saga_rows *r, struct buf *out);
/* Replaces *ret by the stored list at `from`. from->bad becomes true, and the list empty, when its bytes are
 * damaged: numbers that do not ascend, more than SAGA_ROWS_MAX, or cut short. */
void saga_rows_decode(struct reader *from, struct saga_rows *ret);
/* Replaces *ret by the list that a log row took along; empty when it took none. ERR_CORRUPT for damage. */
int saga_rows_earlier(struct str head, struct saga_rows *ret, struct err *err) MUST_CHECK;

#endif
