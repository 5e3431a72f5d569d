/* The pieces of which the answers of the admin API are made. */
#ifndef ALMONER_GATEWAY_ADMIN_JSON_H
#define ALMONER_GATEWAY_ADMIN_JSON_H

#include <jansson.h>
#include <stdint.h>

#include "saga/base/buf.h"

/* RFC 3339 text, or JSON null for 0. A new reference. */
json_t *admin_json_time(int64_t at_ms);
/* JSON null for NULL and ""; what is no UTF-8 comes as "?". A new reference, never NULL. */
json_t *admin_json_text(const char *text);

/* Bytes as they came: sets `raw`, a text, or for what is no UTF-8 null, with `raw_base64` beside it. */
void admin_json_set_raw(json_t *object, const char *bytes, size_t len);

/* One line of newline-delimited JSON; takes the reference. */
void admin_json_line(struct buf *out, json_t *value);

#endif
