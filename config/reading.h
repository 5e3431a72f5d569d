/* Reading one file: where we are in it, and complaining about it. */
#ifndef ALMONER_CONFIG_READING_H
#define ALMONER_CONFIG_READING_H

#include <jansson.h>
#include <stdbool.h>

#include "config/config.h"
#include "config/option.h"

/* One JSON file in memory; the text is kept to find lines. */
struct document {
	char *path;
	char *dir;
	struct buf text;
	json_t *root; /* an object */
};

struct reading {
	struct config *config;
	const struct config_hooks *hooks; /* never NULL; its functions may be */
	struct diagnostics *found;
	const struct document *doc;
	struct buf pointer;
	struct config_list source_files; /* where config->sources[i] stands, to name the first of two equals */
	struct config_list route_files;
};

/* Complains about the place we are at. `expected` may be NULL. */
void reading_error(struct reading *r, const char *expected, const char *fmt, ...) PRINTF_LIKE(3, 4);
void reading_warn(struct reading *r, const char *expected, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* One step down the document; the mark goes back to reading_leave. */
size_t reading_enter(struct reading *r, const char *key);
size_t reading_enter_index(struct reading *r, size_t index);
void reading_leave(struct reading *r, size_t mark);

/* Loads a file whole: a regular file of at most READING_FILE_MAX bytes. */
#define READING_FILE_MAX ((size_t)4 * 1024 * 1024)
int reading_file(const char *path, struct buf *to, struct err *err) MUST_CHECK;
/* Loads and parses; complains to `found` and returns a code when that fails. */
int document_open(const char *path, struct diagnostics *found, struct document *ret_doc) MUST_CHECK;
void document_close(struct document *doc);

/* `path` as seen from `dir`: itself when absolute. Fresh text. */
char *reading_resolve(const char *dir, const char *path);
void reading_note_file(struct reading *r, const char *path); /* adds it to config->files */

/* Is this key a comment ("$comment", anywhere; "$schema")? */
bool reading_is_comment(const char *key);
/* A value cut to a length fit for a message. */
#define READING_CLIP_BYTES 84
void reading_clip(const char *text, char out[READING_CLIP_BYTES]);
/* "a string", "an object", … */
const char *reading_kind(const json_t *value);

/* A text written as a string or as {"$env": NAME, "default": TEXT} or {"$file": PATH}. Returns 0 with a fresh
 * text (which may hold a secret: never put it into a message unless `ret_literal`), or complains. */
int reading_text(struct reading *r, const json_t *value, char **ret_text, bool *ret_literal) MUST_CHECK;
bool reading_is_utf8(const char *text);
/* Is it an object of that kind? */
bool reading_is_reference(const json_t *value);

/* Fills a zeroed struct with the defaults of its section. */
void reading_defaults(struct reading *r, const struct section *section, void *base);
/* Puts what `object` says into the struct, over what is there; complains of unknown keys. */
void reading_section(struct reading *r, const struct section *section, const json_t *object, void *base);
/* Complains of required options that `object` lacks. */
void reading_require(struct reading *r, const struct section *section, const json_t *object);

/* One value into its place; complains or fills. */
void reading_option(struct reading *r, const struct option *option, const json_t *value, void *base);

/* Programs: compiles through the hook and complains. The text is fresh. */
void reading_jq_check(struct reading *r, const char *program);
int reading_jq(struct reading *r, const json_t *value, char **ret_program) MUST_CHECK;
/* One secret or an array of them, appended to the source's. */
void reading_secrets(struct reading *r, const json_t *value, struct config_source *source);
/* Settings with comments taken out and references replaced, in place of the target's. */
void reading_settings(struct reading *r, const json_t *value, struct config_target *target);

/* The things with names; doubles are complained of. */
void reading_sources(struct reading *r); /* of r->doc, appended to r->config */
void reading_targets(struct reading *r);
void reading_routes(struct reading *r); /* after all targets */

/* Names: letters, digits, '-', '_', '.', at most 64, not starting with a sign. Complains otherwise. */
bool reading_name_ok(struct reading *r, const char *name);

/* Lists own their texts. */
void config_list_add(struct config_list *list, const char *text);
void config_list_add_owned(struct config_list *list, char *text);
void config_list_finish(struct config_list *list);
bool config_list_has(const struct config_list *list, const char *text);

/* Secrets out of the environment; NULL when not set. Borrowed from `env` (or the environment). */
const char *config_env_get(struct config_env *env, const char *name);
/* Overwrites before freeing. Accepts NULL. */
void config_wipe(char *text);

#endif
