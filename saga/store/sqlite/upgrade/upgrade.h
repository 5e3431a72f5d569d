/* From schema 4 to schema 5: the store is copied, table by table, into a new file beside it (PATH.migrating),
 * which then takes its name. The old file stays as PATH.schema-4, unchanged. Whenever the process ends, PATH
 * is the whole old store or the whole new one. The caller holds the store's lock. */
#ifndef ALMONER_SAGA_STORE_SQLITE_UPGRADE_UPGRADE_H
#define ALMONER_SAGA_STORE_SQLITE_UPGRADE_UPGRADE_H

#include "saga/store/store_sqlite.h"

/* Removes what an upgrade left that did not come to its end: the file PATH.migrating, and PATH.schema-4 while
 * it is only a second name of the store. */
int upgrade_clean(const char *path, struct err *err) MUST_CHECK;
/* ERR_REFUSED when PATH.schema-4 exists, ERR_FULL when the disk has no room for a second store. Changes
 * nothing. */
int upgrade_check(const char *path, struct err *err) MUST_CHECK;
/* The store has schema 4, an empty write-ahead log, and no connection of this process. On error PATH is the
 * old store. */
int upgrade_run(const char *path, const struct store_sqlite_options *options, struct err *err) MUST_CHECK;

#endif
