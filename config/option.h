/* The option tables. Each option of each section is declared once, in tables.c; this header says what a
 * declaration consists of. The same tables parse, check, show, compare and free values, and write the JSON
 * Schema and the option reference. */
#ifndef ALMONER_CONFIG_OPTION_H
#define ALMONER_CONFIG_OPTION_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "saga/base/check.h"

/* How an option is written, and the C type of its field at `offset`. Types from OPTION_ADDRESS on that
 * name a struct fill several fields of it; their `offset` is 0. */
enum option_type {
	OPTION_BOOL,     /* bool */
	OPTION_INTEGER,  /* int64_t */
	OPTION_NUMBER,   /* double */
	OPTION_DURATION, /* int64_t, milliseconds */
	OPTION_SIZE,     /* int64_t, bytes */
	OPTION_RATE,     /* struct config_rate */
	OPTION_STRING,   /* char * */
	OPTION_PATH,     /* char *; a relative path starts at the folder of the file */
	OPTION_CHOICE,   /* an enum: the index into `choices` */
	OPTION_MARK,     /* bool: true if the only choice was written */
	OPTION_JQ,       /* char *: the program, or {"$file": PATH} */
	OPTION_TEXTS,    /* struct config_list: a string or an array of strings */
	OPTION_JQS,      /* struct config_list: a program or an array of programs */
	OPTION_PATHS,    /* struct config_list: a path or an array of paths */
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
	OPTION_OBJECTS,  /* objects of `section` by name, or an array of them; the caller reads them */
	OPTION_NAMES     /* names of sources, targets, steps or files; the caller reads them */
};

enum option_flag {
	OPTION_REQUIRED = 1u << 0,
	OPTION_RESTART = 1u << 1, /* the option cannot change while the daemon runs */
	OPTION_BY_NAME = 1u << 2  /* OPTION_OBJECTS: an object by name; else an array */
};

struct config_option {
	const char *name;
	enum option_type type;
	uint32_t offset;      /* the offset of the option's field in the struct of its section */
	const char *fallback; /* the default, as JSON text; NULL: none */
	/* the smallest and largest number, duration (ms) or size (bytes); both 0: no range */
	double least, most;
	const char *choices;                  /* "a|b"; NULL: no choice */
	const struct config_section *section; /* the section of the options below this option; NULL: none */
	unsigned flags;                       /* of enum option_flag */
	/* the description of the option for the manual, README.md and the schema */
	const char *help;
};

struct config_section {
	const char *name; /* the name of the section's definition in the schema */
	const char *title;
	const struct config_option *options;
	size_t count;
	size_t bytes; /* the size of the struct that the section fills */
};

const struct config_section *table_root(void);
const struct config_section *table_source(void);
const struct config_section *table_target(void);
const struct config_section *table_route(void);
const struct config_section *table_step(void);

/* NULL when the section has no option of that name. */
const struct config_option *option_find(const struct config_section *section, const char *name);
/* The field of an option in the struct `base` of its section; for a type that fills several fields, `base`
 * itself. */
void *option_field(const struct config_option *option, void *base);

/* The index of `word` among "a|b|c", or -1; and the word at an index, which must exist, as a fresh text. */
int option_choice_index(const char *choices, const char *word);
char *option_choice_name(const char *choices, unsigned index);

/* option_show: the value of one option as JSON, with units; NULL when it is not set. option_show_all: an
 * object of all options that are set. A new reference each. `secrets`: includes secrets; use the result
 * for digests only. */
json_t *option_show(const struct config_option *option, const void *base, bool secrets) MUST_CHECK;
json_t *option_show_all(const struct config_section *section, const void *base, bool secrets) MUST_CHECK;

/* Frees what an option owns and wipes secrets. Its pointers are NULL afterwards; numbers and flags stay. */
void option_finish(const struct config_option *option, void *base);
/* option_finish for every option of the section; then the struct is zeroed. */
void option_finish_all(const struct config_section *section, void *base);

#endif
