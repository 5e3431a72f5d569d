/* Durations, sizes and rates as text: "250ms" "30s" "5m" "72h" "400d" "0", "64KiB" "1MiB", "50/s" "10/m".
 * Whole numbers with a unit; only "0" and a number of bytes need none. */
#ifndef ALMONER_CONFIG_UNITS_H
#define ALMONER_CONFIG_UNITS_H

#include <stdint.h>

#include "config/config.h"
#include "saga/base/check.h"

#define UNITS_TEXT_BYTES 32 /* the size of a buffer for every text below, with its NUL */

/* Each returns 0, or ERR_INVALID when `text` has another form or its value is above 2^53. */
int units_duration(const char *text, int64_t *ret_ms) MUST_CHECK;
int units_size(const char *text, int64_t *ret_bytes) MUST_CHECK;
int units_rate(const char *text, struct config_rate *ret_rate) MUST_CHECK;

/* The reverse: writes the value in the largest unit that divides it without rest. */
void units_duration_text(int64_t ms, char out[UNITS_TEXT_BYTES]);
void units_size_text(int64_t bytes, char out[UNITS_TEXT_BYTES]);
void units_rate_text(struct config_rate rate, char out[UNITS_TEXT_BYTES]);

/* The forms: in words for messages, and as ECMA regular expressions for the schema. */
#define UNITS_DURATION_FORM    "a duration such as \"250ms\", \"30s\", \"5m\", \"72h\", \"400d\" or \"0\""
#define UNITS_SIZE_FORM        "a size such as \"64KiB\", \"1MiB\" or a number of bytes"
#define UNITS_RATE_FORM        "a rate such as \"50/s\", \"10/m\" or \"0/s\" for no limit"
#define UNITS_DURATION_PATTERN "^(0|[0-9]+(ms|s|m|h|d))$"
#define UNITS_SIZE_PATTERN     "^[0-9]+(B|KiB|MiB|GiB)?$"
#define UNITS_RATE_PATTERN     "^[0-9]+/(s|m|h)$"

#endif
