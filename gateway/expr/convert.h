/* Between jansson's trees and jq's values. Internal to this room. */
#ifndef ALMONER_EXPR_CONVERT_H
#define ALMONER_EXPR_CONVERT_H

#include <jansson.h>
#include <jq.h>

#include "gateway/expr/expr.h"

/* The input in jq's form, made at the first call; the caller owns the returned reference. ERR_INVALID: too
 * deep. */
int convert_input(struct expr_input *in, jv *ret, struct err *err) MUST_CHECK;

/* Consumes `value`. ERR_INVALID: deeper than EXPR_DEPTH_MAX, or not text a JSON file may hold. */
int convert_result(jv value, json_t **ret, struct err *err) MUST_CHECK;

#endif
