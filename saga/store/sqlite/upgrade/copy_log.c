/* The log. Its numbers, heads and digests stay as they are, so the chain holds on; a personal part gets the
 * envelope byte, which no digest covers. */
#include "saga/store/sqlite/upgrade/copy.h"

int copy_log(struct copy *c, struct err *err)
{
	return copy_sql(c, "copying the log",
					"INSERT INTO log (no, commit_no, subject, subject_id, at, head, personal, salt, "
					"personal_digest) SELECT no, commit_no, subject, subject_id, at, head, "
					"CASE WHEN length(personal) > 0 THEN CAST(x'00' || personal AS BLOB) END, salt, "
					"personal_digest FROM old.log ORDER BY no",
					err);
}
