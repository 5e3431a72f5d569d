#include "config/document.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "saga/base/mem.h"

static int read_all(int fd, const char *path, struct buf *to, struct err *err)
{
	char chunk[16384];

	for (;;) {
		ssize_t got = read(fd, chunk, sizeof(chunk));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set(err, ERR_IO, "%s cannot be read: %s", path, strerror(errno));
		if (got == 0)
			return 0;
		buf_add(to, chunk, (size_t)got);
		if (to->overflow)
			return err_set(err, ERR_TOO_BIG,
						   "%s is larger than %zu bytes, which is the most that almoner reads", path,
						   to->limit_bytes);
	}
}

/* Only regular files: reading a device or a pipe might never end. */
int document_read_file(const char *path, struct buf *to, struct err *err)
{
	struct stat st;
	int code;
	/* Without O_NONBLOCK a named pipe would hold the start up for ever. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return err_set(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%s cannot be opened: %s", path,
					   strerror(errno));
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		code = err_set(err, ERR_INVALID, "%s is not a regular file", path);
	else
		code = read_all(fd, path, to, err);
	(void)close(fd);
	return code;
}

/* A key that occurs twice is an error, because jansson would silently keep the last value. */
static int document_parse(struct config_document *doc, struct diagnostics *found)
{
	json_error_t error;
	struct str text = buf_str(&doc->text);

	doc->root = json_loadb(text.p == NULL ? "" : text.p, text.len, JSON_REJECT_DUPLICATES, &error);
	if (doc->root == NULL) {
		char message[JSON_ERROR_TEXT_LENGTH + 64];

		snprintf(message, sizeof(message), "not valid JSON, column %d: %s", error.column, error.text);
		diagnostics_add(found, DIAG_ERROR, doc->path, error.line, "", message, NULL);
		return ERR_INVALID;
	}
	if (!json_is_object(doc->root)) {
		diagnostics_add(found, DIAG_ERROR, doc->path, 1, "", "the file must hold one JSON object", NULL);
		return ERR_INVALID;
	}
	return 0;
}

/* On failure everything is closed again; the error is in `found`. */
int document_open(const char *path, struct diagnostics *found, struct config_document *ret_doc)
{
	const char *slash = strrchr(path, '/');
	struct err err = { 0 };
	int code;

	*ret_doc = (struct config_document){
		.path = mem_strdup(path),
		.dir = slash == NULL ? mem_strdup(".") : mem_strndup(path, (size_t)(slash - path) + (slash == path)),
	};
	buf_init(&ret_doc->text, DOCUMENT_BYTES_MAX);
	code = document_read_file(path, &ret_doc->text, &err);
	if (code != 0)
		diagnostics_add(found, DIAG_ERROR, path, 0, "", err.text, NULL);
	else
		code = document_parse(ret_doc, found);
	if (code != 0)
		document_close(ret_doc);
	return code;
}

void document_close(struct config_document *doc)
{
	free(doc->path);
	free(doc->dir);
	/* A literal secret may stand in it. */
	if (doc->text.data != NULL)
		explicit_bzero(doc->text.data, doc->text.len);
	buf_free(&doc->text);
	json_decref(doc->root);
	*doc = (struct config_document){ 0 };
}
