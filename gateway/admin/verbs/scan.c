#include "gateway/admin/verbs/scan.h"

#include <assert.h>

/* A reader must not keep a snapshot open for long, or the write-ahead log grows: see
 * saga/store/README.md "Hazards of SQLite". */
#define PAGE_BUDGET_MS 200

static void add_cursor(struct saga_scan *s, int state, int64_t before)
{
	s->cursors[s->cursor_count++] = (struct scan_cursor){ .state = state, .before = before };
}

void scan_begin(struct saga_scan *s, struct store_reader *reader, const struct saga_filter *filter,
				int64_t before, bool open_only)
{
	assert(before >= 0 && filter->state < SAGA_STATE_COUNT);
	*s = (struct saga_scan){ .reader = reader, .filter = filter };
	if (!open_only || filter->state >= 0) {
		add_cursor(s, filter->state, before);
		return;
	}
	for (int state = 0; state < SAGA_STATE_COUNT; state++)
		if (!saga_state_at_rest((enum saga_state)state))
			add_cursor(s, state, before);
}

static bool cursor_wants_page(const struct scan_cursor *cursor)
{
	return cursor->next == cursor->count && cursor->before != 0;
}

static int cursor_fill(struct saga_scan *s, struct scan_cursor *cursor, struct err *err)
{
	struct saga_filter filter = *s->filter;
	filter.state = cursor->state;
	size_t count = 0;
	int64_t next = 0;
	int rc = s->reader->saga_list(s->reader->ctx, &filter, cursor->before, PAGE_BUDGET_MS, cursor->page,
								  SCAN_PAGE, &count, &next, err);
	if (rc != 0)
		return rc;
	cursor->count = count;
	cursor->next = 0;
	cursor->before = next;
	return 0;
}

/* Fills every cursor: the newest saga of all is known only when each cursor has its own newest. *ret_more: a
 * page of a cursor ended without a saga, because its time was over. */
static int fill_all(struct saga_scan *s, bool *ret_more, struct err *err)
{
	*ret_more = false;
	for (size_t i = 0; i < s->cursor_count; i++) {
		struct scan_cursor *cursor = &s->cursors[i];
		int rc = cursor_wants_page(cursor) ? cursor_fill(s, cursor, err) : 0;
		if (rc != 0)
			return rc;
		*ret_more = *ret_more || cursor_wants_page(cursor);
	}
	return 0;
}

static struct scan_cursor *newest_cursor(struct saga_scan *s)
{
	struct scan_cursor *newest = NULL;
	for (size_t i = 0; i < s->cursor_count; i++) {
		struct scan_cursor *cursor = &s->cursors[i];
		if (cursor->next < cursor->count &&
			(newest == NULL || cursor->page[cursor->next]->id > newest->page[newest->next]->id))
			newest = cursor;
	}
	return newest;
}

/* A saga whose state changes between two pages can appear in two cursors; the second one is dropped. */
int scan_next(struct saga_scan *s, struct saga **ret, bool *ret_more, struct err *err)
{
	assert(s->cursor_count <= SCAN_CURSORS);
	*ret = NULL;
	while (*ret == NULL) {
		int rc = fill_all(s, ret_more, err);
		if (rc != 0 || *ret_more)
			return rc;
		struct scan_cursor *cursor = newest_cursor(s);
		if (cursor == NULL)
			return 0;
		struct saga *saga = cursor->page[cursor->next++];
		if (saga->id == s->last)
			saga_destroy(saga);
		else
			*ret = saga;
	}
	s->last = (*ret)->id;
	return 0;
}

void scan_finish(struct saga_scan *s)
{
	for (size_t i = 0; i < s->cursor_count; i++)
		for (struct scan_cursor *cursor = &s->cursors[i]; cursor->next < cursor->count; cursor->next++)
			saga_destroy(cursor->page[cursor->next]);
	s->cursor_count = 0;
}
