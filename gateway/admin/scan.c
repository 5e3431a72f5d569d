#include "gateway/admin/scan.h"

#define PAGE_BUDGET_MS 200 /* a reader may not hold a snapshot for long (DESIGN §12) */

static void add_lane(struct scan *s, int state, int64_t before)
{
	s->lanes[s->lane_count++] = (struct scan_lane){ .state = state, .before = before };
}

void scan_begin(struct scan *s, struct store_reader *reader, const struct saga_filter *filter, int64_t before,
				bool open_only)
{
	*s = (struct scan){ .reader = reader, .filter = filter };
	if (!open_only || filter->state >= 0) {
		add_lane(s, filter->state, before);
		return;
	}
	for (int state = 0; state < SAGA_STATE_COUNT; state++)
		if (!saga_state_at_rest((enum saga_state)state))
			add_lane(s, state, before);
}

static bool lane_wants_page(const struct scan_lane *lane)
{
	return lane->next == lane->count && lane->before != 0;
}

static int lane_fill(struct scan *s, struct scan_lane *lane, struct err *err)
{
	struct saga_filter filter = *s->filter;
	filter.state = lane->state;
	size_t count = 0;
	int64_t next = 0;
	int rc = s->reader->saga_list(s->reader->ctx, &filter, lane->before, PAGE_BUDGET_MS, lane->page,
								  SCAN_PAGE, &count, &next, err);
	if (rc != 0)
		return rc;
	lane->count = count;
	lane->next = 0;
	lane->before = next;
	return 0;
}

/* Every lane must show its newest before one of them may be given. *ret_more: a slice brought nothing yet. */
static int fill_all(struct scan *s, bool *ret_more, struct err *err)
{
	*ret_more = false;
	for (size_t i = 0; i < s->lane_count; i++) {
		struct scan_lane *lane = &s->lanes[i];
		int rc = lane_wants_page(lane) ? lane_fill(s, lane, err) : 0;
		if (rc != 0)
			return rc;
		*ret_more = *ret_more || lane_wants_page(lane);
	}
	return 0;
}

static struct scan_lane *newest_lane(struct scan *s)
{
	struct scan_lane *newest = NULL;
	for (size_t i = 0; i < s->lane_count; i++) {
		struct scan_lane *lane = &s->lanes[i];
		if (lane->next < lane->count &&
			(newest == NULL || lane->page[lane->next]->id > newest->page[newest->next]->id))
			newest = lane;
	}
	return newest;
}

int scan_next(struct scan *s, struct saga **ret, bool *ret_more, struct err *err)
{
	*ret = NULL;
	while (*ret == NULL) {
		int rc = fill_all(s, ret_more, err);
		if (rc != 0 || *ret_more)
			return rc;
		struct scan_lane *lane = newest_lane(s);
		if (lane == NULL)
			return 0;
		struct saga *saga = lane->page[lane->next++];
		if (saga->id == s->last)
			saga_destroy(saga);
		else
			*ret = saga;
	}
	s->last = (*ret)->id;
	return 0;
}

void scan_finish(struct scan *s)
{
	for (size_t i = 0; i < s->lane_count; i++)
		for (struct scan_lane *lane = &s->lanes[i]; lane->next < lane->count; lane->next++)
			saga_destroy(lane->page[lane->next]);
	s->lane_count = 0;
}
