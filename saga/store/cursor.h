/* The cursor of a list: partition and number of the row that was read last. Users get it as a text that they
 * only hand back, so its form can change. A plain number is accepted as well: it is the number of a row of
 * partition 0, as in the versions before there were cursors. Thread: any. */
#ifndef ALMONER_SAGA_STORE_CURSOR_H
#define ALMONER_SAGA_STORE_CURSOR_H

#include <stdint.h>

#include "saga/base/err.h"
#include "saga/base/str.h"

/* The lists that have cursors. The value is the first letter of the text, so that the cursor of one list is not
 * taken for a cursor of another. */
enum store_list {
	STORE_LIST_SAGAS = 's',
	STORE_LIST_LOG = 'l',
	STORE_LIST_JOBS = 'j',
	STORE_LIST_REJECTED = 'r'
};

struct store_cursor {
	uint16_t part;
	int64_t number; /* 0 or more */
};

/* The letter of the list, two bytes and eight bytes as hexadecimal digits, and a NUL. */
#define STORE_CURSOR_TEXT (1 + 2 * (2 + 8) + 1)

void store_cursor_write(enum store_list list, struct store_cursor cursor, char ret[STORE_CURSOR_TEXT]);
/* ERR_INVALID with a text that says what was expected: neither a whole number of 0 or more, nor a cursor of this
 * list. */
int store_cursor_read(enum store_list list, const char *text, struct store_cursor *ret,
					  struct err *err) MUST_CHECK;

#endif
