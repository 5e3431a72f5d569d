/* A small file that is mapped and shared: what is written into it outlives the process (not the machine's
 * power), without a system call. Thread: any. */
#ifndef ALMONER_BASE_MAPPED_H
#define ALMONER_BASE_MAPPED_H

#include <stddef.h>

#include "saga/base/check.h"
#include "saga/base/err.h"

/* Makes the file when it is missing, mode 0600; a new or shorter one reads as zeros from where it ended. Its
 * room is allocated now, so that no later write fails for want of it. `what` names it in errors. ERR_IO. */
int mapped_open(const char *what, const char *path, size_t bytes, void **ret, struct err *err) MUST_CHECK;
void mapped_close(void *pages, size_t bytes);

#endif
