/* A text that grows, with an upper limit. Writers do not check for failure after each call: an append beyond
 * the limit sets `failed`, later appends do nothing, and the writer checks `failed` once at the end. Running
 * out of memory ends the process, as everywhere in the gateway. */
#ifndef ALMONER_KIT_TEXT_H
#define ALMONER_KIT_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "connectors/almoner_connector.h"

/* 4 MiB. A request or mail of a gift is a few KiB; the limit stops templates that multiply. Chosen; no
 * measurement. */
#define KIT_TEXT_BYTES_MAX ((size_t)4 << 20)

/* A zeroed struct is a valid empty text. */
struct kit_text {
	char *p; /* the text, with a NUL at its end that is not counted; NULL while nothing was ever added */
	size_t len;
	size_t capacity;
	bool failed; /* an append would have exceeded KIT_TEXT_BYTES_MAX; kit_text_clear resets it */
};

void kit_text_free(struct kit_text *t);
/* Empties the text and resets `failed`. The memory is kept for the next use. */
void kit_text_clear(struct kit_text *t);
/* `struct kit_text t AUTO_TEXT = { 0 };` frees the text at the end of its scope. */
#define AUTO_TEXT __attribute__((cleanup(kit_text_free)))

/* Each of the next functions appends to the text. `bytes` may be NULL if `len` is 0; an absent
 * almoner_text appends nothing. */
void kit_text_add(struct kit_text *t, const char *bytes, size_t len);
void kit_text_puts(struct kit_text *t, const char *chars);
void kit_text_putc(struct kit_text *t, char c);
void kit_text_put(struct kit_text *t, struct almoner_text other);
void kit_text_printf(struct kit_text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Removes the spaces at the end. */
void kit_text_trim(struct kit_text *t);

/* The content, borrowed until the text changes. The result is present (p != NULL) even if the text is
 * empty. */
struct almoner_text kit_text_view(const struct kit_text *t);
/* Wraps a C string without copying it; NULL becomes the absent text. */
struct almoner_text kit_text_lit(const char *chars);

/* True if `a` is present and equals `b`; the second form ignores the case of ASCII letters. */
bool kit_text_same(struct almoner_text a, const char *b);
bool kit_text_same_nocase(struct almoner_text a, const char *b);

/* The length in bytes (1 to 4) of the UTF-8 character that starts at `p`, where `len` bytes follow. 0 if the
 * bytes are not valid UTF-8 or `len` is 0. A NUL byte counts as a character. */
size_t kit_text_utf8_len(const char *p, size_t len);

#endif
