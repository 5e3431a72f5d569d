/* Tables that schema 5 keeps as they were, with a column for the part. */
#include "saga/store/sqlite/upgrade/copy.h"

int copy_plan(struct copy *c, struct err *err)
{
	return copy_sql(c, "copying the plans",
					"INSERT INTO plan (id, digest, json) SELECT id, digest, json FROM old.plan ORDER BY id",
					err);
}

int copy_target(struct copy *c, struct err *err)
{
	return copy_sql(c, "copying the targets",
					"INSERT INTO target (part, id, name, paused, held, held_reason, changed, breaker_away) "
					"SELECT 0, id, name, paused, held, held_reason, changed, breaker_away FROM old.target "
					"ORDER BY id",
					err);
}

int copy_step(struct copy *c, struct err *err)
{
	return copy_sql(c, "copying the waiting steps",
					"INSERT INTO step (part, saga, step, target, why, lane, due, since) "
					"SELECT 0, saga, step, target, why, lane, due, since FROM old.step ORDER BY saga, step",
					err);
}

#define JOB_ALL                                                                                              \
	"id, state, verb, redo, filter, actor, note, rate, rate_ms, created, finished, upto, position, "         \
	"expected, matched, moved, steps, in_doubt, refused, passed_over, held, error"

int copy_job(struct copy *c, struct err *err)
{
	return copy_sql(c, "copying the jobs",
					"INSERT INTO job (" JOB_ALL ") SELECT " JOB_ALL " FROM old.job ORDER BY id", err);
}

#define REFUSED_PLAIN "id, source, received, wall, until, bytes, address, url, "
#define REFUSED_ALL   REFUSED_PLAIN "headers, body"

/* Headers and body get the envelope byte in front of them (saga/model/envelope.h). */
/* sqlite_sequence remembers the highest id that was ever given. */
int copy_refused(struct copy *c, struct err *err)
{
	return copy_sql(c, "copying the refused requests",
					"INSERT INTO refused (" REFUSED_ALL ") SELECT " REFUSED_PLAIN
					"CAST(x'00' || headers AS BLOB), "
					"CAST(x'00' || body AS BLOB) FROM old.refused ORDER BY id; "
					"DELETE FROM main.sqlite_sequence; "
					"INSERT INTO main.sqlite_sequence (name, seq) SELECT name, seq FROM old.sqlite_sequence",
					err);
}

int copy_refused_total(struct copy *c, struct err *err)
{
	return copy_sql(c, "copying the bytes of refused requests",
					"INSERT INTO refused_total (part, source, bytes) "
					"SELECT 0, source, bytes FROM old.refused_total ORDER BY source",
					err);
}
