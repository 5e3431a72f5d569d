/* Keys of events and gifts. */
#include "saga/store/sqlite/upgrade/copy.h"

int copy_key_new(struct copy *c, struct err *err)
{
	return copy_sql(c, "copying the newest keys",
					"INSERT INTO key_new (id, digest, owner, day) "
					"SELECT id, digest, owner, day FROM old.claim_new ORDER BY id",
					err);
}

int copy_key(struct copy *c, struct err *err)
{
	return copy_sql(c, "copying the keys",
					"INSERT INTO key (digest, owner, day) "
					"SELECT digest, owner, day FROM old.claim ORDER BY digest",
					err);
}
