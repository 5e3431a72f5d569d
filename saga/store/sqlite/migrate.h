/* Numbered migrations of the SQLite store: PRAGMA user_version says how many have been applied. */
#ifndef ALMONER_SAGA_STORE_SQLITE_MIGRATE_H
#define ALMONER_SAGA_STORE_SQLITE_MIGRATE_H

#include "saga/store/sqlite/db.h"

/* Is it ours (or empty), and not newer? Changes nothing. ERR_REFUSED: made by a newer almoner; ERR_CORRUPT:
 * another program's database, or none. */
int migrate_recognise(struct db *db, struct err *err) MUST_CHECK;
/* Brings an empty or older file up to date, each migration in its own transaction. */
int migrate(struct db *db, struct err *err) MUST_CHECK;
/* For readers, which change nothing: ERR_REFUSED also when the file is older (a writer must open it first).
 */
int migrate_check(struct db *db, struct err *err) MUST_CHECK;

#endif
