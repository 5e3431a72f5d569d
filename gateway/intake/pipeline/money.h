/* Reads amounts of money as integers of the currency's smallest unit. Decimal digits only, never a double.
 * The currencies and the way back to a text are in saga/base/currency.h. Pure. Thread: any. */
#ifndef ALMONER_GATEWAY_INTAKE_PIPELINE_MONEY_H
#define ALMONER_GATEWAY_INTAKE_PIPELINE_MONEY_H

#include <stdint.h>

#include "saga/base/buf.h"
#include "saga/base/err.h"

/* The largest amount: 2^53 - 1, the largest integer that every reader of JSON keeps exactly, also one that
 * holds numbers as doubles. */
#define MONEY_MINOR_MAX INT64_C(9007199254740991)

/* Reads "12.5" with 2 decimals as 1250. Accepts digits with at most one point between them and an optional
 * '-'; zeros beyond the currency's decimals are accepted, other digits are not. ERR_INVALID: `err` says what
 * is wrong, in words that follow the name of the field. */
int money_parse(struct str text, unsigned decimals, int64_t *ret_minor, struct err *err) MUST_CHECK;

#endif
