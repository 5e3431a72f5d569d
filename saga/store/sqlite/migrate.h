/* The schema number of a file (PRAGMA user_version), and migrations that change a file in place. */
#ifndef ALMONER_SAGA_STORE_SQLITE_MIGRATE_H
#define ALMONER_SAGA_STORE_SQLITE_MIGRATE_H

#include "saga/store/sqlite/db.h"

/* Older stores are migrated in place to this version; from it on a store is copied (upgrade/upgrade.h). */
#define MIGRATE_COPIED_VERSION 4

/* Checks, without a change, that the file is empty (*ret_version 0) or an almoner store of a known version.
 * ERR_REFUSED: a newer almoner wrote it. ERR_CORRUPT: another program's database, or no database. */
int migrate_recognise(struct db *db, int64_t *ret_version, struct err *err) MUST_CHECK;
/* Creates the present tables in an empty file; brings an older file to MIGRATE_COPIED_VERSION, each migration
 * in a transaction of its own. *version is the file's version, before and after. */
int migrate_in_place(struct db *db, int64_t *version, struct err *err) MUST_CHECK;
/* For readers, which must not migrate: like migrate_recognise, but ERR_REFUSED also for an older file,
 * which a writer must open first. */
int migrate_check(struct db *db, struct err *err) MUST_CHECK;

#endif
