#include "saga/store/sqlite/schema.h"

#include <stdio.h>

/* Column `part` of a table with an integer key. The key is part * 2^48 + number, so a part is one range of
 * keys, and `part` needs no bytes (saga/DESIGN.md "Shape of the store"). SQLite has part 0 only. */
#define PART_OF(key) " part INTEGER GENERATED ALWAYS AS (" #key " >> 48) VIRTUAL"

/* An event that succeeds at once touches only event, key_new, saga and log. The reasons are in
 * saga/DESIGN.md "Shape of rows", the cost of each index is in saga/store/README.md. */
const struct schema_table schema_tables[SCHEMA_TABLE_COUNT] = {
	{ "plan",
	  "CREATE TABLE plan ("
	  "  id INTEGER PRIMARY KEY, digest BLOB NOT NULL, json TEXT NOT NULL," PART_OF(
		  id) ");"
			  "CREATE UNIQUE INDEX plan_digest ON plan(part, digest);",
	  copy_plan },

	/* salt is of the digests that the log keeps of the value; NULL when it was forgotten. `indexed` is an enum
	 * saga_index: a saga that succeeds at once is never in the index. */
	{ "saga",
	  "CREATE TABLE saga ("
	  "  id INTEGER PRIMARY KEY, plan INTEGER NOT NULL, state INTEGER NOT NULL, indexed INTEGER NOT NULL,"
	  "  created INTEGER NOT NULL, salt BLOB, value BLOB NOT NULL," PART_OF(
		  id) ");"
			  "CREATE INDEX saga_indexed ON saga(indexed, state) WHERE indexed = 1 OR indexed = 2;",
	  copy_saga },

	/* The payload (saga/model/event_codec.h). Personal data is only here, in related, in refused, in saga.value
	 * and in log.personal. */
	{ "event",
	  "CREATE TABLE event ("
	  "  saga INTEGER PRIMARY KEY, version INTEGER NOT NULL, payload BLOB NOT NULL," PART_OF(saga) ");",
	  copy_event },

	/* Keys are random, so inserting them one by one into a sorted table would rewrite one page for each
	 * event. New keys are appended to key_new and moved into key many at a time (key_new.c). A key is unique
	 * over all parts, so these two tables have none. owner 0 is a search row (key_search.c). */
	{ "key_new",
	  "CREATE TABLE key_new ("
	  "  id INTEGER PRIMARY KEY, digest BLOB NOT NULL, owner INTEGER NOT NULL, day INTEGER NOT NULL);",
	  copy_key_new },
	{ "key",
	  "CREATE TABLE key ("
	  "  digest BLOB PRIMARY KEY, owner INTEGER NOT NULL, day INTEGER NOT NULL) WITHOUT ROWID;",
	  copy_key },

	/* `names` has the keys of all names of the gift, 16 bytes each; related_name has those of the rows that wait
	 * for it (saga 0). `own` is a saga that the event itself became. */
	{ "related",
	  "CREATE TABLE related ("
	  "  id INTEGER PRIMARY KEY, saga INTEGER NOT NULL, own INTEGER NOT NULL, due INTEGER NOT NULL,"
	  "  names BLOB NOT NULL, payload BLOB NOT NULL," PART_OF(
		  id) ");"
			  "CREATE INDEX related_due ON related(part, due) WHERE saga = 0;"
			  "CREATE INDEX related_saga ON related(saga) WHERE saga > 0;",
	  copy_related },
	{ "related_name",
	  "CREATE TABLE related_name ("
	  "  part INTEGER NOT NULL, gift_key BLOB NOT NULL, related INTEGER NOT NULL,"
	  "  PRIMARY KEY (part, gift_key, related)) WITHOUT ROWID;",
	  copy_related_name },

	/* Steps that wait on disk. why 2 and 3 (due, slot) are claimable, 4 and 5 (lane, after) are blocked.
	 * `since` is in both indexes so that the backlog by age is read from the indexes alone. */
	{ "step",
	  "CREATE TABLE step ("
	  "  part INTEGER NOT NULL, saga INTEGER NOT NULL, step INTEGER NOT NULL, target INTEGER NOT NULL,"
	  "  why INTEGER NOT NULL, lane BLOB, due INTEGER NOT NULL, since INTEGER NOT NULL,"
	  "  PRIMARY KEY (part, saga, step)) WITHOUT ROWID;"
	  "CREATE INDEX step_claim ON step(part, target, due, saga, step, since) WHERE why IN (2, 3);"
	  "CREATE INDEX step_lane ON step(part, target, lane, saga) WHERE lane IS NOT NULL;"
	  "CREATE INDEX step_blocked ON step(part, target, saga, step, since) WHERE why IN (4, 5);",
	  copy_step },

	/* breaker_away remembers across restarts whether the target's breaker was closed. */
	{ "target",
	  "CREATE TABLE target ("
	  "  part INTEGER NOT NULL, id INTEGER NOT NULL, name TEXT NOT NULL, paused INTEGER NOT NULL,"
	  "  held INTEGER NOT NULL, held_reason TEXT NOT NULL, changed INTEGER NOT NULL,"
	  "  breaker_away INTEGER NOT NULL, PRIMARY KEY (part, id), UNIQUE (part, name)) WITHOUT ROWID;",
	  copy_target },

	/* personal, salt and personal_digest are NULL when there is no personal part. Forgetting a personal
	 * part sets personal and salt to NULL and keeps the digest, because the chain covers the digest.
	 * head_digest is NULL; a head that is emptied leaves its digest there, for the same reason. */
	{ "log",
	  "CREATE TABLE log ("
	  "  no INTEGER PRIMARY KEY, commit_no INTEGER NOT NULL, subject INTEGER NOT NULL,"
	  "  subject_id INTEGER NOT NULL, at INTEGER NOT NULL, head BLOB, head_digest BLOB, personal BLOB,"
	  "  salt BLOB, personal_digest BLOB," PART_OF(no) ");",
	  copy_log },

	{ "chain",
	  "CREATE TABLE chain ("
	  "  commit_no INTEGER PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL, at INTEGER NOT NULL,"
	  "  digest BLOB NOT NULL, counters BLOB, marks BLOB," PART_OF(commit_no) ");",
	  copy_chain },

	/* Bulk operations as jobs. state 1 is running. */
	{ "job",
	  "CREATE TABLE job ("
	  "  id INTEGER PRIMARY KEY, state INTEGER NOT NULL, verb TEXT NOT NULL, redo INTEGER NOT NULL,"
	  "  filter TEXT NOT NULL, actor TEXT NOT NULL, note TEXT NOT NULL, rate INTEGER NOT NULL,"
	  "  rate_ms INTEGER NOT NULL, created INTEGER NOT NULL, finished INTEGER NOT NULL, upto INTEGER NOT "
	  "NULL,"
	  "  position INTEGER NOT NULL, expected INTEGER NOT NULL, matched INTEGER NOT NULL,"
	  "  moved INTEGER NOT NULL, steps INTEGER NOT NULL, in_doubt INTEGER NOT NULL, refused INTEGER NOT NULL,"
	  "  passed_over INTEGER NOT NULL, held TEXT NOT NULL, error TEXT NOT NULL," PART_OF(
		  id) ");"
			  "CREATE INDEX job_running ON job(id) WHERE state = 1;",
	  copy_job },

	/* Rejected requests (not verified), kept for a limited time. AUTOINCREMENT: an id is never used again, so
	 * the id of a deleted request never names another request. `wall` is the wall clock at reception, which
	 * signed timestamps are compared with. refused_total keeps the bytes of each source, so that no scan
	 * counts them. */
	{ "refused",
	  "CREATE TABLE refused ("
	  "  id INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL, received INTEGER NOT NULL,"
	  "  wall INTEGER NOT NULL, until INTEGER NOT NULL, bytes INTEGER NOT NULL, address TEXT NOT NULL,"
	  "  url TEXT NOT NULL, headers BLOB NOT NULL, body BLOB NOT NULL," PART_OF(
		  id) ");"
			  "CREATE INDEX refused_source ON refused(part, source, id, bytes);"
			  "CREATE INDEX refused_until ON refused(part, until);",
	  copy_refused },
	{ "refused_total",
	  "CREATE TABLE refused_total ("
	  "  part INTEGER NOT NULL, source TEXT NOT NULL, bytes INTEGER NOT NULL,"
	  "  PRIMARY KEY (part, source)) WITHOUT ROWID;",
	  copy_refused_total },
};

int schema_create(struct db *db, struct err *err)
{
	for (size_t i = 0; i < SCHEMA_TABLE_COUNT; i++) {
		int rc = db_exec(db, "cannot create the tables", schema_tables[i].sql, err);
		if (rc != 0)
			return rc;
	}
	return 0;
}

int schema_stamp(struct db *db, int64_t version, struct err *err)
{
	char stamp[96];
	snprintf(stamp, sizeof stamp, "PRAGMA application_id = %d; PRAGMA user_version = %lld",
			 SCHEMA_APPLICATION_ID, (long long)version);
	return db_exec(db, "cannot write the schema number", stamp, err);
}
