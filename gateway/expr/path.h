/* Pure paths: `.donor.email`, `.items[0]."a b"`, `.a?`. They are looked up without libjq and give the same
 * results and errors as libjq. Thread: any. */
#ifndef ALMONER_EXPR_PATH_H
#define ALMONER_EXPR_PATH_H

#include <jansson.h>
#include <stdbool.h>

#include "saga/base/err.h"

struct path_part {
	char *key;     /* the name of a member; NULL: an index into an array */
	long index;    /* negative: from the end */
	bool optional; /* the path is written with `?`: a type error becomes "no value" */
};

struct path {
	struct path_part *parts;
	size_t count; /* 0: the path `.` */
};

/* Returns false, with nothing to free, when the text is no pure path. */
bool path_parse(const char *text, struct path *ret);
void path_finish(struct path *p);

/* Sets *ret to a part of `root`, borrowed; to JSON's null where a member or element is missing; to NULL
 * for "no value". ERR_INVALID: a part of the path indexes a value that has no members or elements. */
int path_get(const struct path *p, json_t *root, json_t **ret, struct err *err) MUST_CHECK;

#endif
