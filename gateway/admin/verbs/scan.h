/* Reads the sagas that match a filter, newest first, of one state or of all open states. Open states are read
 * from one index each and merged by id, so that a search for open sagas does not read the many that are at
 * rest. */
#ifndef ALMONER_GATEWAY_ADMIN_VERBS_SCAN_H
#define ALMONER_GATEWAY_ADMIN_VERBS_SCAN_H

#include "saga/store/store.h"

#define SCAN_PAGE 32 /* sagas read at once for each state; chosen, no measurement */

struct scan_cursor {
	int state; /* enum saga_state, or -1: any */
	int64_t before;
	struct saga *page[SCAN_PAGE];
	size_t count, next;
};

/* One cursor for each open state, or one cursor for everything. */
#define SCAN_CURSORS SAGA_STATE_COUNT

struct saga_scan {
	struct store_reader *reader;      /* borrowed */
	const struct saga_filter *filter; /* borrowed */
	struct scan_cursor cursors[SCAN_CURSORS];
	size_t cursor_count;
	int64_t last; /* the id returned last: a saga whose state changed between two pages is returned once */
};

/* Begins below the id `before` (INT64_MAX: with the newest saga). `open_only`: reads only the states that are
 * not at rest, unless the filter names a state. Borrows reader and filter. */
void scan_begin(struct saga_scan *s, struct store_reader *reader, const struct saga_filter *filter,
				int64_t before, bool open_only);
/* The next saga in *ret; the caller calls saga_destroy. NULL: the end, or, if *ret_more is true, the time for
 * one page is over and the caller may call again. */
int scan_next(struct saga_scan *s, struct saga **ret, bool *ret_more, struct err *err) MUST_CHECK;
void scan_finish(struct saga_scan *s);

#endif
