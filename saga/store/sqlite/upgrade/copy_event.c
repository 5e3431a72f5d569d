/* Events, and related events. */
#include "saga/store/sqlite/upgrade/copy.h"

#include "saga/base/mem.h"
#include "saga/store/sqlite/columns.h"

static int bind_event(void *ctx, struct db_query *from, struct db_query *to, struct err *err)
{
	(void)err;
	struct event **event = ctx;
	event_unref(*event);
	*event = column_event(from, 1);
	query_int(to, column_int(from, 0));
	column_bind_event(to, *event);
	return 0;
}

int copy_event(struct copy *c, struct err *err)
{
	struct event *event = NULL;
	int rc = copy_rows(c, "copying the events", "SELECT saga, " EVENT_COLUMNS " FROM old.event ORDER BY saga",
					   "INSERT INTO event (saga, " EVENT_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
					   bind_event, &event, err);
	event_unref(event);
	return rc;
}

int copy_related(struct copy *c, struct err *err)
{
	return copy_sql(c, "copying the related events",
					"INSERT INTO related (" RELATED_COLUMNS ") SELECT " RELATED_COLUMNS
					" FROM old.related ORDER BY id",
					err);
}
