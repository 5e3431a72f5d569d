/* A whole file, or standard input ("-"), with a cap. */
#ifndef ALMONER_GATEWAY_COMMANDS_READ_FILE_H
#define ALMONER_GATEWAY_COMMANDS_READ_FILE_H

#include "saga/base/buf.h"
#include "saga/base/err.h"

/* ERR_NOT_FOUND, ERR_TOO_BIG, ERR_IO. */
int read_file(const char *path, size_t cap_bytes, struct buf *out, struct err *err) MUST_CHECK;

#endif
