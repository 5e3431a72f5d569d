#include "saga/store/sqlite/migrate.h"

#include <stdio.h>

/* "almn": lets `file` and us tell an almoner store from any other SQLite database. */
#define APPLICATION_ID 0x616c6d6e

/* Applied in order, never edited once released: a change of the schema is a new entry.
 *
 * The hot path of an event touches event, claim, saga and log (DESIGN §4); the figures behind each index are
 * in the store section of saga/README.md. */
static const char *const migrations[] = {
	"CREATE TABLE plan ("
	"  id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, json TEXT NOT NULL);"

	"CREATE TABLE saga ("
	"  id INTEGER PRIMARY KEY, plan INTEGER NOT NULL, state INTEGER NOT NULL, live INTEGER NOT NULL,"
	"  created INTEGER NOT NULL, value BLOB NOT NULL);"
	/* Open sagas only (state < 4: not at rest), and those at rest with a call still under way. */
	"CREATE INDEX saga_open ON saga(live, state) WHERE state < 4 OR live = 1;"

	/* The payload: the only table, beside related and log.personal, that holds personal data. */
	"CREATE TABLE event ("
	"  saga INTEGER PRIMARY KEY, received INTEGER NOT NULL, salt BLOB NOT NULL, source TEXT NOT NULL,"
	"  event_id TEXT NOT NULL, type TEXT NOT NULL, gift TEXT NOT NULL, donor TEXT NOT NULL,"
	"  content_type TEXT NOT NULL, raw BLOB NOT NULL, canonical TEXT NOT NULL);"

	/* Keys are random: sorted in one by one, each event would rewrite a page of its own. The newest are only
	 * appended, and sorted in many at a time (keys.c). */
	"CREATE TABLE claim_new ("
	"  id INTEGER PRIMARY KEY, digest BLOB NOT NULL, owner INTEGER NOT NULL, day INTEGER NOT NULL);"
	"CREATE TABLE claim ("
	"  digest BLOB PRIMARY KEY, owner INTEGER NOT NULL, day INTEGER NOT NULL) WITHOUT ROWID;"

	"CREATE TABLE related ("
	"  id INTEGER PRIMARY KEY, saga INTEGER NOT NULL, gift_key BLOB NOT NULL, due INTEGER NOT NULL,"
	"  received INTEGER NOT NULL, salt BLOB NOT NULL, source TEXT NOT NULL, event_id TEXT NOT NULL,"
	"  type TEXT NOT NULL, gift TEXT NOT NULL, donor TEXT NOT NULL, content_type TEXT NOT NULL,"
	"  raw BLOB NOT NULL, canonical TEXT NOT NULL);"
	"CREATE INDEX related_waiting ON related(gift_key) WHERE saga = 0;"
	"CREATE INDEX related_due ON related(due) WHERE saga = 0;"
	"CREATE INDEX related_saga ON related(saga) WHERE saga > 0;"

	/* Steps off the hot path. why 2 and 3 are due and slot: claimable; 4 and 5 are lane and after: blocked.
	 * `since` rides in both indexes so that the backlog by age is read from them alone. */
	"CREATE TABLE step ("
	"  saga INTEGER NOT NULL, step INTEGER NOT NULL, target INTEGER NOT NULL, why INTEGER NOT NULL,"
	"  lane BLOB, due INTEGER NOT NULL, since INTEGER NOT NULL, PRIMARY KEY (saga, step)) WITHOUT ROWID;"
	"CREATE INDEX step_claim ON step(target, due, saga, step, since) WHERE why IN (2, 3);"
	"CREATE INDEX step_lane ON step(target, lane, saga) WHERE lane IS NOT NULL;"
	"CREATE INDEX step_blocked ON step(target, saga, step, since) WHERE why IN (4, 5);"

	"CREATE TABLE target ("
	"  id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, paused INTEGER NOT NULL, held INTEGER NOT NULL,"
	"  held_reason TEXT NOT NULL, changed INTEGER NOT NULL);"

	/* personal, salt and personal_digest are NULL where there is no personal part; forgetting it sets
	 * personal and salt to NULL and leaves the digest, which is in the chain. */
	"CREATE TABLE log ("
	"  no INTEGER PRIMARY KEY, commit_no INTEGER NOT NULL, subject INTEGER NOT NULL,"
	"  subject_id INTEGER NOT NULL, at INTEGER NOT NULL, head BLOB NOT NULL, personal BLOB, salt BLOB,"
	"  personal_digest BLOB);"
	"CREATE INDEX log_saga ON log(subject_id) WHERE subject = 1;"

	"CREATE TABLE chain ("
	"  commit_no INTEGER PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL, at INTEGER NOT NULL,"
	"  digest BLOB NOT NULL);"

	"CREATE TABLE counters (id INTEGER PRIMARY KEY CHECK (id = 1), value BLOB NOT NULL);",

	/* 2: verbs in bulk as jobs. state 1 is running. */
	"CREATE TABLE job ("
	"  id INTEGER PRIMARY KEY, state INTEGER NOT NULL, verb TEXT NOT NULL, redo INTEGER NOT NULL,"
	"  filter TEXT NOT NULL, actor TEXT NOT NULL, note TEXT NOT NULL, rate INTEGER NOT NULL,"
	"  rate_ms INTEGER NOT NULL, created INTEGER NOT NULL, finished INTEGER NOT NULL, upto INTEGER NOT NULL,"
	"  position INTEGER NOT NULL, expected INTEGER NOT NULL, matched INTEGER NOT NULL, moved INTEGER NOT "
	"NULL,"
	"  steps INTEGER NOT NULL, in_doubt INTEGER NOT NULL, refused INTEGER NOT NULL,"
	"  passed_over INTEGER NOT NULL, held TEXT NOT NULL, error TEXT NOT NULL);"
	"CREATE INDEX job_running ON job(id) WHERE state = 1;",

	/* 3: requests refused as not verified, for a while. Numbers are never used again: one that was replayed or
	 * went is not confused with another. `wall` is what their time was judged by. Bytes of a source are kept,
	 * not counted by scan. */
	"CREATE TABLE refused ("
	"  id INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL, received INTEGER NOT NULL,"
	"  wall INTEGER NOT NULL, until INTEGER NOT NULL, bytes INTEGER NOT NULL, address TEXT NOT NULL,"
	"  url TEXT NOT NULL, headers BLOB NOT NULL, body BLOB NOT NULL);"
	"CREATE INDEX refused_source ON refused(source, id, bytes);"
	"CREATE INDEX refused_until ON refused(until);"
	"CREATE TABLE refused_total (source TEXT PRIMARY KEY, bytes INTEGER NOT NULL) WITHOUT ROWID;",

	/* 4: a target's breaker outlives the process. */
	"ALTER TABLE target ADD COLUMN breaker_away INTEGER NOT NULL DEFAULT 0;",
};

#define VERSION ((int64_t)(sizeof migrations / sizeof *migrations))

static int read_version(struct db *db, int64_t *ret_version, struct err *err)
{
	int64_t application = 0;
	int64_t tables = 0;
	int rc = db_int(db, "PRAGMA application_id", &application, err);
	if (rc == 0)
		rc = db_int(db, "PRAGMA user_version", ret_version, err);
	if (rc == 0)
		rc = db_int(db, "SELECT count(*) FROM sqlite_schema", &tables, err);
	if (rc != 0)
		return rc;
	if (application != APPLICATION_ID && (tables > 0 || *ret_version != 0))
		return err_set(err, ERR_CORRUPT,
					   "%s is an SQLite database, but not an almoner store; is store.url right?", db->path);
	if (*ret_version > VERSION)
		return err_set(err, ERR_REFUSED,
					   "store %s was written by a newer almoner (its schema is %lld, this one knows %lld): "
					   "run that version, or restore the backup made before the upgrade",
					   db->path, (long long)*ret_version, (long long)VERSION);
	return 0;
}

static int apply_migration(struct db *db, int64_t from, struct err *err)
{
	char stamp[96];
	(void)snprintf(stamp, sizeof stamp, "PRAGMA application_id = %d; PRAGMA user_version = %lld",
				   APPLICATION_ID, (long long)from + 1);
	int rc = db_exec(db, "migrating", "BEGIN IMMEDIATE", err);
	if (rc != 0)
		return rc;
	rc = db_exec(db, "migrating", migrations[from], err);
	if (rc == 0)
		rc = db_exec(db, "migrating", stamp, err);
	if (rc == 0)
		rc = db_exec(db, "migrating", "COMMIT", err);
	if (rc != 0 && !sqlite3_get_autocommit(db->handle))
		(void)sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL); /* the first error is the one to tell */
	return rc;
}

int migrate_recognise(struct db *db, struct err *err)
{
	int64_t version = 0;
	return read_version(db, &version, err);
}

int migrate(struct db *db, struct err *err)
{
	int64_t version = 0;
	int rc = read_version(db, &version, err);
	for (; rc == 0 && version < VERSION; version++)
		rc = apply_migration(db, version, err);
	return rc;
}

int migrate_check(struct db *db, struct err *err)
{
	int64_t version = 0;
	int rc = read_version(db, &version, err);
	if (rc == 0 && version < VERSION)
		return err_set(
			err, ERR_REFUSED,
			"store %s has the older schema %lld (this almoner reads %lld): start the daemon once, it "
			"migrates",
			db->path, (long long)version, (long long)VERSION);
	return rc;
}
