#include "saga/base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *or_abort(void *p)
{
	if (p == NULL) {
		fputs("almoner: out of memory, stopping; everything acknowledged is on disk\n", stderr);
		abort();
	}
	return p;
}

void *mem_alloc(size_t bytes)
{
	return or_abort(malloc(bytes ? bytes : 1));
}

void *mem_zalloc(size_t bytes)
{
	return or_abort(calloc(1, bytes ? bytes : 1));
}

void *mem_grow(void *old, size_t bytes)
{
	return or_abort(realloc(old, bytes ? bytes : 1));
}

void *mem_grow_array(void *old, size_t count, size_t item_bytes)
{
	size_t bytes;
	if (__builtin_mul_overflow(count, item_bytes, &bytes))
		or_abort(NULL);
	return mem_grow(old, bytes);
}

char *mem_strdup(const char *text)
{
	return mem_strndup(text, strlen(text));
}

char *mem_strndup(const char *text, size_t len)
{
	char *copy = mem_alloc(len + 1);
	if (len > 0)
		memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}

char *mem_printf(const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	char *text = NULL;
	int len = vasprintf(&text, fmt, args);
	va_end(args);
	return or_abort(len < 0 ? NULL : text);
}

void mem_set_text(char **slot, const char *text)
{
	char *fresh = text != NULL ? mem_strdup(text) : NULL;
	free(*slot);
	*slot = fresh;
}

void mem_cleanup_free(void *slot)
{
	free(*(void **)slot);
}
