/* Compiled jq programs, one set per thread. Internal to this room: the only user of libjq besides convert and
 * watch. */
#ifndef ALMONER_EXPR_PROGRAM_H
#define ALMONER_EXPR_PROGRAM_H

#include <jq.h>

#include "gateway/expr/expr.h"

#define PROGRAM_KEY_BYTES 16

/* Compiles into a throw-away state. */
int program_check(const char *text, struct err *err) MUST_CHECK;

/* Runs the program, compiling it first when this thread has not yet; `key` is the digest of `text`. Gives its
 * one value (the caller frees it), or an invalid jv for none. Errors as expr_eval_json. */
int program_run(const uint8_t key[PROGRAM_KEY_BYTES], const char *text, struct expr_input *in, jv *ret,
				struct err *err) MUST_CHECK;

#endif
