/* The state of reading the configuration: the current file, the place in it, and the messages about it. */
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
	/* the hooks of the caller: the pointer is never NULL, but each function in it may be NULL */
	const struct config_hooks *hooks;
	struct diagnostics *found;
	const struct config_document *doc; /* the current file */
	struct buf pointer;                /* JSON pointer of the current place in the file */
	struct config_list
		source_files; /* the file of config->sources[i], for the error about two sources with one name */
	struct config_list route_files; /* the file of config->routes[i] */
};

/* Adds an error or a warning at the current place. `expected` may be NULL. The text must not contain a
 * secret. */
void reader_error(struct config_reader *r, const char *expected, const char *fmt, ...) PRINTF_LIKE(3, 4);
void reader_warn(struct config_reader *r, const char *expected, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Moves the place to a member or an element; reader_leave with the returned mark moves it back. */
size_t reader_enter(struct config_reader *r, const char *key);
size_t reader_enter_index(struct config_reader *r, size_t index);
void reader_leave(struct config_reader *r, size_t mark);

/* A fresh copy of `path`, relative to `dir` unless it is absolute. */
char *reader_resolve_path(const char *dir, const char *path);
void reader_note_file(struct config_reader *r, const char *path); /* adds it to config->files */

/* True for "$comment" and "$schema", which are ignored everywhere. */
bool reader_is_comment(const char *key);
/* Copies a value for a message, cut to 80 bytes with "…". */
#define READER_CLIP_BYTES 84
void reader_clip(const char *text, char out[READER_CLIP_BYTES]);
/* The kind of a value for a message: "a string", "an object", … Static text. */
const char *reader_kind_of(const json_t *value);

/* Reads a text that is written as a string, as {"$env": NAME, "default": TEXT} or as {"$file": PATH}. 0
 * with a fresh text, or ERR_INVALID after an error was added. Unless *ret_literal is true, the text may be
 * a secret and must not be in a message. */
int reader_text(struct config_reader *r, const json_t *value, char **ret_text, bool *ret_literal) MUST_CHECK;
bool reader_is_utf8(const char *text);
/* Is this value an object {"$env": …} or {"$file": …}? */
bool reader_is_reference(const json_t *value);

/* Sets the defaults of a section in a zeroed struct. */
void reader_defaults(struct config_reader *r, const struct config_section *section, void *base);
/* Sets the options that `object` contains, over what is in the struct; adds errors for unknown keys. */
void reader_section(struct config_reader *r, const struct config_section *section, const json_t *object,
					void *base);
/* Adds an error for each required option that `object` does not contain. */
void reader_require(struct config_reader *r, const struct config_section *section, const json_t *object);

/* Reads a jq program and compiles it through the hook, which only adds an error: a program that does not
 * compile is returned too. 0 with a fresh text, or ERR_INVALID when there is no text. */
int reader_jq(struct config_reader *r, const json_t *value, char **ret_program) MUST_CHECK;
/* Appends one secret, or an array of secrets, to those of the source. */
void reader_secrets(struct config_reader *r, const json_t *value, struct config_source *source);
/* Replaces the settings of the target by a copy of `value`, without comments and with references resolved. */
void reader_settings(struct config_reader *r, const json_t *value, struct config_target *target);

/* Read the sources, targets and routes of r->doc and append them to r->config; a name must be used once. */
void reader_sources(struct config_reader *r);
void reader_targets(struct config_reader *r);
/* reads the routes; called after the targets of all files are read */
void reader_routes(struct config_reader *r);

/* True for an allowed name: 1 to 64 letters, digits, '-', '_' and '.', beginning with a letter or digit.
 * Else adds an error. */
bool reader_check_name(struct config_reader *r, const char *name);

#endif
