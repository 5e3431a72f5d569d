/* From bytes to a tree: strict JSON whose numbers keep their value, and JSON pointers into it. */
#ifndef ALMONER_GATEWAY_INTAKE_PIPELINE_BODY_H
#define ALMONER_GATEWAY_INTAKE_PIPELINE_BODY_H

#include <jansson.h>
#include <stdbool.h>

#include "saga/base/buf.h"
#include "saga/base/err.h"

#define BODY_DEPTH_MAX 60 /* leaves room below EXPR_DEPTH_MAX for what a map wraps around it */

struct body {
	json_t *root; /* an object or array; owned */
	bool compact; /* the text has no white space between tokens */
	bool
		altered; /* a number stands as a string in `root`: no double and no 64-bit integer holds it exactly */
};

/* Refuses duplicate names, invalid UTF-8, NUL characters, anything after the value, and nesting beyond
 * BODY_DEPTH_MAX. ERR_INVALID: the text says what and where; it quotes nothing of the body. */
int body_parse(struct str text, struct body *ret, struct err *err) MUST_CHECK;
void body_finish(struct body *b);

/* RFC 6901. Borrowed; NULL when nothing is there or the pointer is malformed. */
json_t *body_pointer(json_t *root, const char *pointer);
/* Takes the member or element away; false when it was not there. */
bool body_remove(json_t *root, const char *pointer);

#endif
