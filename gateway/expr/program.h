/* Compiled jq programs. Each thread has its own, because a compiled program can run only once at a time.
 * Internal to this module; besides convert.c and jq_timeout.c the only file that calls libjq. */
#ifndef ALMONER_EXPR_PROGRAM_H
#define ALMONER_EXPR_PROGRAM_H

#include <jq.h>

#include "gateway/expr/expr.h"

/* bytes of the SHA-256 of a program's text: enough that no two programs share a key */
#define PROGRAM_KEY_BYTES 16

/* Compiles the text and forgets the result. ERR_INVALID with libjq's message when it does not compile. */
int program_check(const char *text, struct err *err) MUST_CHECK;

/* Runs the program on the input. The first call in a thread compiles it. `key` is the digest of `text`.
 * Sets *ret to the program's one value, which the caller frees, or to an invalid jv when there is none.
 * Errors as expr_eval_json. */
int program_run(const uint8_t key[PROGRAM_KEY_BYTES], const char *text, struct expr_input *in, jv *ret,
				struct err *err) MUST_CHECK;

#endif
