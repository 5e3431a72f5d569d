/* Amounts of money as integers of the currency's smallest unit. Decimal digits only, never a double. */
#ifndef ALMONER_GATEWAY_INTAKE_PIPELINE_MONEY_H
#define ALMONER_GATEWAY_INTAKE_PIPELINE_MONEY_H

#include <stdbool.h>
#include <stdint.h>

#include "saga/base/buf.h"
#include "saga/base/err.h"

#define MONEY_TEXT_BYTES 32
/* The largest amount, so that it survives as a number everywhere (2^53 - 1). */
#define MONEY_MINOR_MAX INT64_C(9007199254740991)

/* Is it a currency code of ISO 4217 with a minor unit, in either case? Gives it in upper case and the number
 * of decimals. */
bool money_currency(struct str text, char ret_code[4], unsigned *ret_decimals);

/* "12.5" with 2 decimals → 1250. Digits, one point, an optional '-'; zeros beyond the decimals are fine,
 * other digits are not. ERR_INVALID says what is wrong, without naming a field. */
int money_parse(struct str text, unsigned decimals, int64_t *ret_minor, struct err *err) MUST_CHECK;

/* 1250 → "12.50". */
void money_text(int64_t minor, unsigned decimals, char out[MONEY_TEXT_BYTES]);

#endif
