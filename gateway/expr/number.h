/* Texts of JSON numbers, exact in both directions. Thread: any. */
#ifndef ALMONER_EXPR_NUMBER_H
#define ALMONER_EXPR_NUMBER_H

#include <stdbool.h>

#include "saga/base/buf.h"

/* The largest integer up to which every integer is a double. */
#define NUMBER_SAFE_INT INT64_C(9007199254740992)

#define NUMBER_TEXT_BYTES 32

/* The shortest decimal text that reads back as the same double ("10.1", "1e+300"); integral values without a
 * point. `value` is finite. */
void number_shortest(double value, char out[NUMBER_TEXT_BYTES]);

/* A JSON number's text: does a double hold exactly this decimal value, in that its shortest text means the
 * same number? False for 9007199254740993, 0.12345678901234567890 and 1e999. */
bool number_is_exact(struct str token);

#endif
