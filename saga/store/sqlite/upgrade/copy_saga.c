/* Sagas. */
#include "saga/store/sqlite/upgrade/copy.h"

int copy_saga(struct copy *c, struct err *err)
{
	return copy_sql(c, "copying the sagas",
					"INSERT INTO saga (id, plan, state, live, created, value) "
					"SELECT id, plan, state, live, created, value FROM old.saga ORDER BY id",
					err);
}
