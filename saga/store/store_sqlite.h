/* SQLite behind the store port (DESIGN §4, §12): WAL, synchronous=FULL asserted, one writing connection. */
#ifndef ALMONER_STORE_SQLITE_H
#define ALMONER_STORE_SQLITE_H

#include "saga/store/store.h"

struct store_sqlite_options {
	const char *vfs; /* NULL: the default; tests bring a shim */
};

/* Opens or creates the file, takes the single-process lock (on a separate file PATH.lock that holds the
 * holder's pid and host; ERR_BUSY names the holder), migrates, checkpoints and syncs what a crash left,
 * asserts FULL. */
int store_sqlite_open(const char *path, const struct store_sqlite_options *options, struct store_writer *ret,
					  struct err *err) MUST_CHECK;
/* Read-only, never checkpoints on close; works with and without a daemon on the file. ERR_NOT_FOUND: no such
 * file. */
int store_sqlite_open_reader(const char *path, const struct store_sqlite_options *options,
							 struct store_reader *ret, struct err *err) MUST_CHECK;

#endif
