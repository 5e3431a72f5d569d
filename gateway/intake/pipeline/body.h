/* From bytes to a JSON tree: strict JSON whose numbers keep their value, and JSON pointers into the tree.
 * Pure. Thread: any. */
#ifndef ALMONER_GATEWAY_INTAKE_PIPELINE_BODY_H
#define ALMONER_GATEWAY_INTAKE_PIPELINE_BODY_H

#include <jansson.h>
#include <stdbool.h>

#include "saga/base/buf.h"
#include "saga/base/err.h"

/* Below EXPR_DEPTH_MAX, because a map may put the whole body into a new object. */
#define BODY_DEPTH_MAX 60

struct body {
	json_t *root; /* an object or array; owned */
	bool compact; /* the text has no white space between tokens */
	/* A number became a string in `root`, because neither a double nor a 64-bit integer holds it exactly;
	 * or the caller has changed `root`. */
	bool altered;
};

/* Rejects duplicate names, invalid UTF-8, NUL characters, anything after the value, and nesting beyond
 * BODY_DEPTH_MAX. ERR_INVALID: `err` says what is wrong and where, and quotes nothing of the body. */
int body_parse(struct str text, struct body *ret, struct err *err) MUST_CHECK;
void body_finish(struct body *b);

/* The value at a JSON pointer (RFC 6901), borrowed; NULL: no such value, or the pointer is malformed. */
json_t *body_pointer(json_t *root, const char *pointer);
/* Removes the member or element; false: it does not exist. */
bool body_remove(json_t *root, const char *pointer);

#endif
