#include "connectors/kit/text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void kit_text_free(struct kit_text *t)
{
	free(t->p);
	*t = (struct kit_text){ 0 };
}

void kit_text_clear(struct kit_text *t)
{
	t->len = 0;
	t->failed = false;
	if (t->p != NULL)
		t->p[0] = '\0';
}

static bool reserve(struct kit_text *t, size_t more)
{
	if (t->failed || more > KIT_TEXT_BYTES_MAX || t->len > KIT_TEXT_BYTES_MAX - more) {
		t->failed = true;
		return false;
	}
	size_t need = t->len + more + 1;
	if (need <= t->cap)
		return true;
	size_t cap = t->cap < 128 ? 128 : t->cap * 2;
	if (cap < need)
		cap = need;
	char *p = realloc(t->p, cap);
	if (p == NULL) {
		t->failed = true;
		return false;
	}
	t->p = p;
	t->cap = cap;
	return true;
}

void kit_text_add(struct kit_text *t, const char *bytes, size_t len)
{
	if (!reserve(t, len))
		return;
	if (len > 0)
		memcpy(t->p + t->len, bytes, len);
	t->len += len;
	t->p[t->len] = '\0';
}

void kit_text_puts(struct kit_text *t, const char *chars)
{
	kit_text_add(t, chars, strlen(chars));
}

void kit_text_putc(struct kit_text *t, char c)
{
	kit_text_add(t, &c, 1);
}

void kit_text_put(struct kit_text *t, struct almoner_text other)
{
	kit_text_add(t, other.p, other.p != NULL ? other.len : 0);
}

void kit_text_printf(struct kit_text *t, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	char *made = NULL;
	int len = vasprintf(&made, fmt, args);
	va_end(args);
	if (len < 0) {
		t->failed = true;
		return;
	}
	kit_text_add(t, made, (size_t)len);
	free(made);
}

struct almoner_text kit_text_view(const struct kit_text *t)
{
	return (struct almoner_text){ t->p != NULL ? t->p : "", t->len };
}

struct almoner_text kit_text_lit(const char *chars)
{
	return (struct almoner_text){ chars, chars != NULL ? strlen(chars) : 0 };
}

bool kit_text_same(struct almoner_text a, const char *b)
{
	size_t len = strlen(b);
	return a.p != NULL && a.len == len && memcmp(a.p, b, len) == 0;
}

bool kit_text_same_nocase(struct almoner_text a, const char *b)
{
	size_t len = strlen(b);
	return a.p != NULL && a.len == len && strncasecmp(a.p, b, len) == 0;
}

static bool continues(const char *p, size_t count)
{
	for (size_t i = 1; i <= count; i++)
		if (((unsigned char)p[i] & 0xC0) != 0x80)
			return false;
	return true;
}

/* The code point of a well-formed sequence of `len` bytes, to find overlong forms and surrogates. */
static uint32_t decode(const char *p, size_t len)
{
	static const unsigned char first_mask[] = { 0, 0x7F, 0x1F, 0x0F, 0x07 };
	uint32_t code = (unsigned char)p[0] & first_mask[len];
	for (size_t i = 1; i < len; i++)
		code = (code << 6) | ((unsigned char)p[i] & 0x3F);
	return code;
}

size_t kit_text_utf8_len(const char *p, size_t len)
{
	if (len == 0)
		return 0;
	unsigned char c = (unsigned char)p[0];
	if (c < 0x80)
		return 1;
	size_t need = c >= 0xF0 && c <= 0xF4 ? 4 : c >= 0xE0 ? 3 : c >= 0xC2 ? 2 : 0;
	if (need == 0 || c > 0xF4 || len < need || !continues(p, need - 1))
		return 0;
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint32_t code = decode(p, need);
	bool surrogate = code >= 0xD800 && code <= 0xDFFF;
	return code < least[need] || code > 0x10FFFF || surrogate ? 0 : need;
}

static void escape_html(struct kit_text *t, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		switch (bytes[i]) {
		case '&':
			kit_text_puts(t, "&amp;");
			break;
		case '<':
			kit_text_puts(t, "&lt;");
			break;
		case '>':
			kit_text_puts(t, "&gt;");
			break;
		case '"':
			kit_text_puts(t, "&quot;");
			break;
		case '\'':
			kit_text_puts(t, "&#39;");
			break;
		default:
			kit_text_putc(t, bytes[i]);
		}
	}
}

static void escape_json_char(struct kit_text *t, unsigned char c)
{
	static const char short_form[][2] = { { '"', '"' },  { '\\', '\\' }, { '\n', 'n' }, { '\r', 'r' },
										  { '\t', 't' }, { '\b', 'b' },  { '\f', 'f' } };
	for (size_t i = 0; i < sizeof short_form / sizeof *short_form; i++) {
		if ((unsigned char)short_form[i][0] == c) {
			kit_text_putc(t, '\\');
			kit_text_putc(t, short_form[i][1]);
			return;
		}
	}
	if (c < 0x20 || c == 0x7F)
		kit_text_printf(t, "\\u%04x", c);
	else
		kit_text_putc(t, (char)c);
}

static void escape_json(struct kit_text *t, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len;) {
		size_t n = kit_text_utf8_len(bytes + i, len - i);
		if (n == 1)
			escape_json_char(t, (unsigned char)bytes[i]);
		else if (n == 0)
			kit_text_puts(t, "\xEF\xBF\xBD");
		else
			kit_text_add(t, bytes + i, n);
		i += n == 0 ? 1 : n;
	}
}

static void escape_header(struct kit_text *t, const char *bytes, size_t len)
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
		kit_text_putc(t, (char)c);
	}
}

static bool unreserved(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
		   c == '.' || c == '_' || c == '~';
}

static void escape_url(struct kit_text *t, const char *bytes, size_t len)
{
	static const char hex[] = "0123456789ABCDEF";
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)bytes[i];
		if (unreserved(bytes[i])) {
			kit_text_putc(t, bytes[i]);
			continue;
		}
		const char coded[3] = { '%', hex[c >> 4], hex[c & 15] };
		kit_text_add(t, coded, sizeof coded);
	}
}

void kit_text_escape(struct kit_text *t, enum kit_escape escape, const char *bytes, size_t len)
{
	switch (escape) {
	case KIT_ESCAPE_NONE:
		kit_text_add(t, bytes, len);
		break;
	case KIT_ESCAPE_HTML:
		escape_html(t, bytes, len);
		break;
	case KIT_ESCAPE_JSON:
		escape_json(t, bytes, len);
		break;
	case KIT_ESCAPE_HEADER:
		escape_header(t, bytes, len);
		break;
	case KIT_ESCAPE_URL:
		escape_url(t, bytes, len);
		break;
	}
}

void kit_text_json_string(struct kit_text *t, const char *bytes, size_t len)
{
	kit_text_putc(t, '"');
	escape_json(t, bytes, len);
	kit_text_putc(t, '"');
}
