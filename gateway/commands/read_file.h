/* Reads a whole file, or standard input if the path is "-". */
#ifndef ALMONER_GATEWAY_COMMANDS_READ_FILE_H
#define ALMONER_GATEWAY_COMMANDS_READ_FILE_H

#include "saga/base/buf.h"
#include "saga/base/err.h"

/* Appends to `out`. ERR_TOO_BIG: longer than `cap_bytes`; ERR_NOT_FOUND; ERR_IO. After an error `out` may
 * hold a part. */
int read_file(const char *path, size_t cap_bytes, struct buf *out, struct err *err) MUST_CHECK;

#endif
