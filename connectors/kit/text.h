/* Growing text with a cap, and the escapes of the places a value may stand in. Running out of memory or over
 * the cap sets `failed` and drops what comes after: check once, at the end. */
#ifndef ALMONER_KIT_TEXT_H
#define ALMONER_KIT_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "connectors/almoner_connector.h"

#define KIT_TEXT_BYTES_MAX ((size_t)4 << 20)

/* A zeroed struct is a valid empty text. */
struct kit_text {
	char *p; /* NUL-terminated; NULL while empty */
	size_t len;
	size_t cap;
	bool failed;
};

void kit_text_free(struct kit_text *t);
void kit_text_clear(struct kit_text *t); /* keeps the memory, forgets the failure */
#define AUTO_TEXT __attribute__((cleanup(kit_text_free)))

void kit_text_add(struct kit_text *t, const char *bytes, size_t len);
void kit_text_puts(struct kit_text *t, const char *chars);
void kit_text_putc(struct kit_text *t, char c);
void kit_text_put(struct kit_text *t, struct almoner_text other);
void kit_text_printf(struct kit_text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Borrowed; valid until the text changes. Present (p != NULL) even when empty. */
struct almoner_text kit_text_view(const struct kit_text *t);
/* Wraps a C string; NULL is the absent text. */
struct almoner_text kit_text_lit(const char *chars);
bool kit_text_same(struct almoner_text a, const char *b);
bool kit_text_same_nocase(struct almoner_text a, const char *b);

/* Where a value is put, which decides how it is escaped. */
enum kit_escape {
	KIT_ESCAPE_NONE,   /* as it is */
	KIT_ESCAPE_HTML,   /* element content and quoted attributes */
	KIT_ESCAPE_JSON,   /* inside a JSON string's quotes */
	KIT_ESCAPE_HEADER, /* one line: runs of control characters become one space */
	KIT_ESCAPE_URL     /* one component: everything but RFC 3986 unreserved characters is percent-encoded */
};

void kit_text_escape(struct kit_text *t, enum kit_escape escape, const char *bytes, size_t len);
/* A complete JSON string, quotes included; bytes that are no UTF-8 become U+FFFD. */
void kit_text_json_string(struct kit_text *t, const char *bytes, size_t len);

/* Length of the valid UTF-8 character at p (1 … 4), 0 when there is none. NUL counts as a character. */
size_t kit_text_utf8_len(const char *p, size_t len);

#endif
