/* The pieces from which the answers of the admin API are made. */
#ifndef ALMONER_GATEWAY_ADMIN_JSON_H
#define ALMONER_GATEWAY_ADMIN_JSON_H

#include <jansson.h>
#include <stdint.h>

#include "saga/base/buf.h"
#include "saga/store/cursor.h"

/* The time as RFC 3339 text, or JSON null for 0. `at_ms`: milliseconds since 1970. A new reference. */
json_t *admin_json_time(int64_t at_ms);
/* The text, or JSON null for NULL and "". If the text is not valid UTF-8, each byte above 127 becomes "?". A
 * new reference, never NULL. Every text in an answer goes through here: jansson refuses other bytes, and
 * error texts are cut at a fixed length, perhaps inside a character. */
json_t *admin_json_text(const char *text);

/* Sets the member `raw` to the bytes as a text. If they are not valid UTF-8, `raw` is null and `raw_base64`
 * holds them. */
void admin_json_set_raw(json_t *object, const char *bytes, size_t len);

/* Sets the member `cursor`: the row's position in its list, for `before` or `after` of the next call. Returns
 * `object`. */
json_t *admin_json_cursor(json_t *object, enum store_list list, int64_t position);

/* Appends the value as one line of newline-delimited JSON. Takes the reference. */
void admin_json_line(struct buf *out, json_t *value);

#endif
