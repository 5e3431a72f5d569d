#include "connectors/kit/escape.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* The replacement for one byte; NULL if the byte stands for itself. */
static const char *html_entity(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

/* `plain` is the start of the bytes that are still to be copied as they are. */
static void put_html(struct kit_text *t, const char *bytes, size_t len)
{
	size_t plain = 0;
	for (size_t i = 0; i < len; i++) {
		const char *entity = html_entity(bytes[i]);
		if (entity == NULL)
			continue;
		kit_text_add(t, bytes + plain, i - plain);
		kit_text_puts(t, entity);
		plain = i + 1;
	}
	kit_text_add(t, bytes + plain, len - plain);
}

static bool is_plain_json(unsigned char c)
{
	return c >= 0x20 && c != 0x7F && c != '"' && c != '\\';
}

static void put_json_char(struct kit_text *t, char c)
{
	/* each pair is a character and the letter of its short form */
	static const char names[] = "\"\"\\\\\nn\rr\tt\bb\ff";
	for (size_t i = 0; i < sizeof names - 1; i += 2) {
		if (names[i] == c) {
			const char escaped[2] = { '\\', names[i + 1] };
			kit_text_add(t, escaped, sizeof escaped);
			return;
		}
	}
	kit_text_printf(t, "\\u%04x", (unsigned char)c);
}

/* Runs of bytes that need no escape are copied in one piece: most values are one such run. */
static void put_json(struct kit_text *t, const char *bytes, size_t len)
{
	size_t plain = 0;
	for (size_t i = 0; i < len;) {
		size_t n = kit_text_utf8_len(bytes + i, len - i);
		if (n > 1 || (n == 1 && is_plain_json((unsigned char)bytes[i]))) {
			i += n;
			continue;
		}
		kit_text_add(t, bytes + plain, i - plain);
		if (n == 1)
			put_json_char(t, bytes[i]);
		else
			kit_text_puts(t, "\xEF\xBF\xBD");
		plain = ++i;
	}
	kit_text_add(t, bytes + plain, len - plain);
}

/* A run of control characters becomes one space, or nothing at the start: a line break in a value would begin
 * a header of its own. */
static void put_header(struct kit_text *t, const char *bytes, size_t len)
{
	bool pending = false;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)bytes[i];
		if (c < 0x20 || c == 0x7F) {
			pending = true;
			continue;
		}
		if (pending && t->len > 0)
			kit_text_putc(t, ' ');
		pending = false;
		kit_text_putc(t, bytes[i]);
	}
}

static bool is_unreserved(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
		   c == '.' || c == '_' || c == '~';
}

static void put_url(struct kit_text *t, const char *bytes, size_t len)
{
	static const char hex[] = "0123456789ABCDEF";
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)bytes[i];
		const char coded[3] = { '%', hex[c >> 4], hex[c & 15] };
		if (is_unreserved(bytes[i]))
			kit_text_putc(t, bytes[i]);
		else
			kit_text_add(t, coded, sizeof coded);
	}
}

void kit_escape_put(struct kit_text *t, enum kit_escape escape, const char *bytes, size_t len)
{
	assert((unsigned)escape <= KIT_ESCAPE_URL);
	assert(bytes != NULL || len == 0);
	static void (*const put[])(struct kit_text *, const char *, size_t) = {
		[KIT_ESCAPE_NONE] = kit_text_add, [KIT_ESCAPE_HTML] = put_html, [KIT_ESCAPE_JSON] = put_json,
		[KIT_ESCAPE_HEADER] = put_header, [KIT_ESCAPE_URL] = put_url,
	};
	if (len > 0)
		put[escape](t, bytes, len);
}

void kit_escape_json_string(struct kit_text *t, const char *bytes, size_t len)
{
	assert(bytes != NULL || len == 0);
	kit_text_putc(t, '"');
	kit_escape_put(t, KIT_ESCAPE_JSON, bytes, len);
	kit_text_putc(t, '"');
}

void kit_escape_json_member(struct kit_text *t, const char *name, const char *value)
{
	assert(name != NULL && value != NULL);
	kit_escape_json_string(t, name, strlen(name));
	kit_text_putc(t, ':');
	kit_escape_json_string(t, value, strlen(value));
}
