/* Keys of events and gifts. */
#include "saga/store/sqlite/upgrade/copy.h"

int copy_claim_new(struct copy *c, struct err *err)
{
	return copy_sql(c, "copying the newest keys",
					"INSERT INTO claim_new (id, digest, owner, day) "
					"SELECT id, digest, owner, day FROM old.claim_new ORDER BY id",
					err);
}

int copy_claim(struct copy *c, struct err *err)
{
	return copy_sql(c, "copying the keys",
					"INSERT INTO claim (digest, owner, day) "
					"SELECT digest, owner, day FROM old.claim ORDER BY digest",
					err);
}
