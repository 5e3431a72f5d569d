/* Reading one file: where we are in it, and complaining about it. */
#ifndef ALMONER_CONFIG_READER_H
#define ALMONER_CONFIG_READER_H

#include <jansson.h>
#include <stdbool.h>

#include "config/config.h"
#include "config/document.h"
#include "config/env.h"
#include "config/list.h"
#include "config/option.h"

struct config_reader {
	struct config *config;
	const struct config_hooks *hooks; /* never NULL; its functions may be */
	struct diagnostics *found;
	const struct config_document *doc;
	struct buf pointer;
	struct config_list source_files; /* where config->sources[i] stands, to name the first of two equals */
	struct config_list route_files;
};

/* Complains about the place we are at. `expected` may be NULL. */
void reader_error(struct config_reader *r, const char *expected, const char *fmt, ...) PRINTF_LIKE(3, 4);
void reader_warn(struct config_reader *r, const char *expected, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* One step down the document; the mark goes back to reader_leave. */
size_t reader_enter(struct config_reader *r, const char *key);
size_t reader_enter_index(struct config_reader *r, size_t index);
void reader_leave(struct config_reader *r, size_t mark);

/* `path` as seen from `dir`: itself when absolute. Fresh text. */
char *reader_resolve_path(const char *dir, const char *path);
void reader_note_file(struct config_reader *r, const char *path); /* adds it to config->files */

/* Is this key a comment ("$comment", anywhere; "$schema")? */
bool reader_is_comment(const char *key);
/* A value cut to a length fit for a message. */
#define READER_CLIP_BYTES 84
void reader_clip(const char *text, char out[READER_CLIP_BYTES]);
/* "a string", "an object", … */
const char *reader_kind_of(const json_t *value);

/* A text written as a string or as {"$env": NAME, "default": TEXT} or {"$file": PATH}. Returns 0 with a fresh
 * text (which may hold a secret: never put it into a message unless `ret_literal`), or complains. */
int reader_text(struct config_reader *r, const json_t *value, char **ret_text, bool *ret_literal) MUST_CHECK;
bool reader_is_utf8(const char *text);
/* Is this value an object {"$env": …} or {"$file": …}? */
bool reader_is_reference(const json_t *value);

/* Fills a zeroed struct with the defaults of its section. */
void reader_defaults(struct config_reader *r, const struct config_section *section, void *base);
/* Puts what `object` says into the struct, over what is there; complains of unknown keys. */
void reader_section(struct config_reader *r, const struct config_section *section, const json_t *object,
					void *base);
/* Complains of required options that `object` lacks. */
void reader_require(struct config_reader *r, const struct config_section *section, const json_t *object);

/* Programs: compiles through the hook and complains. The text is fresh. */
int reader_jq(struct config_reader *r, const json_t *value, char **ret_program) MUST_CHECK;
/* One secret or an array of them, appended to the source's. */
void reader_secrets(struct config_reader *r, const json_t *value, struct config_source *source);
/* Settings with comments taken out and references replaced, in place of the target's. */
void reader_settings(struct config_reader *r, const json_t *value, struct config_target *target);

/* The things with names; doubles are complained of. */
void reader_sources(struct config_reader *r); /* of r->doc, appended to r->config */
void reader_targets(struct config_reader *r);
void reader_routes(struct config_reader *r); /* after all targets */

/* Names: letters, digits, '-', '_', '.', at most 64, not starting with a sign. Complains otherwise. */
bool reader_check_name(struct config_reader *r, const char *name);

#endif
