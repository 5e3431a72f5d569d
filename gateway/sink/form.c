/* Texts: searching, and query strings and forms (application/x-www-form-urlencoded). */
#include <string.h>
#include <strings.h>

#include "gateway/sink/sink.h"

const char *sink_find_text(struct str in, const char *text)
{
	return in.p != NULL ? memmem(in.p, in.len, text, strlen(text)) : NULL;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static void decode(struct str text, struct buf *to)
{
	buf_clear(to);
	buf_text(to, "");
	for (size_t i = 0; i < text.len; i++) {
		char c = text.p[i];
		if (c == '+') {
			c = ' ';
		} else if (c == '%' && i + 2 < text.len && hex_digit(text.p[i + 1]) >= 0 &&
				   hex_digit(text.p[i + 2]) >= 0) {
			c = (char)(hex_digit(text.p[i + 1]) * 16 + hex_digit(text.p[i + 2]));
			i += 2;
		}
		buf_add(to, &c, 1);
	}
}

bool sink_form_field(struct str form, const char *name, struct buf *value)
{
	size_t name_len = strlen(name);
	const char *p = form.p;
	const char *end = form.p + form.len;
	while (p < end) {
		const char *stop = memchr(p, '&', (size_t)(end - p));
		if (stop == NULL)
			stop = end;
		if ((size_t)(stop - p) > name_len && p[name_len] == '=' && memcmp(p, name, name_len) == 0) {
			decode((struct str){ .p = p + name_len + 1, .len = (size_t)(stop - p) - name_len - 1 }, value);
			return true;
		}
		p = stop + 1;
	}
	return false;
}

struct str sink_header(struct str headers, const char *name)
{
	size_t name_len = strlen(name);
	const char *p = headers.p;
	const char *end = headers.p + headers.len;
	while (p < end) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));
		if (stop == NULL)
			break;
		if ((size_t)(stop - p) > name_len && p[name_len] == ':' && strncasecmp(p, name, name_len) == 0) {
			const char *value = p + name_len + 1;
			while (value < stop && *value == ' ')
				value++;
			const char *last = stop > value && stop[-1] == '\r' ? stop - 1 : stop;
			return (struct str){ .p = value, .len = (size_t)(last - value) };
		}
		p = stop + 1;
	}
	return (struct str){ .p = "", .len = 0 };
}
