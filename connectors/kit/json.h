/* Reading and writing JSON: paths, scalars as text, numbers that keep their digits. */
#ifndef ALMONER_KIT_JSON_H
#define ALMONER_KIT_JSON_H

#include <jansson.h>
#include <stdbool.h>

#include "connectors/almoner_connector.h"
#include "connectors/kit/text.h"

/* Parses any JSON value; NULL when it is none (also when absent or truncated). The caller decrefs. */
json_t *kit_json_parse(struct almoner_text input);
void kit_json_drop(json_t **slot);
#define AUTO_JSON __attribute__((cleanup(kit_json_drop)))

/* The value at a dotted path: "donor.email", ".items.0.id"; "" or "." is the root. Borrowed, NULL when absent
 * (a JSON null is found). */
json_t *kit_json_at(const json_t *root, const char *path);
/* The text at a path; NULL when absent, null, empty or no string. Borrowed. */
const char *kit_json_text_at(const json_t *root, const char *path);
/* Steps once from `value` by one part of a path. */
json_t *kit_json_member(const json_t *value, const char *name, size_t len);
/* Something is there: not absent, null, false, "", [] or {}. */
bool kit_json_is_present(const json_t *value);

/* Appends a string, number or boolean as people write it. False for null, objects, arrays. */
bool kit_json_scalar(struct kit_text *t, const json_t *value);
/* Appends compact JSON, members in their order; a real is written with the fewest digits that read back. */
void kit_json_write(struct kit_text *t, const json_t *value);

/* "a", "an id" of a reply: a string or a number as text; NULL when there is none. Writes into `out`. */
const char *kit_json_id(const json_t *reply, const char *path, char out[200]);

#endif
