#include "saga/store/sqlite/migrate.h"

#include "saga/store/sqlite/schema.h"

/* The migrations in place, applied in order. A released entry is never edited, and there is no new one: from
 * schema 4 on a store is copied into a new file (upgrade/upgrade.h). */
static const char *const migrations[] = {
	"CREATE TABLE plan ("
	"  id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, json TEXT NOT NULL);"

	"CREATE TABLE saga ("
	"  id INTEGER PRIMARY KEY, plan INTEGER NOT NULL, state INTEGER NOT NULL, live INTEGER NOT NULL,"
	"  created INTEGER NOT NULL, value BLOB NOT NULL);"
	/* Indexes open sagas (state < 4: not at rest) and sagas at rest that still have a call under way. */
	"CREATE INDEX saga_open ON saga(live, state) WHERE state < 4 OR live = 1;"

	/* The payload. Personal data is only here, in related, in refused and in log.personal. */
	"CREATE TABLE event ("
	"  saga INTEGER PRIMARY KEY, received INTEGER NOT NULL, salt BLOB NOT NULL, source TEXT NOT NULL,"
	"  event_id TEXT NOT NULL, type TEXT NOT NULL, gift TEXT NOT NULL, donor TEXT NOT NULL,"
	"  content_type TEXT NOT NULL, raw BLOB NOT NULL, canonical TEXT NOT NULL);"

	/* Keys are random, so inserting them one by one into a sorted table would rewrite one page for each
	 * event. New keys are appended to claim_new and moved into claim many at a time (keys.c). */
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

	/* Steps that wait on disk. why 2 and 3 (due, slot) are claimable, 4 and 5 (lane, after) are blocked.
	 * `since` is in both indexes so that the backlog by age is read from the indexes alone. */
	"CREATE TABLE step ("
	"  saga INTEGER NOT NULL, step INTEGER NOT NULL, target INTEGER NOT NULL, why INTEGER NOT NULL,"
	"  lane BLOB, due INTEGER NOT NULL, since INTEGER NOT NULL, PRIMARY KEY (saga, step)) WITHOUT ROWID;"
	"CREATE INDEX step_claim ON step(target, due, saga, step, since) WHERE why IN (2, 3);"
	"CREATE INDEX step_lane ON step(target, lane, saga) WHERE lane IS NOT NULL;"
	"CREATE INDEX step_blocked ON step(target, saga, step, since) WHERE why IN (4, 5);"

	"CREATE TABLE target ("
	"  id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, paused INTEGER NOT NULL, held INTEGER NOT NULL,"
	"  held_reason TEXT NOT NULL, changed INTEGER NOT NULL);"

	/* personal, salt and personal_digest are NULL when there is no personal part. Forgetting a personal
	 * part sets personal and salt to NULL and keeps the digest, because the chain covers the digest. */
	"CREATE TABLE log ("
	"  no INTEGER PRIMARY KEY, commit_no INTEGER NOT NULL, subject INTEGER NOT NULL,"
	"  subject_id INTEGER NOT NULL, at INTEGER NOT NULL, head BLOB NOT NULL, personal BLOB, salt BLOB,"
	"  personal_digest BLOB);"
	"CREATE INDEX log_saga ON log(subject_id) WHERE subject = 1;"

	"CREATE TABLE chain ("
	"  commit_no INTEGER PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL, at INTEGER NOT NULL,"
	"  digest BLOB NOT NULL);"

	"CREATE TABLE counters (id INTEGER PRIMARY KEY CHECK (id = 1), value BLOB NOT NULL);",

	/* 2: bulk operations as jobs. state 1 is running. */
	"CREATE TABLE job ("
	"  id INTEGER PRIMARY KEY, state INTEGER NOT NULL, verb TEXT NOT NULL, redo INTEGER NOT NULL,"
	"  filter TEXT NOT NULL, actor TEXT NOT NULL, note TEXT NOT NULL, rate INTEGER NOT NULL,"
	"  rate_ms INTEGER NOT NULL, created INTEGER NOT NULL, finished INTEGER NOT NULL, upto INTEGER NOT NULL,"
	"  position INTEGER NOT NULL, expected INTEGER NOT NULL, matched INTEGER NOT NULL, moved INTEGER NOT "
	"NULL,"
	"  steps INTEGER NOT NULL, in_doubt INTEGER NOT NULL, refused INTEGER NOT NULL,"
	"  passed_over INTEGER NOT NULL, held TEXT NOT NULL, error TEXT NOT NULL);"
	"CREATE INDEX job_running ON job(id) WHERE state = 1;",

	/* 3: rejected requests (not verified), kept for a limited time. AUTOINCREMENT: an id is never used
	 * again, so the id of a deleted request never names another request. `wall` is the wall clock at
	 * reception, which signed timestamps are compared with. refused_total keeps the bytes of each source,
	 * so that no scan counts them. */
	"CREATE TABLE refused ("
	"  id INTEGER PRIMARY KEY AUTOINCREMENT, source TEXT NOT NULL, received INTEGER NOT NULL,"
	"  wall INTEGER NOT NULL, until INTEGER NOT NULL, bytes INTEGER NOT NULL, address TEXT NOT NULL,"
	"  url TEXT NOT NULL, headers BLOB NOT NULL, body BLOB NOT NULL);"
	"CREATE INDEX refused_source ON refused(source, id, bytes);"
	"CREATE INDEX refused_until ON refused(until);"
	"CREATE TABLE refused_total (source TEXT PRIMARY KEY, bytes INTEGER NOT NULL) WITHOUT ROWID;",

	/* 4: remembers across restarts whether a target's breaker was closed. */
	"ALTER TABLE target ADD COLUMN breaker_away INTEGER NOT NULL DEFAULT 0;",
};

_Static_assert(sizeof migrations / sizeof *migrations == MIGRATE_COPIED_VERSION, "one entry a schema number");

/* Gives the schema version of the file; 0 for an empty file. An error for any other program's database and
 * for a version that this program does not know. */
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
	if (application != SCHEMA_APPLICATION_ID && (tables > 0 || *ret_version != 0))
		return err_set(err, ERR_CORRUPT,
					   "%s is an SQLite database, but not an almoner store; check store.url", db->path);
	if (*ret_version > SCHEMA_VERSION)
		return err_set(
			err, ERR_REFUSED,
			"store %s was written by a newer almoner (its schema version is %lld, this program knows up to "
			"%lld): run the newer version, or restore the backup made before the upgrade",
			db->path, (long long)*ret_version, (long long)SCHEMA_VERSION);
	return 0;
}

/* Runs `sql` (NULL: creates the tables of the present schema) and stamps the version in the same transaction:
 * a crash leaves the old version or the new one, never half a migration. */
static int apply(struct db *db, const char *sql, int64_t version, struct err *err)
{
	int rc = db_exec(db, "migrating", "BEGIN IMMEDIATE", err);
	if (rc != 0)
		return rc;
	rc = sql != NULL ? db_exec(db, "migrating", sql, err) : schema_create(db, err);
	if (rc == 0)
		rc = schema_stamp(db, version, err);
	if (rc == 0)
		rc = db_exec(db, "migrating", "COMMIT", err);
	if (rc != 0 && !sqlite3_get_autocommit(db->handle))
		(void)sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL); /* err reports the first error */
	return rc;
}

int migrate_recognise(struct db *db, int64_t *ret_version, struct err *err)
{
	return read_version(db, ret_version, err);
}

int migrate_in_place(struct db *db, int64_t *version, struct err *err)
{
	if (*version == 0) {
		int rc = apply(db, NULL, SCHEMA_VERSION, err);
		*version = rc == 0 ? SCHEMA_VERSION : 0;
		return rc;
	}
	int rc = 0;
	while (rc == 0 && *version < MIGRATE_COPIED_VERSION) {
		rc = apply(db, migrations[*version], *version + 1, err);
		*version += rc == 0;
	}
	return rc;
}

int migrate_check(struct db *db, struct err *err)
{
	int64_t version = 0;
	int rc = read_version(db, &version, err);
	if (rc == 0 && version < SCHEMA_VERSION)
		return err_set(
			err, ERR_REFUSED,
			"store %s has the older schema version %lld (this program reads %lld): start the daemon once, it "
			"migrates the store",
			db->path, (long long)version, (long long)SCHEMA_VERSION);
	return rc;
}
