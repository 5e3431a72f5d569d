#include "saga/base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "saga/base/mem.h"

void buf_init(struct buf *b, size_t limit_bytes)
{
	*b = (struct buf){ .limit_bytes = limit_bytes };
}

void buf_free(struct buf *b)
{
	free(b->data);
	*b = (struct buf){ .limit_bytes = b->limit_bytes };
}

void buf_clear(struct buf *b)
{
	b->len = 0;
	b->overflow = false;
	if (b->data != NULL)
		b->data[0] = '\0';
}

char *buf_take(struct buf *b)
{
	char *data = b->data != NULL ? b->data : mem_strdup("");
	*b = (struct buf){ .limit_bytes = b->limit_bytes };
	return data;
}

struct str buf_str(const struct buf *b)
{
	return (struct str){ b->data != NULL ? b->data : "", b->len };
}

/* Makes space for `more` bytes and a NUL. Grows by half, so that appending stays cheap without doubling the
 * memory of large buffers. */
static bool buf_reserve(struct buf *b, size_t more)
{
	if (b->limit_bytes != 0 && (more > b->limit_bytes || b->len > b->limit_bytes - more)) {
		b->overflow = true;
		return false;
	}
	size_t need = b->len + more + 1;
	if (need > b->capacity) {
		size_t capacity = b->capacity < 64 ? 64 : b->capacity;
		while (capacity < need)
			capacity += capacity / 2;
		b->data = mem_grow(b->data, capacity);
		b->capacity = capacity;
	}
	return true;
}

void buf_add(struct buf *b, const void *bytes, size_t len)
{
	if (!buf_reserve(b, len))
		return;
	if (len > 0)
		memcpy(b->data + b->len, bytes, len);
	b->len += len;
	b->data[b->len] = '\0';
}

void buf_text(struct buf *b, const char *text)
{
	buf_add(b, text, strlen(text));
}

void buf_byte(struct buf *b, uint8_t byte)
{
	buf_add(b, &byte, 1);
}

/* Formats twice: the first pass only measures, so that the limit is checked before anything is written. */
void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	va_list args_copy;
	va_copy(args_copy, args);
	int len = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (len > 0 && buf_reserve(b, (size_t)len)) {
		vsnprintf(b->data + b->len, (size_t)len + 1, fmt, args_copy);
		b->len += (size_t)len;
	}
	va_end(args_copy);
}

void buf_uint(struct buf *b, uint64_t value)
{
	uint8_t out[10];
	size_t n = 0;
	while (value >= 0x80) {
		out[n++] = (uint8_t)(value | 0x80);
		value >>= 7;
	}
	out[n++] = (uint8_t)value;
	buf_add(b, out, n);
}

void buf_int(struct buf *b, int64_t value)
{
	buf_uint(b, ((uint64_t)value << 1) ^ (value < 0 ? UINT64_MAX : 0));
}

void buf_bytes(struct buf *b, const void *bytes, size_t len)
{
	buf_uint(b, len);
	buf_add(b, bytes, len);
}

void buf_string(struct buf *b, const char *text)
{
	struct str s = str_of(text);
	buf_bytes(b, s.p, s.len);
}
