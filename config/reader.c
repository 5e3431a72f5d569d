#include "config/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/locate.h"
#include "saga/base/mem.h"

#define MESSAGE_BYTES 1024

static void add_diagnostic(struct config_reader *r, enum diag_severity severity, const char *expected,
						   const char *message)
{
	const char *pointer = r->pointer.data == NULL ? "" : r->pointer.data;
	int line = 0;

	/* Finding a line walks the whole text: not for complaints that are no longer kept. */
	if (!r->found->cut_short)
		line = locate_line(buf_str(&r->doc->text), pointer);
	diagnostics_add(r->found, severity, r->doc->path, line, pointer, message, expected);
}

void reader_error(struct config_reader *r, const char *expected, const char *fmt, ...)
{
	char message[MESSAGE_BYTES];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	add_diagnostic(r, DIAG_ERROR, expected, message);
}

void reader_warn(struct config_reader *r, const char *expected, const char *fmt, ...)
{
	char message[MESSAGE_BYTES];
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	add_diagnostic(r, DIAG_WARNING, expected, message);
}

size_t reader_enter(struct config_reader *r, const char *key)
{
	size_t mark = r->pointer.len;

	locate_append(&r->pointer, key);
	return mark;
}

size_t reader_enter_index(struct config_reader *r, size_t index)
{
	size_t mark = r->pointer.len;

	buf_printf(&r->pointer, "/%zu", index);
	return mark;
}

void reader_leave(struct config_reader *r, size_t mark)
{
	assert(mark <= r->pointer.len);
	r->pointer.len = mark;
	if (r->pointer.data != NULL)
		r->pointer.data[mark] = '\0';
}

/* ---- files ---- */

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
			return err_set(err, ERR_TOO_BIG, "%s is larger than %zu bytes", path, to->limit_bytes);
	}
}

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

static int document_parse(struct config_document *doc, struct diagnostics *found)
{
	json_error_t error;
	struct str text = buf_str(&doc->text);

	doc->root = json_loadb(text.p == NULL ? "" : text.p, text.len, JSON_REJECT_DUPLICATES, &error);
	if (doc->root == NULL) {
		char message[JSON_ERROR_TEXT_LENGTH + 64];

		(void)snprintf(message, sizeof(message), "not valid JSON, column %d: %s", error.column, error.text);
		diagnostics_add(found, DIAG_ERROR, doc->path, error.line, "", message, NULL);
		return ERR_INVALID;
	}
	if (!json_is_object(doc->root)) {
		diagnostics_add(found, DIAG_ERROR, doc->path, 1, "", "the file must hold one JSON object", NULL);
		return ERR_INVALID;
	}
	return 0;
}

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

char *reader_resolve_path(const char *dir, const char *path)
{
	if (path[0] == '/' || strcmp(dir, ".") == 0)
		return mem_strdup(path);
	return mem_printf("%s%s%s", dir, strcmp(dir, "/") == 0 ? "" : "/", path);
}

void reader_note_file(struct config_reader *r, const char *path)
{
	if (!config_list_has(&r->config->files, path))
		config_list_add(&r->config->files, path);
}

/* ---- small things ---- */

bool reader_is_comment(const char *key)
{
	return strcmp(key, "$comment") == 0 || strcmp(key, "$schema") == 0;
}

void reader_clip(const char *text, char out[READER_CLIP_BYTES])
{
	size_t len = strlen(text);
	size_t keep = len < READER_CLIP_BYTES - 4 ? len : READER_CLIP_BYTES - 4;

	/* Never in the middle of a character. */
	while (keep < len && keep > 0 && ((unsigned char)text[keep] & 0xC0) == 0x80)
		keep--;
	(void)snprintf(out, READER_CLIP_BYTES, "%.*s%s", (int)keep, text, keep < len ? "…" : "");
}

const char *reader_kind_of(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "an array";
	case JSON_STRING:
		return "a string";
	case JSON_INTEGER:
	case JSON_REAL:
		return "a number";
	case JSON_TRUE:
	case JSON_FALSE:
		return "true or false";
	case JSON_NULL:
	default:
		return "null";
	}
}

bool reader_check_name(struct config_reader *r, const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
	size_t len = strlen(name);
	char clipped[READER_CLIP_BYTES];

	if (len >= 1 && len <= 64 && strspn(name, allowed) == len && strchr("-_.", name[0]) == NULL)
		return true;
	reader_clip(name, clipped);
	reader_error(r, "1 to 64 letters, digits, \"-\", \"_\" or \".\", the first a letter or digit",
				 "\"%s\" cannot be a name", clipped);
	return false;
}
