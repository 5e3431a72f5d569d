/* Folders for a file that is about to be created. Thread: any. */
#ifndef ALMONER_BASE_PATH_H
#define ALMONER_BASE_PATH_H

#include "saga/base/err.h"

/* Creates the folders in which the file `path` will be, with mode 0750 less the umask. Existing folders are
 * not changed. ERR_SYSTEM. */
int path_make_parents(const char *path, struct err *err) MUST_CHECK;

#endif
