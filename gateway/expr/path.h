/* Pure paths, the common case: `.donor.email`, `.items[0]."a b"`, `.a?`. Same results as jq's. */
#ifndef ALMONER_EXPR_PATH_H
#define ALMONER_EXPR_PATH_H

#include <jansson.h>
#include <stdbool.h>

#include "saga/base/err.h"

struct path_part {
	char *key; /* NULL: an index */
	long index;
	bool optional; /* `?`: a type error becomes "no value" */
};

struct path {
	struct path_part *parts;
	size_t count; /* 0: `.` */
};

/* False, with nothing to free, when the text is something else than a path. */
bool path_parse(const char *text, struct path *ret);
void path_finish(struct path *p);

/* A borrowed value, null where a member is missing; NULL for "no value". ERR_INVALID: indexing what has no
 * members.
 */
int path_get(const struct path *p, json_t *root, json_t **ret, struct err *err) MUST_CHECK;

#endif
