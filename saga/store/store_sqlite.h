/* SQLite behind the store port: write-ahead log, synchronous=FULL read back, one writing connection. The
 * hazards behind these settings: saga/store/README.md "Hazards of SQLite". */
#ifndef ALMONER_STORE_SQLITE_H
#define ALMONER_STORE_SQLITE_H

#include "saga/store/store.h"

struct store_sqlite_options {
	const char
		*vfs; /* name of a registered SQLite VFS; NULL: the default. Tests use one that fails on purpose */
	/* Called by store_sqlite_open, on its thread, while an upgrade of the schema goes on: `line` says what is
	 * done, and is borrowed. At least every few seconds. NULL: nobody wants to know. */
	void (*progress)(void *progress_ctx, const char *line);
	void *progress_ctx;
};

/* Opens or creates the file for writing. Takes the lock that keeps a second daemon out (the file
 * PATH.lock, which holds pid and host of the daemon; ERR_BUSY names them), copies and syncs what a crash left in
 * the write-ahead log, brings a store of an older version to the present schema (the file of before is kept as
 * PATH.schema-4), and checks that the settings for durability took effect. ERR_FULL, ERR_REFUSED: there is no
 * room for that, and nothing was changed. `options` may be NULL. */
int store_sqlite_open(const char *path, const struct store_sqlite_options *options, struct store_writer *ret,
					  struct err *err) MUST_CHECK;
/* Opens the file read-only, with or without a daemon at work; never runs a checkpoint. ERR_NOT_FOUND: no such
 * file. `options` may be NULL. */
int store_sqlite_open_reader(const char *path, const struct store_sqlite_options *options,
							 struct store_reader *ret, struct err *err) MUST_CHECK;

#endif
