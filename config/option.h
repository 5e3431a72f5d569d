/* The option tables: each option of each section is declared once, here is the shape of a declaration. The
 * same tables parse, check, show, compare, free, and write the JSON Schema and the option reference. */
#ifndef ALMONER_CONFIG_OPTION_H
#define ALMONER_CONFIG_OPTION_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "saga/base/check.h"

/* Which C type stands at `offset`, and how the option is written. */
enum option_type {
	OPTION_BOOL,     /* bool */
	OPTION_INTEGER,  /* int64_t */
	OPTION_NUMBER,   /* double */
	OPTION_DURATION, /* int64_t, milliseconds */
	OPTION_SIZE,     /* int64_t, bytes */
	OPTION_RATE,     /* struct config_rate */
	OPTION_STRING,   /* char * */
	OPTION_PATH,     /* char *, relative to the file it stands in */
	OPTION_CHOICE,   /* an enum: the index into `choices` */
	OPTION_MARK,     /* bool: the only choice was written */
	OPTION_JQ,       /* char *: the program, or {"$file": PATH} */
	OPTION_TEXTS,    /* struct config_list: a string or an array of strings */
	OPTION_JQS,      /* struct config_list: programs, likewise */
	OPTION_PATHS,    /* struct config_list, likewise */
	OPTION_OBJECT,   /* the struct of `section` */
	OPTION_ADDRESS,  /* HOST:PORT; a struct config_listen holds it */
	OPTION_SOCKETS,  /* struct config_list: paths, written "unix:PATH" */
	OPTION_URL,      /* char *: absolute, http or https, without a path */
	OPTION_STORE,    /* "sqlite:PATH"; a struct config_store holds it */
	OPTION_TIMEZONE, /* char *: a name of the IANA database */
	OPTION_CIDRS,    /* address ranges; a struct config holds them */
	OPTION_VERIFY,   /* the struct of `section`, or "none" */
	OPTION_EVENT_ID, /* a program or {"header": NAME}; a struct config_source holds it */
	OPTION_SECRETS,  /* array of secrets; a struct config_source holds it */
	OPTION_SETTINGS, /* object for the connector; a struct config_target holds it */
	OPTION_ORDER_BY, /* programs; a struct config_order holds them */
	OPTION_OBJECTS,  /* objects of `section` by name, or an array of them: read by the caller */
	OPTION_NAMES     /* names of other things: read by the caller */
};

enum option_flag {
	OPTION_REQUIRED = 1u << 0,
	OPTION_RESTART = 1u << 1, /* cannot change while the daemon runs */
	OPTION_BY_NAME = 1u << 2  /* PARTS: an object by name; else an array */
};

struct config_option {
	const char *name;
	enum option_type type;
	uint32_t offset;      /* in the struct of its section */
	const char *fallback; /* the default, as JSON text; NULL: none */
	double least, most;   /* range of numbers, durations (ms) and sizes (bytes); both 0: any */
	const char *choices;  /* "a|b" */
	const struct config_section *section;
	unsigned flags; /* of enum option_flag */
	const char *help;
};

struct config_section {
	const char *name; /* in the schema */
	const char *title;
	const struct config_option *options;
	size_t count;
	size_t bytes; /* of the struct it fills */
};

const struct config_section *table_root(void);
const struct config_section *table_source(void);
const struct config_section *table_target(void);
const struct config_section *table_route(void);
const struct config_section *table_step(void);

const struct config_option *option_find(const struct config_section *section, const char *name);
/* The struct an option's value lives in, for the types above that name one of their own: `base` itself. */
void *option_field(const struct config_option *option, void *base);

/* Index of `word` among "a|b|c", or -1; and the word of an index, as a fresh text. */
int option_choice_index(const char *choices, const char *word);
char *option_choice_name(const char *choices, unsigned index);

/* The value as JSON, units written out; with `secrets` also what must not be shown (only for digests).
 * NULL when it is not set. The struct as an object of all its set options. */
json_t *option_show(const struct config_option *option, const void *base, bool secrets) MUST_CHECK;
json_t *option_show_all(const struct config_section *section, const void *base, bool secrets) MUST_CHECK;

/* Frees what an option owns, wiping secrets; its field is empty afterwards, plain values stay. */
void option_finish(const struct config_option *option, void *base);
/* All of them; the struct is zeroed. */
void option_finish_all(const struct config_section *section, void *base);

#endif
