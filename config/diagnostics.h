/* A list of errors and warnings about the configuration, each with its place, what is wrong, and what was
 * expected. Reading collects all of them and prints nothing. Thread: one at a time. */
#ifndef ALMONER_CONFIG_DIAGNOSTICS_H
#define ALMONER_CONFIG_DIAGNOSTICS_H

#include <stdbool.h>
#include <stddef.h>

#include "saga/base/buf.h"

enum diag_severity { DIAG_ERROR, DIAG_WARNING };

struct diagnostic {
	enum diag_severity severity;
	char *file;     /* as it was opened */
	int line;       /* from 1; 0 when unknown */
	char *pointer;  /* JSON pointer into `file`; "": the whole document */
	char *message;  /* what is wrong in the configuration; the text contains no secret */
	char *expected; /* what would be right instead; NULL when the message is enough */
};

/* A zeroed struct is a valid empty list. */
struct diagnostics {
	struct diagnostic *items;
	size_t count;
	size_t cap;
	size_t errors;  /* number of errors, including those that are not kept */
	bool cut_short; /* more items were added than are kept (300) */
};

void diagnostics_finish(struct diagnostics *list);
#define AUTO_DIAGNOSTICS __attribute__((cleanup(diagnostics_finish)))

/* Adds an item. The texts are copied; `expected` may be NULL. `line` counts from 1; 0: unknown. */
void diagnostics_add(struct diagnostics *list, enum diag_severity severity, const char *file, int line,
					 const char *pointer, const char *message, const char *expected);

const char *diagnostics_severity_name(enum diag_severity severity);

/* Appends "almoner.json:12: error: /targets/crm/limits/in_flight: … (expected …)", one line for each item,
 * ordered by file and line. */
void diagnostics_print(const struct diagnostics *list, struct buf *to);

#endif
