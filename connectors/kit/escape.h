/* Escapes: a value that is put into HTML, JSON, a header or a URL must not change the structure around it. */
#ifndef ALMONER_KIT_ESCAPE_H
#define ALMONER_KIT_ESCAPE_H

#include "connectors/kit/text.h"

/* Where a value is put, which decides how it is escaped. */
enum kit_escape {
	KIT_ESCAPE_NONE,   /* not escaped */
	KIT_ESCAPE_HTML,   /* element content and quoted attributes */
	KIT_ESCAPE_JSON,   /* between the quotes of a JSON string; bytes that are not UTF-8 become U+FFFD */
	KIT_ESCAPE_HEADER, /* one line: a run of control characters becomes one space */
	KIT_ESCAPE_URL     /* one component: all but the unreserved characters of RFC 3986 become %XX */
};

/* Appends `len` bytes, escaped. `bytes` may be NULL if `len` is 0. */
void kit_escape_put(struct kit_text *t, enum kit_escape escape, const char *bytes, size_t len);
/* Appends a complete JSON string with its quotes. */
void kit_escape_json_string(struct kit_text *t, const char *bytes, size_t len);
/* Appends "name":"value", a member of a JSON object, both escaped. */
void kit_escape_json_member(struct kit_text *t, const char *name, const char *value);

#endif
