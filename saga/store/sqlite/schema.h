/* The tables of the SQLite store, in one table: each with the SQL that creates it, and the function that
 * fills it from a store of schema 4. PRAGMA user_version of a file is its schema number. */
#ifndef ALMONER_SAGA_STORE_SQLITE_SCHEMA_H
#define ALMONER_SAGA_STORE_SQLITE_SCHEMA_H

#include "saga/store/sqlite/db.h"
#include "saga/store/sqlite/upgrade/copy.h"

#define SCHEMA_VERSION 5
/* "almn" in ASCII: distinguishes an almoner store from every other SQLite database. */
#define SCHEMA_APPLICATION_ID 0x616c6d6e

#define SCHEMA_TABLE_COUNT 14

struct schema_table {
	const char *name;
	const char *sql;                              /* CREATE TABLE, and CREATE INDEX for its indexes */
	int (*copy)(struct copy *c, struct err *err); /* from the attached store "old" of schema 4 */
};

/* In the order in which an upgrade fills them. */
extern const struct schema_table schema_tables[SCHEMA_TABLE_COUNT];

/* Creates every table in an empty file. Called inside a transaction. */
int schema_create(struct db *db, struct err *err) MUST_CHECK;
/* Writes application id and schema number `version` into the file. Called inside a transaction. */
int schema_stamp(struct db *db, int64_t version, struct err *err) MUST_CHECK;

#endif
