/* JSON of the event, the settings and the replies: reading by path, and writing without loss. Values are
 * those of jansson. */
#ifndef ALMONER_KIT_JSON_H
#define ALMONER_KIT_JSON_H

#include <jansson.h>
#include <stdbool.h>

#include "connectors/almoner_connector.h"
#include "connectors/kit/text.h"

/* Parses one JSON value of any type; the caller releases it with json_decref. NULL if the text is absent or
 * not valid JSON. */
json_t *kit_json_parse(struct almoner_text input);
/* Releases *slot and sets it to NULL. */
void kit_json_drop(json_t **slot);
/* `json_t *value AUTO_JSON = …;` releases the value at the end of its scope. */
#define AUTO_JSON __attribute__((cleanup(kit_json_drop)))

/* The value at a path of member names and list positions: "donor.email", ".items.0.id"; "" and "." are the
 * root. Borrowed from `root`, which may be NULL. NULL if there is no such value; a JSON null is a value. */
json_t *kit_json_at(const json_t *root, const char *path);
/* The text at a path, borrowed; NULL if there is no string or if it is empty. */
const char *kit_json_text_at(const json_t *root, const char *path);
/* The member of an object, or the element of a list, that one part of a path names; `name` has `len` bytes.
 * Borrowed; NULL if there is none. */
json_t *kit_json_member(const json_t *value, const char *name, size_t len);
/* False for NULL, null, false, "", [] and {}. True for all other values, also for 0. */
bool kit_json_is_present(const json_t *value);

/* Appends a string, a number or a boolean as plain text. Returns false and appends nothing for all other
 * values and for NULL. */
bool kit_json_scalar(struct kit_text *t, const json_t *value);
/* Appends compact JSON. Members keep their order, and a real number is written with the fewest digits that
 * read back as the same number. NULL is written as null. */
void kit_json_write(struct kit_text *t, const json_t *value);

/* The longest id that kit_json_id reads, with its NUL. Ids of known targets have at most 36 characters;
 * chosen; no measurement. */
#define KIT_JSON_ID_BYTES 200
/* The id at a path of a reply, a string or a number, as text in `out`, which is returned. NULL if there is no
 * such value, if it is empty, or if it is too long. */
const char *kit_json_id(const json_t *reply, const char *path, char out[KIT_JSON_ID_BYTES]);

#endif
