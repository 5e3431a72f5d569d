/* Expressions of the configuration: jq programs over one JSON value.
 *
 * A pure path (`.`, `.donor.email`, `.items[0]."a b"`) is looked up directly; anything else is a libjq
 * program, compiled at its first use in each thread (about 16 ms) and kept there. Programs see no
 * environment, no files and no modules, cannot end the process, write nowhere, and are stopped after
 * EXPR_CPU_LIMIT_MS of CPU time.
 *
 * Numbers: jq calculates with doubles. A number that a double does not hold exactly (an integer beyond 2^53,
 * more digits than survive) is handed to it as a string with the same digits; see gateway/expr/number.h for
 * the texts of those that come back. */
#ifndef ALMONER_EXPR_EXPR_H
#define ALMONER_EXPR_EXPR_H

#include <jansson.h>
#include <stdbool.h>

#include "saga/base/buf.h"
#include "saga/base/err.h"

#define EXPR_CPU_LIMIT_MS 500
#define EXPR_DEPTH_MAX    64 /* of values that go in or come out */

/* Immutable; Thread: any, all at once. */
struct expr;

/* Takes the text apart but compiles nothing (see expr_check). Never fails: faults show when it is evaluated.
 */
struct expr *expr_create(const char *text);
void expr_destroy(struct expr *e); /* NULL is accepted */
const char *expr_text(const struct expr *e);
/* Looked up directly, without jq? And is it `.`? */
bool expr_is_path(const struct expr *e);
bool expr_is_identity(const struct expr *e);

/* Compiles; ERR_INVALID with jq's message. Also fits config_hooks.compile through expr_check_hook. */
int expr_check(const char *text, struct err *err) MUST_CHECK;
int expr_check_hook(void *ctx, const char *text, struct err *err) MUST_CHECK;

/* The value that programs are run on: one parsed tree, turned into jq's own form at most once. Embedded;
 * belongs to one thread. `root` is borrowed and must not change while the input lives. */
struct expr_input {
	json_t *root;
	void *converted; /* of gateway/expr/convert.c */
};
void expr_input_init(struct expr_input *in, json_t *root);
void expr_input_finish(struct expr_input *in);
#define AUTO_EXPR_INPUT __attribute__((cleanup(expr_input_finish)))

/* The one value of the program; NULL when it gives none (`empty`). ERR_INVALID: a type error, `error(…)`,
 * more than one value, too deep; ERR_TOO_BIG: stopped by the CPU limit. The caller owns the reference; with a
 * path it is a part of the input. */
int expr_eval_json(const struct expr *e, struct expr_input *in, json_t **ret, struct err *err) MUST_CHECK;
/* Whether the value is there and neither null nor false. */
int expr_eval_bool(const struct expr *e, struct expr_input *in, bool *ret, struct err *err) MUST_CHECK;
/* Appends the text of a string, number or boolean to `to`; *ret_present is false (and nothing is added) for
 * null or no value. ERR_INVALID for an array or object. */
int expr_eval_text(const struct expr *e, struct expr_input *in, struct buf *to, bool *ret_present,
				   struct err *err) MUST_CHECK;

#endif
