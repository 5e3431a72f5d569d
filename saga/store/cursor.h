/* Positions in the lists of a store, and the text in which users get them.
 *
 * The functions of struct store_reader page by position: the partition of a row in the upper 16 bits, the number
 * of the row below them. So lists go partition by partition, and a position of partition 0 is the number
 * itself. Users get a position as a text that they only hand back, the cursor, so that its form can change. A
 * plain number is accepted as well: it is a row of partition 0, as in the versions before there were cursors.
 * Thread: any. */
#ifndef ALMONER_SAGA_STORE_CURSOR_H
#define ALMONER_SAGA_STORE_CURSOR_H

#include <stdint.h>

#include "saga/base/err.h"

#define STORE_NUMBER_BITS 48 /* chosen: 2^48 rows of one partition are 8,900 years at 1,000 a second */
#define STORE_NUMBER_MAX  ((INT64_C(1) << STORE_NUMBER_BITS) - 1)
#define STORE_PARTS       (1 << 15) /* a position is never negative */

/* The lists that have cursors. The value is the first letter of the text, so that the cursor of one list is not
 * taken for a cursor of another. */
enum store_list {
	STORE_LIST_SAGAS = 's',
	STORE_LIST_LOG = 'l',
	STORE_LIST_JOBS = 'j',
	STORE_LIST_REJECTED = 'r'
};

/* The letter of the list, the partition and the number as hexadecimal digits, and a NUL. */
#define STORE_CURSOR_TEXT (1 + 2 * (2 + 6) + 1)

/* `position` is not negative. */
void store_cursor_write(enum store_list list, int64_t position, char ret[STORE_CURSOR_TEXT]);
/* A number above STORE_NUMBER_MAX gives the last position of partition 0. ERR_INVALID with a text that says what
 * was expected: neither a whole number of 0 or more, nor a cursor of this list. */
int store_cursor_read(enum store_list list, const char *text, int64_t *ret_position,
					  struct err *err) MUST_CHECK;

#endif
