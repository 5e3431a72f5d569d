#include "connectors/kit/text.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "saga/base/buf.h"
#include "saga/base/mem.h"
#include "saga/base/utf8.h"

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

/* A kit_text is a struct buf with the limit of the kit, and with a failure that stops all later appends. Its
 * own struct keeps the headers of saga/base out of the installed headers. */
void kit_text_add(struct kit_text *t, const char *bytes, size_t len)
{
	assert(bytes != NULL || len == 0);
	if (t->failed)
		return;
	struct buf b = {
		.data = t->p, .len = t->len, .capacity = t->capacity, .limit_bytes = KIT_TEXT_BYTES_MAX
	};
	buf_add(&b, bytes, len);
	*t = (struct kit_text){ b.data, b.len, b.capacity, b.overflow };
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
	char *made AUTO_FREE = NULL;
	int len = vasprintf(&made, fmt, args);
	va_end(args);
	assert(len >= 0); /* vsnprintf gives less than 0 only without memory, or for a broken format */
	kit_text_add(t, made, (size_t)len);
}

void kit_text_trim(struct kit_text *t)
{
	while (t->len > 0 && t->p[t->len - 1] == ' ')
		t->p[--t->len] = '\0';
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
	assert(b != NULL);
	size_t len = strlen(b);
	return a.p != NULL && a.len == len && memcmp(a.p, b, len) == 0;
}

bool kit_text_same_nocase(struct almoner_text a, const char *b)
{
	assert(b != NULL);
	size_t len = strlen(b);
	return a.p != NULL && a.len == len && strncasecmp(a.p, b, len) == 0;
}

size_t kit_text_utf8_len(const char *p, size_t len)
{
	assert(p != NULL || len == 0);
	return utf8_length(p, len);
}
