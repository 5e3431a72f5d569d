/* SQLite stores in a temporary folder, for the contract and for SQLite's own tests. */
#ifndef ALMONER_TESTS_UNIT_STORE_SQLITE_FACTORY_H
#define ALMONER_TESTS_UNIT_STORE_SQLITE_FACTORY_H

#include "saga/store/store_sqlite.h"
#include "tests/unit/store/contract.h"

struct sqlite_factory {
	char folder[64];
	char path[96];
	struct store_sqlite_options options;
};

void sqlite_factory_init(struct sqlite_factory *s);
void sqlite_factory_finish(struct sqlite_factory *s);
struct store_factory sqlite_factory_of(struct sqlite_factory *s);
/* Runs SQL on the file through a connection of its own. */
void sqlite_factory_sql(struct sqlite_factory *s, const char *sql);
/* The size of the store's file ("") or of the file with this ending ("-wal"); -1: no such file. */
int64_t sqlite_factory_size(const struct sqlite_factory *s, const char *suffix);

#endif
