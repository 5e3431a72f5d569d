/* Texts of JSON numbers without loss of digits (gateway/DESIGN.md "Numbers"). Thread: any. */
#ifndef ALMONER_EXPR_NUMBER_H
#define ALMONER_EXPR_NUMBER_H

#include <stdbool.h>

#include "saga/base/buf.h"

/* 2^53: every integer of at most this size is a double. */
#define NUMBER_SAFE_INT INT64_C(9007199254740992)

#define NUMBER_TEXT_BYTES 32 /* the longest text is "-2.2250738585072014e-308" with its NUL: 25 bytes */

/* Writes the shortest decimal text that reads back as the same double ("10.1", "1e+300"); integers have no
 * decimal point. `value` must be finite. */
void number_shortest(double value, char out[NUMBER_TEXT_BYTES]);

/* Whether converting the text of a JSON number to a double and back (number_shortest) gives the same
 * number. False for 9007199254740993, 0.12345678901234567890 and 1e999. `token` must be a valid JSON
 * number. */
bool number_is_exact(struct str token);

#endif
