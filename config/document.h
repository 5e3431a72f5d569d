/* One JSON file of the configuration in memory. */
#ifndef ALMONER_CONFIG_DOCUMENT_H
#define ALMONER_CONFIG_DOCUMENT_H

#include <jansson.h>
#include <stddef.h>

#include "config/diagnostics.h"
#include "saga/base/buf.h"
#include "saga/base/check.h"
#include "saga/base/err.h"

/* The largest file that is read; chosen, no measurement: a thousand times the shipped example. */
#define DOCUMENT_BYTES_MAX ((size_t)4 * 1024 * 1024)

struct config_document {
	char *path;
	char *dir;       /* the folder of `path`: relative paths in the file start here */
	struct buf text; /* the text of the file, kept to find the lines of messages */
	json_t *root;    /* an object */
};

/* Appends the bytes of a regular file to `to`, up to the limit of `to`. ERR_NOT_FOUND, ERR_INVALID (no
 * regular file), ERR_TOO_BIG or ERR_IO; `to` may then hold a part of the file. */
int document_read_file(const char *path, struct buf *to, struct err *err) MUST_CHECK;
/* Reads and parses a file; `path` must not change its meaning later (it is copied). On failure a code is
 * returned, an error is added to `found`, and nothing needs closing. */
int document_open(const char *path, struct diagnostics *found, struct config_document *ret_doc) MUST_CHECK;
/* Wipes and frees; a literal secret may stand in the text. A zeroed document is accepted. */
void document_close(struct config_document *doc);

#endif
