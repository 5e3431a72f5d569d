/* The single-process lock: flock on a file of its own beside the store, because closing any descriptor of the
 * store itself would drop SQLite's own locks. The kernel releases it however the holder dies. */
#ifndef ALMONER_SAGA_STORE_LOCK_H
#define ALMONER_SAGA_STORE_LOCK_H

#include "saga/base/err.h"

struct store_lock {
	int fd; /* -1: none */
};

/* Takes PATH.lock for the writer and writes pid, host and time into it. A link is followed first. ERR_BUSY names the
 * holder; ERR_SYSTEM also for a store with hard links, whose other names a lock beside this one would not guard. */
int store_lock_take(const char *path, struct store_lock *ret, struct err *err) MUST_CHECK;
/* For a reader that must be sure that no daemon runs: shared. ERR_BUSY when one does; no lock file at all is
 * success with fd -1. */
int store_lock_share(const char *path, struct store_lock *ret, struct err *err) MUST_CHECK;
void store_lock_release(struct store_lock *lock);

#endif
