/* The lock that allows one daemon per store: flock on a file of its own beside the store. (Opening and
 * closing the store's own file a second time would drop SQLite's locks on it.) The kernel releases the
 * lock whenever its holder ends. */
#ifndef ALMONER_SAGA_STORE_LOCK_H
#define ALMONER_SAGA_STORE_LOCK_H

#include "saga/base/err.h"

/* After an upgrade the file of before is kept under the store's name with this suffix. For a moment it is a
 * second name (hard link) of the store: the one that the lock allows. */
#define STORE_KEPT_SUFFIX ".schema-4"

struct store_lock {
	int fd; /* -1: nothing is locked */
};

/* Locks PATH.lock exclusively for the writer and writes pid, host and time into it. When `path` is a
 * symbolic link, the lock file lies beside the file that the link leads to. ERR_BUSY names the holder.
 * ERR_SYSTEM also for a store with hard links: a daemon that opens another of its names would look for
 * another lock file. */
int store_lock_take(const char *path, struct store_lock *ret, struct err *err) MUST_CHECK;
/* Locks PATH.lock shared, for a reader that needs to keep daemons out while it reads. ERR_BUSY when a
 * daemon runs. Without a lock file no daemon ever ran here: success with fd -1. */
int store_lock_share(const char *path, struct store_lock *ret, struct err *err) MUST_CHECK;
void store_lock_release(struct store_lock *lock);

#endif
