/* The chain over the log, and the counters. */
#include "saga/store/sqlite/upgrade/copy.h"

int copy_chain(struct copy *c, struct err *err)
{
	return copy_sql(c, "copying the chain",
					"INSERT INTO chain (commit_no, first, last, at, digest) "
					"SELECT commit_no, first, last, at, digest FROM old.chain ORDER BY commit_no",
					err);
}

int copy_counters(struct copy *c, struct err *err)
{
	return copy_sql(c, "copying the counters",
					"INSERT INTO counters (id, value) SELECT id, value FROM old.counters", err);
}
