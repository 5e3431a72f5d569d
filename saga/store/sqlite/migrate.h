/* The schema of the SQLite store, as numbered migrations. PRAGMA user_version is the number of migrations
 * that were applied to the file. */
#ifndef ALMONER_SAGA_STORE_SQLITE_MIGRATE_H
#define ALMONER_SAGA_STORE_SQLITE_MIGRATE_H

#include "saga/store/sqlite/db.h"

/* Checks, without a change, that the file is empty or an almoner store of a known version. ERR_REFUSED: a
 * newer almoner wrote it. ERR_CORRUPT: another program's database, or no database. */
int migrate_recognise(struct db *db, struct err *err) MUST_CHECK;
/* Brings an empty or older file to the current schema, each migration in a transaction of its own. */
int migrate(struct db *db, struct err *err) MUST_CHECK;
/* For readers, which must not migrate: like migrate_recognise, but ERR_REFUSED also for an older file,
 * which a writer must open first. */
int migrate_check(struct db *db, struct err *err) MUST_CHECK;

#endif
