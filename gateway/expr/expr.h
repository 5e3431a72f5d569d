/* Expressions of the configuration: jq programs that are run on one JSON value.
 *
 * A pure path (`.`, `.donor.email`, `.items[0]."a b"`) is looked up directly. Any other text is a libjq
 * program, which each thread compiles at its first use (about 16 ms) and keeps. Programs see no environment,
 * no files and no modules, cannot end the process, write nowhere, and are stopped after EXPR_CPU_LIMIT_MS of
 * CPU time (gateway/expr/README.md "Hazards of libjq").
 *
 * libjq calculates with doubles. A number that a double does not represent exactly (an integer beyond
 * 2^53, or one with too many digits) is passed to libjq as a string with the same digits.
 * gateway/expr/number.h writes the numbers that libjq returns. */
#ifndef ALMONER_EXPR_EXPR_H
#define ALMONER_EXPR_EXPR_H

#include <jansson.h>
#include <stdbool.h>

#include "saga/base/buf.h"
#include "saga/base/err.h"

#define EXPR_CPU_LIMIT_MS 500 /* CPU time of one evaluation; chosen, no measurement */
#define EXPR_DEPTH_MAX    64  /* levels of a value that goes in or comes out; chosen, no measurement */

/* A compiled jq expression. It never changes. Thread: any, also several at once. */
struct expr;

/* Parses paths and comparisons, and compiles nothing (see expr_check). It never fails: errors of the text
 * show when it is evaluated. The text is copied. */
struct expr *expr_create(const char *text);
void expr_destroy(struct expr *e); /* NULL is accepted */
/* The text it was created from; lives as long as `e`. */
const char *expr_text(const struct expr *e);
/* True for the path `.`, whose value is the input itself. */
bool expr_is_identity(const struct expr *e);

/* Compiles the text. ERR_INVALID with libjq's message when it is no program. expr_check_hook does the same
 * in the form of config_hooks.compile; `ctx` is not used. */
int expr_check(const char *text, struct err *err) MUST_CHECK;
int expr_check_hook(void *ctx, const char *text, struct err *err) MUST_CHECK;

/* The value that programs are run on: one parsed tree, which is converted to libjq's form at most once,
 * however many programs run on it. It belongs to one thread. */
struct expr_input {
	/* the value that the program reads; borrowed; it must not change while the input lives */
	json_t *root;
	void *converted; /* convert.c's; NULL: not converted yet */
};
void expr_input_init(struct expr_input *in, json_t *root);
/* Frees the converted form, not the root. */
void expr_input_finish(struct expr_input *in);
#define AUTO_EXPR_INPUT __attribute__((cleanup(expr_input_finish)))

/* Sets *ret to the program's one value, or to NULL when it gives none (`empty`). ERR_INVALID: the program
 * does not compile, a type error, `error(…)`, more than one value, or too deep. ERR_TOO_BIG: stopped by
 * the CPU limit. The caller owns the reference; the value of a path is a part of the input. */
int expr_eval_json(const struct expr *e, struct expr_input *in, json_t **ret, struct err *err) MUST_CHECK;
/* Sets *ret to true when the program gives a value that is neither null nor false. Errors as
 * expr_eval_json. */
int expr_eval_bool(const struct expr *e, struct expr_input *in, bool *ret, struct err *err) MUST_CHECK;
/* Appends the text of a string, number or boolean to `to` and sets *ret_present. For null or no value it
 * appends nothing and sets *ret_present to false. ERR_INVALID also for an array or an object; other errors
 * as expr_eval_json. */
int expr_eval_text(const struct expr *e, struct expr_input *in, struct buf *to, bool *ret_present,
				   struct err *err) MUST_CHECK;

#endif
