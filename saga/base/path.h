/* Files and folders. Thread: any. */
#ifndef ALMONER_BASE_PATH_H
#define ALMONER_BASE_PATH_H

#include "saga/base/err.h"

/* Makes the folders a file will lie in, mode 0750 less the umask; those that are there stay as they are. */
int path_make_parents(const char *path, struct err *err) MUST_CHECK;

#endif
