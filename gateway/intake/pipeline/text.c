#include "gateway/intake/pipeline/text.h"

#include <string.h>

#include "gateway/expr/number.h"

/* The two-character escapes that RFC 8259 has for common characters; NULL: none. */
static const char *short_escape(unsigned char c)
{
	switch (c) {
	case '"':
		return "\\\"";
	case '\\':
		return "\\\\";
	case '\n':
		return "\\n";
	case '\r':
		return "\\r";
	case '\t':
		return "\\t";
	default:
		return NULL;
	}
}

/* Appends a JSON string. Characters that need no escape are copied in runs and not one by one. */
static void add_string(const char *text, size_t len, struct buf *to)
{
	size_t from = 0;
	buf_byte(to, '"');
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		buf_add(to, text + from, i - from);
		from = i + 1;
		const char *escape = short_escape(c);
		if (escape != NULL)
			buf_text(to, escape);
		else
			buf_printf(to, "\\u%04x", c);
	}
	buf_add(to, text + from, len - from);
	buf_byte(to, '"');
}

static void add_object(const json_t *object, struct buf *to)
{
	/* jansson's iterator takes no const object, but changes nothing. */
	json_t *walked = (json_t *)(uintptr_t)object;
	const char *comma = "{";
	for (void *it = json_object_iter(walked); it != NULL; it = json_object_iter_next(walked, it)) {
		const char *name = json_object_iter_key(it);
		buf_text(to, comma);
		add_string(name, strlen(name), to);
		buf_byte(to, ':');
		text_json(json_object_iter_value(it), to);
		comma = ",";
	}
	buf_text(to, *comma == '{' ? "{}" : "}");
}

static void add_array(const json_t *array, struct buf *to)
{
	size_t count = json_array_size(array);
	buf_byte(to, '[');
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			buf_byte(to, ',');
		text_json(json_array_get(array, i), to);
	}
	buf_byte(to, ']');
}

/* A value of an unknown kind, which jansson does not produce, becomes null. */
void text_json(const json_t *value, struct buf *to)
{
	assert(value != NULL);
	char number[NUMBER_TEXT_BYTES];
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		add_object(value, to);
		break;
	case JSON_ARRAY:
		add_array(value, to);
		break;
	case JSON_STRING:
		add_string(json_string_value(value), json_string_length(value), to);
		break;
	case JSON_INTEGER:
		buf_printf(to, "%lld", (long long)json_integer_value(value));
		break;
	case JSON_REAL:
		number_shortest(json_real_value(value), number);
		buf_text(to, number);
		break;
	case JSON_TRUE:
		buf_text(to, "true");
		break;
	case JSON_FALSE:
		buf_text(to, "false");
		break;
	case JSON_NULL:
	default:
		buf_text(to, "null");
		break;
	}
}
