/* The log. */
#include "saga/store/sqlite/upgrade/copy.h"

int copy_log(struct copy *c, struct err *err)
{
	return copy_sql(c, "copying the log",
					"INSERT INTO log (no, commit_no, subject, subject_id, at, head, personal, salt, "
					"personal_digest) SELECT no, commit_no, subject, subject_id, at, head, personal, salt, "
					"personal_digest FROM old.log ORDER BY no",
					err);
}
