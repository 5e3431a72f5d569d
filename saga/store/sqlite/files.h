/* The files of a store on disk: syncing them, and their names as SQLite wants them.
 * Internal to saga/store/sqlite. */
#ifndef ALMONER_SAGA_STORE_SQLITE_FILES_H
#define ALMONER_SAGA_STORE_SQLITE_FILES_H

#include "saga/store/sqlite/db.h"

/* Syncs the main file of the connection through SQLite's own descriptor, because closing another descriptor
 * of the file would drop SQLite's locks. ERR_IO. */
int files_sync(struct db *db, struct err *err) MUST_CHECK;
/* Syncs the folder of `path`, so that names in it last. ERR_IO. */
int files_sync_folder(const char *path, struct err *err) MUST_CHECK;
/* "file:PATH?immutable=1" with the characters escaped that have a meaning in a URI; the caller's to free(). */
char *files_immutable_uri(const char *path);

#endif
