/* Converts between jansson's trees and libjq's values. Internal to this module. Thread: the input's. */
#ifndef ALMONER_EXPR_CONVERT_H
#define ALMONER_EXPR_CONVERT_H

#include <jansson.h>
#include <jq.h>

#include "gateway/expr/expr.h"

/* The input in libjq's form, converted at the first call and then kept in `in`. The caller frees *ret with
 * jv_free. ERR_INVALID: the input is nested too deep. */
int convert_input(struct expr_input *in, jv *ret, struct err *err) MUST_CHECK;

/* Consumes `value`; the caller owns *ret. ERR_INVALID: it is nested deeper than EXPR_DEPTH_MAX, or jansson
 * cannot hold it (a member's name with a NUL character). */
int convert_result(jv value, json_t **ret, struct err *err) MUST_CHECK;

#endif
