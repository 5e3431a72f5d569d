#include "config/locate.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "saga/base/mem.h"

struct json_cursor {
	const char *p;
	const char *end;
};

void locate_append(struct buf *pointer, const char *token)
{
	buf_byte(pointer, '/');
	for (; *token != '\0'; token++) {
		if (*token == '~')
			buf_text(pointer, "~0");
		else if (*token == '/')
			buf_text(pointer, "~1");
		else
			buf_byte(pointer, (uint8_t)*token);
	}
}

static void skip_space(struct json_cursor *w)
{
	while (w->p < w->end && strchr(" \t\r\n:,", *w->p) != NULL && *w->p != '\0')
		w->p++;
}

static void skip_string(struct json_cursor *w)
{
	for (w->p++; w->p < w->end && *w->p != '"'; w->p++) {
		if (*w->p == '\\')
			w->p++;
	}
	w->p++;
}

/* Skips one value of any kind. Without recursion, because a file may nest deeply. */
static void skip_value(struct json_cursor *w)
{
	size_t depth = 0;

	do {
		skip_space(w);
		if (w->p >= w->end)
			return;
		if (*w->p == '"') {
			skip_string(w);
			continue;
		}
		if (*w->p == '{' || *w->p == '[')
			depth++;
		else if (*w->p == '}' || *w->p == ']')
			depth--;
		else
			w->p += strcspn(w->p, " \t\r\n:,]}") - 1;
		w->p++;
	} while (depth > 0);
}

/* True if the string at the cursor is this key; moves the cursor behind the string. */
static bool key_is(struct json_cursor *w, const char *wanted)
{
	const char *start = w->p;
	json_t *key;
	bool equal;

	skip_string(w);
	if (w->p > w->end)
		return false;
	key = json_loadb(start, (size_t)(w->p - start), JSON_DECODE_ANY, NULL);
	equal = json_is_string(key) && strcmp(json_string_value(key), wanted) == 0;
	json_decref(key);
	return equal;
}

/* The cursor is at '{'. Moves it to the value of `key`; returns the position of the key, or NULL without
 * it. */
static const char *into_object(struct json_cursor *w, const char *key)
{
	w->p++;
	for (;;) {
		const char *at;

		skip_space(w);
		at = w->p;
		if (w->p >= w->end || *w->p != '"')
			return NULL;
		if (key_is(w, key))
			return at;
		skip_value(w);
	}
}

/* The cursor is at '['. Moves it to the element whose index is `token`; NULL without it. */
static const char *into_array(struct json_cursor *w, const char *token)
{
	unsigned long index = strtoul(token, NULL, 10);

	w->p++;
	for (;;) {
		skip_space(w);
		if (w->p >= w->end || *w->p == ']')
			return NULL;
		if (index-- == 0)
			return w->p;
		skip_value(w);
	}
}

/* The reference token at *pointer (which is behind a slash), unescaped and fresh. Moves *pointer to the
 * next slash or the end. */
static char *next_token(const char **pointer)
{
	size_t len = strcspn(*pointer, "/");
	char *token = mem_strndup(*pointer, len);
	char *to = token;

	for (const char *from = token; *from != '\0'; from++) {
		*to++ = *from;
		if (*from == '~' && (from[1] == '0' || from[1] == '1'))
			to[-1] = *++from == '0' ? '~' : '/';
	}
	*to = '\0';
	*pointer += len;
	return token;
}

static int line_at(struct str json, const char *at)
{
	int line = 1;

	for (const char *p = json.p; p < at; p++)
		line += *p == '\n';
	return line;
}

/* Stops at the deepest part of the pointer that exists: a missing option is reported at its section. */
int locate_line(struct str json, const char *pointer)
{
	struct json_cursor w = { json.p, json.p + json.len };
	const char *found;

	skip_space(&w);
	found = w.p;
	while (w.p < w.end && *pointer == '/') {
		const char *at = NULL;

		pointer++;
		{
			char *token AUTO_FREE = next_token(&pointer);

			skip_space(&w);
			if (w.p < w.end && *w.p == '{')
				at = into_object(&w, token);
			else if (w.p < w.end && *w.p == '[')
				at = into_array(&w, token);
		}
		if (at == NULL)
			break;
		found = at;
	}
	return json.len == 0 ? 0 : line_at(json, found);
}
