/* What reading the configuration found: a list of errors and warnings, each with its place, what is wrong
 * and what was expected. All of them at once; nothing is printed here. */
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
	char *pointer;  /* JSON pointer into `file`; "" is the whole document */
	char *message;  /* what is wrong; never a secret */
	char *expected; /* what would be right; NULL when the message says it all */
};

/* A zeroed struct is a valid empty list. */
struct diagnostics {
	struct diagnostic *items;
	size_t count;
	size_t cap;
	size_t errors;  /* how many errors were found, also those not kept */
	bool cut_short; /* more were found than are kept */
};

void diagnostics_finish(struct diagnostics *list);
#define AUTO_DIAGNOSTICS __attribute__((cleanup(diagnostics_finish)))

/* Adds one; the texts are copied, `expected` may be NULL. */
void diagnostics_add(struct diagnostics *list, enum diag_severity severity, const char *file, int line,
					 const char *pointer, const char *message, const char *expected);

const char *diagnostics_severity_name(enum diag_severity severity);

/* "almoner.json:12: error: /targets/crm/limits/in_flight: … (expected …)", one line each, in file order. */
void diagnostics_print(const struct diagnostics *list, struct buf *to);

#endif
