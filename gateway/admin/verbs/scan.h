/* Sagas that match, newest first, in one state or in several. Several states are read from their indexes and
 * merged by id, so that looking for what is open never reads what is at rest. Private to the room. */
#ifndef ALMONER_GATEWAY_ADMIN_VERBS_SCAN_H
#define ALMONER_GATEWAY_ADMIN_VERBS_SCAN_H

#include "saga/store/store.h"

#define SCAN_PAGE 32

struct scan_cursor {
	int state; /* enum saga_state, or -1: any */
	int64_t before;
	struct saga *page[SCAN_PAGE];
	size_t count, next;
};

/* The open states at most; a single lane for everything. */
#define SCAN_CURSORS SAGA_STATE_COUNT

struct saga_scan {
	struct store_reader *reader;      /* borrowed */
	const struct saga_filter *filter; /* borrowed */
	struct scan_cursor cursors[SCAN_CURSORS];
	size_t cursor_count;
	int64_t last; /* id given last: a saga that changed its state between two pages comes once */
};

/* From below `before` (INT64_MAX: from the newest). `open_only`: only states that are not at rest. A filter
 * with a state is taken as it is. */
void scan_begin(struct saga_scan *s, struct store_reader *reader, const struct saga_filter *filter,
				int64_t before, bool open_only);
/* The next one, the caller's to saga_destroy; NULL at the end. With `*ret_more` set and NULL the time of one
 * slice is over: call again. */
int scan_next(struct saga_scan *s, struct saga **ret, bool *ret_more, struct err *err) MUST_CHECK;
void scan_finish(struct saga_scan *s);

#endif
