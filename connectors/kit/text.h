/* Growing text with a cap, and the escapes of the places a value may stand in. Running out of memory or over
 * the cap sets `failed` and drops what comes after: check once, at the end. */
#ifndef ALMONER_KIT_TEXT_H
#define ALMONER_KIT_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "connectors/almoner_connector.h"

#define TEXT_CAP_BYTES ((size_t)4 << 20)

/* A zeroed struct is a valid empty text. */
struct text {
	char *p; /* NUL-terminated; NULL while empty */
	size_t len;
	size_t room;
	bool failed;
};

void text_free(struct text *t);
void text_clear(struct text *t); /* keeps the memory, forgets the failure */
#define AUTO_TEXT __attribute__((cleanup(text_free)))

void text_add(struct text *t, const char *bytes, size_t len);
void text_puts(struct text *t, const char *chars);
void text_putc(struct text *t, char c);
void text_put(struct text *t, struct almoner_text other);
void text_printf(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Borrowed; valid until the text changes. Present (p != NULL) even when empty. */
struct almoner_text text_view(const struct text *t);
/* Wraps a C string; NULL is the absent text. */
struct almoner_text text_lit(const char *chars);
bool text_same(struct almoner_text a, const char *b);
bool text_same_nocase(struct almoner_text a, const char *b);

/* Where a value is put, which decides how it is escaped. */
enum place {
	PLACE_PLAIN,  /* as it is */
	PLACE_HTML,   /* element content and quoted attributes */
	PLACE_JSON,   /* inside a JSON string's quotes */
	PLACE_HEADER, /* one line: runs of control characters become one space */
	PLACE_URL     /* one component: everything but RFC 3986 unreserved characters is percent-encoded */
};

void text_escape(struct text *t, enum place place, const char *bytes, size_t len);
/* A complete JSON string, quotes included; bytes that are no UTF-8 become U+FFFD. */
void text_json_string(struct text *t, const char *bytes, size_t len);

/* Length of the valid UTF-8 character at p (1 … 4), 0 when there is none. NUL counts as a character. */
size_t utf8_len(const char *p, size_t len);

#endif
