/* A small file in shared memory. What a thread writes into it survives the death of the process, without a
 * system call for each write; it does not survive a loss of power. Thread: any. */
#ifndef ALMONER_BASE_MAPPED_H
#define ALMONER_BASE_MAPPED_H

#include <stddef.h>

#include "saga/base/check.h"
#include "saga/base/err.h"

/* Opens the file, mode 0600, and creates it if it is missing; bytes that a new or short file lacks read as
 * zeros. Its disk space is allocated now, so that a later write cannot fail for lack of space. `what` names
 * the file in errors. ERR_IO. */
int mapped_open(const char *what, const char *path, size_t bytes, void **ret, struct err *err) MUST_CHECK;
/* Ends the mapping; the file stays. */
void mapped_close(void *pages, size_t bytes);

#endif
