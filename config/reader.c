#include "config/reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "config/locate.h"
#include "saga/base/mem.h"

#define MESSAGE_BYTES 1024

static void add_diagnostic(struct config_reader *r, enum diag_severity severity, const char *expected,
						   const char *message)
{
	const char *pointer = r->pointer.data == NULL ? "" : r->pointer.data;
	int line = 0;

	/* Finding a line scans the whole text, so it is not done for messages that are no longer kept. */
	if (!r->found->cut_short)
		line = locate_line(buf_str(&r->doc->text), pointer);
	diagnostics_add(r->found, severity, r->doc->path, line, pointer, message, expected);
}

void reader_error(struct config_reader *r, const char *expected, const char *fmt, ...)
{
	char message[MESSAGE_BYTES];
	va_list args;

	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	add_diagnostic(r, DIAG_ERROR, expected, message);
}

void reader_warn(struct config_reader *r, const char *expected, const char *fmt, ...)
{
	char message[MESSAGE_BYTES];
	va_list args;

	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
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

/* ---- helpers of messages and names ---- */

bool reader_is_comment(const char *key)
{
	return strcmp(key, "$comment") == 0 || strcmp(key, "$schema") == 0;
}

void reader_clip(const char *text, char out[READER_CLIP_BYTES])
{
	size_t len = strlen(text);
	size_t keep = len < READER_CLIP_BYTES - 4 ? len : READER_CLIP_BYTES - 4;

	/* never within a UTF-8 character */
	while (keep < len && keep > 0 && ((unsigned char)text[keep] & 0xC0) == 0x80)
		keep--;
	snprintf(out, READER_CLIP_BYTES, "%.*s%s", (int)keep, text, keep < len ? "…" : "");
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
	reader_error(r, "1 to 64 letters, digits, \"-\", \"_\" or \".\", beginning with a letter or digit",
				 "\"%s\" is not allowed as a name", clipped);
	return false;
}
