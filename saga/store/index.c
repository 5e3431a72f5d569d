/* How an open saga is found: by the index, or between the low-water mark and the reach. */
#include "saga/store/index.h"
#include "saga/model/figure_ids.h"
#include "saga/store/store.h"

bool store_index_left_out(const struct saga_row *row)
{
	return row->index == SAGA_INDEX_NONE && row->state == SAGA_RUNNING;
}

bool store_index_live(const struct saga_row *row)
{
	return row->index == SAGA_INDEX_LIVE || store_index_left_out(row);
}

bool store_index_fits(const struct saga_row *row, const struct saga *s)
{
	bool live = saga_is_live(s);
	bool open = live || !saga_state_at_rest((enum saga_state)s->state);
	enum saga_index listed = live ? SAGA_INDEX_LIVE : open ? SAGA_INDEX_OPEN : SAGA_INDEX_NONE;
	bool may_be_left_out = live && s->state == SAGA_RUNNING;
	return row->index == listed || (row->index == SAGA_INDEX_NONE && may_be_left_out);
}

bool store_index_marked(const struct tally *marks, int64_t saga)
{
	return saga >= tally_value(marks, figure_of_mark(0, MARK_LOW)) &&
		   saga <= tally_value(marks, figure_of_mark(0, MARK_REACH));
}
